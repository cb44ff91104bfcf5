#pragma once
#include <algorithm>
#include <map>

#include "sync/session.hpp"

namespace tally::test {

/// Durable streams of which only sizes matter. A segment ends at a signed head: at each `cut`.
class counted_source : public stream_source {
public:
  std::map<stream_id, std::uint64_t> sizes;
  std::uint64_t cut = 1'000;
  std::size_t octets = 10;  ///< of each segment's payload
  hash256 root{9};          ///< of every stream at every size

  std::uint64_t size(const stream_id& id) const override {
    auto it = sizes.find(id);
    return it == sizes.end() ? 0 : it->second;
  }
  result<segment> next_segment(const stream_id& id, std::uint64_t from, std::size_t entries_max) const override {
    if (from >= size(id)) return error{errc::not_found, ""};
    auto n = std::min({size(id) - from, cut - from % cut, std::uint64_t{entries_max}});
    return segment{id, from, static_cast<std::uint32_t>(n), {}, bytes(octets, 'x')};
  }
  std::optional<signed_head> evidence(const stream_id& id) const override {
    if (size(id) == 0) return std::nullopt;
    return signed_head{size(id), {root, signature{8}}};
  }
  std::optional<hash256> root_at(const stream_id& id, std::uint64_t n) const override {
    return n <= size(id) ? std::optional(root) : std::nullopt;
  }
};

}  // namespace tally::test
