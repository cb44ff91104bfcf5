#include <algorithm>

#include "node/admin_internal.hpp"

// Invitations that nobody has used yet: see node/admin.hpp.
namespace tally::admin {
namespace {

/// Where `node_facade::remember` keeps what begins so: family meta, behind an "n".
constexpr std::string_view stored_prefix = "nenrol/";

/// Forgets one after the other, then answers.
void forget(node_facade& node, std::vector<std::string> keys, std::size_t done, admin_respond respond) {
  if (keys.empty()) return respond(200, json{{"cancelled", done}}.dump());
  auto key = std::move(keys.back());
  keys.pop_back();
  node.remember(std::move(key), std::nullopt,
                [&node, keys = std::move(keys), done, respond = std::move(respond)](bool ok) mutable {
                  if (!ok) return respond(503, error_json({errc::io, "the invitation could not be cancelled"}));
                  forget(node, std::move(keys), done + 1, std::move(respond));
                });
}

}  // namespace

std::vector<open_invitation> open_invitations(const node_facade& node, unix_seconds now) {
  std::vector<open_invitation> out;
  for (auto c = node.store().scan(family::meta, stored_prefix); c->valid() && c->key().starts_with(stored_prefix);
       c->next()) {
    auto record = decode_invitation(c->value());
    if (record && !record->used && record->what.expiry > now)
      out.push_back({std::string(c->key().substr(1)), std::move(record->what)});
  }
  return out;
}

bool name_taken(const call& c, const std::string& name) {
  auto now = c.node.snapshot();
  return name == c.context.identity.name ||
         std::ranges::any_of(now->below, [&](const auto& r) { return r.name == name; }) ||
         std::ranges::any_of(open_invitations(c.node, c.context.now()),
                             [&](const auto& i) { return i.what.name == name; });
}

void show_invitations(const call& c) {
  auto open = open_invitations(c.node, c.context.now());
  std::ranges::sort(open, {}, [](const open_invitation& i) { return std::pair(i.what.node, i.what.expiry); });
  json list = json::array();
  for (const auto& [key, what] : open)
    list.push_back({{"node", what.node.value},
                    {"name", what.name},
                    {"role", role_name(what.role)},
                    {"parent", what.parents.empty() ? 0U : what.parents.front().value},
                    {"expires", what.expiry}});
  c.ok({{"invitations", list}, {"now", c.context.now()}});
}

void cancel_invitations(call c) {
  auto node = number_in(c.in, "node", 2, INT32_MAX);
  if (!node) return c.refuse(node.error());
  std::vector<std::string> keys;
  for (auto& i : open_invitations(c.node, c.context.now()))
    if (i.what.node.value == static_cast<std::uint32_t>(*node)) keys.push_back(std::move(i.key));
  if (keys.empty())
    return c.refuse({errc::not_found, "there is no open invitation for node " + std::to_string(*node) +
                                          "; 'tallystick invite --list' shows those that there are"});
  forget(c.node, std::move(keys), 0, c.respond);
}

}  // namespace tally::admin
