#pragma once
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "ledger/rules.hpp"
#include "sync/price_check.hpp"

namespace tally {

/// The rules and products that directories had published at any size: made when asked for, the last few kept, so that
/// many journals at the same size share one.
///
/// Memory: eight octets a publication, some hundred a certificate, and `kept_max` catalogues. One owner thread; what it
/// hands out never changes.
class rules_shelf {
public:
  static constexpr std::size_t kept_max = 4;
  /// Adds the publication at that place of a directory to a catalogue; nothing if it does not decode.
  using reader = std::function<void(const stream_id& directory, std::uint64_t index, catalogue& to)>;
  explicit rules_shelf(reader read) : read_(std::move(read)) {}

  /// There is a publication at that place. REQUIRES: behind those that were told before of the same directory.
  void add(const stream_id& directory, std::uint64_t index) { places_[directory].push_back(index); }
  /// There is a certificate at that place of a directory; one that does not decode is none.
  void certified(const stream_id& directory, std::uint64_t index, byte_view signed_form);
  /// Whose node writes that journal: by the newest certificate of the first so many entries of these directories, and
  /// by the one that the journal began with, which its node was given before any directory. Nothing if there is none.
  std::optional<std::uint32_t> owner_of(const writer_id& w, const directory_sizes& sizes) const;
  std::shared_ptr<const catalogue> published(const directory_sizes& sizes);
  std::shared_ptr<const catalogue> everything();

private:
  using counts = std::map<stream_id, std::size_t>;  ///< publications of each directory, none that has none
  struct kept {
    counts of;
    std::shared_ptr<const catalogue> rules;
  };
  std::shared_ptr<const catalogue> at(const counts& wanted);

  struct owned {
    stream_id directory;
    std::uint64_t index{}, serial{};
    epoch_id epoch;
    std::uint32_t owner{};
  };

  reader read_;
  std::map<node_id, std::vector<owned>> owned_;  ///< as they were told
  std::map<stream_id, std::vector<std::uint64_t>> places_;
  std::list<kept> shelf_;  ///< the one that was used last first
};

}  // namespace tally
