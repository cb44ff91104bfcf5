#include <chrono>
#include <iostream>
#include <thread>

#include "devices/luhn.hpp"
#include "node/demo.hpp"
#include "node/founding.hpp"
#include "node/http_call.hpp"
#include "node/office.hpp"
#include "sync/entropy_sodium.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::size_t demo_cards = 20;
constexpr std::chrono::seconds start_patience{120};  // a small machine with much else to do
constexpr auto demo_chain = "demo";
// The root key of a demo protects play money; a cheap seal makes the start quick.
constexpr auto demo_passphrase = "tallystick demo network";
constexpr seal_cost demo_seal{1, std::uint64_t{8} << 10};
// In CNY: 20,000.00 held, 10,000.00 received in a day, 5,000.00 of top-ups, replenished by 5,000.00 a day.
constexpr node_limits store_limits{2'000'000, 1'000'000, 500'000, 500'000};

unix_seconds wall_now() { return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()); }

/// The last line that a node wrote, to say why it ended.
std::string last_words(const fs::path& out) {
  auto text = read_small_file(out, std::size_t{8} << 20);
  if (!text) return "";
  while (!text->empty() && text->back() == '\n')
    text->pop_back();
  return text->substr(text->rfind('\n') == std::string::npos ? 0 : text->rfind('\n') + 1).substr(0, 500);
}

class demo_setup {
public:
  demo_setup(demo_network& net, const std::function<bool()>& stopped) : net_(net), stopped_(stopped) {}

  status run() {
    TALLY_TRY(found());
    TALLY_TRY(start(demo_index::hq));
    for (auto i : {demo_index::region, demo_index::store_a, demo_index::store_b}) {
      TALLY_TRY(enrol(i));
      TALLY_TRY(start(i));
    }
    TALLY_TRY(publish());
    TALLY_TRY(issue());
    return wait("the stores to get prices and top-up quota", [this] { return stores_ready(); });
  }

private:
  status found() {
    auto dir = net_.dir(demo_index::hq);
    auto id = read_identity(dir);
    if (!id && id.code() == errc::not_found) {
      std::cerr << "Founding the chain: root key, head office …\n";
      std::error_code ignored;
      auto root = net_.options.data / "root.key";
      fs::remove(root, ignored);  // of a first start that was broken off
      fresh_ = true;
      id = found_head_office({dir, demo_chain, "Head office", root, demo_passphrase, demo_seal}, wall_now(), random_);
    }
    if (!id) return id.error();
    net_.nodes[demo_index::hq].id = id->node.value;
    return done();
  }

  status enrol(std::size_t i) {
    auto& n = net_.nodes[i];
    auto id = read_identity(net_.dir(i));
    if (!id && id.code() == errc::not_found) {
      std::cerr << "Enrolling " << n.name << " with a one-time token …\n";
      auto hq = net_.client(demo_index::hq);
      if (!hq) return hq.error();
      auto limits = n.role == node_role::store ? store_limits : node_limits{};
      auto token = invite_node(*hq, {n.name, n.role, node_id{net_.nodes[n.parent].id}, limits, 1, {}});
      if (!token) return token.error();
      id = enrol_node(net_.dir(i), token->token, wall_now(), random_);
    }
    if (!id) return id.error();
    n.id = id->node.value;
    return done();
  }

  status start(std::size_t i) {
    TALLY_TRY(net_.start_node(i));
    auto address = "127.0.0.1:" + std::to_string(net_.nodes[i].http_port);
    // Commands find the node through a file that it writes a moment after it answers.
    return wait(net_.nodes[i].name + " to answer", [this, i, address] {
      auto a = http_call(address, "GET", "/healthz", "", "", milliseconds(2'000));
      if (!a || a->status != 200) return false;
      auto node = net_.client(i);
      return node && node->get("status").ok();
    });
  }

  status publish() {
    auto hq = net_.client(demo_index::hq);
    if (!hq) return hq.error();
    auto now = hq->get("status");
    if (!now) return now.error();
    if (now->value("rules_version", std::uint64_t{0}) > 0) return done();
    std::cerr << "Publishing prices and rules …\n";
    auto a = publish_list(*hq, net_.prices, random_);
    return a ? done() : status(a.error());
  }

  status issue() {
    auto file = net_.options.data / "cards.csv";
    if (!fs::exists(file)) {
      std::cerr << "Issuing " << demo_cards << " cards …\n";
      auto hq = net_.client(demo_index::hq);
      if (!hq) return hq.error();
      std::string text;
      TALLY_TRY(issue_cards(*hq, {demo_chain, net_.prices.rules.card_prefix, 1, demo_cards}, random_,
                            [&](const std::vector<issued_card>& batch) {
                              for (const auto& c : batch)
                                text += c.number + "\n";
                              return done();
                            }));
      TALLY_TRY(write_private_file(file, text));
    }
    auto text = read_small_file(file);
    if (!text) return text.error();
    for (std::size_t at = 0; at < text->size();) {
      auto end = std::min(text->find('\n', at), text->size());
      auto number = text->substr(at, end - at);
      if (!number.empty()) net_.cards.push_back({number, mask_number(number)});
      at = end + 1;
    }
    return done();
  }

  bool stores_ready() const {
    for (auto i : {demo_index::store_a, demo_index::store_b}) {
      auto node = net_.client(i);
      auto s = node ? node->get("status") : result<nlohmann::json>(errc::offline);
      if (!s || s->value("rules_version", std::uint64_t{0}) == 0) return false;
      // In kept data it may be used up until head office replenishes it.
      if (fresh_ && s->value("quota_left", std::int64_t{0}) == 0) return false;
    }
    return true;
  }

  template <class F>
  status wait(const std::string& what, F&& good) {
    for (auto until = std::chrono::steady_clock::now() + start_patience; std::chrono::steady_clock::now() < until;) {
      if (good()) return done();
      if (stopped_()) return error{errc::offline, "stopped"};
      for (const auto& [i, how] : net_.reap())
        return error{errc::internal, net_.nodes[i].name + " ended " + how + ": " + last_words(net_.out(i))};
      std::this_thread::sleep_for(milliseconds(20));
    }
    return error{errc::timeout,
                 "waited too long for " + what + "; the nodes' output is in " + net_.options.data.string()};
  }

  demo_network& net_;
  const std::function<bool()>& stopped_;
  system_entropy random_;
  bool fresh_ = false;
};

}  // namespace

status set_up_demo(demo_network& network, const std::function<bool()>& stopped) {
  return demo_setup(network, stopped).run();
}

}  // namespace tally
