#include "ledger/ruling.hpp"
#include "node/admin_internal.hpp"
#include "node/cases.hpp"
#include "node/reason.hpp"
#include "node/ticket.hpp"
#include "storage/entry_codec.hpp"
#include "storage/streams.hpp"
#include "sync/text.hpp"

// Open cases and what head office rules about them: see node/admin.hpp.
namespace tally::admin {

namespace {

/// How much is owed (`owes`) and by the owner of which node (`owes_node`), and what a holder is to write off (`take`
/// units of `take_purse` at `take_node`). What is not said, the station completes.
status add_sums(const json& in, entry& e) {
  if (in.contains("owes")) {
    auto owes = number_in(in, "owes", 0, amount_max);
    if (!owes) return owes.error();
    if (e.outcome != ruling_outcome::owed) return error{errc::malformed, "owes belongs to the outcome owed"};
    e.values = {{purse_paid, main_unit, 0, *owes}};
  }
  if (in.contains("owes_node")) {
    auto node = number_in(in, "owes_node", 1, UINT32_MAX);
    if (!node) return node.error();
    if (e.outcome != ruling_outcome::owed) return error{errc::malformed, "owes_node belongs to the outcome owed"};
    e.debtor.value = static_cast<std::uint32_t>(*node);
  }
  if (!in.contains("take")) return done();
  auto units = number_in(in, "take", 1, amount_max);
  auto node = number_in(in, "take_node", 1, UINT32_MAX);
  auto purse = in.contains("take_purse") ? number_in(in, "take_purse", 1, purse_deposit - 1)
                                         : result<std::int64_t>(std::int64_t{purse_paid});
  auto account =
      in.contains("take_account") ? number_in(in, "take_account", 1, INT64_MAX) : result<std::int64_t>(std::int64_t{0});
  for (const auto* bad : {!units ? &units.error() : nullptr, !node ? &node.error() : nullptr,
                          !purse ? &purse.error() : nullptr, !account ? &account.error() : nullptr})
    if (bad) return *bad;
  e.peer.node = node_id{static_cast<std::uint32_t>(*node)};
  e.account = account_id{static_cast<std::uint64_t>(*account)};
  auto number = static_cast<std::uint32_t>(*purse);
  e.released = {{number, unit_of(number), 0, *units}};
  return done();
}

/// What the station made of it, as its journal has it: a sum that nobody named, whose owner owes it, whose card it is.
void add_ruled(const node_facade& node, const entry& asked, sequence at, json& out) {
  const auto self = node.snapshot()->self;
  auto data = stream_reader(node.store()).entry_of({self, sub_stream::journal, {}}, at, self);
  auto e = data ? decode_entry(*data) : result<entry>(data.error());
  if (!e || e->kind != entry_kind::ruling || e->subject != asked.subject || e->cites != asked.cites) return;
  for (const auto& v : e->values) {
    out["owed"] = v.amount;
    out["owed_by"] = debtor_of(*e).value;
  }
  for (const auto& v : e->released) {  // one purse, as it was asked for
    out["take"] = v.amount;
    out["take_purse"] = v.purse;
    out["take_node"] = e->peer.node.value;
    out["take_account"] = e->account.value;
  }
}

}  // namespace

void show_cases(const call& c) { c.respond(200, cases_json(c.node)); }

void acknowledge(const call& c) {
  auto id = text_in(c.in, "case", 80);
  auto reason = text_in(c.in, "reason", note_max);
  if (!id || !reason) return c.refuse(id ? reason.error() : id.error());
  auto at = parse_receipt_id(*id);
  if (!at) return c.refuse({errc::malformed, "case is the id of an entry, as the list of differences shows it"});
  if (!is_reason(*reason)) return c.refuse({errc::malformed, "reason is UTF-8 text on one line, and not blank"});
  c.node.acknowledge_difference(
      at->writer, at->seq, *reason, c.context.now(), [respond = c.respond, id = *id](const status& r) {
        r ? respond(200, json{{"acknowledged", id}}.dump()) : respond(http_status(r.code()), error_json(r.error()));
      });
}

void rule(call c) {
  auto id = text_in(c.in, "case", 80);
  auto name = text_in(c.in, "outcome", 20);
  auto note = text_in(c.in, "note", note_max);
  for (const auto* bad :
       {!id ? &id.error() : nullptr, !name ? &name.error() : nullptr, !note ? &note.error() : nullptr})
    if (bad) return c.refuse(*bad);
  auto at = parse_receipt_id(*id);
  auto outcome = ruling_outcome_of(*name);
  if (!at) return c.refuse({errc::malformed, "case is the id of a contested entry, as the list of cases shows it"});
  if (!outcome) return c.refuse({errc::malformed, "outcome is stands, owed or no_loss"});
  if (!note->empty() && !is_reason(*note)) return c.refuse({errc::malformed, "note is plain text, and not blank"});
  entry e;
  e.kind = entry_kind::ruling;
  e.subject = at->writer;
  e.cites = at->seq;
  e.outcome = *outcome;
  e.blob = *note;
  if (auto ok = add_sums(c.in, e); !ok) return c.refuse(ok.error());
  json out{{"case", *id}, {"outcome", ruling_outcome_name(*outcome)}};
  c.node.facts({e}, [&node = c.node, respond = c.respond, e, out](const facts_answer& a) mutable {
    if (a.code != errc::ok) return respond(http_status(a.code), error_json({a.code, a.detail}));
    add_ruled(node, e, a.first, out);
    respond(200, out.dump());
  });
}

}  // namespace tally::admin
