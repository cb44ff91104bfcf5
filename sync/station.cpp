#include "sync/station.hpp"

#include <algorithm>

#include "ledger/card_sale.hpp"
#include "ledger/closing.hpp"
#include "storage/kv_state.hpp"
#include "sync/checkpoint.hpp"
#include "sync/station_facts.hpp"
#include "sync/wrong_pin.hpp"

namespace tally {
namespace {
// Repeats of one key that are answered with it; a till repeats every few seconds and a sale waits for 1.5 s.
constexpr std::size_t joined_max = 16;
// So many facts of one request are written in one group; each makes at most so many changes, with its answers.
constexpr std::size_t facts_together_max = 64, fact_changes_max = 64;
constexpr std::uint32_t silent_wait_ms = 150;  // for a parent that left the last question unanswered
// Without news head office still looks so often who needs quota and what is to be closed: the day may have changed.
constexpr tick_ms look_apart_ms = 60'000;
}  // namespace

std::string stream_origin(std::string_view chain, const stream_id& id) {
  std::string o = "tallystick/" + std::string(chain) + "/" + std::to_string(id.writer.node.value) + "/" +
                  to_hex(view_of(id.writer.epoch.value)) + "/";
  switch (id.sub) {
    case sub_stream::journal: return o + "journal";
    case sub_stream::directory: return o + "directory";
    case sub_stream::addressed: return o + "to/" + std::to_string(id.to.value);
  }
  return o;
}

std::string node_key_name(std::string_view chain, node_id node) {
  return "tallystick/" + std::string(chain) + "/" + std::to_string(node.value);
}

station::station(station_config config, const kv_store& store, certificate_book& certificates, const signer& keys,
                 entropy& random)
    : config_(std::move(config)),
      store_(store),
      reader_(store),
      certificates_(certificates),
      keys_(keys),
      random_(random),
      custodian_(1),
      sweeper_(config_.sweep),
      left_out_(config_.role, config_.role == node_role::store ? config_.skips : 0) {}

result<std::unique_ptr<station>> station::open(station_config config, const kv_store& store,
                                               certificate_book& certificates, const signer& keys, entropy& random) {
  std::unique_ptr<station> s(new station(std::move(config), store, certificates, keys, random));
  auto b = book::open(store, s->config_.self, s->config_.role);
  if (!b) return b.error();
  s->book_ = std::move(*b);
  s->note_start();
  load_certificates(store, certificates);
  s->observer_ = std::make_unique<observer>(s->book_->st(), s->config_.self, s->config_.role);
  s->observer_->lives_as(s->book_->self());
  s->observer_->price_by(&s->book_->rules());
  s->load_forked();
  s->load_outdated();
  // Ask ids must not repeat after a restart: a neighbour remembers served ones.
  std::uint64_t seed = 0;
  std::array<std::uint8_t, 6> octets{};
  random.fill(octets);
  for (auto o : octets)
    seed = seed << 8 | o;
  s->custodian_ = custodian(seed + 1);
  s->count_for_calendar(s->book_->hq_time());
  if (s->config_.role != node_role::store) TALLY_TRY(s->observer_->load(s->reader_, s->config_.self));
  // Head office's word of the time when it certified this node, so that a clock that is far off at the first start does
  // not set the business date for ever.
  if (const auto* own = s->certificate_of(s->config_.self); own && s->config_.role != node_role::hq)
    s->book_->heard_hq_time(own->not_before);
  if (const auto* own = s->certificate_of(s->config_.self)) s->book_->owned_by(own->owner);
  s->stop_if_revoked();
  TALLY_TRY(s->left_out_.load(s->reader_));
  s->book_->leave_goods(s->left_out_.leaves_goods());
  return s;
}

void load_certificates(const kv_store& store, certificate_book& book) {
  auto c = store.scan(family::meta, "k");
  for (; c->valid() && c->key()[0] == 'k'; c->next()) {
    auto signed_form = decode_signed_certificate(c->value());
    // What does not verify under the pinned root is not believed, wherever it lies.
    if (signed_form) (void)book.add(*signed_form);
  }
  load_revocations(store, book);
}

void load_revocations(const kv_store& store, certificate_book& book) {
  bytes prefix{cell_prefix, static_cast<char>(cell_type::revoked)};
  for (auto c = store.scan(family::state, prefix); c->valid() && c->key().substr(0, 2) == prefix; c->next()) {
    auto k = parse_cell_key(c->key());
    auto v = decode_cell(c->value());
    memory_state one;
    if (k && v) one.put(*k, std::move(*v));
    if (auto r = k ? revoking_of(one, k->writer) : std::nullopt)
      (void)book.revoke({k->writer.node, k->writer.epoch, r->size, r->serial});
  }
}

void station::start(const epoch_id& first_epoch, unix_seconds now) {
  if (book_->started()) return;
  book_->begin_epoch(first_epoch, now, std::nullopt);
  observer_->lives_as(book_->self());
  observe_own(0);
}

status station::put(station_input input) {
  bool bulk = std::holds_alternative<segment_arrival>(input) || std::holds_alternative<facts_request>(input) ||
              std::holds_alternative<carried_request>(input);
  auto& queue = bulk ? bulk_ : urgent_;
  if (queue.size() >= (bulk ? config_.bulk_max : config_.urgent_max))
    return error{errc::busy, "too many requests wait"};
  queue.push_back(std::move(input));
  return done();
}

void station::run(unix_seconds now, tick_ms tick) {
  now_ = now;
  tick_ = tick;
  const auto segments_max = config_.role == node_role::store ? group_changes_of_segments : group_changes_max;
  while (book_->open_changes() < group_changes_max) {
    if (!urgent_.empty()) {
      auto input = std::move(urgent_.front());
      urgent_.pop_front();
      handle(input);
    } else if (!bulk_.empty()) {
      if (auto* facts = std::get_if<facts_request>(&bulk_.front())) {
        write_facts(*facts);
        if (facts_open_) break;  // the rest goes into the next group
      } else {
        if (book_->open_changes() >= segments_max) break;
        handle(bulk_.front());
      }
      bulk_.pop_front();
    } else {
      break;
    }
  }
  if (proof_came_ || observer_->since_checkpoint() >= config_.checkpoint_every) observer_->checkpoint(book_->view());
  proof_came_ = false;
}

void station::checkpoint() {
  if (config_.role != node_role::store) observer_->checkpoint(book_->view());
}

/// Between stations nothing is said for long while one has a question open, so the first silence is believed.
std::uint32_t station::customer_wait_ms() const {
  return parent_silent_ ? std::min(config_.customer_wait_ms, silent_wait_ms) : config_.customer_wait_ms;
}

void station::heard(node_id from) {
  if (parent_silent_ && is_above(from)) parent_silent_ = false;
}

void station::handle(const station_input& input) {
  lives_.stirred = true;
  if (const auto* r = std::get_if<till_request>(&input)) {
    on_till(*r);
  } else if (const auto* a = std::get_if<segment_arrival>(&input)) {
    heard(a->from);
    ingest(*a);
  } else if (const auto* c = std::get_if<control_arrival>(&input)) {
    heard(c->from);
    if (!is_outdated()) control(*c);
  } else if (const auto* l = std::get_if<link_change>(&input)) {
    heard(l->neighbour);
    if (l->up) {
      up_.insert(l->neighbour);
      if (is_above(l->neighbour))
        calendar_.linked_at = tick_, care_.due = care_.renew_due = care_.fetch_due = care_.fetch_wait = 0;
      ++links_seen_;
      open_effects_.push_back(advanced_effect{});
      // A region that just started has no signed word of head office's time yet.
      if (!is_above(l->neighbour) && (config_.role == node_role::hq || last_time_.time > 0))
        open_effects_.push_back(to_neighbour{l->neighbour, time_for_children(now_)});
    } else {
      up_.erase(l->neighbour);
      rebuild_.held.erase(l->neighbour);
      rebuild_.given_back.erase(l->neighbour);
      rebuild_.gone_on.erase(l->neighbour);
      custodian_.lost(l->neighbour, now_, *this);
    }
  } else if (const auto* by_hand = std::get_if<carried_request>(&input)) {
    carried(*by_hand);
  } else if (const auto* e = std::get_if<elsewhere_request>(&input)) {
    if (above())
      custodian_.need(random_id() | 1ULL << 63, e->account, purse_paid, 0, customer_wait_ms(), tick_, now_, *this);
  }
}

std::uint64_t station::random_id() {
  std::array<std::uint8_t, 7> octets{};
  random_.fill(octets);
  std::uint64_t v = 0;
  for (auto o : octets)
    v = v << 8 | o;
  return v;
}

// A key that waits must not be decided beside its waiting: the till could be told of a refusal, and the sale be made.
void station::on_till(const till_request& r) {
  for (auto& [id, sale] : waiting_) {
    const auto &k = key_of(r.command), &other = key_of(sale.request.command);
    if (k.terminal != other.terminal || k.counter != other.counter) continue;
    if (r.command == sale.request.command && sale.joined.size() < joined_max) return sale.joined.push_back(r.request);
    till_answer a;
    a.request = r.request;
    a.writer = book_->self();
    a.outcome =
        refusal{{errc::key_reused, "counter " + std::to_string(k.counter) + " waits for its answer"}, {}, {}, 0};
    return answer(std::move(a));
  }
  if (!ask_about_returns(r)) decide_till(r, !r.may_wait, 0);
}

void station::decide_till(const till_request& r, bool last, amount pulled, bool unanswered) {
  till_answer a;
  a.request = r.request;
  a.writer = book_->self();
  a.pulled = pulled;
  // What was done before is answered, whatever the disk.
  if (disk_low_ && !std::holds_alternative<replayed>(decide(r.command, book_->at(now_)))) {
    a.outcome = refusal{{errc::full, "the disk is nearly full"}, {}, {}, 0};
    return answer(std::move(a));
  }
  if (auto why = stands_still(); why && !std::holds_alternative<replayed>(decide(r.command, book_->at(now_)))) {
    a.outcome = refusal{std::move(*why), {}, {}, 0};
    return answer(std::move(a));
  }
  a.seq = book_->next();
  bool linked = above().has_value(), alone = parent() && (unanswered || !linked);
  bool pulls = !last && linked && waiting_.size() < config_.urgent_max;
  auto d = book_->take(r.command, now_, pulls, last && r.may_wait && !alone, alone);
  if (auto* e = std::get_if<entry>(&d)) {
    calendar_.traded = true;
    // What comes to a card that was given back waits for nobody here.
    was_given_back(e->account, book_->at(now_)) ? sweeper_.left(e->account, tick_) : sweeper_.used(e->account);
    a.outcome = std::move(*e);
  } else if (auto* again = std::get_if<replayed>(&d)) {
    auto earlier = book_->find_entry(again->writer, again->seq);
    invariant(earlier.has_value(), "an entry that was found a moment ago");
    a.writer = again->writer;
    a.seq = again->seq;
    a.repeated = true;
    a.outcome = std::move(*earlier);
  } else {
    if (auto& why = std::get<refusal>(d); why.why.code == errc::insufficient && pulls) return wait_for_rights(r, why);
    a.outcome = std::move(std::get<refusal>(d));
  }
  refuse_wrong_pin(a, book_->st(), book_->self());
  answer(std::move(a));
}

void station::answer(till_answer a) {
  account_id account;
  if (const auto* e = std::get_if<entry>(&a.outcome)) account = e->account;
  if (const auto* r = std::get_if<refusal>(&a.outcome)) account = r->account;
  if (account.value != 0) {
    a.here = held_here(account, purse_paid);
    a.elsewhere = hint(account);
  }
  open_effects_.push_back(std::move(a));
}

void station::write_facts(facts_request& r) {
  if (is_outdated() || rebuild_.on) {
    auto text = rebuild_.on ? rebuilding_text : outdated_text;
    open_effects_.push_back(facts_answer{r.request, errc::rolled_back, std::string(text), book_->next(), 0});
    return;
  }
  if (auto why = stands_still()) {
    open_effects_.push_back(facts_answer{r.request, why->code, why->detail, book_->next(), 0});
    return;
  }
  facts_answer a{r.request, errc::ok, {}, book_->next(), 0};
  if (auto it = facts_progress_.find(r.request); it != facts_progress_.end()) a = it->second;
  if (a.written == 0) {
    // A few that belong together are there after a power cut, or none of them is.
    const auto room = r.facts.size() * fact_changes_max;
    if (r.facts.size() <= facts_together_max && book_->open_changes() > group_changes_max - room) {
      facts_open_ = true;
      return;
    }
    if (auto ok = check_serials(r.facts); !ok) {
      facts_open_ = false;
      open_effects_.push_back(facts_answer{r.request, ok.error().code, ok.error().detail, book_->next(), 0});
      return;
    }
  }
  std::uint64_t run = 0;
  for (auto i = a.written; i < r.facts.size(); ++i) {
    if (run == 0 && book_->open_changes() >= group_changes_max) {
      facts_progress_[r.request] = a;
      facts_open_ = true;
      return;
    }
    if (run == 0) run = announce(r.facts, i);
    auto whole = complete_fact(r.facts[i]);
    date_entry(r.facts[i], book_->st(), book_->self(), now_, book_->hq_time());
    auto seq = whole ? write(r.facts[i]) : result<sequence>(whole.error());
    invariant(seq.ok() || run == 0, "what was announced was judged before");
    if (!seq) {
      a.code = seq.error().code;
      a.detail = seq.error().detail;
      break;
    }
    const auto kind = r.facts[i].kind == entry_kind::reverse ? r.facts[i].cited_kind : r.facts[i].kind;
    if (sells_card(kind)) answer_card(r.facts[i], book_->self(), *seq);
    cover_booked(r.facts[i]);
    learn_decision(r.facts[i], book_->head(directory()).size);
    ++a.written;
    if (run > 0) --run;
  }
  facts_open_ = false;
  facts_progress_.erase(r.request);
  open_effects_.push_back(a);
  open_effects_.push_back(rules_effect{book_->rules().version_at(UINT32_MAX)});
}

result<sequence> station::write(const entry& e) {
  auto seq = book_->write(e);
  lives_.stirred = true;
  if (e.kind == entry_kind::close_epoch) ++links_seen_;  // what goes to whom is asked for anew
  if (seq) observe_own(*seq);
  // Rights on their way: a customer may wait for them. What came of a question: another store may wait for that.
  if (seq && e.kind == entry_kind::send && e.cause != send_cause::sweep) urgent_open_ = true;
  if (seq && config_.role == node_role::store && gives_goods_back(e.kind) && is_awaited(e, held_above()))
    urgent_open_ = true;
  if (seq && e.kind == entry_kind::receive) stop_if_revoked();  // what came late does not let it trade again
  return seq;
}

// Both halves of a transfer meet in the observer, so it sees this node's own journal too.
void station::observe_own(sequence seq) {
  if (config_.role == node_role::store) return;
  auto e = book_->find_entry(seq);
  invariant(e.has_value(), "an entry that was written a moment ago");
  entry_list one;
  one.add(encode_entry(*e));
  (void)observer_->observe(
      book_->self(), seq, one, [this](sequence s) { return book_->find_entry(s); },
      [this](const stream_id& id, sequence s) { return find_foreign(id, s); });
}

void station::learn_decision(const entry& e, std::uint64_t position) {
  if (e.kind == entry_kind::certify) learn_certificate(e, position);
  if (e.kind == entry_kind::ruling) {
    observer_->ruled(e), calendar_.executes = true;
    lives_.settled.erase(e.subject);
    lives_.doubt_due = std::min(lives_.doubt_due, tick_ + 1'000);  // what was in doubt for it may be so no more
  }
  if (e.kind == entry_kind::erase_member) open_effects_.push_back(erased_effect{e.account});
  observer_->card_said(e);
  // A node that retired hears of both: revoked alone it would sell for cash on.
  if (e.kind == entry_kind::close_epoch && e.subject.node != config_.self && retired_at(book_->st(), e.subject))
    note_end_of_keys(e.subject.node, position);
  if (e.kind != entry_kind::revoke) return;
  (void)certificates_.revoke({e.subject.node, e.subject.epoch, e.size, e.serial});
  note_end_of_keys(e.subject.node, position);
  stop_if_revoked();
}

void station::learn_certificate(const entry& e, std::uint64_t position) {
  auto s = decode_signed_certificate(e.blob);
  if (!s) return open_effects_.push_back(alarm_effect{errc::malformed, "a certificate in the directory"});
  auto known = certificates_.size();
  auto c = certificates_.add(*s);
  if (!c) return open_effects_.push_back(alarm_effect{c.error().code, "certificate: " + c.error().detail});
  certify_node(book_->st(), (*c)->node, {(*c)->role, (*c)->epoch, (*c)->parents, {}});
  book_->view().put(family::meta, certificate_key((*c)->node, (*c)->serial), encode(*s));
  if (certificate_of((*c)->node) != *c) return;  // an older one
  if ((*c)->node == config_.self) book_->owned_by((*c)->owner);
  end_fork(**c);
  auto all = certificates_.all_of((*c)->node);
  if (all.size() > 1 && all[all.size() - 2]->curve != (*c)->curve) note_end_of_keys((*c)->node, position);
  if ((*c)->node == config_.self && certificates_.size() != known) learn_own_certificate(**c);
}

void station::tick(unix_seconds now, tick_ms tick, std::uint64_t disk_free_bytes) {
  now_ = now;
  tick_ = tick;
  disk_low_ = disk_free_bytes < config_.reserve_bytes;
  if (!book_->started()) return;
  end_return_waits();
  tend_closings();
  watch_parent();
  if (is_outdated()) return await_parent();
  if (rebuild_.on) return rebuild();
  become_sure();
  custodian_.tick(tick, now, *this);
  chase_cosignature();
  sweep();
  if (config_.role == node_role::hq) book_->heard_hq_time(now);
  keep_calendar();
  fetch_left_out();
  if (tick >= care_.due) tend_keys();
  if (config_.role == node_role::hq) {
    if (tick >= (lives_.stirred ? replenish_due_ : lives_.look_due)) {
      replenish_due_ = tick + 1'000;
      lives_.look_due = tick + look_apart_ms;
      lives_.stirred = false;
      replenish();
      settle_epochs();
    }
  }
}

tick_ms station::next_due() const {
  auto due = std::min({custodian_.next_due(), sweeper_.next_due(), tick_ + look_apart_ms, care_.due});
  if (chase_.wait != 0) due = std::min(due, chase_.due);
  if (left_out_.waits()) due = std::min(due, std::max(tick_, care_.fetch_due));
  for (const auto& [id, ask] : lives_.closing.asks)
    due = std::min({due, ask.due, ask.again});
  for (const auto& [id, sale] : waiting_)
    if (sale.returns_due != 0) due = std::min(due, sale.returns_due);
  if (calendar_.away_since && config_.detour_after_ms > 0 && !wants_detour())
    due = std::min(due, std::max(tick_, *calendar_.away_since + config_.detour_after_ms));
  for (const auto& since : {lives_.start.parent_spoke, lives_.start.alone})
    if (!is_sure() && since) due = std::min(due, std::max(tick_, *since + config_.sure_wait_ms));
  if (config_.role == node_role::hq) due = std::min(due, lives_.stirred ? replenish_due_ : lives_.look_due);
  return due;
}

std::optional<kv_batch> station::seal() {
  if (book_->in_flight() || (book_->open_changes() == 0 && open_effects_.empty())) return std::nullopt;
  bool grows = book_->started() && book_->next() != book_->durable_next();
  sealed_effects_ = std::move(open_effects_);
  open_effects_.clear();
  sealed_runs_ = std::exchange(open_runs_, {});
  if (grows || segments_open_) sealed_effects_.push_back(advanced_effect{std::exchange(urgent_open_, false)});
  segments_open_ = false;
  cosigned_sealed_ = std::exchange(cosigned_open_, false);
  sealed_generation_ = book_->streams_born() + certificates_.size() + links_seen_;
  return book_->seal();
}

std::vector<station_effect> station::settled() {
  book_->settled();
  generation_ = sealed_generation_;
  sealed_runs_.clear();
  if (std::exchange(cosigned_sealed_, false)) cosigned_.clear();
  return std::exchange(sealed_effects_, {});
}

bool station::check_rollback(const writer_id& writer, std::uint64_t size, unix_seconds now,
                             const std::optional<hash256>& root) {
  if (writer != book_->self()) return false;
  now_ = now;
  // What the lost part of a region's life sent to a child, that child alone may know.
  const auto end = config_.role == node_role::region ? unknown_end : size;
  if (root && size <= book_->durable_next()) {
    auto own = root_at(size, reader_.nodes(book_->journal(), book_->self()));
    if (!own || *own == *root) return false;
    begin_anew(errc::rolled_back,
               "this node went on from an old copy: its entries up to " + std::to_string(size) +
                   " are not those that were sent under its name",
               end, stream_head{book_->journal(), size, *root});
    return true;
  }
  if (size <= book_->next()) return false;
  begin_anew(errc::rolled_back,
             "this node had written " + std::to_string(size) + " entries and has only " + std::to_string(book_->next()),
             end);
  return true;
}

const certificate* station::certificate_of(node_id node) const {
  auto c = certificates_.find(node);
  return c ? *c : nullptr;
}

std::optional<elsewhere_hint> station::hint(account_id account) const {
  return hints_.count(account) == 0 ? std::nullopt : std::optional(hints_.at(account));
}

}  // namespace tally
