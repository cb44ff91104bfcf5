#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "devices/charset.hpp"
#include "devices/escpos_status.hpp"
#include "ledger/types.hpp"

namespace tally {

/// A piece of paper as it fell from the printer.
struct rendered_ticket {
  /// UTF-8, aligned with spaces; a QR code is the line "[QR] content", a barcode "[BARCODE] content", a picture
  /// "[PICTURE width x height]".
  std::vector<std::string> lines;
  std::string qr;                ///< content of the last QR code on it
  std::vector<raster> pictures;  ///< the last 4
  bool cut = true;               ///< false: it grew longer than `ticket_lines_max` and was torn off
};

/// Which printer is emulated.
struct printer_model {
  std::size_t columns = 42;
  charset wide = charset::gb18030;  ///< of its characters of two octets, switched on by FS & and off by FS .
  bool process_ids = true;          ///< `GS ( H`; skipped without
  bool clears = true;               ///< `DLE DC4 8`; skipped without
  bool sensor = true;               ///< `GS r`; not answered without
};

/// An ESC/POS receipt printer without the paper: the printer of the demo, and what the drivers
/// are tested against. Written from the command reference, not from our encoder; commands that leave no text
/// are skipped with their parameters.
///
/// As the real thing: answers DLE EOT and clears its buffers (DLE DC4 8) at once, also when it cannot print;
/// everything else waits in its buffer while paper is out, the cover open, an error stands or it is off-line, and
/// goes on by itself afterwards. Sends Automatic Status Back on change, GS r and process IDs in their turn.
/// Pure: bytes in, bytes to answer out. One owner; not thread-safe.
/// Limits: `buffer_bytes_max` waiting (`accepting` is false; more is lost), the last `tickets_max` tickets kept.
class printer_emulator {
public:
  static constexpr std::size_t buffer_bytes_max = 64 * 1024;
  static constexpr std::size_t tickets_max = 50;
  static constexpr std::size_t ticket_lines_max = 4000;
  static constexpr std::size_t pictures_max = 4;

  explicit printer_emulator(const printer_model& model = {});

  /// Takes bytes cut anywhere; returns what the printer answers.
  [[nodiscard]] bytes feed(byte_view data);

  /// Each returns what the printer sends because of it.
  [[nodiscard]] bytes set_paper(paper_state paper);
  [[nodiscard]] bytes set_cover_open(bool open);
  [[nodiscard]] bytes set_offline(bool offline);
  [[nodiscard]] bytes set_error(bool error);
  [[nodiscard]] bytes set_overheated(bool hot);

  /// The roll ends after so many more lines; `set_paper` puts in a new one.
  void set_lines_left(std::size_t lines) { lines_left_ = lines; }

  /// Power off and on: buffer, styles and Automatic Status Back are lost, paper and tickets stay.
  void power_cycle();

  [[nodiscard]] paper_state paper() const { return paper_; }
  [[nodiscard]] bool cover_open() const { return cover_open_; }
  [[nodiscard]] bool offline() const { return offline_; }
  [[nodiscard]] bool accepting() const { return buffer_.size() < buffer_bytes_max; }
  [[nodiscard]] std::size_t buffered() const { return buffer_.size(); }
  /// Cut tickets, oldest first, and the lines on the paper that is not cut yet.
  [[nodiscard]] const std::deque<rendered_ticket>& tickets() const { return tickets_; }
  [[nodiscard]] const std::vector<std::string>& uncut_lines() const { return paper_now_.lines; }
  [[nodiscard]] std::uint64_t drawer_kicks() const { return drawer_kicks_; }

private:
  struct style {
    int align = 0;  // 0 left, 1 centre, 2 right
    std::size_t width = 1;
  };

  void receive(char c, bytes& answer);
  void clear_buffers();
  void run(bytes& answer);
  std::size_t step(byte_view front, bytes& answer);
  void control_or_text(char c);
  void fs(byte_view command);
  void picture(byte_view command);
  void barcode(byte_view command);
  void add_text(byte_view coded, std::size_t columns);
  [[nodiscard]] std::size_t wide_length(byte_view front) const;
  void add_line(std::string text);
  void esc(byte_view command);
  void gs(byte_view command, bytes& answer);
  void block(byte_view command, bytes& answer);
  void identify(int n, bytes& answer) const;
  void feed_line();
  void feed_lines(std::size_t count);
  void cut(bool cutter);
  void end_ticket(bool cutter);
  [[nodiscard]] bool blocked() const { return offline_ || cover_open_ || error_ || hot_ || paper_ == paper_state::out; }
  [[nodiscard]] char real_time(int n) const;
  [[nodiscard]] bytes asb() const;
  [[nodiscard]] bytes changed(const bytes& before);

  printer_model model_;
  text_codec wide_;
  text_codec narrow_{charset::cp437};
  bool wide_on_ = true;
  paper_state paper_ = paper_state::ok;
  bool cover_open_ = false;
  bool offline_ = false;
  bool error_ = false;
  bool hot_ = false;
  bool asb_on_ = false;
  std::optional<std::size_t> lines_left_;
  std::uint64_t drawer_kicks_ = 0;

  bytes held_;            // a DLE EOT that is not complete
  bytes buffer_;          // received, not carried out
  std::size_t skip_ = 0;  // bytes still to come of a command that is skipped
  style style_;
  std::string line_;  // UTF-8
  std::size_t line_columns_ = 0;
  std::string qr_store_;
  rendered_ticket paper_now_;
  std::deque<rendered_ticket> tickets_;
};

}  // namespace tally
