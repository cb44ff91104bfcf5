#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "devices/printer_profile.hpp"
#include "ledger/result.hpp"
#include "ledger/types.hpp"

/// The language of Epson's receipt printers and most others ("ESC/POS Command Reference", Epson). Pure.
namespace tally::escpos {

/// One printed line. Double size is twice as wide and as high, so half as many columns fit; a line that is too wide for
/// that is twice as high only.
struct line {
  line() = default;
  line(std::string t) : text(std::move(t)) {}
  line(const char* t) : text(t) {}

  std::string text;  ///< UTF-8
  bool bold = false;
  bool double_size = false;
  bool centre = false;
};

/// What is to be printed. A ticket that may have been printed before says so on top, and so does a copy.
struct ticket {
  std::vector<line> lines;
  std::string copy_mark;       ///< "COPY", in the shop's language; printed large on top when not empty
  std::string duplicate_mark;  ///< "POSSIBLE DUPLICATE", likewise
  std::string qr;              ///< printed under the lines; printable ASCII; empty: none
  std::string barcode;         ///< Code 128 under that, 1 to 40 printable ASCII characters; empty: none
  bool logo = false;           ///< the profile's, on top
  bool cut = true;             ///< partial cut after feeding to the cutter; else fed past the tear bar
  bool kick_drawer = false;    ///< opens the cash drawer before printing
};

inline constexpr std::size_t lines_max = 3000;  ///< 200 lines of a basket on 24 columns, long names and all
inline constexpr std::size_t line_bytes_max = 1024;
inline constexpr std::size_t qr_bytes_max = 1024;
inline constexpr std::size_t barcode_bytes_max = 40;
inline constexpr std::size_t ticket_bytes_max = 64 * 1024;

/// The bytes to send, starting with a reset of the printer, in the code of the profile (text_codec says what becomes of
/// characters that it lacks). `malformed` when a limit above is passed, or the text of a QR code or barcode holds
/// anything but printable ASCII: a byte there could be taken for a real-time command. A picture is changed by one dot
/// where it would look like one.
result<bytes> encode(const ticket& t, const printer_profile& profile = {});

/// The n of `ESC t n` for a code page; 0, which is code page 437, for a code of two octets.
char code_page_number(charset set);

/// Opens the drawer, in its turn. Empty when the profile has none.
bytes kick_drawer(const printer_profile& profile);
/// Opens the drawer as the profile says; by `DLE DC4` also while paper is out or a ticket prints. Empty when there is
/// none.
bytes open_drawer_now(const printer_profile& profile);

/// Four printable characters (0x20 to 0x7E) by which the printer names a job in its answer.
using process_id = std::array<char, 4>;

/// The id for the `n`-th job of a connection's owner; repeats after 36^4.
process_id make_process_id(std::uint64_t n);

/// `GS ( H` function 48: the printer answers `37 22 d1 d2 d3 d4 00` once everything sent before is printed.
bytes process_id_request(process_id id);

/// `DLE EOT n`, answered at once even while printing. REQUIRES: 1 <= n <= 4.
bytes status_request(int n);

/// `DLE DC4 8`: throws away what the printer has not printed yet, also in the middle of a command that never ends. It
/// answers `37 25 00`; nothing may be sent before that.
bytes clear_buffers();

/// `GS a 14`: Automatic Status Back for on-line state, errors and paper; the printer answers at once and at
/// each change.
bytes enable_asb();

/// `GS r 1`: paper sensor, answered in its turn, so after all that was sent before has been taken from the buffer.
bytes paper_request();

}  // namespace tally::escpos
