#include "storage/segment.hpp"

#include <zstd.h>

#include <memory>

#include "storage/sha256.hpp"

namespace tally {
namespace {

// How a payload holds its entries. One entry alone gets longer by zstd's frame.
constexpr char form_plain = 0, form_zstd = 1;
// The same of entries with hashes between them: for each entry its length and one, then its octets; for a subtree zero,
// its level and its hash.
constexpr char form_thin = 2, form_thin_zstd = 3;

// Above this a frame takes more time and is hardly shorter; below, a store's batch of a minute takes a millisecond.
constexpr int compression_level = 9;

}  // namespace

entry_list::entry_list(const std::vector<bytes>& entries) {
  for (const auto& e : entries)
    add(e);
}

void entry_list::add(byte_view entry) {
  byte_writer w(std::move(octets_));
  w.uv(entry.size());
  places_.push_back({static_cast<std::uint32_t>(w.size()), static_cast<std::uint32_t>(entry.size())});
  w.raw(entry);
  octets_ = w.take();
}

std::vector<bytes> entry_list::copies() const {
  std::vector<bytes> out;
  out.reserve(size());
  for (std::size_t i = 0; i < size(); ++i)
    out.emplace_back((*this)[i]);
  return out;
}

bool segment::is_thin() const { return !payload.empty() && (payload[0] == form_thin || payload[0] == form_thin_zstd); }

std::uint64_t opened_segment::place_of(std::size_t i) const { return places.empty() ? run.first() + i : places[i]; }

static bytes pack(byte_view plain, char as_is, char compressed) {
  bytes out(1 + ZSTD_compressBound(plain.size()), compressed);
  // A context per thread: making one costs more than a small segment.
  thread_local std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  invariant(context != nullptr, "zstd context");
  auto n =
      ZSTD_compressCCtx(context.get(), out.data() + 1, out.size() - 1, plain.data(), plain.size(), compression_level);
  invariant(!ZSTD_isError(n), "zstd compression");
  out.resize(1 + n);
  if (n >= plain.size()) {
    out.assign(1, as_is);
    out.append(plain);
  }
  return out;
}

bytes pack_entries(const entry_list& entries) {
  auto plain = entries.octets();
  invariant(!entries.empty() && entries.size() <= segment_entries_max && plain.size() <= segment_bytes_max,
            "segment bounds");
  return pack(plain, form_plain, form_zstd);
}

namespace {

status unpack_frame(byte_view frame, bytes& plain) {
  auto size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > segment_bytes_max)
    return error{errc::malformed, "a segment's frame"};
  if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size())
    return error{errc::malformed, "octets behind a segment's frame"};
  plain.resize(static_cast<std::size_t>(size));
  thread_local std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  invariant(context != nullptr, "zstd context");
  auto n = ZSTD_decompressDCtx(context.get(), plain.data(), plain.size(), frame.data(), frame.size());
  if (ZSTD_isError(n) || n != size) return error{errc::malformed, "a segment's compression"};
  return done();
}

}  // namespace

result<entry_list> unpack_entries(const segment& s) {
  entry_list out;
  auto& plain = out.octets_;
  if (s.payload.empty()) return error{errc::malformed, "a segment without a payload"};
  if (s.is_thin()) return error{errc::left_out, "entries of a segment"};
  auto content = byte_view(s.payload).substr(1);
  if (s.payload[0] == form_zstd) {
    TALLY_TRY(unpack_frame(content, plain));
  } else if (s.payload[0] == form_plain && content.size() <= segment_bytes_max) {
    plain = content;
  } else {
    return error{errc::malformed, "a segment's payload"};
  }
  byte_reader r(plain);
  out.places_.reserve(s.entries);
  for (std::uint32_t i = 0; i < s.entries && r.ok(); ++i) {
    auto e = r.str(entry_bytes_max);
    if (r.ok())
      out.places_.push_back(
          {static_cast<std::uint32_t>(plain.size() - r.remaining() - e.size()), static_cast<std::uint32_t>(e.size())});
  }
  if (!r.ok() || !r.at_end()) return error{errc::malformed, "a segment's entries"};
  return out;
}

namespace {

/// The largest full subtree of a run that begins at `at` and ends before `end`.
unsigned next_level(std::uint64_t at, std::uint64_t end) {
  unsigned level = 0;
  while (level < left_out_level_max && at % (std::uint64_t{2} << level) == 0 && at + (std::uint64_t{2} << level) <= end)
    ++level;
  return level;
}

/// One spelling: of what is left out without an entry between, the subtrees are as large as they can be.
bool is_shortest(const std::vector<merkle_subtree>& subtrees) {
  for (std::size_t i = 0; i < subtrees.size();) {
    auto at = subtrees[i].index << subtrees[i].level, end = at;
    auto last = i;
    for (; last < subtrees.size() && subtrees[last].index << subtrees[last].level == end; ++last)
      end += std::uint64_t{1} << subtrees[last].level;
    for (; i < last; ++i) {
      if (subtrees[i].level != next_level(at, end)) return false;
      at += std::uint64_t{1} << subtrees[i].level;
    }
  }
  return true;
}

result<opened_segment> open_thin(const segment& s) {
  error bad{errc::malformed, "a segment with entries left out"};
  bytes plain;
  auto content = byte_view(s.payload).substr(1);
  if (s.payload[0] == form_thin_zstd) {
    TALLY_TRY(unpack_frame(content, plain));
  } else if (s.payload[0] == form_thin && content.size() <= segment_bytes_max) {
    plain = content;
  } else {
    return error{errc::malformed, "a segment's payload"};
  }
  opened_segment out{{}, merkle_run(s.first)};
  byte_reader r(plain);
  while (r.ok() && !r.at_end() && out.run.end() < s.size_after()) {
    if (auto n = r.uv(entry_bytes_max + 1); n > 0) {
      auto e = r.raw(n - 1);
      if (!r.ok()) return bad;
      out.places.push_back(out.run.end());
      out.entries.add(e);
      out.run.append(merkle_leaf(e));
      continue;
    }
    merkle_subtree t;
    t.level = r.u8();
    r.fixed(t.hash);
    if (!r.ok() || t.level > left_out_level_max || out.run.end() % (std::uint64_t{1} << t.level) != 0 ||
        out.run.end() + (std::uint64_t{1} << t.level) > s.size_after())
      return bad;
    t.index = out.run.end() >> t.level;
    out.run.append(t);
    out.left_out.push_back(t);
  }
  if (!r.ok() || !r.at_end() || out.run.end() != s.size_after() || out.left_out.empty() || !is_shortest(out.left_out))
    return bad;
  return out;
}

/// A segment's content with entries and subtrees in order.
class thin_writer {
public:
  void entry(byte_view e) {
    w_.uv(e.size() + 1);
    w_.raw(e);
  }
  void subtree(const merkle_subtree& t) {
    w_.uv(0);
    w_.u8(static_cast<std::uint8_t>(t.level));
    w_.fixed(t.hash);
  }
  bytes take() { return w_.take(); }

private:
  byte_writer w_;
};

hash256 hash_of(const entry_list& entries, std::size_t from, unsigned level) {
  merkle_run run(0);
  for (std::size_t i = 0; i < std::size_t{1} << level; ++i)
    run.append(merkle_leaf(entries[from + i]));
  return run.subtrees().front().hash;
}

}  // namespace

result<segment> leave_out(const segment& s, const std::vector<entry_run>& runs) {
  auto all = unpack_entries(s);
  if (!all) return all.error();
  thin_writer w;
  bool thin = false;
  auto at = s.first;
  auto run = runs.begin();
  while (at < s.size_after()) {
    while (run != runs.end() && run->end() <= at)
      ++run;
    auto i = static_cast<std::size_t>(at - s.first);
    if (run == runs.end() || at < run->first) {
      w.entry((*all)[i]);
      ++at;
      continue;
    }
    const auto level = next_level(at, std::min(run->end(), s.size_after()));
    w.subtree({level, at >> level, hash_of(*all, i, level)});
    at += std::uint64_t{1} << level;
    thin = true;
  }
  auto plain = w.take();
  if (!thin || plain.size() > segment_bytes_max) return s;
  auto out = s;
  out.payload = pack(plain, form_thin, form_thin_zstd);
  return out;
}

result<segment> put_back(const segment& s, std::uint64_t first, const entry_list& entries) {
  auto opened = open_segment(s);
  if (!opened) return opened.error();
  thin_writer w;
  entry_list whole;
  std::vector<merkle_subtree> kept;
  bool filled = false;
  std::size_t next = 0;
  const auto end = first + entries.size();
  for (const auto& t : opened->left_out) {
    const auto at = t.index << t.level, behind = at + (std::uint64_t{1} << t.level);
    for (; next < opened->entries.size() && opened->place_of(next) < at; ++next)
      w.entry(opened->entries[next]), whole.add(opened->entries[next]);
    if (at < first || behind > end) {
      w.subtree(t);
      kept.push_back(t);
      continue;
    }
    const auto from = static_cast<std::size_t>(at - first);
    if (hash_of(entries, from, t.level) != t.hash) return error{errc::bad_proof, "entries that were left out"};
    filled = true;
    for (std::size_t i = 0; i < std::size_t{1} << t.level; ++i)
      w.entry(entries[from + i]), whole.add(entries[from + i]);
  }
  for (; next < opened->entries.size(); ++next)
    w.entry(opened->entries[next]), whole.add(opened->entries[next]);
  if (!filled) return error{errc::not_found, "nothing of that is left out"};
  auto out = s;
  if (kept.empty()) {
    if (whole.octets().size() > segment_bytes_max) return error{errc::malformed, "more than a segment takes"};
    out.payload = pack_entries(whole);
    return out;
  }
  auto plain = w.take();
  if (plain.size() > segment_bytes_max) return error{errc::malformed, "more than a segment takes"};
  out.payload = pack(plain, form_thin, form_thin_zstd);
  return out;
}

result<opened_segment> open_segment(const segment& s) {
  if (s.is_thin()) return open_thin(s);
  auto entries = unpack_entries(s);
  if (!entries) return entries.error();
  opened_segment out{std::move(*entries), merkle_run(s.first)};
  for (std::size_t i = 0; i < out.entries.size(); ++i)
    out.run.append(merkle_leaf(out.entries[i]));
  return out;
}

bytes encode_segment(const segment& s) {
  byte_writer w;
  write_stream(w, s.stream);
  w.uv(s.first);
  w.uv(s.entries);
  w.fixed(s.sign);
  w.str(s.payload);
  return w.take();
}

result<segment> decode_segment(byte_view data) {
  byte_reader r(data);
  segment s;
  s.stream = read_stream(r);
  s.first = r.uv(UINT64_MAX / 2);
  s.entries = static_cast<std::uint32_t>(r.uv(segment_entries_max));
  r.fixed(s.sign);
  s.payload = r.str(payload_bytes_max);
  if (!r.ok() || !r.at_end() || s.entries == 0) return error{errc::malformed, "a segment"};
  return s;
}

}  // namespace tally
