// Nodes that change their keys, dark or on the line.
#include "sim/world.hpp"
#include "sync/keys_fake.hpp"
#include "sync/station_facts.hpp"

namespace tally::sim {

// Dice of its own: seeds without it stay what they were.
void world::plan_new_keys() {
  dice own(plan_.seed * 0xbf58476d1ce4e5b9ULL + 7);
  for (unsigned i = 0; i < plan_.new_keys; ++i) {
    auto of = static_cast<std::uint32_t>(2 + own.below(plan_.regions + plan_.stores));
    at(own.between(1, plan_.trade_ms), [this, of] { change_keys(nodes_.at(node_id{of})); });
  }
}

std::unique_ptr<signer> world::make_keys() {
  if (plan_.real_signatures) return std::make_unique<ed25519_signer>(make_signing_key(entropy_));
  return static_cast<const fake_keys&>(*verifier_).make_signer(entropy_);
}

// Not where a life ends in another way as well: which of the two came first would be luck.
void world::change_keys(sim_node& n) {
  const bool top = plan_.restore == restore_kind::top;
  const bool ends = (plan_.restore != restore_kind::none && !top) || plan_.ending != ending::none;
  // With a region's keys the lives of its stores end, and what is said of theirs elsewhere names others.
  if (n.role == node_role::region && ends) return;
  // Head office on a backup from before does not know the new keys of a store right below it, which opens no connection
  // with them: an operator must bring them (docs/replication.md).
  if (top && n.role == node_role::store && n.parents.front() == head_office) return;
  if (calm_ || n.next || n.gone || n.outcast || n.id == victim_ || n.id == copied_) return;
  if (!n.st || n.flight || n.st->ledger().durable_next() == 0) return at(5'000, [this, &n] { change_keys(n); });
  next_keys next;
  next.signing = make_keys();
  next.curve = n.cert.curve;
  if (n.role == node_role::store) {
    n.next_curve = make_curve_key(entropy_);
    next.curve = n.next_curve.pub;
  }
  entropy_.fill(next.epoch.value);
  say("node " + std::to_string(n.id.value) + " makes new keys");
  n.next = next;
  n.st->want_keys(next);
  tick_by(n, now_ + 1);
}

// As node/key_change.cpp: when head office has certified them, they take the place of the old ones, which stay.
void world::take_new_keys(sim_node& n) {
  if (!n.next) return;
  load_certificates(n.disk, *n.certificates);
  auto own = n.certificates->find(n.id);
  if (!own || (*own)->signing != n.next->signing->key()) return;
  say("node " + std::to_string(n.id.value) + " starts with its new keys");
  ++counted_.new_keys;
  rekeyed_ = n.id;
  for (const auto& w : n.lives)
    oracle_.restored(w);
  n.older.emplace_back(n.cert.epoch, std::exchange(n.keys, n.next->signing));
  if (n.cert.curve != (*own)->curve) n.curve = std::move(n.next_curve);
  n.cert = **own;
  n.signed_cert = *n.certificates->signed_form(n.id);
  n.next.reset();
}

// A life that ended with its region's: its channels did.
void world::follow_region(const sim_node& n) {
  if (n.parents.empty() || !n.st || plan_.new_keys == 0) return;
  const auto& parent = nodes_.at(n.parents.front());
  if (parent.older.empty() && (parent.id != restored() || parent.role != node_role::region)) return;
  for (const auto& w : n.lives)
    if (w != n.st->ledger().self()) oracle_.restored(w);
}

}  // namespace tally::sim
