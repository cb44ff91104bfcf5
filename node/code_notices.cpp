// What head office's outbox carries besides one-time codes: vouchers for members, and what the station has to tell.
#include <algorithm>

#include "ledger/cards.hpp"
#include "ledger/money.hpp"
#include "node/code_office.hpp"
#include "node/notice_words.hpp"
#include "node/voucher_grants.hpp"
#include "storage/kv_state.hpp"
#include "sync/notice.hpp"
#include "sync/voucher_code.hpp"

namespace tally {
namespace {

constexpr std::string_view sent_prefix = "nvoucher-sent/";
constexpr std::size_t moved_per_tick = 100, looked_per_tick = 1'000, forgotten_per_tick = 100;
constexpr std::uint32_t consent_sms = 1, consent_offers = 1 << 4;

bool agreed(const member_view& v, message_kind kind) {
  auto needed = kind == message_kind::voucher ? consent_sms | consent_offers : consent_sms;
  return (v.profile.consents & needed) == needed;
}

const rules_record* rules_now(const node_snapshot& s) { return s.rules->rules(s.rules->version_at(s.business_date)); }

std::string money_text(amount sum, const rules_record& rules) {
  return format_amount(sum, static_cast<int>(rules.exponent)) + " " + rules.currency;
}

/// As old as what it tells of; of a fee there is nothing to tell once it is taken.
unix_seconds good_until(const notice& n) {
  auto last = n.at + outbox_limits{}.notice_good_for;
  if (n.kind == notice_kind::fee) return std::min(last, start_of_day(n.day));
  return n.kind == notice_kind::expiry ? std::min(last, start_of_day(n.day + 1)) : last;
}

}  // namespace

std::string sent_voucher_name(account_id voucher) { return "voucher-sent/" + std::to_string(voucher.value); }

// A crash may have come between a record and its message: one that waits and is not in the outbox is added again, one
// that does not wait any more leaves it.
void code_office::load_sent() {
  for (auto c = with_.node.store().scan(family::meta, sent_prefix); c->valid() && c->key().starts_with(sent_prefix);
       c->next()) {
    auto v = decode_sent_voucher(c->value());
    if (v) {
      sent_.put(std::move(*v));
    } else {
      with_.log(v.code(), v.error().detail + " is left out: " + std::string(c->key().substr(1)));
    }
  }
  std::set<account_id> there;
  for (const auto& m : box_.waiting()) {
    if (m.kind != message_kind::voucher) continue;
    const auto* v = sent_.find(m.voucher);
    if (v && v->state == sent_state::waits) {
      there.insert(m.voucher);
    } else if (auto over = box_.done(m.number)) {
      keep(*over);
    }
  }
  for (const auto& [voucher, v] : sent_.all())
    if (v.state == sent_state::waits && !there.contains(voucher)) post_voucher(v);
}

/// Puts its message into the outbox. REQUIRES: the record is on its way to the disk, before it.
void code_office::post_voucher(const sent_voucher& v, std::function<void(bool)> durable) {
  outbox_message m;
  m.kind = message_kind::voucher;
  m.card = v.card;
  m.member = v.member;
  m.voucher = v.voucher;
  if (v.until != 0) m.expires = start_of_day(v.until + 1);
  auto ready = box_.next_notice(with_.now(), std::move(m));
  for (const auto& changed : box_.add(ready))
    keep(changed, durable);
}

void code_office::keep_sent(const sent_voucher& v) {
  sent_.put(v);
  // Somebody waits for it, so that it is written at once, in order.
  with_.node.remember(sent_voucher_name(v.voucher), encode_sent_voucher(v), [](bool) {});
}

// Once a day: what nobody can use any more.
void code_office::forget_old() {
  auto today = day_of(with_.now());
  if (today == forgot_on_) return;
  auto old = sent_.forget_old(today, forgotten_per_tick);
  for (auto voucher : old)
    with_.node.remember(sent_voucher_name(voucher), std::nullopt, {});
  if (old.size() < forgotten_per_tick) forgot_on_ = today;
}

// What the station wrote is erased behind the message: a crash in between finds the message, and adds no second one.
// Units expire for many cards on one day: while the outbox is more than half full, what is told of that stays where it
// is, so that what is told of levels and fees has room.
void code_office::move_notices() {
  const bool crowded = box_.more_than_half_full();
  const auto now = with_.now();
  std::size_t moved = 0, looked = 0;
  auto c = with_.node.store().scan(family::meta, notices_at_.empty() ? bytes(notice_prefix) : notices_at_);
  for (notices_at_.clear(); c->valid() && c->key().starts_with(notice_prefix); c->next()) {
    bytes key(c->key());
    if (moved >= moved_per_tick || looked++ >= looked_per_tick) {
      notices_at_ = std::move(key);
      return;
    }
    if (moving_.contains(key)) continue;
    auto n = decode_notice(c->value());
    if (!n) with_.log(n.code(), n.error().detail + " is left out");
    if (n && n->kind == notice_kind::expiry && crowded && good_until(*n) > now) continue;
    auto origin = key.substr(notice_prefix.size());
    if (n && !box_.has(origin)) {
      outbox_message m;
      m.kind = n->kind == notice_kind::level ? message_kind::level
               : n->kind == notice_kind::fee ? message_kind::fee
                                             : message_kind::expiry;
      m.card = n->card;
      m.from = n->from;
      m.to = n->to;
      m.up_to = n->fee;
      m.day = n->day;
      m.origin = origin;
      m.expires = good_until(*n);
      auto no = m.expires > now ? box_.may_note(n->card) : errc::timeout;
      if (no == errc::full) return;  // it stays where it is until there is room, or it is too old
      if (no == errc::ok) {
        auto ready = box_.next_notice(now, std::move(m));
        for (const auto& changed : box_.add(ready))
          keep(changed, [](bool) {});
      } else {
        with_.log(no, "a notice for account " + std::to_string(n->card.value) + " is dropped");
      }
    }
    ++moved;
    moving_.insert(key);
    with_.node.remember(key.substr(1), std::nullopt, [this, worker = worker_, key](bool) {
      worker->post_answer([this, key] { moving_.erase(key); });
    });
  }
}

std::optional<std::string> code_office::notice_for(const outbox_message& m, const member_view& to) const {
  if (!agreed(to, m.kind) || (m.kind == message_kind::voucher && to.member != m.member)) return std::nullopt;
  auto s = with_.node.snapshot();
  const auto* rules = rules_now(*s);
  if (!rules) return std::nullopt;
  if (m.kind == message_kind::voucher) return voucher_message(m, *rules);
  durable_state st(with_.node.store());
  auto card = card_of(st, m.card);
  if (!card || is_final(card->status)) return std::nullopt;
  if (m.kind == message_kind::fee) return fee_text(from_.words, money_text(m.up_to, *rules), date_text(m.day));
  if (m.kind == message_kind::expiry) {
    const auto* p = rules->programme.purse(m.from);
    if (!p) return std::nullopt;  // no rule knows it any more
    auto units = p->kind == purse_kind::bonus ? money_text(m.up_to, *rules) : std::to_string(m.up_to);
    return expiry_text(from_.words, name_of(p->names, from_.words), units, date_text(m.day));
  }
  const auto& levels = rules->programme.levels;
  auto level = std::ranges::find(levels, m.to, &level_rule::id);
  if (m.to != 0 && level == levels.end()) return std::nullopt;  // no rule knows it any more
  return level_text(from_.words, m.to == 0 ? "" : name_of(level->names, from_.words), m.to > m.from);
}

std::optional<std::string> code_office::voucher_message(const outbox_message& m, const rules_record& rules) const {
  auto s = with_.node.snapshot();
  durable_state st(with_.node.store());
  auto g = granted_at(with_.node.store(), m.voucher);
  if (!g || !from_.signs || !is_whole(st, *g, s->self, s->business_date)) return std::nullopt;
  const voucher_code code{g->account, {g->words.purse, g->units, g->words.until}};
  std::string what = money_text(g->units, rules);
  if (g->words.purse != purse_paid) {
    const auto* p = rules.programme.purse(g->words.purse);
    if (!p) return std::nullopt;
    what = name_of(p->names, from_.words) + " " + (g->units > 1 ? std::to_string(g->units) + " × " : "") +
           money_text(p->off, rules);
  }
  return voucher_text(from_.words, what, g->words.until == 0 ? "" : date_text(g->words.until),
                      make_voucher_code(*from_.signs, with_.chain, code));
}

/// Cards whose members are looked up one after the other.
struct code_office::sending {
  std::string batch;
  std::vector<account_id> cards;
  std::vector<voucher_sent> out;
  std::vector<granted> free;  ///< vouchers that can be given, the next one last
  bool kept = true;           ///< all that was to be kept is, so far
  answer<std::vector<voucher_sent>> done;
};

void code_office::send_vouchers(std::string batch, std::vector<account_id> cards,
                                answer<std::vector<voucher_sent>> done) {
  using told_type = answer<std::vector<voucher_sent>>;
  auto ask = std::make_shared<sending>();
  ask->batch = std::move(batch);
  ask->cards = std::move(cards);
  worker_->ask<told_type>(std::move(done), [this, ask](const told_type& told) {
    if (sends_) return told(error{errc::busy, "vouchers are being sent already; try again"});
    bool any = false;
    if (!find_free(*ask, any)) return told(error{errc::io, "the vouchers cannot be read"});
    if (!any) return told(error{errc::not_found, "there is no batch \"" + ask->batch + "\""});
    sends_ = true;
    ask->done = told;
    send_next(ask);
  });
}

/// The vouchers of the batch that nobody was sent and nobody has taken, as many as can be wanted.
bool code_office::find_free(sending& s, bool& any) const {
  auto shown = with_.node.snapshot();
  durable_state st(with_.node.store());
  bool read = each_granted(with_.node.store(), [&](const granted& g) {
    if (g.words.batch != s.batch) return true;
    any = true;
    if (!sent_.find(g.account) && is_whole(st, g, shown->self, shown->business_date)) s.free.push_back(g);
    return s.free.size() < s.cards.size();
  });
  std::ranges::reverse(s.free);
  return read && !st.read_failed();
}

void code_office::send_next(const std::shared_ptr<sending>& s) {
  for (; s->out.size() < s->cards.size();) {
    const auto account = s->cards[s->out.size()];
    auto card = card_of(durable_state(with_.node.store()), account);
    if (!card || account.value == 0) {
      s->out.push_back(
          {.card = account, .why = errc::unknown_card, .detail = "head office has issued no card with this number"});
    } else if (card->status != card_status::active) {
      s->out.push_back({.card = account, .why = errc::card_blocked, .detail = "the card is not in use"});
    } else {
      from_.members.of_card(account, [this, worker = worker_, s](const result<std::optional<member_view>>& owner) {
        worker->post_answer([this, s, owner] { send_one(s, owner); });
      });
      return;
    }
  }
  // Written in order: when this is on the disk, so is all before it.
  with_.node.remember("voucher-sent-fence", std::nullopt, [this, worker = worker_, s](bool ok) {
    worker->post_answer([this, s, ok] {
      sends_ = false;
      ok ? s->done(std::move(s->out)) : s->done(error{errc::io, "what was sent could not be kept"});
    });
  });
}

void code_office::send_one(const std::shared_ptr<sending>& s, const result<std::optional<member_view>>& owner) {
  voucher_sent row{.card = s->cards[s->out.size()]};
  if (!owner) {
    row.why = owner.code();
    row.detail = owner.error().detail;
  } else if (!*owner) {
    row.why = errc::not_found;
    row.detail = "the card has no member";
  } else {
    row = assign(*s, row.card, **owner);
  }
  s->out.push_back(std::move(row));
  send_next(s);
}

voucher_sent code_office::assign(sending& s, account_id card, const member_view& owner) {
  auto refused = [card](errc why, std::string detail) {
    return voucher_sent{.card = card, .why = why, .detail = std::move(detail)};
  };
  const auto told = [card](const sent_voucher& v) { return voucher_sent{card, v.voucher, v.state, v.at}; };
  const auto* had = sent_.had(s.batch, owner.member, owner.profile.cards);
  const bool over = had && (had->state == sent_state::too_old || had->state == sent_state::dropped);
  if (had && (!over || had->member != owner.member)) return told(*had);
  if (owner.profile.phones.empty()) return refused(errc::not_applicable, "the member has no telephone");
  if (!agreed(owner, message_kind::voucher))
    return refused(errc::not_allowed, "the member has not agreed to offers by SMS");
  if (auto no = box_.may_note(card); no != errc::ok)
    return refused(no, no == errc::full ? "the outbox is full" : "too many messages wait for this card");
  sent_voucher v;
  if (had) {
    auto g = granted_at(with_.node.store(), had->voucher);
    auto shown = with_.node.snapshot();
    if (!g || !is_whole(durable_state(with_.node.store()), *g, shown->self, shown->business_date)) return told(*had);
    v = *had;
    v.card = card;
  } else {
    if (sent_.is_full()) return refused(errc::full, "too many vouchers were sent that are good still");
    if (s.free.empty()) return refused(errc::insufficient, "no voucher of the batch is left");
    v = {.voucher = s.free.back().account,
         .card = card,
         .member = owner.member,
         .batch = s.batch,
         .until = s.free.back().words.until};
    s.free.pop_back();
  }
  v.state = sent_state::waits;
  v.at = with_.now();
  keep_sent(v);
  post_voucher(v, [](bool) {});
  return told(v);
}

}  // namespace tally
