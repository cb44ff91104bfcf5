#pragma once
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "sync/station.hpp"

namespace tally::sim {

/// A guarantee was broken. The text says which; the seed is added by whoever runs the world.
class broken : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};
inline void ensure(bool holds, const std::string& what) {
  if (!holds) throw broken(what);
}
/// Where it is asked often: the text is made when it is needed.
template <class Text>
requires std::is_invocable_r_v<std::string, Text>
void ensure(bool holds, const Text& what) {
  if (!holds) throw broken(what());
}

/// Knows what really happened in the whole chain: sees every entry the moment that it is durable, and every answer that
/// reached a till. Its bookkeeping is its own, not `expand` and `judge`, so that an error there does not hide itself.
///
/// Checks at each step: an entry is written once and never rewritten; no holding, quota or global balance goes below
/// zero; a receive has its send, once, with equal content; an answer is durable and each key has one entry.
/// Throws `broken`.
class oracle {
public:
  struct place {
    writer_id writer;
    sequence seq{};
    friend auto operator<=>(const place&, const place&) = default;
  };
  using till_id = std::pair<std::uint32_t, std::uint64_t>;            ///< terminal and counter
  using right = std::tuple<writer_id, std::uint64_t, std::uint32_t>;  ///< writer, account (0: quota), unit

  /// REQUIRES: called in order of sequence for each writer.
  void durable(const writer_id& writer, sequence seq, byte_view data);
  void answered(const till_answer& a);
  /// Most that sweeps of one writer may have on their way.
  void limit_sweeps(amount transit_max) { sweeps_max_ = transit_max; }
  std::uint64_t swept() const { return swept_; }
  /// From now on this writer's later entries may be missing everywhere: its disk was replaced by an old copy.
  /// `kept`: entries of its journal that its disk has from now on, if it is known.
  void restored(const writer_id& writer, std::uint64_t kept = 0) { restored_.emplace(writer, kept); }
  /// Entries that head office held of a life when it was closed first; all of it if it was not closed.
  std::uint64_t closed_first(const writer_id& w) const;
  /// Where that writer sold the card, if it did and did not take it back.
  std::optional<sequence> sale_of(const writer_id& writer, account_id card) const;
  /// Head office has so many entries of that journal, durable; of them it knows when it takes a fee.
  void heard(const writer_id& writer, std::uint64_t size) { heard_[writer] = size; }
  /// Written in a life's end that its disk has lost.
  bool is_lost(const place& p) const {
    auto it = restored_.find(p.writer);
    return it != restored_.end() && p.seq >= it->second;
  }
  bool was_restored(const writer_id& writer) const { return restored_.count(writer) != 0; }

  std::uint64_t size(const writer_id& w) const;
  const std::vector<bytes>& journal(const writer_id& w) const { return journals_.at(w); }
  const std::map<writer_id, std::vector<bytes>>& journals() const { return journals_; }
  /// What tills were told of, wrong PINs among it.
  const std::map<place, entry>& approved() const { return approved_; }
  const std::map<right, amount>& rights() const { return rights_; }
  /// Sends whose receive nobody wrote, by writer and receiver.
  std::map<std::pair<writer_id, writer_id>, std::size_t> unreceived() const;
  amount balance(account_id a) const;
  /// Money that the account owes, wherever that was noted.
  amount owed(account_id a) const;
  /// Authorisations that were never ended.
  /// By sale: pieces of each product that other stores took back.
  const std::map<std::pair<writer_id, sequence>, std::map<std::uint32_t, std::int64_t>>& returned() const {
    return goods_back_;
  }
  std::vector<sequence> open_holds(const writer_id& w) const;
  /// Holders that were told to write something off, and about which case, and have not done it.
  std::vector<std::pair<writer_id, std::pair<writer_id, sequence>>> to_execute() const;
  /// Units of purses beside the paid one: what was given less what was taken, over the whole chain.
  const std::map<std::pair<std::uint64_t, std::uint32_t>, amount>& units() const { return units_; }
  /// Loaded less spent, by the entries of each journal below `size` alone.
  amount known_balance(account_id a, const std::function<std::uint64_t(const writer_id&)>& size) const;

private:
  void move(const writer_id& w, account_id a, unit_id u, amount delta, const std::string& where);
  void once(const place& p, const entry& e, const std::string& where);
  void pin(const place& p, const entry& e);
  void trade(const place& p, const entry& e);
  void card(const place& p, const entry& e);
  void refund(const place& p, const entry& e);
  /// Of a card that nobody used as far as head office had heard, once for each month.
  void fee(const place& p, const entry& e);
  /// Units that expired (-1), or come back.
  void expire(const place& p, const entry& e, amount sign);
  void hand_over(const place& p, const entry& e, amount sign);
  void take_back(const place& p, const entry& e);
  void even_out(const place& p, const entry& e, amount sign);
  void put_aside(const place& p, const entry& e);
  /// What the entry takes of, or gives back from, what the authorise that it cites put aside.
  void end_hold(const place& p, const entry& e, const std::string& where);
  /// Units that the entry gave (sign 1) or takes back, from or to the quota of each.
  void give(const place& p, const entry& e, amount sign, const std::string& where);
  void settle(const place& p, const entry& e, const std::string& where);
  /// Debts that the entry makes, before anything is taken: of what was taken back and not there, or taken at the risk
  /// of the store's budget. And those that it pays, after all else.
  void owe(const place& p, const entry& e, const value_item& d, const std::string& where);
  void new_debts(const place& p, const entry& e, const std::string& where);
  void paid_debts(const place& p, const entry& e, const std::string& where);
  void transfer(const place& p, const entry& e);
  void regrant(const place& p, const entry& e);
  void ruling(const place& p, const entry& e);
  void execute(const place& p, const entry& e);

  /// What one entry did to the money of an account, for `known_balance`.
  struct known_value {
    sequence seq{};
    account_id account;
    amount value{};
  };
  void note_known(const writer_id& writer, sequence seq, const entry& e);

  std::map<writer_id, std::vector<bytes>> journals_;
  std::map<writer_id, std::vector<known_value>> known_;  ///< by sequence
  std::map<right, amount> rights_;
  std::map<std::uint64_t, amount> loaded_, spent_, owed_;            // money by account, over the whole chain
  std::map<std::pair<std::uint64_t, std::uint32_t>, amount> units_;  // by account and purse
  using channel = std::tuple<writer_id, writer_id, std::uint64_t>;
  std::map<channel, entry> sent_;
  std::set<channel> received_;
  std::map<channel, place> returned_;
  std::map<place, std::map<std::pair<std::uint32_t, std::uint32_t>, amount>> aside_;  ///< by authorise; purse, month
  std::map<std::pair<writer_id, sequence>, std::map<std::uint32_t, std::int64_t>> goods_back_;
  std::map<till_id, std::vector<place>> keys_;
  std::map<place, entry> approved_;
  std::map<std::uint64_t, std::vector<place>> sold_, given_back_;                                  ///< by account
  std::map<std::pair<writer_id, std::uint64_t>, std::pair<pin_state, std::uint32_t>> wrong_pins_;  ///< by account
  std::set<std::uint64_t> codes_;  ///< one-time codes that opened something
  std::map<std::uint64_t, std::vector<std::pair<place, std::uint32_t>>> uses_;  ///< by account; in which month
  std::map<writer_id, std::uint64_t> heard_;
  std::map<std::pair<std::uint64_t, std::int64_t>, place> fees_;  ///< account and the moment when it was due
  std::map<writer_id, std::uint64_t> restored_;
  std::map<std::pair<writer_id, sequence>, std::pair<place, entry>> ruled_;  ///< by case
  std::set<std::pair<writer_id, sequence>> executed_;
  std::map<writer_id, std::uint64_t> closed_;
  std::map<std::pair<writer_id, writer_id>, amount> sweeping_;  ///< sent by a sweep and not received
  amount sweeps_max_ = INT64_MAX;
  std::uint64_t swept_ = 0;
};

/// One line for messages: kind, key, account, amounts.
std::string describe(const entry& e);

}  // namespace tally::sim
