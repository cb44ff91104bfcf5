#pragma once
#include <map>
#include <optional>
#include <unordered_map>

#include "ledger/accounts.hpp"

namespace tally {

/// Families of single facts that the fold keeps beside balances. Numbers are part of keys on disk.
enum class cell_type : std::uint8_t {
  card = 1,           ///< a: account → version, status, kind
  medium = 2,         ///< a, b: the 16 octets of a medium's digest → account
  answered = 3,       ///< a: terminal, b: block, writer → counters answered some time ago (keys.hpp)
  last_counter = 4,   ///< a: terminal, writer → newest counter, and those answered beside it (keys.hpp)
  channel_out = 5,    ///< writer → peer: number of the last send
  channel_in = 6,     ///< peer → writer: number of the last receive
  reversed = 7,       ///< a: sequence, writer → sequence of the reversal
  business_date = 8,  ///< writer → day
  node = 9,           ///< a: node → directory facts
  limits = 10,        ///< a: node → limits
  sent_today = 11,    ///< b: unit, writer → peer: sum sent on the newest day of a send, and that day
  held_total = 12,    ///< a: base of the unit, 0 for the main unit, writer → sum of its holdings
  adopted = 13,       ///< a: sub_stream, b: `to`, peer: the stream's writer, writer → size
  transfer = 14,      ///< a: number, writer → peer: what one half of a transfer said, until the other half is
                      ///< seen (b 0 receive, 1 send); b 2: the receiver did not credit it
  contested = 15,     ///< a: sequence, writer → why
  rules = 16,         ///< a: version → record
  product = 17,       ///< a: product, b: version → record
  counters = 19,      ///< a: 1 contested entries, 2 open authorisations (own folds), writer → running number
  closed = 20,        ///< writer → what head office decided when it closed that epoch
  revoked = 21,       ///< writer → entries that stand
  heir = 22,          ///< writer → the epoch that it says it follows, and what was proved of that
  ruled = 23,         ///< a: sequence, writer → what head office ruled about that entry
  months = 24,        ///< a: account, b: purse, writer → month buckets that hold something, ascending, 4 octets each
  spent_today = 25,   ///< a: account, writer → card value spent on the newest day of a sale, and that day
  refunded = 26,  ///< a: sequence of a sale, b: product, writer → pieces that came back; or money: b 0 in all, 2^32
                  ///< by tenders; with a peer: of a sale in the peer's journal
  owing = 27,  ///< a: sequence, writer → account and units that the entry could not give, less what came back of it
               ///< and what head office gave; below zero, what head office is to take back; watched folds only
  turnover = 29,    ///< a: account, b: month → money paid
  credited = 28,    ///< a: sequence, writer → head office gave what that entry owed
  once = 30,        ///< a: account, writer → the sale that its one-time number paid, 0 before it; the number's digest
  held_until = 34,  ///< a: sequence of an authorise that is open, writer → deadline; own folds only
  gifted_today = 35,    ///< a: account, b: purse, writer → units given away on the newest day of a gift, and that day
  adjusted_today = 54,  ///< a: purse, b: 0 given by hand, 1 taken, writer → units on the newest day of it, and that day
  fee_month = 55,       ///< a: account → month (yyyymm) of the newest fee that head office took
  bearer = 56,      ///< a: account, writer → b 0: units that were taken there with a voucher's code, and the newest
                    ///< entry that took some at risk; b 1: what head office granted
  risk_count = 57,  ///< a: account, writer → sales at risk since its debts went up; own folds only
  // Of cards (cards.hpp).
  claimed = 40,  ///< a: account, writer → what this node claimed and head office has not answered; own folds only
  claims_today = 41,  ///< b: 0 all, 1 of cards that hold nothing there, 2 PINs that were set; writer → claims of the
                      ///< newest day, and that day
  issued = 42,        ///< a: account / 512, writer → which of these cards that store sold, as bits
  directory_at = 43,  ///< when head office wrote the newest fact of its directory that is known here
  last_claim = 44,    ///< a: account → whose claim gave the card its state, and what it was before
  sold = 45,          ///< a: account, writer → last date of a card that this node sold; own folds only
  allotted = 46,      ///< a: first account, b: log2 of their number, writer → that store may sell these cards
  claims_stand = 47,  ///< writer → entries whose claims stand
  batch = 48,         ///< a: first account → a run of cards: how many, their kind, where they lie, its name
  paid_for = 82,      ///< a: digest of a payment's reference → the top-up that head office wrote for it, and the text
  // Of PINs (pins.hpp).
  pin_key = 50,    ///< the key that PINs are sealed for on their way to head office
  pin_tries = 51,  ///< a: account, writer → wrong PINs, and which PIN and refill they count for; own folds only
  pin_own = 52,    ///< a: account, writer → a PIN that this node set and head office has not answered; own folds only
  pin_from = 53,   ///< a: account → the entry that set the PIN which head office has published
  code_used = 64,  ///< a: account, writer → number of the newest one-time code that was used; own folds only
  taken_today = 65,  ///< a: account, b: purse, not paid money, writer → units taken on the newest day of a sale, and
                     ///< that day; own folds only
  // Of members (member_state.hpp).
  member = 60,           ///< a: member → version of the profile, where it is, whether it was erased
  profile_claims = 61,   ///< a: member, writer → number of the newest claim; at the writer, where the newest ones are
  open_claim = 62,       ///< a: sequence, writer → member: b 0 a claim, b 1 its profile, while the other is not seen
  claim_published = 63,  ///< a: member, writer → sequence of the newest claim that head office published
  lapse = 68,     ///< a: account, b: purse → what expired, what was spent of later months, what was given back of it;
                  ///< watched folds only (lapses.hpp)
  recalled = 69,  ///< a: first account, writer → cards of that run, which head office wants back
  brought = 70,   ///< a: first account, b: log2 of their number, writer → times that they were allotted, when that
                  ///< store gave them up
  pieces = 71,    ///< a: product, writer → pieces of a gift that are on the shelf, as far as was counted
  instructed = 77,  ///< a: sequence of a case, writer → what its ruling told a holder to write off (ruling.hpp)
  executed = 78,    ///< a: sequence of a case, writer, peer: the holder → the entry that wrote it off
  evened = 72,      ///< a: sequence of a sale, writer → units that refunds took: b: `evened_part`; watched
};

struct cell_key {
  cell_type type{};
  std::uint64_t a{}, b{};
  writer_id writer, peer;
  friend constexpr auto operator<=>(const cell_key&, const cell_key&) = default;
};

/// The idempotency key of one request of a till, as its writer counts it.
struct key_use {
  writer_id writer;
  std::uint32_t terminal{};
  std::uint64_t counter{};
};

/// A number and, for few types, more octets.
struct cell {
  std::int64_t n{};
  bytes data;
  friend bool operator==(const cell&, const cell&) = default;
};

/// The fold of one or more journals: what `decide` and `judge` read, and `apply` changes.
///
/// A port: a store keeps it in its database with two views on top (storage/kv_state.hpp), an observer and the audit in
/// memory. Balances that were never posted to are 0; cells that were never put are absent. Not thread-safe. A failed
/// read
/// is remembered by the implementation and makes the surrounding decision void; here it looks like absence.
class state {
public:
  virtual ~state() = default;
  virtual tally::amount balance(const ledger_account& a) const = 0;
  virtual void set_balance(const ledger_account& a, tally::amount v) = 0;
  virtual std::optional<cell> find(const cell_key& k) const = 0;
  virtual void put(const cell_key& k, cell v) = 0;
  virtual void erase(const cell_key& k) = 0;

  // Idempotency keys, the last `key_window` of each terminal (keys.hpp). Kept in cells unless an implementation has
  // something smaller.
  virtual std::uint64_t newest_counter(const writer_id& w, std::uint32_t terminal) const;
  /// Sequence of the entry that answered a key; nothing if it is unused, or below the window. An implementation that
  /// only judges may answer 0 for every key that was used.
  virtual std::optional<sequence> answered(const key_use& k) const;
  virtual void set_answered(const key_use& k, sequence seq);

  // Month buckets of a holding that are not zero, ascending. Kept in cells unless an implementation has another index.
  virtual std::vector<std::uint32_t> months_held(const writer_id& w, account_id account, std::uint32_t purse) const;
  /// The balance of a holding with a bucket became zero, or was zero before. REQUIRES: a hold account, bucket not 0.
  virtual void note_month(const ledger_account& held, bool empty);

  // Money that an account paid in a month, at all nodes: what levels are decided by. Only watched folds of head office
  // count it, and only while the rules have levels.
  virtual tally::amount turnover(account_id account, std::uint32_t month) const;
  virtual void add_turnover(account_id account, std::uint32_t month, tally::amount v);
};

/// A state in memory. Iterable, in key order, so that two of them can be compared and printed.
class memory_state final : public state {
public:
  tally::amount balance(const ledger_account& a) const override;
  void set_balance(const ledger_account& a, tally::amount v) override;
  std::optional<cell> find(const cell_key& k) const override;
  void put(const cell_key& k, cell v) override;
  void erase(const cell_key& k) override;
  std::map<ledger_account, tally::amount> balances() const;  ///< without zeros
  std::map<cell_key, cell> cells() const;
  std::size_t size() const { return balances_.size() + cells_.size(); }

  struct hash {
    std::size_t operator()(const ledger_account& a) const noexcept;
    std::size_t operator()(const cell_key& k) const noexcept;
  };
  const std::unordered_map<ledger_account, tally::amount, hash>& raw_balances() const { return balances_; }
  const std::unordered_map<cell_key, cell, hash>& raw_cells() const { return cells_; }

private:
  std::unordered_map<ledger_account, tally::amount, hash> balances_;
  std::unordered_map<cell_key, cell, hash> cells_;
};

/// A card account as the directory last described it.
struct card_record {
  card_status status = card_status::active;
  std::uint32_t kind{};
  std::uint64_t version{};
  std::uint32_t level{};
  std::uint32_t expires{};      ///< last business date on which it is good; 0: no end
  std::uint32_t birth_month{};  ///< of its member, 1 to 12; 0: not said
  pin_state pin = {};
};
std::optional<card_record> card_of(const state& s, account_id account);
void put_card(state& s, account_id account, const card_record& c);
/// REQUIRES: medium has 16 octets; otherwise nothing is found.
std::optional<account_id> account_of(const state& s, byte_view medium);
/// REQUIRES: medium has 16 octets.
void put_medium(state& s, byte_view medium, account_id account);

/// What the directory says of a node.
struct node_record {
  node_role role{};
  epoch_id epoch;                    ///< its current epoch: nothing is sent to another; zero while it has none
  std::vector<node_id> parents;      ///< ordered, ending with head office
  std::vector<node_id> former = {};  ///< parents of earlier certificates: what was sent to them then still counts
};
std::optional<node_record> node_of(const state& s, node_id node);
void put_node(state& s, node_id node, const node_record& r);
/// All zero when head office never published limits for it: then nothing may be sent to it.
node_limits limits_of(const state& s, node_id node);
void put_limits(state& s, node_id node, const node_limits& l);

/// Spending rights of an account at one node, over all buckets of the purse.
tally::amount holding(const state& s, writer_id w, account_id account, std::uint32_t purse = purse_paid);
tally::amount quota_left(const state& s, writer_id w, unit_id value_unit = main_unit);
tally::amount held_total(const state& s, writer_id w, unit_id unit = main_unit);
cell_key held_total_key(const writer_id& w, unit_id unit);
/// A one-time number, as one writer saw it last.
struct once_record {
  sequence used_by{};  ///< its sale; 0: loaded, and not used
  bytes medium;        ///< 16 octets
};
std::optional<once_record> once_of(const state& s, const writer_id& w, account_id account);
void put_once(state& s, const writer_id& w, account_id account, const once_record& r);
/// Units of a purse that the account owes at that node.
tally::amount debt_of(const state& s, const writer_id& w, account_id account, std::uint32_t purse);

/// Authorisations of that node that are open, as its own fold counts them.
std::int64_t open_holds(const state& s, const writer_id& w);
cell_key open_holds_key(const writer_id& w);
/// Units of a purse that an account gave to others at that node on a business day; 0 for a day before the newest.
tally::amount gifted_on(const state& s, std::uint32_t day, const writer_id& w, account_id account, std::uint32_t purse);
/// Saturates, as `add_sent`.
void add_gifted(state& s, std::uint32_t day, const writer_id& w, account_id account, std::uint32_t purse,
                tally::amount v);
/// Units of a purse that a node gave by hand, or took, on a business day; 0 for a day before the newest.
tally::amount adjusted_on(const state& s, std::uint32_t day, const writer_id& w, std::uint32_t purse, bool taken);
/// Saturates, as `add_sent`.
void add_adjusted(state& s, std::uint32_t day, const writer_id& w, std::uint32_t purse, bool taken, tally::amount v);
/// Whether a card was used in a month (yyyymm from 202001), at any node that was heard of; account 0: whether any was.
/// Counted only while the rules have fees of unused cards.
bool was_used(const state& s, account_id account, std::uint32_t month);
void note_used(state& s, account_id account, std::uint32_t month);
/// Where the money that was given back for a sale is counted: all of it, or what left by tenders.
cell_key refunded_money_key(const writer_id& w, sequence sale, bool by_tenders);
/// Card value of an account spent at that node on a business day; 0 for a day before the newest.
tally::amount spent_on(const state& s, std::uint32_t day, const writer_id& w, account_id account);
/// The same of another purse than paid money, in its units; and what adds to it.
tally::amount taken_on(const state& s, std::uint32_t day, const writer_id& w, account_id account, std::uint32_t purse);
void add_taken(state& s, std::uint32_t day, const writer_id& w, account_id account, std::uint32_t purse,
               tally::amount v);
/// Saturates, as `add_sent`.
void add_spent(state& s, std::uint32_t day, const writer_id& w, account_id account, tally::amount v);

/// Pieces of a gift on a node's shelf, below zero when more were given than were counted; nothing when none ever were.
std::optional<std::int64_t> pieces_left(const state& s, const writer_id& w, product_id product);
void put_pieces(state& s, const writer_id& w, product_id product, std::int64_t n);

/// What `from` sent to `to` on one business day; 0 for a day before the newest.
tally::amount sent_on(const state& s, std::uint32_t day, unit_id unit, const writer_id& from, const writer_id& to);
/// Saturates: a sum that only limits what is sent must not stop an entry.
void add_sent(state& s, std::uint32_t day, unit_id unit, const writer_id& from, const writer_id& to, tally::amount v);

std::int64_t number(const state& s, const cell_key& k);  ///< n of the cell, 0 when absent

}  // namespace tally
