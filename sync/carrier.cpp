#include "sync/carrier.hpp"

#include <algorithm>

#include "ledger/state.hpp"
#include "storage/kv_state.hpp"
#include "sync/entry_walk.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

/// Size of the newest head that `by` cosigned, as the store knows.
std::uint64_t cosigned_by(const kv_store& store, const stream_id& id, node_id by) {
  byte_writer key;
  key.u8('c');
  key.raw(stream_key(id));
  key.u32be(by.value);
  bytes v;
  if (store.get(family::meta, key.view(), v) != lookup::found) return 0;
  auto m = decode_message(v);
  const auto* c = m ? std::get_if<cosign_message>(&*m) : nullptr;
  return c ? c->size : 0;
}

/// How much of a directory a node below had adopted, as its journal said when the observed fold was last written out.
std::uint64_t adopted_by(const kv_store& store, const stream_id& id, node_id node) {
  auto record = node_of(durable_state(store), node);
  if (!record) return 0;
  cell_key key{.type = cell_type::adopted,
               .a = static_cast<std::uint64_t>(id.sub),
               .b = id.to.value,
               .writer = writer_id{node, record->epoch},
               .peer = id.writer};
  bytes v;
  if (store.get(family::state, "o" + cell_key_bytes(key), v) != lookup::found) return 0;
  auto c = decode_cell(v);
  return c && c->n > 0 ? static_cast<std::uint64_t>(c->n) : 0;
}

}  // namespace

bool is_above(const certificate_book& book, node_id above, node_id below) {
  // As the station: trees are three deep, the bound guards against a directory that contradicts itself.
  for (int depth = 0; depth < 8; ++depth) {
    auto c = book.find(below);
    if (!c || (*c)->parents.empty()) return false;
    below = (*c)->parents.front();
    if (below == above) return true;
  }
  return false;
}

void note_wants(const parcel& p, wanted_from& wants) {
  for (const auto& m : p.messages)
    if (const auto* w = std::get_if<want_message>(&m)) wants[w->stream] = w->from;
}

shipment::shipment(const carrier_parts& parts, node_id to) : parts_(parts), reader_(parts.store), to_(to) {
  if (!parts.own) return;
  source_ = std::make_unique<durable_source>(parts.store, *parts.own, parts.chain, parts.self.node);
  for (const auto& [epoch, key] : parts.older)
    source_->sign_with(epoch, *key);
}

// Nobody takes what an epoch wrote when a key that began another one signed it.
bool shipment::can_sign(const writer_id& own) const {
  if (!source_) return false;
  if (parts_.older.contains(own.epoch)) return true;
  auto keys = parts_.certificates.keys_for(own);
  return keys.empty() || std::ranges::find(keys, parts_.own->key()) != keys.end();
}

result<shipment> shipment::plan(const carrier_parts& parts, node_id to, const wanted_from& wants,
                                const std::vector<cosign_message>& cosigned, std::array<std::uint8_t, 8> id,
                                unix_seconds now) {
  shipment s(parts, to);
  s.up_ = is_above(parts.certificates, to, parts.self.node);
  if (!s.up_ && !is_above(parts.certificates, parts.self.node, to))
    return error{errc::not_allowed, "node " + std::to_string(to.value) + " is neither above nor below node " +
                                        std::to_string(parts.self.node.value)};
  auto own = parts.certificates.find(parts.self.node);
  s.past_parent_ = s.up_ && own && (*own)->parents.front() != to;
  s.form_.chain = parts.chain;
  s.form_.from = parts.self;
  s.form_.to = to;
  s.form_.shipment = id;
  s.form_.number = 0;
  s.form_.written = now;
  TALLY_TRY(s.choose(wants));
  s.preface(cosigned, now);
  return s;
}

bool shipment::goes_to(const stream_id& id) const {
  bool journal = id.sub == sub_stream::journal;
  if (up_) return journal;
  if (journal) return false;
  if (id.sub == sub_stream::directory) return id.writer.node == head_office;
  bool meant = id.to == to_ || is_above(parts_.certificates, to_, id.to);
  return meant && (id.writer.node == head_office || (id.writer.node == parts_.self.node && id.to == to_));
}

bool shipment::comes_from(const stream_id& id) const {
  auto writer = id.writer.node;
  if (writer == parts_.self.node) return false;
  if (up_) return id.sub != sub_stream::journal;
  return id.sub == sub_stream::journal && (writer == to_ || is_above(parts_.certificates, to_, writer));
}

status shipment::choose(const wanted_from& wants) {
  auto list = reader_.list();
  if (!list) return list.error();
  add_wants(*list);
  for (const auto& id : *list) {
    if (!goes_to(id)) continue;
    // Under the name of such a life others know other entries, so nobody could continue what he holds with these.
    const bool own = id.writer.node == parts_.self.node && id.writer != parts_.self;
    if (own && (went_astray(parts_.store, id.writer) || (past_parent_ && was_cut_short(parts_.store, id.writer)))) {
      astray_.push_back(id);
      continue;
    }
    auto tip = reader_.frontier(id);
    if (!tip) return tip.error();
    row r{id, std::min(begin_of(id, wants), tip->size()), tip->size()};
    r.proved = id.writer.node != parts_.self.node || r.from == r.size || can_sign(id.writer);
    rows_.push_back(r);
  }
  // The directory first: it certifies who signed the rest.
  std::ranges::stable_sort(rows_, {}, [](const row& r) { return r.stream.sub != sub_stream::directory; });
  return done();
}

std::uint64_t shipment::begin_of(const stream_id& id, const wanted_from& wants) const {
  if (auto it = wants.find(id); it != wants.end()) return it->second;
  // What head office cosigned came through the nodes between. If one of them has lost it since, its next want says so.
  if (up_) return std::max(cosigned_by(parts_.store, id, to_), cosigned_by(parts_.store, id, head_office));
  return id.sub == sub_stream::directory ? adopted_by(parts_.store, id, to_) : 0;
}

void shipment::add_wants(const std::vector<stream_id>& held) {
  for (const auto& id : held) {
    if (!comes_from(id)) continue;
    auto tip = reader_.frontier(id);
    if (!tip || tip->size() == 0) continue;
    want_message w{id, tip->size(), std::nullopt};
    if (auto sign = reader_.foreign_signature(id)) w.proof = want_message::evidence{tip->root(), *sign};
    ready_.emplace_back(w);
  }
}

void shipment::preface(const std::vector<cosign_message>& cosigned, unix_seconds now) {
  if (up_) return;
  if (parts_.role == node_role::hq && parts_.own)
    ready_.emplace_back(time_message{now, parts_.own->sign(time_text(now))});
  for (const auto& m : cosigned)
    if (comes_from(m.stream)) ready_.emplace_back(m);
  auto c = parts_.store.scan(family::meta, "c");
  for (; c->valid() && c->key().starts_with('c'); c->next()) {
    auto m = decode_message(c->value());
    const auto* stored = m ? std::get_if<cosign_message>(&*m) : nullptr;
    if (stored && comes_from(stored->stream)) ready_.emplace_back(*stored);
  }
}

std::uint64_t shipment::entries() const {
  std::uint64_t n = 0;
  for (const auto& r : rows_)
    if (r.proved) n += r.size - r.from;
  return n;
}

result<std::optional<parcel>> shipment::next() {
  if (finished_) return std::optional<parcel>{};
  ++form_.number;
  auto p = form_;
  if (p.number > parcel_number_max) return error{errc::full, "too much for one shipment"};
  std::size_t octets = 0;
  while (octets < parcel_bytes_full && p.messages.size() < parcel_messages_max) {
    if (!ready_.empty()) {
      octets += 256;
      p.messages.push_back(std::move(ready_.front()));
      ready_.pop_front();
      continue;
    }
    if (row_ == rows_.size()) break;
    const auto& r = rows_[row_];
    at_ = std::max(at_, r.from);
    if (!r.proved || at_ >= r.size) {
      ++row_;
      at_ = 0;
      continue;
    }
    bool own = r.stream.writer.node == parts_.self.node;
    auto s = own ? source_->next_segment(r.stream, at_) : reader_.foreign_segment(r.stream, at_);
    if (!s) return error{s.code(), stream_name(r.stream) + ", entry " + std::to_string(at_) + ": " + s.error().detail};
    at_ = s->size_after();
    octets += s->payload.size() + 256;
    p.messages.emplace_back(segment_message{std::move(*s)});
  }
  finished_ = p.last = ready_.empty() && row_ == rows_.size();
  return std::optional<parcel>(std::move(p));
}

}  // namespace tally
