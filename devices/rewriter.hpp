#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "devices/charset.hpp"
#include "ledger/types.hpp"

namespace tally {

/// What a till shows of its card rewriter.
enum class rewriter_state : std::uint8_t {
  ready,
  waiting_for_card,  ///< it has a text and no card yet
  card_waits,        ///< a card is to be taken out
  cover_open,
  error,    ///< it reported a fault, or refused what it was given
  offline,  ///< unplugged, or it does not answer
};
std::string_view rewriter_state_name(rewriter_state s);

struct rewriter_options {
  charset text = charset::gb18030;
  std::size_t columns = 22;            ///< of its 24-dot font on the card's long side
  tick_ms poll_interval_ms = 2000;     ///< between two questions about its sensors
  tick_ms answer_timeout_ms = 3000;    ///< without an answer it is asked again, three times, and is off-line then
  tick_ms rewrite_timeout_ms = 60000;  ///< for a card to be put in, erased and printed
};

struct rewriter_send {
  bytes data;
};
struct rewriter_state_changed {
  rewriter_state state = rewriter_state::offline;
};
/// A job is over. `printed` false: it was replaced by the next, no card came in time, or the device failed.
struct rewriter_done {
  std::uint64_t job = 0;
  bool printed = false;
};
using rewriter_effect = std::variant<rewriter_send, rewriter_state_changed, rewriter_done>;
using rewriter_effects = std::vector<rewriter_effect>;

/// A printer of rewritable (PET) cards: erases the text on a card that is put in, and prints what holds now.
///
/// It speaks the commands of Star's TCP300 and TCP300II ("TCP300II Series, Product Specifications Manual, Commands",
/// 2005): frames STX, command, data, ETX, exclusive-or; each answer is acknowledged, repeated on NAK, given up on DLE.
/// A text is 40h (clear), 41h (set), 46h (erase, print, hand out); 46h waits for a card, 54h ends the wait; 59h asks
/// for the sensors. An answer whose status is 40h or more is a fault (51h: the text does not fit).
///
/// Pure: inputs and `now` in, effects out, to be carried out in their order. One owner; not thread-safe. Nothing is
/// durable: a card that was not put in keeps its old text, and the ledger, not the card, says what it is worth. A job
/// that `start` took ends in exactly one `rewriter_done`; the newest job replaces the one before.
class rewriter_machine {
public:
  static constexpr std::size_t lines_max = 8, answer_bytes_max = 1100;
  static constexpr int tries_max = 3;

  explicit rewriter_machine(rewriter_options options = {}) : options_(options), codec_(options.text) {}

  [[nodiscard]] rewriter_effects on_connected(tick_ms now);
  [[nodiscard]] rewriter_effects on_disconnected();
  [[nodiscard]] rewriter_effects on_bytes(byte_view data, tick_ms now);
  [[nodiscard]] rewriter_effects tick(tick_ms now);
  /// Lines of UTF-8, cut to the columns; more than `lines_max` are left out.
  [[nodiscard]] rewriter_effects start(std::uint64_t job, const std::vector<std::string>& lines, tick_ms now);

  [[nodiscard]] rewriter_state state() const { return state_; }
  [[nodiscard]] bool idle() const { return !job_; }
  /// When `tick` has something to do; nothing without a connection.
  [[nodiscard]] std::optional<tick_ms> deadline() const;

private:
  struct pending_job {
    std::uint64_t id = 0;
    bytes text;
  };
  void send(char command, byte_view data, tick_ms now, rewriter_effects& out);
  void go_on(tick_ms now, rewriter_effects& out);
  void answer(tick_ms now, rewriter_effects& out);
  void sensors(byte_view data, rewriter_effects& out);
  void repeat(tick_ms now, rewriter_effects& out);
  void give_up(rewriter_state why, rewriter_effects& out);
  void finish(bool printed, rewriter_effects& out);
  void set_state(rewriter_state s, rewriter_effects& out);

  rewriter_options options_;
  text_codec codec_;
  rewriter_state state_ = rewriter_state::offline;
  bool connected_ = false;
  std::optional<pending_job> job_, next_;
  char asked_ = 0;  // command that waits for its answer; 0: none
  bytes frame_;     // as it was sent
  int tries_ = 0;
  tick_ms due_ = 0;  // for the answer
  tick_ms next_poll_ = 0;
  enum class inside : std::uint8_t { nothing, frame, check } inside_ = inside::nothing;
  bytes in_;  // command to ETX
};

/// The far side, written from the manual and not from the machine above: for tests and the demo. Pure; one owner.
class rewriter_emulator {
public:
  explicit rewriter_emulator(charset text = charset::gb18030) : codec_(text) {}

  [[nodiscard]] bytes feed(byte_view data);
  [[nodiscard]] bytes put_in_card();
  void take_card() { waits_ = false; }
  void set_cover_open(bool open) { cover_open_ = open; }
  /// Every printing fails with this status until it is 0 again.
  void set_fault(char code) { fault_ = code; }
  /// So many of its next answers come with a wrong check octet.
  void damage_answers(int n) { damage_ = n; }

  /// The text on the card that was printed last, line by line.
  [[nodiscard]] const std::vector<std::string>& card() const { return card_; }
  [[nodiscard]] int rewritten() const { return rewritten_; }

private:
  [[nodiscard]] bytes carry_out();
  [[nodiscard]] bytes reply(char command, char code, byte_view data = {});
  [[nodiscard]] bytes print();

  text_codec codec_;
  bytes in_, last_;
  enum class inside : std::uint8_t { nothing, frame, check } inside_ = inside::nothing;
  bytes set_;
  std::vector<std::string> card_;
  bool wants_card_ = false, waits_ = false, cover_open_ = false;
  char fault_ = 0;
  int damage_ = 0, rewritten_ = 0;
};

}  // namespace tally
