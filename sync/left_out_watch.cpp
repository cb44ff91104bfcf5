#include "sync/left_out_watch.hpp"

#include <algorithm>

#include "ledger/closing.hpp"
#include "storage/upgrade.hpp"
#include "sync/entry_walk.hpp"
#include "sync/left_out.hpp"

namespace tally {
namespace {

// Of one piece of learning again: a group stays far below its bound, and a till's question waits for no more than that.
constexpr std::uint64_t piece_entries = 8'192, piece_products = 1'024;

std::uint64_t begin_of(const merkle_subtree& t) { return t.index << t.level; }
std::uint64_t end_of(const merkle_subtree& t) { return (t.index + 1) << t.level; }

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

/// So much of a life of head office counts: what stands behind its end is lost, and nobody may ever send it.
std::uint64_t counted_of(const book& b, const stream_id& id) {
  auto closed = closing_of(b.st(), id.writer);
  return closed ? closed->size : UINT64_MAX;
}

/// True if the entry is a product.
bool learn_product(book& b, byte_view data) {
  if (peek_kind(data) != entry_kind::publish) return false;
  auto e = decode_entry(data);
  if (!e || e->topic != publish_topic::product) return false;
  auto p = decode_product(e->blob);
  if (p) b.learn_late(e->blob, std::move(*p));
  return p.ok();
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
    if (role_ != node_role::hq) TALLY_TRY(note_newest_runs(reader, id));
  }
  auto entries = reader.left_out();
  if (!entries) return entries.error();
  entries_ = *entries;
  bytes v;
  auto mark = reader.store().get(family::meta, unlearned_goods_key, v);
  if (mark == lookup::failed) return error{errc::io, "the database could not be read"};
  unlearned_ = mark == lookup::found;
  return done();
}

// A program that did not know what an announcement is took it, and noted nothing: what follows it may still come as
// hashes. Damage is for the audit to name.
status left_out_watch::note_newest_runs(const stream_reader& reader, const stream_id& id) {
  const auto size = reader.size(id);
  if (size == 0) return done();
  auto from = size - std::min(size, topic_run_max + 1);
  auto s = reader.foreign_segment(id, from);
  if (!s) return s.code() == errc::io ? status(s.error()) : done();
  auto& runs = runs_[id];
  entry_walk walk(reader.store(), id, {}, s->first, size, entry_walk::holes::show);
  while (auto item = walk.next()) {
    if (item->left_out || peek_kind(item->data) != entry_kind::topic_run) continue;
    if (auto e = decode_entry(item->data); e && check_topic_run(*e)) runs.push_back({item->seq + 1, e->size});
  }
  if (walk.damage() && walk.damage()->code == errc::io) return error{errc::io, walk.damage()->found};
  std::ranges::sort(runs, {}, &entry_run::first);
  const auto repeated = std::ranges::unique(runs, {}, &entry_run::first);
  runs.erase(repeated.begin(), repeated.end());
  return done();
}

void left_out_watch::note_run(book& b, const stream_id& directory, std::uint64_t first, const entry& announced) {
  if (!check_topic_run(announced)) return;
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
  if (at < newest.first || at >= newest.end() || could_be_goods(e)) return done();
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

void left_out_watch::note_thin(book& b, const segment& s, const opened_segment& opened) {
  if (opened.left_out.empty()) return;
  thin_.emplace(s.stream, s.first);
  entries_ += entries_of(opened.left_out);
  if (std::exchange(unlearned_, true)) return;
  b.view().put(family::meta, unlearned_goods_key, {});
  b.put_format(format_left_out);
}

bool left_out_watch::has_holes(const book& b) const {
  return std::ranges::any_of(thin_, [&](const place& at) {
    const auto counted = counted_of(b, at.first);
    if (counted == UINT64_MAX || counted <= at.second) return counted == UINT64_MAX;
    auto s = stored_segment(b, at.first, at.second);
    auto opened = s ? open_segment(*s) : result<opened_segment>(s.error());
    return !opened || std::ranges::any_of(opened->left_out, [&](const auto& t) { return begin_of(t) < counted; });
  });
}

bool left_out_watch::is_answer(const fetched_message& m) const {
  return m.stream == asked_.stream && m.first >= asked_.from && m.first - asked_.from < asked_.entries &&
         m.entries <= asked_.entries - (m.first - asked_.from);
}

result<fetch_message> left_out_watch::question(const book& b, bool next) {
  if (!waits() || thin_.empty()) return error{errc::not_found, "nothing is left out"};
  place start{asked_.stream, asked_.from + (next ? asked_.entries : 0)};
  auto at = thin_.upper_bound(start);
  if (at != thin_.begin() && std::prev(at)->first == start.first) --at;
  for (std::size_t n = 0; n <= thin_.size(); ++n, ++at) {
    if (at == thin_.end()) at = thin_.begin(), start = {};
    const auto counted = counted_of(b, at->first);
    if (counted <= at->second) continue;
    auto s = stored_segment(b, at->first, at->second);
    auto opened = s ? open_segment(*s) : result<opened_segment>(s.error());
    if (!opened) continue;
    const auto behind = at->first == start.first ? start.second : 0;
    auto hole = std::ranges::find_if(opened->left_out, [&](const auto& t) { return begin_of(t) >= behind; });
    if (hole == opened->left_out.end() || begin_of(*hole) >= counted) continue;
    fetch_message m{at->first, begin_of(*hole), 0};
    for (; hole != opened->left_out.end() && end_of(*hole) - m.from <= fetch_entries_max && begin_of(*hole) < counted;
         ++hole)
      m.entries = end_of(*hole) - m.from;
    asked_ = m;
    return m;
  }
  return error{errc::corrupt, "goods of " + stream_name(thin_.begin()->first) +
                                  " that were left out cannot be put back: stored segments are damaged. Run "
                                  "'tallystick audit', and enrol this store anew"};
}

/// Whether something of a segment was filled.
result<bool> left_out_watch::fill(book& b, const place& at, std::uint64_t first, const entry_list& entries,
                                  std::vector<found>& others) {
  auto s = stored_segment(b, at.first, at.second);
  auto before = s ? open_segment(*s) : result<opened_segment>(s.error());
  if (!before) return false;  // damaged: the audit names it
  auto fuller = put_back(*s, first, entries);
  if (!fuller && fuller.code() == errc::not_found) return false;
  if (!fuller) return fuller.error();
  auto after = open_segment(*fuller);
  if (!after) return after.error();
  for (const auto& t : before->left_out) {
    if (begin_of(t) < first || end_of(t) > first + entries.size()) continue;
    for (auto n = begin_of(t); n < end_of(t); ++n) {
      auto data = entries[static_cast<std::size_t>(n - first)];
      if (auto e = decode_entry(data); !e || !could_be_goods(*e)) others.push_back({n, bytes(data)});
    }
  }
  entries_ -= entries_of(before->left_out) - entries_of(after->left_out);
  b.streams().replace_foreign(*fuller);
  if (after->left_out.empty()) thin_.erase(at);
  return true;
}

result<left_out_watch::taken> left_out_watch::take(book& b, const stream_id& id, std::uint64_t first,
                                                   const entry_list& entries) {
  error none{errc::not_found, "nothing of that is left out"};
  if (!waits()) return none;
  std::vector<place> touched;
  auto at = thin_.upper_bound({id, first});
  if (at != thin_.begin() && std::prev(at)->first == id) --at;
  for (; at != thin_.end() && at->first == id && at->second < first + entries.size(); ++at)
    touched.push_back(*at);
  taken out;
  bool filled = false;
  for (const auto& one : touched) {
    auto more = fill(b, one, first, entries, out.others);
    if (!more && !out.refused) out.refused = more.error();
    filled = filled || (more && *more);
  }
  if (!filled) return out.refused.value_or(none);
  asked_ = {id, first, 0};  // the rest of it is asked for anew
  return out;
}

status left_out_watch::learn_again(book& b, const stream_reader& reader, const std::vector<stream_id>& lives) {
  if (lives != lives_) lives_ = lives, life_ = 0, learnt_ = 0;
  std::uint64_t entries = 0, products = 0;
  for (; life_ < lives_.size(); ++life_, learnt_ = 0) {
    const auto& id = lives_[life_];
    // Only what is durable is read; what came since is behind it, and its turn comes.
    entry_walk walk(reader.store(), id, {}, learnt_, reader.size(id), entry_walk::holes::show);
    while (auto item = walk.next()) {
      if (item->left_out && item->seq < counted_of(b, id)) return error{errc::busy, ""};
      if (!item->left_out) products += learn_product(b, item->data);
      learnt_ = item->left_out ? end_of(*item->left_out) : item->seq + 1;
      if (++entries == piece_entries || products == piece_products || b.open_changes() >= group_changes_max)
        return error{errc::busy, ""};
    }
    if (const auto& d = walk.damage())
      return error{d->code, stream_name(id) + " entry " + std::to_string(d->at) + ": expected " + d->expected +
                                ", found " + d->found};
    if (learnt_ < b.streams().tip(id).size()) return error{errc::busy, ""};
  }
  lives_.clear();
  unlearned_ = false;
  b.view().erase(family::meta, unlearned_goods_key);
  b.put_format(thin_.empty() ? format_newest : format_left_out);
  return done();
}

std::vector<stream_id> lives_in_order(const std::vector<stream_id>& held, const state& s,
                                      const certificate_book& known) {
  constexpr std::size_t lives_max = 1'000;
  std::vector<epoch_id> lives;
  auto add = [&](const epoch_id& epoch) {
    const bool fresh = lives.size() < lives_max && std::ranges::find(lives, epoch) == lives.end();
    if (fresh) lives.push_back(epoch);
    return fresh;
  };
  // A closing names the life that followed; new keys begin one that nothing closes.
  for (const auto* c : known.all_of(head_office))
    for (auto epoch = c->epoch; add(epoch);) {
      auto closed = closing_of(s, {head_office, epoch});
      if (!closed || closed->successor == epoch_id{}) break;
      epoch = closed->successor;
    }
  std::vector<stream_id> out;
  for (const auto& id : held)
    if (id.sub == sub_stream::directory && id.writer.node == head_office) out.push_back(id);
  std::ranges::stable_sort(out, {}, [&](const stream_id& id) { return std::ranges::find(lives, id.writer.epoch); });
  return out;
}

}  // namespace tally
