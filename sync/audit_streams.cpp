// Leaves, tiles, roots and signatures of every stream held.
#include <algorithm>

#include "ledger/kinds.hpp"
#include "ledger/topics.hpp"
#include "storage/sha256.hpp"
#include "sync/audit_parts.hpp"
#include "sync/checkpoint.hpp"
#include "sync/station.hpp"

namespace tally::audit_detail {
namespace {

std::string short_hash(const hash256& h) { return to_hex(view_of(h)).substr(0, 16) + "\xe2\x80\xa6"; }
std::string root_text(std::uint64_t size, const hash256& h) {
  return "root " + short_hash(h) + " at size " + std::to_string(size);
}

/// The run that an entry of a directory announces.
void note_announced(sequence seq, byte_view data, entry_run& announced) {
  if (peek_kind(data) != entry_kind::topic_run) return;
  if (auto e = decode_entry(data); e && check_topic_run(*e)) announced = {seq + 1, e->size};
}

}  // namespace

void auditor::check_stream(const stream_id& id) {
  const auto& head = heads_.at(id);
  merkle_frontier tip;
  std::vector<merkle_subtree> full;
  std::uint64_t tiles = 0;
  bool broken = false;
  entry_run announced;
  std::optional<price_checker> prices;
  if (id.sub == sub_stream::journal) prices.emplace(*ground_, id);
  entry_walk walk(store_, id, self_.node, 0, head.size(), entry_walk::holes::show);
  while (auto item = walk.next()) {
    full.clear();
    if (item->left_out) {
      append_left_out(id, *item->left_out, announced, tip, full);
    } else {
      tip.append(merkle_leaf(item->data), full);
      note_announced(item->seq, item->data, announced);
    }
    tiles += full.size();
    for (const auto& t : full)
      check_tile(id, t);
    check_citations(id, tip, item->data);
    if (item->signed_here) check_signature(id, tip, *item->signed_here, broken);
    if (prices) prices->look_at(item->seq, item->data);
    ++line(check_streams).count;
    step();
  }
  if (!note(walk)) {
    problem(is_own(id.writer) ? check_streams : check_segments, stream_name(id), walk.damage()->at,
            walk.damage()->expected, walk.damage()->found);
    return;  // what follows cannot be placed
  }
  check_end(id, tip, tiles);
}

/// Entries that this node does not have by its own choice: their hash is proved by the head, what they say is not.
void auditor::append_left_out(const stream_id& id, const merkle_subtree& t, const entry_run& announced,
                              merkle_frontier& tip, std::vector<merkle_subtree>& full) {
  const auto first = tip.size();
  merkle_run run(first);
  run.append(t);
  tip.append(run, full);
  report_.left_out += run.end() - first;
  // Roots at sizes within are not known here.
  if (auto cited = cited_.find(id); cited != cited_.end())
    for (auto it = cited->second.upper_bound(first); it != cited->second.end() && it->first < run.end(); ++it)
      report_.heads_elsewhere += it->second.size();
  if (first < announced.first || run.end() > announced.end())
    problem(check_streams, stream_name(id), first, "entries that head office did not say may be left out",
            std::to_string(run.end() - first) + " entries left out");
}

void auditor::check_tile(const stream_id& id, const merkle_subtree& tile) {
  ++line(check_tiles).count;
  auto where = stream_name(id);
  auto first = tile.index << tile.level;
  auto what = "hash " + short_hash(tile.hash) + " of the " + std::to_string(std::uint64_t{1} << tile.level) +
              " entries from here";
  bytes v;
  switch (store_.get(family::entries, stream_tile_key(id, tile.level, tile.index), v)) {
    case lookup::found:
      if (v != view_of(tile.hash)) problem(check_tiles, where, first, what, to_hex(v).substr(0, 16) + "\xe2\x80\xa6");
      break;
    case lookup::absent: problem(check_tiles, where, first, what, "no such hash"); break;
    case lookup::failed: disk_ = error{errc::io, "a tile of " + where}; break;
  }
}

void auditor::check_citations(const stream_id& id, const merkle_frontier& tip, byte_view entry) {
  auto stream = cited_.find(id);
  if (stream == cited_.end()) return;
  auto at = stream->second.find(tip.size());
  if (at == stream->second.end()) return;
  // A life of this node that went on from an old copy: others hold other entries under its name, and it knows.
  if (is_own(id.writer) && went_astray(store_, id.writer)) return;
  auto root = tip.root();
  for (const auto& c : at->second) {
    // Cosignatures and receives are counted where they were read.
    if (c.check == check_heads) ++line(check_heads).count;
    if (c.root != root)
      problem(c.check, stream_name(id), tip.size() - 1,
              root_text(tip.size(), c.root) + ", says " + c.where + (c.seq ? " entry " + std::to_string(*c.seq) : ""),
              root_text(tip.size(), root));
    if (c.transfer) check_half(c, entry, id, tip.size() - 1);
  }
}

void auditor::check_half(const citation& c, byte_view data, const stream_id& id, sequence seq) {
  ++line(check_transfers).count;
  auto receive = c.where + " entry " + std::to_string(c.seq.value_or(0));
  auto e = decode_entry(data);
  if (!e || e->kind != entry_kind::send || e->peer != c.transfer->receiver || e->channel != c.transfer->number)
    return problem(check_transfers, c.where, c.seq,
                   "send " + std::to_string(c.transfer->number) + " to " + writer_name(c.transfer->receiver) +
                       " as entry " + std::to_string(seq) + " of " + stream_name(id),
                   e ? std::string(kind_name(e->kind)) + " " + std::to_string(e->channel) : e.error().detail);
  auto sent = transfer_text(*e);
  if (sent != c.transfer->text)
    problem(check_transfers, c.where, c.seq, "what was sent (account; purse unit bucket amount): " + sent,
            c.transfer->text);
}

void auditor::check_signature(const stream_id& id, const merkle_frontier& tip, const signature& sign, bool& broken) {
  ++line(check_segments).count;
  auto keys = certificates_.find(id.writer.node);
  if (keys == certificates_.end() || broken) return;  // named already; what follows rests on it
  auto body = checkpoint_body({stream_origin(trust_.chain, id), tip.size(), tip.root(), {}});
  if (std::any_of(keys->second.begin(), keys->second.end(),
                  [&](const certificate& c) { return with_.verify(c.signing, body, sign); }))
    return;
  broken = true;
  problem(
      check_segments, stream_name(id), tip.size() - 1,
      "a signature of node " + std::to_string(id.writer.node.value) + " over the " + root_text(tip.size(), tip.root()),
      "one that does not verify under any of its keys");
}

void auditor::check_end(const stream_id& id, const merkle_frontier& tip, std::uint64_t tiles) {
  const auto& head = heads_.at(id);
  auto where = stream_name(id);
  if (!(tip == head))
    problem(check_streams, where, tip.size() - 1, "stored head: " + root_text(head.size(), head.root()),
            "its entries give " + root_text(tip.size(), tip.root()));
  if (!is_own(id.writer) && head.size() != 0) {
    auto sign = reader_.foreign_signature(id);
    bool broken = false;
    if (sign) {
      check_signature(id, head, *sign, broken);
    } else {
      problem(check_segments, where, head.size() - 1, "the writer's signature over the newest head", "none");
    }
  }
  auto prefix = "t" + stream_key(id);
  std::uint64_t stored = 0;
  auto c = store_.scan(family::entries, prefix);
  for (; c->valid() && c->key().substr(0, prefix.size()) == prefix; c->next())
    ++stored;
  if (stored > tiles)
    problem(check_tiles, where, {}, std::to_string(tiles) + " tiles", std::to_string(stored) + " tiles");
  if (auto own = cited_.find(id); own != cited_.end())
    for (auto it = own->second.upper_bound(tip.size()); it != own->second.end(); ++it)
      for (const auto& cited : it->second) {
        if (!cited.sole) {
          ++report_.heads_elsewhere;
        } else {
          problem(cited.check, where, {}, std::to_string(it->first) + " entries, says " + cited.where,
                  std::to_string(tip.size()) + " entries: this data is an old copy");
        }
      }
}

// -- sub-streams ---------------------------------------------------------------

void auditor::cite_sub_streams() {
  for (auto& [id, sub] : subs_) {
    if (uncertain_.count(id.writer) && !is_own(id.writer)) continue;
    stream_id journal{id.writer, sub_stream::journal, {}};
    auto who = stream_name(journal);
    if (!held(id)) {
      if (is_own(id.writer))
        problem(check_sub_streams, stream_name(id), {}, std::to_string(sub.tip.size()) + " entries, as in the journal",
                "no such stream");
      continue;
    }
    ++line(check_sub_streams).count;
    bool short_of = sub.stored > sub.tip.size(), own = is_own(id.writer) && !is_given_back(id);
    if (is_given_back(id) && sub.tip.size() != reader_.indexed(id)) {
      problem(check_sub_streams, stream_name(id), reader_.indexed(id),
              std::to_string(sub.tip.size()) + " entries of the journal", std::to_string(reader_.indexed(id)));
    } else if (own && sub.stored != sub.tip.size()) {
      problem(check_sub_streams, stream_name(id), std::min(sub.stored, sub.tip.size()),
              std::to_string(sub.tip.size()) + " entries, as in the journal", std::to_string(sub.stored) + " entries");
    } else if (own && !(heads_.at(id) == sub.tip)) {
      name_difference(id);
    }
    auto size = short_of ? sub.tip.size() : sub.stored;
    auto root = short_of ? sub.tip.root() : sub.root_at_stored;
    if (size != 0 && root) cited_[id][size].push_back({*root, who, {}, check_sub_streams, own, {}});
  }
  for (const auto& [id, tip] : heads_)
    if (id.sub != sub_stream::journal && is_own(id.writer) && !subs_.count(id) && !is_given_back(id))
      problem(check_sub_streams, stream_name(id), 0, "nothing, as in the journal",
              std::to_string(tip.size()) + " entries");
}

void auditor::name_difference(const stream_id& id) {
  stream_id journal{id.writer, sub_stream::journal, {}};
  entry_walk sub(store_, id, self_.node, 0, size_of(id)), all(store_, journal, self_.node, 0, size_of(journal));
  while (auto item = all.next()) {
    auto e = decode_entry(item->data);
    const auto* row = row_of(peek_kind(item->data));
    bool mine = id.sub == sub_stream::directory ? row && row->broadcast
                                                : e && e->kind == entry_kind::send && e->peer.node == id.to;
    if (!mine) continue;
    auto copy = sub.next();
    if (copy && copy->data == item->data) continue;
    return problem(check_sub_streams, stream_name(id),
                   copy           ? copy->seq
                   : sub.damage() ? sub.damage()->at
                                  : 0,
                   "entry " + std::to_string(item->seq) + " of the journal", copy ? "another entry" : "none");
  }
  problem(check_sub_streams, stream_name(id), {}, "the head that the journal gives", "another head");
}

}  // namespace tally::audit_detail
