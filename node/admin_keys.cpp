#include "node/admin_internal.hpp"
#include "node/key_change.hpp"

// New keys of this node: see node/admin.hpp.
namespace tally::admin {

// The files are written before head office is asked: a certificate for keys that nobody has would end this node.
void rotate_keys(call c) {
  const auto role = c.context.identity.role;
  if (role == node_role::hq)
    return c.refuse({errc::not_allowed, "head office keeps its keys: all that it certified is known by them"});
  if (c.node.snapshot()->stopped == errc::revoked)
    return c.refuse({errc::revoked, "this node was revoked: new keys of its own would change nothing"});
  std::unique_lock lock(c.context.mutex);
  auto keys = make_next_keys(c.context.layout, role == node_role::region, c.context.random);
  lock.unlock();
  if (!keys) return c.refuse(keys.error());
  auto key = to_hex(view_of(keys->signing->key()));
  c.node.want_keys(std::move(*keys));
  c.ok({{"signing", key}});
}

}  // namespace tally::admin
