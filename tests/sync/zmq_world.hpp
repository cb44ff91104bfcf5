#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <zmq.hpp>
#include "sync/entropy_sodium.hpp"
#include "sync/zmq_door.hpp"
#include "sync/zmq_link.hpp"

namespace tally::zmq_test {

/// What callbacks saw, for a test thread that waits for it. A wait that fails ends the test after a minute; no test
/// measures time.
template <class T>
class seen {
public:
  void add(T value) {
    std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  bool wait_for(const T& value, std::size_t times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] {
      return static_cast<std::size_t>(std::count(values_.begin(), values_.end(), value)) >= times;
    });
  }
  bool wait_for_count(std::size_t n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return values_.size() >= n; });
  }
  bool contains(const T& value) {
    std::lock_guard lock(mutex_);
    return std::count(values_.begin(), values_.end(), value) > 0;
  }
  std::vector<T> all() {
    std::lock_guard lock(mutex_);
    return values_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

using received = std::pair<std::uint32_t, bytes>;

struct world {
  system_entropy source;
  curve_key server_key = make_curve_key(source);
  std::mutex mutex;
  std::map<public_key, link_peer> admitted;
  seen<received> messages;
  seen<std::pair<std::uint32_t, bool>> links;
  seen<public_key> refused;
  seen<std::string> faults;
  bool echo = false;
  bytes last_word;
  std::mutex opening;  // callbacks may run before `start` returned
  std::unique_ptr<zmq_server> server;

  void admit(const curve_key& key, std::uint32_t node) {
    std::lock_guard lock(mutex);
    admitted[key.pub] = node_id{node};
  }
  void open(const std::string& endpoint = "tcp://127.0.0.1:*") {
    zmq_server::callbacks on;
    on.admit = [this](const public_key& key) -> std::optional<link_peer> {
      std::lock_guard lock(mutex);
      auto it = admitted.find(key);
      if (it == admitted.end()) return std::nullopt;
      return it->second;
    };
    on.on_message = [this](const link_peer& from, bytes m) {
      if (echo) {
        std::lock_guard lock(opening);
        (void)server->send(from, "echo " + m);
      }
      messages.add({from.node.value, std::move(m)});
    };
    on.on_link = [this](const link_peer& who, bool up) { links.add({who.node.value, up}); };
    on.on_refused = [this](const public_key& key) { refused.add(key); };
    on.on_fault = [this](std::string why) { faults.add(std::move(why)); };
    on.last_word = last_word;
    // The address may be taken for a moment longer by a server that was just closed.
    std::lock_guard lock(opening);
    for (int i = 0; i < 600; ++i) {
      auto started = zmq_server::start(endpoint, server_key, on);
      if (started.ok()) {
        server = std::move(started).value();
        return;
      }
      REQUIRE(started.code() == errc::busy);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    FAIL("cannot bind again");
  }
};

struct child {
  curve_key key;
  seen<bytes> messages;
  seen<bool> links;
  seen<std::string> refused, faults;
  std::unique_ptr<zmq_client> client;

  explicit child(world& w) : key(make_curve_key(w.source)) {}
  child(const curve_key& shared, int) : key(shared.clone()) {}
  void connect(const std::string& endpoint, const public_key& server) {
    zmq_client::callbacks on;
    on.on_message = [this](bytes m) { messages.add(std::move(m)); };
    on.on_link = [this](bool up) { links.add(up); };
    on.on_refused = [this](std::string why) { refused.add(std::move(why)); };
    on.on_fault = [this](std::string why) { faults.add(std::move(why)); };
    link_options options;
    options.reconnect_min = std::chrono::milliseconds(50);
    options.reconnect_max = std::chrono::milliseconds(200);
    auto started = zmq_client::start(endpoint, key, server, on, options);
    REQUIRE(started.ok());
    client = std::move(started).value();
  }
};

/// A peer that keeps none of our rules.
struct raw_peer {
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::dealer};

  raw_peer(const curve_key& key, const world& w, const std::string& name = {}) {
    socket.set(zmq::sockopt::linger, 0);
    if (!name.empty()) socket.set(zmq::sockopt::routing_id, name);
    socket.set(zmq::sockopt::curve_serverkey, zmq::buffer(w.server_key.pub));
    socket.set(zmq::sockopt::curve_publickey, zmq::buffer(key.pub));
    socket.set(zmq::sockopt::curve_secretkey, zmq::buffer(key.secret.data(), 32));
    socket.connect(w.server->endpoint());
  }
  void send(const std::string& text, bool more = false) {
    socket.send(zmq::buffer(text), more ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
};

inline int tcp_connect(const std::string& endpoint) {
  auto colon = endpoint.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(colon + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(fd >= 0);
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  return fd;
}

inline void throw_garbage(const std::string& endpoint) {
  std::string greeting("\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL", 16);
  greeting.resize(64, '\0');
  std::string curve("\xff\0\0\0\0\0\0\0\x01\x7f\x03\0CURVE", 17);
  curve.resize(64, '\0');
  for (const auto& junk : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100'000, '\xff'), std::string(1, '\0'),
                           std::string(12, '\x7f'), greeting, curve + std::string(500, 'x'),
                           curve + std::string("\x06\xff\xff\xff\xff\xff\xff\xff\xff", 9) + std::string(5000, 'y')}) {
    int fd = tcp_connect(endpoint);
    (void)!::send(fd, junk.data(), junk.size(), MSG_NOSIGNAL);
    ::close(fd);
  }
}

}  // namespace tally::zmq_test
