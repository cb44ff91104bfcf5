#include <set>

#include "node/api.hpp"
#include "node/cases.hpp"
#include "node/enrolment.hpp"
#include "node/json_read.hpp"
#include "storage/kv_state.hpp"
#include "sync/reexecution.hpp"

namespace tally {
namespace {

/// A node as the network page shows it.
struct node_row {
  node_id node;
  std::string name;
  node_role role{};
  std::optional<std::uint32_t> parent;
  std::string epoch;
  std::string_view link = "never";
  std::optional<std::uint32_t> over;  ///< who its link goes to: its parent, or head office in its place
  unix_seconds last_contact{};
  std::optional<std::uint64_t> entries, waiting;
  std::optional<amount> held, in_transit, quota, exposure, doubt;
  std::optional<node_limits> limits;
  std::optional<std::uint64_t> contested;
  bool revoked = false;
  std::optional<unix_seconds> certified_until;
  std::string_view alarm;
};

void write_row(json_writer& w, const node_row& r) {
  w.open('{');
  w.field("node", r.node.value);
  w.field("name", r.name);
  w.field("role", role_name(r.role));
  w.field("parent", r.parent);
  w.field("epoch", r.epoch);
  w.field("link", r.link);
  w.field("link_over", r.over);
  w.field("last_contact", r.last_contact == 0 ? std::nullopt : std::optional(r.last_contact));
  w.field("entries", r.entries);
  w.field("entries_waiting", r.waiting);
  w.field("held", r.held);
  w.field("in_transit", r.in_transit);
  w.field("quota_outstanding", r.quota);
  w.field("ceiling", r.limits ? std::optional(r.limits->ceiling) : std::nullopt);
  w.field("daily_inflow", r.limits ? std::optional(r.limits->daily_inflow) : std::nullopt);
  w.field("exposure", r.exposure);
  w.field("in_doubt", r.doubt);
  w.field("contested", r.contested);
  w.field("revoked", r.revoked);
  w.field("certified_until", r.certified_until);
  w.key("alarm");
  if (r.alarm.empty()) {
    w.null();
  } else {
    w.value(r.alarm);
  }
  w.close('}');
}

std::string epoch_text(const epoch_id& e) { return to_hex(view_of(e.value)); }

node_row own_row(const api_context& api, const node_snapshot& s, const durable_state& st) {
  node_row r;
  r.node = s.self.node;
  r.name = api.services.identity.name;
  r.role = s.role;
  if (auto record = node_of(st, s.self.node); record && !record->parents.empty())
    r.parent = record->parents.front().value;
  r.epoch = epoch_text(s.self.epoch);
  bool top = s.role == node_role::hq;
  r.link = top || s.link_up ? "up" : s.last_contact != 0 ? "down" : "never";
  r.last_contact = s.last_contact;
  if (!top && s.link_up) r.over = s.link_over.value;
  r.entries = s.entries;
  r.waiting = top ? 0 : s.entries - std::min<std::uint64_t>(s.entries, s.hq_cosigned);
  r.held = s.held;
  r.quota = top ? 0 : s.quota_left;  // head office's own is the source of all quotas
  r.in_transit = r.doubt = 0;
  r.exposure = s.role == node_role::store ? s.exposure : 0;  // it is of stores
  r.contested = 0;
  r.limits = limits_of(st, s.self.node);
  r.certified_until = s.certified_until;
  if (auto last = api.last_alarm.load(); last != errc::ok) r.alarm = errc_name(last);
  if (auto why = blocked_by(s); why != errc::ok) r.alarm = errc_name(why), r.revoked = why == errc::revoked;
  return r;
}

/// What a store knows of its parent: that it is there, and what its certificate says. It sees none of its figures.
std::optional<node_row> parent_row(const api_context& api, const node_snapshot& s, const durable_state& st,
                                   const node_row& own) {
  if (!own.parent) return std::nullopt;
  node_row r;
  r.node = node_id{*own.parent};
  r.name = "node " + std::to_string(*own.parent);
  if (auto stored = stored_certificate(api.services.node.store(), r.node))
    if (auto c = decode_certificate(stored->body)) r.name = c->name;
  auto record = node_of(st, r.node);
  r.role = record ? record->role : r.node == node_id{1} ? node_role::hq : node_role::region;
  if (record) {
    if (!record->parents.empty()) r.parent = record->parents.front().value;
    r.epoch = epoch_text(record->epoch);
  }
  r.link = s.link_over == r.node ? own.link : "down";
  r.last_contact = s.last_contact;
  return r;
}

/// A node that is no child: as the child on its road tells, and `down` when that child is away itself, unless the node
/// has gone around it.
void set_far_link(const node_snapshot::neighbour& road, const node_snapshot::remote& b, node_row& r) {
  bool ever = b.entries > 0 || (b.told && (b.told->up || b.told->last_contact != 0));
  bool up = b.detour || (road.up && b.told && b.told->up);
  r.link = up ? "up" : ever ? "down" : "never";
  r.last_contact = b.told ? b.told->last_contact : 0;
  if (up) r.waiting = b.told->entries - std::min(b.told->entries, b.entries);
}

/// The state of a node's link to its parent.
void set_link(const node_snapshot& s, const node_snapshot::remote& b, node_row& r) {
  auto at = r.node;
  // At most as many steps as there are nodes: a wrong tree must not be walked for ever.
  for (std::size_t step = 0; step <= s.below.size(); ++step) {
    for (const auto& c : s.children) {
      if (c.node != at) continue;
      if (at != r.node) return set_far_link(c, b, r);
      r.link = c.up ? "up" : c.ever || r.entries.value_or(0) > 0 ? "down" : "never";
      r.last_contact = c.last_contact;
      if (c.up) r.waiting = 0;
      return;
    }
    node_id up{};
    for (const auto& below : s.below)
      if (below.node == at) up = below.parent;
    if (up.value == 0 || up == s.self.node) return;
    at = up;
  }
}

node_row remote_row(const node_snapshot& s, const node_snapshot::remote& b) {
  node_row r;
  r.node = b.node;
  r.name = b.name;
  r.role = b.role;
  r.parent = b.parent.value;
  r.epoch = epoch_text(b.epoch);
  r.entries = b.entries;
  r.held = b.held;
  r.in_transit = b.in_transit;
  r.quota = b.quota;
  r.limits = b.limits;
  r.exposure = b.exposure;
  r.contested = b.contested;
  r.doubt = b.doubt;
  r.revoked = b.revoked;
  r.certified_until = b.certified_until;
  if (b.contested > 0) r.alarm = errc_name(errc::not_entitled);
  if (b.quarantined) r.alarm = "quarantined";
  if (b.revoked) r.alarm = errc_name(errc::revoked);
  set_link(s, b, r);
  // Of what lies here and is on its way up, and what the node has besides, if that is known.
  if (s.role == node_role::region && (r.waiting || b.hq_lacks > 0)) r.waiting = r.waiting.value_or(0) + b.hq_lacks;
  if (r.link == "up") r.over = b.detour ? s.self.node.value : b.parent.value;
  return r;
}

api_response code_answer(const api_context& api, const tills::new_code& c) {
  json_writer w;
  w.open('{');
  w.field("code", c.code);
  w.field("expires", c.expiry);
  w.field("node", api.services.identity.node.value);
  w.close('}');
  return answer(std::move(w));
}

void admin_pair(const api_ptr& api, const api_request& r, const call_ptr& call) {
  auto body = parse_json(r.body.empty() ? "{}" : r.body);
  if (!body) return call->finish(refuse(*api, body.error()));
  json_fields f(*body);
  auto terminal = f.maybe_integer("terminal", 1, std::numeric_limits<std::uint32_t>::max());
  if (!f.ok()) return call->finish(refuse(*api, f.problem()));
  auto wanted = terminal ? std::optional(static_cast<std::uint32_t>(*terminal)) : std::nullopt;
  api->paired.make_code(wanted, api->now(), [api, call](const result<tills::new_code>& c) {
    call->later([api, call, c] {
      if (c) return call->finish(code_answer(*api, *c));
      if (c.code() == errc::full) return call->finish(refuse(*api, problem::too_many_codes));
      if (c.code() == errc::over_ceiling) return call->finish(refuse(*api, problem::too_many_tills));
      call->finish(refuse(*api, c.error()));
    });
  });
}

api_response tills_answer(const api_context& api) {
  json_writer w;
  w.open('{');
  w.key("tills");
  w.open('[');
  for (const auto& t : api.paired.list()) {
    w.open('{');
    w.field("terminal", t.terminal);
    w.field("paired_at", t.paired_at);
    w.close('}');
  }
  w.close(']');
  w.close('}');
  return answer(std::move(w));
}

}  // namespace

void handle_cases(const api_ptr& api, const call_ptr& call) {
  call->finish({.status = 200, .body = cases_json(api->services.node)});
}

void handle_network(const api_ptr& api, const call_ptr& call) {
  auto s = api->services.node.snapshot();
  durable_state st(api->services.node.store());
  std::vector<node_row> rows{own_row(*api, *s, st)};
  if (s->role == node_role::store)
    if (auto parent = parent_row(*api, *s, st, rows.front())) rows.insert(rows.begin(), std::move(*parent));
  amount total = rows.back().exposure.value_or(0);  // a store's own, which has nobody below
  for (const auto& b : s->below) {
    rows.push_back(remote_row(*s, b));
    if (!checked_add(total, b.exposure, total)) total = std::numeric_limits<amount>::max();
  }
  const auto& rules = rules_now(*s);
  json_writer w;
  w.open('{');
  w.field("now", api->services.wall());
  w.field("node", s->self.node.value);
  w.field("role", role_name(s->role));
  w.key("unit");
  w.open('{');
  w.field("code", rules.currency);
  w.field("exponent", rules.exponent);
  w.close('}');
  w.key("nodes");
  w.open('[');
  for (const auto& r : rows)
    write_row(w, r);
  w.close(']');
  w.field("total_exposure", total);
  w.field("exposure_days", api->services.exposure_days);
  w.field("cases_open", s->cases->open);
  if (auto r = api->services.node.reexecuted())
    w.field("differences", r->counted.differences - r->counted.acknowledged);
  if (!api->services.demo_control.empty()) w.field("demo", api->services.demo_control);
  w.close('}');
  call->finish(answer(std::move(w)));
}

static void admin_report(const api_ptr& api, const api_request& r, const call_ptr& call) {
  auto body = parse_json(r.body);
  if (!body) return call->finish(refuse(*api, body.error()));
  json_fields f(*body);
  auto path = std::string(f.text("date", 10)) + "/" + std::string(f.text("till", 10));
  const bool print = f.maybe_integer("print", 0, 1).value_or(0) != 0;
  f.only_these();
  if (!f.ok()) return call->finish(refuse(*api, f.problem()));
  handle_report(api, print ? path + "/print" : path, call);
}

void handle_admin(const api_ptr& api, const api_request& r, const call_ptr& call) {
  if (r.path == "/api/v1/admin/pair" && r.method == "POST") return admin_pair(api, r, call);
  if (r.path == "/api/v1/admin/tills" && r.method == "GET") return call->finish(tills_answer(*api));
  if (r.path == "/api/v1/admin/report" && r.method == "POST") return admin_report(api, r, call);
  if (!api->services.admin) return call->finish(refuse(*api, {errc::not_found, std::string(r.path)}));
  api->services.admin(
      std::string(r.method), std::string(r.path), std::string(r.body), [call](int code, std::string json) {
        call->later([call, code, json = std::move(json)] { call->finish({.status = code, .body = json}); });
      });
}

}  // namespace tally
