#include "node/code_office.hpp"

#include <algorithm>

#include "ledger/cards.hpp"
#include "ledger/pins.hpp"
#include "node/code_words.hpp"
#include "storage/kv_state.hpp"
#include "sync/member_seal.hpp"
#include "sync/open_questions.hpp"

namespace tally {
namespace {

/// Where `node_facade::remember` keeps what begins so: family meta, behind an "n".
constexpr std::string_view stored_prefix = "noutbox/";
constexpr std::size_t ends_in_digits = 2;

std::string record_name(std::uint64_t number) { return "outbox/" + std::to_string(number); }

std::string end_of(const std::string& telephone) {
  return telephone.substr(telephone.size() - std::min(telephone.size(), ends_in_digits));
}

/// 000000 to 999999, evenly.
std::string draw_code(entropy& random) {
  constexpr std::uint32_t all = 1'000'000, even = UINT32_MAX / all * all;
  for (;;) {
    std::array<std::uint8_t, 4> o{};
    random.fill(o);
    auto v = std::uint32_t{o[0]} << 24 | std::uint32_t{o[1]} << 16 | std::uint32_t{o[2]} << 8 | o[3];
    if (v < even) return std::to_string(all + v % all).substr(1);
  }
}

}  // namespace

std::unique_ptr<code_office> code_office::start(pin_parts parts, code_sources sources) {
  std::unique_ptr<code_office> out(new code_office(std::move(parts), std::move(sources)));
  out->load();
  auto* self = out.get();
  out->worker_->start([self] { self->tick(); });
  return out;
}

code_office::~code_office() { worker_->stop(); }

void code_office::load() {
  for (auto c = with_.node.store().scan(family::meta, stored_prefix); c->valid() && c->key().starts_with(stored_prefix);
       c->next()) {
    auto m = decode_outbox_message(c->value());
    if (m) {
      box_.restore(std::move(*m));
    } else {
      with_.log(m.code(), "outbox: " + m.error().detail + " is left out: " + std::string(c->key().substr(1)));
    }
  }
  load_sent();
}

void code_office::keep(const outbox_message& m, std::function<void(bool)> durable) {
  with_.node.remember(record_name(m.number), encode_outbox_message(m), std::move(durable));
}

void code_office::tick() {
  auto changes = box_.look(with_.now());
  for (const auto& m : changes.store) {
    ended(m, sent_state::too_old);
    keep(m);
  }
  for (auto number : changes.erase)
    with_.node.remember(record_name(number), std::nullopt, {});
  move_notices();
  forget_old();
}

/// What became of a voucher is kept before its message is forgotten.
void code_office::ended(const outbox_message& m, sent_state how) {
  const auto* v = m.kind == message_kind::voucher ? sent_.find(m.voucher) : nullptr;
  if (!v) return;
  auto changed = *v;
  changed.state = how;
  changed.at = with_.now();
  keep_sent(changed);
}

void code_office::reply(node_id to, const code_answer& a) {
  auto curve = with_.curve_of(to);
  if (!curve) return;  // revoked meanwhile
  with_.node.post(to, as_pin_letter(seal_letter(with_.curve, *curve, encode_code_answer(a), with_.random)));
}

void code_office::take_question(node_id from, bytes text) {
  (void)worker_->post([this, from, text = std::move(text)] {
    auto q = decode_code_question(text);
    if (!q) return with_.log(q.code(), "a letter from node " + std::to_string(from.value) + ": " + q.error().detail);
    // A letter that somebody sends again sends no second message.
    if (box_.served(from, q->id) || looking_.contains(q->id)) return;
    if (auto no = box_.may_send(with_.now(), from, q->account)) {
      with_.log(no->code, "no code for account " + std::to_string(q->account.value) + ", asked for by node " +
                              std::to_string(from.value) + ": too many");
      return reply(from, {.id = q->id, .code = no->code, .seconds = static_cast<std::uint32_t>(no->wait)});
    }
    if (looking_.size() >= questions_max) return reply(from, {.id = q->id, .code = errc::full});
    auto card = card_of(durable_state(with_.node.store()), q->account);
    if (!card || is_final(card->status)) return reply(from, {.id = q->id, .code = errc::not_found});
    looking_[q->id] = q->account;
    from_.members.of_card(q->account,
                          [this, worker = worker_, from, q = *q](const result<std::optional<member_view>>& owner) {
                            worker->post_answer([this, from, q, owner] { found(from, q, owner); });
                          });
  });
}

void code_office::found(node_id from, const code_question& q, const result<std::optional<member_view>>& owner) {
  looking_.erase(q.id);
  if (!owner) {
    with_.log(owner.code(), "the member of account " + std::to_string(q.account.value) + ": " + owner.error().detail);
    return reply(from, {.id = q.id, .code = errc::not_found});
  }
  if (!*owner || (*owner)->profile.phones.empty()) return reply(from, {.id = q.id, .code = errc::not_found});
  auto now = with_.now();
  // Once more: others may have been served while the member was looked up.
  if (auto no = box_.may_send(now, from, q.account))
    return reply(from, {.id = q.id, .code = no->code, .seconds = static_cast<std::uint32_t>(no->wait)});
  auto m =
      box_.next(now, from, q.account, q.id, q.up_to, end_of((*owner)->profile.phones.front()), draw_code(with_.random));
  code_answer a{.id = q.id, .number = m.number, .ends_in = m.ends_in};
  a.seconds = static_cast<std::uint32_t>(m.expires - m.at);
  with_.random.fill(a.verifier.salt);
  auto hash = from_.hasher.hash(m.code, a.verifier.salt);
  if (!hash) return reply(from, {.id = q.id, .code = errc::full});
  a.verifier.hash = *hash;
  for (const auto& changed : box_.add(m)) {
    if (changed.number != m.number) {
      keep(changed);
      continue;
    }
    keep(changed, [this, worker = worker_, from, a](bool ok) {
      worker->post_answer([this, from, a, ok] { reply(from, ok ? a : code_answer{.id = a.id, .code = errc::io}); });
    });
  }
}

std::string code_office::text_of(const outbox_message& m) const {
  auto s = with_.node.snapshot();
  const auto* rules = s->rules->rules(s->rules->version_at(s->business_date));
  auto sum = format_amount(m.up_to, rules ? static_cast<int>(rules->exponent) : 2) + " " +
             (rules ? rules->currency : std::string());
  auto store = std::ranges::find(s->below, m.store, &node_snapshot::remote::node);
  bool named = store != s->below.end() && !store->name.empty();
  return code_text(from_.words, m.code, sum, named ? store->name : "store " + std::to_string(m.store.value),
                   (m.expires - m.at) / 60);
}

/// Nothing: it is not for that member any more.
std::optional<std::string> code_office::text_for(const outbox_message& m, const member_view& to) const {
  if (m.kind != message_kind::code) return notice_for(m, to);
  if (end_of(to.profile.phones.front()) != m.ends_in) return std::nullopt;
  return text_of(m);
}

void code_office::list(answer<std::vector<outbox_message>> done) {
  worker_->ask<answer<std::vector<outbox_message>>>(
      std::move(done), [this](const answer<std::vector<outbox_message>>& told) { told(box_.waiting()); });
}

/// Messages whose members are looked up one after the other.
struct code_office::taking {
  std::vector<outbox_message> left;  ///< newest first
  std::vector<code_delivery> out;
  answer<std::vector<code_delivery>> done;
};

void code_office::take(std::size_t max, answer<std::vector<code_delivery>> done) {
  using told_type = answer<std::vector<code_delivery>>;
  worker_->ask<told_type>(std::move(done), [this, max](const told_type& told) {
    auto t = std::make_shared<taking>();
    t->left = box_.take(with_.now(), max);
    std::ranges::reverse(t->left);
    t->done = told;
    take_next(std::move(t));
  });
}

void code_office::take_next(std::shared_ptr<taking> t) {
  if (t->left.empty()) return t->done(std::move(t->out));
  auto card = t->left.back().card;
  from_.members.of_card(card, [this, worker = worker_, t](const result<std::optional<member_view>>& owner) {
    worker->post_answer([this, t, owner] {
      auto m = std::move(t->left.back());
      t->left.pop_back();
      const auto* view = owner && *owner ? &**owner : nullptr;
      auto text = view && !view->profile.phones.empty() ? text_for(m, *view) : std::nullopt;
      if (text) {
        t->out.push_back({m.number, view->profile.phones.front(), *text, m.expires});
      } else if (owner) {  // erased, another telephone than the till was told, or one that agreed to nothing
        with_.log(errc::not_found, std::string(message_kind_names[static_cast<std::size_t>(m.kind)]) + " message " +
                                       std::to_string(m.number) + " is not sent: its telephone has changed, or its " +
                                       "member or what it says is gone");
        if (auto forgotten = box_.done(m.number)) {
          ended(*forgotten, sent_state::dropped);
          keep(*forgotten);
        }
      }
      take_next(t);
    });
  });
}

void code_office::delivered(std::uint64_t number, answer<std::uint64_t> done) {
  worker_->ask<answer<std::uint64_t>>(std::move(done), [this, number](const answer<std::uint64_t>& told) {
    auto m = box_.done(number);
    if (!m) return told(error{errc::not_found, "no message " + std::to_string(number) + " waits"});
    ended(*m, sent_state::delivered);
    keep(*m, [told, number](bool ok) {
      ok ? told(number) : told(error{errc::io, "that it was delivered could not be kept"});
    });
  });
}

}  // namespace tally
