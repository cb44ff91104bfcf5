#pragma once
#include <array>
#include <optional>

#include "ledger/entry_parts.hpp"
#include "ledger/errc.hpp"

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
  voucher_grant = 16,  ///< head office puts units behind the code of a voucher
  deposit = 17,
  issue = 18,
  activate = 19,
  claim = 20,
  expire = 21,
  fee = 22,      ///< head office takes the month's fee of a card that nobody used
  execute = 23,  ///< what a ruling told the holder of an account's value to write off
  count = 24,    ///< pieces of gifts on the shelf, as somebody counted them
  stock = 25,    ///< pieces of gifts that came, or went
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
  topic_run =
      65,  ///< so many entries of the directory that follow are of one topic: who does not need it may leave them out
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
  /// ruling, earn, card_state, refund_elsewhere, take_back, profile: the entry of `subject` it is about; execute: the
  /// same as its ruling
  std::optional<sequence> cites;
  entry_kind cited_kind{};
  writer_id peer;           ///< send: to; receive: from; ruling: who is to write `released` off
  std::uint64_t channel{};  ///< number on the channel (writer → peer), from 1
  send_cause cause{};
  std::uint64_t request{};  ///< id of the pull or recall that caused a send; pin_failed: digest of what was asked
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
                                  ///< earned or loaded, what pays an older debt (negative); sale, gift: of `values`,
                                  ///< what did not lie here (positive); send, receive: debts that travel
  std::int64_t deadline{};        ///< authorise: business time from which it cannot be captured, seconds since 1970;
                                  ///< fee: start of the day on which it fell due
  std::vector<value_item> released;  ///< capture, void, time_out: what goes back to the holding; ruling: what `peer` is
                                     ///< to write off of the account, most
  account_id to_account{};           ///< gift: who is given it
  std::uint32_t expires{};           ///< of a card: the last business date on which it is good; 0: no end
  bool stale = false;            ///< sale, top_up: the rules here were too old for discounts, and for giving anything
  std::uint32_t birth_month{};   ///< of a card's state: its member's, 1 to 12, while the rules ask for it; 0: not said
  bool birthday = false;         ///< sale, top_up, authorise, capture: that was the month of the business date
  pin_state pin;                 ///< of the card; pin_set: from now on; pin_failed: that was not met
  std::uint32_t pin_checked{};   ///< version of the PIN that was typed and right; 0: none was
  std::uint64_t code_checked{};  ///< number, at head office, of the one-time code that was typed and right; 0: none was
  tally::amount bearer{};  ///< sale, gift: units that a voucher's code promises; the account is the code's; refund: of
                           ///< the sale, when money goes back behind the code
  tally::amount risk{};    ///< sale, gift: money's worth of what did not lie here (`debts`): of the risk budget
  node_id debtor{};        ///< ruling: the node whose owner owes `values`, when it is not the case's own

  friend bool operator==(const entry&, const entry&) = default;
};

/// Revision of `expand` and of the pricing rules that this build writes.
constexpr std::uint32_t engine_revision = 1;

/// Limits of one entry; a decoder refuses more, a decider never makes more.
constexpr std::size_t lines_max = 200, values_max = 64, tenders_max = 16, taxes_max = 32, gifts_max = 50,
                      blob_max = 60'000, note_max = 200, entry_bytes_max = 65'535;
constexpr std::int64_t quantity_max = 9999, pieces_max = 1'000'000;
/// Of a product with an open amount, whose pieces are minor units.
constexpr std::int64_t open_amount_max = 1'000'000'000;
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
