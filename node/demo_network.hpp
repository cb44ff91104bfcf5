#pragma once
#include <array>
#include <atomic>
#include <deque>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "devices/driver_printer_server.hpp"
#include "devices/driver_pty.hpp"
#include "ledger/entry.hpp"
#include "node/admin_client.hpp"
#include "node/demo_child.hpp"
#include "node/demo_relay.hpp"
#include "node/rules_file.hpp"

namespace tally {

struct demo_options {
  std::filesystem::path data;        ///< empty: a fresh directory that is removed at the end
  std::uint16_t port = 8080;         ///< control interface; the nodes' pages follow it
  std::filesystem::path json_ready;  ///< written when everything is up; empty: not
  std::filesystem::path rules;       ///< empty: the rules that are compiled in
  std::string web_dir;               ///< of the pages; empty: as the nodes find them
};

/// One node of the demo: a process of its own, its wire to the parent, its devices.
struct demo_node {
  const char* slug = "";  ///< "store-a": directory, files
  std::string name;
  node_role role{};
  std::size_t parent = 0;            ///< index; of itself at head office
  std::atomic<std::uint32_t> id{0};  ///< known once it is enrolled
  std::uint16_t http_port = 0, link_port = 0;
  std::atomic<pid_t> pid{-1};  ///< -1: does not run
  demo_child child;            ///< main thread only
  std::unique_ptr<demo_relay> relay;
  std::unique_ptr<pty_device> reader, scanner;
  std::unique_ptr<printer_server> printer;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(http_port); }
};

struct demo_card {
  std::string number, masked;
};

/// The processes, wires and devices of the demo network: head office, one region, two stores.
///
/// The main thread builds it, starts and stops processes and sits in `poll`; the control interface calls what is marked
/// so from its own thread. Nothing of it decides about money: it uses the same commands as an operator.
class demo_network {
public:
  static constexpr std::size_t node_count = 4;
  explicit demo_network(demo_options options);

  // -- main thread ---------------------------------------------------------------

  /// Chooses ports (`first` and up), makes wires and devices. `io`.
  status make(std::uint16_t first, const std::string& control);
  status start_node(std::size_t index);
  /// Ends all nodes, stores first, and waits for them.
  void stop_all();
  /// Carries out what the control interface asked for.
  void do_orders();
  /// Nodes that ended since the last call, by index, and how.
  std::vector<std::pair<std::size_t, std::string>> reap();
  int wake_fd() const { return wake_.fd(); }

  std::filesystem::path dir(std::size_t index) const { return options.data / nodes[index].slug; }
  std::filesystem::path out(std::size_t index) const;
  std::filesystem::path config(std::size_t index) const;
  result<admin_client> client(std::size_t index) const { return admin_client::open(dir(index)); }

  // -- control interface: any thread -----------------------------------------------

  /// Index of a node number; `not_found`.
  result<std::size_t> index_of(std::uint32_t id) const;
  status kill_node(std::size_t index) { return order(true, index); }
  status restart_node(std::size_t index) { return order(false, index); }
  status swipe(std::size_t index, const std::string& card);
  status scan(std::size_t index, const std::string& ean);
  status plug(std::size_t index, const std::string& kind, bool plugged);
  status set_printer(std::size_t index, const std::string& state);
  /// A link that opens the store's till and pairs it.
  result<std::string> till_link(std::size_t index) const;

  demo_options options;
  std::array<demo_node, node_count> nodes;
  // Set before the control interface starts, then constant.
  price_list prices;
  std::vector<demo_card> cards;
  std::string control;  ///< "http://127.0.0.1:8080"
  std::uint16_t door_port = 0;

private:
  struct pending {
    bool kill = false;
    std::size_t index = 0;
    std::promise<status> answer;
  };
  status order(bool kill, std::size_t index);
  status write_config(std::size_t index);
  result<pty_device*> device(std::size_t index, const std::string& kind);

  wakeup wake_;
  std::mutex mutex_;  // guards what follows
  std::deque<pending> orders_;
  bool stopping_ = false;
};

/// Index of the four nodes.
namespace demo_index {
inline constexpr std::size_t hq = 0, region = 1, store_a = 2, store_b = 3;
}

}  // namespace tally
