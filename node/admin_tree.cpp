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

/// Entries that the node has and head office has not, as far as somebody above the node knows; none: nobody does.
std::optional<std::uint64_t> missing_of(const node_snapshot& s, const node_snapshot::remote& r) {
  if (r.told && r.told->up) return r.told->entries - std::min(r.told->entries, r.entries);
  for (const auto& child : s.children)
    if (child.node == r.node && child.up) return 0;  // an open line that is quiet
  return std::nullopt;
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
  auto missing = missing_of(*s, *r);
  if (!missing || *missing > 0)
    return c.refuse(
        {errc::offline, name +
                            (missing ? " has " + std::to_string(*missing) + " entries that are not here yet"
                                     : std::string(" is not there, so nobody knows whether all its books are here")) +
                            "; bring it on its line or carry its books here ('tallystick ship'), or close "
                            "them with 'tallystick close-epoch', with days of doubt"});
  auto cert = newest_of(c, r->node);
  if (!cert) return c.refuse(cert.error());
  entry close, revoke;
  close.kind = entry_kind::close_epoch;
  close.subject.node = r->node;
  close.size = r->entries;
  revoke.kind = entry_kind::revoke;
  revoke.subject = {r->node, r->epoch};
  revoke.size = r->entries;
  revoke.serial = cert->serial;
  write_facts(c, {close, revoke}, {{"node", *node}, {"entries", r->entries}, {"held", r->held}});
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
