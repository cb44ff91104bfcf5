#include "devices/escpos.hpp"

#include <algorithm>
#include <string_view>

namespace tally::escpos {

namespace {

using namespace std::string_view_literals;

constexpr auto initialise = "\x1B\x40"sv;             // ESC @
constexpr auto international_usa = "\x1B\x52\x00"sv;  // ESC R 0: '$' is '$', also on printers made for China or Korea
constexpr auto wide_on = "\x1C\x26"sv;                // FS &: two octets make one character
constexpr auto wide_off = "\x1C\x2E"sv;               // FS .
constexpr auto select_page = "\x1B\x74"sv;            // ESC t n
constexpr auto feed_and_cut = "\x1D\x56\x42\x00"sv;   // GS V 66 0
constexpr auto feed_4_lines = "\x1B\x64\x04"sv;       // ESC d 4
constexpr auto centre_on = "\x1B\x61\x01"sv;          // ESC a 1
constexpr auto centre_off = "\x1B\x61\x00"sv;
constexpr auto bold_on = "\x1B\x45\x01"sv;  // ESC E 1
constexpr auto bold_off = "\x1B\x45\x00"sv;
constexpr auto double_on = "\x1D\x21\x11"sv;  // GS ! 17: width and height
constexpr auto high_on = "\x1D\x21\x01"sv;    // GS ! 1: height alone
constexpr auto double_off = "\x1D\x21\x00"sv;
constexpr auto wide_double_on = "\x1C\x57\x01"sv;  // FS W 1: the same for characters of two octets
constexpr auto wide_double_off = "\x1C\x57\x00"sv;

constexpr auto qr_model_2 = "\x1D\x28\x6B\x04\x00\x31\x41\x32\x00"sv;  // GS ( k, function 165
constexpr auto qr_module_size = "\x1D\x28\x6B\x03\x00\x31\x43"sv;      // function 167, then the dots of a module
constexpr auto qr_level_m = "\x1D\x28\x6B\x03\x00\x31\x45\x31"sv;      // function 169
constexpr auto qr_print = "\x1D\x28\x6B\x03\x00\x31\x51\x30"sv;        // function 181

constexpr auto barcode_height = "\x1D\x68\x50"sv;    // GS h 80
constexpr auto barcode_narrow = "\x1D\x77\x02"sv;    // GS w 2
constexpr auto barcode_text_off = "\x1D\x48\x00"sv;  // GS H 0
constexpr auto code_128 = "\x1D\x6B\x49"sv;          // GS k 73 n

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

void append_u16(bytes& out, std::size_t n) {
  out.push_back(static_cast<char>(n & 0xFF));
  out.push_back(static_cast<char>(n >> 8));
}

/// GS v 0. A dot is added where the data would hold a real-time command (DLE EOT, DLE ENQ, DLE DC4).
void append_raster(bytes& out, const raster& r) {
  out.append(centre_on).append("\x1D\x76\x30\x00"sv);
  append_u16(out, r.row_octets());
  append_u16(out, r.height);
  for (std::size_t i = 0; i < r.rows.size(); ++i) {
    char c = r.rows[i];
    const char after = i + 1 < r.rows.size() ? r.rows[i + 1] : '\0';
    if (c == 0x10 && (after == 0x04 || after == 0x05 || after == 0x14)) c = 0x18;
    out.push_back(c);
  }
  out.append(centre_off);
}

/// Modules of 3 to 6 dots (0.375 to 0.75 mm), as many as make the code about 33 mm wide, or as fit on the paper: phones
/// and scanners read that, and larger ones cost paper and, as dots on a serial line, seconds.
std::size_t qr_module_dots(std::size_t octets, const printer_profile& profile) {
  constexpr std::size_t wanted_dots = 264, module_min = 3, module_max = 6;
  const auto side = std::max<std::size_t>(qr_side_max(octets), 1);
  const auto module = std::clamp(wanted_dots / side, module_min, module_max);
  return std::clamp<std::size_t>(profile.dots() / side, 1, module);
}

status append_qr(bytes& out, std::string_view data, const printer_profile& profile) {
  const auto module = qr_module_dots(data.size(), profile);
  if (profile.qr == qr_printing::dots) {
    auto code = qr_raster(data, module);
    if (!code) return code.error();
    append_raster(out, *code);
    return done();
  }
  out.append(centre_on).append(qr_model_2).append(qr_module_size);
  out.push_back(static_cast<char>(module));
  out.append(qr_level_m).append("\x1D\x28\x6B"sv);  // function 180: store
  append_u16(out, data.size() + 3);
  out.append("\x31\x50\x30"sv).append(data);
  out.append(qr_print).append(centre_off);
  return done();
}

status append_barcode(bytes& out, std::string_view text, const printer_profile& profile) {
  if (profile.qr == qr_printing::dots) {
    const auto module = std::min<std::size_t>(profile.dots() / barcode_modules(text.size()), 2);
    if (module == 0) return {errc::malformed, "the barcode is wider than the paper"};
    auto code = barcode_raster(text, module, 80);
    if (!code) return code.error();
    append_raster(out, *code);
    return done();
  }
  out.append(centre_on).append(barcode_height).append(barcode_narrow).append(barcode_text_off).append(code_128);
  bytes data("{B"sv);  // code set B; '{' itself is written twice
  for (const char c : text)
    data.append(c == '{' ? 2 : 1, c);
  out.push_back(static_cast<char>(data.size()));
  out.append(data).append(centre_off);
  return done();
}

void append_line(bytes& out, const line& l, const text_codec& codec, const printer_profile& profile) {
  const bool wide = is_wide(codec.set());
  const bool large = l.double_size && 2 * codec.columns(l.text) <= profile.columns;
  if (l.centre) out.append(centre_on);
  if (l.bold) out.append(bold_on);
  if (l.double_size) out.append(large ? double_on : high_on);
  if (large && wide) out.append(wide_double_on);
  out.append(codec.encode(l.text));
  out.push_back('\n');
  if (large && wide) out.append(wide_double_off);
  if (l.double_size) out.append(double_off);
  if (l.bold) out.append(bold_off);
  if (l.centre) out.append(centre_off);
}

line heading(const std::string& text) {
  line l(text);
  l.bold = l.double_size = l.centre = true;
  return l;
}

status check(const ticket& t) {
  if (t.lines.size() > lines_max)
    return {errc::malformed, "a ticket has at most " + std::to_string(lines_max) + " lines"};
  if (t.qr.size() > qr_bytes_max)
    return {errc::malformed, "a QR code holds at most " + std::to_string(qr_bytes_max) + " bytes"};
  if (t.barcode.size() > barcode_bytes_max)
    return {errc::malformed, "a barcode holds at most " + std::to_string(barcode_bytes_max) + " bytes"};
  if (!printable(t.qr) || !printable(t.barcode))
    return {errc::malformed, "a QR code or barcode on a ticket holds printable ASCII only"};
  for (const line& l : t.lines)
    if (l.text.size() > line_bytes_max)
      return {errc::malformed, "a line holds at most " + std::to_string(line_bytes_max) + " bytes"};
  return done();
}

}  // namespace

char code_page_number(charset set) {
  switch (set) {
    case charset::cp858: return 19;
    case charset::cp852: return 18;
    case charset::cp866: return 17;
    case charset::cp1252: return 16;
    default: return 0;
  }
}

bytes kick_drawer(const printer_profile& profile) {
  if (profile.drawer == drawer_pin::none) return {};
  bytes out("\x1B\x70"sv);  // ESC p m 25 250: on 50 ms, off 500 ms
  out.push_back(profile.drawer == drawer_pin::pin_5 ? '\x01' : '\x00');
  return out.append("\x19\xFA"sv);
}

bytes open_drawer_now(const printer_profile& profile) {
  if (profile.drawer == drawer_pin::none || profile.opens_by == drawer_command::pulse) return kick_drawer(profile);
  bytes out("\x10\x14\x01"sv);  // DLE DC4 1 m t: t times 100 ms
  out.push_back(profile.drawer == drawer_pin::pin_5 ? '\x01' : '\x00');
  return out.append("\x02"sv);
}

result<bytes> encode(const ticket& t, const printer_profile& profile) {
  TALLY_TRY(check(t));
  const text_codec codec(profile.text);
  bytes out;
  out.append(initialise).append(international_usa);
  if (is_wide(profile.text)) {
    out.append(wide_on);
  } else {
    out.append(wide_off).append(select_page);
    out.push_back(code_page_number(profile.text));
  }
  if (t.kick_drawer) out.append(escpos::kick_drawer(profile));
  if (!t.copy_mark.empty()) append_line(out, heading(t.copy_mark), codec, profile);
  if (!t.duplicate_mark.empty()) append_line(out, heading(t.duplicate_mark), codec, profile);
  if (t.logo && !profile.logo.empty()) append_raster(out, profile.logo);
  for (const line& l : t.lines) {
    append_line(out, l, codec, profile);
    if (out.size() > ticket_bytes_max) break;
  }
  if (!t.qr.empty()) TALLY_TRY(append_qr(out, t.qr, profile));
  if (!t.barcode.empty()) TALLY_TRY(append_barcode(out, t.barcode, profile));
  if (t.cut) out.append(profile.cutter ? feed_and_cut : feed_4_lines);
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

bytes clear_buffers() { return bytes("\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"sv); }

bytes enable_asb() { return bytes("\x1D\x61\x0E"sv); }

bytes paper_request() { return bytes("\x1D\x72\x01"sv); }

}  // namespace tally::escpos
