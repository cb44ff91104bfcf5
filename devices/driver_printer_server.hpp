#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "devices/driver_fd.hpp"
#include "devices/escpos_render.hpp"
#include "ledger/result.hpp"

namespace tally {

/// Hosts a `printer_emulator` on 127.0.0.1, as a network printer would be: for the demo and tests.
///
/// One client at a time, as printers do; the next waits until the first has left. Owns one thread, from `start`
/// to `stop` or the destructor. Every call may come from any thread. Keeps the last 50 tickets, in memory only.
class printer_server {
public:
  explicit printer_server(const printer_model& model = {}) : printer_(model) {}
  ~printer_server() { stop(); }
  printer_server(const printer_server&) = delete;
  printer_server& operator=(const printer_server&) = delete;

  /// Listens on `port`, or on a free one for 0. `io` with the cause. REQUIRES: not started.
  status start(std::uint16_t port);
  void stop();
  /// The port that `start` got.
  [[nodiscard]] std::uint16_t port() const { return port_; }

  void set_paper(paper_state paper);
  void set_cover_open(bool open);
  void set_offline(bool offline);
  void set_overheated(bool hot);
  void set_lines_left(std::size_t lines);
  /// Off: the connection breaks and no new one is taken, what was in the buffer is lost. The port stays the same.
  void set_power(bool on);
  /// Takes and prints, and answers nothing.
  void set_mute(bool mute);
  /// Takes at most so many bytes each 10 ms; 0: as fast as they come.
  void set_bytes_per_10ms(std::size_t limit);
  /// Loses power after so many more bytes.
  void die_after(std::size_t count);

  [[nodiscard]] paper_state paper() const;
  [[nodiscard]] bool cover_open() const;
  [[nodiscard]] bool offline() const;
  [[nodiscard]] bool powered() const;
  [[nodiscard]] std::uint64_t drawer_kicks() const;
  [[nodiscard]] std::uint64_t bytes_taken() const;
  /// Oldest first.
  [[nodiscard]] std::vector<rendered_ticket> tickets() const;

private:
  void run();
  status listen_on(std::uint16_t port);
  void accept_client();
  bool serve_client(short happened);
  void change(const std::function<bytes(printer_emulator&)>& what);
  void lose_power();
  void flush();

  wakeup wake_;
  std::atomic<bool> stopping_{false};
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;  // guards all below
  printer_emulator printer_;
  unique_fd listener_;
  unique_fd client_;
  bytes answers_;
  bool powered_ = true;
  bool mute_ = false;
  std::size_t per_10ms_ = 0;
  std::optional<std::size_t> dies_after_;
  std::uint64_t taken_ = 0;

  std::thread thread_;
};

}  // namespace tally
