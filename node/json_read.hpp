#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/result.hpp"
#include "ledger/types.hpp"

namespace tally {

/// A JSON value as it was received. Numbers are 64-bit integers; anything else that JSON calls a number is
/// `fraction`, so that 1.0, 1e3 and what does not fit are refused where an integer is wanted.
struct json_value {
  enum class kind : std::uint8_t { null, boolean, integer, fraction, text, list, object };
  kind type = kind::null;
  bool truth = false;
  std::int64_t number = 0;
  std::string text;
  std::vector<json_value> items;   ///< of a list; of an object, its values
  std::vector<std::string> names;  ///< of an object, as many as items
  const json_value* find(std::string_view name) const;
};

constexpr std::size_t json_depth_max = 16;

/// Parses one JSON text (RFC 8259, UTF-8). `malformed` with the octet where it stops making sense, for a name that
/// comes twice in one object, and for nesting beyond `json_depth_max`. The caller bounds the length of `text`.
result<json_value> parse_json(std::string_view text);

/// Reads the fields of an object and keeps the first problem, so that a handler reads all and asks once.
/// Fields that it does not ask for are ignored unless it says `only_these`. Refers to the value, which outlives it.
class json_fields {
public:
  /// `where` is put before names in problems: "lines[2].".
  explicit json_fields(const json_value& object, std::string where = {});

  std::int64_t integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<std::int64_t> maybe_integer(std::string_view name, std::int64_t min, std::int64_t max);
  /// Absent and null are false.
  bool maybe_truth(std::string_view name);
  std::string_view text(std::string_view name, std::size_t octets_max);
  /// Absent and null are the same.
  std::optional<std::string_view> maybe_text(std::string_view name, std::size_t octets_max);
  /// Never null; empty after a problem.
  const std::vector<json_value>& list(std::string_view name);
  /// Absent and null are the same as empty.
  const std::vector<json_value>& maybe_list(std::string_view name);
  /// A number whose bounds are a rule of the business: another type, or more than 64 bits, is a problem;
  /// a number beyond them is handed over, for the caller to refuse in its own words.
  std::int64_t number(std::string_view name, std::int64_t min, std::int64_t max);
  /// After everything was asked for: a name that was not is a problem, so that a slip of the pen is not taken for
  /// something left out.
  void only_these();
  /// Notes a problem of the caller's own: "lines[2].ean must be …".
  void fail(std::string_view name, std::string_view what);

  bool ok() const { return !problem_; }
  const error& problem() const { return *problem_; }

private:
  const json_value* find(std::string_view name);

  const json_value& object_;
  std::string where_;
  std::optional<error> problem_;
  std::vector<std::string_view> asked_;  // names in the program's text
};

}  // namespace tally
