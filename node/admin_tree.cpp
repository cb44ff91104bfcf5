// Head office: the tree changes. A node moves to another parent, a node retires.
#include "node/admin_internal.hpp"
#include "node/enrolment.hpp"

namespace tally::admin {
namespace {

const node_snapshot::remote* row_of(const node_snapshot& s, std::int64_t node) {
  for (const auto& r : s.below)
    if (r.node.value == node) return &r;
  return nullptr;
}

result<certificate> newest_of(const call& c, node_id node) {
  auto stored = stored_certificate(c.node.store(), node);
  if (!stored) return error{errc::not_found, "there is no node " + std::to_string(node.value)};
  return decode_certificate(stored->body);
}

}  // namespace

void retire(call c) {
  auto node = number_in(c.in, "node", 2, nodes_max);
  if (!node) return c.refuse(node.error());
  auto s = c.node.snapshot();
  const auto* r = row_of(*s, *node);
  auto name = "node " + std::to_string(*node);
  if (!r) return c.refuse({errc::not_found, "there is no " + name});
  if (r->revoked) return c.refuse({errc::revoked, name + " is revoked or retired already"});
  for (const auto& other : s->below)
    if (other.parent == r->node && !other.revoked)
      return c.refuse({errc::not_allowed, "node " + std::to_string(other.node.value) + " is below " + name +
                                              "; move or retire it first ('tallystick move')"});
  if (r->entries == 0) return c.refuse({errc::not_found, name + " has never traded; cancel its invitation instead"});
  // What its line looks like says nothing about the last minutes: the node itself is asked, and stands still until it
  // hears of its end. Whatever comes between that answer and the writing, `close.size` is what head office has.
  c.node.ask_end(r->node, [c, node = r->node, held = r->held](const result<closing_end>& end) {
    if (!end) return c.refuse(end.error());
    // Its keys first: whoever hears of the closing alone begins a new epoch and sells for cash in it. Which
    // certificates there are by then head office says as it writes.
    entry close, revoke;
    revoke.kind = entry_kind::revoke;
    close.kind = entry_kind::close_epoch;
    revoke.subject.node = close.subject.node = node;
    revoke.size = close.size = end->size;
    write_facts(c, {revoke, close}, {{"node", node.value}, {"entries", end->size}, {"held", held}});
  });
}

void move_node(call c) {
  auto node = number_in(c.in, "node", 2, nodes_max);
  auto parent = number_in(c.in, "parent", 1, nodes_max);
  if (!node) return c.refuse(node.error());
  if (!parent) return c.refuse(parent.error());
  node_id id{static_cast<std::uint32_t>(*node)}, to{static_cast<std::uint32_t>(*parent)};
  auto s = c.node.snapshot();
  const auto* r = row_of(*s, *node);
  auto name = "node " + std::to_string(*node);
  if (!r) return c.refuse({errc::not_found, "there is no " + name});
  if (r->revoked) return c.refuse({errc::revoked, name + " is revoked or retired"});
  if (r->role != node_role::store) return c.refuse({errc::not_allowed, "only stores move; " + name + " is a region"});
  auto cert = newest_of(c, id);
  if (!cert) return c.refuse(cert.error());
  if (cert->parents.front() == to)
    return c.refuse({errc::not_allowed, name + " is below node " + std::to_string(to.value) + " already"});
  auto next = *cert;
  next.parents = {head_office};
  if (to != head_office) {
    const auto* above = row_of(*s, *parent);
    if (!above || above->role != node_role::region || above->revoked)
      return c.refuse({errc::not_found, "node " + std::to_string(to.value) +
                                            " is no region of this chain; see 'tallystick status' for the nodes that "
                                            "there are"});
    next.parents.insert(next.parents.begin(), to);
  }
  ++next.serial;
  if (auto ok = check(next); !ok) return c.refuse(ok.error());
  entry e;
  e.kind = entry_kind::certify;
  e.blob = encode(c.context.certify(next));
  write_facts(c, {e}, {{"node", *node}, {"parent", *parent}, {"before", cert->parents.front().value}});
}

}  // namespace tally::admin
