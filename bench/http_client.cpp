#include "bench/http_client.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "bench/figures.hpp"
#include "node/identity.hpp"

namespace tally::bench {

std::string first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

connection::connection(const std::string& address) {
  auto colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    ::close(fd_);
    throw std::runtime_error("nobody listens on " + address);
  }
}

connection::~connection() {
  if (fd_ >= 0) ::close(fd_);
}

connection::connection(connection&& other) noexcept : fd_(std::exchange(other.fd_, -1)), in_(std::move(other.in_)) {}

void connection::send(const std::string& path, const std::string& token, const std::string& body) {
  auto text = (body.empty() ? "GET " : "POST ") + path + " HTTP/1.1\r\nHost: localhost\r\n";
  if (!token.empty()) text += "Authorization: Bearer " + token + "\r\n";
  if (!body.empty())
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  text += "\r\n" + body;
  // Far below the socket's buffer, and the peer reads: never partial.
  if (::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("the node closed the connection");
}

std::optional<std::string> connection::take(int& code) {
  char buffer[16'384];
  auto n = ::recv(fd_, buffer, sizeof buffer, 0);
  if (n <= 0) throw std::runtime_error("the node closed the connection");
  in_.append(buffer, static_cast<std::size_t>(n));
  auto end = in_.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  auto length = in_.find("Content-Length: ");
  if (length == std::string::npos || length > end) throw std::runtime_error("an answer without length: " + in_);
  auto size = static_cast<std::size_t>(std::atoll(in_.c_str() + length + 16));
  if (in_.size() < end + 4 + size) return std::nullopt;
  code = std::atoi(in_.c_str() + 9);
  auto body = in_.substr(end + 4, size);
  in_.clear();
  return body;
}

std::string connection::call(const std::string& path, const std::string& token, const std::string& body) {
  send(path, token, body);
  for (;;) {
    int code = 0;
    if (auto answer = take(code)) {
      if (code != 200) throw std::runtime_error(path + " answers " + std::to_string(code) + " " + *answer);
      return *answer;
    }
  }
}

std::string member(const std::string& json, const std::string& name) {
  auto at = json.find("\"" + name + "\":");
  if (at == std::string::npos) throw std::runtime_error("no " + name + " in " + json);
  at += name.size() + 3;
  if (json[at] == '"') ++at;
  return json.substr(at, json.find_first_of("\",}", at) - at);
}

node_process::node_process(const std::filesystem::path& program, const std::filesystem::path& data)
    : started_(now_ns()) {
  data_layout at{data};
  std::filesystem::remove(at.http_address());
  auto folder = "node.data_dir=" + data.string();
  auto name = program.string();
  pid_ = fork();
  if (pid_ == 0) {
    execl(name.c_str(), name.c_str(), "node", "--set", folder.c_str(), "--set", "http.listen=127.0.0.1:0", "--set",
          "node.log_level=warn", nullptr);
    _exit(127);
  }
  for (int i = 0; i < 30'000 && address_.empty(); ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      throw std::runtime_error("the node ended at its start");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    address_ = first_line(at.http_address());
  }
  if (!address_.empty()) return;
  stop();
  throw std::runtime_error("the node does not listen after 30 s");
}

void node_process::stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  waitpid(std::exchange(pid_, -1), nullptr, 0);
}

}  // namespace tally::bench
