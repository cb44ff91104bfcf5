#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "http_desk.hpp"
#include "node/api_events.hpp"
#include "node/openapi.hpp"

// The document against the tables of the program. Its schemas against answers: tests/e2e/openapi_test.mjs.
using namespace tally;
using namespace tally::test;
using nlohmann::json;

namespace {

const json& document() {
  static const json j = json::parse(openapi_document());
  return j;
}

using names = std::set<std::string>;

/// "GET /api/v1/till" of all operations.
names documented_calls() {
  names out;
  for (const auto& [path, item] : document()["paths"].items())
    for (const auto& [method, operation] : item.items())
      if (method != "parameters") {
        auto upper = method;
        std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
        out.insert(upper + " " + path);
      }
  return out;
}

names texts(const json& list) { return {list.begin(), list.end()}; }

const json& event_types() {
  static const auto at =
      json::json_pointer("/paths/~1api~1v1~1events/get/responses/200/content/text~1event-stream/x-event-types");
  return document()[at];
}

/// Name of the event that a till reads, noted; empty: not for tills.
std::string told_as(const api_context& api, const node_event& e) {
  auto frame = event_text(api, e);
  note_event(frame);
  constexpr std::string_view head = "event: ";
  return frame.empty() ? "" : frame.substr(head.size(), frame.find('\n') - head.size());
}

/// One of each kind but receipts.
std::vector<node_event> sample_events() {
  return {card_event{card_a, "reader"},
          card_event{"uid:04A1B2C3D4E5F6", "chip", "ntag"},
          card_removed_event{"chip"},
          voucher_event{"SPRING"},
          receipt_code_event{"3.0000000000000001.3"},
          receipt_code_event{"TALLYR2.x"},
          product_event{"4006381333931"},
          product_event{"1"},
          misread_event{"reader", "bad_check"},
          print_event{"3.0000000000000001.3", "printed"},
          device_event{"printer", "ready"},
          link_event{true},
          rules_event{4},
          blocked_event{errc::ok},
          blocked_event{errc::full},
          alarm_event{errc::io, "x"},
          hint_event{account_id{17}, {}}};
}

}  // namespace

TEST_CASE("the OpenAPI document has the calls of the router, and no others", "[node][http][openapi]") {
  names calls;
  for (const auto& c : http_calls())
    calls.insert(std::string(c.method) + " " + std::string(c.path));
  CHECK(documented_calls() == calls);
}

TEST_CASE("each call of the OpenAPI document reaches a handler", "[node][http][openapi]") {
  desk d;
  for (const auto& call : documented_calls()) {
    INFO(call);
    auto method = call.substr(0, call.find(' ')), path = call.substr(method.size() + 1);
    if (path == events_path) continue;  // the server's own
    if (auto at = path.find("{id}"); at != std::string::npos) path.replace(at, 4, "3.0000000000000001.0");
    const bool admin = path.starts_with(admin_prefix);
    auto r = d.send(method, path, method == "POST" ? "{}" : "", admin ? "the-admin-token" : d.token);
    const bool known = r.status != 404 || (text_of(r.json, "detail") != "no such address" && !admin);
    CHECK(known);
    CHECK(r.status != 405);
    // Who may call it: what needs no token according to the document is answered without one, the rest is not.
    const auto& operation = document()["paths"][call.substr(method.size() + 1)][method == "GET" ? "get" : "post"];
    const bool open = operation.contains("security") && operation["security"].empty();
    CHECK((d.send(method, path, "{}", "").status == 401) == !open);
    if (!admin) CHECK(error_of(d.send("TRACE", path, "", d.token)) == "405 wrong_method");
  }
}

TEST_CASE("the OpenAPI document has every error key, and no others", "[node][http][openapi]") {
  names keys;
  for (int code = 1; code <= static_cast<int>(errc_last); ++code)
    keys.insert(std::string(errc_name(static_cast<errc>(code))));
  for (const auto& p :
       {problem::no_display, problem::no_printer, problem::no_drawer, problem::printer_offline, problem::too_many_codes,
        problem::too_many_tills, problem::too_many_streams, problem::stores_only, problem::wrong_method,
        problem::wrong_host, problem::wrong_origin, problem::wrong_type})
    keys.insert(std::string(p.name));
  CHECK(texts(document()["components"]["schemas"]["error_key"]["enum"]) == keys);
}

TEST_CASE("the OpenAPI document has every event of a till, and no others", "[node][http][openapi]") {
  desk d;
  std::promise<receipt_event> receipt;
  auto subscription = d.node.events().subscribe([&](const node_event& e) {
    if (const auto* r = std::get_if<receipt_event>(&e)) receipt.set_value(*r);
  });
  d.node.announce = true;
  REQUIRE(d.top_up(10'000).status == 200);
  auto events = sample_events();
  events.emplace_back(receipt.get_future().get());
  names told;
  std::set<std::size_t> kinds;
  for (const auto& e : events) {
    kinds.insert(e.index());
    told.insert(told_as(*d.api, e));
  }
  REQUIRE(kinds.size() == std::variant_size_v<node_event>);  // a new kind needs its sample above
  d.node.events().unsubscribe(subscription);
  told.erase("");
  names documented;
  for (const auto& [name, schema] : event_types().items())
    documented.insert(name);
  CHECK(documented == told);
}

TEST_CASE("enumerations of the OpenAPI document are those of the program", "[node][http][openapi]") {
  const auto& schemas = document()["components"]["schemas"];
  names statuses(card_status_names.begin(), card_status_names.end());
  statuses.insert("not_known_yet");
  CHECK(texts(schemas["card"]["properties"]["status"]["enum"]) == statuses);
  CHECK(texts(schemas["purse"]["properties"]["kind"]["enum"]) ==
        names(purse_kind_names.begin(), purse_kind_names.end()));
  names printer{"none"}, reasons;
  for (int n = 0; n <= static_cast<int>(printer_state::overheated); ++n)
    printer.insert(std::string(printer_state_name(static_cast<printer_state>(n))));
  CHECK(texts(schemas["printer"]["properties"]["state"]["enum"]) == printer);
  for (int n = 0; n <= static_cast<int>(misread_reason::occupied); ++n)
    reasons.insert(std::string(misread_name(static_cast<misread_reason>(n))));
  CHECK(texts(schemas["event_misread"]["properties"]["reason"]["enum"]) == reasons);
  names standings;
  for (int n = 0; n <= static_cast<int>(receipt_standing::revoked); ++n)
    standings.insert(std::string(receipt_standing_name(static_cast<receipt_standing>(n))));
  CHECK(texts(schemas["standing"]["enum"]) == standings);
  names languages;
  for (std::size_t n = 0; n < language_count; ++n)
    languages.insert(std::string(language_tag(static_cast<language>(n))));
  names tagged;
  for (const auto& [tag, schema] : schemas["names"]["properties"].items())
    tagged.insert(tag);
  CHECK(tagged == languages);
}

TEST_CASE("the OpenAPI document is served to anyone", "[node][http][openapi]") {
  served s;
  auto r = s.connect().call("GET", "/api/v1/openapi.json");
  CHECK(r.status == 200);
  CHECK(r.head.find("Content-Type: application/json\r\n") != std::string::npos);
  CHECK(r.body == openapi_document());
  CHECK(json::parse(r.body)["openapi"] == "3.1.0");
}
