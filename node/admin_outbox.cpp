// One-time codes that wait to be delivered, for `tallystick outbox`: see node/admin.hpp.
#include "node/admin_internal.hpp"
#include "node/code_office.hpp"

namespace tally::admin {
namespace {

code_office* office(const call& c) {
  if (!c.context.codes) c.refuse({errc::not_allowed, "this node sends no codes"});
  return c.context.codes;
}

}  // namespace

void show_outbox(const call& c) {
  auto* codes = office(c);
  if (!codes) return;
  codes->list([respond = c.respond, now = c.context.now()](const result<std::vector<outbox_message>>& r) {
    if (!r) return respond(http_status(r.code()), error_json(r.error()));
    json list = json::array();
    // Whoever looks here needs no codes.
    for (const auto& m : *r)
      list.push_back({{"id", m.number},
                      {"kind", message_kind_names[static_cast<std::size_t>(m.kind)]},
                      {"store", m.store.value},
                      {"account", m.card.value},
                      {"ends_in", m.ends_in},
                      {"up_to", m.up_to},
                      {"at", m.at},
                      {"expires", m.expires},
                      {"taken", m.taken}});
    respond(200, json{{"messages", list}, {"now", now}}.dump());
  });
}

void take_outbox(const call& c) {
  auto* codes = office(c);
  if (!codes) return;
  auto max = number_in(c.in, "max", 1, static_cast<std::int64_t>(outbox_take_max));
  if (!max) return c.refuse(max.error());
  codes->take(static_cast<std::size_t>(*max), [respond = c.respond](const result<std::vector<code_delivery>>& r) {
    if (!r) return respond(http_status(r.code()), error_json(r.error()));
    json list = json::array();
    for (const auto& m : *r)
      list.push_back({{"id", m.number}, {"telephone", m.telephone}, {"text", m.text}, {"expires", m.expires}});
    respond(200, json{{"messages", list}}.dump(-1, ' ', false, json::error_handler_t::replace));
  });
}

void outbox_done(const call& c) {
  auto* codes = office(c);
  if (!codes) return;
  auto id = number_in(c.in, "id", 1, INT64_MAX);
  if (!id) return c.refuse(id.error());
  codes->delivered(static_cast<std::uint64_t>(*id), [respond = c.respond](const result<std::uint64_t>& r) {
    r ? respond(200, json{{"id", *r}}.dump()) : respond(http_status(r.code()), error_json(r.error()));
  });
}

}  // namespace tally::admin
