#pragma once
#include <cstddef>
#include <vector>

#include "ledger/entry.hpp"
#include "storage/kv.hpp"

namespace tally {

/// Looks for the media that lead to one account, through those of all cards, a bounded number of them at a step: the
/// database finds a card by a medium, not the other way. In the order of the media. A value; not thread-safe.
class media_search {
public:
  explicit media_search(account_id account);
  /// Looks at `most` more; true while there are others. Errors: `io`.
  result<bool> step(const kv_store& store, std::size_t most);
  const std::vector<bytes>& found() const { return found_; }

private:
  account_id account_;
  bytes at_;
  std::vector<bytes> found_;
};

/// So many at a step keep nothing else waiting for long.
inline constexpr std::size_t media_of_step = 5'000;

}  // namespace tally
