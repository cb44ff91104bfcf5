#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "ledger/types.hpp"

namespace tally {

/// Writes JSON (RFC 8259) into one string, without building a tree: answers of the HTTP interface are made on
/// every sale.
///
/// The caller closes what it opens, in order. Text that is not UTF-8 is written with U+FFFD for each wrong octet.
/// Not thread-safe.
class json_writer {
public:
  json_writer() { out_.reserve(1024); }

  void open(char bracket);   ///< '{' or '['
  void close(char bracket);  ///< '}' or ']'
  void key(std::string_view name);

  void value(std::int64_t v);
  void value(std::uint64_t v);
  void value(std::uint32_t v) { value(std::uint64_t{v}); }
  void value(bool v) { plain(v ? "true" : "false"); }
  void value(std::string_view v);
  void value(const std::string& v) { value(std::string_view(v)); }
  void value(const char* v) { value(std::string_view(v)); }
  void null() { plain("null"); }
  template <class T>
  void value(const std::optional<T>& v) {
    if (v) {
      value(*v);
    } else {
      null();
    }
  }
  template <class T>
  void field(std::string_view name, const T& v) {
    key(name);
    value(v);
  }
  /// JSON text as it is.
  void raw(std::string_view json) { plain(json); }

  std::string take() { return std::move(out_); }

private:
  void comma();
  void plain(std::string_view text);

  std::string out_;
  bool first_ = true;
};

/// Text in quotes, escaped.
void append_json_text(std::string& out, std::string_view text);

}  // namespace tally
