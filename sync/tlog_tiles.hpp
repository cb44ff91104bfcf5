#pragma once
#include <functional>
#include <string>

#include "sync/stream_log.hpp"

namespace tally {

// C2SP tlog-tiles: a log as files that any web server can serve and any tiled-log client reads.

/// Where the files go. A port; the adapter decides about directories and what is durable.
class tile_sink {
public:
  virtual ~tile_sink() = default;
  /// Writes one file, whole. `path` is relative, with '/'. An error ends the export.
  virtual status put(const std::string& path, byte_view data) = 0;
};

inline constexpr std::uint64_t tile_width = 256;
inline constexpr std::size_t bundle_entry_bytes_max = 0xffff;

/// "tile/<level>/<N>[.p/<width>]"; a whole tile has width 256. REQUIRES: width 1 to 256.
std::string tile_path(unsigned level, std::uint64_t index, std::uint64_t width);
/// "tile/entries/<N>[.p/<width>]".
std::string bundle_path(std::uint64_t index, std::uint64_t width);

struct tiles_written {
  std::uint64_t size = 0;   ///< of the log
  std::uint64_t files = 0;  ///< tiles and bundles written, without checkpoint and key
};

/// Gives the sink all entry bundles and tiles of the first `head.size` entries. It sees everything each time, so it can
/// leave alone what it has, and mend what was lost.
///
/// The hashes are computed from the entries, and compared with the signed root before this returns ok: the caller
/// writes the checkpoint only then. Memory: one bundle (16 MiB at most), a tile of each level. Errors: `corrupt` with
/// the place, `unsupported` for an entry that is too long for a bundle, `io`, and whatever the sink answers.
result<tiles_written> write_tiles(const stream_log& log, const kv_store& store, node_id self, const checkpoint& head,
                                  tile_sink& sink,
                                  const std::function<void(std::uint64_t done, std::uint64_t total)>& progress = {});

}  // namespace tally
