// PINs at the till: what is typed with a request, and choosing one.
#include "ledger/cards.hpp"
#include "ledger/pins.hpp"
#include "node/api_request.hpp"
#include "node/pin_desk.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"

namespace tally {
namespace {

/// Longest that a customer waits for head office to say by what a PIN is judged.
constexpr std::chrono::milliseconds judge_wait{1'500};
constexpr std::size_t pin_text_max = 64;

/// Judges what was typed, and goes on, on the call's own thread, once, with what is known by then.
void judge_then(const api_ptr& api, account_id account, std::string pin, const call_ptr& call,
                std::function<void(const pin_proof&)> go_on) {
  constexpr pin_proof unknown{pin_proof::verdict::unknown, 0};
  auto* desk = api->services.pins;
  if (!desk) return go_on(unknown);
  auto once = std::make_shared<bool>(false);
  auto tell = [once, go_on = std::move(go_on)](const pin_proof& p) {
    if (!std::exchange(*once, true)) go_on(p);
  };
  desk->judge(account, std::move(pin), [call, tell](const pin_proof& p) { call->later([tell, p] { tell(p); }); });
  call->after(judge_wait, [tell, unknown] { tell(unknown); });
}

/// Whose card it takes from. A reversal names a receipt of this journal.
account_id account_of_request(const api_context& api, const till_command& command) {
  return std::visit(
      [&](const auto& c) {
        if constexpr (requires { c.account; }) {
          return c.account;
        } else if constexpr (std::is_same_v<std::decay_t<decltype(c)>, reverse_command>) {
          auto data = stream_reader(api.services.node.store()).own_entry(api.services.node.snapshot()->self, c.seq);
          auto e = data ? decode_entry(*data) : result<entry>(data.error());
          return e ? e->account : account_id{};
        } else {
          return account_id{};
        }
      },
      command);
}

/// The last of what is judged: then the ledger is asked.
void judge_code_then_execute(const api_ptr& api, money_request m, account_id account, const std::string& code,
                             const call_ptr& call) {
  auto* desk = api->services.pins;
  auto go_on = [api, m = std::move(m), call](const code_proof& p) mutable {
    std::visit(
        [&](auto& c) {
          if constexpr (requires { c.code; }) c.code = p;
        },
        m.command);
    check_mark_then_execute(api, std::move(m), call);
  };
  if (!desk) return go_on({code_proof::verdict::unknown, 0, 0, 0, 0});
  auto key = key_of(m.command);
  desk->judge_code(account, code, key,
                   [call, go_on](const code_proof& p) { call->later([go_on, p]() mutable { go_on(p); }); });
}

}  // namespace

std::optional<std::string> pin_from(json_fields& f, const char* name) {
  auto text = f.maybe_text(name, pin_text_max);
  if (!text) return std::nullopt;
  // Of what was typed nothing is said again.
  if (f.ok() && !is_pin(*text)) f.fail(name, "must be 4 to 12 digits");
  return std::string(*text);
}

std::optional<std::string> code_from(json_fields& f, const char* name) {
  auto text = f.maybe_text(name, pin_text_max);
  if (!text) return std::nullopt;
  if (f.ok() && !is_code(*text)) f.fail(name, "must be 6 digits");
  return std::string(*text);
}

void judge_then_execute(const api_ptr& api, money_request m, typed_proofs typed, const call_ptr& call) {
  auto account = account_of_request(*api, m.command);
  if (typed.code && !typed.pin) return judge_code_then_execute(api, std::move(m), account, *typed.code, call);
  judge_then(api, account, std::move(*typed.pin), call,
             [api, m = std::move(m), account, code = typed.code, call](const pin_proof& p) mutable {
               std::visit(
                   [&](auto& c) {
                     if constexpr (requires { c.pin; }) c.pin = p;
                   },
                   m.command);
               if (code) return judge_code_then_execute(api, std::move(m), account, *code, call);
               check_mark_then_execute(api, std::move(m), call);
             });
}

void handle_card_pin(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  if (api->services.identity.role != node_role::store) return call->finish(refuse(*api, problem::stores_only));
  auto body = parse_json(r.body);
  if (!body) return call->finish(refuse_money(*api, terminal, body.error()));
  json_fields f(*body);
  pin_command c;
  c.key = key_from(f, terminal);
  auto number = f.text("card", card_text_max);
  auto pin = pin_from(f, "pin");
  auto old = pin_from(f, "old_pin");
  money_request m;
  m.seen = f.maybe_text("seen", 256).value_or("");
  f.only_these();
  if (f.ok() && !pin) f.fail("pin", "must be 4 to 12 digits");
  if (!f.ok()) return call->finish(refuse_money(*api, terminal, f.problem()));
  std::optional<error> wrong = not_once(*api, number);
  if (!wrong) wrong = take_card(*api, number, c, m.masked);
  if (!wrong && !api->services.pins) wrong = error{errc::not_allowed, "this node keeps no PINs"};
  if (wrong) return call->finish(refuse_money(*api, terminal, *wrong));
  auto make = [api, terminal, call, m, pin = *pin](pin_command command) {
    auto made = [api, terminal, call, m, command](const result<pin_desk::made>& sealed) {
      call->later([api, terminal, call, m, command, sealed]() mutable {
        if (!sealed) return call->finish(refuse_money(*api, terminal, sealed.error()));
        command.version = sealed->version;
        command.sealed = sealed->sealed;
        command.digest = sealed->digest;
        m.command = std::move(command);
        check_mark_then_execute(api, std::move(m), call);
      });
    };
    api->services.pins->make(command.account, pin, command.key, made);
  };
  if (!old) return make(std::move(c));
  judge_then(api, c.account, *old, call, [make, c](const pin_proof& p) mutable {
    c.pin = p;
    make(std::move(c));
  });
}

void send_pin(const api_ptr& api, std::uint32_t terminal, const till_answer& a, const std::string& masked,
              const call_ptr& call) {
  const auto& e = std::get<entry>(a.outcome);
  auto s = api->services.node.snapshot();
  json_writer w;
  w.open('{');
  w.field("account", e.account.value);
  w.field("masked", masked);
  w.field("changed", e.pin_checked != 0);
  w.field("repeated", a.repeated);
  w.field("next_counter", std::max(next_counter(*api, s->self, terminal), e.counter + 1));
  w.field("seen", seen_mark(*api, *s, a.writer == s->self ? a.seq + 1 : 0));
  w.close('}');
  call->finish(answer(std::move(w)));
}

namespace {

/// Why no code is asked for at all, so that none is sent for nothing.
std::optional<error> needs_no_code(const card_kind_rule* kind, amount sum) {
  if (!kind || !kind->code_above) return error{errc::not_applicable, "cards of this kind need no code"};
  if (!asks_for_code(kind, sum, true)) return error{errc::not_applicable, "so much goes without a code"};
  return std::nullopt;
}

/// Nobody is sent a code for a card that cannot be used; an expired one is still paid out.
std::optional<error> is_blocked(const state& st, const node_snapshot& s, account_id account, const card_record& card) {
  auto now = standing_of(st, s.self, account, card, {s.business_date, s.hq_time});
  if (now.status == card_status::active || now.status == card_status::expired) return std::nullopt;
  return error{errc::card_blocked, standing_text(now.status, now.expires)};
}

void send_code_answer(account_id account, const std::string& masked, const pin_desk::sent& sent, const call_ptr& call) {
  json_writer w;
  w.open('{');
  w.field("account", account.value);
  w.field("masked", masked);
  w.field("ends_in", sent.ends_in);
  w.field("seconds", sent.seconds);
  w.field("up_to", sent.up_to);
  w.close('}');
  call->finish(answer(std::move(w)));
}

}  // namespace

void handle_card_code(const api_ptr& api, const api_request& r, const call_ptr& call) {
  if (api->services.identity.role != node_role::store) return call->finish(refuse(*api, problem::stores_only));
  auto body = parse_json(r.body);
  if (!body) return call->finish(refuse(*api, body.error()));
  json_fields f(*body);
  auto number = f.text("card", card_text_max);
  auto sum = f.integer("amount", 0, amount_max);
  f.only_these();
  if (!f.ok()) return call->finish(refuse(*api, f.problem()));
  auto found = find_card(*api, number);
  if (!found) return call->finish(refuse(*api, found.error()));
  auto s = api->services.node.snapshot();
  durable_state st(api->services.node.store());
  auto card = card_of(st, found->account);
  const auto* kind = card ? rules_now(*s).programme.card_kind(card->kind) : nullptr;
  auto wrong = not_once(*api, number);
  if (!wrong && card) wrong = is_blocked(st, *s, found->account, *card);
  if (!wrong) wrong = needs_no_code(kind, sum);
  if (!wrong && !api->services.pins) wrong = error{errc::not_allowed, "this node has no codes sent"};
  if (wrong) return call->finish(refuse(*api, *wrong));
  api->services.pins->send_code(found->account, sum, [api, call, card = *found](const result<pin_desk::sent>& a) {
    call->later([api, call, card, a] {
      if (a) return send_code_answer(card.account, card.masked, *a, call);
      call->finish(refuse(*api, a.error()));
    });
  });
}

void write_pin(json_writer& w, const node_snapshot& s, const state& st, account_id account,
               const std::optional<card_record>& card) {
  auto record = card.value_or(card_record{});
  const auto& plan = rules_now(s).programme;
  const auto* kind = plan.card_kind(record.kind);
  auto pin = pin_of(st, s.self, account, record);
  w.key("pin");
  w.open('{');
  w.field("set", pin.set);
  w.field("tries_left", pin.set ? std::optional(pin_tries_max - pin_tries(st, s.self, account, pin)) : std::nullopt);
  if (kind && (kind->pin_above || kind->pin_above_day))
    w.field("without_pin", free_of_pin(*kind, money_taken_on(st, s.business_date, s.self, account, plan)));
  if (kind && kind->code_above) w.field("without_code", *kind->code_above);
  w.close('}');
}

}  // namespace tally
