#pragma once
#include <map>
#include <optional>
#include <set>
#include <unordered_set>

#include "ledger/state.hpp"
#include "storage/kv_view.hpp"

namespace tally {

/// Uses of cards that head office heard of when it knew already that the card was lost or frozen. The store could not
/// know, and its entries stand; who bears each is for a ruling.
///
/// What comes first is the order in which head office adopted: its card state, the store's entry. Nobody's clock says
/// anything. That order is in no journal, so each find is written down in the group that keeps the entry
/// (storage/FORMAT.md, `l`). One owner thread; pure but for `load`.
class late_uses {
public:
  enum class state : std::uint8_t {
    none = 0,
    used = 1,       ///< value left the card: a case
    put_aside = 2,  ///< an authorisation: its capture is the use
    undone = 3,     ///< the store reversed it
  };
  /// Reads what was found before, and looks through all cards once for those that are lost or frozen. Errors: io,
  /// corrupt.
  status load(const kv_store& store);
  /// Head office says, or learns back, a card's state. Called for each, so that `note` need not look cards up.
  void card_said(account_id account, card_status now);
  /// Looks at an entry that was adopted a moment ago and is not contested: what it is, or (`undone`) what the entry
  /// that it cites is now.
  state note(const entry& e, const writer_id& writer, sequence seq);
  /// Puts what `note` found since the last call into the open group.
  void write(kv_view& view);
  using list = std::map<std::pair<writer_id, sequence>, state>;
  const list& all() const { return all_; }
  state of(const writer_id& w, sequence seq) const;

private:
  state put(const writer_id& w, sequence seq, state what);
  status load_cards(const kv_store& store);

  std::unordered_set<std::uint64_t> reported_;  ///< accounts whose card is lost, frozen or blacklisted
  list all_;
  std::set<std::pair<writer_id, sequence>> changed_;
};

}  // namespace tally
