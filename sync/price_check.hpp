#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "ledger/entry.hpp"
#include "ledger/rules.hpp"
#include "ledger/state.hpp"
#include "storage/streams.hpp"

namespace tally {

/// Directories, and how many entries of each a node has taken in.
using directory_sizes = std::map<stream_id, std::uint64_t>;
/// As many as a journal may name: head office's lives are few.
constexpr std::size_t directories_max = 1'000;

/// What a check of prices stands on: the journals and publications that are held here, and where differences go. The
/// audit and whoever walks behind the streams have one each. Used by one thread.
class price_ground {
public:
  virtual ~price_ground() = default;
  /// One more figure was looked at.
  virtual void checked() = 0;
  virtual void differs(const stream_id& journal, sequence seq, std::string expected, std::string found) = 0;
  /// An entry of any journal; nothing where it is not held, or does not decode.
  virtual std::optional<entry> entry_at(const stream_id& id, sequence seq) = 0;
  virtual bool is_closed(const writer_id& w) = 0;
  /// The card as head office published it last; nothing for an account that it published no card of.
  virtual std::optional<card_record> card_at(account_id account) = 0;
  /// What a journal had taken in with its first `size` entries, with what it inherited from the life before.
  virtual directory_sizes adopted_by(const stream_id& journal, std::uint64_t size) = 0;
  /// Rules and products of the first so many entries of these directories. Never null.
  virtual std::shared_ptr<const catalogue> published(const directory_sizes& sizes) = 0;
  /// Whose node that writer is, as far as it could know from these directories; nothing if that is not held.
  virtual std::optional<std::uint32_t> owner_of(const writer_id& w, const directory_sizes& sizes) = 0;
  /// All that was ever published. Never null.
  virtual std::shared_ptr<const catalogue> everything() = 0;
  /// Figures of one journal that grow for ever, by a short key; 0 until they are set.
  virtual amount figure(const stream_id& journal, const bytes& key) = 0;
  virtual void set_figure(const stream_id& journal, const bytes& key, amount value) = 0;
};

/// Prices the entries of one journal again, each with exactly what its writer had adopted when it wrote it: what was
/// paid, taxes, units that were given, what came back, where a card is good, what stays without PIN or code.
///
/// Pure; one thread. Memory: sums of one business day.
class price_checker {
public:
  /// `ground` outlives this.
  /// `adopted`: to go on from a day's first entry, as `day_start` told it.
  price_checker(price_ground& ground, const stream_id& journal, directory_sizes adopted = {})
      : ground_(ground), journal_(journal), adopted_(std::move(adopted)) {}

  /// Every entry of the journal, in order.
  void look_at(sequence seq, byte_view data);
  /// Whoever goes on from there, with what was adopted before, has the same sums: the newest day's first entry.
  struct start {
    sequence seq = 0;
    directory_sizes adopted;
  };
  /// Gives the rules back, which the ground has: between looks nothing large is kept.
  void rest() { rules_ = nullptr; }
  /// `next` is the entry that would be looked at next: without a day there are no sums to lose.
  start day_start(sequence next) const { return day_ == 0 ? start{next, adopted_} : day_start_; }

private:
  void look_at(sequence seq, const entry& e);
  void begin_day(sequence seq, const entry& e);
  void sale(sequence seq, const entry& e);
  void top_up(sequence seq, const entry& e);
  void card(sequence seq, const entry& e);
  /// Goods back, of an own sale or another's: money, taxes and units, to the cent.
  void refund(sequence seq, const entry& e);
  /// What head office gave for another's entry: what that entry owed, at most.
  void earn(sequence seq, const entry& e);
  // price_risk.cpp
  /// What was taken at risk, against what the rules let a store lend: at once, in all, and how often.
  void risk(sequence seq, const entry& e);
  /// What accounts owe here in money, and that it went up.
  void owing(const entry& e);
  // price_proofs.cpp
  /// What was taken from a card without its PIN or a one-time code, against what the rules let go so.
  void proofs(sequence seq, const entry& e);
  /// A code opens one entry of a journal.
  void one_code(sequence seq, const entry& e);
  // price_places.cpp
  /// The kind of the card that the entry names is the one that head office gave it.
  void kind_of_card(sequence seq, const entry& e);
  /// Whether that kind of card is good where the entry was written, and loaded there.
  void place(sequence seq, const entry& e);
  /// Units by hand: no more in a day than the rules allow.
  void by_hand(sequence seq, const entry& e);
  /// Head office's fee: what the rules of the day on which it fell due take at most, and from where.
  void fee(sequence seq, const entry& e);

  void differs(sequence seq, std::string expected, std::string found) {
    ground_.differs(journal_, seq, std::move(expected), std::move(found));
  }
  /// Sums in the chain's currency, as people write them.
  std::string money_text(amount n);
  std::string tax_text(const std::vector<tax_item>& taxes);
  std::string units_text(const std::vector<value_item>& items);
  void compare(sequence seq, const std::string& what, amount expected, amount found);
  /// Units that were given, from the quotas or as owed, against those that the rules give.
  void units(sequence seq, const entry& e, std::vector<value_item> expected, const std::string& version);
  const catalogue& rules();
  const rules_record* rules_of(const entry& e) { return rules().rules(e.rules_version); }

  price_ground& ground_;
  stream_id journal_;
  directory_sizes adopted_;
  std::shared_ptr<const catalogue> rules_;  ///< as of `adopted_`; none until a price is asked for
  std::uint32_t day_ = 0;                   ///< business date of the sums
  start day_start_;
  std::map<std::pair<std::uint32_t, bool>, amount> by_hand_;  ///< units of a purse given by hand (false) or taken
  std::map<account_id, amount> spent_;                        ///< paid money and bonus
};

}  // namespace tally
