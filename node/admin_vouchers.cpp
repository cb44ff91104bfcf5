#include <map>

#include "ledger/cards.hpp"
#include "node/admin_internal.hpp"
#include "node/code_office.hpp"
#include "node/voucher_grants.hpp"
#include "storage/kv_state.hpp"
#include "sync/text.hpp"

// Vouchers with codes: see node/admin.hpp.
namespace tally::admin {
namespace {

constexpr std::int64_t vouchers_at_once = 500;

struct order {
  std::uint64_t first{}, count{};
  std::uint32_t purse{}, until{};
  amount units{};
  std::string batch;
  std::optional<tender_kind> tender;
};

result<order> order_in(const call& c) {
  order o;
  auto first = number_in(c.in, "first", 1, INT64_MAX - vouchers_at_once);
  auto count = number_in(c.in, "count", 1, vouchers_at_once);
  auto purse = number_in(c.in, "purse", purse_paid, purse_id_max);
  auto units = number_in(c.in, "units", 1, amount_max);
  auto until = number_in(c.in, "until", 0, days_max);
  auto batch = text_in(c.in, "batch", 30);
  for (const auto* bad :
       {!first ? &first.error() : nullptr, !count ? &count.error() : nullptr, !purse ? &purse.error() : nullptr,
        !units ? &units.error() : nullptr, !until ? &until.error() : nullptr, !batch ? &batch.error() : nullptr})
    if (bad) return *bad;
  o.first = static_cast<std::uint64_t>(*first);
  o.count = static_cast<std::uint64_t>(*count);
  o.purse = static_cast<std::uint32_t>(*purse);
  o.until = static_cast<std::uint32_t>(*until);
  o.units = *units;
  o.batch = *batch;
  if (o.batch.empty()) return error{errc::malformed, "a batch has a name"};
  if (c.in.contains("tender")) {
    auto tender = tender_in(c, {tender_kind::cash, tender_kind::bank, tender_kind::transfer});
    if (!tender) return tender.error();
    o.tender = *tender;
  }
  if ((o.purse == purse_paid) != o.tender.has_value())
    return error{errc::malformed, "money behind a voucher is paid for, units are given: tender belongs to purse 1"};
  return o;
}

/// Where the units of such a voucher lie; or why there is none of that purse.
result<value_item> item_of(const order& o, const rules_record& rules, std::uint32_t today) {
  if (o.until != 0 && o.until < today) return error{errc::bad_amount, "until is in the past"};
  if (o.purse == purse_paid) return value_item{purse_paid, main_unit, 0, o.units};
  const auto* p = rules.programme.purse(o.purse);
  if (!p || p->kind != purse_kind::voucher)
    return error{errc::not_applicable, "purse " + std::to_string(o.purse) + " is no voucher of the rules in force"};
  if (p->off == 0)
    return error{errc::not_applicable,
                 p->names[0] + " takes a part off: nobody can say beforehand what a store without a line risks by it"};
  if (p->bucket == bucket_rule::expires && o.until == 0)
    return error{errc::bad_amount, p->names[0] + " expires: say until when these are good (--until)"};
  value_item v{o.purse, unit_of(o.purse), 0, o.units};
  if (p->bucket == bucket_rule::expires) v.bucket = month_of(o.until);
  return v;
}

}  // namespace

// What was granted before is left as it is, so the same call again goes on where one broke off.
void grant_vouchers(call c) {
  auto o = order_in(c);
  if (!o) return c.refuse(o.error());
  {
    std::lock_guard lock(c.context.mutex);
    if (o->first + o->count > next_account(c.node, c.context))
      return c.refuse({errc::not_allowed, "these account numbers were not reserved"});
  }
  auto shown = c.node.snapshot();
  const auto* rules = shown->rules->rules(shown->rules->version_at(shown->business_date));
  if (!rules) return c.refuse({errc::bad_rules, "no rules are in force yet"});
  auto item = item_of(*o, *rules, shown->business_date);
  if (!item) return c.refuse(item.error());
  durable_state st(c.node.store());
  std::vector<entry> facts;
  for (std::uint64_t i = 0; i < o->count; ++i) {
    entry e;
    e.kind = entry_kind::voucher_grant;
    e.account.value = o->first + i;
    e.rules_version = rules->version;
    e.expires = o->until;
    e.blob = o->batch;
    if (card_of(st, e.account)) return c.refuse({errc::key_reused, "the account is in use"});
    if (st.find(code_key(shown->self, e.account, true))) continue;
    if (o->tender) {
      e.values = {*item};
      e.tenders = {{*o->tender, main_unit, o->units}};
    } else {
      e.earned = {*item};
    }
    facts.push_back(std::move(e));
  }
  json out{{"granted", facts.size()}};
  if (facts.empty()) return c.ok(out);
  write_facts(c, std::move(facts), std::move(out));
}

void show_vouchers(const call& c) {
  struct sums {
    std::uint64_t count = 0, voided = 0;
    amount units = 0, left = 0;
    std::uint32_t until = 0;
  };
  durable_state st(c.node.store());
  auto self = c.node.snapshot()->self;
  std::map<std::pair<std::string, std::uint32_t>, sums> batches;
  each_granted(c.node.store(), [&](const granted& g) {
    auto& s = batches[{g.words.batch, g.words.purse}];
    ++s.count;
    auto card = card_of(st, g.account);
    s.voided += card && card->status != card_status::active ? 1U : 0U;
    s.until = std::max(s.until, g.words.until);
    if (!checked_add(s.units, g.units, s.units)) s.units = INT64_MAX;
    if (!checked_add(s.left, left_of(st, g, self), s.left)) s.left = INT64_MAX;
    return true;
  });
  json list = json::array();
  for (const auto& [key, s] : batches)
    list.push_back({{"batch", key.first},
                    {"purse", key.second},
                    {"count", s.count},
                    {"units", s.units},
                    {"left", s.left},
                    {"void", s.voided},
                    {"until", s.until}});
  c.ok({{"batches", list}});
}

void list_vouchers(const call& c) {
  auto batch = text_in(c.in, "batch", 30);
  auto after = number_in(c.in, "after", 0, INT64_MAX);
  if (!batch) return c.refuse(batch.error());
  if (!after) return c.refuse(after.error());
  durable_state st(c.node.store());
  auto self = c.node.snapshot()->self;
  json list = json::array();
  bool more = false;
  each_granted(c.node.store(), [&](const granted& g) {
    if (g.words.batch != *batch || g.account.value <= static_cast<std::uint64_t>(*after)) return true;
    if (list.size() >= vouchers_at_once) more = true;
    if (more) return false;
    auto card = card_of(st, g.account);
    list.push_back({{"account", g.account.value},
                    {"purse", g.words.purse},
                    {"units", g.units},
                    {"until", g.words.until},
                    {"left", left_of(st, g, self)},
                    {"void", card && card->status != card_status::active},
                    {"sent", c.node.recall(sent_voucher_name(g.account)).has_value()}});
    return true;
  });
  c.ok({{"vouchers", list}, {"more", more}});
}

// A voucher's account has no card until somebody says what it is.
void void_vouchers(call c) {
  auto first = number_in(c.in, "first", 1, INT64_MAX - vouchers_at_once);
  auto count = number_in(c.in, "count", 1, vouchers_at_once);
  if (!first) return c.refuse(first.error());
  if (!count) return c.refuse(count.error());
  durable_state st(c.node.store());
  auto self = c.node.snapshot()->self;
  std::vector<entry> facts;
  for (std::int64_t i = 0; i < *count; ++i) {
    account_id account{static_cast<std::uint64_t>(*first + i)};
    if (!st.find(code_key(self, account, true))) continue;
    auto card = card_of(st, account).value_or(card_record{});
    if (card.status != card_status::active) continue;
    card.status = card_status::cancelled;
    facts.push_back(card_fact(account, card));
  }
  json out{{"voided", facts.size()}};
  if (facts.empty()) return c.ok(out);
  write_facts(c, std::move(facts), std::move(out));
}

/// What became of one number of the list, or why it is sent nothing.
static json sent_out(const voucher_sent& v) {
  return {{"account", v.card.value},
          {"voucher", v.voucher.value},
          {"state", v.why == errc::ok ? sent_state_names[static_cast<std::size_t>(v.state)] : "refused"},
          {"why", v.why == errc::ok ? "" : errc_name(v.why)},
          {"detail", v.detail},
          {"at", v.at}};
}

// The same call again sends nobody a second one: it says what became of the first.
void send_vouchers(const call& c) {
  if (!c.context.codes) return c.refuse({errc::not_allowed, "this node sends nothing"});
  auto batch = text_in(c.in, "batch", 30);
  if (!batch) return c.refuse(batch.error());
  auto media = c.in.find("media");
  if (media == c.in.end() || !media->is_array() || media->empty() || media->size() > voucher_sends_max)
    return c.refuse({errc::malformed, "media are 1 to " + std::to_string(voucher_sends_max) + " texts"});
  durable_state st(c.node.store());
  std::vector<account_id> cards;
  for (const auto& m : *media) {
    std::array<std::uint8_t, 16> digest{};
    if (!m.is_string() || !from_hex(m.get<std::string>(), digest))
      return c.refuse({errc::malformed, "a medium is 32 hexadecimal digits"});
    cards.push_back(account_of(st, bytes(view_of(digest))).value_or(account_id{}));
  }
  c.context.codes->send_vouchers(*batch, std::move(cards),
                                 [respond = c.respond](const result<std::vector<voucher_sent>>& r) {
                                   if (!r) return respond(http_status(r.code()), error_json(r.error()));
                                   json list = json::array();
                                   for (const auto& v : *r)
                                     list.push_back(sent_out(v));
                                   respond(200, json{{"sent", list}}.dump());
                                 });
}

}  // namespace tally::admin
