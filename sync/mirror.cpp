#include "sync/mirror.hpp"

#include <algorithm>
#include <exception>
#include <tuple>

#include "sync/checkpoint.hpp"
#include "sync/entry_walk.hpp"
#include "sync/station_facts.hpp"

namespace tally {
namespace {

std::string entries_text(std::uint64_t n) { return n == 1 ? "1 entry" : std::to_string(n) + " entries"; }

/// Where head office's cosignatures are: `shipment` begins there by itself.
wanted_from begins_of(const shipment& s) {
  wanted_from out;
  for (const auto& r : s.rows())
    out[r.stream] = r.from;
  return out;
}

struct end_of_stream {
  std::uint64_t size = 0;
  signature sign{};
};

}  // namespace

mirror_report as_seen(mirror_report last, std::optional<tick_ms> busy_since, tick_ms tick) {
  if (!busy_since || tick - *busy_since < mirror_slow_ms) return last;
  if (!last.behind_since) last.behind_since = busy_since;
  last.code = errc::io;
  last.detail = "the disk has not answered for " + std::to_string((tick - *busy_since) / 1'000) + " s";
  return last;
}

status mirror::step(const carrier_parts& now, std::array<std::uint8_t, 8> id, unix_seconds wall, tick_ms tick) {
  auto ok = guarded_step(now, id, wall);
  const stream_id journal{now.self, sub_stream::journal, {}};
  const auto size = stream_reader(now.store).size(journal);
  auto held = at_.find(journal);
  report_.held = held == at_.end() ? 0 : held->second;
  // What head office has is missing nowhere, also while the disk is.
  if (!ok)
    if (auto s = shipment::plan(now, head_office, {}, {}, id, wall))
      report_.held = std::max(report_.held, begins_of(*s)[journal]);
  report_.held = std::min(report_.held, size);
  report_.behind = size - report_.held;
  if (report_.behind == 0) report_.behind_since.reset();
  if (report_.behind > 0 && !report_.behind_since) report_.behind_since = tick;
  report_.bytes = bytes_;
  report_.files = files_;
  report_.code = ok ? errc::ok : ok.error().code;
  report_.detail = ok ? std::string() : ok.error().detail;
  return ok;
}

status mirror::guarded_step(const carrier_parts& now, std::array<std::uint8_t, 8> id, unix_seconds wall) {
  try {
    return try_step(now, id, wall);
  } catch (const std::exception& e) {
    // Where it stopped is not known, so nothing counts as written.
    placed_ = false;
    at_.clear();
    files_ = 0;
    bytes_ = 0;
    medium_.abandon();
    return error{errc::io, e.what()};
  }
}

status mirror::try_step(const carrier_parts& now, std::array<std::uint8_t, 8> id, unix_seconds wall) {
  if (!placed_) return begin_anew(now, id, wall);
  // A disk that was taken out, or another in its place, is noticed also while nothing is sold.
  if (auto there = medium_.check(); !there) {
    placed_ = false;
    at_.clear();
    return there;
  }
  auto s = missing(now, wall);
  if (!s) return s.error();
  if (s->entries() == 0) return done();
  if (files_ - first_files_ >= limits_.files_max || bytes_ + parcel_bytes_full > limits_.bytes_max) {
    auto from_now = shipment::plan(now, head_office, {}, {}, id, wall);
    if (!from_now) return from_now.error();
    if (files_ - first_files_ >= limits_.files_max || begins_of(*from_now) != begins_) return begin_anew(now, id, wall);
  }
  auto ok = write(*s);
  if (!ok) placed_ = false;                            // how much of it is there is not known
  if (!ok && over_) return begin_anew(now, id, wall);  // many small files take more than a few large ones
  return ok;
}

/// From where it is to where the journals are.
result<shipment> mirror::missing(const carrier_parts& now, unix_seconds wall) const {
  return shipment::plan(now, head_office, at_, {}, id_, wall);
}

status mirror::begin_anew(const carrier_parts& now, std::array<std::uint8_t, 8> id, unix_seconds wall) {
  placed_ = false;
  auto s = shipment::plan(now, head_office, {}, {}, id, wall);
  if (!s) return s.error();
  auto begins = begins_of(*s);
  const error full{errc::full, "head office has not cosigned what would make room; " +
                                   std::to_string(limits_.bytes_max >> 20) + " MiB are the bound (mirror.mb)"};
  if (too_much_ && *too_much_ == begins) return full;
  TALLY_TRY(replaces_nothing_newer(now));
  TALLY_TRY(medium_.begin());
  const auto before = std::tuple(at_, id_, files_, bytes_);
  at_ = begins;
  id_ = id;
  files_ = 0;
  bytes_ = 0;
  auto ok = write(*s);
  if (ok) ok = medium_.finish();
  if (!ok) {
    // What lies there stays as it is, until head office has cosigned more.
    if (over_) too_much_ = begins;
    std::tie(at_, id_, files_, bytes_) = before;
    medium_.abandon();
    return over_ ? status(full) : ok;
  }
  too_much_.reset();
  begins_ = begins;
  first_files_ = files_;
  placed_ = true;
  return done();
}

// Each file is the last of its shipment until another one is added, so what lies there is whole at any moment.
status mirror::write(shipment& s) {
  over_ = false;
  for (;;) {
    auto p = s.next();
    if (!p) return p.error();
    if (!*p) break;
    auto& file = **p;
    file.shipment = id_;
    file.number = files_ + 1;
    file.last = true;
    auto data = encode_parcel(file);
    if (bytes_ + data.size() > limits_.bytes_max) {
      over_ = true;
      return error{errc::full, "its bound of " + std::to_string(limits_.bytes_max >> 20) + " MiB (mirror.mb)"};
    }
    TALLY_TRY(medium_.add(file.number, data));
    ++files_;
    bytes_ += data.size();
    for (const auto& m : file.messages)
      if (const auto* seg = std::get_if<segment_message>(&m)) at_[seg->seg.stream] = seg->seg.size_after();
  }
  return done();
}

// A machine whose disk was lost, or which stands on a backup, must not wipe out the only copy of its last sales.
status mirror::replaces_nothing_newer(const carrier_parts& now) {
  std::map<stream_id, end_of_stream> ends;
  auto read = medium_.each([&](bytes data) {
    auto p = decode_parcel(data);
    if (!p) return;  // nobody could take it either
    for (const auto& m : p->messages)
      if (const auto* s = std::get_if<segment_message>(&m))
        if (auto& end = ends[s->seg.stream]; s->seg.size_after() > end.size) end = {s->seg.size_after(), s->seg.sign};
  });
  if (!read) return read.code() == errc::not_found ? done() : read;
  stream_reader reader(now.store);
  for (const auto& [id, end] : ends) {
    if (id.writer.node != now.self.node) continue;  // it has a disk of its own
    auto size = reader.size(id);
    auto what = stream_name(id);
    if (end.size > size)
      return error{errc::not_allowed, "there are " + entries_text(end.size) + " of " + what + ", and here " +
                                          std::to_string(size) +
                                          ": take it to head office or to the region (ship --from), then empty it"};
    auto root = root_at(end.size, reader.nodes(id, {now.self.node, {}}));
    if (!root) return root.error();
    auto body = checkpoint_body({stream_origin(now.chain, id), end.size, *root, {}});
    // By whichever key of this node: the same root is the same entries.
    auto certified = now.certificates.all_of(now.self.node);
    bool ours = std::ranges::any_of(
        certified, [&](const certificate* c) { return now.certificates.with().verify(c->signing, body, end.sign); });
    if (!ours)
      return error{errc::not_allowed, "there are other entries of " + what +
                                          " than here: take it to head office or to the region (ship --from), then "
                                          "empty it"};
  }
  return done();
}

}  // namespace tally
