// Wires: connections that break, sessions on top of them.
#include "sim/world.hpp"
#include "sync/return_letter.hpp"

namespace tally::sim {

sim_link& world::link_of(node_id a, node_id b) { return const_cast<sim_link&>(std::as_const(*this).link_of(a, b)); }
const sim_link& world::link_of(node_id a, node_id b) const {
  if (auto it = links_.find(a); it != links_.end() && it->second.parent == b) return it->second;
  if (auto it = links_.find(b); it != links_.end() && it->second.parent == a) return it->second;
  for (auto [child, up] : {std::pair{a, b}, std::pair{b, a}})
    if (auto it = detours_.find(child); it != detours_.end() && up == head_office) return it->second;
  return no_link_;  // the child moved away
}

// The child tries until its parent answers.
void world::knock(node_id child) {
  auto& n = nodes_.at(child);
  auto life = n.life;
  // Whoever was told that its keys do not count any more asks again after an hour.
  at(n.told_off ? 3'600'000 : dice_.between(50, 3'000), [this, &n, life, child] {
    auto& l = links_.at(child);
    if (n.life != life || n.links.count(l.parent)) return;
    const auto& parent = nodes_.at(l.parent);
    if (l.cut || l.up_blocked || l.down_blocked || !parent.st || !admitted(n, parent)) return knock(child);
    // Another machine in its parent's place: somebody brings its certificate on a stick, since no line does.
    if (n.st->curve_key_of(parent.id) != parent.cert.curve) (void)n.certificates->add(parent.signed_cert);
    l.connection = ++connections_;
    l.last_up = l.last_down = now_;
    open_session(n, l.parent, l.connection);
  });
}

// As the actor does: while the station wants it and no longer.
void world::look_for_detour(node_id child) {
  auto& n = nodes_.at(child);
  at(plan_.pace * dice_.between(1'000, 5'000), [this, &n, life = n.life, child] {
    if (n.life != life) return;
    look_for_detour(child);
    auto& l = detours_.at(child);
    bool direct = links_.at(child).parent == head_office;
    if (!n.st->wants_detour() || direct) return direct ? void() : drop(n, head_office);
    const auto& hq = nodes_.at(head_office);
    if (n.links.count(head_office) || l.cut || n.told_off || !hq.st || !admitted(n, hq)) return;
    say("node " + std::to_string(child.value) + " goes to head office: its region is silent");
    ++counted_.detours;
    l.connection = ++connections_;
    l.last_up = l.last_down = now_;
    open_session(n, head_office, l.connection);
  });
}

void world::drop(sim_node& n, node_id peer) {
  auto it = n.links.find(peer);
  if (it == n.links.end()) return;
  bool was_up = it->second.told_up;
  auto& l = link_of(n.id, peer);
  bool child = l.child == n.id;
  if (l.connection == it->second.connection) l.connection = 0;
  n.links.erase(it);
  if (was_up && n.st) (void)n.st->put(link_change{peer, false});
  wake(n, 0);
  if (child && &l == &links_.at(n.id)) knock(n.id);
}

void world::open_session(sim_node& n, node_id peer, std::uint64_t connection) {
  drop(n, peer);
  link_of(n.id, peer).connection = connection;
  auto* st = n.st.get();
  session_config c;
  c.self = st->ledger().self();
  c.hold_ms = plan_.hold_ms;
  c.process = n.life + 1;
  if (link_of(n.id, peer).child == n.id) {
    c.silence_ms = session_silence_ms + 2 * plan_.hold_ms;
    c.quiet_ms = plan_.quiet_ms;
    if (st->left_out().skips_goods()) c.skips = topic_goods;
  }
  c.accepts = [st, peer](const stream_id& id) { return st->accepts(peer, id); };
  n.links[peer] = {std::make_unique<session>(c, *n.source), connection, false};
  auto life = n.life;
  act(n, peer, n.links.at(peer).session->connected(now_));
  if (n.life != life || !n.links.count(peer)) return;
  if (link_of(n.id, peer).parent == n.id && ended(nodes_.at(peer), n)) return part(n, peer);
  act(n, peer, n.links.at(peer).session->on_streams(st->streams_for(peer), now_));
  if (n.life == life && plan_.hold_ms > 0 && link_of(n.id, peer).child == n.id) change_window(n, peer, connection);
}

// As a month's budget does: entries wait longer, and shorter again.
void world::change_window(sim_node& n, node_id peer, std::uint64_t connection) {
  auto it = n.links.find(peer);
  if (it == n.links.end() || it->second.connection != connection || !n.st) return;
  auto hold = dice_.between(0, plan_.hold_ms);
  it->second.session->hold(hold, dice_.between(1, 64));
  n.st->held_longer(hold - plan_.hold_ms);
  at(dice_.between(60'000, 20 * 60'000), [this, &n, peer, connection] { change_window(n, peer, connection); });
}

// The peer's keys do not count any more: it is told so, and gone for everybody else.
void world::part(sim_node& n, node_id peer) {
  auto& l = n.links.at(peer);
  if (std::exchange(l.told_up, false)) (void)n.st->put(link_change{peer, false});
  l.parting = true;
  const auto* news = ended(nodes_.at(peer), n);
  std::optional<time_message> time;
  if (auto t = std::get<time_message>(n.st->time_for_children(wall(n))); news->directory == any_size && t.time > 0)
    time = t;
  act(n, peer, l.session->farewell(n.st->directories(), news->directory, news->why, now_, time));
}

// A region that changes what others say to one another of goods that came back, or makes something up.
message world::forged(const message& m) {
  const auto* letter = std::get_if<letter_message>(&m);
  auto sealed = letter ? return_letter(letter->body) : std::nullopt;
  if (!sealed || forger_.chance(500)) return m;
  ++counted_.forged;
  auto lie = *letter;
  if (forger_.chance(500)) {
    lie.body = as_return_letter(encode_return_answer({forger_.bits(), true, {}, false}));
  } else {
    auto at = lie.body.size() - sealed->size() + forger_.below(sealed->size());
    lie.body[at] = static_cast<char>(lie.body[at] ^ (1 << forger_.below(8)));
  }
  return lie;
}

void world::send(sim_node& from, node_id to, const message& m) {
  auto& l = link_of(from.id, to);
  auto connection = from.links.at(to).connection;
  bool up = l.child == from.id;
  ++counted_.messages;
  if (verbose() && calm_)
    say("message " + std::to_string(m.index()) + " from " + std::to_string(from.id.value) + " to " +
        std::to_string(to.value));
  if (l.cut || (up ? l.up_blocked : l.down_blocked)) return;
  if (l.connection != connection) {
    // The other side has forgotten this connection, and says so to whoever still uses it.
    at(dice_.between(1, 500), [this, &from, to, life = from.life, connection] {
      auto f = from.links.find(to);
      if (from.life == life && f != from.links.end() && f->second.connection == connection) drop(from, to);
    });
    return;
  }
  if (!calm_ && dice_.chance(plan_.loss_permille)) return;
  auto data = encode_message(plan_.forges && from.role == node_role::region && !calm_ ? forged(m) : m);
  for (int copies = !calm_ && dice_.chance(plan_.repeat_permille) ? 2 : 1; copies > 0; --copies) {
    auto delay = dice_.between(1, plan_.delay_max);
    auto& last = up ? l.last_up : l.last_down;
    if (!plan_.wild_links) {
      last = std::max(last, now_ + delay);
      delay = last - now_;
    }
    at(delay, [this, from = from.id, to, connection, data] { deliver(from, to, connection, data); });
  }
}

void world::deliver(node_id from, node_id to, std::uint64_t connection, const bytes& data) {
  auto& n = nodes_.at(to);
  auto& l = link_of(from, to);
  if (!n.st || l.cut || l.connection != connection) return;
  auto it = n.links.find(from);
  if (it == n.links.end() || it->second.connection != connection) {
    if (l.child == to) return;  // the child has not finished with this connection's end yet
    open_session(n, from, connection);
    it = n.links.find(from);
    if (it == n.links.end()) return;
  }
  auto m = decode_message(data);
  ensure(m.ok(), "a message does not decode");
  auto life = n.life;
  act(n, from, it->second.session->on_message(*m, now_));
  if (n.life != life) return;
  it = n.links.find(from);
  if (it != n.links.end() && it->second.session->greeted() && !it->second.told_up && !it->second.parting) {
    it->second.told_up = true;
    (void)n.st->put(link_change{from, true});
  }
  wake(n, 0);
}

void world::act(sim_node& n, node_id peer, session_effects list) {
  for (auto& e : list) {
    if (!n.st || !n.links.count(peer)) return;
    if (const auto* s = std::get_if<send_effect>(&e)) {
      send(n, peer, s->what);
    } else if (auto* i = std::get_if<ingest_effect>(&e)) {
      auto id = i->what.stream;
      if (!n.st->put(segment_arrival{peer, std::move(i->what)}))
        act(n, peer, n.links.at(peer).session->on_ingested(id, n.source->size(id), errc::busy, false, now_));
    } else if (auto* c = std::get_if<control_effect>(&e)) {
      (void)n.st->put(control_arrival{peer, std::move(c->what)});
    } else if (const auto* r = std::get_if<rollback_effect>(&e)) {
      if (!n.st->verify_rollback_proof(r->stream, r->size, r->proof)) continue;
      if (n.st->heed_proof(r->stream, r->size, r->proof.root, wall(n))) {
        say("the link tells node " + std::to_string(n.id.value) + " that it was rolled back");
        return drop(n, peer);  // a new life greets anew
      }
    } else {
      const auto& close = std::get<close_effect>(e);
      if (close.code == errc::offline) return drop(n, peer);  // connects anew
      if (close.code == errc::revoked || close.code == errc::not_certified) {
        say("node " + std::to_string(n.id.value) + " parts with " + std::to_string(peer.value) + ": " + close.text);
        bool child = link_of(n.id, peer).child == n.id;
        n.told_off = n.told_off || (child && close.code == errc::revoked);
        if (child) return drop(n, peer);
        // The last word is on its way; then the connection ends.
        return at(plan_.delay_max, [this, &n, peer, life = n.life, connection = n.links.at(peer).connection] {
          auto f = n.links.find(peer);
          if (n.life == life && f != n.links.end() && f->second.connection == connection) drop(n, peer);
        });
      }
      throw broken("node " + std::to_string(n.id.value) + " closes its session with " + std::to_string(peer.value) +
                   ": " + std::string(errc_name(close.code)) + " " + close.text);
    }
  }
  wake(n, 0);
}

// Durable streams grew.
void world::offer(sim_node& n) {
  std::vector<node_id> peers;
  for (auto& [peer, l] : n.links)
    peers.push_back(peer);
  for (auto p : peers)
    if (auto it = n.links.find(p); it != n.links.end())
      act(n, p, it->second.session->on_streams(n.st->streams_for(p), now_));
}

// An own journal has an entry that somebody waits for.
void world::hurry(sim_node& n) {
  std::vector<node_id> peers;
  for (auto& [peer, l] : n.links)
    peers.push_back(peer);
  for (auto p : peers)
    if (auto it = n.links.find(p); it != n.links.end()) act(n, p, it->second.session->hurry(now_));
}

}  // namespace tally::sim
