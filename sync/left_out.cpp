#include "sync/left_out.hpp"

#include <algorithm>

namespace tally {

static bool is_goods(const entry& e, bool unreadable) {
  if (e.kind != entry_kind::publish || e.topic != publish_topic::product) return false;
  auto p = decode_product(e.blob);
  return p ? !p->open : unreadable;
}

bool looks_like_goods(const entry& e) { return is_goods(e, false); }
bool could_be_goods(const entry& e) { return is_goods(e, true); }

bool may_be_goods(const entry& e, const catalogue& known) {
  return looks_like_goods(e) && known.is_goods(decode_product(e.blob)->id);
}

std::vector<entry_run> announced_in(const opened_segment& s) {
  std::vector<entry_run> out;
  for (std::size_t i = 0; i < s.entries.size(); ++i) {
    if (peek_kind(s.entries[i]) != entry_kind::topic_run) continue;
    auto e = decode_entry(s.entries[i]);
    if (e && check_topic_run(*e)) out.push_back({s.place_of(i) + 1, e->size});
  }
  return out;
}

result<segment> thinned(const segment& s, std::uint64_t from, topic_set topics, const std::vector<entry_run>& runs) {
  if ((topics & topic_goods) == 0 || runs.empty() || s.is_thin()) return s;
  auto opened = open_segment(s);
  if (!opened) return opened.error();
  auto rest = from > s.first ? without_beginning(s, *opened, from) : result<segment>(s);
  if (!rest) return rest.error();
  std::vector<entry_run> left;
  for (const auto& run : runs) {
    // What is not of the topic goes, whatever was announced.
    for (auto n = std::max(run.first, rest->first); n < std::min(run.end(), rest->size_after()); ++n) {
      auto e = decode_entry(opened->entries[static_cast<std::size_t>(n - s.first)]);
      if (!e || !looks_like_goods(*e)) continue;
      if (!left.empty() && left.back().end() == n) {
        ++left.back().entries;
      } else {
        left.push_back({n, 1});
      }
    }
  }
  auto thin = leave_out(*rest, left);
  return thin && thin->payload.size() < rest->payload.size() ? thin : rest;
}

status check_left_out(const opened_segment& s, const std::vector<entry_run>& runs) {
  for (const auto& t : s.left_out) {
    const auto first = t.index << t.level, end = first + (std::uint64_t{1} << t.level);
    auto covers = [&](const entry_run& r) { return r.first <= first && end <= r.end(); };
    if (std::ranges::none_of(runs, covers))
      return error{errc::wrongly_left_out, "entries " + std::to_string(first) + " to " + std::to_string(end - 1) +
                                               " are left out, and head office did not say what they are"};
  }
  return done();
}

result<segment> without_beginning(const segment& s, const opened_segment& opened, std::uint64_t from) {
  if (opened.left_out.empty()) {
    entry_list left;
    for (auto i = static_cast<std::size_t>(from - s.first); i < opened.entries.size(); ++i)
      left.add(opened.entries[i]);
    return segment{s.stream, from, static_cast<std::uint32_t>(left.size()), s.sign, pack_entries(left)};
  }
  return error{errc::gap, "the beginning of a segment with entries left out"};
}

}  // namespace tally
