#pragma once
#include <map>

#include "ledger/entry.hpp"

namespace tally {

/// Head office: of which sales a store gives goods back just now. Another store that asks meanwhile is told to wait,
/// since what the first one gives is not here yet. Bounded in number and time, in memory alone: after a restart nothing
/// is held. Pure; one owner thread.
class return_holds {
public:
  static constexpr std::size_t sales_max = 10'000;  ///< beyond it the one that ends first is forgotten

  /// A store asks about a sale. True: it may give back, and holds the sale for `hold` from now on. False: another node
  /// holds it; or its holder asks again after another was sent away, so that nobody holds a sale for ever by asking.
  bool ask(const writer_id& seller, sequence seq, node_id asker, tick_ms now, tick_ms hold);
  /// An entry that gives goods back is here: it is what came of one question of its writer's node.
  void came(const entry& e, const writer_id& writer);
  std::size_t size() const { return held_.size(); }

private:
  struct held {
    node_id by;
    tick_ms until{};
    std::uint64_t asked{};   ///< questions whose entry is not here
    bool sent_away = false;  ///< another store asked meanwhile
  };
  std::map<std::pair<writer_id, sequence>, held> held_;
};

/// An entry of a store that head office waits for, so it does not wait for others to travel with: all that gives back
/// what was sold, but for sales that nobody above has heard of (`held` entries are there), which were not asked about.
bool is_awaited(const entry& e, std::uint64_t held);
/// Kinds that give back what was sold.
bool gives_goods_back(entry_kind k);

}  // namespace tally
