#include "sync/tlog_tiles.hpp"

#include <array>

#include "storage/sha256.hpp"
#include "sync/entry_walk.hpp"

namespace tally {
namespace {

/// "x001/x234/067": three digits an element, all but the last marked.
std::string index_path(std::uint64_t n) {
  auto digits = [](std::uint64_t v) {
    auto text = std::to_string(v);
    return std::string(3 - text.size(), '0') + text;
  };
  auto out = digits(n % 1000);
  for (n /= 1000; n > 0; n /= 1000)
    out = "x" + digits(n % 1000) + "/" + out;
  return out;
}

std::string with_width(std::string path, std::uint64_t width) {
  invariant(width >= 1 && width <= tile_width, "a tile has 1 to 256 hashes");
  return width == tile_width ? path : path + ".p/" + std::to_string(width);
}

/// A log of 2^64 entries has eight levels of tiles.
constexpr std::size_t levels = 8;

class tile_writer {
public:
  explicit tile_writer(tile_sink& sink) : sink_(sink) {}

  status entry(byte_view data) {
    if (data.size() > bundle_entry_bytes_max)
      return error{errc::unsupported, "entry " + std::to_string(frontier_.size()) + " has " +
                                          std::to_string(data.size()) + " octets; a tlog-tiles bundle takes 65535"};
    bundle_.push_back(static_cast<char>(data.size() >> 8));
    bundle_.push_back(static_cast<char>(data.size() & 0xff));
    bundle_.append(data);
    auto leaf = merkle_leaf(data);
    full_.clear();
    frontier_.append(leaf, full_);
    add(0, leaf);
    ++count_[0];
    if (count_[0] % tile_width != 0) return done();
    TALLY_TRY(put(bundle_path(count_[0] / tile_width - 1, tile_width), bundle_));
    bundle_.clear();
    TALLY_TRY(flush_whole(0));
    for (const auto& tile : full_) {
      auto level = tile.level / tile_levels;
      add(level, tile.hash);
      if (++count_[level] % tile_width == 0) TALLY_TRY(flush_whole(level));
    }
    return done();
  }

  /// The partial tiles at the right edge.
  status finish() {
    if (!bundle_.empty()) TALLY_TRY(put(bundle_path(count_[0] / tile_width, count_[0] % tile_width), bundle_));
    for (unsigned level = 0; level < levels; ++level)
      if (auto width = count_[level] % tile_width; width != 0)
        TALLY_TRY(put(tile_path(level, count_[level] / tile_width, width), hashes_[level]));
    return done();
  }

  const merkle_frontier& frontier() const { return frontier_; }
  std::uint64_t files() const { return files_; }

private:
  void add(std::size_t level, const hash256& h) { hashes_[level].append(view_of(h)); }
  status flush_whole(unsigned level) {
    auto data = std::exchange(hashes_[level], {});
    return put(tile_path(level, count_[level] / tile_width - 1, tile_width), data);
  }
  status put(const std::string& path, byte_view data) {
    ++files_;
    return sink_.put(path, data);
  }

  tile_sink& sink_;
  merkle_frontier frontier_;
  std::vector<merkle_subtree> full_;
  bytes bundle_;
  std::array<bytes, levels> hashes_;           ///< of the tile that grows
  std::array<std::uint64_t, levels> count_{};  ///< hashes of each level so far
  std::uint64_t files_ = 0;
};

}  // namespace

std::string tile_path(unsigned level, std::uint64_t index, std::uint64_t width) {
  return with_width("tile/" + std::to_string(level) + "/" + index_path(index), width);
}

std::string bundle_path(std::uint64_t index, std::uint64_t width) {
  return with_width("tile/entries/" + index_path(index), width);
}

result<tiles_written> write_tiles(const stream_log& log, const kv_store& store, node_id self, const checkpoint& head,
                                  tile_sink& sink, const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  invariant(head.size <= log.size(), "a head of this log");
  tile_writer out(sink);
  entry_walk walk(store, log.id(), self, 0, head.size);
  while (auto item = walk.next()) {
    TALLY_TRY(out.entry(item->data));
    if (progress && (item->seq + 1) % 16'384 == 0) progress(item->seq + 1, head.size);
  }
  if (const auto& bad = walk.damage())
    return error{bad->code, stream_name(log.id()) + ", entry " + std::to_string(bad->at) + ": expected " +
                                bad->expected + ", found " + bad->found};
  if (out.frontier().size() != head.size || out.frontier().root() != head.root)
    return error{errc::corrupt, "the entries of " + stream_name(log.id()) + " do not give the root that was signed"};
  TALLY_TRY(out.finish());
  if (progress) progress(head.size, head.size);
  return tiles_written{head.size, out.files()};
}

}  // namespace tally
