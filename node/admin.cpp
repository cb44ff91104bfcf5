#include "node/admin.hpp"

#include <algorithm>
#include <array>

#include "ledger/cards.hpp"
#include "node/admin_internal.hpp"
#include "node/admin_sales.hpp"
#include "node/http_types.hpp"
#include "node/mirror_stick.hpp"
#include "node/ticket.hpp"
#include "storage/kv_state.hpp"
#include "sync/entry_walk.hpp"
#include "sync/left_behind.hpp"

namespace tally {

std::string error_json(const error& e) {
  return nlohmann::json{{"error", errc_name(e.code)}, {"message", errc_text(e.code)}, {"detail", e.detail}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

namespace admin {

result<std::int64_t> number_in(const json& j, const char* name, std::int64_t min, std::int64_t max) {
  auto it = j.find(name);
  bool whole = it != j.end() && it->is_number_integer() &&
               !(it->is_number_unsigned() && it->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX));
  auto n = whole ? it->get<std::int64_t>() : 0;
  if (!whole || n < min || n > max)
    return error{errc::malformed,
                 std::string(name) + " is a whole number from " + std::to_string(min) + " to " + std::to_string(max)};
  return n;
}

result<std::string> text_in(const json& j, const char* name, std::size_t bytes_max) {
  auto it = j.find(name);
  if (it == j.end() || !it->is_string() || it->get_ref<const std::string&>().size() > bytes_max)
    return error{errc::malformed, std::string(name) + " is text of at most " + std::to_string(bytes_max) + " bytes"};
  return it->get<std::string>();
}

result<tender_kind> tender_in(const call& c, std::initializer_list<tender_kind> allowed) {
  auto name = text_in(c.in, "tender", 16);
  if (!name) return name.error();
  std::string list;
  for (auto t : allowed) {
    if (*name == tender_name(t)) return t;
    list += (list.empty() ? "" : ", ") + std::string(tender_name(t));
  }
  return error{errc::malformed, "tender is one of: " + list};
}

namespace {

json remote_out(const node_snapshot::remote& r) {
  return {{"node", r.node.value},
          {"name", r.name},
          {"role", role_name(r.role)},
          {"parent", r.parent.value},
          {"entries", r.entries},
          {"held", r.held},
          {"in_transit", r.in_transit},
          {"quota", r.quota},
          {"exposure", r.exposure},
          {"contested", r.contested},
          {"doubt", r.doubt},
          {"revoked", r.revoked},
          {"forked", r.forked},
          {"certified_until", r.certified_until},
          {"quarantined", r.quarantined}};
}

json rebuilding_of(const node_snapshot& s) {
  if (!s.rebuilding) return nullptr;
  json silent = json::array();
  for (auto n : s.rebuilding->silent)
    silent.push_back(n.value);
  json lacking = json::array();
  for (auto n : s.rebuilding->lacking)
    lacking.push_back(n.value);
  json newer = json::array();
  for (auto n : s.rebuilding->newer)
    newer.push_back(n.value);
  return {{"silent", std::move(silent)},
          {"lacking", std::move(lacking)},
          {"newer", std::move(newer)},
          {"later", s.rebuilding->later},
          {"given_back", s.rebuilding->given_back}};
}

/// Null: it is sure that it runs on its newest disk.
json unsure_of(const node_snapshot& s) {
  if (s.sure) return nullptr;
  json waits = json::array();
  for (auto n : s.unheard)
    waits.push_back(n.value);
  return {{"waits_for", std::move(waits)}};
}

/// Null: there is none.
json mirror_of(const admin_context& context, std::uint64_t entries) {
  if (!context.mirror) return nullptr;
  const auto& m = *context.mirror;
  auto s = m.now();
  auto since = s->report.behind_since;
  return {{"path", m.where().string()},
          {"bytes", s->report.bytes},
          {"behind", entries - std::min<std::uint64_t>(s->report.held, entries)},
          {"behind_s", since ? (m.tick() - *since) / 1'000 : 0},
          {"same_disk", s->same_disk},
          {"error", s->report.code == errc::ok ? json(nullptr) : json(s->report.detail)}};
}

/// Null: the database could not be read; somebody else says that.
json left_behind_in(const kv_store& store, node_id self) {
  auto list = left_behind_of(store, self);
  if (!list) return nullptr;
  json out = json::array();
  for (const auto& b : *list)
    out.push_back({{"journal", stream_name(b.journal)},
                   {"from", b.from},
                   {"size", b.size},
                   {"of_tills", b.of_tills},
                   {"retired", b.retired}});
  return out;
}

void show_status(const call& c) {
  auto s = c.node.snapshot();
  auto d = c.node.devices();
  json below = json::array(), children = json::array();
  for (const auto& r : s->below)
    below.push_back(remote_out(r));
  for (const auto& n : s->children)
    children.push_back({{"node", n.node.value}, {"up", n.up}, {"ever", n.ever}, {"last_contact", n.last_contact}});
  const auto* rules = s->rules->newest();
  c.ok({{"node", s->self.node.value},
        {"name", c.context.identity.name},
        {"chain", c.context.identity.believes.chain},
        {"role", role_name(s->role)},
        {"epoch", to_hex(view_of(s->self.epoch.value))},
        {"web", c.context.web_address},
        {"now", c.context.now()},
        {"entries", s->entries},
        {"hq_cosigned", s->hq_cosigned},
        {"hq_cosigned_at", s->hq_cosigned_at},
        {"link_up", s->link_up},
        {"link_why", s->link_why},
        {"link_over", s->link_over.value},
        {"parent", s->parent.value},
        {"last_contact", s->last_contact},
        {"traffic",
         {{"month", s->traffic.month},
          {"octets", s->traffic.used},
          {"budget", s->traffic.octets},
          {"waits_ms", s->traffic.holds.hold_ms}}},
        {"stopped", s->stopped == errc::ok ? json(nullptr) : json(errc_name(s->stopped))},
        {"silenced", claims_stand_up_to(durable_state(c.node.store()), s->self) <= s->entries},
        {"disk_low", s->disk_low},
        {"certified_until", s->certified_until},
        {"waits_for_keys", s->waits_for_keys},
        {"rebuilding", rebuilding_of(*s)},
        {"unsure", unsure_of(*s)},
        {"mirror", mirror_of(c.context, s->entries)},
        {"business_date", date_text(s->business_date)},
        {"quota_left", s->quota_left},
        {"held", s->held},
        {"skips_goods", s->skips_goods},
        {"goods_to_learn", s->goods_to_learn},
        {"left_out", s->left_out},
        {"left_behind", left_behind_in(c.node.store(), s->self.node)},
        {"sweeps", s->sweeps},
        {"swept", s->swept},
        {"sweeps_on_way", s->sweeps_on_way},
        {"rules_version", rules ? rules->version : 0},
        {"unit", {{"code", rules ? rules->currency : "CNY"}, {"exponent", rules ? rules->exponent : 2}}},
        {"devices",
         {{"printer", d.printer},
          {"reader", d.reader},
          {"scanner", d.scanner},
          {"chip", d.chip},
          {"wedge", d.wedge},
          {"display", d.display},
          {"rewriter", d.rewriter}}},
        {"children", children},
        {"below", below}});
}

struct route {
  std::string_view method, path;
  bool hq_only;
  void (*run)(const call&);
};

constexpr std::array routes{
    route{"GET", "status", false, show_status},
    route{"POST", "invite", true, [](const call& c) { invite(c); }},
    route{"GET", "invitations", true, show_invitations},
    route{"POST", "invitations/cancel", true, [](const call& c) { cancel_invitations(c); }},
    route{"POST", "revoke", true, [](const call& c) { revoke(c); }},
    route{"POST", "close-epoch", true, [](const call& c) { close_epoch(c); }},
    route{"POST", "keys/rotate", false, [](const call& c) { rotate_keys(c); }},
    route{"POST", "retire", true, [](const call& c) { retire(c); }},
    route{"POST", "move", true, [](const call& c) { move_node(c); }},
    route{"GET", "limits", true, show_limits},
    route{"POST", "limits", true, [](const call& c) { set_limits(c); }},
    route{"GET", "catalogue", true, show_catalogue},
    route{"POST", "publish", true, [](const call& c) { publish(c); }},
    route{"POST", "cards/reserve", true, [](const call& c) { reserve_cards(c); }},
    route{"POST", "cards/may-issue", true, may_issue},
    route{"POST", "cards/map", true, [](const call& c) { map_cards(c); }},
    route{"POST", "cards/allot", true, [](const call& c) { allot_cards(c); }},
    route{"POST", "cards/sell", true, [](const call& c) { sell_cards(c); }},
    route{"POST", "cards/sales/undo", true, [](const call& c) { undo_card_sales(c); }},
    route{"POST", "vouchers/grant", true, [](const call& c) { grant_vouchers(c); }},
    route{"GET", "vouchers", true, show_vouchers},
    route{"POST", "vouchers/list", true, list_vouchers},
    route{"POST", "vouchers/void", true, [](const call& c) { void_vouchers(c); }},
    route{"POST", "vouchers/send", true, send_vouchers},
    route{"GET", "cards/batches", true, show_batches},
    route{"POST", "cards/recall", true, [](const call& c) { recall_cards(c); }},
    route{"POST", "cards/sold", true, show_sold},
    route{"GET", "cards/claims", true, show_claims},
    route{"GET", "cards/owing", true, show_owing},
    route{"GET", "cards/left-over", true, show_left_over},
    route{"POST", "cards/claims/undo", true, [](const call& c) { undo_claims(c); }},
    route{"POST", "cards/claims/end", true, [](const call& c) { end_silence(c); }},
    route{"POST", "card", true, show_card},
    route{"POST", "card/replace", true, [](const call& c) { replace_card(c); }},
    route{"POST", "card/code", true, [](const call& c) { draw_card_code(c); }},
    route{"POST", "card/codes/void", true, [](const call& c) { void_card_codes(c); }},
    route{"POST", "card/top-up", true, [](const call& c) { top_up_card(c); }},
    route{"POST", "card/adjust", true, [](const call& c) { adjust_card(c); }},
    route{"POST", "card/pay-out", true, [](const call& c) { pay_out_card(c); }},
    route{"POST", "card/state", true, [](const call& c) { set_card(c); }},
    route{"POST", "member/add", false, [](const call& c) { add_member(c); }},
    route{"POST", "member/edit", false, [](const call& c) { edit_member(c); }},
    route{"POST", "member/show", false, [](const call& c) { show_member(c); }},
    route{"POST", "member/find", false, [](const call& c) { find_members(c); }},
    route{"GET", "cards/applications", true, [](const call& c) { show_applications(c); }},
    route{"POST", "cards/applications/answer", true, [](const call& c) { answer_application(c); }},
    route{"POST", "member/merge", true, [](const call& c) { merge_members(c); }},
    route{"POST", "member/erase", true, [](const call& c) { erase_member(c); }},
    route{"POST", "member/duplicates", true, [](const call& c) { member_duplicates(c); }},
    route{"GET", "outbox", true, show_outbox},
    route{"POST", "outbox/take", true, take_outbox},
    route{"POST", "outbox/done", true, outbox_done},
    route{"GET", "cases", false, show_cases},
    route{"POST", "cases/acknowledge", true, [](const call& c) { acknowledge(c); }},
    route{"POST", "rule", true, [](const call& c) { rule(c); }},
    route{"POST", "carry", false, carry},
};

}  // namespace
}  // namespace admin

void handle_admin(std::string_view method, std::string_view path, std::string_view body, node_facade& node,
                  admin_context& context, admin_respond respond) {
  using admin::json;
  constexpr std::string_view prefix = "/api/v1/admin/";
  if (path.starts_with(prefix)) path.remove_prefix(prefix.size());
  auto refuse = [&](const error& e) { respond(http_status(e.code), error_json(e)); };
  const admin::route* found = nullptr;
  for (const auto& r : admin::routes)
    if (r.method == method && r.path == path) found = &r;
  if (!found) return refuse({errc::not_found, "there is no such call"});
  if (found->hq_only && context.identity.role != node_role::hq)
    return refuse({errc::not_allowed, "only head office does this; run the command on its machine, with its --data"});
  json in = json::object();
  if (!body.empty()) {
    in = json::parse(body, nullptr, false);
    // The parser takes that octet for the end, whatever comes behind it.
    if (!in.is_object() || body.find('\0') != body.npos)
      return refuse({errc::malformed, "the body is one JSON object"});
  }
  found->run(admin::call{in, node, context, std::move(respond)});
}

}  // namespace tally
