#include "devices/escpos_skip.hpp"

#include <algorithm>
#include <string_view>

namespace tally::escpos {

namespace {

using namespace std::string_view_literals;
using length = std::optional<std::size_t>;

constexpr std::size_t list_bytes_max = 300;  // of a list that ends with NUL; longer: not such a command

std::size_t at(byte_view d, std::size_t i) { return static_cast<unsigned char>(d[i]); }

/// `header` bytes, of which the two at `low` (low byte first) tell how many more follow, times `unit`.
length counted(byte_view d, std::size_t header, std::size_t low, std::size_t unit = 1) {
  if (d.size() < header) return std::nullopt;
  return header + (at(d, low) + at(d, low + 1) * 256) * unit;
}

length until_nul(byte_view d, std::size_t from) {
  const auto end = d.find('\0', from);
  if (end != d.npos && end < list_bytes_max) return end + 1;
  if (d.size() >= list_bytes_max) return 2;
  return std::nullopt;
}

/// ESC & y c1 c2 [x d1…d(x·y)]…: one block per character from c1 to c2.
length user_characters(byte_view d) {
  if (d.size() < 5) return std::nullopt;
  std::size_t end = 5;
  for (std::size_t c = at(d, 3); c <= at(d, 4); ++c) {
    if (end >= d.size()) return std::nullopt;
    end += 1 + at(d, end) * at(d, 2);
  }
  return end;
}

/// FS q n [xL xH yL yH d…]1…n: bit images for the printer's memory.
length stored_images(byte_view d) {
  if (d.size() < 3) return std::nullopt;
  std::size_t end = 3;
  for (std::size_t n = at(d, 2); n > 0; --n) {
    if (end + 4 > d.size()) return std::nullopt;
    end += 4 + (at(d, end) + at(d, end + 1) * 256) * (at(d, end + 2) + at(d, end + 3) * 256) * 8;
  }
  return end;
}

length raster(byte_view d) {  // GS v 0 and GS Q 0: m xL xH yL yH d…
  if (d.size() < 8) return std::nullopt;
  return 8 + (at(d, 4) + at(d, 5) * 256) * (at(d, 6) + at(d, 7) * 256);
}

length dle_length(byte_view d) {
  if (d.size() < 2) return std::nullopt;
  if (d[1] == 0x04 || d[1] == 0x05) return 3;
  if (d[1] != 0x14) return 1;
  if (d.size() < 3) return std::nullopt;
  switch (d[2]) {
    case 1:
    case 2: return 5;
    case 3: return 8;
    case 7: return 4;
    case 8: return 10;
    default: return 2;
  }
}

length esc_length(byte_view d) {
  if (d.size() < 2) return std::nullopt;
  const char c = d[1];
  if ("2@LSimv<\x0C"sv.find(c) != d.npos) return 2;
  if ("\x20!%-3=?AEGJKMRTUVadertu{"sv.find(c) != d.npos) return 3;
  if ("$\\cB"sv.find(c) != d.npos) return 4;
  switch (c) {
    case 'p': return 5;
    case 'W': return 10;
    case 'D': return until_nul(d, 2);
    case '(': return counted(d, 5, 3);
    case '&': return user_characters(d);
    case '*':
      if (d.size() < 3) return std::nullopt;
      return counted(d, 5, 3, at(d, 2) >= 32 ? 3 : 1);
    default: return 2;
  }
}

length fs_length(byte_view d) {
  if (d.size() < 2) return std::nullopt;
  const char c = d[1];
  if ("!-CW"sv.find(c) != d.npos) return 3;
  if ("Sp?"sv.find(c) != d.npos) return 4;
  switch (c) {
    case '(': return counted(d, 5, 3);
    case '2': return 4 + 72;
    case 'q': return stored_images(d);
    case 'g':
      if (d.size() < 3) return std::nullopt;
      return d[2] == '1' ? counted(d, 10, 8) : length(10);
    default: return 2;
  }
}

length gs_barcode(byte_view d) {  // GS k m …
  if (d.size() < 3) return std::nullopt;
  if (at(d, 2) <= 6) return until_nul(d, 3);
  if (d.size() < 4) return std::nullopt;
  return 4 + at(d, 3);
}

length gs_counter(byte_view d) {  // GS C
  if (d.size() < 3) return std::nullopt;
  if (d[2] == '0') return 5;
  if (d[2] == '1') return 9;
  if (d[2] == '2') return 5;
  if (d[2] != ';') return 2;
  std::size_t seen = 1;
  for (std::size_t i = 3; i < std::min(d.size(), list_bytes_max); ++i)
    if (d[i] == ';' && ++seen == 6) return i + 1;
  return d.size() >= list_bytes_max ? length(2) : std::nullopt;
}

length gs_length(byte_view d) {
  if (d.size() < 2) return std::nullopt;
  const char c = d[1];
  if (":c"sv.find(c) != d.npos) return 2;
  if ("!#/BEHITabfhjrw"sv.find(c) != d.npos) return 3;
  if ("$LPW\\"sv.find(c) != d.npos) return 4;
  switch (c) {
    case '^':
    case 'z': return 5;
    case 'g': return 6;
    case '(': return counted(d, 5, 3);
    case 'k': return gs_barcode(d);
    case 'C': return gs_counter(d);
    case 'Q':
    case 'v': return raster(d);
    case '*':
      if (d.size() < 4) return std::nullopt;
      return 4 + at(d, 2) * at(d, 3) * 8;
    case 'V':
      if (d.size() < 3) return std::nullopt;
      return "\x00\x01\x30\x31"sv.find(d[2]) != d.npos ? 3 : 4;
    case '8':
      if (d.size() < 7) return std::nullopt;
      return 7 + at(d, 3) + (at(d, 4) << 8) + (at(d, 5) << 16) + (at(d, 6) << 24);
    default: return 2;
  }
}

}  // namespace

length command_length(byte_view data) {
  switch (data.front()) {
    case 0x10: return dle_length(data);
    case 0x1B: return esc_length(data);
    case 0x1C: return fs_length(data);
    case 0x1D: return gs_length(data);
    default: return 1;
  }
}

std::size_t to_next_place(byte_view data) {
  for (std::size_t end = 0; end < data.size();) {
    const unsigned char first = static_cast<unsigned char>(data[end]);
    const auto n = command_length(data.substr(end));
    if (!n || *n >= data.size() - end) break;
    end += *n;
    // Behind a picture's last octet that is DLE, a real-time command might not be seen as one.
    if (first < 0x20 && data[end - 1] != 0x10) return end;
  }
  return data.size();
}

std::vector<bytes> bands(byte_view command, std::size_t octets_max) {
  constexpr std::size_t head = 8;
  const auto at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(command[i])); };
  if (command.size() <= head || command.substr(0, 3) != "\x1D\x76\x30"sv) return {bytes(command)};
  const std::size_t row = at(4) + 256 * at(5), height = at(6) + 256 * at(7);
  if (row == 0 || command.size() != head + row * height) return {bytes(command)};
  const std::size_t rows = std::max<std::size_t>(octets_max / row, 1);
  std::vector<bytes> out;
  for (std::size_t y = 0; y < height; y += rows) {
    const std::size_t n = std::min(rows, height - y);
    bytes band(command.substr(0, 6));
    band.push_back(static_cast<char>(n & 0xFF));
    band.push_back(static_cast<char>(n >> 8));
    out.push_back(band.append(command.substr(head + y * row, n * row)));
  }
  return out;
}

}  // namespace tally::escpos
