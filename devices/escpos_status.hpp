#pragma once
#include <array>
#include <cstdint>
#include <variant>
#include <vector>

#include "devices/escpos.hpp"

namespace tally {

enum class paper_state : std::uint8_t { ok, low, out };

/// What the printer last told of itself. Before the first answer: off-line.
struct printer_status {
  bool online = false;
  bool cover_open = false;
  paper_state paper = paper_state::ok;
  bool error = false;       ///< cutter or mechanism
  bool overheated = false;  ///< the head is too hot, or another fault that mends itself
  friend bool operator==(const printer_status&, const printer_status&) = default;
};

namespace escpos {

/// An answer to `DLE EOT n` came; `request` is that n.
struct status_answer {
  int request = 0;
};
/// Four bytes of Automatic Status Back came.
struct asb_answer {};
/// An answer to `GS r 1` came.
struct paper_answer {};
/// Everything before this process ID is printed.
struct process_done {
  process_id id{};
};
/// The buffers are empty, as `clear_buffers` asked.
struct buffers_cleared {};
using printer_answer = std::variant<status_answer, asb_answer, paper_answer, process_done, buffers_cleared>;

/// Reads what a printer sends back and keeps the `status` it adds up to.
///
/// The kinds of answer are told apart by their fixed bits, as the reference says: `0xx1xx10` is DLE EOT, `0xx1xx00`
/// starts the four bytes of Automatic Status Back, `0000xxyy` outside of those is GS r (both x alike, and both y),
/// `37h 22h … 00h` is a process ID, `37h 25h 00h` says that buffers were cleared. An answer to DLE EOT does not say
/// which n it answers, so ask one at a time and name it with `expect`; without that it is dropped. XON, XOFF and
/// unknown blocks are skipped; none of the answers that count holds 11h or 13h, so a line may use them. A stray octet
/// that looks like the header of a block swallows what follows: `drop_unfinished` ends that.
///
/// Pure. One owner; not thread-safe. Limit: an unknown block is skipped up to its NUL, at most
/// `block_bytes_max` bytes.
class status_reader {
public:
  static constexpr std::size_t block_bytes_max = 128;

  /// The answers to DLE EOT from now on belong to request `n` (1 to 4); 0: drop them.
  void expect(int n) { expected_ = n; }

  [[nodiscard]] std::vector<printer_answer> feed(byte_view data);
  [[nodiscard]] printer_status status() const;
  /// An answer that has begun and does not end: what comes next is read as a new one. Whether there was one.
  bool drop_unfinished();
  /// How many octets there were so far that no answer begins with.
  [[nodiscard]] std::size_t strange() const { return strange_; }
  /// A new connection: forgets everything.
  void reset() { *this = status_reader{}; }

private:
  void take(std::uint8_t b, std::vector<printer_answer>& out);
  void end_block(std::vector<printer_answer>& out);
  void take_status(std::uint8_t b);
  void take_asb();

  int expected_ = 0;
  std::size_t strange_ = 0;
  std::vector<std::uint8_t> block_;  // 37h/5Fh … NUL, or the ASB bytes so far
  enum class inside : std::uint8_t { nothing, asb, block } inside_ = inside::nothing;

  // Each fact where it was told: a request's answer replaces only its own, ASB replaces all.
  bool online_ = false;
  bool cover_open_ = false;
  bool paper_stop_ = false;  // n=2: printing stopped by paper end
  paper_state sensor_ = paper_state::ok;
  bool error_offline_ = false;  // n=2
  bool error_cause_ = false;    // n=3
  bool heat_ = false;           // n=3
};

}  // namespace escpos
}  // namespace tally
