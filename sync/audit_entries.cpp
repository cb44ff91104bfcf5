// What single entries say: certificates and publications of a directory, heads that are cited, sums, copies in
// sub-streams.
#include "ledger/kinds.hpp"
#include "storage/sha256.hpp"
#include "sync/audit_parts.hpp"

namespace tally::audit_detail {

void auditor::read_directory(const stream_id& id) {
  auto& list = published_[id];
  entry_walk walk(store_, id, self_.node, 0, size_of(id), entry_walk::holes::show);
  while (auto item = walk.next()) {
    step();
    if (item->left_out) continue;
    auto e = decode_entry(item->data);
    if (!e) continue;
    if (e->kind == entry_kind::certify) found_certificates_.push_back({stream_name(id), item->seq, e->blob, id});
    if (e->kind != entry_kind::publish) continue;
    std::optional<error> bad;
    if (e->topic == publish_topic::rules) {
      auto r = decode_rules(e->blob);
      if (r) {
        list.push_back({item->seq, *r});
        catalogue_.add(std::move(*r));
      } else {
        bad = r.error();
      }
    } else if (e->topic == publish_topic::product) {
      auto p = decode_product(e->blob);
      if (p) {
        list.push_back({item->seq, std::move(*p)});
      } else {
        bad = p.error();
      }
    }
    if (bad) problem(check_entries, stream_name(id), item->seq, "a published record", bad->detail);
  }
  (void)note(walk);  // damage is named where the stream's root is recomputed
}

/// Called once for each entry of each journal, in order.
void auditor::look_at(const stream_id& journal, sequence seq, byte_view data, const entry* e) {
  ++line(check_entries).count;
  recompute(journal, data, e);
  if (!e) return;
  report_.today = std::max(report_.today, e->business_date);
  cite(journal, seq, *e);
}

void auditor::recompute(const stream_id& journal, byte_view data, const entry* e) {
  const auto* row = row_of(peek_kind(data));
  if (!row) uncertain_.insert(journal.writer);
  std::optional<stream_id> to;
  if (row && row->broadcast) {
    to = stream_id{journal.writer, sub_stream::directory, {}};
  } else if (e && e->kind == entry_kind::send) {
    to = stream_id{journal.writer, sub_stream::addressed, e->peer.node};
  }
  if (!to) return;
  auto [it, fresh] = subs_.try_emplace(*to);
  if (fresh) it->second.stored = size_of(*to);
  auto& sub = it->second;
  sub.tip.append(merkle_leaf(data));
  if (sub.tip.size() == sub.stored) sub.root_at_stored = sub.tip.root();
}

void auditor::cite(const stream_id& journal, sequence seq, const entry& e) {
  if (!e.head || e.head->size == 0) return;
  if (e.kind == entry_kind::adopt || (e.kind == entry_kind::open_epoch && seq == 0))
    adopted_[journal].push_back({seq, e.head->stream, e.head->size});
  // How the life before ended: what somebody proved of it, which an old copy that went on need not have.
  if (e.kind == entry_kind::open_epoch && e.head->stream.writer.node == journal.writer.node) return;
  // Beyond what this node itself wrote nobody can have read.
  citation c{e.head->root, stream_name(journal), seq, check_heads, e.head->stream.writer == self_, {}};
  if (e.kind == entry_kind::receive) c.transfer = {journal.writer, e.channel, transfer_text(e)};
  cited_[e.head->stream][e.head->size].push_back(std::move(c));
}

// Money and units back for goods were not spent after all, and what the goods gave is not given; what expired is spent,
// and not spent when it is given back.
void auditor::count_units(const entry& e, entry_kind kind) {
  auto add = [&](amount& sum, unit_id unit, amount v) {
    if (!checked_add(sum, v, sum))
      problem(check_totals, "unit " + std::to_string(unit.value), {}, "sums that fit 64 bits", std::to_string(v));
  };
  for (const auto& v : e.values)
    add(sums_[v.unit].spent, v.unit, kind == entry_kind::expire ? v.amount : -v.amount);
  const bool earns = kind == entry_kind::earn;
  for (const auto& v : e.earned)
    if (evens_paid(e)) {
      add(sums_[v.unit].spent, v.unit, earns ? -v.amount : v.amount);
    } else {
      add(sums_[v.unit].loaded, v.unit, earns ? v.amount : -v.amount);
    }
}

void auditor::count_sums(const entry& e) {
  bool back = e.kind == entry_kind::reverse;
  auto kind = back ? e.cited_kind : e.kind;
  bool units = kind == entry_kind::refund || kind == entry_kind::refund_elsewhere || kind == entry_kind::expire ||
               kind == entry_kind::give_back || kind == entry_kind::earn || kind == entry_kind::take_back;
  if (units) return count_units(e, kind);
  bool spends = sells(kind) || kind == entry_kind::hand_back || kind == entry_kind::adjust || kind == entry_kind::fee ||
                kind == entry_kind::execute;
  bool loads = kind == entry_kind::top_up || kind == entry_kind::issue || kind == entry_kind::voucher_grant;
  if (!spends && !loads) return;
  auto add = [&](amount& sum, unit_id unit, amount v) {
    if (v <= 0 || !checked_add(sum, back ? -v : v, sum))
      problem(check_totals, "unit " + std::to_string(unit.value), {}, "sums that fit 64 bits", std::to_string(v));
  };
  for (const auto& v : e.values)
    add(spends ? sums_[v.unit].spent : sums_[v.unit].loaded, v.unit, v.amount);
  for (const auto& v : e.earned)
    add(sums_[v.unit].loaded, v.unit, v.amount);
}

}  // namespace tally::audit_detail
