#include <algorithm>

#include "ledger/card_sale.hpp"
#include "ledger/cards.hpp"
#include "node/admin_internal.hpp"
#include "node/office.hpp"
#include "node/taken_off.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"
#include "sync/card_media.hpp"
#include "sync/card_qr.hpp"
#include "sync/entry_walk.hpp"
#include "sync/text.hpp"

// Looking at one card and changing whether it may be used: see node/admin.hpp.
namespace tally::admin {
namespace {

using found = found_card;

/// More QR codes of one card: telephones that its holder has, and has had.
constexpr std::uint32_t codes_max = 32, codes_ever_max = 1'000;

json card_out(const found& f) {
  return {{"account", f.account.value}, {"state", card_status_name(f.card.status)},
          {"kind", f.card.kind},        {"level", f.card.level},
          {"expires", f.card.expires},  {"version", f.card.version},
          {"pin", f.card.pin.set}};
}

/// "reset" takes the PIN away, so that a store can set one; "unlock" allows fresh tries everywhere.
status change_pin(const call& c, card_record& card) {
  if (!c.in.contains("pin")) return done();
  auto what = text_in(c.in, "pin", 10);
  if (!what) return what.error();
  if (*what == "reset") {
    card.pin.set = false;
    ++card.pin.version;
  } else if (*what != "unlock") {
    return error{errc::malformed, "pin is reset or unlock"};
  } else if (!card.pin.set) {
    return error{errc::not_allowed, "head office knows of no PIN of this card"};
  } else {
    ++card.pin.refills;
  }
  return done();
}

entry map_to(byte_view medium, account_id account, std::uint32_t kind, card_status status, std::uint64_t version) {
  entry e;
  e.kind = entry_kind::map_media;
  e.account = account;
  e.medium = bytes(medium);
  e.card_kind = kind;
  e.status = status;
  e.account_version = version;
  return e;
}

/// A further medium of the card, which stays as it is.
entry map_here(byte_view medium, const found& f) {
  auto e = card_fact(f.account, f.card);
  e.kind = entry_kind::map_media;
  e.medium = bytes(medium);
  return e;
}

/// What is known of the codes of one card: those that lead to it, and the serial of the next one.
struct card_codes {
  std::vector<std::uint32_t> live;
  std::uint32_t next = 1;
};
card_codes codes_of(const call& c, account_id account) {
  durable_state st(c.node.store());
  const auto& chain = c.context.identity.believes.chain;
  card_codes out;
  // The one from when the card was made has no mapping until it ends.
  if (!account_of(st, code_medium(chain, account, 0))) out.live.push_back(0);
  for (; out.next <= codes_ever_max; ++out.next) {
    auto to = account_of(st, code_medium(chain, account, out.next));
    if (!to) break;
    if (*to == account) out.live.push_back(out.next);
  }
  return out;
}

/// Codes that were drawn for the card lead to `grave` now, which is cancelled: so that no store takes one for unknown.
std::vector<entry> end_codes(const call& c, const found& f, account_id grave) {
  std::vector<entry> out;
  for (auto serial : codes_of(c, f.account).live)
    if (serial > 0)
      out.push_back(map_to(code_medium(c.context.identity.believes.chain, f.account, serial), grave, f.card.kind,
                           card_status::cancelled, 0));
  return out;
}

/// An account number that was drawn (`cards/reserve`) and has no card.
result<account_id> reserved_in(const call& c) {
  auto number = number_in(c.in, "dead", 1, INT64_MAX - 1'000);
  if (!number) return number.error();
  account_id out{static_cast<std::uint64_t>(*number)};
  durable_state st(c.node.store());
  if (card_of(st, out)) return error{errc::key_reused, "the account is in use"};
  std::lock_guard lock(c.context.mutex);
  if (out.value >= next_account(c.node, c.context))
    return error{errc::not_allowed, "this account number was not reserved"};
  return out;
}

/// What a card's number is replaced by, looked at as it is now.
struct replacement {
  found card;
  bytes old, fresh;
  account_id grave;
};
result<found> replaceable_in(const call& c) {
  auto f = card_in(c);
  if (!f) return f.error();
  if (is_final(f->card.status))
    return error{errc::not_allowed, "this card is " + standing_text(f->card.status) + ", or was replaced before"};
  auto shown = c.node.snapshot();
  const auto* rules = shown->rules->newest();
  const auto* kind = rules ? rules->programme.card_kind(f->card.kind) : nullptr;
  if (kind && !kind->replaceable)
    return error{errc::not_allowed, kind->names[0] + ": cards of this kind are not replaced"};
  return f;
}
result<replacement> replacement_in(const call& c) {
  auto f = replaceable_in(c);
  if (!f) return f.error();
  auto text = text_in(c.in, "replacement", 32);
  if (!text) return text.error();
  auto grave = reserved_in(c);
  if (!grave) return grave.error();
  std::array<std::uint8_t, 16> fresh{}, old{};
  auto old_text = text_in(c.in, "medium", 32);
  if (!from_hex(*text, fresh) || !old_text || !from_hex(*old_text, old))
    return error{errc::malformed, "a medium is 32 hexadecimal digits"};
  if (account_of(durable_state(c.node.store()), bytes(view_of(fresh))))
    return error{errc::key_reused, "the new number is in use"};
  return replacement{*f, bytes(view_of(old)), bytes(view_of(fresh)), *grave};
}

/// `media`: all that lead to the card.
void replace_now(const call& c, const std::vector<bytes>& media) {
  auto r = replacement_in(c);  // it may have changed while they were looked for
  if (!r) return c.refuse(r.error());
  auto& [f, old, fresh, grave] = *r;
  if (std::ranges::find(media, old) == media.end())
    return c.refuse({errc::busy, "this card's number changed meanwhile: run this again"});
  f.card.status = card_status::active;
  // The new one first: if the rest is lost with the machine, the old number still names the card, to be run again.
  std::vector<entry> facts{map_here(fresh, f)};
  for (const auto& m : media)
    facts.push_back(map_to(m, grave, f.card.kind, card_status::cancelled, 0));
  // The code from when the card was made has no mapping until it ends.
  if (auto first = code_medium(c.context.identity.believes.chain, f.account, 0);
      !account_of(durable_state(c.node.store()), first))
    facts.push_back(map_to(first, grave, f.card.kind, card_status::cancelled, 0));
  f.card.version = facts.front().account_version;
  write_facts(c, facts, card_out(f));
}

}  // namespace

std::optional<call> alone_with(const call& c, account_id card) {
  {
    std::lock_guard lock(c.context.mutex);
    if (c.context.media_changing.insert(card).second) {
      auto respond = [&context = c.context, card, told = c.respond](int status, std::string text) {
        {
          std::lock_guard again(context.mutex);
          context.media_changing.erase(card);
        }
        told(status, std::move(text));
      };
      return call{c.in, c.node, c.context, std::move(respond)};
    }
  }
  c.refuse({errc::busy, "a number or a code of this card is being changed: run this again"});
  return std::nullopt;
}

// By its account where no number is known any more: an operator reads that from what `card` said of an old number.
result<found_card> card_in(const call& c) {
  if (c.in.contains("account")) {
    auto number = number_in(c.in, "account", 1, INT64_MAX);
    if (!number) return number.error();
    account_id account{static_cast<std::uint64_t>(*number)};
    auto card = card_of(durable_state(c.node.store()), account);
    if (!card) return error{errc::unknown_card, "head office has no card with account " + std::to_string(*number)};
    return found_card{account, *card};
  }
  auto text = text_in(c.in, "medium", 32);
  if (!text) return text.error();
  std::array<std::uint8_t, 16> digest{};
  if (!from_hex(*text, digest)) return error{errc::malformed, "a medium is 32 hexadecimal digits"};
  durable_state st(c.node.store());
  auto account = account_of(st, bytes(view_of(digest)));
  auto card = account ? card_of(st, *account) : std::nullopt;
  if (!card) return error{errc::unknown_card, "head office has issued no card with this number"};
  return found_card{*account, *card};
}

namespace {

/// The account that a number or code led to before another took its place, by head office's directory, which is long.
std::optional<account_id> led_to_before(const kv_store& store, byte_view medium, account_id now) {
  auto streams = stream_reader(store).list();
  std::optional<account_id> out;
  for (const auto& id : streams ? *streams : std::vector<stream_id>{}) {
    if (id.sub != sub_stream::directory) continue;
    entry_walk walk(store, id, head_office, 0, stream_reader(store).size(id));
    while (auto item = walk.next()) {
      if (peek_kind(item->data) != entry_kind::map_media) continue;
      auto e = decode_entry(item->data);
      if (e && e->medium == medium && e->account != now) out = e->account;
    }
  }
  return out;
}

}  // namespace

void show_card(const call& c) {
  auto f = card_in(c);
  if (!f) return c.refuse(f.error());
  auto out = card_out(*f);
  const durable_state st(c.node.store());
  const auto self = c.node.snapshot()->self;
  out["here"] = holding(st, self, f->account) + holding(st, self, f->account, purse_deposit);
  std::array<std::uint8_t, 16> medium{};
  if (was_taken_off(f->card)) {
    out["replaced"] = true;
    auto text = c.in.contains("medium") ? text_in(c.in, "medium", 32) : result<std::string>(errc::not_found);
    if (text && from_hex(*text, medium))
      if (auto to = led_to_before(c.node.store(), view_of(medium), f->account)) out["account_now"] = to->value;
  }
  c.ok(out);
}

std::uint32_t card_expiry(const node_facade& node, std::uint32_t kind) {
  auto s = node.snapshot();
  const auto* rules = s->rules->rules(s->rules->version_at(s->business_date));
  const auto* rule = rules ? rules->programme.card_kind(kind) : nullptr;
  return rule ? expiry_of(*rule, s->business_date) : 0;
}

// A card of a named kind is a person's: a new number, and the kind itself, wait for the member that it belongs to.
// `then` runs at once, or in the members' thread.
void for_its_person(const call& c, account_id card, std::uint32_t kind, std::function<void(const call&)> then) {
  auto shown = c.node.snapshot();
  const auto* rules = shown->rules->newest();
  const auto* rule = rules ? rules->programme.card_kind(kind) : nullptr;
  if (!rule || !rule->named) return then(c);
  if (!c.context.members) return c.refuse({errc::not_allowed, "this node keeps no members"});
  c.context.members->of_card(card, [in = std::make_shared<json>(c.in), &node = c.node, &context = c.context,
                                    respond = c.respond, then = std::move(then),
                                    name = rule->names[0]](const result<std::optional<member_view>>& owner) {
    const call later{*in, node, context, respond};
    if (!owner) return later.refuse(owner.error());
    if (*owner) return then(later);
    later.refuse({errc::not_allowed, name + ": cards of this kind belong to a member, and this one has none yet: "
                                            "'tallystick member add' or 'member edit' with '--card'"});
  });
}

void set_card_now(const call& c) {
  auto f = card_in(c);
  if (!f) return c.refuse(f.error());
  auto next = f->card;
  if (c.in.contains("state")) {
    auto name = text_in(c.in, "state", 20);
    if (!name) return c.refuse(name.error());
    auto to = card_status_of(*name);
    if (!to)
      return c.refuse({errc::malformed, "state is active, frozen, lost, expired, cancelled, returned or blacklisted"});
    if (*to == card_status::stock && next.status != *to)
      return c.refuse({errc::not_allowed, "a card that was sold does not become one that was not"});
    next.status = *to;
  }
  if (c.in.contains("expires")) {
    auto day = number_in(c.in, "expires", 0, days_max);
    if (!day) return c.refuse(day.error());
    if (auto ok = check_good_until(c.node, *day, "the last day on which it is good"); !ok) return c.refuse(ok.error());
    next.expires = static_cast<std::uint32_t>(*day);
  } else if (f->card.status == card_status::stock && next.status == card_status::active) {
    next.expires = card_expiry(c.node, next.kind);
  }
  if (c.in.contains("kind")) {
    auto kind = number_in(c.in, "kind", 1, 100);
    if (!kind) return c.refuse(kind.error());
    if (auto known = card_kind_name(c.node, *kind); !known) return c.refuse(known.error());
    next.kind = static_cast<std::uint32_t>(*kind);
  }
  if (auto ok = change_pin(c, next); !ok) return c.refuse(ok.error());
  if (next.status == f->card.status && next.expires == f->card.expires && next.kind == f->card.kind &&
      next.pin == f->card.pin)
    return c.ok(card_out(*f));
  if (was_taken_off(f->card))
    return c.refuse({errc::not_allowed,
                     "this number does not count any more: name the card by its new number, or by its "
                     "account (tallystick card --account)"});
  if (is_final(f->card.status))
    return c.refuse({errc::not_allowed, "this card is " + standing_text(f->card.status) + ", which is for good"});
  auto e = card_fact(f->account, next);
  f->card = next;
  f->card.version = e.account_version;
  write_facts(c, {e}, card_out(*f));
}

void set_card(call c) {
  auto f = card_in(c);
  if (!f) return c.refuse(f.error());
  auto kind = c.in.contains("kind") ? number_in(c.in, "kind", 1, 100) : result<std::int64_t>(f->card.kind);
  if (!kind) return c.refuse(kind.error());
  const auto to = static_cast<std::uint32_t>(*kind);
  if (to == f->card.kind) return set_card_now(c);
  for_its_person(c, f->account, to, set_card_now);
}

// Whatever led to the card leads to an account of its own that is cancelled, so that no store takes it for unknown; the
// new number leads to the card's account. That is the number that was typed, any other that was made for the card
// (`make_applied_card`), of which head office has the digest alone, and the codes. Nothing moves: value hangs on the
// account, also where it lies at stores without a line.
void replace_for_its_person(const call& c) {
  // Before a new number is drawn and shown.
  if (auto check = c.in.find("check"); check != c.in.end() && *check == true) {
    auto may = replaceable_in(c);
    return may ? c.ok(card_out(*may)) : c.refuse(may.error());
  }
  auto r = replacement_in(c);
  if (!r) return c.refuse(r.error());
  if (!c.context.members) return c.refuse({errc::not_allowed, "this node keeps no members"});
  auto alone = alone_with(c, r->card.account);
  if (!alone) return;
  // The members' service has a thread for that. The request ends with this call, the search later.
  c.context.members->media_of(r->card.account, [in = std::make_shared<json>(c.in), &node = c.node, &context = c.context,
                                                respond = alone->respond](const result<std::vector<bytes>>& media) {
    const call later{*in, node, context, respond};
    media ? replace_now(later, *media) : later.refuse(media.error());
  });
}

void replace_card(call c) {
  auto f = replaceable_in(c);
  if (!f) return c.refuse(f.error());
  for_its_person(c, f->account, f->card.kind, replace_for_its_person);
}

// The code's own medium leads to the card's account, so that it can be turned away later. A store that has not heard of
// it takes the account that the code names.
void draw_card_code(const call& asked) {
  auto named = card_in(asked);
  if (!named) return asked.refuse(named.error());
  auto alone = alone_with(asked, named->account);
  if (!alone) return;
  const auto& c = *alone;
  auto f = card_in(c);
  if (!f) return c.refuse(f.error());
  if (is_final(f->card.status) || f->card.status == card_status::stock)
    return c.refuse({errc::not_allowed, "this card is " + standing_text(f->card.status)});
  auto codes = codes_of(c, f->account);
  if (codes.live.size() > codes_max || codes.next > codes_ever_max)
    return c.refuse({errc::full, "this card has " + std::to_string(codes.live.size()) + " codes, and had " +
                                     std::to_string(codes.next - 1) +
                                     " more: 'tallystick card --void-codes' ends them"});
  auto serial = codes.next;
  // What the card is, the node says when it writes this: a report of its loss may have come meanwhile.
  auto e = map_to(code_medium(c.context.identity.believes.chain, f->account, serial), f->account, f->card.kind, {}, 0);
  ++f->card.version;
  auto out = card_out(*f);
  out["serial"] = serial;
  write_facts(c, {e}, std::move(out));
}

void void_card_codes(const call& asked) {
  auto named = card_in(asked);
  if (!named) return asked.refuse(named.error());
  auto alone = alone_with(asked, named->account);
  if (!alone) return;
  const auto& c = *alone;
  auto f = card_in(c);
  if (!f) return c.refuse(f.error());
  if (is_final(f->card.status))
    return c.refuse({errc::not_allowed, "this card is " + standing_text(f->card.status) + ", or was replaced before"});
  auto grave = reserved_in(c);
  if (!grave) return c.refuse(grave.error());
  auto facts = end_codes(c, *f, *grave);
  auto out = card_out(*f);
  out["voided"] = facts.size();
  if (facts.empty()) return c.ok(std::move(out));
  write_facts(c, facts, std::move(out));
}

}  // namespace tally::admin
