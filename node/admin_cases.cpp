#include "node/admin_internal.hpp"
#include "node/cases.hpp"
#include "node/ticket.hpp"
#include "sync/text.hpp"

// Open cases and what head office rules about them: see node/admin.hpp.
namespace tally::admin {

void show_cases(const call& c) { c.respond(200, cases_json(c.node)); }

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
  if (!is_plain_utf8(*note)) return c.refuse({errc::malformed, "note is plain text"});
  entry e;
  e.kind = entry_kind::ruling;
  e.subject = at->writer;
  e.cites = at->seq;
  e.outcome = *outcome;
  e.blob = *note;
  write_facts(c, {e}, {{"case", *id}, {"outcome", ruling_outcome_name(*outcome)}});
}

}  // namespace tally::admin
