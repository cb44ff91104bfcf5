#include "fuzz/fuzz.hpp"
#include "storage/segment.hpp"
#include "storage/sha256.hpp"

using namespace tally;

namespace {

void check_opened(const segment& s, const opened_segment& o) {
  fuzz::expect(o.run.first() == s.first && o.run.end() == s.size_after(), "a segment's hashes are of all its entries");
  fuzz::expect(s.is_thin() == !o.left_out.empty(), "a segment says whether entries are left out");
  std::uint64_t n = o.entries.size();
  for (const auto& t : o.left_out) {
    fuzz::expect(t.level <= left_out_level_max && t.index << t.level >= s.first,
                 "what is left out lies in the segment");
    n += std::uint64_t{1} << t.level;
  }
  fuzz::expect(n == s.entries, "what is there and what is left out are all");
  for (std::size_t i = 0; i < o.entries.size(); ++i)
    fuzz::expect(
        o.place_of(i) >= s.first && o.place_of(i) < s.size_after() && (i == 0 || o.place_of(i) > o.place_of(i - 1)),
        "entries are in order");
}

/// Runs drawn from the octets of the input itself: the same input, the same runs.
std::vector<entry_run> runs_in(const segment& s) {
  std::vector<entry_run> out;
  auto at = s.first;
  for (auto octet : s.sign) {
    at += octet & 7;
    if (at >= s.size_after()) break;
    out.push_back({at, 1U + (octet >> 3)});
    at = out.back().end() + 1;
  }
  return out;
}

/// What is left out and put back again is what it was, and its hashes never change.
void leave_out_and_put_back(const segment& whole, const entry_list& entries) {
  auto thin = leave_out(whole, runs_in(whole));
  fuzz::expect(thin.ok(), "entries of a whole segment can be left out");
  if (!thin->is_thin()) return;
  auto back = decode_segment(encode_segment(*thin));
  fuzz::expect(back.ok(), "a thin segment is read as it was written");
  auto a = open_segment(whole), b = open_segment(*back);
  fuzz::expect(a.ok() && b.ok() && a->run.subtrees() == b->run.subtrees() && a->run.tiles() == b->run.tiles(),
               "the same hashes, whatever is left out");
  check_opened(*back, *b);
  auto full = put_back(*thin, whole.first, entries);
  fuzz::expect(full.ok() && !full->is_thin(), "all of it fills each hole");
  auto again = unpack_entries(*full);
  fuzz::expect(again.ok() && *again == entries, "what was put back is what was left out");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  auto s = decode_segment(in);
  if (!s) return 0;
  fuzz::expect(encode_segment(*s) == in, "a segment is written as it was read");
  fuzz::expect(s->size_after() > s->first, "a segment goes forward");
  auto opened = open_segment(*s);
  if (opened && opened->run.end() == s->size_after()) check_opened(*s, *opened);
  if (s->is_thin()) {
    fuzz::expect(unpack_entries(*s).code() == errc::left_out, "a thin segment is never taken for a whole one");
    fuzz::expect(!leave_out(*s, {}).ok(), "nor is more left out of it");
    if (opened) (void)put_back(*s, s->first, opened->entries);
    return 0;
  }
  auto entries = unpack_entries(*s);
  if (!entries) return 0;
  fuzz::expect(entries->size() == s->entries, "a segment holds what it says");
  std::size_t octets = 0;
  for (const auto& e : *entries)
    octets += e.size();
  fuzz::expect(octets <= segment_bytes_max, "a segment stays within its bound");
  segment again = *s;
  again.payload = pack_entries(*entries);
  auto back = unpack_entries(again);
  fuzz::expect(back.ok() && *back == *entries, "entries survive another packing");
  leave_out_and_put_back(again, *entries);
  return 0;
}
