#include "devices/raster.hpp"

#include <qrencode.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

namespace tally {

namespace {

constexpr std::size_t quiet_modules = 4;

/// The words of a PBM's head: white space apart, '#' begins a comment up to the end of its line.
class pbm_text {
public:
  explicit pbm_text(byte_view file) : rest_(file) {}

  bool number(std::size_t& out) {
    skip();
    std::size_t digits = 0;
    out = 0;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9' && digits < 6; ++digits) {
      out = out * 10 + static_cast<std::size_t>(rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return digits > 0;
  }
  bool bit(bool& out) {
    skip();
    if (rest_.empty() || (rest_.front() != '0' && rest_.front() != '1')) return false;
    out = rest_.front() == '1';
    rest_.remove_prefix(1);
    return true;
  }
  byte_view rest() const { return rest_; }
  void drop(std::size_t n) { rest_.remove_prefix(n); }

private:
  static bool space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  void skip() {
    while (!rest_.empty() && (space(rest_.front()) || rest_.front() == '#')) {
      const auto end = rest_.front() == '#' ? rest_.find('\n') : 0;
      rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
    }
  }
  byte_view rest_;
};

raster blank(std::size_t width, std::size_t height) {
  raster r{width, height, {}};
  r.rows.assign(r.row_octets() * height, '\0');
  return r;
}

void blacken(raster& r, std::size_t x, std::size_t y) {
  auto& octet = r.rows[y * r.row_octets() + x / 8];
  octet = static_cast<char>(static_cast<unsigned char>(octet) | 0x80U >> (x % 8));
}

}  // namespace

result<raster> parse_pbm(byte_view file) {
  const bool plain = file.starts_with("P1"), raw = file.starts_with("P4");
  if (!plain && !raw) return error{errc::malformed, "not a portable bitmap (PBM): it does not begin with P1 or P4"};
  pbm_text in(file.substr(2));
  std::size_t width = 0, height = 0;
  if (!in.number(width) || !in.number(height) || width == 0 || height == 0)
    return error{errc::malformed, "a portable bitmap names its width and height"};
  if (width > raster::width_max || height > raster::height_max)
    return error{errc::malformed, "a picture has at most " + std::to_string(raster::width_max) + " by " +
                                      std::to_string(raster::height_max) + " dots"};
  auto out = blank(width, height);
  const error cut_off{errc::malformed, "the picture ends too early"};
  if (plain) {
    for (std::size_t y = 0; y < height; ++y)
      for (std::size_t x = 0; x < width; ++x) {
        bool black = false;
        if (!in.bit(black)) return cut_off;
        if (black) blacken(out, x, y);
      }
    return out;
  }
  if (in.rest().empty()) return cut_off;
  in.drop(1);  // one white space after the height
  if (in.rest().size() < out.rows.size()) return cut_off;
  out.rows = bytes(in.rest().substr(0, out.rows.size()));
  // The filling of a row may hold anything.
  if (width % 8 != 0)
    for (std::size_t y = 0; y < height; ++y) {
      auto& last = out.rows[(y + 1) * out.row_octets() - 1];
      last = static_cast<char>(static_cast<unsigned char>(last) & 0xFFU << (8 - width % 8));
    }
  return out;
}

result<raster> qr_raster(std::string_view text, std::size_t module_dots) {
  if (text.empty() || text.find('\0') != text.npos || text.size() > 2331 || module_dots == 0 || module_dots > 16)
    return error{errc::malformed, "a QR code holds 1 to 2331 octets without a NUL"};
  const std::unique_ptr<QRcode, void (*)(QRcode*)> code(
      ::QRcode_encodeString8bit(std::string(text).c_str(), 0, QR_ECLEVEL_M), ::QRcode_free);
  if (!code) return error{errc::malformed, "the text is too long for a QR code"};
  const auto side = static_cast<std::size_t>(code->width);
  auto out = blank((side + 2 * quiet_modules) * module_dots, (side + 2 * quiet_modules) * module_dots);
  for (std::size_t y = 0; y < side * module_dots; ++y)
    for (std::size_t x = 0; x < side * module_dots; ++x)
      if ((code->data[y / module_dots * side + x / module_dots] & 1) != 0)
        blacken(out, x + quiet_modules * module_dots, y + quiet_modules * module_dots);
  return out;
}

std::size_t qr_side_max(std::size_t octets) {
  // Octets in byte mode at level M, versions 1 to 40 (ISO/IEC 18004, table 7).
  static constexpr std::array<std::uint16_t, 40> room{14,   26,   42,   62,   84,   106,  122,  152,  180,  213,
                                                      251,  287,  331,  362,  412,  450,  504,  560,  624,  666,
                                                      711,  779,  857,  911,  997,  1059, 1125, 1190, 1264, 1370,
                                                      1452, 1538, 1628, 1722, 1809, 1911, 1989, 2099, 2213, 2331};
  const auto fits = std::lower_bound(room.begin(), room.end(), octets);
  if (fits == room.end()) return 0;
  return 21 + 4 * static_cast<std::size_t>(fits - room.begin()) + 2 * quiet_modules;
}

}  // namespace tally
