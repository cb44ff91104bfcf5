#include <charconv>
#include <nlohmann/json.hpp>

#include "node/admin.hpp"
#include "node/demo_control.hpp"
#include "node/http_types.hpp"

namespace tally {
namespace {

using json = nlohmann::json;

control_answer refuse(const error& e) { return {http_status(e.code), error_json(e)}; }
control_answer good(const json& j = json{{"ok", true}}) { return {200, j.dump()}; }
control_answer outcome(const status& s) { return s ? good() : refuse(s.error()); }

json state_of(const demo_network& net) {
  json links = json::array(), nodes = json::array(), devices = json::array();
  for (const auto& n : net.nodes) {
    auto id = n.id.load();
    json row{{"node", id},          {"name", n.name}, {"role", role_name(n.role)}, {"running", n.pid.load() > 0},
             {"pid", n.pid.load()}, {"url", n.url()}};
    if (n.role == node_role::store) row["till"] = net.control + "/demo/nodes/" + std::to_string(id) + "/till";
    nodes.push_back(std::move(row));
    if (n.relay)
      links.push_back({{"child", id}, {"parent", net.nodes[n.parent].id.load()}, {"cut", n.relay->is_cut()}});
    if (n.role != node_role::store) continue;
    devices.push_back({{"node", id}, {"kind", "reader"}, {"plugged", n.reader->plugged()}});
    devices.push_back({{"node", id}, {"kind", "scanner"}, {"plugged", n.scanner->plugged()}});
    devices.push_back({{"node", id}, {"kind", "printer"}, {"plugged", n.printer->powered()}});
  }
  return {{"links", links}, {"nodes", nodes}, {"devices", devices}};
}

/// A code's text is longer than the paper is wide.
std::string wrapped(std::string line) {
  constexpr std::size_t columns = 42;
  if (!line.starts_with("[QR] ")) return line;
  for (auto at = columns; at < line.size(); at += columns + 1)
    line.insert(at, 1, '\n');
  return line;
}

json printer_of(const printer_server& p) {
  auto paper = p.paper();
  std::string state = paper == paper_state::ok ? "ok" : paper == paper_state::low ? "low" : "out";
  if (p.cover_open()) state = "cover_open";
  if (p.offline()) state = "offline";
  json tickets = json::array();
  for (const auto& t : p.tickets()) {
    std::string text;
    for (const auto& line : t.lines)
      text += wrapped(line) + "\n";
    tickets.push_back(std::move(text));
  }
  return {{"paper", state}, {"tickets", tickets}};
}

json cards_of(const demo_network& net) {
  json list = json::array();
  for (const auto& c : net.cards)
    list.push_back({{"number", c.number}, {"masked", c.masked}});
  return {{"cards", list}};
}

json products_of(const demo_network& net) {
  json list = json::array();
  for (const auto& p : net.prices.products)
    if (!p.ean.empty()) list.push_back({{"ean", p.ean}, {"name", p.names[0]}});
  return {{"products", list}};
}

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < path.size() && out.size() < 10;) {
    auto end = std::min(path.find('/', at + 1), path.size());
    out.push_back(path.substr(at + 1, end - at - 1));
    at = end;
  }
  return out;
}

std::string text_of(const json& j, const char* name) {
  auto it = j.find(name);
  return it != j.end() && it->is_string() ? it->get<std::string>() : std::string();
}

control_answer link_call(demo_network& net, std::size_t index, const std::string& what) {
  auto* wire = net.nodes[index].relay.get();
  if (!wire) return refuse({errc::not_found, net.nodes[index].name + " has no parent"});
  if (what != "cut" && what != "heal") return refuse({errc::not_found, "there is no such call"});
  wire->set_cut(what == "cut");
  return good();
}

control_answer node_post(demo_network& net, std::size_t index, const std::string& what, const json& in) {
  if (what == "kill") return outcome(net.kill_node(index));
  if (what == "restart") return outcome(net.restart_node(index));
  if (what == "swipe") return outcome(net.swipe(index, text_of(in, "card")));
  if (what == "scan") return outcome(net.scan(index, text_of(in, "ean")));
  if (what == "plug" || what == "unplug") return outcome(net.plug(index, text_of(in, "kind"), what == "plug"));
  if (what == "printer") return outcome(net.set_printer(index, text_of(in, "paper")));
  return refuse({errc::not_found, "there is no such call"});
}

control_answer node_get(demo_network& net, std::size_t index, const std::string& what) {
  if (what == "printer" && net.nodes[index].printer) return good(printer_of(*net.nodes[index].printer));
  if (what == "till") {
    auto link = net.till_link(index);
    if (!link) return refuse(link.error());
    return {303, "", *link};
  }
  return refuse({errc::not_found, "there is no such call"});
}

}  // namespace

control_answer control_call(demo_network& net, const std::string& method, const std::string& path,
                            const std::string& body) {
  bool get = method == "GET";
  if (!get && method != "POST") return {405, error_json({errc::unsupported, "GET or POST"})};
  if (get && path == "/demo/state") return good(state_of(net));
  if (get && path == "/demo/cards") return good(cards_of(net));
  if (get && path == "/demo/products") return good(products_of(net));
  auto p = parts_of(path);
  if (p.size() != 4 || p[0] != "demo") return refuse({errc::not_found, "there is no such call"});
  std::uint32_t id = 0;
  auto [end, bad] = std::from_chars(p[2].data(), p[2].data() + p[2].size(), id);
  if (bad != std::errc{} || end != p[2].data() + p[2].size()) return refuse({errc::not_found, "there is no such node"});
  auto index = net.index_of(id);
  if (!index) return refuse(index.error());
  auto in = body.empty() ? json::object() : json::parse(body, nullptr, false);
  if (!in.is_object()) return refuse({errc::malformed, "the body is one JSON object"});
  if (!get && p[1] == "links") return link_call(net, *index, p[3]);
  if (!get && p[1] == "nodes") return node_post(net, *index, p[3], in);
  if (get && p[1] == "nodes") return node_get(net, *index, p[3]);
  return refuse({errc::not_found, "there is no such call"});
}

}  // namespace tally
