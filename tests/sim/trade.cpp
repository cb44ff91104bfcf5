// People: head office's operators, and customers at tills.
#include <algorithm>

#include "ledger/risk.hpp"
#include "sim/world.hpp"
#include "storage/entry_codec.hpp"

namespace tally::sim {
namespace {

constexpr tick_ms till_patience = 6'000;
constexpr std::size_t receipts_max = 12;
constexpr std::uint64_t unknown_account = 99'999;
entry card_entry(const plan& how, account_id account, card_status status) {
  entry e;
  e.kind = entry_kind::map_media;
  e.account = account;
  byte_writer medium;
  medium.u64be(account.value);
  medium.u64be(account.value);
  e.medium = medium.take();
  // Every third card is a member's where the rules have such a kind, and each was born in some month.
  e.card_kind = how.programme && account.value % 3 == 0 ? member_kind : 1;
  e.birth_month = birth_month_of(account);
  e.status = status;
  e.account_version = 1;
  return e;
}

}  // namespace

std::vector<account_id> accounts_of(const world& w) {
  auto out = cards_of(w);
  for (unsigned i = 0; w.how().risk && i < vouchers; ++i)
    out.push_back(voucher_account(i));
  return out;
}

std::vector<account_id> cards_of(const world& w) {
  std::vector<account_id> out;
  for (unsigned c = 1; c <= w.how().cards; ++c)
    out.push_back({c});
  for (const auto& [id, n] : w.nodes())
    if (n.role != node_role::region)
      for (unsigned i = 0; i < w.how().stock; ++i)
        out.push_back(stock_card(id, i));
  return out;
}

// -- head office -------------------------------------------------------------------

void world::head_office_facts() {
  std::vector<entry> list;
  for (auto& [id, n] : nodes_) {
    entry e;
    e.kind = entry_kind::certify;
    e.blob = encode(n.signed_cert);
    list.push_back(e);
    if (n.role != node_role::store) continue;
    entry l;
    l.kind = entry_kind::limits;
    l.subject = {id, n.cert.epoch};
    l.limits = plan_.tight_limits ? node_limits{8'000, 20'000, 10'000, 30'000}
                                  : node_limits{50'000'000, 90'000'000, 5'000'000, 20'000'000};
    list.push_back(l);
  }
  rules_version_ = 1;
  list.push_back(rules_entry(1, plan_));
  for (unsigned i = 0; i < products; ++i)
    list.push_back(product_entry(i, 1, 100 + 250 * static_cast<amount>(i)));
  if (plan_.skipping > 0) list.push_back(open_product_entry(1));
  for (unsigned c = 1; c <= plan_.cards; ++c)
    list.push_back(card_entry(plan_, {c}, card_status::active));
  for (auto& [id, n] : nodes_) {
    if (n.role == node_role::region || plan_.stock == 0) continue;
    entry run;
    run.kind = entry_kind::allot;
    run.account = stock_card(id, 0);
    run.size = plan_.stock;
    run.subject = {id, n.cert.epoch};
    run.card_kind = 1;
    run.blob = "run of " + std::to_string(id.value);
    list.push_back(run);
    for (unsigned i = 0; i < plan_.stock; ++i)
      list.push_back(card_entry(plan_, stock_card(id, i), card_status::stock));
  }
  decrees_.push_back(std::move(list));
  for (unsigned i = 0; plan_.risk && i < vouchers; ++i)
    decrees_.push_back({grant_entry(i)});
  send_facts();
  next_decree();
  next_rulings();
}

void world::send_facts() {
  auto& hq = nodes_.at(head_office);
  if (!hq.st || decree_open_) return;
  while (!decrees_.empty() && is_decided(decrees_.front().front()))
    decrees_.pop_front();
  while (!decrees_.empty() && decrees_.front().front().kind == entry_kind::issue) {
    drop_sold(decrees_.front());
    if (!decrees_.front().empty()) break;
    decrees_.pop_front();
  }
  if (decrees_.empty()) return;
  decree_open_ = hq.st->put(facts_request{++requests_, decrees_.front()}).ok();
  wake(hq, 0);
}

void world::decreed(const facts_answer& a) {
  if (!decree_open_ || decrees_.empty()) return;
  // An answer that a crash swallowed: what was asked for again is done, and a ruling is final.
  const auto& asked = decrees_.front().front();
  bool done_before = a.code == errc::not_allowed && asked.kind == entry_kind::ruling &&
                     ruling_of(nodes_.at(head_office).st->ledger().st(), asked.subject, *asked.cites) == asked.outcome;
  if (asked.kind == entry_kind::revoke && nodes_.at(head_office).st->is_revoked(asked.subject.node)) done_before = true;
  done_before = done_before || (decree_again_ && (a.code == errc::not_found || a.code == errc::revoked));
  decree_again_ = false;
  decree_open_ = false;
  // It runs on a backup: asked for again when it goes on.
  if (a.code == errc::rolled_back) return at(30'000, [this] { send_facts(); });
  if (a.code == errc::busy) {
    for (auto& e : decrees_.front())
      if (e.kind == entry_kind::certify) renumber(e);
    return send_facts();
  }
  // Head office lost what it had of a node that retires: that comes from below, or nobody has it any more.
  if (a.code != errc::ok && restored() == head_office && asked.kind == entry_kind::close_epoch && asked.size != 0) {
    if (nodes_.at(asked.subject.node).parents.front() == head_office)
      for (auto& e : decrees_.front())
        e.size = e.kind == entry_kind::revoke
                     ? stream_reader(nodes_.at(head_office).disk).size({victim_life_, sub_stream::journal, {}})
                     : 0;
    return at(30'000, [this] { send_facts(); });
  }
  // The store took the sale back since the operator looked: there is nothing to rule about.
  if (asked.kind == entry_kind::ruling && a.code == errc::not_found) {
    rulings_.erase({asked.subject, *asked.cites});
    done_before = true;
  }
  // The holder's life ended since the operator looked: without it.
  if (asked.kind == entry_kind::ruling && a.code == errc::wrong_epoch) {
    auto& again = decrees_.front().front();
    again.peer = {};
    again.account = {};
    again.released.clear();
    return send_facts();
  }
  // Another use of the same code was ruled about since the operator looked, and less is lost: what is left.
  if (asked.kind == entry_kind::ruling && a.code == errc::bad_amount &&
      !(asked.values.empty() && asked.released.empty())) {
    auto& again = decrees_.front().front();
    again.peer = {};
    again.account = {};
    again.released.clear();
    again.values.clear();
    return send_facts();
  }
  // A card was reported lost while it was being sold: the rest is sold without it.
  if (asked.kind == entry_kind::issue && a.code == errc::not_applicable) return send_facts();
  // Whoever pays for a card that is blocked, or not known yet, has the money back; what was booked is booked once.
  const bool pays =
      asked.kind == entry_kind::top_up || asked.kind == entry_kind::adjust || asked.kind == entry_kind::hand_back;
  done_before = done_before || (pays && refuses_payment(a.code));
  // A sale with a voucher's code was reversed meanwhile: it is no case any more.
  if (asked.kind == entry_kind::ruling && a.code == errc::not_found) {
    rulings_.erase({asked.subject, *asked.cites});
    done_before = true;
  }
  // What lay at head office lay at the life before: it is delivered again.
  if (a.code != errc::ok && restored() == head_office && asked.kind == entry_kind::issue) done_before = true;
  // A sale of a card that was lost with the disk cannot be undone.
  bool lost = asked.kind == entry_kind::reverse && a.code == errc::not_found && restored() == head_office;
  bool used = asked.kind == entry_kind::reverse && a.code == errc::not_applicable;
  done_before = done_before || used || lost || (asked.kind == entry_kind::reverse && a.code == errc::already_reversed);
  ensure(a.code == errc::ok || done_before, "head office's facts are refused: " + a.detail);
  decrees_.pop_front();
  send_facts();
}

// Its node's certificate was renewed since the operator looked.
void world::renumber(entry& certify) {
  const auto& hq = nodes_.at(head_office);
  auto c = *decode_certificate(decode_signed_certificate(certify.blob)->body);
  if (c.node == head_office) return;  // signed by the root key, and renewed by hand alone
  c.serial = hq.st->certificate_of(c.node)->serial + 1;
  auto made = sign_certificate(c, head_office, *hq.keys);
  certify.blob = encode(made);
  auto& n = nodes_.at(c.node);
  if (n.cert.curve == c.curve && n.gone) {
    n.cert = c;
    n.signed_cert = made;
  }
}

// Whose answer a crash swallowed is not asked for again: operators look first, since these decisions are final.
bool world::is_decided(const entry& fact) const {
  const auto& st = nodes_.at(head_office).st->ledger().st();
  if (fact.kind == entry_kind::ruling) return ruling_of(st, fact.subject, *fact.cites).has_value();
  if (fact.kind == entry_kind::voucher_grant)
    return st.find(code_key(nodes_.at(head_office).st->ledger().self(), fact.account, true)).has_value();
  if (fact.kind == entry_kind::close_epoch) return closing_of(st, victim_life_).has_value();
  return fact.kind == entry_kind::revoke && revoking_of(st, victim_life_).has_value();
}

// Operators go through the open cases now and then, and rule about each.
void world::next_rulings() {
  at(calm_ ? dice_.between(5'000, 30'000) : plan_.pace * dice_.between(60'000, 10 * 60'000), [this] {
    if (const auto& hq = nodes_.at(head_office); hq.st) {
      for (const auto& [writer, list] : hq.st->seen().open_cases())
        for (const auto& [seq, why] : list) {
          auto [it, fresh] = rulings_.emplace(std::pair{writer, seq}, ruling_outcome{});
          // What was ruled and told nobody before head office lost it is ruled again.
          const auto same = [&](const auto& d) { return d.front().subject == writer && d.front().cites == seq; };
          if (!fresh && (restored() != head_office || std::ranges::any_of(decrees_, same))) continue;
          if (fresh) it->second = static_cast<ruling_outcome>(1 + dice_.below(3));
          entry e;
          e.kind = entry_kind::ruling;
          e.subject = writer;
          e.cites = seq;
          e.outcome = it->second;
          add_sums(e, why);
          decrees_.push_back({e});
          ++counted_.ruled;
        }
      send_facts();
    }
    next_rulings();
  });
}

void world::next_decree() {
  constexpr unsigned many_cards = 10;  // with which head office has more to do
  at(plan_.pace * dice_.between(2 * 60'000, 20 * 60'000) / (plan_.stock > many_cards ? 4 : 1), [this] {
    if (calm_) return;
    if (auto out = payout_due()) decrees_.push_back({*out});
    std::vector<entry> list;
    if (plan_.skipping > 0 && dice_.chance(300)) decrees_.push_back(goods_decree());
    if (dice_.chance(400)) {
      list.push_back(rules_entry(++rules_version_, plan_));
      list.push_back(
          product_entry(static_cast<unsigned>(dice_.below(products)), rules_version_, dice_.between(1, 2'000)));
    } else if (plan_.pins && nodes_.at(head_office).st && dice_.chance(400)) {
      list.push_back(pin_decree({1 + dice_.below(plan_.cards)}));
    } else if (plan_.stock > 0 && dice_.chance(400)) {
      list = stock_decree();
    } else if (plan_.programme && dice_.chance(300)) {
      list.push_back(dice_.chance(500) ? by_hand() : payment());
    }
    if (list.empty()) {
      entry e;
      e.kind = entry_kind::card_state;
      e.account = {1 + dice_.below(plan_.cards)};
      e.status = dice_.chance(200) ? card_status::frozen : card_status::active;
      e.birth_month = birth_month_of(e.account);
      e.account_version = 2 + static_cast<std::uint64_t>(now_);
      list.push_back(e);
    }
    decrees_.push_back(std::move(list));
    send_facts();
    next_decree();
  });
}

// -- tills -------------------------------------------------------------------------

void world::open_shop() {
  for (auto& [id, n] : nodes_)
    for (std::size_t t = 0; t < n.tills.size(); ++t)
      at(dice_.between(0, plan_.request_every), [this, &n, t] { till_acts(n, t); });
}

void world::till_acts(sim_node& n, std::size_t index) {
  auto& t = n.tills[index];
  if (n.st && !t.closed) {
    if (t.pending && now_ - t.asked_at >= till_patience) {
      ask(n, t);
    } else if (!t.pending && trading_ && now_ >= t.rests_until) {
      t.pending = think(n, t);
      show_pin(n, t, *t.pending);
      ask(n, t);
    }
  }
  auto pause = t.pending ? std::min(till_patience, plan_.request_every)
                         : std::max(t.rests_until - now_, std::min<tick_ms>(plan_.request_every, 5'000));
  at(std::max<tick_ms>(1, pause), [this, &n, index] { till_acts(n, index); });
}

void world::ask(sim_node& n, till& t) {
  t.asked_at = now_;
  t.request = ++requests_;
  t.is_back = is_back_elsewhere(nodes_.at(head_office), n, *t.pending);
  auto mark = t.mark ? verify_rollback_token(n.secret, make_rollback_token(n.secret, *t.mark)) : std::nullopt;
  if (mark && mark->epoch == n.st->ledger().self().epoch)
    ensure(!n.st->check_rollback(n.st->ledger().self(), mark->seq + 1, wall(n)),
           "a rollback that the tills had not shown at the start");
  (void)n.st->put(till_request{t.request, *t.pending, true});
  if (dice_.chance(10)) (void)n.st->put(till_request{t.request, *t.pending, true});  // an impatient finger
  wake(n, 0);
}

till_command world::think_wrong(sim_node& n, till& t, const till_key& k) {
  account_id card{1 + dice_.below(plan_.cards)};
  t.must_fail = true;
  static constexpr amount silly[] = {0, -1, amount_max + 1, INT64_MAX, INT64_MIN, 50'001};
  auto odd = silly[dice_.below(std::size(silly))];
  switch (dice_.below(8)) {
    case 0: return top_up_command{k, card, odd, tender_kind::cash};
    case 1: return top_up_command{k, {unknown_account}, 500, tender_kind::cash};
    case 2: return sale_command{k, card, {{{1}, 1}}, odd, {}};
    case 3: return sale_command{k, {}, {{{77}, 1}}, 0, {{tender_kind::cash, main_unit, 100}}};
    case 4: return sale_command{k, {}, {{{1}, odd}}, 0, {{tender_kind::cash, main_unit, 100}}};
    case 5: return sale_command{k, {}, {{{1}, 1}}, 0, {{tender_kind::cash, main_unit, odd}}};
    case 6: return reverse_command{k, dice_.chance(500) ? 0 : std::uint64_t{1} << 40};
    default:
      return top_up_command{
          {k.terminal, n.st->ledger().next() == 0 || dice_.chance(500) ? 0 : k.counter + 5'000'000, 1},
          card,
          500,
          tender_kind::cash};
  }
}

till_command world::think(sim_node& n, till& t) {
  t.must_fail = false;
  if (!t.receipts.empty() && dice_.chance(50)) {
    // A key that was answered before: the same request must give the same entry, another one must be refused.
    auto old = t.receipts[dice_.below(t.receipts.size())].command;
    if (auto* top_up = std::get_if<top_up_command>(&old); top_up && dice_.chance(500)) {
      top_up->value += 1;
      t.must_fail = true;
    }
    return old;
  }
  till_key k{t.terminal, t.counter + 1, 1};
  if (dice_.chance(plan_.wrong_permille)) return think_wrong(n, t, k);
  auto card = some_card();
  if (!t.receipts.empty() && dice_.chance(100))
    return reverse_command{k, t.receipts[dice_.below(t.receipts.size())].seq};
  if (plan_.stock > 0 && dice_.chance(120))
    if (auto c = think_stock(n, k, card)) return *c;
  if (plan_.pins && dice_.chance(60))
    if (auto c = think_pin(n, k, card)) return *c;
  if (dice_.chance(2)) return claim_command{k, card, dice_.chance(500) ? card_status::lost : card_status::frozen};
  if (dice_.chance(120))
    if (auto c = think_hold(n, t, k, card)) return *c;
  if (plan_.programme) return think_programme(n, t, k, card);
  if (dice_.chance(350))
    return top_up_command{k, card, dice_.between(100, 5'000),
                          dice_.chance(500) ? tender_kind::cash : tender_kind::bank};
  sale_command s{k, {}, {}, 0, {}};
  for (auto lines = dice_.between(1, 3); lines > 0; --lines)
    s.lines.push_back(some_line(n));
  const auto& rules = n.st->ledger().rules();
  auto basket = rules.price(s.lines, rules.version_at(UINT32_MAX));
  auto total = basket ? basket->total : 100;
  auto by = dice_.below(4);
  if (by != 0) s.account = card;
  s.card = by == 0 ? 0 : by == 1 ? total / 2 : total;
  s.partial = by != 0 && dice_.chance(200);
  if (total > s.card) s.tenders.push_back({tender_kind::cash, main_unit, total - s.card});
  return s;
}

// A card of the store's run is sold, used like any other (also where it is not known as sold yet), or comes back.
std::optional<till_command> world::think_stock(sim_node& n, const till_key& k, account_id& card) {
  if (dice_.chance(300)) {
    auto load = dice_.chance(500) ? dice_.between(100, 5'000) : 0;
    auto tender = dice_.chance(500) ? tender_kind::cash : tender_kind::bank;
    return card_sale_command{
        k, stock_card(dice_.chance(700) ? n.id : some_store(), static_cast<unsigned>(dice_.below(plan_.stock))), load,
        tender};
  }
  auto home = dice_.chance(700) ? n.id : some_home();
  card = stock_card(home, static_cast<unsigned>(dice_.below(plan_.stock)));
  if (!dice_.chance(80)) return std::nullopt;
  const auto& ledger = n.st->ledger();
  auto of = [&](std::uint32_t purse) { return holding(ledger.st(), ledger.self(), card, purse); };
  // What lies here, or all of it and something that lies elsewhere.
  auto more = dice_.chance(200) ? dice_.between(1, 500) : 0;
  return hand_back_command{k, card, of(purse_paid) + more, of(purse_deposit), tender_kind::cash};
}

// The till shows a quote and asks for what it says, or for something that lies elsewhere.
till_command world::think_programme(sim_node& n, till& t, const till_key& k, account_id card) {
  if (dice_.chance(plan_.returns_permille))
    if (auto c = think_elsewhere(n, t, k)) return *c;
  if (plan_.cards > 1 && dice_.chance(60)) {
    account_id to{1 + (card.value + dice_.below(plan_.cards - 1)) % plan_.cards};
    auto purse = static_cast<std::uint32_t>(1 + dice_.below(3));
    if (to != card) return gift_command{k, card, to, purse, dice_.between(1, 120)};
  }
  if (plan_.risk && dice_.chance(120))
    if (auto c = think_voucher(n, k, card)) return *c;
  if (dice_.chance(40)) {
    auto units = dice_.between(1, 120);
    auto purse = dice_.chance(700) ? points_purse : bonus_purse;
    return adjust_command{k, card, purse, dice_.chance(500) ? units : -units, "by hand"};
  }
  if (dice_.chance(20)) return stock_command{k, {{product_id{1}, dice_.between(1, 40)}}, dice_.chance(500)};
  if (!t.receipts.empty() && dice_.chance(80))
    return refund_command{k,
                          t.receipts[dice_.below(t.receipts.size())].seq,
                          {{{static_cast<std::uint32_t>(1 + dice_.below(products))}, dice_.between(1, 2)}},
                          dice_.chance(500),
                          tender_kind::cash};
  if (dice_.chance(350)) {
    bool package = dice_.chance(400);
    return top_up_command{
        k, card, package ? 500 : dice_.between(100, 5'000), tender_kind::cash, false, package ? 1U : 0U};
  }
  sale_command s{k, card, {}, 0, {}};
  for (auto lines = dice_.between(1, 3); lines > 0; --lines)
    s.lines.push_back(some_line(n));
  if (dice_.chance(150)) s.gifts = {{points_purse, product_id{1}, 1}};
  if (dice_.chance(250)) s.uses = {{points_purse, dice_.between(1, 60)}};
  auto now = n.st->ledger().at(wall(n));
  auto quote = quote_sale(s, now);
  auto due = quote ? quote->price.due : 100;
  auto by = dice_.below(4);
  s.card = by == 0 ? 0 : by == 1 ? due / 2 : due;
  // A card that is not good for all of it is asked for too much now and then.
  if (quote && !dice_.chance(100)) s.card = std::min(s.card, quote->price.card_max);
  s.partial = dice_.chance(200);
  if (due > s.card) s.tenders.push_back({tender_kind::cash, main_unit, due - s.card});
  return s;
}

void world::answered(sim_node& n, const till_answer& a) {
  oracle_.answered(a);
  if (verbose()) {
    const auto* e = std::get_if<entry>(&a.outcome);
    say("answer of " + std::to_string(n.id.value) + ": " +
        (e ? describe(*e) + " at " + std::to_string(a.seq)
           : std::string(errc_name(std::get<refusal>(a.outcome).why.code))) +
        (a.pulled > 0 ? " pulled " + std::to_string(a.pulled) : ""));
  }
  auto found =
      std::find_if(n.tills.begin(), n.tills.end(), [&](const till& t) { return t.pending && t.request == a.request; });
  if (found == n.tills.end()) return;
  auto& t = *found;
  auto command = std::move(*t.pending);
  t.pending.reset();
  t.rests_until = now_ + dice_.between(1, 2 * plan_.request_every);
  if (a.pulled > 0) ++counted_.pulled;
  const auto& l = links_.at(n.id);
  auto around = n.links.find(head_office);
  // What was put aside may come back while a sale waits: that came from nobody.
  auto lately = [&](entry_kind kind) {
    auto& book = n.st->ledger();
    for (auto seq = book.next(), end = seq - std::min<sequence>(seq, 8); seq > end; --seq)
      if (auto e = book.find_entry(seq - 1); e && e->kind == kind) return true;
    return false;
  };
  const bool came =
      a.pulled > 0 && l.cut && lately(entry_kind::receive) && !lately(entry_kind::time_out);  // asked of these alone
  counted_.pulled_by_detour += a.pulled > 0 && l.cut && around != n.links.end() && came;
  ensure(a.pulled == 0 || !l.cut || now_ - l.cut_since < 60'000 || around != n.links.end() || !came,
         "rights came through a cut link");
  if (const auto* r = std::get_if<refusal>(&a.outcome)) {
    ++counted_.refused;
    if (r->why.code == errc::key_reused) ++counted_.key_reused;
    if (r->why.code == errc::full) ++counted_.full;
    if (r->why.code == errc::pin_locked) ++counted_.pins_locked;
    if (r->why.code == errc::code_wrong) ++counted_.codes_wrong;
    if (r->why.code == errc::code_required) ++counted_.codes_missing;
    if (r->why.code == errc::pin_wrong) {
      // A wrong PIN uses up the request's number.
      ++counted_.pins_wrong;
      t.counter = std::max(t.counter, key_of(command).counter);
    }
    ensure(r->why.code != errc::io && r->why.code != errc::internal, "a refusal without reason: " + r->why.detail);
    return;
  }
  const auto& e = std::get<entry>(a.outcome);
  const auto& k = key_of(command);
  ensure(!t.must_fail, "a wrong request was approved: " + describe(e));
  // A customer waits for head office's word so long; what was done before is answered as it was.
  const bool asked = n.st->above() && now_ - t.asked_at < n.st->config().customer_wait_ms;
  ensure(!t.is_back || !asked || a.repeated || restored() == head_office,
         "goods that came back elsewhere came back with a line: " + describe(e));
  ensure(e.terminal == k.terminal && e.counter == k.counter, "an answer to another request: " + describe(e));
  ++(a.repeated ? counted_.repeated : counted_.approved);
  if (e.kind == entry_kind::reverse) ++counted_.reversed;
  if ((e.kind == entry_kind::issue || e.kind == entry_kind::activate) && !a.repeated) ++counted_.cards_sold;
  if (e.kind == entry_kind::hand_back && !a.repeated) ++counted_.cards_back;
  if (e.kind == entry_kind::capture && !a.repeated) ++counted_.captured;
  if (e.kind == entry_kind::refund_elsewhere && !a.repeated) ++counted_.elsewhere;
  if (e.kind == entry_kind::gift && !a.repeated) ++counted_.given;
  if (e.risk != 0 && !a.repeated) ++counted_.at_risk;
  if (e.bearer != 0 && !a.repeated) ++counted_.by_code;
  if (e.kind == entry_kind::pin_set && !a.repeated) ++counted_.pins_set;
  if (e.pin_checked != 0 && !a.repeated) ++counted_.pins_right;
  if (e.code_checked != 0 && !a.repeated) ++counted_.codes_right;
  t.counter = std::max(t.counter, k.counter);
  if (t.receipts.size() >= receipts_max) t.receipts.erase(t.receipts.begin());
  t.receipts.push_back({a.writer, a.seq, std::move(command)});
}

}  // namespace tally::sim
