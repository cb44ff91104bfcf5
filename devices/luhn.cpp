#include "devices/luhn.hpp"

#include <algorithm>

namespace tally {

namespace {

/// Sum of the digits from the right; `doubled` says whether the rightmost one counts twice.
int luhn_sum(std::string_view digits, bool doubled) {
  int sum = 0;
  for (auto it = digits.rbegin(); it != digits.rend(); ++it) {
    const int d = *it - '0';
    sum += !doubled ? d : d < 5 ? 2 * d : 2 * d - 9;
    doubled = !doubled;
  }
  return sum;
}

}  // namespace

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool luhn_valid(std::string_view number) {
  return number.size() >= 2 && all_digits(number) && luhn_sum(number, false) % 10 == 0;
}

std::optional<char> luhn_digit(std::string_view payload) {
  if (!all_digits(payload)) return std::nullopt;
  return static_cast<char>('0' + (10 - luhn_sum(payload, true) % 10) % 10);
}

std::optional<scratch_number> parse_scratch_number(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == text.npos) return std::nullopt;
  const scratch_number out{text.substr(0, dot), text.substr(dot + 1)};
  if (out.number.size() < card_digits_min || out.number.size() > card_digits_max || !luhn_valid(out.number) ||
      out.covered.size() != scratch_digits || !all_digits(out.covered))
    return std::nullopt;
  return out;
}

static constexpr std::size_t own_digits = 16;  // prefix, serial number, 4 secret ones, check digit

std::string mask_number(std::string_view number) {
  number = number.substr(0, number.find('.'));
  if (number.size() < card_digits_min) return "****";
  // Of our own numbers the last five are what nobody can guess.
  if (number.size() == own_digits && luhn_valid(number)) return "**** " + std::string(number.substr(own_digits - 9, 4));
  return "**** " + std::string(number.substr(number.size() - 4));
}

}  // namespace tally
