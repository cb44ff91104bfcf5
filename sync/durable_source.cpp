#include "sync/durable_source.hpp"

#include "sync/checkpoint.hpp"
#include "sync/left_out.hpp"
#include "sync/station.hpp"

namespace tally {

std::uint64_t durable_source::size(const stream_id& id) const { return reader_.size(id); }

result<segment> durable_source::next_segment(const stream_id& id, std::uint64_t from, std::size_t entries_max) const {
  return id.writer.node == self_ ? sign_own(id, from, entries_max) : reader_.foreign_segment(id, from);
}

result<segment> durable_source::sign_own(const stream_id& id, std::uint64_t from, std::size_t entries_max) const {
  // One read of the head: a commit that falls between two reads must not mix an old size with a new root.
  auto head = reader_.frontier(id);
  if (!head) return head.error();
  if (from >= head->size()) return error{errc::not_found, "entry " + std::to_string(from)};
  auto entries = reader_.own_entries(id, from, head->size(), entries_max);
  if (!entries) return entries.error();
  if (entries->empty()) return error{errc::corrupt, "entry " + std::to_string(from) + " is over its bound"};

  auto end = from + entries->size();
  auto root = head->root();
  if (end != head->size()) {
    auto inner = tally::root_at(end, reader_.nodes(id, {self_, {}}));
    if (!inner) return error{errc::corrupt, "the tree of " + stream_origin(chain_, id) + ": " + inner.error().detail};
    root = *inner;
  }
  remember(id, end, root);
  segment s;
  s.stream = id;
  s.first = from;
  s.entries = static_cast<std::uint32_t>(entries->size());
  auto older = older_.find(id.writer.epoch);
  s.sign = sign_checkpoint(older == older_.end() ? key_ : *older->second, {stream_origin(chain_, id), end, root, {}});
  s.payload = pack_entries(*entries);
  return s;
}

segment durable_source::without(const segment& whole, std::uint64_t from, topic_set topics) const {
  auto runs = reader_.runs(whole.stream, whole.first, whole.size_after());
  auto thin = runs ? thinned(whole, from, topics, *runs) : result<segment>(runs.error());
  return thin ? std::move(*thin) : whole;
}

result<entry_list> durable_source::entries(const stream_id& id, std::uint64_t from, std::uint64_t entries) const {
  const auto end = std::min(from + std::min<std::uint64_t>(entries, segment_entries_max), reader_.size(id));
  if (from >= end) return error{errc::not_found, "entries that are not here"};
  if (id.writer.node == self_) return reader_.own_entries(id, from, end, segment_entries_max);
  entry_list out;
  for (auto n = from; n < end;) {
    auto s = reader_.foreign_segment(id, n);
    auto all = s ? unpack_entries(*s) : result<entry_list>(s.error());
    if (!all) return all.error();
    for (; n < std::min(end, s->size_after()); ++n) {
      auto e = (*all)[static_cast<std::size_t>(n - s->first)];
      if (out.octets().size() + e.size() + 4 > segment_bytes_max) return out;
      out.add(e);
    }
  }
  return out;
}

std::optional<hash256> durable_source::root_at(const stream_id& id, std::uint64_t size) const {
  if (id.writer.node != self_) return std::nullopt;
  auto head = reader_.frontier(id);
  if (!head || size > head->size()) return std::nullopt;
  if (size == head->size()) return head->root();  // the usual question, and answered without the leaves
  if (auto known = remembered(id, size)) return known;
  auto root = tally::root_at(size, reader_.nodes(id, {self_, {}}));
  if (!root) return std::nullopt;
  remember(id, size, *root);
  return *root;
}

void durable_source::remember(const stream_id& id, std::uint64_t size, const hash256& root) const {
  std::lock_guard lock(mutex_);
  newest_ = (newest_ + 1) % roots_max;
  roots_[newest_] = {id, size, root};
}

std::optional<hash256> durable_source::remembered(const stream_id& id, std::uint64_t size) const {
  std::lock_guard lock(mutex_);
  for (const auto& r : roots_)
    if (r.size == size && r.stream == id) return r.root;
  return std::nullopt;
}

std::optional<stream_source::signed_head> durable_source::evidence(const stream_id& id) const {
  if (id.writer.node == self_) return std::nullopt;
  // Head and signature lie under two keys. Each commit changes both, so a signature that is the same before and after
  // belongs to the head that was read in between. A few tries suffice: commits take longer than reads.
  for (int attempt = 0; attempt < 8; ++attempt) {
    auto before = reader_.foreign_signature(id);
    auto head = reader_.frontier(id);
    if (!before || !head || head->size() == 0) return std::nullopt;
    if (reader_.foreign_signature(id) == before) return signed_head{head->size(), {head->root(), *before}};
  }
  return std::nullopt;
}

}  // namespace tally
