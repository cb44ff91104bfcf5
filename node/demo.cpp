#include "node/demo.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "node/demo_control.hpp"
#include "node/identity.hpp"
#include "node/office.hpp"
#include "node/terminal.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

/// SIGINT, SIGTERM, SIGHUP and SIGCHLD as a descriptor. Made before any thread, so that all have them blocked.
class signals {
public:
  signals() {
    sigset_t set;
    sigemptyset(&set);
    for (int s : {SIGINT, SIGTERM, SIGHUP, SIGCHLD})
      sigaddset(&set, s);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    fd_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    invariant(static_cast<bool>(fd_), "signals as a descriptor");
  }
  int fd() const { return fd_.get(); }
  /// Takes what came; true once somebody asked to end.
  bool asked_to_end() {
    signalfd_siginfo info{};
    while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info))
      if (info.ssi_signo != SIGCHLD) ended_ = true;
    return ended_;
  }

private:
  unique_fd fd_;
  bool ended_ = false;
};

/// A fresh directory that is removed at the end, or the one that was asked for.
class demo_directory {
public:
  static result<std::unique_ptr<demo_directory>> make(const fs::path& asked) {
    std::error_code bad;
    if (!asked.empty()) {
      fs::create_directories(asked, bad);
      auto whole = fs::canonical(asked, bad);
      if (bad) return error{errc::io, "cannot use " + asked.string() + ": " + bad.message()};
      return std::unique_ptr<demo_directory>(new demo_directory(whole, false));
    }
    auto name = (fs::temp_directory_path(bad) / "tallystick-demo-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return error{errc::io, os_error("cannot make " + name, errno)};
    return std::unique_ptr<demo_directory>(new demo_directory(name, true));
  }
  ~demo_directory() {
    std::error_code ignored;
    if (fresh_) fs::remove_all(path_, ignored);
  }
  demo_directory(const demo_directory&) = delete;
  demo_directory& operator=(const demo_directory&) = delete;
  const fs::path& path() const { return path_; }

private:
  demo_directory(fs::path p, bool fresh) : path_(std::move(p)), fresh_(fresh) {}
  fs::path path_;
  bool fresh_;
};

result<price_list> demo_prices(const fs::path& file) {
  return file.empty() ? parse_rules(demo_rules(), "demo-rules.toml") : read_rules_file(file);
}

/// Pairing codes, one per store, by index; empty where there is none.
std::array<std::string, demo_network::node_count> codes_of(const demo_network& net) {
  std::array<std::string, demo_network::node_count> out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (net.nodes[i].role != node_role::store) continue;
    auto node = net.client(i);
    auto code = node ? pairing_code(*node) : result<std::string>(node.error());
    if (code) out[i] = *code;
  }
  return out;
}

void print_pages(const demo_network& net, const std::array<std::string, demo_network::node_count>& codes) {
  auto line = [](const std::string& what, const std::string& where) {
    std::cout << "  " << what << std::string(what.size() < 14 ? 14 - what.size() : 1, ' ') << where << "\n";
  };
  std::cout << "\nThe demo network is up.\n\n";
  line("Network", net.nodes[demo_index::hq].url() + "/network");
  for (std::size_t i = 0; i < codes.size(); ++i)
    if (net.nodes[i].role == node_role::store)
      line(net.nodes[i].name, net.nodes[i].url() + (codes[i].empty() ? "/" : "/?code=" + codes[i]));
  std::cout
      << "\nA store's link opens its till; it works once, within 10 minutes. The network page cuts and heals links, "
         "kills and\nrestarts nodes, swipes cards, scans products, and opens tills anew.\n\n  Cards         ";
  for (std::size_t i = 0; i < net.cards.size() && i < 3; ++i)
    std::cout << net.cards[i].number << "  ";
  std::cout << "and " << (net.cards.size() > 3 ? net.cards.size() - 3 : 0) << " more\n  Data          "
            << net.options.data.string() << "\n\nCtrl-C stops everything.\n"
            << std::flush;
}

status write_ready_file(const demo_network& net, const std::array<std::string, demo_network::node_count>& codes) {
  if (net.options.json_ready.empty()) return done();
  using json = nlohmann::json;
  json nodes = json::array(), cards = json::array(), products = json::array();
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const auto& n = net.nodes[i];
    json row{{"node", n.id.load()}, {"name", n.name},      {"role", role_name(n.role)},
             {"url", n.url()},      {"pid", n.pid.load()}, {"data", net.dir(i).string()}};
    if (n.relay) row["parent"] = net.nodes[n.parent].id.load();
    if (!codes[i].empty()) row["code"] = codes[i];
    nodes.push_back(std::move(row));
  }
  for (const auto& c : net.cards)
    cards.push_back({{"number", c.number}, {"masked", c.masked}});
  for (const auto& p : net.prices.products)
    products.push_back({{"id", p.id.value}, {"ean", p.ean}, {"name", p.names[0]}, {"price", p.price}});
  json all{{"control", net.control}, {"pid", ::getpid()}, {"data", net.options.data.string()},
           {"nodes", nodes},         {"cards", cards},    {"products", products}};
  return write_private_file(net.options.json_ready, all.dump(2) + "\n");
}

void tell_ended(demo_network& net) {
  for (const auto& [i, how] : net.reap())
    std::cout << net.nodes[i].name << " ended " << how << ". The network page restarts it.\n" << std::flush;
}

void supervise(demo_network& net, signals& s) {
  while (!s.asked_to_end()) {
    std::array<pollfd, 2> fds{pollfd{s.fd(), POLLIN, 0}, pollfd{net.wake_fd(), POLLIN, 0}};
    (void)::poll(fds.data(), fds.size(), 1'000);
    tell_ended(net);
    net.do_orders();
  }
}

status run(demo_options options, signals& s) {
  auto dir = demo_directory::make(options.data);
  if (!dir) return dir.error();
  options.data = (*dir)->path();
  if (!options.web_dir.empty()) options.web_dir = fs::absolute(options.web_dir).string();  // nodes run elsewhere
  auto prices = demo_prices(options.rules);
  if (!prices) return prices.error();
  auto control = demo_control::listen(options.port);
  if (!control) return control.error();
  auto address = "http://127.0.0.1:" + std::to_string((*control)->port());

  demo_network net(std::move(options));
  net.prices = std::move(*prices);
  struct at_end {
    demo_network& net;
    std::unique_ptr<demo_control>& control;
    ~at_end() {
      net.stop_all();
      control.reset();  // its calls use the network
    }
  } stopper{net, *control};
  TALLY_TRY(net.make(static_cast<std::uint16_t>((*control)->port() + 1), address));
  TALLY_TRY(set_up_demo(net, [&s] { return s.asked_to_end(); }));

  std::vector<std::string> origins;
  for (const auto& n : net.nodes)
    for (const char* host : {"http://127.0.0.1:", "http://localhost:"})
      origins.push_back(host + std::to_string(n.http_port));
  (*control)->serve(std::move(origins),
                    [&net](const std::string& method, const std::string& path, const std::string& body) {
                      return control_call(net, method, path, body);
                    });
  auto codes = codes_of(net);
  print_pages(net, codes);
  TALLY_TRY(write_ready_file(net, codes));
  supervise(net, s);
  std::cout << "\nStopping …\n" << std::flush;
  return done();
}

}  // namespace

int run_demo(const demo_options& options) {
  signals s;
  auto outcome = run(options, s);
  if (outcome) return 0;
  if (s.asked_to_end()) return 0;
  return cmd::fail(cmd::exit_refused, cmd::sentence_of(outcome.error()));
}

}  // namespace tally
