#include "sync/member_desk.hpp"

#include <algorithm>
#include <iterator>

#include "ledger/member_state.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"
#include "storage/varint.hpp"
#include "sync/medium.hpp"
#include "sync/open_questions.hpp"

namespace tally {
namespace {

/// How long what is known is shown without asking again; less while the member waits for an answer of head office.
constexpr unix_seconds fresh_for = 600, fresh_while_open = 30, fresh_while_blank = 1, lapse_look = 10;
/// How long an answer that nobody waits for any more is taken: longer than letters are held on a metered line.
constexpr unix_seconds late_for = 300;
constexpr std::size_t found_look_max = 2'000;

std::string record_name(account_id member) { return "member/" + std::to_string(member.value); }

struct lease_record {
  std::uint64_t version{};
  sequence published{};
  bytes blob;
};
bytes encode_record(const lease_record& r) {
  byte_writer w;
  w.uv(r.version);
  w.uv(r.published);
  w.str(r.blob);
  return w.take();
}
std::optional<lease_record> decode_record(byte_view data) {
  byte_reader r(data);
  lease_record out;
  out.version = r.uv();
  out.published = r.uv();
  out.blob = r.str(blob_max);
  if (!r.at_end()) return std::nullopt;
  return out;
}

}  // namespace

result<std::unique_ptr<member_desk>> member_desk::start(member_parts parts) {
  std::unique_ptr<member_desk> out(new member_desk(std::move(parts)));
  auto* self = out.get();
  // Before what is here is looked through: who is erased meanwhile is in the one or in the other.
  out->with_.node.on_news([self, worker = out->worker_](const member_node::news& news) {
    if (const auto* letter = std::get_if<letter_effect>(&news))
      (void)worker->post([self, l = *letter] { self->take_letter(l); });
    if (const auto* gone = std::get_if<erased_effect>(&news))
      worker->post_answer([self, m = gone->member] { self->forget(m, "erased by head office"); });
  });
  TALLY_TRY(out->load());
  out->worker_->start([self] { self->tick(); });
  return out;
}

member_desk::~member_desk() {
  with_.node.on_news({});
  worker_->stop();
}

status member_desk::load() {
  TALLY_TRY(keys_->note_time(with_.now()));
  durable_state st(with_.node.store());
  for (const auto& held : keys_->list()) {
    auto record = member_of(st, held.member);
    auto stored = with_.node.recall(record_name(held.member));
    auto lease = stored ? decode_record(*stored) : std::nullopt;
    bool ended = held.until <= keys_->latest() || (record && record->erased) || !lease;
    if (!ended) members_[held.member] = {lease->version, lease->published, 0, {}};
    if (ended || !show_again(held.member)) forget(held.member, "its lease has ended");
  }
  return st.read_failed() ? status(error{errc::io, "the database could not be read"}) : done();
}

void member_desk::tick() {
  auto now = with_.now();
  std::vector<answer<found>> late;
  for (auto it = questions_.begin(); it != questions_.end();) {
    if (now - it->second.since < answer_wait && now >= it->second.since) {
      ++it;
      continue;
    }
    std::ranges::move(it->second.who, std::back_inserter(late));
    it->second.who.clear();
    if (late_.size() < questions_max) late_.insert(std::move(*it));
    it = questions_.erase(it);
  }
  std::erase_if(late_, [now](const auto& q) { return now - q.second.since >= late_for || now < q.second.since; });
  for (const auto& done : late)
    done(error{errc::timeout, "head office did not answer"});
  if (now < looked_ + lapse_look && now >= looked_) return;
  looked_ = now;
  auto hq = with_.node.standing().hq_time;
  if (auto ok = keys_->note_time(std::max<unix_seconds>(now, hq)); !ok) with_.log(ok.code(), ok.error().detail);
  for (const auto& held : keys_->list())
    if (held.until <= keys_->latest()) forget(held.member, "its lease has ended");
}

void member_desk::forget(account_id member, const char* why) {
  auto it = members_.find(member);
  if (it != members_.end()) {
    index_.remove(member, it->second.shown);
    members_.erase(it);
  }
  if (!keys_->look(member)) return;
  if (auto ok = keys_->destroy(member); !ok)
    return with_.log(ok.code(), "the key of member " + std::to_string(member.value) + " (" + why +
                                    ") could not be destroyed: " + ok.error().detail);
  with_.node.remember(record_name(member), std::nullopt, {});
}

result<member_view> member_desk::view(account_id member) const {
  auto held = keys_->look(member);
  auto key = keys_->find(member);
  auto stored = with_.node.recall(record_name(member));
  auto lease = stored ? decode_record(*stored) : std::nullopt;
  if (!held || !key || !lease)
    return error{errc::not_found,
                 "this store has no lease of that member's data; look up a card of it while the line "
                 "to head office is up"};
  auto published = open_member(*key, {with_.chain, member, {}, lease->version}, lease->blob);
  if (!published) return published.error();
  member_view v;
  v.member = member;
  v.version = lease->version;
  v.until = held->until;
  apply_change(v.profile, *published);
  // What this store claimed since counts here at once.
  durable_state st(with_.node.store());
  auto self = with_.node.standing().self;
  stream_reader journal(with_.node.store());
  for (auto seq : claims_of(st, self, member).last) {
    if (seq < lease->published) continue;
    auto data = journal.own_entry(self, seq);
    auto e = data ? decode_entry(*data) : result<entry>(data.error());
    if (!e) return e.error();
    auto change = open_member(*key, {with_.chain, member, self, e->serial}, e->blob);
    if (!change) return change.error();
    apply_change(v.profile, *change);
    ++v.unpublished;
  }
  return v;
}

/// The index follows what `view` says.
status member_desk::show_again(account_id member) {
  auto v = view(member);
  if (!v) return v.error();
  auto& m = members_[member];
  index_.remove(member, m.shown);
  m.shown = std::move(v->profile);
  m.shown.photo.clear();
  index_.add(member, m.shown);
  return done();
}

// -- questions -----------------------------------------------------------------------

void member_desk::find(std::string query, answer<member_list> done) {
  worker_->ask<answer<member_list>>(std::move(done), [this, query = std::move(query)](const answer<member_list>& told) {
    member_list out;
    auto take = [&](account_id member) {
      auto v = view(member);
      if (!v) return;
      v->profile.photo.clear();
      out.found.push_back(std::move(*v));
    };
    durable_state st(with_.node.store());
    auto card = account_of(st, medium_of(with_.chain, query));
    if (auto owner = card ? index_.by_card(*card) : std::nullopt) {
      take(*owner);
      return told(std::move(out));
    }
    auto q = parse_member_query(query);
    if (!q) return told(q.error());
    for (auto member : index_.candidates(*q, found_look_max)) {
      if (!matches(members_.at(member).shown, *q)) continue;
      out.more = out.found.size() == member_found_max;
      if (out.more) break;
      take(member);
    }
    told(std::move(out));
  });
}

void member_desk::show(account_id member, answer<member_view> done) {
  worker_->ask<answer<member_view>>(std::move(done), [this, member](const answer<member_view>& told) {
    if (keys_->look(member)) {
      refresh(member);
      return told(view(member));
    }
    ask({.id = 0, .card = {}, .member = member}, [told](const result<found>& r) {
      if (!r) return told(r.error());
      *r ? told(**r) : told(error{errc::not_found, "there is no such member"});
    });
  });
}

void member_desk::of_card(account_id card, answer<found> done) {
  worker_->ask<answer<found>>(std::move(done), [this, card](const answer<found>& told) {
    auto owner = index_.by_card(card);
    if (!owner) return ask({.id = 0, .card = card, .member = {}}, told);
    refresh(*owner);
    auto v = view(*owner);
    v ? told(found(std::move(*v))) : told(v.error());
  });
}

// What is known is shown at once; with a line the next look shows what head office published meanwhile.
void member_desk::refresh(account_id member) {
  auto it = members_.find(member);
  auto now = with_.now();
  if (it == members_.end()) return;
  bool waits = std::ranges::any_of(it->second.shown.applications,
                                   [](const auto& a) { return a.state == application_state::open; });
  // Its first version is empty: what it is called comes a moment behind it.
  const bool blank = it->second.shown.name.empty();
  const auto fresh = blank ? fresh_while_blank : waits ? fresh_while_open : fresh_for;
  if (now < it->second.asked + fresh && now >= it->second.asked) return;
  it->second.asked = now;
  ask({.id = 0, .card = {}, .member = member, .version = it->second.version}, [](const result<found>&) {});
}

void member_desk::ask(lease_question q, const answer<found>& done) {
  if (!with_.node.standing().link_up)
    return done(error{errc::offline, "members that this store has no lease of are known at head office only"});
  for (auto& [id, w] : questions_)
    if (w.question.card == q.card && w.question.member == q.member && w.question.open == q.open &&
        w.who.size() < questions_max)
      return w.who.push_back(done);
  auto curve = with_.curve_of(head_office);
  if (!curve) return done(error{errc::not_certified, "head office's key is not known here"});
  if (questions_.size() >= questions_max) return done(error{errc::busy, "too many questions to head office wait"});
  std::array<std::uint8_t, 8> octets{};
  with_.random.fill(octets);
  for (auto o : octets)
    q.id = q.id << 8 | o;
  with_.node.post(head_office, seal_letter(with_.curve, *curve, encode_question(q), with_.random));
  questions_[q.id] = {q, with_.now(), {done}};
}

void member_desk::take_letter(const letter_effect& letter) {
  auto curve = letter.from == head_office ? with_.curve_of(head_office) : std::nullopt;
  auto text = curve ? open_letter(with_.curve, *curve, letter.body) : std::nullopt;
  auto a = text ? decode_answer(*text) : result<lease_answer>(errc::bad_proof, "not from head office");
  if (!a) return with_.log(a.code(), "a letter: " + a.error().detail);
  auto asked = questions_.extract(a->id);
  if (!asked) asked = late_.extract(a->id);
  if (!asked) return;  // far too late, or said again by somebody
  auto q = asked.mapped().question;
  auto who = std::move(asked.mapped().who);
  auto tell = [&](const result<found>& r) {
    for (const auto& done : who)
      done(r);
  };
  // Head office knows best: a member that is gone there is gone here.
  if ((a->code == errc::not_found || a->member.value == 0) && q.member.value != 0 && a->code != errc::busy)
    forget(q.member, "head office does not know it");
  if (a->code != errc::ok) return tell(error{a->code, ""});
  if (a->member.value == 0) return tell(found());
  if (q.member.value != 0 && q.member != a->member) forget(q.member, "merged into another member");
  if (auto stored = a->blob.empty() ? with_.node.recall(record_name(a->member)) : std::nullopt)
    if (auto lease = decode_record(*stored); lease && lease->version == a->version) a->blob = std::move(lease->blob);
  auto taken = take_lease(*a);
  wipe(a->key);
  wipe({reinterpret_cast<std::uint8_t*>(text->data()), text->size()});
  if (!taken) {
    with_.log(taken.code(), "a lease of member " + std::to_string(a->member.value) + ": " + taken.error().detail);
    return tell(taken.error());
  }
  keep_lease(*a, std::move(who));
}

// The record of it must be on the disk before anybody sees it.
void member_desk::keep_lease(const lease_answer& a, std::vector<answer<found>> who) {
  auto kept = [this, member = a.member, version = a.version, published = a.published, now = a.now,
               who = std::move(who)](bool ok) {
    if (ok && keys_->look(member)) {
      auto& m = members_[member];
      m.version = version;
      m.published = published;
      m.asked = with_.now();
      (void)keys_->note_time(now);
    }
    auto seen = ok ? show_again(member) : status(error{errc::io, ""});
    auto v = seen ? view(member) : result<member_view>(seen.error());
    for (const auto& done : who)
      v ? done(found(*v)) : done(v.error());
  };
  with_.node.remember(
      record_name(a.member), encode_record({a.version, a.published, a.blob}),
      [worker = worker_, kept = std::move(kept)](bool ok) { worker->post_answer([kept, ok] { kept(ok); }); });
}

// Nothing of it is believed but what opens under its key at its place; never an older profile than is here.
status member_desk::take_lease(const lease_answer& a) {
  durable_state st(with_.node.store());
  if (auto record = member_of(st, a.member); record && record->erased)
    return error{errc::not_found, "head office has erased this member"};
  if (auto it = members_.find(a.member); it != members_.end() && a.version < it->second.version)
    return error{errc::gap, "an older profile than the one that is known"};
  member_key key;
  std::copy(a.key.begin(), a.key.end(), key.span().begin());
  auto change = open_member(key, {with_.chain, a.member, {}, a.version}, a.blob);
  if (!change) return change.error();
  TALLY_TRY(keys_->correct_time(a.now));
  if (a.until <= keys_->latest()) return error{errc::timeout, "the lease is over already: is this node's clock right?"};
  if (!keys_->look(a.member)) TALLY_TRY(make_room());
  return keys_->put(a.member, key, a.until);
}

status member_desk::make_room() {
  if (keys_->size() < desk_members_max) return done();
  auto all = keys_->list();
  auto oldest = std::ranges::min_element(all, {}, [](const auto& h) { return h.until; });
  auto member = oldest->member;
  forget(member, "room for another one");
  return keys_->look(member) ? status(error{errc::full, "no room for another member's key"}) : done();
}

// -- changes -------------------------------------------------------------------------

void member_desk::add(member_change c, answer<member_view> done) {
  worker_->ask<answer<member_view>>(std::move(done), [this, c = std::move(c)](const answer<member_view>& told) {
    auto fits = check_member(c, day_of(with_.now()));
    if (fits) fits = check_photo({}, c);
    if (fits && (!c.name || c.name->empty())) fits = error{errc::malformed, "name: a member has one"};
    if (fits && (!c.cards || c.cards->size() != 1 || c.merged_into))
      fits = error{errc::malformed, "card: a store makes the member of one card"};
    if (!fits) return told(fits.error());
    lease_question q{.id = 0, .card = c.cards->front(), .member = {}, .open = true};
    auto rest = c;
    rest.cards.reset();
    ask(q, [this, rest, told](const result<found>& r) {
      if (!r) return told(r.error());
      if (!*r) return told(error{errc::unknown_card, "head office does not know this card"});
      if (!(*r)->profile.name.empty())
        return told(error{errc::not_allowed, "this card has a member already: " + std::to_string((*r)->member.value)});
      edit_now((*r)->member, std::nullopt, rest, 0, told);
    });
  });
}

void member_desk::edit(account_id member, std::optional<std::uint64_t> version, member_change c, std::uint32_t terminal,
                       answer<member_view> done) {
  worker_->ask<answer<member_view>>(
      std::move(done), [this, member, version, c = std::move(c), terminal](const answer<member_view>& told) {
        auto it = members_.find(member);
        if (!version || it == members_.end() || !with_.node.standing().link_up)
          return edit_now(member, version, c, terminal, told);
        // What is shown may be minutes old. Without an answer it counts as it is, as without a line.
        it->second.asked = with_.now();
        ask({.id = 0, .card = {}, .member = member, .version = it->second.version},
            [this, member, version, c, terminal, told](const result<found>&) {
              edit_now(member, version, c, terminal, told);
            });
      });
}

void member_desk::edit_now(account_id member, std::optional<std::uint64_t> version, const member_change& c,
                           std::uint32_t terminal, const answer<member_view>& done) {
  auto now = view(member);
  if (!now) return done(now.error());
  if (writing_.count(member)) return done(error{errc::busy, "this member is being changed"});
  if (version && *version != now->version)
    return done(error{errc::gap, "the profile has changed meanwhile: look at it again"});
  if (c.cards || c.merged_into) return done(error{errc::not_allowed, "cards are given to members by head office"});
  auto to = now->profile;
  apply_change(to, c);
  auto fits = check_member(c, day_of(with_.now()));
  if (fits) fits = check_photo(now->profile, c);
  if (fits && to.name.empty()) fits = error{errc::malformed, "name: a member has one"};
  if (!fits) return done(fits.error());
  auto change = difference(now->profile, to);
  if (change.empty()) return done(*now);
  if (now->unpublished >= claims_kept_max)
    return done(error{errc::busy, "head office has to publish this store's earlier changes first"});
  auto key = keys_->find(member);
  if (!key) return done(error{errc::not_found, "the lease has just ended"});
  durable_state st(with_.node.store());
  auto self = with_.node.standing().self;
  entry e;
  e.kind = entry_kind::profile_claim;
  e.account = member;
  e.account_version = now->version;
  e.terminal = terminal;
  e.serial = claims_of(st, self, member).newest + 1;
  e.blob = seal_member(*key, {with_.chain, member, self, e.serial}, change, with_.random);
  writing_.insert(member);
  with_.node.facts({e}, [this, worker = worker_, member, done](const facts_answer& a) {
    worker->post_answer([this, member, a, done] {
      writing_.erase(member);
      if (a.code != errc::ok) return done(error{a.code, a.detail});
      auto shown = show_again(member);
      shown ? done(view(member)) : done(shown.error());
      if (auto it = members_.find(member); it != members_.end()) it->second.asked = 0;  // its news is worth a look
    });
  });
}

}  // namespace tally
