#include "node/cases.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ledger/kinds.hpp"
#include "ledger/ruling.hpp"
#include "node/json_write.hpp"
#include "node/ticket.hpp"
#include "storage/entry_codec.hpp"
#include "storage/streams.hpp"
#include "sync/reexecution.hpp"

namespace tally {
namespace {

std::string_view name_of(const node_snapshot& s, node_id node) {
  if (node == s.self.node) return role_name(s.role);
  for (const auto& b : s.below)
    if (b.node == node) return b.name;
  return {};
}

/// What there is to say of an entry of a journal, whoever asks.
std::optional<entry> write_entry(json_writer& w, const node_snapshot& s, const writer_id& writer, sequence seq,
                                 const stream_reader& reader) {
  w.field("id", receipt_id(writer, seq));
  w.field("node", writer.node.value);
  if (auto name = name_of(s, writer.node); !name.empty()) w.field("name", name);
  auto data = reader.entry_of({writer, sub_stream::journal, {}}, seq, s.self);
  auto e = data ? decode_entry(*data) : result<entry>(data.error());
  w.field("kind", data ? kind_name(peek_kind(*data)) : std::string_view("unknown"));
  if (e) w.field("business_date", date_text(e->business_date));
  return e ? std::optional(std::move(*e)) : std::nullopt;
}

void write_case(json_writer& w, const node_snapshot& s, const node_snapshot::open_case& c,
                const stream_reader& reader) {
  w.open('{');
  auto e = write_entry(w, s, c.writer, c.seq, reader);
  w.field("why", errc_name(c.why));
  w.field("text", errc_text(c.why));
  if (e) {
    w.field("value",
            c.beyond > 0 ? c.beyond : case_sum(*e, c.why, s.rules ? s.rules->rules(e->rules_version) : nullptr));
    if (e->account.value != 0) w.field("account", e->account.value);
  }
  if (c.same_as && *c.same_as != std::pair(c.writer, c.seq))
    w.field("same_as", receipt_id(c.same_as->first, c.same_as->second));
  if (!c.uses.empty()) {
    w.key("uses");
    w.open('[');
    for (const auto& [writer, seq] : c.uses)
      w.value(receipt_id(writer, seq));
    w.close(']');
    if (c.uses_all > c.uses.size()) w.field("more_uses", c.uses_all - c.uses.size());
  }
  w.close('}');
}

/// Entries that are held and were not priced again: as of now, not of when that look began.
std::uint64_t not_looked_at(const reexecution_report& r, const stream_reader& reader) {
  std::uint64_t held = 0;
  auto streams = reader.list();
  for (const auto& id : streams ? *streams : std::vector<stream_id>{})
    if (id.sub == sub_stream::journal) held += reader.size(id);
  return std::max(r.counted.behind, held - std::min(held, r.counted.entries));
}

/// Head office's second look: how far it is, and what did not fit.
void write_recomputed(json_writer& w, const node_snapshot& s, const reexecution_report& r,
                      const stream_reader& reader) {
  w.key("recomputed");
  w.open('{');
  w.field("entries", r.counted.entries);
  w.field("behind", not_looked_at(r, reader));
  w.field("differences", r.counted.differences - r.counted.acknowledged);
  w.field("acknowledged", r.counted.acknowledged);
  w.key("first");
  w.open('[');
  for (std::size_t i = 0; i < std::min(r.first.size(), node_snapshot::cases_max); ++i) {
    const auto& d = r.first[i];
    w.open('{');
    (void)write_entry(w, s, d.writer, d.seq, reader);
    w.field("expected", d.expected);
    w.field("found", d.found);
    w.close('}');
  }
  w.close(']');
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
  if (auto r = node.reexecuted()) write_recomputed(w, *s, *r, reader);
  w.close('}');
  return w.take();
}

std::string ruled_text(const nlohmann::json& answer, const std::string& currency, int exponent) {
  auto number = [&](const char* name) { return answer.value(name, std::int64_t{0}); };
  auto money = [&](amount v) { return format_amount(v, exponent) + (currency.empty() ? "" : " " + currency); };
  const auto outcome = answer.value("outcome", "");
  std::string out = "Ruled: " + answer.value("case", "") + " " + outcome;
  if (number("owed") > 0) {
    out += ": the owner of node " + std::to_string(number("owed_by")) + " owes " + money(number("owed"));
  } else if (outcome == ruling_outcome_name(ruling_outcome::owed)) {
    out += ": the ruling adds no sum to what is owed";
  }
  out += ". The ruling is an entry of head office's journal, and final.\n";
  if (number("take") < 1) return out;
  const auto purse = number("take_purse");
  return out + "Node " + std::to_string(number("take_node")) + " writes off at most " +
         (purse == purse_paid ? money(number("take"))
                              : std::to_string(number("take")) + " of purse " + std::to_string(purse)) +
         " of account " + std::to_string(number("take_account")) +
         ", as far as it lies there when it hears of this, once.\n";
}

}  // namespace tally
