#include <algorithm>
#include <map>
#include <set>

#include "ledger/money.hpp"
#include "node/admin_internal.hpp"
#include "node/office.hpp"
#include "node/rules_file.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"
#include "sync/kept_kinds.hpp"
#include "sync/station_facts.hpp"
#include "sync/text.hpp"

// Calls that make head office write something: see node/admin.hpp.
namespace tally::admin {
namespace {

constexpr std::int64_t hours_max = 24 * 30;
constexpr unix_seconds publication_idle_max = 60;

/// A machine that takes an existing node's place keeps its name, role, parents and limits.
result<invitation> replacement_in(const call& c, node_id node, std::int64_t hours) {
  auto stored = node == head_office ? std::nullopt : stored_certificate(c.node.store(), node);
  auto cert = stored ? decode_certificate(stored->body) : result<certificate>(errc::not_found);
  if (!cert)
    return error{errc::not_found, "node " + std::to_string(node.value) +
                                      " cannot be replaced: it is no region or store of this chain; see 'tallystick "
                                      "status' for the nodes that there are"};
  invitation w{node, cert->name, cert->role, cert->parents, {}, 0, cert->owner};
  w.limits = limits_of(durable_state(c.node.store()), node);
  w.expiry = c.context.now() + hours * 3600;
  return w;
}

result<invitation> invitation_in(const call& c) {
  if (c.in.contains("replaces") && c.in["replaces"] != 0) {
    auto node = number_in(c.in, "replaces", 2, nodes_max);
    auto hours = number_in(c.in, "hours", 1, hours_max);
    if (!node) return node.error();
    if (!hours) return hours.error();
    return replacement_in(c, {static_cast<std::uint32_t>(*node)}, *hours);
  }
  invitation w;
  auto name = text_in(c.in, "name", 60);
  auto role = text_in(c.in, "role", 10);
  auto parent = number_in(c.in, "parent", 1, nodes_max);
  auto hours = number_in(c.in, "hours", 1, hours_max);
  for (const auto* e : {!name ? &name.error() : nullptr, !role ? &role.error() : nullptr,
                        !parent ? &parent.error() : nullptr, !hours ? &hours.error() : nullptr})
    if (e) return *e;
  if (name->empty() || !is_plain_utf8(*name) || name->find('\x7f') != name->npos)
    return error{errc::malformed, "a node's name is text of 1 to 60 bytes, without control characters"};
  if (*role != "store" && *role != "region") return error{errc::malformed, "role is store or region"};
  w.name = *name;
  w.role = *role == "store" ? node_role::store : node_role::region;
  node_id p{static_cast<std::uint32_t>(*parent)};
  if (p != head_office) {
    auto stored = stored_certificate(c.node.store(), p);
    auto cert = stored ? decode_certificate(stored->body) : result<certificate>(errc::not_found);
    if (!cert || cert->role != node_role::region)
      return error{errc::not_found, "node " + std::to_string(p.value) +
                                        " is no region of this chain; see 'tallystick "
                                        "status' for the nodes that there are"};
    for (const auto& r : c.node.snapshot()->below)
      if (r.node == p && r.revoked)
        return error{errc::revoked, "node " + std::to_string(p.value) + " is revoked or retired: nobody is below it"};
    w.parents.push_back(p);
  }
  w.parents.push_back(head_office);
  auto limits = limits_in(c.in.value("limits", json::object()));
  if (!limits) return limits.error();
  w.limits = *limits;
  w.expiry = c.context.now() + *hours * 3600;
  if (c.in.contains("owner")) {
    auto owner = number_in(c.in, "owner", 1, owners_max);
    if (!owner) return owner.error();
    w.owner = static_cast<std::uint32_t>(*owner);
  }
  return w;
}

result<std::vector<std::string>> doors_in(const call& c) {
  auto it = c.in.find("doors");
  std::vector<std::string> out;
  if (it != c.in.end() && it->is_array())
    for (const auto& d : *it)
      if (d.is_string()) out.push_back(d.get<std::string>());
  if (out.empty()) out = c.context.doors;
  bool wrong = out.size() > 4 || std::ranges::any_of(out, [](const std::string& d) {
                 return !d.starts_with("tcp://") || d.size() > 200;
               });
  if (wrong) return error{errc::malformed, "doors are 1 to 4 endpoints tcp://host:port"};
  if (out.empty())
    return error{errc::offline, "head office has no enrolment door; set link.door in its configuration and restart it"};
  for (const auto& d : out)
    if (d.find("//*:") != d.npos || d.find("//0.0.0.0:") != d.npos)
      return error{errc::bad_config,
                   "the door listens on every address; say with --door tcp://host:port under which one "
                   "the new node reaches it"};
  return out;
}

}  // namespace

void write_facts(const call& c, std::vector<entry> facts, json out) {
  c.node.facts(std::move(facts), [respond = c.respond, out = std::move(out)](const facts_answer& a) {
    if (a.code != errc::ok) return respond(http_status(a.code), error_json({a.code, a.detail}));
    respond(200, out.dump());
  });
}

result<node_limits> limits_in(const json& j) {
  node_limits l;
  if (!j.is_object()) return error{errc::malformed, "limits is an object"};
  for (auto [name, to] : {std::pair{"ceiling", &l.ceiling}, std::pair{"daily_inflow", &l.daily_inflow},
                          std::pair{"quota", &l.quota_target}, std::pair{"daily_quota", &l.daily_quota}}) {
    auto n = number_in(j, name, 0, amount_max);
    if (!n) return n.error();
    *to = *n;
  }
  return l;
}

json limits_out(const node_limits& l) {
  return {{"ceiling", l.ceiling},
          {"daily_inflow", l.daily_inflow},
          {"quota", l.quota_target},
          {"daily_quota", l.daily_quota}};
}

void invite(call c) {
  if (c.node.snapshot()->rebuilding) return c.refuse({errc::rolled_back, std::string(rebuilding_text)});
  auto what = invitation_in(c);
  if (!what) return c.refuse(what.error());
  auto doors = doors_in(c);
  if (!doors) return c.refuse(doors.error());
  bool taken = what->node == node_id{} && name_taken(c, what->name);

  std::unique_lock lock(c.context.mutex);
  if (what->node == node_id{}) what->node.value = take_node_number(c.node, c.context);
  if (what->node.value > nodes_max) return c.refuse({errc::full, "no more node numbers"});
  if (c.context.next_node == 0) c.context.next_node = take_node_number(c.node, c.context);  // looked up, not taken
  auto next = number_record(c.context.next_node);
  lock.unlock();

  enrolment_token token{c.context.identity.believes.chain, *doors, c.context.door_key, c.context.signing, {}, {}, 0};
  draw(token, c.context.random);
  token.expiry = what->expiry;
  invitation_record record{*what, hash_enrolment_secret(token.id, view_of(token.secret)), false, {}, {}};
  json out{{"node", what->node.value}, {"token", to_text(token)}, {"expires", token.expiry}, {"name_taken", taken}};
  auto failed = [respond = c.respond] { respond(503, error_json({errc::io, "the invitation could not be written"})); };
  // The number first: one that is lost to a crash is skipped, one that is used twice would be a disaster.
  c.node.remember(std::string(next_node_key), next,
                  [&node = c.node, respond = c.respond, failed, key = invitation_key(token.id), data = encode(record),
                   out](bool first) {
                    if (!first) return failed();
                    node.remember(key, data, [respond, failed, out](bool second) {
                      if (!second) return failed();
                      respond(200, out.dump());
                    });
                  });
}

namespace {
/// The station completes the fact with what it holds of the node.
void decide_about(const call& c, entry_kind kind) {
  auto node = number_in(c.in, "node", 2, nodes_max);
  if (!node) return c.refuse(node.error());
  entry e;
  e.kind = kind;
  e.subject.node.value = static_cast<std::uint32_t>(*node);
  write_facts(c, {e}, {{"node", *node}});
}
}  // namespace

void revoke(call c) { decide_about(c, entry_kind::revoke); }
void close_epoch(call c) { decide_about(c, entry_kind::close_epoch); }

void show_limits(const call& c) {
  durable_state st(c.node.store());
  json list = json::array();
  auto now = c.node.snapshot();
  for (const auto& r : now->below) {
    if (r.role != node_role::store) continue;
    auto row = limits_out(limits_of(st, r.node));
    row["node"] = r.node.value;
    row["name"] = r.name;
    list.push_back(std::move(row));
  }
  c.ok({{"limits", list}});
}

void set_limits(call c) {
  auto node = number_in(c.in, "node", 2, nodes_max);
  if (!node) return c.refuse(node.error());
  auto limits = limits_in(c.in);
  if (!limits) return c.refuse(limits.error());
  node_id id{static_cast<std::uint32_t>(*node)};
  durable_state st(c.node.store());
  auto known = node_of(st, id);
  if (!known || known->role != node_role::store)
    return c.refuse({errc::not_found, "there is no store with number " + std::to_string(*node)});
  entry e;
  e.kind = entry_kind::limits;
  e.subject = {id, known->epoch};
  e.limits = *limits;
  write_facts(c, {e}, {{"node", *node}});
}

void show_catalogue(const call& c) {
  auto rules = c.node.snapshot()->rules;
  json products = json::array();
  // Leftovers of a publication that broke off are newer than the rules, hence the largest version.
  for (const auto* p : rules->on_sale(UINT64_MAX))
    products.push_back(to_base64(encode_product(*p)));
  const auto* newest = rules->newest();
  c.ok({{"version", newest ? newest->version : 0},
        {"rules", newest ? json(to_base64(encode_rules(*newest))) : json(nullptr)},
        {"products", products}});
}

namespace {

/// What is stored is a number of the smallest units; under another currency it would be other money.
status check_currency(const rules_record* now, const rules_record& next) {
  if (!now || (now->currency == next.currency && now->exponent == next.exponent)) return done();
  auto text = [](const rules_record& r) {
    return std::string(r.currency) + " with " + std::to_string(r.exponent) + " decimals";
  };
  return error{errc::bad_rules, "this chain counts in " + text(*now) + ", and the file says " + text(next) +
                                    ": every balance and limit would mean other money, so currency and exponent of a "
                                    "chain never change; nothing was published"};
}

// Cards hold units of these purses, and each unit means what its purse is.
status check_purses(const rules_record* now, const rules_record& next) {
  if (!now) return done();
  for (const auto& p : now->programme.purses) {
    const auto* later = next.programme.purse(p.id);
    auto name = "purse " + std::to_string(p.id) + " (" + p.names[0] + ")";
    if (!later)
      return error{errc::bad_rules,
                   name +
                       " is not in the file, and cards may hold some of it: leave it in, without rules "
                       "that give it; nothing was published"};
    if (later->kind != p.kind)
      return error{errc::bad_rules, name +
                                        " would become another kind, and what cards hold of it another thing: give the "
                                        "new kind a purse of its own; nothing was published"};
  }
  return done();
}

/// Whose each store is, as head office certified it, or invited it.
std::map<std::uint32_t, std::uint32_t> owners_of_stores(const call& c) {
  std::map<std::uint32_t, std::uint32_t> out;
  for (const auto& r : c.node.snapshot()->below) {
    auto stored = r.role == node_role::store ? stored_certificate(c.node.store(), r.node) : std::nullopt;
    auto cert = stored ? decode_certificate(stored->body) : result<certificate>(errc::not_found);
    if (cert) out[r.node.value] = cert->owner;
  }
  // Whoever takes a place keeps its owner, if the invitation names none.
  for (const auto& i : open_invitations(c.node, c.context.now()))
    if (i.what.role == node_role::store && (i.what.owner != 0 || !out.contains(i.what.node.value)))
      out[i.what.node.value] = std::max(i.what.owner, 1U);
  return out;
}

/// As of stores; and one that a kind names is one of an owner where the kind is good.
status check_owners(const call& c, const rules_record& next) {
  if (!next.programme.tells_of_owners()) return done();
  const auto owner_of = owners_of_stores(c);
  for (const auto& k : next.programme.card_kinds) {
    auto bad = [&](const std::string& what) {
      return error{errc::bad_rules, "card_kind " + std::to_string(k.id) + ": " + what + "; nothing was published"};
    };
    for (const auto& [key, list] : {std::pair("only_owners", &k.only_owners), std::pair("not_owners", &k.not_owners)})
      for (auto owner : *list)
        if (std::ranges::none_of(owner_of, [&](const auto& o) { return o.second == owner; }))
          return bad(std::string(key) + " names " + std::to_string(owner) +
                     ", and no store is of the owner with that number, nor is one invited");
    for (auto store : k.only_at)
      if (auto o = owner_of.find(store); o != owner_of.end() && !k.good_with(o->second))
        return bad("only_at names " + std::to_string(store) + ", a store of owner " + std::to_string(o->second) +
                   ", where the kind is not good for its owner");
  }
  return done();
}

/// A number that no store has, or was given with an invitation, is most likely another one's.
status check_stores(const call& c, const rules_record& next) {
  std::set<std::uint32_t> invited;
  for (const auto& i : open_invitations(c.node, c.context.now()))
    if (i.what.role == node_role::store) invited.insert(i.what.node.value);
  durable_state st(c.node.store());
  for (const auto& k : next.programme.card_kinds)
    for (const auto& [key, list] :
         {std::pair("only_at", &k.only_at), std::pair("not_at", &k.not_at), std::pair("no_top_up_at", &k.no_top_up_at)})
      for (auto store : *list) {
        auto known = node_of(st, {store});
        if ((known && known->role == node_role::store) || invited.contains(store)) continue;
        return error{errc::bad_rules, "card_kind " + std::to_string(k.id) + ": " + key + " names " +
                                          std::to_string(store) +
                                          ", and there is no store with that number, nor an open invitation; nothing "
                                          "was published"};
      }
  return done();
}

result<std::vector<entry>> publication_in(const call& c, std::uint64_t version) {
  auto blob = [](const std::string& text) { return from_base64(text, blob_max); };
  auto text = text_in(c.in, "rules", 60'000);
  if (!text) return text.error();
  auto octets = blob(*text);
  auto rules = octets ? decode_rules(*octets) : result<rules_record>(errc::malformed, "rules");
  if (!rules) return rules.error();
  if (rules->version != version) return error{errc::malformed, "the rules have another version"};
  TALLY_TRY(check_rules(*rules));
  auto published = c.node.snapshot()->rules;
  TALLY_TRY(check_currency(published->newest(), *rules));
  TALLY_TRY(check_purses(published->newest(), *rules));
  // Said early; the node decides it once more when it writes the rules.
  TALLY_TRY(kinds_are_kept(c.node.store(), nullptr, published->newest(), *rules));
  TALLY_TRY(check_stores(c, *rules));
  TALLY_TRY(check_owners(c, *rules));
  std::vector<entry> out;
  auto it = c.in.find("products");
  if (it == c.in.end() || !it->is_array()) return error{errc::malformed, "products is a list"};
  for (const auto& item : *it) {
    auto data = item.is_string() ? blob(item.get<std::string>()) : std::nullopt;
    auto p = data ? decode_product(*data) : result<product>(errc::malformed, "a product");
    if (!p) return p.error();
    if (p->version != version) return error{errc::malformed, "a product has another version"};
    TALLY_TRY(check_product(*p, *rules));
    entry e;
    e.kind = entry_kind::publish;
    e.topic = publish_topic::product;
    e.blob = std::move(*data);
    out.push_back(std::move(e));
  }
  if (c.in.value("last", json(false)) == json(true)) {
    // Until this entry is there, no node sells by the products above.
    entry e;
    e.kind = entry_kind::publish;
    e.topic = publish_topic::rules;
    e.blob = std::move(*octets);
    out.push_back(std::move(e));
  }
  return out;
}

}  // namespace

void publish(call c) {
  auto version = number_in(c.in, "version", 1, INT64_MAX);
  auto id = text_in(c.in, "publication", 40);
  if (!version) return c.refuse(version.error());
  if (!id) return c.refuse(id.error());
  auto v = static_cast<std::uint64_t>(*version);
  auto facts = publication_in(c, v);
  if (!facts) return c.refuse(facts.error());
  auto rules = c.node.snapshot()->rules;
  const auto* newest = rules->newest();
  if (v != (newest ? newest->version : 0) + 1)
    return c.refuse({errc::key_reused, "version " + std::to_string(v) +
                                           " is not the next one; somebody else published "
                                           "meanwhile, so look at the prices and run the command again"});
  {
    std::lock_guard lock(c.context.mutex);
    auto now = c.context.now();
    bool other = !c.context.publication.empty() && c.context.publication != *id;
    if (other && now - c.context.publication_seen < publication_idle_max)
      return c.refuse({errc::busy, "somebody else publishes at this moment; try again in a minute"});
    c.context.publication_seen = now;
    c.context.publication = c.in.value("last", json(false)) == json(true) ? "" : *id;
  }
  if (facts->empty()) return c.ok({{"version", v}, {"written", 0}});
  auto n = facts->size();
  write_facts(c, std::move(*facts), {{"version", v}, {"written", n}});
}

void map_cards(call c) {
  auto first = number_in(c.in, "first", 1, INT64_MAX - 1'000);
  auto kind = number_in(c.in, "kind", 1, 100);
  if (!first) return c.refuse(first.error());
  if (!kind) return c.refuse(kind.error());
  if (auto known = card_kind_name(c.node, *kind); !known) return c.refuse(known.error());
  auto media = c.in.find("media");
  if (media == c.in.end() || !media->is_array() || media->empty() || media->size() > admin_cards_batch_max)
    return c.refuse({errc::malformed, "media is a list of 1 to " + std::to_string(admin_cards_batch_max)});
  {
    std::lock_guard lock(c.context.mutex);
    if (static_cast<std::uint64_t>(*first) + media->size() > next_account(c.node, c.context))
      return c.refuse({errc::not_allowed, "these account numbers were not reserved"});
  }
  auto status = card_status::active;
  if (c.in.contains("state")) {
    auto name = text_in(c.in, "state", 20);
    auto named = name ? card_status_of(*name) : std::nullopt;
    if (named != card_status::active && named != card_status::stock)
      return c.refuse({errc::malformed, "state is active or stock"});
    status = *named;
  }
  std::uint32_t expires = status == card_status::stock ? 0 : card_expiry(c.node, static_cast<std::uint32_t>(*kind));
  if (c.in.contains("expires")) {
    auto day = number_in(c.in, "expires", 0, days_max);
    if (!day) return c.refuse(day.error());
    if (auto ok = check_good_until(c.node, *day, "the last day on which they are good"); !ok)
      return c.refuse(ok.error());
    expires = static_cast<std::uint32_t>(*day);
  }
  durable_state st(c.node.store());
  std::vector<entry> facts;
  for (std::size_t i = 0; i < media->size(); ++i) {
    std::array<std::uint8_t, 16> digest{};
    const auto& item = (*media)[i];
    if (!item.is_string() || !from_hex(item.get_ref<const std::string&>(), digest))
      return c.refuse({errc::malformed, "a medium is 32 hexadecimal digits"});
    entry e;
    e.kind = entry_kind::map_media;
    e.account.value = static_cast<std::uint64_t>(*first) + i;
    e.medium = view_of(digest);
    e.card_kind = static_cast<std::uint32_t>(*kind);
    e.status = status;
    e.expires = expires;
    if (auto there = account_of(st, e.medium)) {
      if (*there == e.account) continue;  // the same call again
      return c.refuse({errc::key_reused, "a card with this number exists: account " + std::to_string(there->value)});
    }
    if (card_of(st, e.account))
      return c.refuse({errc::key_reused, "account " + std::to_string(e.account.value) + " has a card already"});
    facts.push_back(std::move(e));
  }
  auto n = facts.size();
  if (n == 0) return c.ok({{"written", 0}});
  write_facts(c, std::move(facts), {{"written", n}});
}

}  // namespace tally::admin
