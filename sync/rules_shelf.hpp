#pragma once
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "ledger/rules.hpp"
#include "sync/price_check.hpp"

namespace tally {

/// The rules and products that directories had published at any size: made when asked for, the last few kept, so that
/// many journals at the same size share one.
///
/// Memory: eight octets a publication, and `kept_max` catalogues. One owner thread; what it hands out never changes.
class rules_shelf {
public:
  static constexpr std::size_t kept_max = 4;
  /// Adds the publication at that place of a directory to a catalogue; nothing if it does not decode.
  using reader = std::function<void(const stream_id& directory, std::uint64_t index, catalogue& to)>;
  explicit rules_shelf(reader read) : read_(std::move(read)) {}

  /// There is a publication at that place. REQUIRES: behind those that were told before of the same directory.
  void add(const stream_id& directory, std::uint64_t index) { places_[directory].push_back(index); }
  std::shared_ptr<const catalogue> published(const directory_sizes& sizes);
  std::shared_ptr<const catalogue> everything();

private:
  using counts = std::map<stream_id, std::size_t>;  ///< publications of each directory, none that has none
  struct kept {
    counts of;
    std::shared_ptr<const catalogue> rules;
  };
  std::shared_ptr<const catalogue> at(const counts& wanted);

  reader read_;
  std::map<stream_id, std::vector<std::uint64_t>> places_;
  std::list<kept> shelf_;  ///< the one that was used last first
};

}  // namespace tally
