#include "node/api.hpp"

#include "devices/chip.hpp"
#include "devices/luhn.hpp"
#include "ledger/risk.hpp"
#include "node/http_guard.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "sync/card_qr.hpp"
#include "sync/medium.hpp"
#include "sync/voucher_code.hpp"

namespace tally {
namespace {

constexpr tick_ms minute = 60'000;

void write_error(json_writer& w, std::string_view name, std::string_view text, std::string_view detail) {
  w.field("error", name);
  w.field("message", text);
  if (!detail.empty()) w.field("detail", detail);
}

}  // namespace

void api_context::suspect(errc code, const std::string& text) {
  if (!services.security) return;
  std::string line;
  {
    std::lock_guard lock(suspicions_mutex_);
    auto now = services.tick();
    if (now - suspicions_since_ >= minute) {
      if (suspicions_ > suspicions_max) line = std::to_string(suspicions_ - suspicions_max) + " more; ";
      suspicions_since_ = now;
      suspicions_ = 0;
    }
    if (++suspicions_ > suspicions_max) return;
  }
  services.security(code, line + "node " + std::to_string(services.identity.node.value) + ": " + text);
}

int http_status(errc code) {
  switch (code) {
    case errc::ok: return 200;
    case errc::malformed:
    case errc::unsupported: return 400;
    case errc::bad_token:
    case errc::not_allowed:
    case errc::not_entitled: return 403;
    case errc::not_found: return 404;
    case errc::busy: return 429;
    case errc::full:
    case errc::io:
    case errc::offline:
    case errc::locked:
    case errc::timeout: return 503;
    case errc::corrupt:
    case errc::internal: return 500;
    default: return 409;
  }
}

api_response refuse(api_context& api, const error& why, const std::function<void(json_writer&)>& more) {
  api.metrics.refused(why.code);
  json_writer w;
  w.open('{');
  write_error(w, errc_name(why.code), errc_text(why.code), why.detail);
  if (why.code == errc::io || why.code == errc::timeout || why.code == errc::corrupt || why.code == errc::internal)
    w.field("retry", "same_counter");
  if (more) more(w);
  w.close('}');
  return {.status = http_status(why.code), .body = w.take()};
}

api_response refuse(api_context& api, const api_problem& what, std::string_view detail) {
  api.metrics.refused(errc::not_allowed);
  json_writer w;
  w.open('{');
  write_error(w, what.name, what.text, detail);
  w.close('}');
  return {.status = what.status, .body = w.take()};
}

api_response refuse_money(api_context& api, std::uint32_t terminal, const error& why,
                          const std::function<void(json_writer&)>& more) {
  auto s = api.services.node.snapshot();
  return refuse(api, why, [&](json_writer& w) {
    if (more) more(w);
    w.field("next_counter", next_counter(api, s->self, terminal));
    w.field("seen", seen_mark(api, *s));
  });
}

api_response answer(json_writer w) { return {.status = 200, .body = w.take()}; }

std::string_view bearer_of(std::string_view authorization) {
  constexpr std::string_view scheme = "Bearer ";
  return same_word(authorization.substr(0, scheme.size()), scheme) ? authorization.substr(scheme.size())
                                                                   : std::string_view{};
}

std::optional<std::uint32_t> terminal_of(const api_context& api, const api_request& r) {
  if (auto t = api.paired.terminal_of(bearer_of(r.authorization))) return t;
  auto rest = r.cookie;
  for (int n = 0; !rest.empty() && n < 20; ++n) {
    auto end = rest.find(';');
    auto one = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    constexpr std::string_view name = "tally_till=";
    if (!one.starts_with(name)) continue;
    if (auto t = api.paired.terminal_of(one.substr(name.size()))) return t;
  }
  return std::nullopt;
}

bool is_admin(const api_context& api, std::string_view authorization) {
  const auto& token = api.services.admin_token;
  return !token.empty() && equal_constant_time(bearer_of(authorization), token);
}

const rules_record& rules_now(const node_snapshot& s) {
  static const rules_record none;
  if (const auto* r = s.rules->rules(s.rules->version_at(s.business_date))) return *r;
  const auto* newest = s.rules->newest();
  return newest ? *newest : none;
}

// A till's numbers go on when its store begins a new epoch: those of every life count.
std::uint64_t next_counter(const api_context& api, const writer_id& self, std::uint32_t terminal) {
  const auto& store = api.services.node.store();
  durable_state st(store);
  std::int64_t newest = 0;
  byte_writer own;
  own.u8('h');
  own.u32be(self.node.value);
  for (auto c = store.scan(family::meta, own.view()); c->valid() && c->key().starts_with(own.view()); c->next()) {
    auto id = parse_stream_key(c->key().substr(1));
    if (!id || id->sub != sub_stream::journal) continue;
    newest = std::max(
        newest, number(st, {.type = cell_type::last_counter, .a = terminal, .b = 0, .writer = id->writer, .peer = {}}));
  }
  return static_cast<std::uint64_t>(newest) + 1;
}

std::string seen_mark(const api_context& api, const node_snapshot& s, std::uint64_t at_least) {
  return make_rollback_token(api.services.secret, {s.self.epoch, std::max<std::uint64_t>(s.entries, at_least)});
}

errc blocked_by(const node_snapshot& s) {
  if (s.stopped != errc::ok) return s.stopped;
  return s.disk_low ? errc::full : errc::ok;
}

std::string masked_card(std::string_view card) {
  return looks_like_card_code(card) || looks_like_voucher_code(card) ? "QR" : mask_number(card);
}

/// A voucher is known by its own number alone, which opens nothing.
static result<known_card> find_voucher(const api_context& api, std::string_view text) {
  auto key = api.services.head_office_key ? api.services.head_office_key() : std::nullopt;
  if (!key) return error{errc::unknown_card, "head office's key is not known here yet"};
  auto code = verify_voucher_code(text, api.services.identity.believes.chain, *key, ed25519_verifier());
  if (!code && code.code() == errc::malformed)
    return error{errc::bad_signature, "the voucher's code is damaged, or only a part of it was read: scan it again"};
  if (!code) return code.error();
  known_card out{code->account, "V" + std::to_string(code->account.value), true};
  out.bearer = code->face;
  return out;
}

result<known_card> find_card(const api_context& api, std::string_view card) {
  const auto& chain = api.services.identity.believes.chain;
  if (looks_like_voucher_code(card)) return find_voucher(api, card);
  if (looks_like_card_code(card)) {
    auto key = api.services.head_office_key ? api.services.head_office_key() : std::nullopt;
    if (!key) return error{errc::unknown_card, "head office's key is not known here yet"};
    auto code = verify_card_code(card, chain, *key, ed25519_verifier());
    if (!code && code.code() == errc::malformed)
      return error{errc::bad_signature, "the card's code is damaged, or only a part of it was read: scan it again"};
    if (!code) return code.error();
    durable_state st(api.services.node.store());
    auto led_elsewhere = account_of(st, code_medium(chain, code->account, code->serial));
    return known_card{led_elsewhere.value_or(code->account), code->tail.empty() ? "****" : "**** " + code->tail, true};
  }
  // Anything else was never mapped, and is not worth a hash.
  bool digits = all_digits(card) && card.size() >= card_digits_min && card.size() <= card_digits_max;
  const bool once = parse_scratch_number(card).has_value();
  if (!digits && !is_uid_medium(card) && !once) return error{errc::unknown_card, ""};
  durable_state st(api.services.node.store());
  auto medium = medium_of(chain, card);
  auto account = account_of(st, medium);
  if (!account) return error{errc::unknown_card, ""};
  return known_card{*account, mask_number(card), false, once ? std::move(medium) : bytes()};
}

amount promised_by(const node_snapshot& s, const state& st, const known_card& c) {
  auto left = std::max<amount>(c.bearer.units - taken_by_code(st, s.self, c.account), 0);
  if (s.link_up || left == 0) return left;
  const auto* rule = rules_now(s).programme.purse(c.bearer.purse);
  const amount each = c.bearer.purse == purse_paid ? 1 : rule ? rule->off : 0;
  auto budget = std::max<amount>(-st.balance(quota_account(s.self, risk_of(main_unit))), 0);
  auto here = std::max<amount>(holding(st, s.self, c.account, c.bearer.purse), 0);
  return std::min(left, here + (each > 0 ? budget / each : 0));  // both are far below the range of 64 bits
}

void write_link(json_writer& w, const node_snapshot& s) {
  auto time = [](unix_seconds t) { return t == 0 ? std::nullopt : std::optional(t); };
  bool top = s.role == node_role::hq;
  w.open('{');
  w.field("up", top || s.link_up);
  w.field("last_contact", time(s.last_contact));
  w.field("entries_waiting", top ? 0 : s.entries - std::min<std::uint64_t>(s.entries, s.hq_cosigned));
  w.field("hq_cosigned_at", time(s.hq_cosigned_at));
  w.close('}');
}

void write_devices(json_writer& w, const device_states& d) {
  auto one = [&](std::string_view name, const std::string& state) {
    w.key(name);
    w.open('{');
    w.field("configured", state != "none");
    w.field("state", state);
    w.close('}');
  };
  w.open('{');
  one("printer", d.printer);
  one("reader", d.reader);
  one("scanner", d.scanner);
  one("chip", d.chip);
  one("wedge", d.wedge);
  one("display", d.display);
  one("rewriter", d.rewriter);
  w.close('}');
}

void write_blocked(json_writer& w, errc why) {
  w.key("blocked");
  if (why == errc::ok) {
    w.null();
  } else {
    w.value(errc_name(why));
  }
}

}  // namespace tally
