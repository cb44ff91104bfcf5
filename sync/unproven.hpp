#pragma once
#include <functional>
#include <map>
#include <set>

#include "ledger/fold.hpp"
#include "storage/streams.hpp"

namespace tally {

/// Rights of stores that only their own journals speak for: what a contested entry made, what was received although
/// nobody here knows the send, what was loaded from such quota. It is applied as its writer wrote it, so that later
/// entries fit, but whoever is sent rights credits no more than what is proven: the sum of all holdings less what
/// is counted here. So a store's key alone makes no value for anybody, and a thief gains nothing above what was
/// given to the store.
///
/// Counted by store, not by card: what was sold is taken to have come from what is proven. A count goes down when the
/// missing half of a transfer comes. Regions are not counted here: their transfers' halves come in any order.
///
/// Pure; part of an observer, with whose checkpoint it is written (family `state`, `u` writer).
class unproven_rights {
public:
  struct sums {
    tally::amount rights{}, quota{};
    tally::amount made{};  ///< of the rights: created from this quota; they are proven with it
  };
  using by_unit = std::map<unit_id, sums>;  ///< by the unit of value
  using read_addressed = std::function<std::optional<entry>(const stream_id& id, sequence seq)>;

  /// Before a good entry is applied: `bad_proof` for a send to `self` of rights that are not proven.
  status check(const entry& e, const entry_place& place, node_id self, const state& s) const;
  /// Before any entry is applied, with what it will move: counts what it makes, and what it proves. `why` is the
  /// verdict so far; `read` finds entries of head office's streams to descendants, which pass through here.
  void count(const entry& e, const entry_place& place, const std::vector<posting>& postings, errc why, node_id self,
             const state& s, const read_addressed& read);
  /// A send of another node's stream came: a receive that came before it is proven now. True when it changed something.
  bool proved(const entry& send, const writer_id& from, const state& s);

  sums of(const writer_id& w, unit_id unit = main_unit) const;
  /// Whether anything of any unit is counted.
  bool any(const writer_id& w) const;
  by_unit all(const writer_id& w) const;
  /// What changed since `written`, and all that there is.
  const std::set<writer_id>& changed() const { return changed_; }
  void written() { changed_.clear(); }
  void load(const writer_id& w, unit_id unit, sums v) { sums_[w][unit] = v; }

private:
  void add(const writer_id& w, const by_unit& made);
  void lend(const entry& e, const writer_id& w, const by_unit& known, const state& s);
  bool release(const entry& e, const writer_id& from, const writer_id& to, const state& s);

  std::map<writer_id, by_unit> sums_;
  std::set<writer_id> changed_;
};

}  // namespace tally
