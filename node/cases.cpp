#include "node/cases.hpp"

#include <algorithm>

#include "ledger/kinds.hpp"
#include "node/json_write.hpp"
#include "node/ticket.hpp"
#include "storage/entry_codec.hpp"
#include "storage/streams.hpp"

namespace tally {
namespace {

/// Card value that an entry names, whichever way it moves.
tally::amount worth_of(const entry& e) {
  tally::amount sum = 0;
  for (const auto& v : e.values)
    if (v.unit == main_unit && !checked_add(sum, v.amount < 0 ? -v.amount : v.amount, sum)) return amount_max;
  return e.bearer != 0 && e.risk != 0 ? e.risk : sum;  // of a voucher, what it was worth
}

void write_case(json_writer& w, const node_snapshot& s, const node_snapshot::open_case& c,
                const stream_reader& reader) {
  w.open('{');
  w.field("id", receipt_id(c.writer, c.seq));
  w.field("node", c.writer.node.value);
  for (const auto& b : s.below)
    if (b.node == c.writer.node) w.field("name", b.name);
  w.field("why", errc_name(c.why));
  w.field("text", errc_text(c.why));
  auto data = reader.entry_of({c.writer, sub_stream::journal, {}}, c.seq, s.self);
  auto e = data ? decode_entry(*data) : result<entry>(data.error());
  w.field("kind", data ? kind_name(peek_kind(*data)) : std::string_view("unknown"));
  if (e) {
    w.field("business_date", date_text(e->business_date));
    w.field("value", worth_of(*e));
    if (e->account.value != 0) w.field("account", e->account.value);
  }
  w.close('}');
}

}  // namespace

std::string cases_json(const node_facade& node) {
  auto s = node.snapshot();
  stream_reader reader(node.store());
  json_writer w;
  w.open('{');
  w.field("open", s->cases->open);
  w.key("cases");
  w.open('[');
  for (const auto& c : s->cases->first)
    write_case(w, *s, c, reader);
  w.close(']');
  w.close('}');
  return w.take();
}

}  // namespace tally
