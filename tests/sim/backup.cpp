// Head office on a backup, and what its operators do then beside waiting.
#include <algorithm>

#include "sim/world.hpp"

namespace tally::sim {

// Its machine is gone, so it can give nothing back.
std::vector<node_id> world::lost_children() const {
  std::vector<node_id> out;
  for (const auto& [id, n] : nodes_)
    if (n.gone && !n.parents.empty() && n.parents.front() == head_office) out.push_back(id);
  return out;
}

void world::note_backup(sim_node& n, const std::vector<node_id>& without) {
  kv_batch mark;
  mark_as_copy(mark, without);
  ensure(n.disk.commit(mark, true).ok(), "the mark of a backup is written");
}

// Operators look for whom it waits, and name those of whom no machine is left.
void world::watch_backup() {
  at(dice_.between(30'000, 5 * 60'000), [this] {
    auto& hq = nodes_.at(head_office);
    if (!hq.st || hq.flight) return watch_backup();
    if (!hq.st->is_rebuilding()) {
      order_again();
      if (plan_.restore_again && !std::exchange(restored_again_, true))
        at(dice_.between(60'000, plan_.trade_ms / 4), [this, &hq] { restore(hq); });
      return;
    }
    const auto silent = hq.st->rebuilt().silent;
    auto lost = lost_children();
    if (std::ranges::any_of(lost, [&](node_id n) { return std::ranges::find(silent, n) != silent.end(); })) {
      crash(hq, "its operators do not wait for a node that is lost");
      note_backup(hq, lost);
    }
    watch_backup();
  });
}

// What they had decided about lives of nodes and told nobody is lost; they decide the same.
void world::order_again() {
  const auto& hq = *nodes_.at(head_office).st;
  for (const auto& order : ordered_) {
    if (std::ranges::find(decrees_, order) != decrees_.end()) continue;  // it is still to be said
    std::vector<entry> again;
    for (const auto& fact : order)
      if (!is_in_force(hq, fact)) again.push_back(fact);
    if (again.empty()) continue;
    say("what was decided about node " + std::to_string(victim_.value) + " is decided again");
    for (auto& e : again)
      if (e.kind == entry_kind::certify) renumber(e);
    decrees_.push_back(again);
  }
  send_facts();
}

// Of what retires head office has all. Right below it, it alone had, and may lose it with its disk: somebody must bring
// the store's.
bool world::may_be_gone(const writer_id& writer) const {
  const auto& n = nodes_.at(writer.node);
  if (plan_.ending != ending::retire && plan_.ending != ending::move) return true;
  return restored() == head_office && n.gone && n.parents.front() == head_office;
}

// Nor is it known what was granted of it already, while nobody knows what a life of head office before had done.
bool world::has_whole(const writer_id& writer, const closing& how) const {
  for (const auto& w : nodes_.at(head_office).lives)
    if (auto own = closing_of(nodes_.at(head_office).st->st(), w); own && !own->complete()) return false;
  stream_reader reader(nodes_.at(head_office).disk);
  bool here = writer.node == head_office || reader.size({writer, sub_stream::journal, {}}) >= how.size;
  return here && how.complete();
}

bool world::is_in_force(const station& hq, const entry& fact) const {
  if (fact.kind == entry_kind::revoke) return revoking_of(hq.st(), victim_life_).has_value();
  if (fact.kind == entry_kind::close_epoch) return closing_of(hq.st(), victim_life_).has_value();
  auto told = decode_certificate(decode_signed_certificate(fact.blob)->body);
  const auto* now = hq.certificate_of(told->node);
  return now && now->curve == told->curve && now->parents == told->parents;
}

// A till shows its newest mark when it connects, before it gets the next one; then it gets one with everything that
// becomes durable. So whatever left the node, a till that is there knows of it.
void world::new_mark(sim_node& n) {
  auto& ledger = n.st->ledger();
  for (auto& t : n.tills)
    if (t.mark && t.mark->epoch == ledger.self().epoch)
      (void)n.st->check_rollback(ledger.self(), t.mark->seq + 1, wall(n));
  if (ledger.durable_next() == 0) return;
  rollback_mark newest{ledger.self().epoch, ledger.durable_next() - 1};
  for (auto& t : n.tills) {
    if (ledger.self().epoch != n.cert.epoch) t.closed = false;  // the rollback is known
    if (!t.closed) t.mark = newest;
  }
}

}  // namespace tally::sim
