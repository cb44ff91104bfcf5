#include "node/demo_network.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <csignal>
#include <sstream>

#include "devices/barcode.hpp"
#include "node/identity.hpp"
#include "node/office.hpp"
#include "node/program.hpp"
#include "node/toml.hpp"

namespace tally {
namespace {

constexpr std::chrono::seconds stop_patience{10}, order_patience{5};

bool is_free(std::uint16_t port) {
  unique_fd s(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int on = 1;
  ::setsockopt(s.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return s && ::bind(s.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
}

/// The next free port, from `next` on, which moves behind it. Ports that the system deals out itself begin far above.
result<std::uint16_t> take_port(std::uint32_t& next) {
  for (; next < 65'000; ++next)
    if (is_free(static_cast<std::uint16_t>(next))) return static_cast<std::uint16_t>(next++);
  return error{errc::io, "no free port is left on this machine"};
}

std::string local_address(std::uint16_t port) { return "tcp://127.0.0.1:" + std::to_string(port); }

}  // namespace

demo_network::demo_network(demo_options o) : options(std::move(o)) {
  struct row {
    const char *slug, *name;
    node_role role;
    std::size_t parent;
  };
  constexpr row rows[] = {{"hq", "Head office", node_role::hq, 0},
                          {"region", "Region North", node_role::region, 0},
                          {"store-a", "Store A", node_role::store, 1},
                          {"store-b", "Store B", node_role::store, 1}};
  for (std::size_t i = 0; i < node_count; ++i) {
    nodes[i].slug = rows[i].slug;
    nodes[i].name = rows[i].name;
    nodes[i].role = rows[i].role;
    nodes[i].parent = rows[i].parent;
  }
}

std::filesystem::path demo_network::out(std::size_t index) const {
  return options.data / (std::string(nodes[index].slug) + ".out");
}
std::filesystem::path demo_network::config(std::size_t index) const {
  return options.data / (std::string(nodes[index].slug) + ".toml");
}

status demo_network::make(std::uint16_t first, const std::string& control_address) {
  control = control_address;
  std::uint32_t next = first;
  for (auto& n : nodes) {
    auto port = take_port(next);
    if (!port) return port.error();
    n.http_port = *port;
  }
  for (auto& n : nodes) {
    if (n.role == node_role::store) continue;
    auto port = take_port(next);
    if (!port) return port.error();
    n.link_port = *port;
  }
  auto door = take_port(next);
  if (!door) return door.error();
  door_port = *door;
  for (std::size_t i = 0; i < node_count; ++i) {
    auto& n = nodes[i];
    if (n.role != node_role::hq) {
      auto wire = demo_relay::start(nodes[n.parent].link_port);
      if (!wire) return wire.error();
      n.relay = std::move(*wire);
    }
    if (n.role == node_role::store) {
      auto base = options.data / n.slug;
      n.reader = std::make_unique<pty_device>(base.string() + ".reader");
      n.scanner = std::make_unique<pty_device>(base.string() + ".scanner");
      n.printer = std::make_unique<printer_server>();
      TALLY_TRY(n.reader->plug());
      TALLY_TRY(n.scanner->plug());
      TALLY_TRY(n.printer->start(0));
    }
    TALLY_TRY(write_config(i));
  }
  return done();
}

status demo_network::write_config(std::size_t index) {
  const auto& n = nodes[index];
  auto base = (options.data / n.slug).string();
  toml::table t{{"node", toml::table{{"data_dir", base}}},
                {"http", toml::table{{"listen", "127.0.0.1:" + std::to_string(n.http_port)},
                                     {"web_dir", options.web_dir},
                                     {"open_network", true}}},
                {"demo", toml::table{{"control", control}}}};
  toml::table link;
  if (n.link_port != 0) link.insert("listen", local_address(n.link_port));
  if (n.role == node_role::hq) link.insert("door", local_address(door_port));
  if (n.relay) link.insert("parent", local_address(n.relay->port()));
  // The demo's links cost nothing, so a cut one is noticed within five seconds; real metered links send no heartbeat.
  link.insert("heartbeat_ms", 1000);
  t.insert("link", std::move(link));
  if (n.role == node_role::store) {
    t.insert("reader", toml::table{{"path", base + ".reader"}});
    t.insert("scanner", toml::table{{"path", base + ".scanner"}, {"card_prefix", prices.rules.card_prefix}});
    t.insert("printer", toml::table{{"address", "127.0.0.1:" + std::to_string(n.printer->port())}});
  }
  std::ostringstream text;
  text << "# Written anew at each start of the demo.\n" << t << "\n";
  return write_private_file(config(index), text.str());
}

status demo_network::start_node(std::size_t index) {
  auto& n = nodes[index];
  if (n.child.running()) return error{errc::not_allowed, n.name + " runs already"};
  TALLY_TRY(n.child.start(own_program(), {"node", "--config", config(index).string()}, out(index)));
  n.pid = n.child.pid();
  return done();
}

void demo_network::stop_all() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& o : orders_)
      o.answer.set_value(error{errc::offline, "the demo ends"});
    orders_.clear();
  }
  for (auto i = node_count; i-- > 0;)
    nodes[i].child.signal(SIGCONT);
  for (auto i = node_count; i-- > 0;) {
    nodes[i].child.stop(stop_patience);
    nodes[i].pid = -1;
  }
}

std::vector<std::pair<std::size_t, std::string>> demo_network::reap() {
  std::vector<std::pair<std::size_t, std::string>> ended;
  for (std::size_t i = 0; i < node_count; ++i)
    if (auto how = nodes[i].child.reap()) {
      nodes[i].pid = -1;
      ended.emplace_back(i, *how);
    }
  return ended;
}

status demo_network::order(bool kill, std::size_t index) {
  std::future<status> answer;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return error{errc::offline, "the demo ends"};
    if (orders_.size() >= 100) return error{errc::busy, "too many orders wait"};
    orders_.push_back({kill, index, {}});
    answer = orders_.back().answer.get_future();
  }
  wake_.signal();
  if (answer.wait_for(order_patience) != std::future_status::ready)
    return error{errc::busy, "the demo is busy; try again"};
  return answer.get();
}

void demo_network::do_orders() {
  wake_.clear();
  for (;;) {
    pending o;
    {
      std::lock_guard lock(mutex_);
      if (orders_.empty()) return;
      o = std::move(orders_.front());
      orders_.pop_front();
    }
    auto& n = nodes[o.index];
    if (!o.kill) {
      o.answer.set_value(start_node(o.index));
    } else if (!n.child.running()) {
      o.answer.set_value(error{errc::not_allowed, n.name + " does not run"});
    } else {
      n.child.signal(SIGKILL);  // its end is seen and reported by the main loop
      o.answer.set_value(done());
    }
  }
}

result<std::size_t> demo_network::index_of(std::uint32_t id) const {
  for (std::size_t i = 0; i < node_count; ++i)
    if (id != 0 && nodes[i].id == id) return i;
  return error{errc::not_found, "there is no node " + std::to_string(id)};
}

result<pty_device*> demo_network::device(std::size_t index, const std::string& kind) {
  auto& n = nodes[index];
  auto* d = kind == "reader" ? n.reader.get() : kind == "scanner" ? n.scanner.get() : nullptr;
  if (!d) return error{errc::not_found, n.name + " has no " + kind.substr(0, 20)};
  return d;
}

status demo_network::swipe(std::size_t index, const std::string& card) {
  if (!all_digits(card) || card.size() < card_digits_min || card.size() > card_digits_max)
    return error{errc::malformed, "a card number has 8 to 19 digits"};
  auto d = device(index, "reader");
  if (!d) return d.error();
  // Number, expiry (December 2049), service code, as on a bank's stripe.
  return (*d)->write(";" + card + "=49121200000000000?");
}

status demo_network::scan(std::size_t index, const std::string& ean) {
  if (!all_digits(ean) || ean.size() > 20) return error{errc::malformed, "a barcode has 1 to 20 digits"};
  auto d = device(index, "scanner");
  if (!d) return d.error();
  return (*d)->write(ean + "\r\n");
}

status demo_network::plug(std::size_t index, const std::string& kind, bool plugged) {
  if (kind == "printer" && nodes[index].printer) {
    nodes[index].printer->set_power(plugged);
    return done();
  }
  auto d = device(index, kind);
  if (!d) return d.error();
  if (plugged) return (*d)->plug();
  (*d)->unplug();
  return done();
}

status demo_network::set_printer(std::size_t index, const std::string& state) {
  auto* p = nodes[index].printer.get();
  if (!p) return error{errc::not_found, nodes[index].name + " has no printer"};
  bool paper = state == "ok" || state == "low" || state == "out";
  if (!paper && state != "cover_open" && state != "offline")
    return error{errc::malformed, "paper is ok, low, out, cover_open or offline"};
  p->set_cover_open(state == "cover_open");
  p->set_offline(state == "offline");
  if (paper) p->set_paper(state == "ok" ? paper_state::ok : state == "low" ? paper_state::low : paper_state::out);
  return done();
}

result<std::string> demo_network::till_link(std::size_t index) const {
  if (nodes[index].role != node_role::store) return error{errc::not_found, nodes[index].name + " has no till"};
  auto node = client(index);
  if (!node) return node.error();
  auto code = pairing_code(*node);
  if (!code) return code.error();
  return nodes[index].url() + "/?code=" + *code;
}

}  // namespace tally
