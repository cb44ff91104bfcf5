#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledger/entry.hpp"

namespace tally {

/// Languages of everything that a shop sees, in the order in which names are stored.
enum class language : std::uint8_t { en = 0, zh_hans = 1, zh_hant = 2, ko = 3 };
constexpr std::size_t language_count = 4;
std::string_view language_tag(language l);  ///< BCP 47: "en", "zh-Hans", "zh-Hant", "ko"
/// A text in each of them; the English one is always there.
using localized = std::array<std::string, language_count>;

/// What a purse of a card is for. Purse 1, what was paid in, is always there and has no row.
enum class purse_kind : std::uint8_t {
  bonus = 2,    ///< money that the shop gave: pays as money does, one minor unit for one, and is never paid out
  points = 3,   ///< earned; pays for gifts, or as money at a rate
  visits = 4,   ///< uses of a service that were paid before
  voucher = 5,  ///< takes something off a basket, a piece at a time
};
/// "bonus", "points", "visits", "voucher": in the order of the type, whose numbers begin at 2.
inline constexpr std::array<std::string_view, 4> purse_kind_names{"bonus", "points", "visits", "voucher"};

/// What a purse's month bucket means: it expires when that month has ended, or can be spent from that month on.
enum class bucket_rule : std::uint8_t { none = 0, expires = 1, opens = 2 };

struct product_units {
  product_id product;
  amount units{};  ///< for one piece
  friend bool operator==(const product_units&, const product_units&) = default;
};

/// A purse beside the paid one. Its unit is `unit_of(id)`, in whole units.
struct purse_rule {
  std::uint32_t id{};  ///< 2 to purse_id_max
  purse_kind kind{};
  localized names;
  bucket_rule bucket{};
  std::uint32_t months{};  ///< expires: valid to the end of the month so many after it was given; opens: parts
  // points, visits: `rate_units` pay `rate_money` minor units of the currency; 0 when they pay no money.
  amount rate_units{}, rate_money{};
  std::uint32_t share_max = 10'000;  ///< bonus, points: at most this part of a basket, in basis points
  std::vector<product_units> gifts;  ///< what it pays for piece by piece, ascending by product
  amount off{};                      ///< voucher: minor units off for each one used
  std::uint32_t off_basis_points{};  ///< voucher: or this part of what it applies to; then one at a time
  amount min_total{};                ///< voucher: only on baskets from this total, after discounts
  std::vector<product_id> on;        ///< voucher: only these products, ascending; empty: all
  amount quota{};                    ///< what a store's issue quota of this unit is filled up to
  amount gift_per_day{};             ///< most that one card may give to others at one store in a day; 0: none
  amount manual_per_day{};           ///< most that one store gives by hand in a day, and takes by hand; 0: none
  friend bool operator==(const purse_rule&, const purse_rule&) = default;
};

/// When and for whom a rule holds. Empty lists and zeros hold for all.
struct condition {
  std::vector<std::uint32_t> levels, card_kinds;  ///< ascending; any of them asks for a card
  std::vector<product_id> products;               ///< ascending
  std::uint32_t from{}, until{};                  ///< business dates, both included; 0: open
  std::uint8_t weekdays{};                        ///< bit 0 Monday to bit 6 Sunday; 0: every day
  amount min_total{};     ///< discount: of the basket; earning: of it after discounts and vouchers; or of the top-up
  bool birthday = false;  ///< only in the month in which the card's member was born
  friend bool operator==(const condition&, const condition&) = default;
};

/// A part or a sum off each piece. Of all that hold for a line the one that takes most counts, alone.
struct discount_rule {
  std::uint32_t id{};
  localized names;
  std::uint32_t basis_points{};  ///< of the line
  amount off{};                  ///< or minor units of each piece, at most its price
  condition when;
  friend bool operator==(const discount_rule&, const discount_rule&) = default;
};

/// What a sale or a top-up gives besides. All that hold add up; each is rounded down by itself.
struct earn_rule {
  std::uint32_t id{};
  localized names;
  std::uint32_t purse{};
  bool on_top_up = false;  ///< else on sales
  amount units{};          ///< for each full `per` minor units paid in money, or once when `per` is 0
  amount per{};
  condition when;
  friend bool operator==(const earn_rule&, const earn_rule&) = default;
};

struct package_gift {
  std::uint32_t purse{};
  amount units{};
  friend bool operator==(const package_gift&, const package_gift&) = default;
};
/// A button at the till: pay so much, it is loaded, and this comes with it.
struct package_rule {
  std::uint32_t id{};
  localized names;
  amount pay{};
  std::vector<package_gift> gives;
  condition when;
  friend bool operator==(const package_rule&, const package_rule&) = default;
};

struct level_rule {
  std::uint32_t id{};  ///< from 1; higher is better
  localized names;
  amount spend{};          ///< paid in money within `months`: reached at that sum, kept while it is reached
  std::uint32_t months{};  ///< window, whole calendar months up to now
  friend bool operator==(const level_rule&, const level_rule&) = default;
};

/// What a card pays for each month in which nobody used it, from when it was not used for `months` whole ones.
struct dormant_rule {
  std::uint32_t months{};             ///< 0: never
  amount fee{};                       ///< each month, at most what is there
  std::vector<std::uint32_t> purses;  ///< paid money and bonus that it is taken from, ascending; one after the other
  friend bool operator==(const dormant_rule&, const dormant_rule&) = default;
};
constexpr std::uint32_t dormant_months_min = 3, dormant_months_max = 60;

struct card_kind_rule {
  std::uint32_t id{};  ///< from 1
  localized names;
  std::vector<std::uint32_t> purses;  ///< that it may have, ascending; empty: all; 1 alone: paid money and none
  bool top_up = true;                 ///< can be loaded at tills
  amount per_day{};                   ///< most card value that one node lets it spend in a business day; 0: no limit
  // Of the card itself, when it is sold.
  amount price{}, deposit{};     ///< what it costs, and what comes back with it
  std::uint32_t valid_months{};  ///< good to the end of the month so many later; 0: no end
  std::uint32_t valid_days{};    ///< or so many days, that of the sale included
  bool named = false;            ///< of a person; else of whoever has it
  bool replaceable = true;       ///< gets a new number when it is lost
  // Where it is good: numbers of stores, ascending. Money that lies on it is never lost by that.
  std::vector<std::uint32_t> only_at = {}, not_at = {};  ///< where it pays and is given units; both empty: everywhere
  std::vector<std::uint32_t> no_top_up_at = {};          ///< where it is not loaded
  dormant_rule dormant = {};
  /// `owner`: of that store; not there at head office, which keeps the cards of all owners.
  bool good_at(node_id store, std::optional<std::uint32_t> owner) const;
  bool loaded_at(node_id store, std::optional<std::uint32_t> owner) const;
  /// Whether it says where it is good, or has a fee.
  bool has_bounds() const {
    return !only_at.empty() || !not_at.empty() || !no_top_up_at.empty() || dormant != dormant_rule{};
  }
  // What its PIN is asked for; never, when neither is there.
  std::optional<amount> pin_above = {};      ///< one sale of more card money than that; 0: each
  std::optional<amount> pin_above_day = {};  ///< a sale that makes the day's sum at the store more than that
  // What a store without a line lets it spend beyond what lies there, at the shop's risk; never, when `risk_sale` is 0.
  amount risk_sale{};          ///< in one sale
  amount risk_total{};         ///< in all, until the store was heard of above
  std::uint32_t risk_count{};  ///< so many sales until then; 0: any number
  /// What a one-time code is asked for, which goes to the member's telephone: one sale of more card money than that; 0:
  /// each; never, when it is not there.
  std::optional<amount> code_above = {};
  /// Whether it asks for a PIN or a code.
  bool asks_for_proof() const { return pin_above || pin_above_day || code_above; }
  // For which goods it is good: all that lies on it pays for these alone. Ascending; both empty: for all.
  std::vector<product_id> only_products = {}, not_products = {};
  bool pays_for(product_id p) const;
  bool has_goods() const { return !only_products.empty() || !not_products.empty(); }
  std::vector<std::uint32_t> only_owners = {}, not_owners = {};  ///< of stores where it is good and loaded; ascending
  bool has_owners() const { return !only_owners.empty() || !not_owners.empty(); }
  bool good_with(std::optional<std::uint32_t> owner) const;
  /// Whether it says anything of the card itself.
  bool sells() const {
    return price != 0 || deposit != 0 || valid_months != 0 || valid_days != 0 || named || !replaceable;
  }
  friend bool operator==(const card_kind_rule&, const card_kind_rule&) = default;
};

/// What a node does that has not heard of head office for long. Hours of 0: never.
struct stale_rule {
  std::uint32_t rules_after{};  ///< hours; then no discounts, and nothing is given
  std::uint32_t cards_after{};  ///< hours; then a sale takes at most `sale_max` from a card
  amount sale_max{};
  bool any() const { return rules_after != 0 || cards_after != 0; }
  friend bool operator==(const stale_rule&, const stale_rule&) = default;
};
constexpr std::uint32_t stale_hours_min = 4, stale_hours_max = 10'000;

/// A chain's programme: part of the rules of one version. Lists ascend by id.
struct programme {
  std::vector<purse_rule> purses;
  std::vector<level_rule> levels;
  std::vector<card_kind_rule> card_kinds;
  std::vector<discount_rule> discounts;
  std::vector<earn_rule> earns;
  std::vector<package_rule> packages;
  stale_rule stale;
  amount refund_quota{};         ///< what a store's right to give money back is filled up to
  amount gift_per_day{};         ///< paid money: as of a purse
  amount risk_budget{};          ///< what a store's right to take value at risk is filled up to; 0: none
  std::uint32_t hold_minutes{};  ///< longest that an authorisation lasts; 0: a day
  bool paid_first = false;       ///< paid money is spent before bonus; else after
  bool round_half_even = false;  ///< amounts of money that do not divide: to the even neighbour; else away from zero
  bool empty() const;
  /// Whether it says something that only the fourth form of a record holds: staleness, cards themselves.
  bool tells_of_cards() const;
  /// Whether any rule asks for a birthday: only then do states of cards tell the month.
  bool asks_for_birthdays() const;
  bool takes_dormant_fees() const;
  /// Whether it says something that only the section of bounds holds: where cards are good, fees, what is given by
  /// hand, birthdays.
  bool tells_of_bounds() const;
  /// Whether any kind of card asks for its PIN.
  bool tells_of_pins() const;
  /// Whether anything is taken at risk.
  bool tells_of_risk() const;
  /// Whether any kind of card asks for a one-time code.
  bool tells_of_codes() const;
  /// Whether any kind of card is good for some goods only.
  bool tells_of_goods() const;
  /// Whether any kind of card is good at the stores of some owners only.
  bool tells_of_owners() const;
  const purse_rule* purse(std::uint32_t id) const;
  const level_rule* level(std::uint32_t id) const;
  const card_kind_rule* card_kind(std::uint32_t id) const;
  const package_rule* package(std::uint32_t id) const;
  /// Whether units of any purse buy it by the piece.
  bool is_gift(product_id p) const;
  /// Whether any rule looks at the kind of a card: only then do entries state it.
  bool asks_for_kinds() const;
  friend bool operator==(const programme&, const programme&) = default;
};

constexpr std::uint32_t purse_id_max = 255;
constexpr std::size_t programme_rules_max = 200;    ///< of each list
constexpr std::size_t condition_items_max = 1'000;  ///< of each list of a condition
constexpr std::uint32_t bucket_months_max = 60;
constexpr std::uint32_t valid_months_max = 240, valid_days_max = 3'660;  ///< of a card

/// Month of a business date, "yyyymm" as a number; and the month `n` later.
std::uint32_t month_of(std::uint32_t day);
std::uint32_t add_months(std::uint32_t yyyymm, std::uint32_t n);

/// Whom a rule is asked about.
struct customer {
  bool card = false;
  std::uint32_t kind{}, level{};
  bool birthday = false;  ///< born in the month of the date
};
/// Whether a rule holds for a customer on a date, products and total apart.
bool holds(const condition& c, const customer& who, std::uint32_t business_date);
bool names_product(const std::vector<product_id>& list, product_id p);  ///< true for an empty list

}  // namespace tally
