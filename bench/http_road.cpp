#include "bench/http_road.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "bench/figures.hpp"
#include "bench/http_client.hpp"
#include "bench/shop.hpp"
#include "node/identity.hpp"
#include "sync/driver_keyfile.hpp"

namespace tally::bench {
namespace {

namespace fs = std::filesystem;

// A node has at most 63 tills; more clients share them.
constexpr unsigned tills_max = 63;

template <class T>
void must(const T& r, const char* what) {
  if (!r) throw std::runtime_error(std::string(what) + ": " + r.error().detail);
}

/// Makes the store's folder a node's data directory: identity and keys beside the database.
void make_data_directory(const fs::path& root) {
  data_layout at{root};
  if (fs::exists(at.identity())) return;
  public_key root_key = shop(root).root();
  fs::permissions(root, fs::perms::owner_all);
  must(make_key_directory(at.keys()), "the key directory");
  must(write_key_file(at.signing_key(), shop::signing_secret()), "a key file");
  must(write_key_file(at.curve_key(), shop::curve_secret()), "a key file");
  system_entropy random;
  must(write_key_file(at.secret(), make_node_secret(random)), "a key file");
  must(write_identity(root,
                      {{std::string(shop::chain()), root_key}, node_id{2}, node_role::store, "Store", shop::epoch()}),
       "the identity");
}

struct till {
  std::string token;
  till_script script;
};

/// Tokens of earlier runs, one a line; missing tills are paired now.
std::vector<std::string> paired(const http_plan& plan, const node_process& node, unsigned wanted) {
  auto file = plan.dir / "tokens";
  std::vector<std::string> tokens;
  {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);)
      tokens.push_back(line);
  }
  auto admin = first_line(plan.dir / "store" / "admin.token");
  connection c(node.address());
  while (tokens.size() < wanted) {
    auto code = member(c.call("/api/v1/admin/pair", admin, "{}"), "code");
    tokens.push_back(member(c.call("/api/v1/pair", "", "{\"code\":\"" + code + "\"}"), "token"));
    std::ofstream(file, std::ios::app) << tokens.back() << '\n';
  }
  return tokens;
}

/// A till as the node knows it: its terminal number, and the counter before its next.
till till_of(connection& c, const std::string& token) {
  auto state = c.call("/api/v1/till", token, "");
  auto terminal = static_cast<std::uint32_t>(std::stoul(member(state, "terminal")));
  auto counter = std::stoull(member(state, "next_counter")) - 1;
  return {token, till_script(counter * 1000 + terminal, terminal, counter)};
}

struct request {
  std::string path, body;
};

std::string head(const till_key& key) { return "{\"counter\":" + std::to_string(key.counter); }

request to_json(const till_command& c) {
  if (const auto* t = std::get_if<top_up_command>(&c))
    return {"/api/v1/topups", head(t->key) + ",\"card\":\"" + card_number(t->account) +
                                  "\",\"amount\":" + std::to_string(t->value) + ",\"tender\":\"cash\"}"};
  if (const auto* r = std::get_if<reverse_command>(&c)) {
    auto receipt = "2." + to_hex(view_of(shop::epoch().value)) + "." + std::to_string(r->seq);
    return {"/api/v1/reversals", head(r->key) + ",\"receipt\":\"" + receipt + "\"}"};
  }
  const auto& s = std::get<sale_command>(c);
  auto body = head(s.key) + ",\"card\":\"" + card_number(s.account) + "\",\"lines\":[";
  for (const auto& l : s.lines)
    body += (&l == s.lines.data() ? "" : ",") + std::string("{\"product\":") + std::to_string(l.product.value) +
            ",\"quantity\":" + std::to_string(l.quantity) + "}";
  return {"/api/v1/sales", body + "],\"tenders\":[{\"kind\":\"card\",\"amount\":" + std::to_string(s.card) + "}]}"};
}

/// One client of the load: its connection, its till, and what it asked.
struct client {
  connection line;
  till* at;
  till_command out{};
  std::int64_t since = 0;
};

void ask(client& c) {
  c.out = c.at->script.next();
  auto r = to_json(c.out);
  c.since = now_ns();
  c.line.send(r.path, c.at->token, r.body);
}

/// All clients on this thread, each with one request under way until the time is over.
latencies load(std::vector<client>& clients, std::int64_t until) {
  latencies times;
  int set = epoll_create1(EPOLL_CLOEXEC);
  for (auto& c : clients) {
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.ptr = &c;
    epoll_ctl(set, EPOLL_CTL_ADD, c.line.fd(), &e);
    ask(c);
  }
  auto left = clients.size();
  epoll_event ready[64];
  while (left > 0) {
    auto n = epoll_wait(set, ready, 64, 10'000);
    if (n <= 0) throw std::runtime_error("the node does not answer");
    for (int i = 0; i < n; ++i) {
      auto& c = *static_cast<client*>(ready[i].data.ptr);
      int code = 0;
      auto body = c.line.take(code);
      if (!body) continue;
      auto now = now_ns();
      times.add(now - c.since);
      if (code != 200) throw std::runtime_error("refused: " + std::to_string(code) + " " + *body);
      auto id = member(*body, "id");
      c.at->script.approved(c.out, std::stoull(id.substr(id.rfind('.') + 1)));
      if (now < until) {
        ask(c);
      } else {
        --left;
      }
    }
  }
  ::close(set);
  return times;
}

}  // namespace

void http_road(const http_plan& plan) {
  auto data = plan.dir / "store";
  make_data_directory(data);
  auto known = first_line(plan.dir / "tokens");
  node_process node(plan.program, data);
  if (!known.empty()) {
    connection c(node.address());
    auto first = till_of(c, known);
    auto sale = to_json(first.script.next_sale());
    (void)c.call(sale.path, known, sale.body);
    report("node_start_ms", static_cast<double>(now_ns() - node.started()) / 1e6);
  }
  std::vector<till> tills;
  std::vector<client> clients;
  {
    connection c(node.address());
    for (const auto& token : paired(plan, node, std::min(plan.clients, tills_max)))
      tills.push_back(till_of(c, token));
  }
  for (unsigned i = 0; i < plan.clients; ++i)
    clients.push_back({connection(node.address()), &tills[i % tills.size()], {}, 0});
  auto start = now_ns();
  auto times = load(clients, start + plan.seconds * 1'000'000'000);
  report("http" + std::to_string(plan.clients), times, now_ns() - start);
  auto m = memory_of(node.pid());
  report("node_rss_kib", static_cast<double>(m.resident));
  report("node_highest_rss_kib", static_cast<double>(m.highest));
  node.stop();
}

}  // namespace tally::bench
