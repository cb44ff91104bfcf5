#include "storage/streams.hpp"

#include <algorithm>

#include "storage/sha256.hpp"

namespace tally {
namespace {

bytes index_key(const stream_id& id, std::uint64_t n) {
  byte_writer w;
  w.u8('i');
  w.raw(stream_key(id));
  w.u64be(n);
  return w.take();
}
bytes tile_key(const stream_id& id, unsigned level, std::uint64_t index) {
  byte_writer w;
  w.u8('t');
  w.raw(stream_key(id));
  w.u8(static_cast<std::uint8_t>(level));
  w.u64be(index);
  return w.take();
}
bytes signature_key(const stream_id& id) { return "g" + stream_key(id); }
bytes place_key(char what, const stream_id& id, std::uint64_t n) {
  byte_writer w;
  w.u8(static_cast<std::uint8_t>(what));
  w.raw(stream_key(id));
  w.u64be(n);
  return w.take();
}
constexpr char run_prefix = 'r', thin_prefix = 'p';

std::uint64_t place_in(byte_view key) { return byte_reader(key.substr(key.size() - 8)).u64be(); }

error unreadable(const char* what) { return {errc::io, what}; }

}  // namespace

bytes own_entry_key(const epoch_id& epoch, sequence seq) {
  byte_writer w;
  w.u8('e');
  w.fixed(epoch.value);
  w.u64be(seq);
  return w.take();
}
bytes head_key(const stream_id& id) { return "h" + stream_key(id); }
bytes segment_key(const stream_id& id, std::uint64_t first) {
  byte_writer w;
  w.raw(stream_key(id));
  w.u64be(first);
  return w.take();
}

stream_writer::open_tip& stream_writer::open(const stream_id& id) {
  auto it = tips_.find(id);
  if (it != tips_.end()) return it->second;
  open_tip t;
  bytes v;
  if (view_.get(family::meta, head_key(id), v) == lookup::found) {
    auto f = merkle_frontier::parse(v);
    invariant(f.ok(), "a frontier in the database decodes");
    t.frontier = *f;
  }
  return tips_.emplace(id, t).first->second;
}

const merkle_frontier& stream_writer::tip(const stream_id& id) { return open(id).frontier; }

void stream_writer::put_tiles(const stream_id& id) {
  for (const auto& tile : full_)
    view_.put(family::entries, tile_key(id, tile.level, tile.index), view_of(tile.hash));
  full_.clear();
}

void stream_writer::add_leaf(const stream_id& id, open_tip& t, byte_view entry) {
  if (t.frontier.size() == 0) ++born_;
  t.frontier.append(merkle_leaf(entry), full_);
  t.changed = true;
  put_tiles(id);
}

sequence stream_writer::append_own(const stream_id& journal, byte_view entry, const std::optional<stream_id>& also) {
  auto& t = open(journal);
  sequence seq = t.frontier.size();
  view_.put(family::entries, own_entry_key(journal.writer.epoch, seq), entry);
  add_leaf(journal, t, entry);
  if (also) {
    auto& sub = open(*also);
    byte_writer w;
    w.uv(seq);
    view_.put(family::entries, index_key(*also, sub.frontier.size()), w.take());
    add_leaf(*also, sub, entry);
  }
  return seq;
}

void stream_writer::append_foreign(const segment& s, const merkle_run& run) {
  auto& t = open(s.stream);
  invariant(t.frontier.size() == s.first && run.end() == s.size_after(), "a segment continues its stream");
  if (t.frontier.size() == 0) ++born_;
  t.frontier.append(run, full_);
  t.changed = true;
  put_tiles(s.stream);
  view_.put(family::segments, segment_key(s.stream, s.first), encode_segment(s));
  view_.put(family::meta, signature_key(s.stream), view_of(s.sign));
  if (s.is_thin()) view_.put(family::meta, place_key(thin_prefix, s.stream, s.first), {});
}

void stream_writer::replace_foreign(const segment& s) {
  view_.put(family::segments, segment_key(s.stream, s.first), encode_segment(s));
  if (!s.is_thin()) view_.erase(family::meta, place_key(thin_prefix, s.stream, s.first));
}

void stream_writer::note_run(const stream_id& id, const entry_run& run) {
  byte_writer w;
  w.uv(run.entries);
  view_.put(family::meta, place_key(run_prefix, id, run.first), w.take());
}

void stream_writer::flush() {
  for (auto& [id, t] : tips_) {
    if (!t.changed) continue;
    byte_writer w;
    t.frontier.write(w);
    view_.put(family::meta, head_key(id), w.take());
    t.changed = false;
  }
}

result<writer_id> stream_reader::self() const {
  bytes v;
  auto found = store_.get(family::meta, "self", v);
  if (found == lookup::failed) return unreadable("the database could not be read");
  if (found == lookup::absent) return error{errc::not_found, "this database holds no node"};
  byte_reader r(v);
  auto w = read_writer(r);
  if (!r.at_end()) return error{errc::corrupt, "the node's identity does not decode"};
  return w;
}

result<merkle_frontier> stream_reader::frontier(const stream_id& id) const {
  bytes v;
  switch (store_.get(family::meta, head_key(id), v)) {
    case lookup::absent: return merkle_frontier{};
    case lookup::failed: return unreadable("a stream's head");
    case lookup::found: break;
  }
  auto f = merkle_frontier::parse(v);
  if (!f) return error{errc::corrupt, "the head of a stream"};
  return f;
}

std::uint64_t stream_reader::size(const stream_id& id) const {
  // The frontier begins with its size, so the hashes need not be parsed.
  bytes v;
  if (store_.get(family::meta, head_key(id), v) != lookup::found) return 0;
  return byte_reader(v).uv();
}

result<std::vector<stream_id>> stream_reader::list() const {
  std::vector<stream_id> out;
  auto c = store_.scan(family::meta, "h");
  for (; c->valid() && !c->key().empty() && c->key()[0] == 'h'; c->next()) {
    auto id = parse_stream_key(c->key().substr(1));
    if (!id) return error{errc::corrupt, "the name of a stream"};
    out.push_back(*id);
  }
  TALLY_TRY(c->state());
  return out;
}

result<bytes> stream_reader::own_entry(const writer_id& self, sequence seq) const {
  bytes v;
  switch (store_.get(family::entries, own_entry_key(self.epoch, seq), v)) {
    case lookup::absent: return error{errc::not_found, "entry " + std::to_string(seq)};
    case lookup::failed: return unreadable("an entry");
    case lookup::found: break;
  }
  return v;
}

result<entry_list> stream_reader::own_entries(const stream_id& id, std::uint64_t from, std::uint64_t until,
                                              std::size_t max_entries) const {
  entry_list out;
  bytes target;
  std::size_t octets = 0;
  max_entries = std::min<std::size_t>(max_entries, segment_entries_max);
  bool journal = id.sub == sub_stream::journal;
  auto c = store_.scan(family::entries, journal ? own_entry_key(id.writer.epoch, from) : index_key(id, from));
  for (auto n = from; n < until && out.size() < max_entries; ++n, c->next()) {
    if (!c->valid() || c->key() != (journal ? own_entry_key(id.writer.epoch, n) : index_key(id, n))) {
      TALLY_TRY(c->state());
      if (!journal && out.empty()) return given_back(id, n, until, max_entries);
      if (!journal && foreign_segment(id, n)) return out;
      return error{errc::corrupt, "entry " + std::to_string(n) + " is missing"};
    }
    auto e = c->value();
    if (!journal) {
      auto found = own_entry(id.writer, byte_reader(e).uv());
      if (!found) return found.error();
      target = std::move(*found);
      e = target;
    }
    octets += e.size() + 4;
    if (octets > segment_bytes_max) break;
    out.add(e);
  }
  return out;
}

result<entry_list> stream_reader::given_back(const stream_id& id, std::uint64_t from, std::uint64_t until,
                                             std::size_t max_entries) const {
  auto s = foreign_segment(id, from);
  if (!s) return error{errc::corrupt, "entry " + std::to_string(from) + " is missing"};
  auto all = unpack_entries(*s);
  if (!all) return all.error();
  entry_list out;
  for (auto n = from; n < std::min(until, s->size_after()) && out.size() < max_entries; ++n)
    out.add((*all)[static_cast<std::size_t>(n - s->first)]);
  return out;
}

std::uint64_t stream_reader::indexed(const stream_id& id) const {
  auto end = size(id);
  auto c = store_.seek_last_at_or_before(family::entries, index_key(id, end));
  auto prefix = "i" + stream_key(id);
  if (!c->valid() || c->key().substr(0, prefix.size()) != prefix || c->key().size() != prefix.size() + 8) return 0;
  std::uint64_t n = 0;
  for (auto octet : c->key().substr(prefix.size()))
    n = n << 8 | static_cast<std::uint8_t>(octet);
  return std::min(n + 1, end);
}

result<segment> stream_reader::foreign_segment(const stream_id& id, std::uint64_t seq) const {
  auto c = store_.seek_last_at_or_before(family::segments, segment_key(id, seq));
  TALLY_TRY(c->state());
  if (!c->valid() || c->key().substr(0, 17) != stream_key(id)) return error{errc::not_found, "a segment"};
  auto s = decode_segment(c->value());
  if (!s) return error{errc::corrupt, "a stored segment"};
  if (seq < s->first || seq >= s->size_after()) return error{errc::not_found, "a segment"};
  return s;
}

result<bytes> stream_reader::entry_of(const stream_id& id, std::uint64_t seq, const writer_id& self) const {
  if (id.writer.node == self.node) {
    if (id.sub == sub_stream::journal) return own_entry(id.writer, seq);
    auto list = own_entries(id, seq, seq + 1, 1);
    if (!list) return list.error();
    if (list->empty()) return error{errc::not_found, ""};
    return bytes(list->front());
  }
  auto s = foreign_segment(id, seq);
  if (!s) return s.error();
  if (!s->is_thin()) {
    auto list = unpack_entries(*s);
    if (!list) return list.error();
    return bytes((*list)[static_cast<std::size_t>(seq - s->first)]);
  }
  auto opened = open_segment(*s);
  if (!opened) return opened.error();
  auto at = std::ranges::lower_bound(opened->places, seq);
  if (at == opened->places.end() || *at != seq) return error{errc::left_out, "entry " + std::to_string(seq)};
  return bytes(opened->entries[static_cast<std::size_t>(at - opened->places.begin())]);
}

std::optional<signature> stream_reader::foreign_signature(const stream_id& id) const {
  bytes v;
  if (store_.get(family::meta, signature_key(id), v) != lookup::found || v.size() != 64) return std::nullopt;
  signature s;
  std::copy(v.begin(), v.end(), s.begin());
  return s;
}

result<std::vector<entry_run>> stream_reader::runs(const stream_id& id, std::uint64_t from, std::uint64_t until) const {
  std::vector<entry_run> out;
  const auto prefix = char(run_prefix) + stream_key(id);
  auto c = store_.seek_last_at_or_before(family::meta, place_key(run_prefix, id, from));
  TALLY_TRY(c->state());
  if (!c->valid() || !c->key().starts_with(prefix)) c = store_.scan(family::meta, place_key(run_prefix, id, from));
  for (; c->valid() && c->key().starts_with(prefix) && c->key().size() == prefix.size() + 8; c->next()) {
    entry_run run{place_in(c->key()), byte_reader(c->value()).uv()};
    if (run.first >= until) break;
    if (run.end() > from) out.push_back(run);
  }
  TALLY_TRY(c->state());
  return out;
}

result<std::vector<std::uint64_t>> stream_reader::thin_segments(const stream_id& id) const {
  std::vector<std::uint64_t> out;
  const auto prefix = char(thin_prefix) + stream_key(id);
  auto c = store_.scan(family::meta, prefix);
  for (; c->valid() && c->key().starts_with(prefix) && c->key().size() == prefix.size() + 8; c->next())
    out.push_back(place_in(c->key()));
  TALLY_TRY(c->state());
  return out;
}

result<std::uint64_t> stream_reader::left_out() const {
  std::uint64_t sum = 0;
  const bytes prefix(1, thin_prefix);
  auto c = store_.scan(family::meta, prefix);
  for (; c->valid() && c->key().starts_with(prefix); c->next()) {
    auto id = parse_stream_key(c->key().substr(1, std::max<std::size_t>(c->key().size(), 9) - 9));
    if (!id) continue;
    auto s = foreign_segment(*id, place_in(c->key()));
    if (!s && s.code() == errc::io) return s.error();
    auto opened = s ? open_segment(*s) : result<opened_segment>(s.error());
    if (!opened) continue;
    for (const auto& t : opened->left_out)
      sum += std::uint64_t{1} << t.level;
  }
  TALLY_TRY(c->state());
  return sum;
}

/// A subtree of at most a tile's leaves of which some stand in thin segments.
bool stream_reader::thin_subtree(const stream_id& id, unsigned level, std::uint64_t index, hash256& out) const {
  const auto first = index << level, end = first + (std::uint64_t{1} << level);
  merkle_run run(first);
  while (run.end() < end) {
    auto s = foreign_segment(id, run.end());
    auto opened = s ? open_segment(*s) : result<opened_segment>(s.error());
    if (!opened) return false;
    auto t = opened->left_out.begin();
    std::size_t i = 0;
    for (auto at = s->first; at < s->size_after() && run.end() < end;) {
      const bool hole = t != opened->left_out.end() && t->index << t->level == at;
      const auto grown = hole ? std::uint64_t{1} << t->level : 1;
      if (at == run.end()) {
        if (at + grown > end) return false;  // what is asked for lies within what was left out
        hole ? run.append(*t) : run.append(merkle_leaf(opened->entries[i]));
      }
      hole ? static_cast<void>(++t) : static_cast<void>(++i);
      at += grown;
      if (at > run.end()) return false;
    }
  }
  if (run.subtrees().size() != 1 || run.subtrees().front().level != level) return false;
  out = run.subtrees().front().hash;
  return true;
}

node_reader stream_reader::nodes(const stream_id& id, const writer_id& self) const {
  auto tiles = [this, id](unsigned level, std::uint64_t index, hash256& out) {
    bytes v;
    if (store_.get(family::entries, tile_key(id, level, index), v) != lookup::found || v.size() != out.size())
      return false;
    std::copy(v.begin(), v.end(), out.begin());
    return true;
  };
  auto leaves = [this, id, self](std::uint64_t first, std::span<hash256> out) {
    auto n = first, end = first + out.size();
    while (n < end) {
      entry_list list;
      std::size_t skip = 0;
      if (id.writer.node == self.node) {
        auto own = own_entries(id, n, end, out.size());
        if (!own || own->empty()) return false;
        list = std::move(*own);
      } else {
        auto s = foreign_segment(id, n);
        if (!s) return false;
        auto all = unpack_entries(*s);
        if (!all) return false;
        list = std::move(*all);
        skip = static_cast<std::size_t>(n - s->first);
      }
      for (auto i = skip; i < list.size() && n != end; ++i)
        out[static_cast<std::size_t>(n++ - first)] = merkle_leaf(list[i]);
    }
    return true;
  };
  auto whole = tile_reader(tiles, leaves);
  if (id.sub != sub_stream::directory || id.writer.node == self.node) return whole;
  return [this, id, whole](unsigned level, std::uint64_t index, hash256& out) {
    return whole(level, index, out) || (level < tile_levels && thin_subtree(id, level, index, out));
  };
}

}  // namespace tally
