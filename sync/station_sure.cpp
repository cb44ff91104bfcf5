// A region that starts may stand on an old copy of its disk without knowing it. See docs/replication.md, "Rollback".
#include <algorithm>

#include "storage/entry_codec.hpp"
#include "sync/checkpoint.hpp"
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
  if (is_sure()) return;
  auto missing = unheard();
  if (!spoke) return become_sure_alone(missing);
  lives_.start.alone.reset();
  // A stick may be as old as the disk: then all stores must have spoken.
  if (!missing.empty() && (!calendar_.confirmed || tick_ < *spoke + config_.sure_wait_ms)) return;
  lives_.start.sure = true;
  if (missing.empty()) return;
  std::string names;
  for (auto n : missing)
    names += (names.empty() ? "" : ", ") + std::to_string(n.value);
  open_effects_.push_back(alarm_effect{
      errc::offline, "after its start this region goes on without the word of node " + names +
                         ", which may know what it sent there before; nothing is sent there until it is back"});
}

// A region serves its stores while head office is away, also when it was started meanwhile. All of them know what it
// sent down, and how far it had their journals: an old copy has less of one of them, unless none of them wrote anything
// since.
void station::become_sure_alone(const std::vector<node_id>& missing) {
  auto& alone = lives_.start.alone;
  auto p = parent();
  bool all_but_it = p && !up_.count(*p) && missing == std::vector{*p} && !lives_.start.heard.empty() &&
                    lives_.start.cosigned.size() < start_watch::cosigned_max;
  if (!all_but_it) return alone.reset();
  if (!alone) alone = tick_;
  if (tick_ < *alone + config_.sure_wait_ms) return;
  lives_.start.sure = true;
  open_effects_.push_back(alarm_effect{errc::offline,
                                       "after its start this region goes on without head office's word; "
                                       "all of its stores know no more than it does"});
}

void station::note_start() {
  auto& start = lives_.start;
  sweep_from_ = start.had = book_->durable_next();
  auto list = reader_.list();
  if (config_.role != node_role::region || !list) return;
  for (const auto& id : *list)
    if (id.sub == sub_stream::journal && id.writer.node != config_.self) start.known_to[id] = reader_.size(id);
}

// At a child: its parent asks for less of this journal than it had cosigned.
void station::remind_parent(node_id parent, std::uint64_t from) {
  auto had = cosigned(parent);
  if (had && had->size > from && had->stream == book_->journal()) open_effects_.push_back(to_neighbour{parent, *had});
}

void station::heed_own_cosignature(const cosign_message& m) {
  const auto* own = certificate_of(config_.self);
  const auto& known = lives_.start.known_to;
  auto it = known.find(m.stream);
  const auto had = it == known.end() ? 0 : it->second;
  const auto& since = lives_.start.cosigned;
  if (is_sure() || !own || m.size <= had || since.count(m.sign) || since.size() >= start_watch::cosigned_max) return;
  // What an earlier life had, that one lost.
  auto first = book_->find_entry(0);
  if (first && heritage_of(observer_->st(), book_->self()) &&
      m.time <= start_of_day(first->business_date) + first->stamp)
    return;
  if (!verify_cosignature(certificates_.with(), own->signing,
                          {stream_origin(config_.chain, m.stream), m.size, m.root, {}}, m.time, m.sign))
    return;
  begin_anew(errc::rolled_back,
             "this region had cosigned " + std::to_string(m.size) + " entries of node " +
                 std::to_string(m.stream.writer.node.value) + " and has only " + std::to_string(reader_.size(m.stream)),
             unknown_end);
}

}  // namespace tally
