#include "storage/book.hpp"

#include <algorithm>

#include "ledger/kinds.hpp"
#include "storage/upgrade.hpp"

namespace tally {
namespace {

constexpr byte_view self_key = "self", hq_time_key = "time", stopped_key = "stopped", format_key = "format";
constexpr std::int64_t hq_time_write_every = 10 * 60;

cell_key record_key(cell_type t, std::uint64_t a, std::uint64_t b) {
  return {.type = t, .a = a, .b = b, .writer = {}, .peer = {}};
}

bytes number_bytes(std::int64_t v) {
  byte_writer w;
  w.sv(v);
  return w.take();
}

}  // namespace

book::book(const kv_store& store, node_id self, node_role role)
    : store_(store), view_(store), state_(view_), writer_(view_), self_{self, {}}, role_(role) {}

result<std::unique_ptr<book>> book::open(const kv_store& store, node_id self, node_role role) {
  std::unique_ptr<book> b(new book(store, self, role));
  TALLY_TRY(b->load());
  return b;
}

status book::load() {
  bytes v;
  auto format = format_of(store_);
  if (!format) return format.error();
  if (view_.get(family::meta, self_key, v) == lookup::found) {
    byte_reader r(v);
    auto w = read_writer(r);
    if (!r.ok() || !r.at_end()) return error{errc::corrupt, "the node's identity"};
    if (w.node != self_.node)
      return error{errc::bad_config, "this data belongs to node " + std::to_string(w.node.value) + ", not to node " +
                                         std::to_string(self_.node.value)};
    self_ = w;
  }
  if (view_.get(family::meta, hq_time_key, v) == lookup::found) hq_time_ = hq_time_written_ = byte_reader(v).sv();
  if (view_.get(family::meta, stopped_key, v) == lookup::found) stopped_ = static_cast<errc>(byte_reader(v).sv());
  TALLY_TRY(load_catalogue());
  if (started()) {
    durable_next_ = next();
    load_earlier();
  }
  durable_figures_ = figures_now();
  if (view_.read_failed()) return error{errc::io, "the database could not be read"};
  return done();
}

status book::load_catalogue() {
  for (auto type : {cell_type::rules, cell_type::product}) {
    bytes prefix{cell_prefix, static_cast<char>(type)};
    auto c = store_.scan(family::state, prefix);
    for (; c->valid() && c->key().substr(0, 2) == prefix; c->next()) {
      auto cell = decode_cell(c->value());
      if (!cell) return error{errc::corrupt, "a published record"};
      if (type == cell_type::rules) {
        auto r = decode_rules(cell->data);
        if (!r) return error{errc::corrupt, r.error().detail};
        catalogue_.add(std::move(*r));
      } else {
        auto p = decode_product(cell->data);
        if (!p) return error{errc::corrupt, p.error().detail};
        catalogue_.add(std::move(*p));
      }
    }
    TALLY_TRY(c->state());
  }
  return done();
}

// Each epoch's first entry names the one before. The bound ends a walk over damaged data.
void book::load_earlier() {
  constexpr std::size_t epochs_max = 1'000;
  earlier_.clear();
  for (auto at = self_; earlier_.size() < epochs_max;) {
    auto first = find_entry(at, 0);
    if (!first || !first->head || first->head->stream.writer.node != self_.node) return;
    at = first->head->stream.writer;
    if (at == self_ || std::find(earlier_.begin(), earlier_.end(), at) != earlier_.end()) return;
    earlier_.push_back(at);
  }
}

void book::begin_epoch(const epoch_id& epoch, unix_seconds now, const std::optional<stream_head>& predecessor,
                       std::uint64_t proven, std::uint32_t not_before) {
  entry e;
  e.kind = entry_kind::open_epoch;
  e.engine = engine_revision;
  e.head = predecessor;
  if (predecessor && proven > predecessor->size) e.size = proven;
  // The business date goes on where the epoch before ended.
  auto before = self_;
  if (started()) earlier_.insert(earlier_.begin(), self_);
  self_.epoch = epoch;
  durable_next_ = sealed_next_ = 0;  // of the new journal nothing is durable, whatever is in flight
  durable_figures_ = sealed_figures_ = {};
  e.business_date = std::max(business_date(state_, before, now, hq_time_), not_before);
  e.stamp = now - start_of_day(e.business_date);
  byte_writer w;
  write_writer(w, self_);
  view_.put(family::meta, self_key, w.take());
  bytes form;
  if (view_.get(family::meta, format_key, form) != lookup::found || byte_reader(form).uv() < format_newest)
    put_format(format_newest);
  auto written = write(e);
  invariant(written.ok(), "an epoch opens");
}

stream_head book::head(const stream_id& own) {
  const auto& tip = writer_.tip(own);
  return {own, tip.size(), tip.root()};
}

std::optional<entry> book::find_entry(const writer_id& own, sequence seq) const {
  bytes v;
  if (view_.get(family::entries, own_entry_key(own.epoch, seq), v) != lookup::found) return std::nullopt;
  auto e = decode_entry(v);
  if (!e) return std::nullopt;
  return std::move(*e);
}

situation book::at(unix_seconds now) {
  return {.st = state_,
          .rules = catalogue_,
          .self = self_,
          .role = role_,
          .now = now,
          .hq_time = hq_time_,
          .stopped = stopped_,
          .next = next(),
          .find_entry = [this](const writer_id& w, sequence s) { return find_entry(w, s); },
          .earlier = earlier_,
          .owner = owner()};
}

decision book::take(const till_command& c, unix_seconds now, bool pulls, bool asked, bool alone) {
  auto with = at(now);
  with.pulls = pulls;
  with.asked = asked;
  with.alone = alone;
  auto d = decide(c, with, &postings_);
  if (auto* e = std::get_if<entry>(&d)) {
    entry_place place{self_, role_, next(), nullptr};
    std::optional<entry> cited;  // gifts that come back are in it
    if (e->kind == entry_kind::reverse && e->cites && (cited = find_entry(*e->cites))) place.cited = &*cited;
    auto written = write_judged(*e, place);
    if (!written) return refusal{written.error(), e->account, {}, 0};
  }
  return d;
}

result<sequence> book::write(const entry& e) {
  entry_place place{.writer = self_, .role = role_, .seq = next(), .directory = &state_};
  std::optional<entry> cited;
  if (e.cites && (cited = find_entry(*e.cites))) place.cited = &*cited;
  TALLY_TRY(judge(e, place, state_, postings_));
  return write_judged(e, place);
}

// REQUIRES: `postings_` are those of the entry. `place.cited` is looked at for a reversal alone.
result<sequence> book::write_judged(const entry& e, const entry_place& place) {
  auto data = encode_entry(e);
  if (data.size() > entry_bytes_max) return error{errc::malformed, "an entry over 65,535 octets"};
  std::optional<stream_id> also;
  if (row_of(e.kind)->broadcast) {
    TALLY_TRY(learn(e));  // first: a record that does not decode must leave nothing behind
    also = stream_id{self_, sub_stream::directory, {}};
  } else if (e.kind == entry_kind::send) {
    also = stream_id{self_, sub_stream::addressed, e.peer.node};
  }
  TALLY_TRY(apply(e, place, postings_, state_));
  if (e.kind == entry_kind::receive && stopped_ != errc::ok) stop_card_value(errc::ok);
  return writer_.append_own(journal(), data, also);
}

status book::learn(const entry& e) {
  apply_directory(e, state_);
  if (e.kind != entry_kind::publish) return done();
  if (e.topic == publish_topic::rules) {
    auto r = decode_rules(e.blob);
    if (!r) return r.error();
    // All amounts that are stored are in this currency and its minor units.
    if (const auto* now = catalogue_.newest(); now && (now->currency != r->currency || now->exponent != r->exponent))
      return error{errc::bad_rules, "the chain's currency is " + now->currency + " with " +
                                        std::to_string(now->exponent) + " decimals, and stays so"};
    state_.put(record_key(cell_type::rules, r->version, 0), {0, e.blob});
    catalogue_.add(std::move(*r));
  } else if (e.topic == publish_topic::product) {
    auto p = decode_product(e.blob);
    if (!p) return p.error();
    state_.put(record_key(cell_type::product, p->id.value, p->version), {0, e.blob});
    catalogue_.add(std::move(*p));
  }
  return done();
}

void book::put_format(std::uint64_t form) {
  byte_writer w;
  w.uv(form);
  view_.put(family::meta, format_key, w.take());
}

void book::learn_late(byte_view record, product p) {
  const auto key = record_key(cell_type::product, p.id.value, p.version);
  // What is or was sold by amount never is left out, so the record is the newest: no older one may stand meanwhile.
  if (auto known = state_.find(key)) {
    auto there = decode_product(known->data);
    if (there && (there->open || p.open)) return;
  }
  state_.put(key, {0, bytes(record)});
  catalogue_.add(std::move(p));
}

void book::heard_hq_time(std::int64_t t) {
  if (t <= hq_time_) return;
  hq_time_ = t;
  // A write for each word of it would keep the disk busy for ever; what a restart forgets, the next word brings back.
  if (t < hq_time_written_ + hq_time_write_every) return;
  hq_time_written_ = t;
  view_.put(family::meta, hq_time_key, number_bytes(t));
}

void book::stop_card_value(errc why) {
  stopped_ = why;
  view_.put(family::meta, stopped_key, number_bytes(static_cast<std::int64_t>(why)));
}

book::figures book::figures_now() const {
  auto date = number(state_, {.type = cell_type::business_date, .a = 0, .b = 0, .writer = self_, .peer = {}});
  return {static_cast<std::uint32_t>(date), quota_left(state_, self_), held_total(state_, self_)};
}

kv_batch book::seal() {
  writer_.flush();
  sealed_next_ = started() ? next() : 0;
  sealed_figures_ = figures_now();
  return view_.seal();
}

void book::settled() {
  view_.settled();
  durable_next_ = sealed_next_;
  durable_figures_ = sealed_figures_;
}

}  // namespace tally
