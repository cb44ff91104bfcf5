#include "storage/rocks_wal.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <system_error>
#include <vector>

#include "ledger/types.hpp"

// The log format is RocksDB's, unchanged since LevelDB: blocks of 32 KB; in them records with a header of a masked
// CRC-32C (4 bytes), a length (2) and a type (1). A record that does not fit into its block goes on in the next one.
// A block's last bytes, if a header does not fit, are not used. The first record of a batch begins with the batch's
// sequence number (8) and its number of operations (4). All numbers are little-endian.

namespace tally {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t block_size = 32768;
constexpr std::size_t header_size = 7;
constexpr std::size_t batch_head_size = 12;

enum class part : std::uint8_t { full = 1, first = 2, middle = 3, last = 4 };

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit)
      c = (c >> 1) ^ ((c & 1) ? 0x82f63b78u : 0u);
    table[i] = c;
  }
  return table;
}();

/// CRC-32C, masked as RocksDB stores it.
std::uint32_t masked_crc(byte_view data) {
  std::uint32_t c = ~0u;
  for (char byte : data)
    c = crc_table[(c ^ static_cast<std::uint8_t>(byte)) & 0xff] ^ (c >> 8);
  c = ~c;
  return ((c >> 15) | (c << 17)) + 0xa282ead8u;
}

std::uint64_t little_endian(byte_view data) {
  std::uint64_t v = 0;
  for (auto at = data.rbegin(); at != data.rend(); ++at)
    v = (v << 8) | static_cast<std::uint8_t>(*at);
  return v;
}

struct record {
  part type;
  std::uint32_t crc;
  byte_view type_and_payload;

  std::size_t size() const { return header_size - 1 + type_and_payload.size(); }
  byte_view payload() const { return type_and_payload.substr(1); }
  bool begins_a_batch() const { return type == part::full || type == part::first; }
  bool whole() const { return masked_crc(type_and_payload) == crc; }
};

/// The record at `pos`, if its header makes sense there; its checksum is not looked at.
std::optional<record> record_at(byte_view block, std::size_t pos) {
  if (pos + header_size > block.size()) return std::nullopt;
  const auto crc = static_cast<std::uint32_t>(little_endian(block.substr(pos, 4)));
  const auto length = static_cast<std::size_t>(little_endian(block.substr(pos + 4, 2)));
  const auto type = static_cast<std::uint8_t>(block[pos + 6]);
  if (type < 1 || type > 4 || pos + header_size + length > block.size()) return std::nullopt;
  return record{part(type), crc, block.substr(pos + 6, 1 + length)};
}

/// The last record of a log whose length is wrong: its checksum, which does not cover the length, fits the rest.
bool whole_but_for_its_length(byte_view rest) {
  return masked_crc(rest.substr(header_size - 1)) == static_cast<std::uint32_t>(little_endian(rest.substr(0, 4)));
}

/// Walks over the logs of one directory, oldest first.
class walk {
public:
  status file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
      // A running node drops logs that it needs no longer; whatever else is wrong, RocksDB will say.
      expected_.reset();
      return done();
    }
    path_ = path;
    block_at_ = 0;
    stuck_ = false;
    pending_.reset();
    std::vector<char> room(block_size);
    for (;;) {
      in.read(room.data(), static_cast<std::streamsize>(room.size()));
      const byte_view block(room.data(), static_cast<std::size_t>(in.gcount()));
      if (in.bad()) return {errc::io, "cannot read " + path_.string()};
      TALLY_TRY(stuck_ ? behind_the_end(block) : forward(block));
      if (block.size() < block_size) return done();
      block_at_ += block_size;
    }
  }

private:
  /// Follows the records. Where that ends before the block does, nothing whole may follow.
  status forward(byte_view block) {
    std::size_t pos = 0;
    while (pos + header_size <= block.size()) {
      const auto r = record_at(block, pos);
      if (!r) {
        stuck_ = true;
        stuck_at_ = block_at_ + pos;
        if (whole_but_for_its_length(block.substr(pos))) return hole(block_at_ + pos + header_size);
        return search(block, pos + 1);
      }
      TALLY_TRY(count(*r, block_at_ + pos));
      pos += r->size();
    }
    return done();
  }

  /// A batch that begins anywhere behind the place where the log seemed to end.
  status search(byte_view block, std::size_t pos) const {
    for (; pos + header_size <= block.size(); ++pos) {
      const auto r = record_at(block, pos);
      if (r && r->begins_a_batch() && r->payload().size() >= batch_head_size && r->whole())
        return hole(block_at_ + pos);
    }
    return done();
  }

  /// Later blocks. A power cut may keep the continuation of a torn record, but no batch that was begun after it.
  status behind_the_end(byte_view block) const {
    for (std::size_t pos = 0;;) {
      const auto r = record_at(block, pos);
      if (!r || !r->whole()) return done();
      if (r->begins_a_batch()) return hole(block_at_ + pos);
      pos += r->size();
    }
  }

  status hole(std::uint64_t next) const {
    return {errc::corrupt, "the write-ahead log " + path_.string() + " is damaged from byte " +
                               std::to_string(stuck_at_) + ", and goes on at byte " + std::to_string(next) +
                               ": restore from a copy"};
  }

  /// Sequence numbers have no gap.
  status count(const record& r, std::uint64_t at) {
    if (r.begins_a_batch()) {
      pending_.reset();
      if (r.payload().size() < batch_head_size) {  // split by a block's end: this one is not compared
        expected_.reset();
        return done();
      }
      const auto sequence = little_endian(r.payload().substr(0, 8));
      if (expected_ && sequence > *expected_)
        return {errc::corrupt, "the write-ahead log lacks changes " + std::to_string(*expected_) + " to " +
                                   std::to_string(sequence - 1) + " before byte " + std::to_string(at) + " of " +
                                   path_.string() + ": restore from a copy"};
      pending_ = sequence + little_endian(r.payload().substr(8, 4));
    }
    if (r.type == part::full || r.type == part::last) {
      if (pending_) expected_ = pending_;
      pending_.reset();
    }
    return done();
  }

  fs::path path_;
  std::uint64_t block_at_ = 0;
  std::uint64_t stuck_at_ = 0;
  bool stuck_ = false;
  std::optional<std::uint64_t> pending_;   ///< what follows the batch that has begun
  std::optional<std::uint64_t> expected_;  ///< sequence number of the next batch, where it is known
};

}  // namespace

status check_write_ahead_logs(const fs::path& dir) {
  std::vector<std::pair<std::uint64_t, fs::path>> logs;
  std::error_code ec;
  for (fs::directory_iterator at(dir, ec), end; !ec && at != end; at.increment(ec)) {
    if (at->path().extension() != ".log") continue;
    const auto name = at->path().stem().string();
    std::uint64_t number = 0;
    const auto [rest, fault] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (fault == std::errc{} && rest == name.data() + name.size()) logs.emplace_back(number, at->path());
  }
  if (ec && ec != std::errc::no_such_file_or_directory) return {errc::io, "cannot look into " + dir.string()};
  std::sort(logs.begin(), logs.end());
  walk w;
  for (const auto& [number, path] : logs)
    TALLY_TRY(w.file(path));
  return done();
}

}  // namespace tally
