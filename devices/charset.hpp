#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/types.hpp"

namespace tally {

/// What a receipt printer's characters are coded in. The last three are of two octets (GB18030 also of four), each
/// character as wide as two.
enum class charset : std::uint8_t { cp437, cp858, cp852, cp866, cp1252, gb18030, big5, euc_kr };

/// As in the configuration: "gb18030"; and back, nothing for another name.
std::string_view charset_name(charset set);
std::optional<charset> charset_named(std::string_view name);
[[nodiscard]] constexpr bool is_wide(charset set) { return set >= charset::gb18030; }

/// Text for one printer: into its code, and how many columns it takes there. The tables are ICU's.
///
/// What the code lacks is replaced by its plain form where there is one (curly quotes, dashes, no-break space), else by
/// one '?', and so is each control character and each octet that is not UTF-8. The coded text holds no octet below
/// 0x20, so a product's name cannot carry a printer command.
/// Not thread-safe; cheap to make.
class text_codec {
public:
  explicit text_codec(charset set);
  ~text_codec();
  text_codec(text_codec&&) noexcept;
  text_codec& operator=(text_codec&&) noexcept;

  [[nodiscard]] bytes encode(std::string_view utf8) const;
  /// Columns on paper: one for each character of one octet, two for each other.
  [[nodiscard]] std::size_t columns(std::string_view utf8) const;
  /// As many whole characters from the start as `columns_max` holds.
  [[nodiscard]] std::string fit(std::string_view utf8, std::size_t columns_max) const;
  /// As paper will show it: what the code lacks is replaced already.
  [[nodiscard]] std::string shown(std::string_view utf8) const;
  /// From the printer's code to UTF-8; what is no character becomes U+FFFD. Octets below 0x20 pass as they are.
  [[nodiscard]] std::string decode(byte_view coded) const;

  [[nodiscard]] charset set() const { return set_; }

private:
  struct converter;
  struct piece {
    bytes coded;
    std::string shown;
    std::size_t length = 1;  ///< octets of UTF-8 taken
  };
  [[nodiscard]] piece next(std::string_view utf8) const;

  charset set_;
  std::unique_ptr<converter> converter_;
};

}  // namespace tally
