#pragma once
#include <functional>

#include "ledger/programme.hpp"
#include "ledger/state.hpp"

namespace tally {

// Life of a card: its state has one writer, head office. A store claims; that tightens at once where it is claimed, and
// head office publishes the result. A store to which a run of cards is allotted sells them, also without a line.

/// Which of two states lets less be done. Higher is tighter; active is lowest.
int tightness(card_status s);
/// States that nothing leaves.
bool is_final(card_status s);
/// What a store may claim of a card: frozen or lost.
bool may_claim(card_status s);

/// Why a card cannot be used, in a few words for people: "reported lost".
std::string standing_text(card_status s, std::uint32_t expires = 0);

/// A card's state as one node may use it.
struct card_standing {
  card_status status = card_status::active;
  std::uint32_t expires{};  ///< last date on which it is good; 0: no end
  bool here = false;        ///< a claim or a sale of this node that head office has not answered makes it so
};
/// The calendar as far as it may be held against a holder.
struct card_clock {
  std::uint32_t business_date{};
  std::int64_t hq_time{};  ///< 0: never told; then nothing expires
};
/// The directory's word, tightened by this node's own claims and by the date, loosened only by a sale of its own.
card_standing standing_of(const state& s, const writer_id& self, account_id account, const card_record& card,
                          const card_clock& clock);

/// A fact that says again all that the directory knows of a card, one version on. The caller changes what is to change.
entry card_fact(account_id account, const card_record& card);
/// Last date of a card of that kind that is sold on a date; 0: no end.
std::uint32_t expiry_of(const card_kind_rule& kind, std::uint32_t sold_on);
/// Day of a date as `date_text` writes it; nothing for another text, or for a date before 2020 or after 2200.
std::optional<std::uint32_t> day_from(std::string_view text);

/// Head office: whether a card owes the fee of a month (yyyymm), as `seen` tells of uses at all nodes. That month and
/// those before it that the rule names were seen whole, and the card was not used in them or later: who comes back pays
/// no more. Some store has written in a later month, so that head office's clock alone ends none.
bool is_fee_due(const state& seen, account_id account, const dormant_rule& rule, std::uint32_t month);
/// Most months that are made good at once, after head office was away.
constexpr std::uint32_t fee_months_back_max = 12;

// -- claims ----------------------------------------------------------------------

/// Claims of one node in one business day; what is beyond is contested.
constexpr std::int64_t claims_per_day_max = 200;
/// Of these, of cards of which the node holds no paid money: it may never have seen them.
constexpr std::int64_t blind_claims_per_day_max = 20;
struct claim_count {
  std::int64_t all{}, blind{};
};
claim_count claims_on(const state& s, std::uint32_t day, const writer_id& w);
/// Whether a claim of that account counts as one of a card that the node does not know.
bool is_blind(const state& s, const writer_id& w, account_id account);

/// Whose claim gave a card its state.
struct claim_origin {
  writer_id writer;
  sequence seq{};
  card_status before{};
};
std::optional<claim_origin> claim_of(const state& s, account_id account);
std::optional<claim_origin> parse_claim_origin(const cell& c);
/// Claims of a journal stand up to this entry.
std::uint64_t claims_stand_up_to(const state& s, const writer_id& w);
/// As `claims_stand_up_to` where nothing is said, or where it was ended again.
constexpr std::uint64_t every_claim = INT64_MAX;
/// For people, at the store whose claims and PINs head office does not go by.
constexpr std::string_view silenced_text =
    "head office goes by no report and no PIN of this store until it ends that (tallystick claims --end)";

// -- runs of cards ---------------------------------------------------------------

/// Cards with accounts that follow each other.
struct card_batch {
  account_id first;
  std::uint64_t count{};
  std::uint32_t kind{};
  writer_id holder;  ///< where they lie; node 0: ordered, and not delivered
  std::string name;
};
constexpr std::uint64_t batch_cards_max = 1'000'000;
constexpr std::size_t batch_name_max = 60;
std::optional<card_batch> batch_at(const state& s, account_id first);
/// A fact that says where a run lies, and all that the directory knows of it.
entry allot_fact(const card_batch& run);
std::optional<card_batch> parse_batch(account_id first, const cell& c);
/// Aligned pieces of a run, each a power of two, so that one card is found in a few looks: the first card of each, and
/// log2 of their number.
void each_piece(account_id first, std::uint64_t count,
                const std::function<void(std::uint64_t at, std::uint64_t bits)>& visit);
/// Whether head office gave that node, in that epoch, the right to sell this card, and the node has not given it up
/// since. `own` is the fold of its journal.
bool may_sell(const state& directory, const state& own, const writer_id& w, account_id account);
/// Whether head office wants the run back that lies at that node.
bool is_recalled(const state& directory, const writer_id& w, account_id first, std::uint64_t count);
/// Whether head office wants that run back from that node, and the node has not given it up.
bool is_called_back(const state& directory, const state& own, const writer_id& w, account_id first,
                    std::uint64_t count);
/// Whether that node sold it already.
bool was_sold(const state& s, const writer_id& w, account_id account);

// -- how old is what is known of blocked cards -----------------------------------

/// When head office wrote the newest fact of its directory that is known here; 0: never.
unix_seconds directory_time(const state& s);
/// Its age in seconds, by head office's time or this node's clock, whichever is later; nothing when none was adopted.
std::optional<std::int64_t> directory_age(const state& s, unix_seconds now, std::int64_t hq_time);
bool is_older(std::optional<std::int64_t> age, std::uint32_t hours);

}  // namespace tally
