#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace tally::bench {

/// First line of a small file; empty when it is not there.
std::string first_line(const std::filesystem::path& file);

/// One HTTP/1.1 connection to "host:port", kept open. Blocking; one request under way at a time. Throws
/// std::runtime_error when the peer goes away.
class connection {
public:
  explicit connection(const std::string& address);
  ~connection();
  connection(connection&& other) noexcept;
  connection& operator=(connection&&) = delete;

  int fd() const { return fd_; }
  /// A GET when there is no body.
  void send(const std::string& path, const std::string& token, const std::string& body);
  /// Waits for octets and reads them; the body once the answer is complete, nothing before.
  std::optional<std::string> take(int& code);
  /// Asks and waits. Throws when the answer is not 200.
  std::string call(const std::string& path, const std::string& token, const std::string& body);

private:
  int fd_;
  std::string in_;
};

/// The text after `"name":`, up to the next quote, comma or brace. Enough for the node's own answers.
std::string member(const std::string& json, const std::string& name);

/// `tallystick node` on a data directory, on a free port of the loopback. Ended by SIGTERM, and waited for.
class node_process {
public:
  node_process(const std::filesystem::path& program, const std::filesystem::path& data);
  ~node_process() { stop(); }
  node_process(const node_process&) = delete;
  void stop();

  const std::string& address() const { return address_; }
  int pid() const { return pid_; }
  std::int64_t started() const { return started_; }  ///< `now_ns` just before the process was made

private:
  std::int64_t started_;
  int pid_ = -1;
  std::string address_;
};

}  // namespace tally::bench
