#include "sync/left_out_watch.hpp"

#include <algorithm>

#include "sync/entry_walk.hpp"
#include "sync/left_out.hpp"

namespace tally {
namespace {

std::uint64_t entries_of(const std::vector<merkle_subtree>& left_out) {
  std::uint64_t n = 0;
  for (const auto& t : left_out)
    n += std::uint64_t{1} << t.level;
  return n;
}

/// As the open group sees it.
result<segment> stored_segment(const book& b, const stream_id& id, std::uint64_t first) {
  bytes v;
  if (b.view().get(family::segments, segment_key(id, first), v) != lookup::found)
    return error{errc::not_found, "a segment"};
  return decode_segment(v);
}

result<product> product_in(const result<entry>& e) {
  if (!e || e->kind != entry_kind::publish || e->topic != publish_topic::product)
    return error{errc::malformed, "a product"};
  return decode_product(e->blob);
}

/// Whether a later entry that is here publishes the same product under the same version.
bool is_superseded(const stream_reader& reader, const stream_id& id, std::uint64_t place, const product& p) {
  // Only a store has such a copy, and never of a stream of its own.
  entry_walk walk(reader.store(), id, {}, place + 1, reader.size(id), entry_walk::holes::show);
  while (auto item = walk.next()) {
    if (item->left_out) continue;
    if (auto other = product_in(decode_entry(item->data)); other && other->id == p.id && other->version == p.version)
      return true;
  }
  return false;
}

// Products lie by number and version of the rules, so the order in which they come does not matter, but where one was
// published twice under one version: of these the last in the directory counts.
status learn_put_back(book& b, const stream_reader& reader, const stream_id& id, const opened_segment& before,
                      const opened_segment& after, bool settled) {
  for (std::size_t i = 0, had = 0; i < after.entries.size(); ++i) {
    const auto place = after.place_of(i);
    while (had < before.entries.size() && before.place_of(had) < place)
      ++had;
    if (had < before.entries.size() && before.place_of(had) == place) continue;
    auto e = decode_entry(after.entries[i]);
    auto p = product_in(e);
    if (!p) continue;
    const cell_key record{.type = cell_type::product, .a = p->id.value, .b = p->version, .writer = {}, .peer = {}};
    if (auto known = b.st().find(record); known && known->data != e->blob) {
      if (!settled) return error{errc::busy, ""};
      if (is_superseded(reader, id, place, *p)) continue;
    }
    b.learn_late(e->blob, std::move(*p));
  }
  return done();
}

}  // namespace

status left_out_watch::load(const stream_reader& reader) {
  auto list = reader.list();
  if (!list) return list.error();
  for (const auto& id : *list) {
    if (id.sub != sub_stream::directory) continue;
    auto runs = reader.runs(id, 0, UINT64_MAX);
    auto thin = reader.thin_segments(id);
    if (!runs || !thin) return runs ? thin.error() : runs.error();
    if (!runs->empty()) runs_[id] = std::move(*runs);
    for (auto first : *thin)
      thin_.emplace(id, first);
  }
  auto entries = reader.left_out();
  if (!entries) return entries.error();
  entries_ = *entries;
  return done();
}

void left_out_watch::note_run(book& b, const stream_id& directory, std::uint64_t first, const entry& announced) {
  const entry_run run{first, announced.size};
  auto& runs = runs_[directory];
  if (!runs.empty() && runs.back().first >= run.first) return;  // given back
  runs.push_back(run);
  b.streams().note_run(directory, run);
}

status left_out_watch::check_announced(const stream_id& directory, std::uint64_t at, const entry& e) const {
  auto runs = runs_.find(directory);
  if (runs == runs_.end() || runs->second.empty()) return done();
  const auto& newest = runs->second.back();
  if (at < newest.first || at >= newest.end() || looks_like_goods(e)) return done();
  return error{errc::wrongly_left_out,
               "entry " + std::to_string(at) + " of " + stream_name(directory) +
                   " is not of the topic that head office announced: stores may lack it. Call head office"};
}

status left_out_watch::may_be_thin(const segment& s, const opened_segment& opened) const {
  if (role_ != node_role::store || s.stream.sub != sub_stream::directory)
    return error{errc::not_entitled, "entries of " + stream_name(s.stream) + " are left out"};
  if (!skips_goods())
    return error{errc::wrongly_left_out, "entries of " + stream_name(s.stream) + " that this store needs are left out"};
  std::vector<entry_run> runs;
  if (auto known = runs_.find(s.stream); known != runs_.end())
    for (const auto& r : known->second)
      if (r.end() > s.first) runs.push_back(r);
  auto here = announced_in(opened);
  runs.insert(runs.end(), here.begin(), here.end());
  return check_left_out(opened, runs);
}

void left_out_watch::note_thin(const segment& s, const opened_segment& opened) {
  if (opened.left_out.empty()) return;
  thin_.emplace(s.stream, s.first);
  entries_ += entries_of(opened.left_out);
}

std::optional<fetch_message> left_out_watch::question(const book& b) const {
  if (!waits()) return std::nullopt;
  const auto& [id, first] = *thin_.begin();
  auto s = stored_segment(b, id, first);
  auto opened = s ? open_segment(*s) : result<opened_segment>(s.error());
  if (!opened || opened->left_out.empty()) return std::nullopt;
  const auto& begin = opened->left_out.front();
  fetch_message m{id, begin.index << begin.level, 0};
  for (const auto& t : opened->left_out) {
    const auto more = std::uint64_t{1} << t.level;
    if (t.index << t.level != m.from + m.entries || m.entries + more > fetch_entries_max) break;
    m.entries += more;
  }
  return m;
}

status left_out_watch::take(book& b, const stream_reader& reader, const fetched_message& m, bool settled) {
  error none{errc::not_found, "nothing of that is left out"};
  auto at = thin_.upper_bound({m.stream, m.first});
  if (skips_goods() || at == thin_.begin()) return none;
  if ((--at)->first != m.stream) return none;
  auto s = stored_segment(b, m.stream, at->second);
  auto before = s ? open_segment(*s) : result<opened_segment>(s.error());
  if (!before) return before.error();
  auto list = unpack_entries({m.stream, m.first, m.entries, {}, m.payload});
  if (!list) return list.error();
  auto fuller = put_back(*s, m.first, *list);
  if (!fuller) return fuller.error();
  auto after = open_segment(*fuller);
  if (!after) return after.error();
  TALLY_TRY(learn_put_back(b, reader, m.stream, *before, *after, settled));
  entries_ -= entries_of(before->left_out) - entries_of(after->left_out);
  b.streams().replace_foreign(*fuller);
  if (after->left_out.empty()) thin_.erase(at);
  return done();
}

}  // namespace tally
