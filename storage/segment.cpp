#include "storage/segment.hpp"

#include <zstd.h>

#include <memory>

#include "storage/sha256.hpp"

namespace tally {
namespace {

// How a payload holds its entries. One entry alone gets longer by zstd's frame.
constexpr char form_plain = 0, form_zstd = 1;

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

bytes pack_entries(const entry_list& entries) {
  auto plain = entries.octets();
  invariant(!entries.empty() && entries.size() <= segment_entries_max && plain.size() <= segment_bytes_max,
            "segment bounds");
  bytes out(1 + ZSTD_compressBound(plain.size()), form_zstd);
  // A context per thread: making one costs more than a small segment.
  thread_local std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  invariant(context != nullptr, "zstd context");
  auto n =
      ZSTD_compressCCtx(context.get(), out.data() + 1, out.size() - 1, plain.data(), plain.size(), compression_level);
  invariant(!ZSTD_isError(n), "zstd compression");
  out.resize(1 + n);
  if (n >= plain.size()) {
    out.assign(1, form_plain);
    out.append(plain);
  }
  return out;
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

result<opened_segment> open_segment(const segment& s) {
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
