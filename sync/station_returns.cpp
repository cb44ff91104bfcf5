// Requests that wait for others. Rights that lie elsewhere; all that lies on a card that is given back. Goods that come
// back to a store with a line, and sales that it reverses: what others gave back of that sale is asked of head office
// while the customer waits, as rights are. In the dark, and of what head office has not heard, it stays a case.
#include <algorithm>

#include "ledger/money.hpp"
#include "ledger/refund_price.hpp"
#include "storage/kv_state.hpp"
#include "sync/member_seal.hpp"
#include "sync/return_letter.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

constexpr tick_ms letter_alarm_ms = 60'000;
// How long head office holds a sale for the store that asked about it: while that store's customer may still wait, and
// until its entry is here, over a slow line too.
constexpr tick_ms entry_way_ms = 10'000;
constexpr char busy_text[] = "another store is giving goods of this receipt back just now: try again in a moment";
// Hints of where value lies are for display; the oldest account's is forgotten first.
constexpr std::size_t hints_max = 10'000;

/// Of which sale a request gives what back; nothing for another request.
struct goods_asked {
  writer_id seller;
  sequence seq{};
  std::vector<line_item> lines;
  bool whole = false;  ///< a reversal: all of it, or nothing
};
std::optional<goods_asked> goods_of(const till_command& c, const book& b) {
  if (const auto* own = std::get_if<refund_command>(&c)) return goods_asked{b.self(), own->seq, own->lines};
  if (const auto* other = std::get_if<refund_elsewhere_command>(&c))
    return goods_asked{other->writer, other->seq, other->lines};
  const auto* undo = std::get_if<reverse_command>(&c);
  auto sale = undo ? b.find_entry(b.self(), undo->seq) : std::nullopt;
  if (!sale || !sells(sale->kind)) return std::nullopt;
  goods_asked out{b.self(), undo->seq, {}, true};
  for (const auto& l : sale->lines) {
    auto same = std::ranges::find(out.lines, l.product, &line_item::product);
    if (same == out.lines.end()) {
      out.lines.push_back({l.product, l.quantity});
    } else {
      same->quantity += l.quantity;
    }
  }
  return out;
}

/// What is left of a sale for this node, with what others gave back.
std::optional<error> too_many(const goods_asked& g, const entry& sale, const return_answer& a, const state& st,
                              const writer_id& self) {
  for (const auto& l : g.lines) {
    auto left = sold_of(sale, l.product);
    auto there = std::ranges::find(a.pieces, l.product, &line_item::product);
    auto others = a.reversed ? left : there == a.pieces.end() ? 0 : std::min(there->quantity, left);
    auto peer = g.seller == self ? writer_id{} : g.seller;
    left -= others +
            number(st, {.type = cell_type::refunded, .a = g.seq, .b = l.product.value, .writer = self, .peer = peer});
    if (others <= 0 || l.quantity <= left) continue;
    auto what =
        "of product " + std::to_string(l.product.value) + " " + std::to_string(others) + " came back at other stores: ";
    if (g.whole) return error{errc::already_reversed, what + "give back what is left as goods of that receipt"};
    return error{errc::already_reversed, what + std::to_string(std::max<std::int64_t>(left, 0)) + " can be given back"};
  }
  return std::nullopt;
}

/// Others keep a part of a card that is given back, after all were asked: it would stay behind on a card that is gone.
/// Nobody knows when the parent gave no answer: then it is as in the dark.
std::optional<refusal> left_behind(const waiting_sale& sale, const std::optional<elsewhere_hint>& told,
                                   account_id account, const book& b) {
  if (!std::holds_alternative<hand_back_command>(sale.request.command) || sale.unanswered) return std::nullopt;
  amount rest = std::clamp<amount>(told ? told->value : 0, 0, amount_max);
  if (told)
    for (const auto& u : told->units)
      if (u.purse == purse_deposit) rest += std::clamp<amount>(u.units, 0, amount_max);
  rest = std::max(rest, sale.part);  // a region without a line still knows what lies below it
  if (rest == 0) return std::nullopt;
  const auto* rules = b.rules().newest();
  auto text = format_amount(rest, rules ? static_cast<int>(rules->exponent) : 2);
  return refusal{{errc::insufficient,
                  text + " of the card's money lies elsewhere and could not be fetched: ask again when that store has "
                         "a line, or let head office take the card back"},
                 account,
                 holding(b.st(), b.self(), account),
                 rest};
}

std::vector<std::uint32_t> bonus_purses(const catalogue& rules, std::uint32_t today) {
  std::vector<std::uint32_t> out;
  if (const auto* r = rules.rules(rules.version_at(today)))
    for (const auto& p : r->programme.purses)
      if (p.kind == purse_kind::bonus) out.push_back(p.id);
  return out;
}

}  // namespace

// All purses that lack are asked for at once. Money of a card is paid money and bonus: what lacks may come from either,
// but when the card is given back, for bonus is not paid out.
void station::wait_for_rights(const till_request& r, const refusal& why) {
  auto id = random_id();
  auto account = why.account;
  auto today = business_date(book_->st(), book_->self(), now_, book_->hq_time());
  std::vector<std::pair<std::uint32_t, amount>> wanted;
  auto lacks = why.lacks;
  if (lacks.empty()) lacks.push_back({why.purse, why.here.value_or(0), why.missing});
  for (const auto& l : lacks) {
    wanted.emplace_back(l.purse, held_here(account, l.purse) + l.missing);
    if (l.purse != purse_paid || std::holds_alternative<hand_back_command>(r.command)) continue;
    for (auto purse : bonus_purses(book_->rules(), today))
      wanted.emplace_back(purse, held_here(account, purse) + l.missing);
  }
  auto& sale = waiting_.emplace(id, waiting_sale{r, held_here(account, purse_paid), {}, {}}).first->second;
  std::vector<std::uint64_t> needs;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    needs.push_back(i == 0 ? id : random_id());
  sale.needs.insert(needs.begin(), needs.end());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    needs_.emplace(needs[i], sale_need{id, wanted[i].first});
  // An ask may end at once, and the last of them answers the till.
  for (std::size_t i = 0; i < wanted.size() && waiting_.count(id); ++i)
    custodian_.need(needs[i], account, wanted[i].first, wanted[i].second, customer_wait_ms(), tick_, now_, *this);
}

// An ask for one purse tells nothing of the others.
void station::note_elsewhere(account_id account, std::uint32_t purse, const told_message& m) {
  if (hints_.size() >= hints_max) hints_.erase(hints_.begin());
  auto& hint = hints_[account];
  ++hint.told;
  if (purse == 0) {
    hint = {m.elsewhere, m.as_of, m.units, hint.told};
  } else if (purse == purse_paid) {
    hint.value = m.elsewhere;
    hint.as_of = m.as_of;
  } else {
    std::erase_if(hint.units, [&](const unit_use& u) { return u.purse == purse; });
    if (m.elsewhere > 0) hint.units.push_back({purse, m.elsewhere});
  }
  open_effects_.push_back(hint_effect{account, hint});
}

void station::finished(std::uint64_t own_request, account_id account, const told_message& m) {
  if (calendar_.netting_asks.erase(own_request) != 0) return;  // the next look finds what came
  auto found = needs_.find(own_request);
  // A question of no sale is about all purses. Where only a purse was asked for, a hint of the money must be there.
  auto purse = found == needs_.end() ? 0 : found->second.purse;
  // A part is no word of all: what was told before stands, with its age, less what came since.
  bool whole = m.code == errc::ok && m.as_of != 0;
  if (whole && (purse <= purse_paid || hints_.count(account))) note_elsewhere(account, purse, m);
  if (m.code == errc::timeout && !std::exchange(parent_silent_, true))
    if (auto p = above()) open_effects_.push_back(to_neighbour{*p, alive_message{true}});
  if (found == needs_.end()) return;
  auto id = found->second.waiting;
  needs_.erase(found);
  auto& sale = waiting_.at(id);
  sale.needs.erase(own_request);
  // A region that is dark itself answers for what lies below it.
  const bool part = m.code == errc::timeout || m.code == errc::offline || (m.code == errc::ok && m.as_of == 0);
  sale.unanswered = sale.unanswered || part;
  if (m.code == errc::ok && (purse == purse_paid || purse == purse_deposit))
    sale.part += std::clamp<amount>(m.elsewhere, 0, amount_max);
  if (!sale.needs.empty()) return;  // with all that comes the rules' order can be kept
  end_wait(id, account);
}

void station::end_wait(std::uint64_t waiting, account_id account) {
  auto it = waiting_.find(waiting);
  auto sale = std::move(it->second);
  waiting_.erase(it);
  for (auto left : sale.needs)
    needs_.erase(left);
  if (auto no = left_behind(sale, hint(account), account, *book_)) {
    sale.joined.insert(sale.joined.begin(), sale.request.request);
    for (auto request : sale.joined) {
      till_answer out;
      out.request = request;
      out.writer = book_->self();
      out.outcome = *no;
      answer(std::move(out));
    }
    return;
  }
  auto pulled = std::max<amount>(held_here(account, purse_paid) - sale.before, 0);
  decide_till(sale.request, true, pulled, sale.unanswered);
  for (auto again : sale.joined)
    decide_till({again, sale.request.command, false}, true, pulled, sale.unanswered);
}

// What was done before is answered from the journal, and what is refused anyway needs no question.
bool station::ask_about_returns(const till_request& r) {
  auto goods = goods_of(r.command, *book_);
  if (!goods || !r.may_wait || config_.role != node_role::store || !above() || parent_silent_ || disk_low_ ||
      stands_still())
    return false;
  // Where each message costs money, a sale that waits for others to travel with is taken back as it is made: nobody
  // above has heard of it. Whoever sets that window has its sales in the dark for so long.
  if (config_.batch_ms > 0 && goods->seller == book_->self() && goods->seq >= held_above()) return false;
  if (waiting_.size() >= config_.urgent_max || goods->lines.empty() || goods->lines.size() > lines_max) return false;
  auto d = decide(r.command, book_->at(now_));
  const auto* no = std::get_if<refusal>(&d);
  if (std::holds_alternative<replayed>(d) || (no && no->why.code != errc::insufficient)) return false;
  return_question q{random_id(), book_->self(), goods->seller, goods->seq, {}};
  for (const auto& l : goods->lines)
    q.products.push_back(l.product);
  if (!post_sealed(head_office, as_return_letter, encode_return_question(q))) return false;
  auto& wait = waiting_.emplace(q.id, waiting_sale{r, 0, {}, {}}).first->second;
  wait.returns_due = tick_ + customer_wait_ms();
  return true;
}

// New keys whose certificate is here already are not in use before the next start: until then nothing is sealed.
bool station::post_sealed(node_id to, bytes (*named)(byte_view), byte_view text) {
  auto theirs = curve_key_of(to), own = curve_key_of(config_.self);
  if (!config_.letters || !theirs || own != config_.letters->pub) return false;
  return post({config_.self, to, named(seal_letter(*config_.letters, *theirs, text, random_))});
}

// What does not open was changed or made up by whoever passed it on, or its writer has other keys: nobody goes by it.
// Who asked goes on as in the dark.
void station::on_return_letter(node_id from, byte_view sealed) {
  const bool office = config_.role == node_role::hq;
  if (!config_.letters || office == (from == head_office)) return;
  auto theirs = curve_key_of(from);
  if (!theirs || curve_key_of(config_.self) != config_.letters->pub) return;
  auto text = open_letter(*config_.letters, *theirs, sealed);
  if (text && (office ? answer_about_returns(from, *text) : heed_returns(*text))) return;
  if (tick_ < care_.letter_alarm_due) return;
  care_.letter_alarm_due = tick_ + letter_alarm_ms;
  open_effects_.push_back(alarm_effect{errc::bad_proof, "a letter about goods that came back, in the name of node " +
                                                            std::to_string(from.value) +
                                                            ", is not what it sealed: it counts for nothing"});
}

// Head office alone: what it has of all journals, at once. False: that is no question of this node. Where something is
// left to give back, by what is here, one store at a time does so.
bool station::answer_about_returns(node_id from, byte_view text) {
  auto q = decode_return_question(text);
  if (!q || q->asker.node != from) return false;
  const auto& seen = observer_->st();
  return_answer a{q->id, false, {}, false};
  cell_key reversed{.type = cell_type::reversed, .a = q->seq, .b = 0, .writer = q->seller, .peer = {}};
  const bool undone = seen.find(reversed).has_value();
  a.reversed = q->seller != q->asker && undone;
  auto sale = find_foreign({q->seller, sub_stream::journal, {}}, q->seq);
  bool left = !sale;
  auto writers = observer_->writers();
  for (auto product : q->products) {
    std::int64_t sum = 0, own = 0, all = 0;
    for (const auto& w : writers) {
      auto peer = w == q->seller ? writer_id{} : q->seller;
      cell_key k{.type = cell_type::refunded, .a = q->seq, .b = product.value, .writer = w, .peer = peer};
      auto& of = w == q->asker ? own : sum;
      if (!checked_add(of, number(seen, k), of)) of = INT64_MAX;
    }
    if (sum > 0) a.pieces.push_back({product, sum});
    left = left || !checked_add(sum, own, all) || all < sold_of(*sale, product);
  }
  auto hold = 2 * static_cast<tick_ms>(config_.customer_wait_ms) + entry_way_ms;
  if (left && !undone && !return_holds_.ask(q->seller, q->seq, from, tick_, hold)) a = {q->id, false, {}, true};
  (void)post_sealed(from, as_return_letter, encode_return_answer(a));
  return true;
}

// False: that is no answer.
bool station::heed_returns(byte_view text) {
  auto a = decode_return_answer(text);
  if (!a) return false;
  auto it = waiting_.find(a->id);
  if (it == waiting_.end() || it->second.returns_due == 0) return true;  // late, or nobody asked
  auto sale = std::move(it->second);
  waiting_.erase(it);
  auto goods = goods_of(sale.request.command, *book_);
  invariant(goods.has_value(), "a request that was asked about");
  const auto* other = std::get_if<refund_elsewhere_command>(&sale.request.command);
  auto sold = other ? std::optional(other->sale) : book_->find_entry(book_->self(), goods->seq);
  auto no = sold ? too_many(*goods, *sold, *a, book_->st(), book_->self()) : std::nullopt;
  if (a->busy) no = error{errc::busy, busy_text};
  sale.joined.insert(sale.joined.begin(), sale.request.request);
  for (auto request : sale.joined) {
    if (!no) {
      // Rights that lack may still be asked for, by the first; whoever asks again joins it.
      till_request again{request, sale.request.command, sale.request.may_wait};
      if (request == sale.request.request) {
        decide_till(again, false, 0);
      } else {
        on_till(again);
      }
      continue;
    }
    till_answer out;
    out.request = request;
    out.writer = book_->self();
    out.outcome = refusal{*no, sold ? sold->account : account_id{}, {}, 0};
    answer(std::move(out));
  }
  return true;
}

// Head office did not answer in time: decided by what is known here.
void station::end_return_waits() {
  std::vector<waiting_sale> over;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    bool late = it->second.returns_due != 0 && it->second.returns_due <= tick_;
    if (late) over.push_back(std::move(it->second));
    it = late ? waiting_.erase(it) : std::next(it);
  }
  for (const auto& sale : over) {
    decide_till(sale.request, true, 0);
    for (auto again : sale.joined)
      decide_till({again, sale.request.command, false}, true, 0);
  }
}

}  // namespace tally
