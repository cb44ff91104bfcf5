// Keys that end: who may still knock with them, and what their own node does when it hears of it.
#include <algorithm>

#include "sync/station.hpp"

namespace tally {
namespace {

/// Family meta: size of head office's directory with the newest entry that ended keys of this node.
bytes end_of_keys_key(node_id node) {
  byte_writer w;
  w.u8('v');
  w.u32be(node.value);
  return w.take();
}

}  // namespace

stream_id station::directory() const {
  if (config_.role == node_role::hq) return {book_->self(), sub_stream::directory, {}};
  auto record = node_of(book_->st(), head_office);
  return {{head_office, record ? record->epoch : epoch_id{}}, sub_stream::directory, {}};
}

void station::note_end_of_keys(node_id node, std::uint64_t position) {
  byte_writer w;
  w.uv(position);
  book_->view().put(family::meta, end_of_keys_key(node), w.take());
  ++links_seen_;  // who may connect is asked for anew
  open_effects_.push_back(cut_off_effect{node});
}

std::vector<void_key> station::void_keys() const {
  std::vector<void_key> out;
  for (auto child : children()) {
    bytes v;
    // A database from before this was written down: all that is here now.
    auto position = store_.get(family::meta, end_of_keys_key(child), v) == lookup::found ? byte_reader(v).uv()
                                                                                         : reader_.size(directory());
    auto current = curve_key_of(child);
    for (const auto* c : certificates_.all_of(child)) {
      if (current == c->curve) continue;
      auto why = certificates_.is_revoked_key(c->signing) ? errc::revoked : errc::not_certified;
      std::erase_if(out, [&](const void_key& k) { return k.curve == c->curve; });
      out.push_back({c->curve, child, position, why});
    }
  }
  return out;
}

// It stays readable, and sells for cash; what it would do to cards counts for nothing anywhere else.
void station::stop_if_revoked() {
  if (!outlawed_ && !certificates_.is_revoked_key(keys_.key())) return;
  if (!std::exchange(outlawed_, true) && book_->stopped() != errc::revoked)
    open_effects_.push_back(alarm_effect{errc::revoked, "head office has revoked this node: no card value moves here"});
  if (book_->stopped() != errc::revoked) book_->stop_card_value(errc::revoked);
}

}  // namespace tally
