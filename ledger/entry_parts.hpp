#pragma once
#include <array>
#include <optional>

#include "ledger/money.hpp"

namespace tally {

// What entries are made of: amounts, places in streams, and the words that they use.

/// Purses of an account. The rules map others; 1 is money that was paid in.
constexpr std::uint32_t purse_paid = 1;
/// What was paid for the piece of plastic, in the chain's currency: nothing is bought with it, and it comes back with
/// the card. No purse of the rules has this number.
constexpr std::uint32_t purse_deposit = 256;
/// The unit of a purse's units.
constexpr unit_id unit_of_purse(std::uint32_t purse) { return purse == purse_deposit ? main_unit : unit_of(purse); }

/// An amount of one purse of the entry's account, or (purse 0) of a right that belongs to the node.
struct value_item {
  std::uint32_t purse{};
  unit_id unit{};
  std::uint32_t bucket{};  ///< yyyymm of expiry, 0 when it does not expire
  tally::amount amount{};
  friend bool operator==(const value_item&, const value_item&) = default;
};

enum class tender_kind : std::uint8_t { cash = 1, bank = 2, online = 3, transfer = 4 };
struct tender_item {
  tender_kind kind{};
  unit_id unit{};
  tally::amount amount{};
  friend bool operator==(const tender_item&, const tender_item&) = default;
};
struct tax_item {
  std::uint32_t rate{};  ///< index of the rate in the rules version that the entry cites
  unit_id unit{};
  tally::amount amount{};
  friend bool operator==(const tax_item&, const tax_item&) = default;
};
struct line_item {
  product_id product{};
  std::int64_t quantity{};
  friend bool operator==(const line_item&, const line_item&) = default;
};

/// Pieces of a product that are paid with units of a purse (a gift for points, a visit), beside the lines in money.
struct gift_item {
  std::uint32_t purse{};
  product_id product{};
  std::int64_t quantity{};
  friend bool operator==(const gift_item&, const gift_item&) = default;
};

/// Streams of a writer (REPLICATION: streams and epochs).
enum class sub_stream : std::uint8_t { journal = 0, directory = 1, addressed = 2 };
struct stream_id {
  writer_id writer;
  sub_stream sub = sub_stream::journal;
  node_id to{};  ///< only for `addressed`
  friend constexpr auto operator<=>(const stream_id&, const stream_id&) = default;
};

struct stream_head {
  stream_id stream;
  std::uint64_t size{};
  hash256 root{};
  friend bool operator==(const stream_head&, const stream_head&) = default;
};

enum class send_cause : std::uint8_t { grant = 1, pull = 2, recall = 3, sweep = 4 };
enum class card_status : std::uint8_t {
  active = 1,
  frozen = 2,
  lost = 3,
  expired = 4,
  cancelled = 5,
  stock = 6,  ///< made, and not sold yet
  returned = 7,
  blacklisted = 8,
};
enum class publish_topic : std::uint8_t { rules = 1, product = 2, notice = 3, pin_key = 4 };
enum class node_role : std::uint8_t { hq = 1, region = 2, store = 3 };
std::string_view role_name(node_role role);
/// In the order of the type, whose numbers begin at 1.
inline constexpr std::array<std::string_view, 8> card_status_names{"active",    "frozen", "lost",     "expired",
                                                                   "cancelled", "stock",  "returned", "blacklisted"};
std::string_view card_status_name(card_status s);
std::optional<card_status> card_status_of(std::string_view name);

/// What head office ruled about a contested entry: it stands as good business, and the chain bears what it cost; the
/// node's owner owes what it cost; nothing was lost by it.
enum class ruling_outcome : std::uint8_t { stands = 1, owed = 2, no_loss = 3 };
/// "stands", "owed", "no_loss": in the order of the type, whose numbers begin at 1.
inline constexpr std::array<std::string_view, 3> ruling_outcome_names{"stands", "owed", "no_loss"};
std::string_view ruling_outcome_name(ruling_outcome o);
std::optional<ruling_outcome> ruling_outcome_of(std::string_view name);

/// What head office allows one node, in minor units of the main unit.
struct node_limits {
  tally::amount ceiling{};       ///< most card value it may hold, in transit to it included
  tally::amount daily_inflow{};  ///< most card value it may receive in a day
  tally::amount quota_target{};  ///< top-up quota is replenished up to this
  tally::amount daily_quota{};   ///< and by at most this in a day
  friend bool operator==(const node_limits&, const node_limits&) = default;
};

}  // namespace tally
