#include "sync/entry_walk.hpp"

#include "ledger/accounts.hpp"

namespace tally {
namespace {

bytes index_prefix(const stream_id& id) { return "i" + stream_key(id); }

}  // namespace

bytes stream_index_key(const stream_id& id, std::uint64_t n) {
  byte_writer w;
  w.raw(index_prefix(id));
  w.u64be(n);
  return w.take();
}

bytes stream_tile_key(const stream_id& id, unsigned level, std::uint64_t index) {
  byte_writer w;
  w.u8('t');
  w.raw(stream_key(id));
  w.u8(static_cast<std::uint8_t>(level));
  w.u64be(index);
  return w.take();
}

std::string stream_name(const stream_id& id) {
  auto name = writer_name(id.writer);
  switch (id.sub) {
    case sub_stream::journal: return name + "/journal";
    case sub_stream::directory: return name + "/directory";
    case sub_stream::addressed: return name + "/to/" + std::to_string(id.to.value);
  }
  return name;
}

status each_entry(const stream_reader& reader, const stream_id& id, node_id self,
                  const std::function<status(sequence, byte_view)>& visit, std::uint64_t from, std::uint64_t until) {
  auto head = reader.frontier(id);
  if (!head) return head.error();
  // Nobody who looks for an entry of a directory looks for goods sold by the piece, all else is here.
  entry_walk walk(reader.store(), id, self, from, std::min(head->size(), until), entry_walk::holes::show);
  while (auto item = walk.next())
    if (!item->left_out) TALLY_TRY(visit(item->seq, item->data));
  if (const auto& d = walk.damage())
    return error{d->code, stream_name(id) + " entry " + std::to_string(d->at) + ": expected " + d->expected +
                              ", found " + d->found};
  return done();
}

entry_walk::entry_walk(const kv_store& store, const stream_id& id, node_id self, std::uint64_t from,
                       std::uint64_t until, holes where)
    : store_(store),
      id_(id),
      own_(id.writer.node == self),
      at_(from),
      until_(until),
      holes_(where),
      opened_{{}, merkle_run(0)} {
  if (!own_) {
    cursor_ = store.seek_last_at_or_before(family::segments, segment_key(id, from));
  } else {
    cursor_ = store.scan(family::entries, id.sub == sub_stream::journal ? own_entry_key(id.writer.epoch, from)
                                                                        : stream_index_key(id, from));
  }
}

void entry_walk::stop(std::string expected, std::string found, errc code) {
  damage_ = walk_damage{at_, code, std::move(expected), std::move(found)};
}

std::optional<entry_walk::item> entry_walk::next() {
  if (damage_ || at_ >= until_) return std::nullopt;
  auto out = own_ ? next_own() : next_foreign();
  if (out) at_ += out->left_out ? std::uint64_t{1} << out->left_out->level : 1;
  return out;
}

std::optional<entry_walk::item> entry_walk::next_own() {
  if (moved_) cursor_->next();
  moved_ = true;
  bool journal = id_.sub == sub_stream::journal;
  auto key = journal ? own_entry_key(id_.writer.epoch, at_) : stream_index_key(id_, at_);
  if (!cursor_->valid() || cursor_->key() != key) {
    if (auto s = cursor_->state(); !s.ok()) {
      stop("entry " + std::to_string(at_), s.error().detail, errc::io);
    } else if (!journal && stream_reader(store_).foreign_segment(id_, at_)) {
      own_ = moved_ = false;  // its end was lost here, and given back by others
      cursor_ = store_.seek_last_at_or_before(family::segments, segment_key(id_, at_));
      return next_foreign();
    } else {
      stop("entry " + std::to_string(at_) + " of " + std::to_string(until_), "no such entry");
    }
    return std::nullopt;
  }
  if (journal) return item{at_, cursor_->value(), nullptr};
  byte_reader r(cursor_->value());
  auto seq = r.uv();
  if (!r.at_end()) {
    stop("a place in the journal", "an index of " + std::to_string(cursor_->value().size()) + " octets");
    return std::nullopt;
  }
  auto found = store_.get(family::entries, own_entry_key(id_.writer.epoch, seq), entry_);
  if (found == lookup::found) return item{at_, entry_, nullptr};
  stop("entry " + std::to_string(seq) + " of the journal", found == lookup::failed ? "a read error" : "no such entry",
       found == lookup::failed ? errc::io : errc::corrupt);
  return std::nullopt;
}

std::optional<entry_walk::item> entry_walk::next_foreign() {
  if ((!segment_ || at_ >= segment_->size_after()) && !load_segment()) return std::nullopt;
  auto signed_at = [this](std::uint64_t end) { return end == segment_->size_after() ? &segment_->sign : nullptr; };
  if (next_entry_ < opened_.entries.size() && opened_.place_of(next_entry_) == at_)
    return item{at_, opened_.entries[next_entry_++], signed_at(at_ + 1)};
  const auto& hole = opened_.left_out[next_hole_];
  if (holes_ == holes::stop || hole.index << hole.level != at_) {
    stop("entry " + std::to_string(at_), "it is left out here (link.skip); its parent has it", errc::left_out);
    return std::nullopt;
  }
  ++next_hole_;
  return item{at_, {}, signed_at(at_ + (std::uint64_t{1} << hole.level)), &hole};
}

bool entry_walk::load_segment() {
  if (moved_) cursor_->next();
  moved_ = true;
  // Made when it is needed: walks are long, and most meet no damage.
  auto expected = [this] { return "a segment with entry " + std::to_string(at_) + " of " + std::to_string(until_); };
  auto prefix = stream_key(id_);
  if (!cursor_->valid() || cursor_->key().substr(0, prefix.size()) != prefix) {
    auto s = cursor_->state();
    stop(expected(), s.ok() ? "no segment" : s.error().detail, s.ok() ? errc::corrupt : errc::io);
    return false;
  }
  auto s = decode_segment(cursor_->value());
  if (!s) return stop(expected(), "bytes that are no segment"), false;
  if (cursor_->key() != segment_key(id_, s->first) || s->stream != id_)
    return stop(expected(), "a segment of " + stream_name(s->stream) + " from entry " + std::to_string(s->first) +
                                " in this place"),
           false;
  if (at_ < s->first || at_ >= s->size_after())
    return stop(expected(),
                "a segment of entries " + std::to_string(s->first) + " to " + std::to_string(s->size_after() - 1)),
           false;
  // Hashes of entries that are there are of no use here, and would cost more than all else of a walk.
  auto whole = s->is_thin() ? result<entry_list>(entry_list{}) : unpack_entries(*s);
  auto opened = !whole         ? result<opened_segment>(whole.error())
                : s->is_thin() ? open_segment(*s)
                               : opened_segment{std::move(*whole), merkle_run(s->first)};
  if (!opened) return stop(expected(), "a segment that does not unpack: " + opened.error().detail), false;
  opened_ = std::move(*opened);
  next_entry_ = next_hole_ = 0;
  while (next_entry_ < opened_.entries.size() && opened_.place_of(next_entry_) < at_)
    ++next_entry_;
  while (next_hole_ + 1 < opened_.left_out.size() &&
         (opened_.left_out[next_hole_].index + 1) << opened_.left_out[next_hole_].level <= at_)
    ++next_hole_;
  segment_ = std::move(*s);
  return true;
}

}  // namespace tally
