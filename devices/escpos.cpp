#include "devices/escpos.hpp"

#include <algorithm>
#include <string_view>

#include "devices/cp437.hpp"

namespace tally::escpos {

namespace {

using namespace std::string_view_literals;

constexpr auto initialise = "\x1B\x40"sv;              // ESC @
constexpr auto code_page_437 = "\x1B\x74\x00"sv;       // ESC t 0
constexpr auto kick_pin_2 = "\x1B\x70\x00\x19\xFA"sv;  // ESC p 0 25 250: on 50 ms, off 500 ms
constexpr auto feed_and_cut = "\x1D\x56\x42\x00"sv;    // GS V 66 0
constexpr auto feed_4_lines = "\x1B\x64\x04"sv;        // ESC d 4
constexpr auto centre_on = "\x1B\x61\x01"sv;           // ESC a 1
constexpr auto centre_off = "\x1B\x61\x00"sv;
constexpr auto bold_on = "\x1B\x45\x01"sv;  // ESC E 1
constexpr auto bold_off = "\x1B\x45\x00"sv;
constexpr auto double_on = "\x1D\x21\x11"sv;  // GS ! 17: width and height
constexpr auto double_off = "\x1D\x21\x00"sv;

constexpr auto qr_model_2 = "\x1D\x28\x6B\x04\x00\x31\x41\x32\x00"sv;  // GS ( k, function 165
constexpr auto qr_module_6 = "\x1D\x28\x6B\x03\x00\x31\x43\x06"sv;     // function 167: 6 dots
constexpr auto qr_level_m = "\x1D\x28\x6B\x03\x00\x31\x45\x31"sv;      // function 169
constexpr auto qr_print = "\x1D\x28\x6B\x03\x00\x31\x51\x30"sv;        // function 181

void append_qr(bytes& out, std::string_view data) {
  const std::size_t length = data.size() + 3;
  out.append(centre_on).append(qr_model_2).append(qr_module_6).append(qr_level_m);
  out.append("\x1D\x28\x6B"sv);  // function 180: store
  out.push_back(static_cast<char>(length & 0xFF));
  out.push_back(static_cast<char>(length >> 8));
  out.append("\x31\x50\x30"sv).append(data);
  out.append(qr_print).append(centre_off);
}

void append_line(bytes& out, const line& l) {
  if (l.centre) out.append(centre_on);
  if (l.bold) out.append(bold_on);
  if (l.double_size) out.append(double_on);
  out.append(cp437_from_utf8(l.text));
  out.push_back('\n');
  if (l.double_size) out.append(double_off);
  if (l.bold) out.append(bold_off);
  if (l.centre) out.append(centre_off);
}

line heading(const char* text) {
  line l(text);
  l.bold = l.double_size = l.centre = true;
  return l;
}

}  // namespace

result<bytes> encode(const ticket& t) {
  if (t.lines.size() > lines_max)
    return {errc::malformed, "a ticket has at most " + std::to_string(lines_max) + " lines"};
  if (t.qr.size() > qr_bytes_max)
    return {errc::malformed, "a QR code holds at most " + std::to_string(qr_bytes_max) + " bytes"};
  if (!std::all_of(t.qr.begin(), t.qr.end(), [](char c) { return c >= 0x20 && c < 0x7F; }))
    return {errc::malformed, "a QR code on a ticket holds printable ASCII only"};
  bytes out;
  out.append(initialise).append(code_page_437);
  if (t.kick_drawer) out.append(kick_pin_2);
  if (t.copy) append_line(out, heading("** COPY **"));
  if (t.possible_duplicate) append_line(out, heading("POSSIBLE DUPLICATE"));
  for (const line& l : t.lines) {
    if (l.text.size() > line_bytes_max)
      return {errc::malformed, "a line holds at most " + std::to_string(line_bytes_max) + " bytes"};
    append_line(out, l);
    if (out.size() > ticket_bytes_max) break;
  }
  if (!t.qr.empty()) append_qr(out, t.qr);
  out.append(t.cut ? feed_and_cut : feed_4_lines);
  if (out.size() > ticket_bytes_max)
    return {errc::malformed, "a ticket has at most " + std::to_string(ticket_bytes_max) + " bytes"};
  return out;
}

process_id make_process_id(std::uint64_t n) {
  constexpr auto digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"sv;
  process_id id{};
  for (auto it = id.rbegin(); it != id.rend(); ++it) {
    *it = digits[n % digits.size()];
    n /= digits.size();
  }
  return id;
}

bytes process_id_request(process_id id) {
  bytes out("\x1D\x28\x48\x06\x00\x30\x30"sv);
  return out.append(id.data(), id.size());
}

bytes status_request(int n) {
  invariant(n >= 1 && n <= 4, "DLE EOT takes 1 to 4");
  bytes out("\x10\x04"sv);
  out.push_back(static_cast<char>(n));
  return out;
}

bytes enable_asb() { return bytes("\x1D\x61\x0E"sv); }

bytes paper_request() { return bytes("\x1D\x72\x01"sv); }

}  // namespace tally::escpos
