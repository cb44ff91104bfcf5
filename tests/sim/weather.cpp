// What goes wrong, and when.
#include "sim/members.hpp"
#include "sim/world.hpp"
#include "sync/keys_fake.hpp"

namespace tally::sim {

// What a node promises when head office asks how far its books go, less what its letter takes.
static constexpr tick_ms promise_ms = 55'000;

void world::plan_weather() {
  if (plan_.crash_every > 0) next_crash();
  if (plan_.cut_every > 0) next_cut();
  if (plan_.skipping > 0) next_change_of_mind();
  if (plan_.wrong_clocks) next_clock();
  if (plan_.full_disks) next_full_disk();
  if (plan_.regions > 0 && plan_.silent_regions > 0) next_silence(plan_.silent_regions);
  if (plan_.restore != restore_kind::none) plan_restore();
  if (plan_.ending != ending::none) plan_ending();
  if (plan_.months > 0) next_month();
  if (plan_.new_keys > 0) plan_new_keys();
}

void world::next_crash() {
  at(dice_.between(1, 2 * plan_.crash_every), [this] {
    if (calm_) return;
    auto it = nodes_.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(dice_.below(nodes_.size())));
    crash(it->second, "kill -9");
    next_crash();
  });
}

void world::next_cut() {
  at(dice_.between(1, 2 * plan_.cut_every), [this] {
    if (calm_) return;
    auto it = links_.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(dice_.below(links_.size())));
    auto& l = it->second;
    next_cut();
    if (l.cut || l.up_blocked || l.down_blocked) return;
    ++counted_.cuts;
    auto child = it->first;
    auto end = dice_.between(1'000, plan_.cut_max);
    switch (dice_.below(4)) {
      case 0: l.up_blocked = true; break;
      case 1: l.down_blocked = true; break;
      default: l.cut = true; break;
    }
    l.cut_since = now_;
    // A line that breaks takes the way around with it, mostly.
    if (auto around = detours_.find(child); around != detours_.end() && dice_.chance(500)) {
      around->second.cut = true;
      at(end, [this, child] { detours_.at(child).cut = false; });
    }
    say("cut " + std::to_string(child.value) + (l.cut ? "" : l.up_blocked ? " upward" : " downward"));
    at(end, [this, child] {
      auto& again = links_.at(child);
      if (again.cut || again.up_blocked || again.down_blocked) say("healed " + std::to_string(child.value));
      again.cut = again.up_blocked = again.down_blocked = false;
    });
    if (!l.cut) return;
    // Each side notices in its own time, or not at all.
    for (auto [self, peer] : {std::pair{l.child, l.parent}, std::pair{l.parent, l.child}}) {
      auto& n = nodes_.at(self);
      auto life = n.life;
      auto connection = l.connection;
      at(dice_.between(0, 60'000), [this, &n, life, peer = peer, connection, child] {
        auto f = n.links.find(peer);
        if (n.life == life && links_.at(child).cut && f != n.links.end() && f->second.connection == connection)
          drop(n, peer);
      });
    }
  });
}

void world::next_clock() {
  at(plan_.pace * dice_.between(60'000, 30 * 60'000), [this] {
    if (calm_) return;
    auto it = nodes_.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(dice_.below(nodes_.size())));
    it->second.clock_error = dice_.between(-400 * 86'400, 400 * 86'400);
    say("clock of " + std::to_string(it->first.value) + " is off by " + std::to_string(it->second.clock_error) + " s");
    next_clock();
  });
}

void world::next_full_disk() {
  at(plan_.pace * dice_.between(60'000, 20 * 60'000), [this] {
    if (calm_) return;
    auto it = nodes_.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(dice_.below(nodes_.size())));
    auto& n = it->second;
    n.disk_low = true;
    if (n.st) tick_by(n, now_ + 1'000);
    say("disk of " + std::to_string(n.id.value) + " is nearly full");
    at(dice_.between(5'000, 5 * 60'000), [this, &n] {
      n.disk_low = false;
      if (n.st) tick_by(n, now_ + 1'000);
    });
    next_full_disk();
  });
}

// A region is down, or its stores cannot reach it, for long: at a shop's pace up to a day.
void world::next_silence(unsigned left) {
  at(dice_.between(1, plan_.trade_ms / left), [this, left] {
    if (calm_) return;
    auto& region = nodes_.at({2 + static_cast<std::uint32_t>(dice_.below(plan_.regions))});
    auto end = plan_.pace * dice_.between(60'000, 72 * 60'000);
    bool down = dice_.chance(500);
    say("region " + std::to_string(region.id.value) + (down ? " is down" : " is cut off from its stores"));
    if (down && region.st) {
      crash(region, "for long");
      auto life = ++region.life;
      at(end, [this, &region, life] {
        if (region.life == life && !region.gone) boot(region);
      });
      region.asleep = true;
    } else {
      for (auto& [child, l] : links_) {
        if (l.parent != region.id || l.cut) continue;
        l.cut = true;
        l.cut_since = now_;
        at(end, [this, child] { links_.at(child).cut = false; });
      }
    }
    if (left > 1) next_silence(left - 1);
  });
}

// One store's disk is copied at some moment, and put back at a later one.
void world::plan_restore() {
  copied_ = node_id{2 + plan_.regions + static_cast<std::uint32_t>(dice_.below(plan_.stores))};
  if (plan_.restore == restore_kind::backup && plan_.regions > 0 && dice_.chance(500))
    copied_ = node_id{2 + static_cast<std::uint32_t>(dice_.below(plan_.regions))};
  if (unknowing_region()) copied_ = node_id{2 + static_cast<std::uint32_t>(plan_.seed % plan_.regions)};
  if (plan_.restore == restore_kind::top) copied_ = head_office;
  at(dice_.between(plan_.trade_ms / 10, plan_.trade_ms / 2), [this] {
    auto& n = nodes_.at(copied_);
    copy_ = n.disk.copy();
    stream_reader reader(n.disk);
    copied_size_ = reader.size({{n.id, n.cert.epoch}, sub_stream::journal, {}});
    if (copied_size_ == 0) copy_.reset();  // not born yet
    for (const auto& [id, store] : nodes_)
      copied_rights_[id] = reader.size({{n.id, n.cert.epoch}, sub_stream::addressed, id});
    // Head office has not enrolled anybody: the command refuses such a backup.
    const stream_id published{{n.id, n.cert.epoch}, sub_stream::directory, {}};
    if (plan_.restore == restore_kind::top && reader.size(published) < 2 * nodes_.size()) copy_.reset();
    say("copy of " + std::to_string(copied_.value));
  });
  at(dice_.between(plan_.trade_ms / 2, plan_.trade_ms * 9 / 10), [this] { restore(nodes_.at(copied_)); });
}

bool world::unknowing_region() const {
  return plan_.restore_region && plan_.regions > 0 && plan_.restore >= restore_kind::online &&
         plan_.restore <= restore_kind::forked;
}

// Whether what the copy lacks can be seen by somebody: the parent, or a till; of a region's, a child.
bool world::restore_is_provable(const sim_node& n) const {
  if (n.role == node_role::region)
    for (const auto& [id, store] : nodes_)
      if (store.role == node_role::store &&
          stream_reader(store.disk).size({{n.id, n.cert.epoch}, sub_stream::addressed, id}) > copied_rights_.at(id))
        return true;
  stream_id journal{{n.id, n.cert.epoch}, sub_stream::journal, {}};
  if (plan_.restore == restore_kind::offline && n.role == node_role::store)
    return oracle_.size(journal.writer) > copied_size_;
  return stream_reader(nodes_.at(n.parents.front()).disk).size(journal) > copied_size_;
}

void world::restore(sim_node& n) {
  if (calm_ || !copy_) return;
  const bool top = plan_.restore == restore_kind::top;
  bool online = plan_.restore == restore_kind::online, said = top || plan_.restore == restore_kind::backup;
  if (!n.st || n.flight || (!said && !restore_is_provable(n))) {
    at(5'000, [this, &n] { restore(n); });
    return;
  }
  oracle_.restored({n.id, n.cert.epoch}, copied_size_);
  if (restored_again_) oracle_.restored(n.st->ledger().self());  // the copy has nothing of that life
  if (n.role == node_role::region) end_below(n);
  restore_done_ = true;
  crash(n, "its disk is replaced by an old copy");
  n.disk.restore(*copy_);
  if (said) note_backup(n, {});
  say("restored " + std::to_string(n.id.value));
  if (top) return watch_backup();
  auto& l = links_.at(n.id);
  if (online) {
    // New tills without memory, and nobody trades before head office's side has spoken: only the link can tell.
    for (auto& t : n.tills) {
      t.closed = true;
      t.mark.reset();
    }
    l.cut = l.up_blocked = l.down_blocked = false;
  } else {
    // New tills without memory that trade at once: both lives sell what only one of them had.
    if (plan_.restore == restore_kind::forked)
      for (auto& t : n.tills)
        t.mark.reset();
    l.cut = true;
    l.cut_since = now_;
    at(dice_.between(60'000, 20 * 60'000), [&l] { l.cut = false; });
  }
  for (auto& t : n.tills)
    t.receipts.clear();
}

// -- a life that ends otherwise ------------------------------------------------------

void world::plan_ending() {
  victim_ = node_id{2 + plan_.regions + static_cast<std::uint32_t>(dice_.below(plan_.stores))};
  if (plan_.ending == ending::replace_region)
    victim_ = node_id{2 + static_cast<std::uint32_t>(dice_.below(plan_.regions))};
  at(dice_.between(plan_.trade_ms / 5, plan_.trade_ms * 3 / 4), [this] { end_life(nodes_.at(victim_)); });
}

void world::decree(std::vector<entry> facts) {
  ordered_.push_back(facts);
  decrees_.push_back(std::move(facts));
  send_facts();
}

void world::end_life(sim_node& n) {
  if (calm_) return;
  if (!n.st || n.flight || n.st->ledger().durable_next() == 0) {
    at(5'000, [this, &n] { end_life(n); });
    return;
  }
  oracle_.restored({n.id, n.cert.epoch});
  ending_done_ = true;
  victim_life_ = {n.id, n.cert.epoch};
  entry fact;
  fact.subject.node = n.id;
  if (plan_.ending == ending::revoke) {
    n.outcast = true;
    fact.kind = entry_kind::revoke;
    return decree({fact});
  }
  if (plan_.ending == ending::replace_region) end_below(n);
  if (plan_.ending == ending::retire) return retire(n);
  if (plan_.ending == ending::move) return move(n);
  crash(n, "its disk is lost");
  ++n.life;  // nobody starts it again
  n.gone = true;
  for (auto& t : n.tills) {
    t.closed = true;
    t.pending.reset();
    t.receipts.clear();
    t.mark.reset();
  }
  auto noticed = dice_.between(60'000, 10 * 60'000);
  if (plan_.ending == ending::replace || plan_.ending == ending::replace_region)
    return at(noticed, [this, &n] { replace(n); });
  fact.kind = entry_kind::close_epoch;
  at(noticed, [this, fact] { decree({fact}); });
  if (plan_.ending != ending::burn_and_return) return;
  at(noticed + dice_.between(0, 15 * 60'000), [this, &n] {
    n.gone = false;
    boot(n);
  });
}

// Stores live anew when the epoch of their parent is closed: their channels end with it.
void world::end_below(const sim_node& region) {
  for (auto& [id, store] : nodes_)
    if (!store.parents.empty() && store.parents.front() == region.id) oracle_.restored({id, store.cert.epoch});
}

// Another machine, with keys and an epoch of its own; what the old one wrote is where it had been sent.
void world::replace(sim_node& n) {
  const auto& hq = nodes_.at(head_office);
  if (!hq.st) return at(1'000, [this, &n] { replace(n); });  // nobody else invites a machine
  n.disk.restore(kv_image{});
  if (members_) members_->new_machine(n.id);
  n.keys = make_keys();
  n.secret = make_node_secret(entropy_);
  n.cert.serial = hq.st->certificate_of(n.id)->serial + 1;
  if (plan_.certificate_s > 0) n.cert.not_after = wall(hq) + plan_.certificate_s;
  n.cert.signing = n.keys->key();
  n.cert.curve = (n.curve = make_curve_key(entropy_)).pub;
  entropy_.fill(n.cert.epoch.value);
  if (n.role == node_role::store) n.cert.owner = 3 - n.cert.owner;  // it was sold, too
  n.signed_cert = sign_certificate(n.cert, head_office, *hq.keys);
  entry revoke, close, certify;
  revoke.kind = entry_kind::revoke;
  close.kind = entry_kind::close_epoch;
  revoke.subject.node = close.subject.node = n.id;
  revoke.size = every_entry;
  close.peer = {n.id, n.cert.epoch};
  certify.kind = entry_kind::certify;
  certify.blob = encode(n.signed_cert);
  decree({revoke, close, certify});
  for (auto& t : n.tills) {
    t.closed = false;
    t.counter = 0;
  }
  arrive(n);
}

// It has its certificate from head office, so it starts when that is written.
void world::arrive(sim_node& n) {
  const auto& hq = nodes_.at(head_office);
  const auto* newest = hq.st ? hq.st->certificate_of(n.id) : nullptr;
  if (!newest || newest->curve != n.cert.curve) return at(1'000, [this, &n] { arrive(n); });
  n.gone = false;
  boot(n);
}

// The shop closes for good: its tills first, and when it says that head office has its books, the operator retires it.
void world::retire(sim_node& n) {
  auto& hq = nodes_.at(head_office);
  bool waits = !n.st || !n.st->idle() || n.flight || !hq.st;
  for (auto& t : n.tills) {
    t.closed = t.closed || !t.pending;
    waits = waits || t.pending;
  }
  if (waits) return at(2'000, [this, &n] { retire(n); });
  // Head office may crash meanwhile, and then nobody is told anything.
  auto over = std::make_shared<bool>(false);
  at(15'000, [this, &n, over] {
    if (!std::exchange(*over, true)) retire(n);
  });
  hq.st->tick(wall(hq), now_, hq.disk_low ? 0 : hq.disk.disk_free_bytes());  // it may not have seen a clock for long
  hq.st->ask_end(n.id, [this, &n, over](const result<closing_end>& end) {
    const writer_id life{n.id, n.cert.epoch};
    const auto size = stream_reader(n.disk).size({life, sub_stream::journal, {}});
    if (!end || !n.st || n.flight || end->writer != life || end->size != size || *over) return;
    *over = true;
    entry revoke, close;
    revoke.kind = entry_kind::revoke;
    close.kind = entry_kind::close_epoch;
    close.subject.node = revoke.subject.node = n.id;
    close.size = revoke.size = size;
    decree({revoke, close});
    // It stands still, whatever head office publishes and whoever sends it something, until it hears of its end.
    if (restored() == head_office || plan_.restore == restore_kind::top) return leave(n);
    see_end(n, size, now_ + promise_ms);
  });
  wake(hq, 0);
}

void world::leave(sim_node& n) {
  if (n.st) crash(n, "it retires");
  ++n.life;
  n.gone = true;
}

void world::see_end(sim_node& n, std::uint64_t size, tick_ms until) {
  const bool over = now_ >= until;
  if (!over && (!n.st || n.flight || n.st->ledger().self() == victim_life_))
    return at(200, [this, &n, size, until] { see_end(n, size, until); });
  const auto written = stream_reader(n.disk).size({victim_life_, sub_stream::journal, {}});
  ensure(over || written == size, "a node that retired wrote behind its end");
  say(over ? "it has not heard of its end" : "it has heard of its end");
  for (const auto& life : n.lives)
    if (life != victim_life_) oracle_.restored(life);  // nobody is told of it any more
  leave(n);
}

// The new certificate goes the old way; the shop's own line is changed when it has come.
void world::move(sim_node& n) {
  auto next = n.cert;
  ++next.serial;
  std::vector<node_id> places{head_office};
  for (unsigned r = 0; r < plan_.regions; ++r)
    places.push_back({2 + r});
  std::erase(places, n.parents.front());
  auto to = places[dice_.below(places.size())];
  if (n.role == node_role::store) next.owner = 3 - next.owner;
  next.parents = to == head_office ? std::vector{to} : std::vector{to, head_office};
  entry certify;
  certify.kind = entry_kind::certify;
  certify.blob = encode(sign_certificate(next, head_office, *nodes_.at(head_office).keys));
  decree({certify});
  at(1'000, [this, &n, to] { follow(n, to); });
}

void world::follow(sim_node& n, node_id to) {
  auto durable = n.st && !n.flight && n.st->parent() == to;
  if (!durable) return at(1'000, [this, &n, to] { follow(n, to); });
  auto from = n.parents.front();
  say("node " + std::to_string(n.id.value) + " moves to " + std::to_string(to.value));
  if (auto& old = nodes_.at(from); old.st) drop(old, n.id);
  drop(n, from);
  n.parents.front() = to;
  if (to == head_office) n.parents = {to};
  if (n.parents.back() != head_office) n.parents.push_back(head_office);
  if (auto& hq = nodes_.at(head_office); hq.st) drop(hq, n.id);
  drop(n, head_office);
  links_.at(n.id) = {.child = n.id, .parent = to};
  detours_.at(n.id) = {.child = n.id, .parent = head_office};
  knock(n.id);
}

// Whether the parent's door opens: not for keys of which it has not heard yet. Ended ones it lets in to say so.
bool world::admitted(const sim_node& child, const sim_node& parent) {
  if (ended(child, parent)) return true;
  const auto may = parent.st->admitted();
  const auto* known = parent.st->certificate_of(child.id);
  return known && known->curve == child.cert.curve && std::ranges::find(may, child.id) != may.end();
}

// What the parent's door says to this node's keys: nothing, when they count or are not known yet.
const void_key* world::ended(const sim_node& child, const sim_node& parent) {
  for (const auto& k : parent.st->void_keys())
    if (k.curve == child.cert.curve) {
      ended_ = k;
      return &ended_;
    }
  return nullptr;
}

void world::alarm(sim_node& n, const alarm_effect& a) {
  say("alarm at " + std::to_string(n.id.value) + ": " + std::string(errc_name(a.code)) + " " + a.text);
  if (a.code == errc::over_ceiling) return void(++counted_.over_ceiling);
  if (a.code == errc::rolled_back) return void(++counted_.rollbacks);
  if (a.code == errc::not_certified && plan_.certificate_s > 0) return void(++counted_.ended);
  if (a.code == errc::revoked) return void(++counted_.outcast);
  if (a.code == errc::offline && n.role == node_role::region && !unknowing_region())
    return;  // a store is dark at its start
  // Forged, or sealed with keys that were changed meanwhile.
  const bool of_goods = a.text.starts_with("a letter about goods that came back, in the name of node ");
  if (of_goods && a.code == errc::bad_proof && (counted_.forged > 0 || plan_.new_keys > 0)) return;
  // A parent that is or was an old copy, or that head office went past, cannot answer; nor does a line that is cut, or
  // that lost five questions and answers one after the other, which take two minutes.
  const bool was_wild = !calm_ || now_ < plan_.trade_ms + 2 * 60'000;
  if (a.code == errc::left_out && was_wild && plan_.loss_permille > 0) return;
  if (a.code == errc::left_out && !n.parents.empty()) {
    const auto& l = links_.at(n.id);
    const auto& parent = nodes_.at(n.parents.front());
    if (l.cut || l.up_blocked || l.down_blocked || parent.id == restored() || knows_more(n, parent)) return;
  }
  if (a.code == errc::wrong_epoch || a.code == errc::insufficient || a.code == errc::epoch_closed) return;
  throw broken("alarm at node " + std::to_string(n.id.value) + ": " + std::string(errc_name(a.code)) + " " + a.text);
}

}  // namespace tally::sim
