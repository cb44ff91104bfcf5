// A region that starts may stand on an old copy of its disk without knowing it. See docs/replication.md, "Rollback".
#include <algorithm>

#include "storage/entry_codec.hpp"
#include "sync/station.hpp"

namespace tally {

// Its parent has the journal, and each child what was sent to it. The parent's word alone would not do: what the lost
// part sent a child while head office was away, the child alone knows. Nor would the children's: what was sent up or
// taken in, they never see.
std::vector<node_id> station::unheard() const {
  std::vector<node_id> out;
  if (is_sure()) return out;
  if (auto p = parent(); p && !calendar_.confirmed && !lives_.start.parent_spoke) out.push_back(*p);
  for (auto child : children()) {
    auto record = node_of(book_->st(), child);
    bool open = record && record->epoch != epoch_id{} && !certificates_.is_revoked(child);
    if (open && lives_.start.heard.count(child) == 0) out.push_back(child);
  }
  return out;
}

// A child that is dark for days must not keep the others from one another's money. Nothing is sent to it before it was
// heard, so that no number is given away twice.
void station::become_sure() {
  auto& spoke = lives_.start.parent_spoke;
  if (calendar_.confirmed && !spoke) spoke = tick_;
  if (is_sure() || !spoke) return;
  auto missing = unheard();
  if (!missing.empty() && tick_ < *spoke + config_.sure_wait_ms) return;
  lives_.start.sure = true;
  if (missing.empty()) return;
  std::string names;
  for (auto n : missing)
    names += (names.empty() ? "" : ", ") + std::to_string(n.value);
  open_effects_.push_back(alarm_effect{
      errc::offline, "after its start this region goes on without the word of node " + names +
                         ", which may know what it sent there before; nothing is sent there until it is back"});
}

}  // namespace tally
