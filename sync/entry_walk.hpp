#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "storage/segment.hpp"
#include "storage/streams.hpp"

namespace tally {

/// What stopped a walk before its end.
struct walk_damage {
  std::uint64_t at = 0;       ///< first entry that could not be read
  errc code = errc::corrupt;  ///< `io` when the disk failed, else `corrupt`
  std::string expected, found;
};

/// Reads the entries of any stream held in a store one after the other, own or foreign, as its bytes lie on disk.
///
/// For whoever looks at data that may be damaged (audit, export): it never trusts a length, a number or an order, and
/// stops
/// with a reason where the stream does not go on. Holds one segment in memory. One thread; `store` outlives it.
class entry_walk {
public:
  struct item {
    sequence seq = 0;
    byte_view data;  ///< lives until the next call
    const signature* signed_here =
        nullptr;  ///< foreign streams: the writer's signature over the head behind this entry
    /// Entries that are left out here, from `seq` on; `data` is empty. Only where the walk passes over such.
    const merkle_subtree* left_out = nullptr;
  };

  /// What a walk does where entries are left out (`link.skip`): it stops with `left_out`, or hands out what stands for
  /// them.
  enum class holes : std::uint8_t { stop, show };
  /// Entries [from, until). `self` tells own streams from foreign ones.
  entry_walk(const kv_store& store, const stream_id& id, node_id self, std::uint64_t from, std::uint64_t until,
             holes where = holes::stop);

  /// The next entry; nothing at the end and at damage.
  std::optional<item> next();
  const std::optional<walk_damage>& damage() const { return damage_; }

private:
  std::optional<item> next_own();
  std::optional<item> next_foreign();
  bool load_segment();
  void stop(std::string expected, std::string found, errc code = errc::corrupt);

  const kv_store& store_;
  stream_id id_;
  bool own_;  ///< still in the index of an own stream
  std::uint64_t at_, until_;
  std::unique_ptr<kv_cursor> cursor_;
  bool moved_ = false;  ///< the cursor stands on what was handed out last
  bytes entry_;         ///< an entry reached through an index
  std::optional<segment> segment_;
  holes holes_;
  opened_segment opened_;
  std::size_t next_entry_ = 0, next_hole_ = 0;  ///< in the opened segment
  std::optional<walk_damage> damage_;
};

/// Every entry that the stream has here, or those of [from, until). Damage is an error that names stream and entry; an
/// error of `visit` ends it.
status each_entry(const stream_reader& reader, const stream_id& id, node_id self,
                  const std::function<status(sequence, byte_view)>& visit, std::uint64_t from = 0,
                  std::uint64_t until = UINT64_MAX);

/// Keys of family `entries` as FORMAT.md gives them.
bytes stream_index_key(const stream_id& id, std::uint64_t n);
bytes stream_tile_key(const stream_id& id, unsigned level, std::uint64_t index);

/// "3.5f0c1a2b3c4d5e6f/journal", "…/directory", "…/to/7".
std::string stream_name(const stream_id& id);

}  // namespace tally
