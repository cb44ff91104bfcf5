#include "ledger/entry.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace tally {

namespace {
constexpr unix_seconds day_zero = 1'577'836'800;  // 2020-01-01T00:00:00Z
constexpr unix_seconds day_seconds = 86'400;
}  // namespace

std::string_view role_name(node_role role) {
  switch (role) {
    case node_role::hq: return "hq";
    case node_role::region: return "region";
    case node_role::store: return "store";
  }
  return "unknown";
}

std::uint32_t day_of(unix_seconds t) {
  return t < day_zero ? 0 : static_cast<std::uint32_t>(std::min<unix_seconds>((t - day_zero) / day_seconds, 1'000'000));
}

unix_seconds start_of_day(std::uint32_t day) { return day_zero + static_cast<unix_seconds>(day) * day_seconds; }

unix_seconds business_moment(const entry& e) {
  return start_of_day(e.business_date) + std::clamp<std::int64_t>(e.stamp, 0, 86'399);
}

std::string date_text(std::uint32_t day) {
  using namespace std::chrono;
  year_month_day d{sys_days{days{start_of_day(day) / day_seconds}}};
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(d.year()), static_cast<unsigned>(d.month()),
                static_cast<unsigned>(d.day()));
  return text;
}

namespace {
/// Enumerations whose numbers begin at 1 and whose names stand in the same order.
template <class E, std::size_t N>
std::string_view name_in(const std::array<std::string_view, N>& names, E value) {
  auto i = static_cast<std::size_t>(value);
  return i >= 1 && i <= N ? names[i - 1] : "unknown";
}
template <class E, std::size_t N>
std::optional<E> value_in(const std::array<std::string_view, N>& names, std::string_view name) {
  auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) return std::nullopt;
  return static_cast<E>(it - names.begin() + 1);
}
}  // namespace

std::string_view card_status_name(card_status s) { return name_in(card_status_names, s); }
std::optional<card_status> card_status_of(std::string_view name) {
  return value_in<card_status>(card_status_names, name);
}
std::string_view ruling_outcome_name(ruling_outcome o) { return name_in(ruling_outcome_names, o); }
std::optional<ruling_outcome> ruling_outcome_of(std::string_view name) {
  return value_in<ruling_outcome>(ruling_outcome_names, name);
}

}  // namespace tally
