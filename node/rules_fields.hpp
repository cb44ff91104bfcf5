#pragma once
// What the readers of the rules file share; nobody else includes this.
#include <algorithm>
#include <chrono>
#include <initializer_list>

#include "ledger/money.hpp"
#include "node/rules_file.hpp"
#include "node/toml.hpp"

namespace tally {

/// Typed access to a parsed rules file. Every error names file, line and reason; the first one stops the reading.
class toml_fields {
public:
  explicit toml_fields(std::string file_name) : file_(std::move(file_name)) {}

  error bad(const toml::source_region& at, const std::string& why) const {
    auto line = std::max<toml::source_index>(at.begin.line, 1);
    return {errc::bad_rules, file_ + ":" + std::to_string(line) + ": " + why};
  }

  status located(const toml::source_region& at, const status& s) const {
    if (s) return done();
    return bad(at, s.error().detail);
  }

  status only(const toml::table& t, std::initializer_list<std::string_view> known) const {
    for (const auto& [key, value] : t) {
      if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
      std::string list;
      for (auto k : known)
        list += (list.empty() ? "" : ", ") + std::string(k);
      return bad(key.source(), "there is no key " + std::string(key.str()) + " here; known are " + list);
    }
    return done();
  }

  template <class F>
  status each(const toml::table& root, std::string_view key, F&& read_one) const {
    const auto* node = root.get(key);
    if (!node) return done();
    const auto* list = node->as_array();
    if (!list) return bad(node->source(), std::string(key) + " is written as [[" + std::string(key) + "]]");
    for (const auto& item : *list) {
      const auto* t = item.as_table();
      if (!t) return bad(item.source(), std::string(key) + " is written as [[" + std::string(key) + "]]");
      TALLY_TRY(read_one(*t));
    }
    return done();
  }

  status text(const toml::table& t, std::string_view key, std::string& out) const {
    const auto* v = t.get(key);
    if (!v) return done();
    auto s = v->value_exact<std::string>();
    if (!s) return bad(v->source(), std::string(key) + " is text in quotes");
    out = *s;
    return done();
  }

  status integer(const toml::table& t, std::string_view key, std::int64_t min, std::int64_t max,
                 std::int64_t& out) const {
    const auto* v = t.get(key);
    if (!v) return done();
    auto n = v->value_exact<std::int64_t>();
    if (!n || *n < min || *n > max)
      return bad(v->source(),
                 std::string(key) + " is a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    out = *n;
    return done();
  }

  status yes_or_no(const toml::table& t, std::string_view key, bool& out) const {
    const auto* v = t.get(key);
    if (!v) return done();
    auto b = v->value_exact<bool>();
    if (!b) return bad(v->source(), std::string(key) + " is true or false");
    out = *b;
    return done();
  }

  /// Text, because a decimal fraction in TOML is a binary one.
  status money(const toml::table& t, std::string_view key, int exponent, amount& out) const {
    const auto* v = t.get(key);
    if (!v) return done();
    auto s = v->value_exact<std::string>();
    auto n = s ? parse_amount(*s, exponent) : std::nullopt;
    if (!n || *n < 0 || *n > amount_max)
      return bad(v->source(), std::string(key) + " is an amount in quotes with at most " + std::to_string(exponent) +
                                  " decimals, as \"" + format_amount(1250, exponent) + "\"");
    out = *n;
    return done();
  }

  status date(const toml::table& t, std::string_view key, std::uint32_t& out) const {
    const auto* v = t.get(key);
    if (!v) return done();
    auto d = v->value_exact<toml::date>();
    if (!d) return bad(v->source(), std::string(key) + " is a date without quotes, as 2026-11-22");
    std::chrono::year_month_day ymd{std::chrono::year(d->year), std::chrono::month(d->month), std::chrono::day(d->day)};
    if (!ymd.ok() || d->year < 2020 || d->year > 2200) return bad(v->source(), std::string(key) + " is no such date");
    std::chrono::sys_seconds start = std::chrono::sys_days(ymd);
    out = day_of(start.time_since_epoch().count());
    return done();
  }

  /// A text in the languages that a shop sees.
  status names_of(const toml::table& t, std::string_view what, localized& out) const {
    const auto* v = t.get("name");
    const auto* list = v ? v->as_table() : nullptr;
    if (!list)
      return bad(v ? v->source() : t.source(), std::string(what) + " has a name, as name = { en = \"Bread\" }");
    TALLY_TRY(only(*list, {"en", "zh-Hans", "zh-Hant", "ko"}));
    for (std::size_t i = 0; i < language_count; ++i)
      TALLY_TRY(text(*list, language_tag(static_cast<language>(i)), out[i]));
    return done();
  }

private:
  std::string file_;
};

}  // namespace tally
