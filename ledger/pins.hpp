#pragma once
#include "ledger/programme.hpp"
#include "ledger/state.hpp"

namespace tally {

// PINs of cards, as far as the ledger knows of them: that there is one, its version, tries, and what is sealed. Whether
// what was typed is right is judged outside (sync/pin_seal.hpp) and comes in as a `pin_proof`.

constexpr std::size_t pin_digits_min = 4, pin_digits_max = 12;
/// Wrong PINs of a card at one node, then it is locked there; a right one, a new one and head office make it 0 again.
constexpr std::uint32_t pin_tries_max = 3;
/// PINs that one node sets in one business day; what is beyond is contested. As many as claims.
constexpr std::int64_t pins_per_day_max = 200;
constexpr std::size_t pin_sealed_max = 400;

/// 4 to 12 digits, and nothing else.
bool is_pin(std::string_view text);

/// The card's PIN as one node may use it: head office's word, or what this node set and has not been answered. The
/// directory wins from when its version is as high.
pin_state pin_of(const state& s, const writer_id& self, account_id account, const card_record& card);
/// The own entry that set the PIN that `pin_of` speaks of; nothing when head office has published it.
std::optional<sequence> own_pin(const state& s, const writer_id& self, account_id account, const card_record& card);
/// Wrong PINs at that node since the last right one, refill or change.
std::uint32_t pin_tries(const state& s, const writer_id& self, account_id account, const pin_state& pin);
/// The entry of a store that set the PIN of an account which head office has published.
std::optional<std::pair<writer_id, sequence>> pin_source(const state& s, account_id account);
/// Version of the card's state that published that PIN: who decided on an older one typed another.
std::uint64_t pin_published_at(const state& s, account_id account);
/// What PINs are sealed for, as head office has published it.
std::optional<std::array<std::uint8_t, 32>> pin_key_of(const state& s);

/// Money that a store took from the card on a day, paid and bonus: what was bought and put aside, and what was given to
/// other cards.
amount money_taken_on(const state& s, std::uint32_t day, const writer_id& self, account_id account,
                      const programme& plan);
/// Whether that much card money at once, after what was spent that day, asks for the PIN. `units`: the sale takes
/// anything at all from the card.
bool asks_for_pin(const card_kind_rule* kind, amount money, bool units, amount spent_today);
/// Whether that much card money at once asks for a one-time code; `units` as above.
bool asks_for_code(const card_kind_rule* kind, amount money, bool units);
/// Number of the newest one-time code of the account that was used at that node; 0: none was.
std::uint64_t code_used(const state& s, const writer_id& self, account_id account);
/// Digits of a one-time code.
constexpr std::size_t code_digits = 6;
bool is_code(std::string_view text);
/// Most card money that goes without it.
amount free_of_pin(const card_kind_rule& kind, amount spent_today);

}  // namespace tally
