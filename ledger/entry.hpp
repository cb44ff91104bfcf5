#pragma once
#include <array>
#include <optional>

#include "ledger/errc.hpp"
#include "ledger/money.hpp"

namespace tally {

/// What an entry states. Numbers are for ever: they are the first octet of every entry (storage/FORMAT.md).
/// A kind that this version does not build is still framed, stored and contested.
enum class entry_kind : std::uint8_t {
  open_epoch = 1,
  sale = 2,
  top_up = 3,
  reverse = 4,
  send = 5,
  receive = 6,
  adopt = 7,
  shift = 8,
  authorise = 9,
  capture = 10,
  void_hold = 11,
  time_out = 12,
  refund = 13,
  adjust = 14,  ///< a till gives units of a card by hand, or takes them
  earn = 15,
  voucher_grant = 16,
  deposit = 17,
  issue = 18,
  activate = 19,
  claim = 20,
  expire = 21,
  fee = 22,  ///< head office takes the month's fee of a card that nobody used
  execute = 23,
  count = 24,  ///< pieces of gifts on the shelf, as somebody counted them
  stock = 25,  ///< pieces of gifts that came, or went
  attendance = 26,
  log = 27,
  evidence = 28,
  profile_claim = 30,
  refund_elsewhere = 32,
  gift = 33,
  certify = 40,
  revoke = 41,
  close_epoch = 42,
  regrant = 43,
  publish = 44,
  limits = 45,
  map_media = 46,
  card_state = 47,
  clear = 48,
  ruling = 49,
  settle = 52,
  take_back = 53,
  allot = 54,         ///< a run of cards is ordered, or lies at a store, which sells it
  claims_stand = 55,  ///< claims of that journal stand up to there
  mark = 56,          ///< the directory is whole up to that time
  hand_back = 57,     ///< a card comes back: deposit and paid money are paid out
  profile = 60,       ///< what head office says of a member, sealed
  erase_member = 61,  ///< its key is destroyed
  pin_set = 62,       ///< a PIN was chosen at a till, sealed for head office
  pin_failed = 63,    ///< a wrong PIN was typed
  give_back = 66,     ///< units that expired only because others lay nearer when something was paid
  recall = 67,        ///< a run of cards that lies at a store is to come back
  bring_back = 68,    ///< the store sells no more of that run
};

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

/// One fact, written once, by one node. Which fields a kind has is in the table of kinds.hpp; everything else is at its
/// default and takes no octet. The id of an entry is (stream, sequence). Postings follow by `expand`.
struct entry {
  entry_kind kind{};
  std::uint32_t terminal{};  ///< unique in the chain
  std::uint64_t counter{};   ///< with `terminal`, the idempotency key
  std::uint32_t operator_id{};
  std::uint32_t business_date{};  ///< days since 2020-01-01; moves only forward
  std::int64_t stamp{};           ///< seconds from the start of the business date, UTC; for people, orders nothing
  std::uint32_t shift{};
  account_id account{};             ///< profile, profile_claim, erase_member: the member's number
  std::uint64_t account_version{};  ///< version of the account's state that the decision used; profile: its own
  std::uint64_t rules_version{};
  std::vector<value_item> values;
  std::vector<tender_item> tenders;
  std::vector<tax_item> taxes;
  std::vector<line_item> lines;
  /// reverse, refund: the own entry that is undone; capture, void, time_out: the own authorise, which cites itself;
  /// ruling, earn, card_state, refund_elsewhere, take_back, profile: the entry of `subject` it is about
  std::optional<sequence> cites;
  entry_kind cited_kind{};
  writer_id peer;           ///< send: to; receive: from
  std::uint64_t channel{};  ///< number on the channel (writer → peer), from 1
  send_cause cause{};
  std::uint64_t request{};          ///< id of the pull or recall that caused a send; 0 when none
  std::optional<stream_head> head;  ///< adopt, receive: what this entry depends on; open_epoch: the predecessor
  publish_topic topic{};
  bytes blob;    ///< certificate, record, evidence, key; ruling: a note; allot: a name; adjust: why; profile: sealed
  bytes medium;  ///< 16 octets, digest of a card number; sale, top_up: of the one-time number; pin_set: of the request
  std::uint32_t card_kind{};
  card_status status{};
  std::int64_t hq_time{};
  writer_id subject;  ///< whom it concerns; of entries that cite another's: whose journal
  std::optional<node_limits> limits;
  std::uint32_t engine{};  ///< open_epoch: revision of expand() and of the rules engine
  std::uint64_t size{};  ///< open_epoch, close_epoch: what was proved of the epoch before; revoke: entries that stand;
                         ///< allot: cards; claims_stand: entries whose claims stand
  errc reason = errc::ok;  ///< receive: why the send is not credited
  std::uint64_t serial{};  ///< revoke: certificates of the node up to this one are void; profile_claim: counts them
  ruling_outcome outcome{};
  std::vector<value_item> earned;  ///< sale, top_up: units that the rules gave, from the issue quota of each
  std::uint32_t level{};           ///< of the account, as the decision used it
  std::vector<gift_item> gifts;
  std::vector<value_item> owed;   ///< units that the rules gave and no quota covered: head office credits them
  std::uint32_t package{};        ///< top_up: the package that was bought
  std::vector<value_item> debts;  ///< reverse: of what is taken back, what was spent already; sale, top_up: of what is
                                  ///< earned, what pays an older debt (negative); send, receive: debts that travel
  std::int64_t deadline{};        ///< authorise: business time from which it cannot be captured, seconds since 1970;
                                  ///< fee: start of the day on which it fell due
  std::vector<value_item> released;  ///< capture, void, time_out: what goes back to the holding
  account_id to_account{};           ///< gift: who is given it
  std::uint32_t expires{};           ///< of a card: the last business date on which it is good; 0: no end
  bool stale = false;           ///< sale, top_up: the rules here were too old for discounts, and for giving anything
  std::uint32_t birth_month{};  ///< of a card's state: its member's, 1 to 12, while the rules ask for it; 0: not said
  bool birthday = false;        ///< sale, top_up, authorise, capture: that was the month of the business date
  pin_state pin;                ///< of the card; pin_set: from now on; pin_failed: that was not met
  std::uint32_t pin_checked{};  ///< version of the PIN that was typed and right; 0: none was

  friend bool operator==(const entry&, const entry&) = default;
};

/// Revision of `expand` and of the pricing rules that this build writes.
constexpr std::uint32_t engine_revision = 1;

/// Limits of one entry; a decoder refuses more, a decider never makes more.
constexpr std::size_t lines_max = 200, values_max = 64, tenders_max = 16, taxes_max = 32, gifts_max = 50,
                      blob_max = 60'000, note_max = 200, entry_bytes_max = 65'535;
constexpr std::int64_t quantity_max = 9999, pieces_max = 1'000'000;
constexpr std::int64_t hold_seconds_max = 40 * std::int64_t{86'400};  ///< that an authorisation may last

/// Day number of a moment (days since 2020-01-01), never negative.
std::uint32_t day_of(unix_seconds t);
/// Start of that day, seconds since 1970.
unix_seconds start_of_day(std::uint32_t day);
/// "2026-11-22".
std::string date_text(std::uint32_t day);
/// What the writer's clock said within its business date, seconds since 1970: as far ahead as that may be, not more.
unix_seconds business_moment(const entry& e);
/// Goods for money and units: a sale, or one that is paid from what was authorised.
constexpr bool sells(entry_kind k) { return k == entry_kind::sale || k == entry_kind::capture; }
constexpr bool is_reversible(entry_kind k) {
  return sells(k) || k == entry_kind::top_up || k == entry_kind::gift || k == entry_kind::adjust;
}

}  // namespace tally
