#include "sync/text.hpp"

#include <sodium.h>

#include <cstdint>

namespace tally {
namespace {

std::string encode(byte_view data, int variant) {
  std::string out(sodium_base64_encoded_len(data.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(data.data()), data.size(), variant);
  out.pop_back();  // the terminating zero
  return out;
}

std::optional<bytes> decode(std::string_view text, std::size_t max, int variant) {
  if (text.size() / 4 * 3 > max + 3) return std::nullopt;
  bytes out(text.size() / 4 * 3 + 3, '\0');
  std::size_t size = 0;
  // No end pointer: libsodium then refuses input that it did not consume completely.
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(), text.size(), nullptr,
                        &size, nullptr, variant) != 0)
    return std::nullopt;
  out.resize(size);
  if (size > max || encode(out, variant) != text) return std::nullopt;
  return out;
}

struct code_point {
  std::uint32_t value = 0;
  std::size_t size = 0;  // 0: malformed
};

code_point next(std::string_view text) {
  auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  auto lead = at(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
  std::uint32_t v = lead & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return {};
    v = (v << 6) | (at(i) & 0x3fu);
  }
  static constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (v < least[size] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff)) return {};
  return {v, size};
}

}  // namespace

std::string to_base64(byte_view data) { return encode(data, sodium_base64_VARIANT_ORIGINAL); }
std::string to_base64url(byte_view data) { return encode(data, sodium_base64_VARIANT_URLSAFE_NO_PADDING); }

std::optional<bytes> from_base64(std::string_view text, std::size_t max) {
  return decode(text, max, sodium_base64_VARIANT_ORIGINAL);
}
std::optional<bytes> from_base64url(std::string_view text, std::size_t max) {
  return decode(text, max, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool is_plain_utf8(std::string_view text, bool newlines) {
  while (!text.empty()) {
    auto c = next(text);
    if (c.size == 0 || (c.value < 0x20 && !(newlines && c.value == '\n'))) return false;
    text.remove_prefix(c.size);
  }
  return true;
}

bool has_unicode_space(std::string_view text) {
  while (!text.empty()) {
    auto [v, size] = next(text);
    if (v == 0x20 || (v >= 9 && v <= 13) || v == 0x85 || v == 0xa0 || v == 0x1680 || (v >= 0x2000 && v <= 0x200a) ||
        v == 0x2028 || v == 0x2029 || v == 0x202f || v == 0x205f || v == 0x3000)
      return true;
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return false;
}

}  // namespace tally
