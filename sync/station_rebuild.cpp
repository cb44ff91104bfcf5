// Head office goes on from a backup: what it had published since then is asked back from below, and stands.
#include <algorithm>

#include "sync/entry_walk.hpp"
#include "sync/station.hpp"
#include "sync/station_facts.hpp"

namespace tally {
namespace {
constexpr tick_ms ask_apart_ms = 10'000, look_apart_ms = 1'000, without_wait_ms = 30'000;
constexpr std::size_t without_max = 10'000, lives_max = 64;

std::optional<certificate> certified_by(const entry& e) {
  auto s = decode_signed_certificate(e.blob);
  auto c = s ? decode_certificate(s->body) : result<certificate>(s.error());
  return c ? std::optional(*c) : std::nullopt;
}
}  // namespace

// The list is in the mark, so that it survives restarts until the new epoch begins.
void mark_as_copy(kv_batch& batch, const std::vector<node_id>& without) {
  byte_writer w;
  for (auto n : without)
    w.uv(n.value);
  batch.put(family::meta, copy_key, w.take());
}

bool is_copy(const kv_store& store) {
  bytes v;
  return store.get(family::meta, copy_key, v) == lookup::found;
}

void station::begin_rebuild(byte_view without) {
  rebuild_.on = true;
  for (byte_reader r(without); !r.at_end() && r.ok() && rebuild_.without.size() < without_max;)
    rebuild_.without.insert(node_id{static_cast<std::uint32_t>(r.uv(UINT32_MAX))});
}

/// Lives of head office that followed one: each closes the one before with the first entry of its directory.
std::vector<writer_id> station::lives_after(writer_id life) const {
  std::map<writer_id, writer_id> next;
  auto list = reader_.list();
  for (const auto& id : list ? *list : std::vector<stream_id>{}) {
    if (id.sub != sub_stream::directory || id.writer.node != head_office || id.writer == book_->self()) continue;
    auto first = find_foreign(id, 0);
    if (first && first->kind == entry_kind::close_epoch && first->subject.node == head_office)
      next.emplace(first->subject, id.writer);
  }
  std::vector<writer_id> out;
  for (auto it = next.find(life); it != next.end() && out.size() < lives_max; it = next.find(life))
    out.push_back(life = it->second);
  return out;
}

/// The life of this backup, those that followed it, and those that are only told of yet.
std::vector<writer_id> station::given_back() const {
  std::vector<writer_id> out{book_->self()};
  out.insert(out.end(), rebuild_.later.begin(), rebuild_.later.end());
  for (const auto& [child, lives] : rebuild_.told)
    for (const auto& w : lives)
      if (std::ranges::find(out, w) == out.end()) out.push_back(w);
  return out;
}

/// Head office's streams that each child may hold: the directory, and what is for it and for the nodes below it.
std::map<node_id, std::vector<stream_id>> station::published() const {
  std::map<node_id, std::vector<stream_id>> out;
  for (const auto& life : given_back()) {
    for (auto child : children())
      out[child].push_back({life, sub_stream::directory, {}});
    for (auto n : certificates_.nodes())
      if (auto child = n == config_.self ? std::nullopt : route_to(n))
        out[*child].push_back({life, sub_stream::addressed, n});
  }
  return out;
}

/// Whether it knows of a later life of head office that has not begun here yet.
bool station::knows_more(node_id child) const {
  auto told = rebuild_.told.find(child);
  if (told == rebuild_.told.end()) return rebuild_.newer.count(child) != 0;
  return !std::ranges::all_of(told->second, [this](const writer_id& w) {
    return std::ranges::find(rebuild_.later, w) != rebuild_.later.end();
  });
}

bool station::gave_all_back(node_id child, const std::vector<stream_id>& streams) const {
  auto said = rebuild_.held.find(child);
  if (said == rebuild_.held.end()) return false;
  return std::ranges::all_of(streams, [&](const stream_id& id) {
    auto held = said->second.find(id);
    return held != said->second.end() && held->second && *held->second <= reader_.size(id);
  });
}

/// Since which entry of which directory each node hangs where it does.
void station::note_moves() {
  for (const auto& life : given_back()) {
    const stream_id id{life, sub_stream::directory, {}};
    const auto end = reader_.size(id);
    auto note = [&](sequence seq, byte_view data) {
      if (peek_kind(data) != entry_kind::certify) return done();
      auto e = decode_entry(data);
      auto c = e ? certified_by(*e) : std::nullopt;
      if (!c || c->parents.empty()) return done();
      auto& at = rebuild_.parents[c->node];
      if (at.parent != c->parents.front()) at = {c->parents.front(), id, seq};
      return done();
    };
    // What cannot be read says nothing: it waits for all then.
    auto& walked = rebuild_.walked[id];
    (void)each_entry(reader_, id, config_.self, note, walked, end);
    walked = end;
  }
}

// The backup may know of a move that nobody else had heard of: the node that moved still hangs at its parent of before,
// would never come here, and was given nothing here.
bool station::has_not_heard(node_id child) const {
  auto moved = rebuild_.parents.find(child);
  if (up_.count(child) || moved == rebuild_.parents.end()) return false;
  bool had_another = false;
  for (const auto* c : certificates_.all_of(child)) {
    if (c->parents.front() == config_.self) continue;
    had_another = true;
    auto said = rebuild_.held.find(route_to(c->parents.front()).value_or(node_id{}));
    if (said == rebuild_.held.end()) return false;
    auto held = said->second.find(moved->second.directory);
    if (held == said->second.end() || !held->second || *held->second > moved->second.entry) return false;
  }
  return had_another;
}

rebuild_progress station::rebuilt() const {
  rebuild_progress out;
  std::set<node_id> newer = rebuild_.newer;
  for (const auto& [child, lives] : rebuild_.told)
    newer.insert(child);
  std::ranges::copy_if(newer, std::back_inserter(out.newer), [this](node_id child) { return knows_more(child); });
  for (const auto& [child, streams] : published())
    if (!certificates_.is_revoked(child) && !rebuild_.without.count(child) && !knows_more(child) &&
        !gave_all_back(child, streams) && !has_not_heard(child))
      out.silent.push_back(child);
  for (auto child : out.silent)
    if (rebuild_.lacking.count(child)) out.lacking.push_back(child);
  out.later = rebuild_.later.size();
  for (const auto& life : given_back()) {
    stream_id directory{life, sub_stream::directory, {}};
    out.given_back += reader_.size(directory) - reader_.indexed(directory);
  }
  return out;
}

// Only what is durable here counts as given back, so an answer that was lost with a crash is asked for again.
void station::rebuild() {
  if (tick_ < rebuild_.look_due) return;
  rebuild_.look_due = tick_ + look_apart_ms;
  rebuild_.later = lives_after(book_->self());
  note_moves();
  if (!rebuild_.since) rebuild_.since = tick_;
  tell_newer();
  // Whoever is there all the same may know of a later life of head office: going on would be a second history.
  const bool heard_all = rebuild_.without.empty() || tick_ >= *rebuild_.since + without_wait_ms;
  if (const auto said = rebuilt(); said.silent.empty() && said.newer.empty() && heard_all) return go_on_from_backup();
  if (tick_ < rebuild_.ask_due) return;
  rebuild_.ask_due = tick_ + ask_apart_ms;
  for (const auto& [child, streams] : published()) {
    if (!up_.count(child)) continue;
    auto& held = rebuild_.held[child];
    for (const auto& id : streams)
      if (!held[id] || *held[id] > reader_.size(id))
        open_effects_.push_back(to_neighbour{child, want_message{id, reader_.size(id), std::nullopt}});
  }
}

void station::on_held_below(node_id child, const have_message& m) {
  if (auto said = rebuild_.held.find(child); said != rebuild_.held.end())
    if (auto it = said->second.find(m.stream); it != said->second.end()) it->second = m.size;
  const auto& w = m.stream.writer;
  if (m.stream.sub != sub_stream::directory || w.node != config_.self || w == book_->self() || m.size == 0) return;
  auto& told = rebuild_.told[child];
  if (told.size() < lives_max && told.insert(w).second) rebuild_.ask_due = 0;
}

// A child says so each time that it is asked, and gives that life back as well. One that runs an older program only
// says so; the alarm comes once.
void station::on_newer_below(node_id child, const refuse_message& m) {
  if (m.code == errc::rolled_back) rebuild_.newer.insert(child);
}

void station::tell_newer() {
  const bool mute = std::ranges::any_of(rebuild_.newer, [this](node_id c) { return !rebuild_.told.count(c); });
  if (!mute || rebuild_.told_newer || tick_ < *rebuild_.since + without_wait_ms) return;
  rebuild_.told_newer = true;
  open_effects_.push_back(alarm_effect{errc::rolled_back, std::string(older_backup_here_text)});
}

// At a child of it. What came before and is not durable yet belongs to it; what is not even taken in, it is asked for
// again.
void station::give_back(node_id parent, const want_message& m) {
  if (rebuild_.gone_on.count(parent) && closing_of(book_->st(), m.stream.writer)) return;
  // A life that another one followed: the backup is from before the last restore, and what came since is to be asked
  // back too. An older program understands the refusal alone, and must not go on without what came since.
  if (const auto later = lives_after(m.stream.writer); !later.empty()) {
    open_effects_.push_back(to_neighbour{parent, refuse_message{errc::rolled_back, std::string(older_backup_text)}});
    for (const auto& life : later) {
      const stream_id directory{life, sub_stream::directory, {}};
      open_effects_.push_back(to_neighbour{parent, have_message{directory, book_->head(directory).size}});
    }
  }
  for (const auto& input : bulk_)
    if (const auto* a = std::get_if<segment_arrival>(&input); a && a->seg.stream == m.stream) return;
  auto size = book_->head(m.stream).size;
  open_effects_.push_back(to_neighbour{parent, have_message{m.stream, size}});
  auto& given = rebuild_.given_back[parent];
  if (size <= m.from || !given.insert(m.stream).second) return;
  ++links_seen_;
  open_effects_.push_back(advanced_effect{});
}

// As its readers learnt it. What it says of rights that others received is proved with it.
void station::learn_back(const stream_id& id, const entry_list& entries) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto e = decode_entry(entries[i]);
    auto position = book_->streams().tip(id).size() - entries.size() + i + 1;
    auto ok = e ? done() : status(e.error());
    if (e && id.sub == sub_stream::addressed) {
      if (e->kind == entry_kind::send) proof_came_ = observer_->passed_through(*e, id.writer) || proof_came_;
      continue;
    }
    if (e && e->kind != entry_kind::certify) ok = book_->learn(*e);
    if (ok && e->kind == entry_kind::topic_run) left_out_.note_run(*book_, id, position, *e);
    if (ok) learn_decision(*e, position);
    if (!ok) open_effects_.push_back(alarm_effect{ok.error().code, "an entry given back: " + ok.error().detail});
  }
}

// Who was revoked, or got other parents, in the part that was given back may hold something that nobody was asked for.
bool station::lost_a_holder(const stream_id& published) const {
  for (auto n = reader_.indexed(published), end = reader_.size(published); n < end; ++n) {
    auto e = find_foreign(published, n);
    if (!e || e->kind == entry_kind::revoke) return true;
    if (e->kind != entry_kind::certify) continue;
    auto c = certified_by(*e);
    if (!c) return true;
    for (const auto* other : certificates_.all_of(c->node))
      if (other->parents != c->parents) return true;
  }
  return false;
}

// Where each child has said what it holds nothing of it can be missing, and what lay here is granted anew at once.
// What was written and given to nobody is lost: it binds nobody.
void station::go_on_from_backup() {
  const auto lives = given_back();
  const auto before = lives.back();
  auto published = book_->head({before, sub_stream::directory, {}});
  const bool unheard = std::ranges::any_of(children(), [this](node_id c) { return has_not_heard(c); });
  const bool lost_some = std::ranges::any_of(
      lives, [this](const writer_id& w) { return lost_a_holder({w, sub_stream::directory, {}}); });
  const bool complete = rebuild_.without.empty() && !unheard && !lost_some;
  rebuild_ = {};
  book_->view().erase(family::meta, copy_key);
  begin_anew(errc::rolled_back,
             "head office goes on from a backup; its directory reaches entry " + std::to_string(published.size) +
                 " as it was given back",
             complete ? 0 : unknown_end);
  book_->stop_card_value(errc::ok);  // it has nobody above to wait for
  entry e;
  e.kind = entry_kind::close_epoch;
  e.subject = before;
  e.peer = book_->self();
  e.head = published;
  e.size = complete ? published.size : unknown_end;
  date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
  auto written = write(e);
  invariant(written.ok(), "head office can always close its own epoch");
}

// A life of head office is read before the one that follows it: what is newer must not be overwritten by what is older.
bool station::comes_too_early(const stream_id& id, std::uint64_t first, const entry_list& entries) {
  if (id.writer.node != head_office || first != 0) return false;
  for (auto data : entries) {
    if (peek_kind(data) != entry_kind::close_epoch) continue;
    auto e = decode_entry(data);
    if (!e || !e->head || e->head->stream.sub != sub_stream::directory) continue;
    return book_->head(e->head->stream).size < e->head->size;
  }
  return false;
}

bool station::is_past_its_end(const segment& s) const {
  if (s.stream.sub != sub_stream::directory) return false;
  auto closed = closing_of(book_->st(), s.stream.writer);
  return closed && s.size_after() > closed->size;
}

// Head office had it when it closed that life, and lost it with its disk. Who is still below gives it again by itself.
void station::await_journal(const writer_id& closed, const closing& how) {
  auto [since, fresh] = lives_.awaited.try_emplace(closed, tick_);
  if (tick_ - since->second < config_.close_wait_ms || !lives_.missed.insert(closed).second) return;
  open_effects_.push_back(
      alarm_effect{errc::epoch_closed,
                   "of " + std::to_string(how.size) + " entries of " + writer_name(closed) + ", which is closed, " +
                       std::to_string(observer_->position(closed)) +
                       " are here: bring its disk ('tallystick rescue'). What lies there is in doubt meanwhile"});
}

/// Whether what is known of a closed life is all that there will be: nothing lacks, or the days of doubt are over.
bool station::is_due(const writer_id& w, const closing& how) const {
  // After a restore of head office a closing may be here again before the journal is.
  const bool here = w.node == config_.self || observer_->position(w) >= how.size;
  // Nor is it known what was granted of it already, while nobody knows what an earlier life of head office had sent.
  const bool known = here && !(lives_.end_unknown && was_closed_before(w));
  if (how.complete() && known) return true;
  auto today = business_date(book_->st(), book_->self(), now_, book_->hq_time());
  // What others have of it comes within minutes, however few the days are.
  auto awaited = here ? lives_.awaited.end() : lives_.awaited.find(w);
  if (!here && (awaited == lives_.awaited.end() || tick_ - awaited->second < config_.close_wait_ms)) return false;
  return today >= (known ? how.day : std::max(how.day, began_on())) + config_.doubt_days;
}

/// Business date on which head office's own life before was closed; 0: this is its first.
std::uint32_t station::began_on() const {
  std::uint32_t day = 0;
  for (const auto& w : observer_->writers())
    if (w.node == config_.self && w != book_->self())
      if (auto c = closing_of(book_->st(), w)) day = std::max(day, c->day);
  return day;
}

// Not by dates: head office's clock may have been wrong when it wrote them.
void station::note_closings() {
  if (lives_.closed_before) return;
  std::set<writer_id> found;
  auto note = [&found](sequence, byte_view data) {
    if (peek_kind(data) != entry_kind::close_epoch) return done();
    auto e = decode_entry(data);
    if (e) found.insert(e->subject);
    return e ? done() : status(e.error());
  };
  auto list = reader_.list();
  if (!list) return;  // all count as closed before, until it can be read: then nothing is there twice
  for (const auto& id : *list) {
    if (id.writer.node != config_.self || id.writer == book_->self() || id.sub != sub_stream::directory) continue;
    if (!each_entry(reader_, id, config_.self, note)) return;
    found.insert(id.writer);  // of a life that a backup is from before, nothing else is here
  }
  lives_.closed_before = std::move(found);
}

std::vector<writer_id> lives_to_settle(const observer& seen, const std::optional<std::set<writer_id>>& closed_before) {
  auto out = seen.writers();
  if (!closed_before) return out;
  const std::set<writer_id> here(out.begin(), out.end());
  std::ranges::set_difference(*closed_before, here, std::back_inserter(out));
  return out;
}

/// Whether an earlier life of head office closed it, and may have granted anew what lay there. All of its own are.
bool station::was_closed_before(const writer_id& life) const {
  return life.node == config_.self || !lives_.closed_before || lives_.closed_before->count(life) != 0;
}

// An earlier life of head office passed on more than its journal, as far as it is here, had: it was granted anew,
// credited or booked in the part that is lost. All of these lives are looked at before anything is granted, also those
// whose end nobody knows.
void station::note_short() {
  lives_.short_of.clear();
  lives_.end_unknown = false;
  note_closings();
  for (const auto& w : lives_to_settle(*observer_, lives_.closed_before)) {
    auto how = w.node == config_.self && w != book_->self() ? closing_of(book_->st(), w) : std::nullopt;
    if (!how) continue;
    lives_.end_unknown = lives_.end_unknown || !how->complete();
    for (const auto& [a, v] : find_doubt(w).left)
      if (v < 0 && v != INT64_MIN) lives_.short_of[a] = -v;
  }
  lives_.short_known = true;
}

// What is decided a second time for that reason covers what the first time passed on, before anybody can have it. If it
// was for another one, less is lacking then, and it is granted out of that life. `of`: whose value it was.
void station::cover_short(account_id account, const std::vector<value_item>& given, const writer_id& of) {
  if (lives_.short_of.empty()) return;
  for (const auto& life : lives_to_settle(*observer_, lives_.closed_before))
    for (const auto& v : given) {
      if (life.node != config_.self) continue;
      auto it = life == of || v.purse == 0 ? lives_.short_of.end() : lives_.short_of.find(held_at(life, account, v));
      if (it == lives_.short_of.end()) continue;
      auto here = -book_->st().balance(held_at(book_->self(), account, v));
      auto part = std::min({it->second, v.amount, here});
      if (part <= 0) continue;
      auto e = granted_anew(life, account, {{v.purse, v.unit, v.bucket, -part}});
      date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
      auto written = write(e);
      if (written) it->second -= part;
      open_effects_.push_back(alarm_effect{written ? errc::rolled_back : written.error().code,
                                           "account " + std::to_string(account.value) + ": " + std::to_string(part) +
                                               " of purse " + std::to_string(v.purse) +
                                               " covers what head office had passed on before its backup was put back" +
                                               (written ? "" : ", but: " + written.error().detail)});
    }
}

// A payment, or units by hand, that were booked in the lost part too had perhaps left this node already: booked again,
// they cover that first. If it is another payment, the lost one does so once it is booked, and what is spent is right.
void station::cover_booked(const entry& fact) {
  if (fact.kind != entry_kind::top_up && fact.kind != entry_kind::adjust) return;
  if (!lives_.short_known) note_short();
  if (fact.kind == entry_kind::top_up) cover_short(fact.account, fact.values);
  cover_short(fact.account, fact.earned);
}

}  // namespace tally
