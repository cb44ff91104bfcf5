#include "ledger/pins.hpp"

#include <algorithm>

namespace tally {
namespace {

cell_key key_of(cell_type t, account_id account, const writer_id& w) {
  return {.type = t, .a = account.value, .b = 0, .writer = w, .peer = {}};
}

std::uint32_t le4(byte_view in) {
  std::uint32_t v = 0;
  for (std::size_t i = 4; i-- > 0;)
    v = v << 8 | static_cast<unsigned char>(in[i]);
  return v;
}

/// What this node set, and its version, while head office's word is older.
std::optional<std::pair<sequence, std::uint32_t>> pending(const state& s, const writer_id& self, account_id account,
                                                          const card_record& card) {
  auto own = s.find(key_of(cell_type::pin_own, account, self));
  if (!own || own->data.size() != 4) return std::nullopt;
  auto version = le4(own->data);
  if (version <= card.pin.version) return std::nullopt;
  return std::pair(static_cast<sequence>(own->n), version);
}

}  // namespace

bool is_pin(std::string_view text) {
  return text.size() >= pin_digits_min && text.size() <= pin_digits_max &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

pin_state pin_of(const state& s, const writer_id& self, account_id account, const card_record& card) {
  auto own = pending(s, self, account, card);
  return own ? pin_state{own->second, card.pin.refills, true} : card.pin;
}

std::optional<sequence> own_pin(const state& s, const writer_id& self, account_id account, const card_record& card) {
  auto own = pending(s, self, account, card);
  return own ? std::optional(own->first) : std::nullopt;
}

std::uint32_t pin_tries(const state& s, const writer_id& self, account_id account, const pin_state& pin) {
  auto c = s.find(key_of(cell_type::pin_tries, account, self));
  if (!c || c->data.size() != 8) return 0;
  auto data = byte_view(c->data);
  if (le4(data) != pin.version || le4(data.substr(4)) != pin.refills) return 0;
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(c->n, 0, pin_tries_max));
}

std::optional<std::pair<writer_id, sequence>> pin_source(const state& s, account_id account) {
  auto c = s.find(key_of(cell_type::pin_from, account, {}));
  if (!c || c->data.size() != 20) return std::nullopt;
  writer_id w;
  w.node.value = le4(c->data);
  for (std::size_t i = 0; i < 8; ++i)
    w.epoch.value[i] = static_cast<std::uint8_t>(c->data[4 + i]);
  return std::pair(w, static_cast<sequence>(c->n));
}

std::uint64_t pin_published_at(const state& s, account_id account) {
  auto c = s.find(key_of(cell_type::pin_from, account, {}));
  if (!c || c->data.size() != 20) return 0;
  auto data = byte_view(c->data);
  return le4(data.substr(12)) | std::uint64_t{le4(data.substr(16))} << 32;
}

std::optional<std::array<std::uint8_t, 32>> pin_key_of(const state& s) {
  auto c = s.find(key_of(cell_type::pin_key, {}, {}));
  std::array<std::uint8_t, 32> out{};
  if (!c || c->data.size() != out.size()) return std::nullopt;
  std::copy(c->data.begin(), c->data.end(), out.begin());
  return out;
}

amount money_taken_on(const state& s, std::uint32_t day, const writer_id& self, account_id account,
                      const programme& plan) {
  auto sum = spent_on(s, day, self, account);
  auto add = [&](amount more) {
    if (!checked_add(sum, more, sum)) sum = amount_max;
  };
  add(gifted_on(s, day, self, account, purse_paid));
  for (const auto& p : plan.purses)
    if (p.kind == purse_kind::bonus) {
      add(gifted_on(s, day, self, account, p.id));
      add(taken_on(s, day, self, account, p.id));
    }
  return sum;
}

bool asks_for_pin(const card_kind_rule* kind, amount money, bool units, amount spent_today) {
  if (!kind || !units) return false;
  if (kind->pin_above && (*kind->pin_above == 0 || money > *kind->pin_above)) return true;
  return kind->pin_above_day && money > 0 && spent_today > *kind->pin_above_day - money;
}

bool asks_for_code(const card_kind_rule* kind, amount money, bool units) {
  if (!kind || !kind->code_above || !units) return false;
  return *kind->code_above == 0 || money > *kind->code_above;
}

std::uint64_t code_used(const state& s, const writer_id& self, account_id account) {
  return static_cast<std::uint64_t>(number(s, key_of(cell_type::code_used, account, self)));
}

bool is_code(std::string_view text) {
  return text.size() == code_digits && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

amount free_of_pin(const card_kind_rule& kind, amount spent_today) {
  amount most = amount_max;
  if (kind.pin_above) most = std::min(most, *kind.pin_above);
  if (kind.pin_above_day) most = std::min(most, *kind.pin_above_day - spent_today);
  return std::max<amount>(most, 0);
}

}  // namespace tally
