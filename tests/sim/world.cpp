#include "sim/world.hpp"

#include "sim/invariants.hpp"
#include "sim/members.hpp"
#include "storage/entry_codec.hpp"
#include "sync/keys_fake.hpp"

namespace tally::sim {
namespace {
// 2026-03-01T06:00:00Z, a Sunday morning.
constexpr unix_seconds start_of_time = 1'772'344'800;
constexpr tick_ms drain_max = 30 * 60'000, quiet_watch = 10 * 60'000;
// Quiet links may carry a few late repeats; a storm is thousands. A day that begins brings each store new quota, and
// each entry of that crosses at most two links, with its answers.
// An entry that renews a certificate costs a new connection as well.
constexpr std::uint64_t quiet_messages_max = 20, messages_per_entry_max = 12;
// A sign of life is a question and an answer, and what waited for traffic goes with them.
constexpr std::uint64_t messages_per_sign = 4;
}  // namespace

world::world(const plan& p, std::function<void(std::string)> log)
    : plan_(p), dice_(p.seed ^ 0x5851f42d4c957f2dULL), forger_(p.seed), log_(std::move(log)), entropy_(p.seed) {
  oracle_.limit_sweeps(plan_.sweep.transit_max);
  make_chain();
  // What head office wrote of members behind its backup is lost, and stores may know more than it.
  if (plan_.members && plan_.restore != restore_kind::top) members_ = std::make_unique<sim_members>(*this, plan_.seed);
}
world::~world() = default;

void world::say(const std::string& line) {
  auto ms = std::to_string(now_ % 1000);
  if (log_) log_(std::to_string(now_ / 1000) + "." + std::string(3 - ms.size(), '0') + ms + " " + line);
}

void world::make_chain() {
  if (plan_.real_signatures) {
    verifier_ = std::make_unique<ed25519_verifier>();
    root_ = std::make_unique<ed25519_signer>(make_signing_key(entropy_));
    known_ = std::make_unique<known_signatures>(*verifier_);
  } else {
    auto fake = std::make_unique<fake_keys>(entropy_);
    root_ = fake->make_signer(entropy_);
    verifier_ = std::move(fake);
  }
  make_node(head_office, node_role::hq, {});
  for (unsigned r = 0; r < plan_.regions; ++r)
    make_node({2 + r}, node_role::region, {head_office});
  for (unsigned s = 0; s < plan_.stores; ++s) {
    std::vector<node_id> parents;
    if (plan_.regions > 0) parents.push_back({2 + static_cast<std::uint32_t>(dice_.below(plan_.regions))});
    parents.push_back(head_office);
    make_node({2 + plan_.regions + s}, node_role::store, parents);
  }
  const auto& hq = *nodes_.at(head_office).keys;
  for (auto& [id, n] : nodes_)
    n.signed_cert =
        sign_certificate(n.cert, id == head_office ? root_issuer : head_office, id == head_office ? *root_ : hq);
}

void world::make_node(node_id id, node_role role, std::vector<node_id> parents) {
  auto& n = nodes_[id];
  n.id = id;
  n.role = role;
  n.parents = parents;
  n.random = std::make_unique<test::seeded_entropy>(dice_.bits());
  n.keys = make_keys();
  n.secret = make_node_secret(entropy_);
  n.cert = {
      .chain = std::string(chain),
      .node = id,
      .name = "node " + std::to_string(id.value),
      .role = role,
      .parents = parents,
      .owner = 1 + (role == node_role::store ? id.value % 2 : 0),
      .powers = 127,
      .signing = n.keys->key(),
      .curve = {},
      .epoch = {},
      .serial = 1,
      .not_before = 0,
      .not_after = role == node_role::hq || plan_.certificate_s == 0 ? INT64_MAX : start_of_time + plan_.certificate_s,
      .engine = engine_revision};
  n.cert.curve = (n.curve = make_curve_key(entropy_)).pub;
  entropy_.fill(n.cert.epoch.value);
  if (plan_.wrong_clocks) n.clock_error = dice_.between(-3 * 86'400, 3 * 86'400);
  if (!parents.empty()) links_[id] = {.child = id, .parent = parents.front()};
  if (role == node_role::store) detours_[id] = {.child = id, .parent = head_office};
  if (role != node_role::store) return;
  for (unsigned t = 0; t < plan_.tills; ++t) {
    n.tills.emplace_back();
    n.tills.back().terminal = id.value * 100 + t;
  }
}

unix_seconds world::wall(const sim_node& n) const { return start_of_time + skipped_ + now_ / 1000 + n.clock_error; }

void world::at(tick_ms delay, std::function<void()> what) {
  if (free_deeds_.empty()) {
    free_deeds_.push_back(deeds_.size());
    deeds_.emplace_back();
  }
  auto slot = free_deeds_.back();
  free_deeds_.pop_back();
  deeds_[slot] = std::move(what);
  queue_.push({now_ + delay, order_++, slot});
}

bool world::step_until(tick_ms end, const std::function<bool()>& done) {
  tick_ms look = now_;
  while (!queue_.empty() && queue_.top().when <= end) {
    if (queue_.top().when >= look) {
      if (done()) return true;
      look = queue_.top().when + 1'000;
    }
    auto next = queue_.top();
    queue_.pop();
    now_ = next.when;
    ++counted_.events;
    auto deed = std::exchange(deeds_[next.slot], {});
    free_deeds_.push_back(next.slot);
    deed();
  }
  now_ = end;
  return done();
}
void world::step_until(tick_ms end) {
  step_until(end, [] { return false; });
}

// -- a process -------------------------------------------------------------------

void world::boot(sim_node& n) {
  ++n.life;
  n.told_off = false;
  n.asleep = false;
  n.certificates = std::make_unique<certificate_book>(std::string(chain), root_->key(), with());
  // What enrolment left in files: head office, the way up to it, and its own certificate.
  for (auto id : {head_office, n.parents.empty() ? head_office : n.parents.front(), n.id})
    ensure(n.certificates->add(nodes_.at(id).signed_cert).ok(), "an enrolment certificate is believed");
  station_config c;
  c.chain = chain;
  c.self = n.id;
  c.role = n.role;
  c.checkpoint_every = plan_.checkpoint_every;
  c.close_wait_ms = plan_.close_wait_ms;
  c.doubt_days = plan_.doubt_days;
  c.certificate_s = plan_.certificate_s > 0 ? plan_.certificate_s : unix_seconds{1'000'000} * 86'400;
  c.sweep = plan_.sweep;
  c.detour_after_ms = plan_.detour_after_ms;
  // Whoever goes on without a child's word may be an old copy: what is bounded by people's luck is not tried here.
  if (unknowing_region()) c.sure_wait_ms = tick_never / 2;
  c.skips = topics_of(n);
  c.notice_levels = true;
  c.notice_fee_days = 14;
  c.cosign_wait_ms = 10'000 + 3 * plan_.hold_ms;
  take_new_keys(n);
  c.next = n.next, c.letters = &n.curve;
  auto opened = station::open(c, n.disk, *n.certificates, *n.keys, *n.random);
  ensure(opened.ok(),
         "node " + std::to_string(n.id.value) + " does not open: " + (opened.ok() ? "" : opened.error().detail));
  n.st = std::move(*opened);
  counted_.put_back += n.st->left_out().waits();
  n.source = std::make_unique<durable_source>(n.disk, *n.keys, std::string(chain), n.id);
  for (const auto& [epoch, key] : n.older)
    n.source->sign_with(epoch, *key);
  say("boot " + std::to_string(n.id.value) + " at " + std::to_string(n.st->ledger().durable_next()));
  n.st->start(n.cert.epoch, wall(n));
  ensure(n.st->begin_restored_epoch(wall(n)).ok(), "a node begins anew on a backup");
  n.st->begin_certified_epoch(wall(n));
  absorb(n);
  new_mark(n);
  seal(n);
  n.tick_at = tick_never;
  tick_by(n, now_ + dice_.between(1, 1'000));
  if (members_) members_->start(n);
  if (!n.parents.empty()) knock(n.id);
  if (n.role == node_role::store && plan_.detour_after_ms > 0) look_for_detour(n.id);
  if (n.role != node_role::hq) return;
  decree_again_ = std::exchange(decree_open_, false);
  send_facts();
}

void world::crash(sim_node& n, const char* why) {
  if (!n.st) return;
  say("crash " + std::to_string(n.id.value) + ": " + why);
  ++counted_.crashes;
  ++n.life;
  std::vector<node_id> peers;
  for (auto& [peer, l] : n.links)
    peers.push_back(peer);
  // Also of those who knocked and were not heard yet: another machine may stand here next.
  for (auto* wires : {&links_, &detours_})
    for (auto& [id, l] : *wires)
      if (l.child == n.id || l.parent == n.id) l.connection = 0;
  for (auto p : peers) {
    auto& other = nodes_.at(p);
    auto found = other.links.find(n.id);
    if (found == other.links.end()) continue;
    at(dice_.between(0, 10'000), [this, &other, from = n.id, life = other.life, connection = found->second.connection] {
      auto f = other.links.find(from);
      if (other.life == life && f != other.links.end() && f->second.connection == connection) drop(other, from);
    });
  }
  n.links.clear();
  n.flight.reset();
  n.look.reset();
  n.look_waits = false;
  n.work_due = false;
  if (members_) members_->stop(n);
  n.st.reset();
  codes_.at.erase(n.id);
  n.source.reset();
  n.disk.crash(0);
  auto life = n.life;
  at(dice_.chance(800) ? dice_.between(100, 20'000) : dice_.between(20'000, 10 * 60'000), [this, &n, life] {
    if (n.life == life) boot(n);
  });
}

// All that a node has made durable and the oracle has not seen. A group may end one epoch and begin the next.
void world::absorb(sim_node& n) {
  n.lives.insert(n.st->ledger().self());
  follow_region(n);
  for (const auto& life : n.lives)
    absorb_journal(n, life);
  if (n.role != node_role::hq) return;
  watch_lost(n);
  if (plan_.months == 0) return;
  stream_reader reader(n.disk);
  for (const auto& [writer, entries] : oracle_.journals())
    oracle_.heard(writer, reader.size({writer, sub_stream::journal, {}}));
}

void world::absorb_journal(sim_node& n, const writer_id& self) {
  stream_reader reader(n.disk);
  stream_id id{self, sub_stream::journal, {}};
  auto size = reader.size(id);
  bool copied = plan_.restore != restore_kind::none;
  const bool region = copied && restore_done_ && n.id == copied_ && unknowing_region();
  if (region && self.epoch == n.cert.epoch) {
    auto more = reader.own_entries(id, copied_size_, size, segment_entries_max);
    if (copied_size_ < size) ensure(more.ok(), "durable entries are readable");
    for (auto e : copied_size_ < size ? *more : entry_list{})
      ensure(peek_kind(e) == entry_kind::adopt, "a region on an old copy moved value in its old life");
  } else if (copied && !region && plan_.restore != restore_kind::forked && restore_done_ && n.id == copied_)
    ensure(reader.size({{n.id, n.cert.epoch}, sub_stream::journal, {}}) == copied_size_,
           "a restored node went on with its old life");
  for (auto from = copied && n.id == copied_ && oracle_.was_restored(self) ? size : oracle_.size(self); from < size;) {
    auto list = reader.own_entries(id, from, size, segment_entries_max);
    ensure(list.ok() && !list->empty(), "durable entries are readable");
    for (auto e : *list) {
      if (verbose())
        if (auto what = decode_entry(e); what && what->kind != entry_kind::certify)
          say("  " + writer_name(self) + "#" + std::to_string(from) + " " + describe(*what));
      if (members_) members_->durable(self, from, e);
      oracle_.durable(self, from++, bytes(e));
      ++counted_.entries;
      counted_.closed += peek_kind(e) == entry_kind::close_epoch;
      counted_.granted_anew += peek_kind(e) == entry_kind::regrant;
      if (n.role == node_role::hq && peek_kind(e) == entry_kind::top_up) ++counted_.payments;
      if (n.role == node_role::hq && peek_kind(e) == entry_kind::adjust) ++counted_.by_hand;
      counted_.fees += peek_kind(e) == entry_kind::fee;
      counted_.written_off += peek_kind(e) == entry_kind::execute;
      if (n.role == node_role::hq && peek_kind(e) == entry_kind::issue) ++counted_.sold_at_once;
      if (n.role == node_role::hq && peek_kind(e) == entry_kind::reverse) ++counted_.taken_back;
    }
  }
}

void world::wake(sim_node& n, tick_ms delay) {
  if (!n.st || n.work_due) return;
  n.work_due = true;
  auto life = n.life;
  at(delay, [this, &n, life] {
    if (n.life != life) return;
    n.work_due = false;
    work(n);
  });
}

void world::work(sim_node& n) {
  if (!n.st->idle()) tick_by(n, now_ + 100);
  n.st->run(wall(n), now_);
  seal(n);
}

void world::seal(sim_node& n) {
  while (!n.flight) {
    auto batch = n.st->seal();
    if (!batch) return;
    if (batch->empty()) {
      effects(n, n.st->settled());
      if (!n.st) return;
      continue;
    }
    n.flight = std::move(*batch);
    auto life = n.life;
    at(dice_.between(0, plan_.commit_max), [this, &n, life] {
      if (n.life == life) committed(n);
    });
  }
}

void world::committed(sim_node& n) {
  auto before = n.st->ledger().self();
  bool fault = !calm_ && plan_.commit_fault_permille > 0 && dice_.chance(plan_.commit_fault_permille);
  if (fault) {
    ++counted_.commit_faults;
    bool kept = dice_.chance(500);
    n.disk.fail_commit(1, kept ? faulty_kv::outcome::kept : faulty_kv::outcome::lost,
                       dice_.chance(300) ? errc::full : errc::io);
  }
  auto written = n.disk.commit(*n.flight, true);
  n.flight.reset();
  if (!written) return crash(n, "a commit failed");
  n.look_waits = false;
  absorb(n);
  if (!calm_ && plan_.crash_every > 0 && dice_.chance(2)) return crash(n, "between commit and answer");
  auto list = n.st->settled();
  new_mark(n);
  if (n.st->ledger().self() != before) say("node " + std::to_string(n.id.value) + " lives anew");
  effects(n, std::move(list));
  if (!n.st) return;
  look_again(n);
  seal(n);
  if (!n.st->idle()) wake(n, 1);
}

// Whoever is there knows within a bounded time whether the other side is.
void world::check_silence(const sim_node& n, node_id peer, const session& s) const {
  if (!s.greeted()) return;
  auto bound =
      link_of(n.id, peer).child == n.id ? session_silence_ms + 2 * plan_.hold_ms + alive_wait_ms : promise_grace_ms;
  ensure(now_ - s.heard_at() <= plan_.quiet_ms + bound + 1'000, [&] {
    return "node " + std::to_string(n.id.value) + " has not heard of " + std::to_string(peer.value) + " for " +
           std::to_string((now_ - s.heard_at()) / 1'000) + " s and takes it for there";
  });
}

void world::ticks(sim_node& n) {
  n.st->tick(wall(n), now_, n.disk_low ? 0 : n.disk.disk_free_bytes());
  std::vector<node_id> peers;
  for (auto& [peer, l] : n.links)
    peers.push_back(peer);
  for (auto p : peers) {
    if (auto it = n.links.find(p); it != n.links.end()) act(n, p, it->second.session->tick(now_));
    // The system's own keep-alive finds a connection that only this side remembers, in a minute or so.
    auto it = n.links.find(p);
    const auto& l = link_of(n.id, p);
    if (it != n.links.end()) check_silence(n, p, *it->second.session);
    if (it != n.links.end() && plan_.resets && l.child == n.id && l.connection != it->second.connection && !l.cut &&
        dice_.chance(20))
      drop(n, p);
  }
  if (!n.st) return;
  wake(n, 0);
  tick_by(n, next_tick(n));
}

// Timers are looked at as often as the node's owner must, but not while nothing is due: a quiet night is cheap.
tick_ms world::next_tick(const sim_node& n) const {
  if (!n.st->idle()) return now_ + 100;
  auto due = n.st->next_due();
  for (const auto& [peer, l] : n.links) {
    due = std::min(due, l.session->next_due());
    if (plan_.resets && link_of(n.id, peer).connection != l.connection) due = now_;
  }
  return std::max(due, now_ + 1'000);
}

void world::tick_by(sim_node& n, tick_ms when) {
  if (n.tick_at <= when) return;
  n.tick_at = when;
  auto life = n.life;
  at(when - now_, [this, &n, life, when] {
    if (n.life != life || n.tick_at != when) return;
    n.tick_at = tick_never;
    ticks(n);
  });
}

void world::effects(sim_node& n, std::vector<station_effect> list) {
  for (auto life = n.life; auto& e : list) {
    if (n.life != life) return;
    if (const auto* call = std::get_if<call_effect>(&e)) call->call();
    if (const auto* a = std::get_if<till_answer>(&e)) {
      answered(n, *a);
    } else if (const auto* f = std::get_if<facts_answer>(&e)) {
      if (!members_ || !members_->answered(n, *f)) decreed(*f);
    } else if (const auto* letter = std::get_if<letter_effect>(&e)) {
      if (members_) members_->hear(n, *letter);
    } else if (const auto* erased = std::get_if<erased_effect>(&e)) {
      if (members_) members_->hear(n, *erased);
    } else if (const auto* i = std::get_if<ingested_effect>(&e)) {
      if (verbose() && i->code != errc::ok)
        say("node " + std::to_string(n.id.value) + " does not take entries of " + writer_name(i->stream.writer) +
            " from " + std::to_string(i->from.value) + ": " + std::string(errc_name(i->code)));
      counted_.shipped_by_detour += i->code == errc::ok && n.role == node_role::hq &&
                                    i->stream.writer.node == i->from && links_.at(i->from).parent != n.id;
      if (auto it = n.links.find(i->from); it != n.links.end())
        act(n, i->from, it->second.session->on_ingested(i->stream, i->size, i->code, i->ack, now_));
    } else if (const auto* m = std::get_if<to_neighbour>(&e)) {
      auto it = n.links.find(m->neighbour);
      if (it != n.links.end()) act(n, m->neighbour, it->second.session->say(m->what, now_));
    } else if (const auto* cut = std::get_if<cut_off_effect>(&e)) {
      if (n.links.count(cut->node) && ended(nodes_.at(cut->node), n)) part(n, cut->node);
    } else if (std::holds_alternative<lives_anew_effect>(e)) {
      if (n.role == node_role::store) drop(n, head_office);
      if (n.st && !n.parents.empty()) drop(n, n.parents.front());  // greets anew
    } else if (std::holds_alternative<new_keys_effect>(e)) {
      at(0, [this, &n, life] {
        if (n.life == life) crash(n, "it starts again for its new keys");
      });
    } else if (const auto* grown = std::get_if<advanced_effect>(&e)) {
      offer(n);
      if (grown->urgent) hurry(n);
    } else if (const auto* a2 = std::get_if<alarm_effect>(&e)) {
      alarm(n, *a2);
    }
  }
}

// -- the whole run -----------------------------------------------------------------

void world::heal() {
  calm_ = true;
  trading_ = false;
  next_rulings();  // who looks now and then looks often now
  for (auto& [id, l] : detours_)
    l.cut = false;
  for (auto& [id, l] : links_) {
    if (l.cut) say("healed " + std::to_string(id.value));
    l.cut = l.up_blocked = l.down_blocked = false;
  }
  for (auto& [id, n] : nodes_) {
    n.disk_low = false;
    if (n.st) tick_by(n, now_ + 1'000);
    if (n.asleep && !n.gone) boot(n);
  }
  next_rulings();  // the look that was planned may be hours away, at a shop's pace
}

// Nobody trades, and everybody has everything.
bool world::is_quiet(bool must_be) {
  auto last = counted_.entries;
  do {
    last = counted_.entries;
    step_until(now_ + 2 * 60'000);
  } while (counted_.entries != last && now_ < plan_.trade_ms + 3 * drain_max);
  auto before = counted_.messages, written = counted_.entries;
  step_until(now_ + quiet_watch);
  auto signs = messages_per_sign * links_.size() * static_cast<std::uint64_t>(quiet_watch / plan_.quiet_ms + 1);
  auto said = counted_.messages - before;
  bool quiet = said <= quiet_messages_max + signs + messages_per_entry_max * (counted_.entries - written);
  ensure(quiet || !must_be, "a quiet chain sent " + std::to_string(said) + " messages in ten minutes");
  return quiet;
}

void world::run() {
  for (auto& [id, n] : nodes_)
    boot(n);
  head_office_facts();
  open_shop();
  if (members_) members_->open();
  plan_weather();
  step_until(plan_.trade_ms);
  heal();
  bool lively = step_until(now_ + drain_max, [this] { return drained(*this); });
  // Operators rule about hundreds of cases, and value is swept little at a time: that takes longer, while it goes on.
  for (auto left = decrees_.size(), swept = oracle_.swept(); !lively; left = decrees_.size(), swept = oracle_.swept()) {
    lively = step_until(now_ + drain_max, [this] { return drained(*this); });
    if (decrees_.size() >= left && oracle_.swept() == swept) break;
  }
  if (!lively) {
    std::string why;
    drained(*this, &why);
    throw broken("not drained after " + std::to_string(drain_max / 60'000) + " minutes: " + why);
  }
  // What is under way ends first. And when certificates are renewed, connections begin anew: another ten minutes then.
  for (int left = plan_.certificate_s > 0 ? 4 : 1; left > 0; --left)
    if (is_quiet(left == 1)) break;
  counted_.swept = oracle_.swept();
  counted_.over_returned = over_returned();
  counted_.store_ms = now_ * plan_.stores;
  // Head office writes down its time, stores give back what was put aside, which may pay a debt: that is no unrest.
  step_until(now_ + drain_max + 5 * plan_.hold_ms, [this] {
    return drained(*this) && all_put_back() && timed_out(*this) &&
           (ended().value != 0 ? granted(*this) : debts_asked(*this));
  });
  // A sweep of little at a time may go on for hours, each part before head office has cosigned the one before.
  for (int left = 24; left > 0 && !drained(*this); --left)
    step_until(now_ + drain_max, [this] { return drained(*this); });
  for (const auto& [id, n] : nodes_)
    if (n.st) counted_.left_out += n.st->left_out().entries();
  check_quiet(*this);
  check_notices(*this);
  if (members_) members_->look_again();
}

}  // namespace tally::sim
