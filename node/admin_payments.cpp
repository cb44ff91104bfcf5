#include <charconv>

#include "ledger/card_sale.hpp"
#include "ledger/cards.hpp"
#include "ledger/kinds.hpp"
#include "ledger/money.hpp"
#include "node/admin_internal.hpp"
#include "node/reason.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"
#include "sync/entry_walk.hpp"
#include "sync/text.hpp"

// What head office books onto a card, once for each reference: see node/admin.hpp.
namespace tally::admin {
namespace {

/// What was asked for, as far as it says whether a booking is the same one.
struct booking {
  entry what;
  bytes medium;       ///< of the number that was named
  bool dead = false;  ///< it leads to no card that is in use: one that was replaced, perhaps
  std::string other;  ///< said of one that is not the same
};

/// Whether that number led to the account before it was replaced: head office's directory says so, and is long.
bool led_to(const kv_store& store, byte_view medium, account_id account) {
  auto streams = stream_reader(store).list();
  if (!streams) return false;
  for (const auto& id : *streams) {
    if (id.sub != sub_stream::directory) continue;
    entry_walk walk(store, id, head_office, 0, stream_reader(store).size(id));
    while (auto item = walk.next()) {
      if (peek_kind(item->data) != entry_kind::map_media) continue;
      auto e = decode_entry(item->data);
      if (e && e->medium == medium && e->account == account) return true;
    }
  }
  return false;
}

byte_view reference_of(const entry& e) {
  return e.kind == entry_kind::adjust ? parse_hand_note(e.blob).reference : byte_view(e.blob);
}

std::optional<sequence> booked_as(const kv_store& store, const entry& e) {
  durable_state st(store);
  return e.kind == entry_kind::adjust ? adjustment_for(st, reference_of(e)) : top_up_for(st, reference_of(e));
}

/// The sum of all items: rules split it into months.
amount units_of(const entry& e) {
  amount sum = 0;
  for (const auto& v : e.values)
    if (!checked_add(sum, -v.amount, sum)) return 0;
  for (const auto& v : e.earned)
    if (!checked_add(sum, v.amount, sum)) return 0;
  return sum;
}

bool is_same(const node_facade& node, const entry& before, const booking& b) {
  const auto& e = b.what;
  if (before.kind != e.kind || !same_reference(reference_of(before), reference_of(e))) return false;
  if (e.kind == entry_kind::adjust) {
    const auto& item = e.earned.empty() ? e.values.front() : e.earned.front();
    const auto& first = before.earned.empty() ? before.values.front() : before.earned.front();
    if (item.purse != first.purse || units_of(before) != units_of(e) ||
        parse_hand_note(before.blob).reason != parse_hand_note(e.blob).reason)
      return false;
  } else if (e.kind == entry_kind::hand_back) {
    if (before.tenders != e.tenders) return false;
  } else if (before.values != e.values || before.tenders != e.tenders || before.package != e.package) {
    return false;
  }
  return before.account == e.account || (b.dead && led_to(node.store(), b.medium, before.account));
}

/// Whether an entry with this number is that booking, in whichever of head office's lives.
bool is_booked(const node_facade& node, const booking& b, sequence seq) {
  constexpr int lives_max = 1'000;
  stream_reader reader(node.store());
  auto life = node.snapshot()->self;
  auto read = [&](sequence at) {
    auto data = reader.own_entry(life, at);
    return data ? decode_entry(*data) : result<entry>(data.error());
  };
  for (int n = 0; n < lives_max; ++n) {
    if (auto e = read(seq); e && is_same(node, *e, b)) return true;
    auto first = read(0);
    if (!first || !first->head || first->head->stream.writer.node != life.node) return false;
    life = first->head->stream.writer;
  }
  return false;
}

void answer_booked(const node_facade& node, const admin_respond& respond, const booking& b, sequence seq, json out) {
  if (!is_booked(node, b, seq)) {
    const error why{errc::key_reused, b.other + " with this reference was booked, as entry " + std::to_string(seq)};
    return respond(http_status(why.code), error_json(why));
  }
  out["booked_before"] = true;
  respond(200, out.dump());
}

// A reference is booked once, so who asks again hears what there is; also whoever asks at the same time.
void book_once(const call& c, booking b, json out) {
  out["booked_before"] = false;
  if (auto seq = booked_as(c.node.store(), b.what)) return answer_booked(c.node, c.respond, b, *seq, std::move(out));
  auto facts = std::vector{b.what};
  c.node.facts(std::move(facts), [&node = c.node, respond = c.respond, b = std::move(b),
                                  out = std::move(out)](const facts_answer& a) mutable {
    auto seq = a.code == errc::key_reused ? booked_as(node.store(), b.what) : std::nullopt;
    if (seq) return answer_booked(node, respond, b, *seq, std::move(out));
    if (a.code != errc::ok) return respond(http_status(a.code), error_json({a.code, a.detail}));
    respond(200, out.dump());
  });
}

result<std::string> reference_in(const call& c, const char* of_what) {
  auto text = text_in(c.in, "reference", reference_max);
  if (!text) return text.error();
  const bool padded = !text->empty() && (text->front() == ' ' || text->back() == ' ');
  if (text->empty() || padded || !is_plain_utf8(*text))
    return error{errc::malformed,
                 "reference is UTF-8 text without spaces around it: " + std::string(of_what) + " own number"};
  return text;
}

bytes medium_in(const call& c) {
  std::array<std::uint8_t, 16> digest{};
  auto text = text_in(c.in, "medium", 32);
  return text && from_hex(*text, digest) ? bytes(view_of(digest)) : bytes();
}

/// "300", "-12", and of bonus "-5.00"; nothing for anything else, and for 0.
std::optional<amount> units_in(std::string_view text, const purse_rule& purse, int exponent) {
  const bool taken = text.starts_with('-');
  if (taken) text.remove_prefix(1);
  auto v = parse_amount(text, purse.kind == purse_kind::bonus ? exponent : 0);
  if (!v || *v <= 0 || *v > amount_max) return std::nullopt;
  return taken ? -*v : *v;
}

/// A payment of the request's card, in or out: `amount`, `tender` (one of these), `reference`.
/// Errors: as `card_in`; malformed.
result<booking> payment_in(const call& c, entry_kind kind, std::initializer_list<tender_kind> tenders) {
  auto f = card_in(c);
  if (!f) return f.error();
  auto value = number_in(c.in, "amount", 1, amount_max);
  auto tender = tender_in(c, tenders);
  auto reference = reference_in(c, "the payment's");
  for (const auto* bad : {!value ? &value.error() : nullptr, !tender ? &tender.error() : nullptr,
                          !reference ? &reference.error() : nullptr})
    if (bad) return *bad;
  booking b{{}, medium_in(c), is_final(f->card.status), "another payment"};
  b.what.kind = kind;
  b.what.account = f->account;
  b.what.blob = *reference;
  b.what.tenders = {{*tender, main_unit, *value}};
  return b;
}

void book_payment(const call& c, booking b) {
  const auto account = b.what.account.value;
  const auto value = b.what.tenders.front().amount;
  book_once(c, std::move(b), {{"account", account}, {"amount", value}});
}

}  // namespace

void top_up_card(call c) {
  auto paid = payment_in(c, entry_kind::top_up, {tender_kind::online, tender_kind::transfer});
  auto package = c.in.contains("package") ? number_in(c.in, "package", 1, UINT32_MAX) : result<std::int64_t>(0);
  for (const auto* bad : {!paid ? &paid.error() : nullptr, !package ? &package.error() : nullptr})
    if (bad) return c.refuse(*bad);
  auto& e = paid->what;
  e.values = {{purse_paid, main_unit, 0, e.tenders.front().amount}};
  e.package = static_cast<std::uint32_t>(*package);
  book_payment(c, std::move(*paid));
}

void pay_out_card(call c) {
  auto out = payment_in(c, entry_kind::hand_back, {tender_kind::transfer, tender_kind::online, tender_kind::cash});
  if (!out) return c.refuse(out.error());
  book_payment(c, std::move(*out));
}

void adjust_card(call c) {
  auto f = card_in(c);
  if (!f) return c.refuse(f.error());
  auto text = text_in(c.in, "units", 24);
  auto purse = number_in(c.in, "purse", 2, purse_id_max);
  auto reason = text_in(c.in, "reason", note_max);
  auto reference = reference_in(c, "the change's");
  for (const auto* bad : {!text ? &text.error() : nullptr, !purse ? &purse.error() : nullptr,
                          !reason ? &reason.error() : nullptr, !reference ? &reference.error() : nullptr})
    if (bad) return c.refuse(*bad);
  if (!is_reason(*reason)) return c.refuse({errc::malformed, "reason is UTF-8 text on one line, and not blank"});
  auto shown = c.node.snapshot();
  const auto* rules = shown->rules->rules(shown->rules->version_at(shown->business_date));
  const auto* rule = rules ? rules->programme.purse(static_cast<std::uint32_t>(*purse)) : nullptr;
  if (!rule) return c.refuse({errc::not_applicable, "the rules have no purse " + std::to_string(*purse)});
  auto units = units_in(*text, *rule, static_cast<int>(rules->exponent));
  if (!units)
    return c.refuse({errc::malformed, "units of " + rule->names[0] + " are given as " +
                                          (rule->kind == purse_kind::bonus ? "5.00" : "300") + ", or taken as " +
                                          (rule->kind == purse_kind::bonus ? "-5.00" : "-300")});
  booking b{{}, medium_in(c), is_final(f->card.status), "another change"};
  b.what.kind = entry_kind::adjust;
  b.what.account = f->account;
  const value_item item{rule->id, unit_of(rule->id), 0, *units < 0 ? -*units : *units};
  (*units < 0 ? b.what.values : b.what.earned) = {item};
  b.what.blob = hand_note_text(*reference, *reason);
  book_once(c, std::move(b),
            {{"account", f->account.value}, {"units", *units}, {"purse", rule->id}, {"name", rule->names[0]}});
}

}  // namespace tally::admin
