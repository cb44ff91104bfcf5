#include "sync/reexecution.hpp"

#include <algorithm>

#include "ledger/closing.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "sync/entry_walk.hpp"
#include "sync/text.hpp"

namespace tally {
namespace {

// The life before each life, for journals that name each other.
constexpr int epochs_max = 1000;

std::string journal_note(const stream_id& id) { return "reexecution/j" + stream_key(id); }
std::string figure_note(const stream_id& id, const bytes& key) { return "reexecution/f" + stream_key(id) + key; }
std::string difference_note(std::uint64_t n) {
  byte_writer w;
  w.raw("reexecution/d");
  w.u64be(n);
  return w.take();
}

bytes encode_difference(const reexecuted_difference& d) {
  byte_writer w;
  w.u8(1);
  write_writer(w, d.writer);
  w.uv(d.seq);
  w.str(d.expected);
  w.str(d.found);
  return w.take();
}

/// As above, and who dealt with it said why, and when.
bytes encode_acknowledged(const reexecuted_difference& d, const std::string& reason, unix_seconds at) {
  byte_writer w;
  w.raw(encode_difference(d));
  w.sv(at);
  w.str(reason);
  auto out = w.take();
  out.front() = 2;
  return out;
}

std::optional<reexecuted_difference> decode_difference(byte_view data, bool& acknowledged) {
  byte_reader r(data);
  auto form = r.u8();
  acknowledged = form == 2;
  if (form != 1 && form != 2) r.fail();
  reexecuted_difference d;
  d.writer = read_writer(r);
  d.seq = r.uv();
  d.expected = std::string(r.str(reexecuted_difference::text_max));
  d.found = std::string(r.str(reexecuted_difference::text_max));
  if (acknowledged) {
    (void)r.sv();
    (void)r.str(note_max);
  }
  return r.at_end() ? std::optional(std::move(d)) : std::nullopt;
}

}  // namespace

class reexecution::ground final : public price_ground {
public:
  explicit ground(reexecution& of)
      : shelf([this](const auto& id, auto index, auto& to) { add_publication(id, index, to); }), of_(of) {}

  void checked() override {}
  void differs(const stream_id& id, sequence seq, std::string expected, std::string found) override {
    if (muted) return;
    ++of_.journals_[id].differences;
    if (of_.differences_.size() >= differences_max) return;
    reexecuted_difference d{id.writer, seq, std::move(expected), std::move(found), of_.next_difference_++};
    d.expected.resize(std::min(d.expected.size(), reexecuted_difference::text_max));
    d.found.resize(std::min(d.found.size(), reexecuted_difference::text_max));
    of_.notes_.emplace_back(difference_note(d.number), encode_difference(d));
    of_.differences_.push_back(std::move(d));
  }
  std::optional<entry> entry_at(const stream_id& id, sequence seq) override {
    if (seq >= of_.reader_.size(id)) return std::nullopt;
    auto data = of_.reader_.entry_of(id, seq, of_.self_);
    auto e = data ? decode_entry(*data) : result<entry>(data.error());
    return e ? std::optional(std::move(*e)) : std::nullopt;
  }
  bool is_closed(const writer_id& w) override { return closing_of(durable_state(of_.store_), w).has_value(); }
  std::optional<card_record> card_at(account_id account) override {
    return card_of(durable_state(of_.store_), account);
  }
  directory_sizes adopted_by(const stream_id& id, std::uint64_t size) override {
    directory_sizes out;
    collect(id, size, epochs_max, out);
    return out;
  }
  std::shared_ptr<const catalogue> published(const directory_sizes& sizes) override { return shelf.published(sizes); }
  std::optional<std::uint32_t> owner_of(const writer_id& w, const directory_sizes& sizes) override {
    return shelf.owner_of(w, sizes);
  }
  std::shared_ptr<const catalogue> everything() override { return shelf.everything(); }
  amount figure(const stream_id& id, const bytes& key) override {
    auto name = figure_note(id, key);
    if (auto it = figures_.find(name); it != figures_.end()) return it->second;
    bytes v;
    if (of_.store_.get(family::meta, "n" + name, v) != lookup::found) return 0;
    byte_reader r(v);
    return r.sv();
  }
  void set_figure(const stream_id& id, const bytes& key, amount value) override {
    if (!muted) figures_[figure_note(id, key)] = value;
  }
  /// What changed since the last call, as notes.
  void take_figures(notes& out) {
    for (const auto& [name, value] : figures_) {
      byte_writer w;
      w.sv(value);
      out.emplace_back(name, w.take());
    }
    figures_.clear();
  }

  bool muted = false;  ///< what was looked at before is looked at once more
  rules_shelf shelf;

private:
  void add_publication(const stream_id& id, std::uint64_t index, catalogue& to) {
    auto e = entry_at(id, index);
    if (!e) return;
    if (e->topic == publish_topic::rules) {
      if (auto r = decode_rules(e->blob)) to.add(std::move(*r));
    } else if (auto p = decode_product(e->blob)) {
      to.add(std::move(*p));
    }
  }
  void collect(const stream_id& id, std::uint64_t size, int depth, directory_sizes& out) {
    if (depth == 0 || id.sub != sub_stream::journal) return;
    const auto held = of_.reader_.size(id);
    // Of a life that was closed the end may come late, or never: it may have known all that was published.
    if (held < size)
      for (const auto& [directory, published] : of_.read_)
        out[directory] = std::max(out[directory], published);
    entry_walk walk(of_.store_, id, of_.self_.node, 0, std::min(size, held));
    while (auto item = walk.next()) {
      auto kind = peek_kind(item->data);
      if (kind != entry_kind::adopt && (kind != entry_kind::open_epoch || item->seq != 0)) continue;
      auto e = decode_entry(item->data);
      if (!e || !e->head) continue;
      if (kind == entry_kind::open_epoch) {
        // A life before of the same node; one that names itself ends here.
        if (e->head->stream.writer.node == id.writer.node && e->head->stream != id)
          collect(e->head->stream, e->head->size, depth - 1, out);
      } else {
        out[e->head->stream] = std::max(out[e->head->stream], e->head->size);
      }
    }
  }

  reexecution& of_;
  std::map<std::string, amount> figures_;  ///< that are not durable yet
};

reexecution::reexecution(const kv_store& store)
    : store_(store), reader_(store), ground_(std::make_unique<ground>(*this)) {}
reexecution::~reexecution() = default;

result<std::unique_ptr<reexecution>> reexecution::open(const kv_store& store) {
  std::unique_ptr<reexecution> out(new reexecution(store));
  TALLY_TRY(out->load());
  return out;
}

status reexecution::load() {
  auto self = reader_.self();
  if (!self) return self.error();
  self_ = *self;
  auto c = store_.scan(family::meta, "nreexecution/");
  for (; c->valid() && c->key().starts_with("nreexecution/"); c->next()) {
    auto name = c->key().substr(13);
    if (name.starts_with("d")) {
      bool acknowledged = false;
      auto d = decode_difference(c->value(), acknowledged);
      byte_reader number(name.substr(1));
      if (d) d->number = number.u64be();
      if (!d || !number.at_end()) return error{errc::corrupt, "a note about a difference"};
      next_difference_ = std::max(next_difference_, d->number + 1);
      if (acknowledged) {
        acknowledged_.emplace(d->writer, d->seq);
        ++acknowledged_count_;
      } else {
        differences_.push_back(std::move(*d));
      }
    } else if (name.starts_with("j")) {
      auto id = parse_stream_key(name.substr(1));
      byte_reader r(c->value());
      journal j;
      if (r.u8() != 1) r.fail();
      j.size = r.uv();
      j.differences = r.uv();
      j.day.seq = r.uv();
      for (auto n = r.uv(directories_max); n > 0 && r.ok(); --n) {
        auto directory = read_stream(r);
        j.day.adopted[directory] = r.uv();
      }
      // Looked at from its start again, it would count what came back twice.
      if (!id || !r.at_end()) return error{errc::corrupt, "a note about a journal"};
      journals_[*id] = std::move(j);
    }
  }
  return c->state();
}

bytes reexecution::encode(const journal& j) const {
  byte_writer w;
  w.u8(1);
  w.uv(j.size);
  w.uv(j.differences);
  w.uv(j.day.seq);
  w.uv(j.day.adopted.size());
  for (const auto& [directory, size] : j.day.adopted) {
    write_stream(w, directory);
    w.uv(size);
  }
  return w.take();
}

void reexecution::learn_directories(const std::vector<stream_id>& streams) {
  for (const auto& id : streams) {
    if (id.sub != sub_stream::directory) continue;
    auto& from = read_[id];
    auto size = reader_.size(id);
    if (from >= size) continue;
    entry_walk walk(store_, id, self_.node, from, size);
    while (auto item = walk.next()) {
      from = item->seq + 1;
      auto kind = peek_kind(item->data);
      if (kind != entry_kind::publish && kind != entry_kind::certify) continue;
      auto e = decode_entry(item->data);
      if (e && kind == entry_kind::certify) ground_->shelf.certified(id, item->seq, e->blob);
      if (e && kind == entry_kind::publish && (e->topic == publish_topic::rules || e->topic == publish_topic::product))
        ground_->shelf.add(id, item->seq);
    }
  }
}

// Only what can come is waited for: a life before of the same node that is known here. A directory is head office's
// own: whoever took in more of it than there was lies, or head office lost it.
bool reexecution::can_look_at(const stream_id& id, sequence seq, byte_view data) {
  auto kind = peek_kind(data);
  if (kind != entry_kind::adopt && (kind != entry_kind::open_epoch || seq != 0)) return true;
  auto e = decode_entry(data);
  if (!e || !e->head) return true;
  const auto& [stream, size, root] = *e->head;
  if (kind == entry_kind::adopt) {
    auto there = read_.find(stream);
    auto most = there == read_.end() ? 0 : there->second;
    if (stream.sub == sub_stream::directory && size > most && size <= reader_.size(stream)) return false;  // next time
    if (size > most)
      ground_->differs(id, seq, "a directory as head office has it, up to entry " + std::to_string(most),
                       "entry " + std::to_string(size) + " of " + stream_name(stream));
    return true;
  }
  auto before = reader_.size(stream);
  bool known = stream.sub == sub_stream::journal && stream.writer.node == id.writer.node && before != 0;
  return !known || before >= size || ground_->is_closed(stream.writer);
}

// From the day's first entry, so that its sums are there again.
void reexecution::replay(const stream_id& id, journal& j) {
  j.checker = std::make_unique<price_checker>(*ground_, id, j.day.adopted);
  ground_->muted = true;
  entry_walk walk(store_, id, self_.node, j.day.seq, j.size);
  while (auto item = walk.next())
    j.checker->look_at(item->seq, item->data);
  j.checker->rest();
  ground_->muted = false;
}

void reexecution::look_at(const stream_id& id, journal& j, std::uint64_t held, std::size_t& left) {
  if (!j.checker) replay(id, j);
  auto before = j.size;
  entry_walk walk(store_, id, self_.node, j.size, j.size + std::min<std::uint64_t>(left, held - j.size));
  while (auto item = walk.next()) {
    if (!can_look_at(id, item->seq, item->data)) break;
    j.checker->look_at(item->seq, item->data);
    j.size = item->seq + 1;
    --left;
  }
  j.checker->rest();
  if (const auto& d = walk.damage(); d && d->code != errc::io) {
    j.damaged = true;  // the audit says more
    bool told = acknowledged_.count({id.writer, d->at}) != 0 || std::ranges::any_of(differences_, [&](const auto& o) {
                  return o.writer == id.writer && o.seq == d->at;
                });
    if (!told) ground_->differs(id, d->at, "entries that can be read: " + d->expected, d->found);
  }
  if (j.size == before && !j.damaged) return;
  j.day = j.checker->day_start(j.size);
  notes_.emplace_back(journal_note(id), encode(j));
}

result<reexecution::notes> reexecution::step(std::size_t max) {
  auto streams = reader_.list();
  if (!streams) return streams.error();
  // Sizes first: what was written by then took in what was published by then.
  std::map<stream_id, std::uint64_t> sizes;
  for (const auto& id : *streams)
    if (id.sub == sub_stream::journal) sizes[id] = reader_.size(id);
  learn_directories(*streams);
  std::erase_if(*streams, [](const stream_id& id) { return id.sub != sub_stream::journal; });
  std::ranges::sort(*streams);
  auto first = std::ranges::upper_bound(*streams, last_);
  std::ranges::rotate(*streams, first);
  held_ = 0;
  notes_.clear();
  auto left = max;
  for (const auto& id : *streams) {
    auto held = sizes[id];
    held_ += held;
    auto& j = journals_[id];
    if (left == 0 || held <= j.size || j.damaged) continue;
    look_at(id, j, held, left);
    last_ = id;
  }
  ground_->take_figures(notes_);
  return std::move(notes_);
}

result<reexecution::notes> reexecution::acknowledge(const writer_id& writer, sequence seq, const std::string& reason,
                                                    unix_seconds now) {
  if (reason.empty() || reason.size() > note_max || !is_plain_utf8(reason))
    return error{errc::malformed, "a reason is text of 1 to " + std::to_string(note_max) + " bytes"};
  auto meant = [&](const reexecuted_difference& d) { return d.writer == writer && d.seq == seq; };
  notes out;
  for (const auto& d : differences_)
    if (meant(d)) out.emplace_back(difference_note(d.number), encode_acknowledged(d, reason, now));
  if (out.empty()) return error{errc::not_found, "no open difference of that entry is listed"};
  std::erase_if(differences_, meant);
  acknowledged_.emplace(writer, seq);
  acknowledged_count_ += out.size();
  return out;
}

reexecution_figures reexecution::counted() const {
  reexecution_figures out;
  out.acknowledged = acknowledged_count_;
  for (const auto& [id, j] : journals_) {
    out.entries += j.size;
    out.differences += j.differences;
  }
  out.behind = held_ - std::min(held_, out.entries);
  return out;
}

}  // namespace tally
