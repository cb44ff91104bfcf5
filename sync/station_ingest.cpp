// What arrives from neighbours: log first, verdict second.
#include <algorithm>

#include "ledger/cards.hpp"
#include "ledger/purses.hpp"

#include "storage/sha256.hpp"
#include "sync/checkpoint.hpp"
#include "sync/left_out.hpp"
#include "sync/life_keys.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

// How seldom a missing cosignature of head office is asked for in the end.
constexpr tick_ms chase_max_ms = 10 * 60'000;

bool is_card_life(entry_kind k) {
  return k == entry_kind::claim || k == entry_kind::issue || k == entry_kind::activate || k == entry_kind::hand_back ||
         k == entry_kind::pin_set;
}

/// What this node must be sure of its own journal for: rights, of which it would write a receipt, and receipts of
/// rights that it may have sent and forgotten.
bool needs_own_end(const entry_list& entries, book& own) {
  for (auto data : entries) {
    if (auto kind = peek_kind(data); kind != entry_kind::send && kind != entry_kind::receive) continue;
    auto e = decode_entry(data);
    if (!e || e->peer != own.self()) continue;
    if (e->kind == entry_kind::send ||
        (e->head && e->head->stream.writer == own.self() && e->head->size > own.head(e->head->stream).size))
      return true;
  }
  return false;
}

bytes cosignature_key(const stream_id& id, node_id by) {
  byte_writer w;
  w.u8('c');
  w.raw(stream_key(id));
  w.u32be(by.value);
  return w.take();
}

}  // namespace

void station::ingest(const segment_arrival& a) {
  const auto& s = a.seg;
  auto have = book_->streams().tip(s.stream).size();
  auto report = [&](std::uint64_t size, errc code, bool ack) {
    if (carrying_) return carrying_->taken.push_back({s.stream, size, size - have, code});
    open_effects_.push_back(ingested_effect{a.from, s.stream, size, code, ack});
  };
  bool journal = s.stream.sub == sub_stream::journal;
  if (!accepts(a.from, s.stream)) return report(have, errc::not_entitled, false);
  if (disk_low_ || is_outdated()) return report(have, errc::busy, false);
  if (is_past_its_end(s)) return report(have, errc::not_entitled, false);
  // What comes for this node would be received behind the end that it named.
  if (s.stream.to == config_.self && stands_still()) return report(have, errc::busy, false);
  if (s.first > have) return report(have, errc::gap, false);
  // By hand, what was left out comes again as a whole.
  if (s.first < have && s.stream.sub == sub_stream::directory && left_out_.waits() && !s.is_thin())
    if (auto all = unpack_entries(s)) put_back_goods(a.from, s.stream, s.first, *all);
  if (s.size_after() <= have) {
    if (journal) cosign(a.from, s.stream);
    return report(have, errc::ok, !journal);
  }
  auto opened = a.opened ? a.opened : std::make_shared<const result<opened_segment>>(open_segment(s));
  if (!*opened) return report(have, errc::malformed, false);
  if (auto ok = (*opened)->left_out.empty() ? done() : left_out_.may_be_thin(s, **opened); !ok) {
    if (ok.code() != errc::not_entitled) {
      open_effects_.push_back(
          alarm_effect{ok.error().code, "from node " + std::to_string(a.from.value) + ": " + ok.error().detail});
    } else if (s.stream.writer.node == config_.self && rebuild_.lacking.insert(a.from).second) {
      open_effects_.push_back(alarm_effect{errc::left_out, lacking_text(a.from)});
    }
    return report(have, ok.error().code, false);
  }
  // Only what the signature covers from our own prefix on is kept: the part before `have` was not compared.
  segment rest;
  const auto* kept = &s;
  if (s.first != have) {
    auto behind = without_beginning(s, **opened, have);
    if (!behind) return report(have, behind.error().code, false);
    rest = std::move(*behind);
    opened = std::make_shared<const result<opened_segment>>(open_segment(rest));
    invariant(opened->ok(), "what was just packed opens");
    kept = &rest;
  }
  if (auto ok = verify_segment(*kept, **opened); !ok) {
    const auto by = s.stream.writer.node;
    const bool may_come = !carrying_ && by != head_office && by == parent();
    if (may_come && care_.awaits_keys(tick_)) return report(have, errc::busy, false);
    open_effects_.push_back(
        alarm_effect{ok.error().code, "from node " + std::to_string(a.from.value) + ": " + ok.error().detail});
    // The link stays: the news comes over it.
    if (may_come) care_.unread_since = tick_;
    return report(have, may_come ? errc::busy : ok.error().code, false);
  }
  if (s.stream.writer.node == parent()) care_.unread_since.reset();
  if (!is_sure() && needs_own_end((*opened)->entries, *book_)) return report(have, errc::busy, false);
  if (journal ? waits_for_proof(*kept, (*opened)->entries) : comes_too_early(s.stream, have, (*opened)->entries))
    return report(have, errc::busy, false);
  auto before = book_->streams().tip(s.stream);
  book_->streams().append_foreign(*kept, (*opened)->run);
  segments_open_ = true;
  left_out_.note_thin(*book_, *kept, **opened);
  if (!(*opened)->left_out.empty()) book_->leave_goods(true);
  // A journal names entries of its own and the sends that it took, which may have come a moment before.
  if (s.stream.sub != sub_stream::directory) open_runs_.push_back({s.stream, have, opened});
  if (journal) note_way(a.from, s.stream);
  interpret(*kept, **opened, before);
  if (journal) cosign(a.from, s.stream);
  report(s.size_after(), errc::ok, !journal);
}

status station::verify_segment(const segment& s, const opened_segment& opened) {
  std::optional<entry> first;
  if (s.first == 0 && !opened.entries.empty())
    if (auto e = decode_entry(opened.entries[0])) first = std::move(*e);
  auto keys = keys_of_life(certificates_, observer_->st(), book_->st(), s.stream, first ? &*first : nullptr);
  if (keys.empty()) return error{errc::not_certified, "node " + std::to_string(s.stream.writer.node.value)};
  auto frontier = book_->streams().tip(s.stream);
  std::vector<merkle_subtree> tiles;
  frontier.append(opened.run, tiles);
  auto body = checkpoint_body({stream_origin(config_.chain, s.stream), frontier.size(), frontier.root(), {}});
  auto signed_it = [&](const public_key& key) { return certificates_.with().verify(key, body, s.sign); };
  if (std::none_of(keys.begin(), keys.end(), signed_it))
    return error{errc::bad_signature, "the signature over " + stream_origin(config_.chain, s.stream) + " at size " +
                                          std::to_string(frontier.size()) + " does not fit what is held here"};
  return done();
}

void station::interpret(const segment& s, const opened_segment& opened, const merkle_frontier& before) {
  const auto& entries = opened.entries;
  if (s.stream.writer.node == config_.self) return learn_back(s.stream, entries);
  if (s.stream.sub == sub_stream::directory) return adopt_directory(s.stream, opened);
  if (s.stream.sub == sub_stream::journal) return observe_journal(s.stream, entries, before);
  if (s.stream.to != config_.self) return pass_through(s.stream, entries);
  // The head at each entry, so that each receive names just what it depends on.
  auto frontier = before;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    frontier.append(merkle_leaf(entries[i]));
    auto e = decode_entry(entries[i]);
    if (!e || e->kind != entry_kind::send) {
      open_effects_.push_back(
          alarm_effect{errc::not_entitled, "an addressed stream carries something else than a send"});
      continue;
    }
    take_rights(*e, {s.stream, frontier.size(), frontier.root()}, s.stream.writer);
  }
}

// On its way to a descendant, which may have had it by another way.
void station::pass_through(const stream_id& id, const entry_list& entries) {
  if (id.sub != sub_stream::addressed) return;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (auto e = decode_entry(entries[i]); e && e->kind == entry_kind::send)
      proof_came_ = observer_->passed_through(*e, id.writer) || proof_came_;
}

void station::adopt(const stream_id& id) {
  entry adopt;
  adopt.kind = entry_kind::adopt;
  date_entry(adopt, book_->st(), book_->self(), now_, book_->hq_time());
  adopt.head = book_->head(id);
  adopt.hq_time = book_->hq_time();
  auto written = write(adopt);
  invariant(written.ok(), "an adopt can always be written");
}

void station::adopt_directory(const stream_id& id, const opened_segment& opened) {
  const auto& entries = opened.entries;
  auto version = book_->rules().version_at(UINT32_MAX);
  auto under = parent();
  bool closed = false, own = false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto e = decode_entry(entries[i]);
    if (!e) {
      open_effects_.push_back(alarm_effect{e.error().code, "an entry of the directory: " + e.error().detail});
      continue;
    }
    const auto position = opened.place_of(i) + 1;
    if (auto kept = left_out_.check_announced(id, position - 1, *e); !kept)
      open_effects_.push_back(alarm_effect{kept.error().code, kept.error().detail});
    if (e->kind == entry_kind::topic_run) left_out_.note_run(*book_, id, position, *e);
    if (e->kind == entry_kind::certify) {
      learn_certificate(*e, position);
    } else if (auto ok = book_->learn(*e); !ok) {
      open_effects_.push_back(alarm_effect{ok.error().code, "an entry of the directory: " + ok.error().detail});
    } else {
      learn_decision(*e, position);
    }
    closed = closed || (e->kind == entry_kind::close_epoch && ends_here(e->subject));
    own = own || (e->kind == entry_kind::close_epoch && e->subject == book_->self());
    if (e->kind == entry_kind::claims_stand && e->subject == book_->self() && e->size < every_claim)
      open_effects_.push_back(alarm_effect{errc::not_entitled, std::string(silenced_text)});
    // Nobody asks for its streams any more.
    if (e->kind == entry_kind::close_epoch && e->subject.node == head_office) {
      for (const auto& [asked, streams] : std::exchange(rebuild_.given_back, {}))
        rebuild_.gone_on.insert(asked);
      ++links_seen_;
    }
  }
  // Of its own end the next life speaks first: this one has no room for it.
  if (!own && !lives_.closing.is_on(tick_, now_)) adopt(id);
  auto now_at = book_->rules().version_at(UINT32_MAX);
  if (now_at != version) open_effects_.push_back(rules_effect{now_at});
  if (closed) {
    begin_anew(errc::epoch_closed, "head office has closed the epoch of this node or of its parent", book_->next());
    if (own) adopt(id), end_closing();
  } else if (parent() != under && book_->started()) {
    // Its channels end here: what lies here and what is on its way returns by head office's closing.
    begin_anew(errc::epoch_closed, "this node has another parent", book_->next());
  }
}

std::optional<entry> station::find_foreign(const stream_id& id, sequence seq) const {
  bytes data;
  for (const auto* runs : {&open_runs_, &sealed_runs_})
    for (const auto& run : *runs) {
      const auto& entries = (*run.opened)->entries;
      if (run.stream == id && seq >= run.first && seq - run.first < entries.size())
        data = entries[static_cast<std::size_t>(seq - run.first)];
    }
  if (data.empty()) {
    auto stored = reader_.entry_of(id, seq, book_->self());
    if (!stored) return std::nullopt;
    data = std::move(*stored);
  }
  auto e = decode_entry(data);
  if (!e) return std::nullopt;
  return std::move(*e);
}

void station::observe_journal(const stream_id& id, const entry_list& entries, const merkle_frontier& before) {
  auto find = [&](sequence seq) { return find_foreign(id, seq); };
  auto addressed = [&](const stream_id& from, sequence seq) { return find_foreign(from, seq); };
  auto verdicts = observer_->observe(id.writer, before.size(), entries, find, addressed);
  observer_->write_late(book_->view());
  lives_.settled.erase(id.writer);  // it may have brought value that was in doubt
  watch_for_twins(id.writer, before.size() == 0);
  // The head behind an entry is needed for sends to this node only, and computed up to there.
  auto frontier = before;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& v = verdicts[i];
    if (v.why != errc::ok) {
      open_effects_.push_back(alarm_effect{
          v.why, "contested: entry " + std::to_string(v.seq) + " of " + writer_name(id.writer) + ": " + v.detail});
    }
    if (config_.role == node_role::hq && v.why == errc::ok && is_card_life(v.kind))
      if (auto e = decode_entry(entries[i])) answer_card(*e, id.writer, v.seq);
    if (config_.role == node_role::hq && v.why == errc::ok && v.kind == entry_kind::bring_back)
      if (auto e = decode_entry(entries[i])) free_run(*e, id.writer);
    if (config_.role == node_role::hq && gives_goods_back(v.kind))
      if (auto e = decode_entry(entries[i])) return_holds_.came(*e, id.writer);
    if (v.kind != entry_kind::send) continue;
    auto e = decode_entry(entries[i]);
    if (e) lives_.settled.erase(e->peer);  // who had not heard that this life was closed sent it something
    if (!e || e->peer.node != config_.self) continue;
    while (frontier.size() <= v.seq)
      frontier.append(merkle_leaf(entries[static_cast<std::size_t>(frontier.size() - before.size())]));
    take_rights(*e, {id, frontier.size(), frontier.root()}, id.writer, v.why);
  }
}

// What is contested is not credited, yet it takes its number: one bad send must not stop those behind it.
void station::take_rights(const entry& send, const stream_head& head, const writer_id& from, errc contested) {
  if (send.peer != book_->self()) return;  // addressed to an earlier epoch of this node: never received
  if (takes_no_more(book_->st(), from, config_.self)) return;  // it returns at head office
  entry e;
  e.kind = entry_kind::receive;
  date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
  e.peer = from;
  e.channel = send.channel;
  e.account = send.account;
  if (contested == errc::ok) {
    e.values = send.values;
    e.debts = send.debts;
  } else {
    e.reason = contested;
  }
  e.head = head;
  auto written = write(e);
  if (!written) {
    open_effects_.push_back(
        alarm_effect{written.error().code, "a transfer from " + writer_name(from) + ": " + written.error().detail});
    return;
  }
  if (send.account.value == 0 || contested != errc::ok) return;
  auto hint = hints_.find(send.account);
  for (const auto& v : send.values) {
    // It is not elsewhere any more, also where no word of that follows: before the custodian, whose word stands.
    if (hint != hints_.end()) hint->second.came(v.purse, v.amount);
    if (hint != hints_.end()) open_effects_.push_back(hint_effect{send.account, hint->second});
    custodian_.arrived(send.account, v.purse, v.amount, now_, *this);
  }
}

void station::cosign(node_id child, const stream_id& id) {
  const auto& tip = book_->streams().tip(id);
  cosign_message m{id, tip.size(), tip.root(), config_.self, now_, {}};
  m.sign = sign_cosignature(keys_, {stream_origin(config_.chain, id), m.size, m.root, {}}, m.time);
  if (!is_sure() && lives_.start.cosigned.size() < start_watch::cosigned_max) lives_.start.cosigned.insert(m.sign);
  if (carrying_) {
    std::erase_if(carrying_->cosigned, [&](const cosign_message& c) { return c.stream == id; });
    return carrying_->cosigned.push_back(m);
  }
  open_effects_.push_back(to_neighbour{child, m});
}

bool station::on_cosign(const cosign_message& m) {
  const auto* by = certificate_of(m.by);
  if (!by || !verify_cosignature(certificates_.with(), by->signing,
                                 {stream_origin(config_.chain, m.stream), m.size, m.root, {}}, m.time, m.sign)) {
    if (!carrying_ && m.by != head_office && m.by == parent() && care_.awaits_keys(tick_)) return false;
    if (m.by == parent()) care_.unread_since = tick_;
    open_effects_.push_back(alarm_effect{errc::bad_signature, "a cosignature of node " + std::to_string(m.by.value)});
    return false;
  }
  if (m.by == head_office && m.time > book_->hq_time()) {
    care_.time_tick = tick_;
    book_->heard_hq_time(m.time);
  }
  note_astray(m);
  auto known = newest_cosignature(m.stream, m.by);
  if (known && known->size > m.size) return true;  // came late
  if (m.by == parent() && (!known || m.size > known->size)) care_.unread_since.reset();
  book_->view().put(family::meta, cosignature_key(m.stream, m.by), encode_message(m));
  if (m.stream == book_->journal()) cosigned_open_ = true;
  if (m.stream.writer.node != config_.self)
    if (auto next = route_to(m.stream.writer.node)) open_effects_.push_back(to_neighbour{*next, m});
  return true;
}

std::optional<cosign_message> station::newest_cosignature(const stream_id& id, node_id by) {
  bytes v;
  if (book_->view().get(family::meta, cosignature_key(id, by), v) != lookup::found) return std::nullopt;
  auto m = decode_message(v);
  if (!m || !std::holds_alternative<cosign_message>(*m)) return std::nullopt;
  return std::get<cosign_message>(*m);
}

// Head office's cosignature passes through many hands and is sent once; whoever misses it for long asks for it. What
// was written since does not count: while people trade there is always something that is not cosigned yet.
void station::chase_cosignature() {
  auto p = above();
  auto size = book_->durable_next();
  bool up = p && size > 0;
  auto known = up ? cosigned() : std::nullopt;
  auto have = known ? known->size : 0;
  if (!up || have >= size || (chase_.wait != 0 && have >= chase_.size)) chase_.wait = 0;
  if (!up || have >= size) return;
  const auto wait = config_.cosign_wait_ms + chase_.held_more;
  if (chase_.wait == 0) {
    chase_.size = size;
    chase_.wait = wait;
  } else {
    if (tick_ < chase_.due) return;
    open_effects_.push_back(to_neighbour{*p, have_message{book_->journal(), have}});
    chase_.wait = std::min(chase_.wait * 2, std::max(chase_max_ms, wait));
  }
  chase_.due = tick_ + chase_.wait;
}

// A descendant knows of head office's cosignature up to there only.
void station::on_have(node_id from, const have_message& m) {
  if (m.stream.sub != sub_stream::journal || !accepts(from, m.stream)) return;
  if (config_.role == node_role::hq) return cosign(from, m.stream);
  auto known = newest_cosignature(m.stream, head_office);
  if (known && known->size > m.size) {
    open_effects_.push_back(to_neighbour{from, *known});
  } else if (auto p = above()) {
    open_effects_.push_back(to_neighbour{*p, m});
  }
}

std::optional<cosign_message> station::cosigned(node_id by) const {
  // Asked for after each group, for the screens.
  if (auto it = cosigned_.find(by); it != cosigned_.end()) return it->second;
  std::optional<cosign_message> known;
  bytes v;
  if (store_.get(family::meta, cosignature_key(book_->journal(), by), v) == lookup::found)
    if (auto m = decode_message(v); m && std::holds_alternative<cosign_message>(*m))
      known = std::get<cosign_message>(*m);
  return cosigned_[by] = known;
}

void station::control(const control_arrival& c) {
  if (const auto* held = std::get_if<have_message>(&c.what); held && rebuild_.on) {
    on_held_below(c.from, *held);
  } else if (const auto* no = std::get_if<refuse_message>(&c.what); no && rebuild_.on) {
    on_newer_below(c.from, *no);
  } else if (rebuild_.on) {
    // It decides nothing yet.
  } else if (const auto* m = std::get_if<ask_message>(&c.what)) {
    if (!is_sure() && m->amount > 0) return tell(c.from, {m->id, 0, 0, now_, errc::busy, {}});
    custodian_.asked(c.from, *m, tick_, now_, *this);
  } else if (const auto* t = std::get_if<told_message>(&c.what)) {
    custodian_.told(c.from, *t, tick_, now_, *this);
  } else if (const auto* s = std::get_if<cosign_message>(&c.what)) {
    if (s->by == config_.self) return heed_own_cosignature(*s);
    on_cosign(*s);
  } else if (const auto* time = std::get_if<time_message>(&c.what)) {
    on_time(*time);
  } else if (const auto* have = std::get_if<have_message>(&c.what)) {
    on_have(c.from, *have);
  } else if (const auto* renew = std::get_if<renew_message>(&c.what)) {
    on_renewal(c.from, *renew);
  } else if (const auto* fetched = std::get_if<fetched_message>(&c.what)) {
    on_fetched(c.from, *fetched);
  } else if (const auto* letter = std::get_if<letter_message>(&c.what)) {
    on_letter(c.from, *letter);
  } else if (const auto* hello = std::get_if<hello_message>(&c.what)) {
    note_process(c.from, *hello);
  } else if (const auto* refused = std::get_if<refuse_message>(&c.what); refused && refused->code == replaced_code) {
    heed_twin(c.from);
  } else if (const auto* want = std::get_if<want_message>(&c.what)) {
    // So it is no old copy as far as the parent knows.
    if (parent() == c.from && want->stream.writer == book_->self()) calendar_.confirmed = true;
    if (parent() == c.from && want->stream == book_->journal()) remind_parent(c.from, want->from);
    // Asked from a place that exists: it holds no more of it than there is here.
    if (want->stream == stream_id{book_->self(), sub_stream::addressed, c.from}) lives_.start.heard.insert(c.from);
    become_sure();
    if (parent() == c.from && want->stream.writer.node == head_office) give_back(c.from, *want);
  }
}

// -- custody -------------------------------------------------------------------

amount station::held_here(account_id account, std::uint32_t purse) const {
  return holding(book_->st(), book_->self(), account, purse);
}

std::vector<node_id> station::sources(account_id account, std::uint32_t purse, node_id except) const {
  std::vector<std::pair<amount, node_id>> found;
  for (auto c : children()) {
    if (c == except || !up_.count(c)) continue;
    amount sum = 0;
    for (const auto& w : observer_->writers())
      if (w.node != config_.self && route_to(w.node) == c && !closing_of(book_->st(), w))
        sum += std::max<amount>(holding(observer_->st(), w, account, purse), 0);
    if (sum > 0) found.emplace_back(-sum, c);
  }
  std::sort(found.begin(), found.end());
  std::vector<node_id> out;
  for (const auto& f : found)
    out.push_back(f.second);
  auto p = above();
  if (p && *p != except) out.push_back(*p);
  return out;
}

amount station::elsewhere(account_id account, std::uint32_t purse, node_id who) const {
  if (who.value == 0) who = config_.self;  // an own till: what lies here is not elsewhere
  amount sum = 0;
  for (const auto& w : observer_->writers())
    if (w.node != who && route_to(w.node) != who && !closing_of(book_->st(), w))
      sum += std::max<amount>(holding(observer_->st(), w, account, purse), 0);
  return sum;
}

void station::ask(node_id neighbour, const ask_message& m) { open_effects_.push_back(to_neighbour{neighbour, m}); }
void station::tell(node_id neighbour, const told_message& m) { open_effects_.push_back(to_neighbour{neighbour, m}); }

}  // namespace tally
