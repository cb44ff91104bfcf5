#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "fake_facade.hpp"
#include "http_exchanges.hpp"
#include "node/http_server.hpp"
#include "node/json_read.hpp"
#include "sync/entropy_sodium.hpp"

namespace tally::test {

class temp_dir {
public:
  temp_dir() {
    auto name = (std::filesystem::temp_directory_path() / "tally-http-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  ~temp_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temp_dir(const temp_dir&) = delete;
  temp_dir& operator=(const temp_dir&) = delete;
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& p, std::string_view text) {
  std::filesystem::create_directories(p.parent_path());
  std::ofstream(p, std::ios::binary) << text;
}

/// Waits for what comes from another thread; false after a time that only a broken program needs.
template <class Predicate>
bool eventually(Predicate holds) {
  for (int i = 0; i < 30'000; ++i) {
    if (holds()) return true;
    ::usleep(2'000);
  }
  return false;
}

struct clock_stub {
  std::atomic<unix_seconds> wall{noon};
  std::atomic<tick_ms> tick{1'000};
};

inline node_identity store_identity() {
  node_identity id;
  id.believes.chain = chain;
  id.node = node_id{3};
  id.role = node_role::store;
  id.name = "Store A";
  return id;
}

/// A node, its clock and its secrets.
struct bench_node {
  fake_facade node;
  clock_stub clock;
  system_entropy random;
  node_secret secret = make_node_secret(random);

  http_services services() {
    return {.node = node,
            .secret = secret,
            .random = random,
            .identity = store_identity(),
            .admin_token = "the-admin-token",
            .admin = {},
            .wall = [this] { return clock.wall.load(); },
            .tick = [this] { return clock.tick.load(); },
            .demo_control = {},
            .security =
                [this](errc code, const std::string& text) {
                  std::lock_guard lock(told_mutex);
                  told.push_back(std::string(errc_name(code)) + " " + text);
                }};
  }
  std::mutex told_mutex;
  std::vector<std::string> told;  ///< to the security log
};

/// A client with a plain socket: sends any octets, reads answers.
class client {
public:
  /// `from`: another address of this machine, "127.0.0.2".
  explicit client(const std::string& endpoint, const char* from = nullptr) {
    auto colon = endpoint.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(colon + 1))));
    ::inet_pton(AF_INET, endpoint.substr(0, colon).c_str(), &to.sin_addr);
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    if (from) ::inet_pton(AF_INET, from, &own.sin_addr);
    if (from && ::bind(fd_, reinterpret_cast<sockaddr*>(&own), sizeof own) != 0) throw std::runtime_error(from);
    if (fd_ < 0 || ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("no connection to " + endpoint);
    int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  client(client&& other) noexcept : fd_(std::exchange(other.fd_, -1)), in_(std::move(other.in_)) {}
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client() {
    if (fd_ >= 0) ::close(fd_);
  }

  /// False once the server closed.
  bool send(std::string_view data) {
    while (!data.empty()) {
      auto n = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      data.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  /// More input; false at the end, or when nothing comes for a minute.
  bool more() {
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, 60'000) <= 0) return false;
    char block[16 * 1024];
    auto n = ::recv(fd_, block, sizeof block, 0);
    if (n <= 0) return false;
    in_.append(block, static_cast<std::size_t>(n));
    return true;
  }
  bool closed_by_server() {
    while (more()) {
    }
    return true;
  }
  /// Reads until `text` came; everything up to its end.
  std::string until(std::string_view text) {
    for (;;) {
      if (auto at = in_.find(text); at != std::string::npos) {
        auto out = in_.substr(0, at + text.size());
        in_.erase(0, at + text.size());
        return out;
      }
      if (!more()) return {};
    }
  }

  struct reply {
    int status = 0;
    std::string head, body;
    json_value json;
  };
  reply read(bool head_only = false) {
    reply r;
    r.head = until("\r\n\r\n");
    if (r.head.size() < 12) return r;
    r.status = std::stoi(r.head.substr(9, 3));
    auto at = r.head.find("Content-Length: ");
    std::size_t length = at == std::string::npos || head_only ? 0 : std::stoul(r.head.substr(at + 16));
    while (in_.size() < length && more()) {
    }
    r.body = in_.substr(0, length);
    in_.erase(0, length);
    if (auto j = parse_json(r.body)) r.json = std::move(*j);
    return r;
  }
  reply call(std::string_view method, std::string_view path, std::string_view body = {}, std::string_view token = {},
             std::string_view more_headers = {}) {
    if (!send(request(method, path, body, token, more_headers))) return {};
    auto r = read(method == "HEAD");
    constexpr std::string_view field = "Content-Type: ";
    auto at = r.head.find(field);
    auto type =
        at == std::string::npos ? "" : r.head.substr(at + field.size(), r.head.find("\r\n", at) - at - field.size());
    if (r.status != 0 && method != "HEAD") note_exchange(method, path, body, r.status, type, r.body);
    return r;
  }
  static std::string request(std::string_view method, std::string_view path, std::string_view body,
                             std::string_view token, std::string_view more_headers = {}) {
    std::string out(method);
    out.append(" ").append(path).append(" HTTP/1.1\r\n");
    if (more_headers.find("Host:") == std::string_view::npos) out += "Host: localhost\r\n";
    if (method == "POST" && more_headers.find("Content-Type:") == std::string_view::npos)
      out += "Content-Type: application/json\r\n";
    if (!token.empty()) out.append("Authorization: Bearer ").append(token).append("\r\n");
    out.append(more_headers);
    if (method == "POST") out.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    return out.append("\r\n").append(body);
  }

private:
  int fd_ = -1;
  std::string in_;
};

inline std::int64_t number_of(const json_value& v, std::string_view name) {
  const auto* f = v.find(name);
  return f && f->type == json_value::kind::integer ? f->number : -1;
}
inline std::string text_of(const json_value& v, std::string_view name) {
  const auto* f = v.find(name);
  return f ? f->text : "";
}
inline bool is_null(const json_value& v, std::string_view name) {
  const auto* f = v.find(name);
  return f && f->type == json_value::kind::null;
}

/// A served node with one paired till.
struct served : bench_node {
  http_options options;
  std::unique_ptr<http_server> server;
  std::string token;

  explicit served(http_limits limits = {}, std::filesystem::path web = {},
                  std::function<void(http_services&)> change = {}) {
    options.listen = "127.0.0.1:0";
    options.limits = limits;
    options.web_dir = std::move(web);
    auto s = services();
    if (change) change(s);
    auto started = http_server::start(options, std::move(s));
    if (!started) throw std::runtime_error(started.error().detail);
    server = std::move(*started);
    token = pair();
  }
  std::string new_code() {
    auto r = connect().call("POST", "/api/v1/admin/pair", "{}", "the-admin-token");
    return text_of(r.json, "code");
  }
  std::string pair() {
    auto r = connect().call("POST", "/api/v1/pair", "{\"code\":\"" + new_code() + "\"}");
    return text_of(r.json, "token");
  }
  client connect(const char* from = nullptr) const { return client(server->endpoint(), from); }
};

}  // namespace tally::test
