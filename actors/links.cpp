#include "actors/links.hpp"

#include <algorithm>

#include "actors/seldom.hpp"

namespace tally {
namespace {

constexpr auto tick_interval = std::chrono::milliseconds(250);
constexpr tick_ms again_min_ms = 500, again_max_ms = 60'000;
// A node whose keys do not count any more need not ask often whether they do.
constexpr tick_ms again_outdated_ms = 3'600'000;
// Under it lies what the month's traffic was, with the notes of the node.
constexpr std::string_view budget_key = "nlink/traffic";
// How long the last word on a connection has to leave before the connection is ignored.
constexpr tick_ms drop_after_ms = 2'000;
constexpr std::string_view replaced_text =
    "another process that has the key of this node connected after it: does a copy of its data run somewhere?";

void to_ledger(node_context* context, station_input input) {
  auto job = std::make_shared<ledger_job>();
  job->input = std::move(input);
  if (auto a = context->handle(&node_context::ledger)) caf::anon_send(a, job_message{std::move(job)});
}

void in_ledger(node_context* context, std::function<void(station&)> task) {
  if (auto a = context->handle(&node_context::ledger))
    caf::anon_send(a, task_message{std::make_shared<std::function<void(station&)>>(std::move(task))});
}

void claim_rollback(node_context* context, const rollback_effect& e) {
  in_ledger(context, [e, clock = context->clock.wall](station& s) {
    if (s.verify_rollback_proof(e.stream, e.size, e.proof)) s.heed_proof(e.stream, e.size, e.proof.root, clock());
  });
}

std::unique_ptr<session> make_session(node_context* context, const writer_id& self, bool to_parent,
                                      const link_config& how) {
  session_config config;
  config.self = self;
  config.hold_ms = how.hold_ms;
  config.process = how.process;
  if (to_parent) {
    config.silence_ms = session_silence_ms + 2 * how.hold_ms;
    config.quiet_ms = how.quiet_ms;
    config.skips = how.skips;
  }
  // A coarse sieve; the station decides (it knows the tree).
  config.accepts = [to_parent, node = self.node](const stream_id& id) {
    if (!to_parent && id.writer.node == node)
      return node == head_office && id.sub != sub_stream::journal;  // given back
    return id.writer.node != node && (to_parent || id.sub == sub_stream::journal);
  };
  return std::make_unique<session>(std::move(config), context->source);
}

/// Carries a session's effects out. False when the connection is to be dropped.
template <class Send>
bool carry(node_context* context, node_id peer, link_session& link, const session_effects& effects, Send send) {
  bool keep = true;
  for (const auto& e : effects) {
    if (const auto* s = std::get_if<send_effect>(&e)) {
      // A full queue drops it: the session repeats what is not acknowledged.
      send(encode_message(s->what));
    } else if (const auto* i = std::get_if<ingest_effect>(&e)) {
      // Opened here, so that the ledger's thread does not unpack and hash what the link's thread can.
      to_ledger(context,
                segment_arrival{peer, i->what, std::make_shared<const result<opened_segment>>(open_segment(i->what))});
    } else if (const auto* b = std::get_if<control_effect>(&e); b && std::holds_alternative<below_message>(b->what)) {
      context->links.report(peer, std::get<below_message>(b->what));
    } else if (const auto* c = std::get_if<control_effect>(&e)) {
      to_ledger(context, control_arrival{peer, c->what});
    } else if (const auto* r = std::get_if<rollback_effect>(&e)) {
      claim_rollback(context, *r);
    } else if (const auto* close = std::get_if<close_effect>(&e)) {
      context->log(close->code, "the connection with node " + std::to_string(peer.value) + " ends: " + close->text);
      context->links.ended(peer, close->text);
      link.refused = close->code;
      keep = false;
    }
  }
  if (link.machine && link.machine->greeted() && !link.greeted && !link.parting) {
    link.greeted = true;
    context->links.set(peer, true, context->clock.wall());
    to_ledger(context, link_change{peer, true});
  }
  return keep;
}

void went_down(node_context* context, node_id peer, link_session& link) {
  link.machine.reset();
  if (!link.greeted) return;
  link.greeted = false;
  context->links.set(peer, false, context->clock.wall());
  to_ledger(context, link_change{peer, false});
}

// -- up ------------------------------------------------------------------------

using up_ptr = caf::stateful_actor<uplink_state>*;

bool is_detour(const uplink_state& st) { return st.config.stands_for.value != 0; }

// One line to the world, whichever parent is at its end: the month's traffic is counted in one place.
void up_count(uplink_state& st, std::size_t octets) {
  if (is_detour(st)) {
    st.context->links.detour_octets += octets_on_wire(octets);
  } else {
    st.budget->count(octets, st.context->clock.wall());
  }
}

void tell_link(const uplink_state& st, bool up) {
  const auto& other = st.context->links;
  st.context->events.publish(link_event{up || (is_detour(st) && other.at(st.config.stands_for).up)});
}

void up_carry(up_ptr self, const session_effects& effects) {
  auto& st = self->state;
  bool was = st.session.greeted;
  bool keep = carry(st.context, st.config.peer, st.session, effects, [&](bytes b) {
    up_count(st, b.size());
    (void)st.wire->send(std::move(b));
  });
  if (!was && st.session.greeted) tell_link(st, true);
  if (keep) return;
  went_down(st.context, st.config.peer, st.session);
  tell_link(st, false);
  // What ended this connection may end the next one as soon: each try waits twice as long, until one lasts.
  auto now = st.context->clock.tick();
  if (now - st.opened_at > again_max_ms) st.again_ms = 0;
  st.again_ms = std::clamp(st.again_ms * 2, again_min_ms, again_max_ms);
  if (st.session.refused == errc::revoked) st.again_ms = again_outdated_ms;
  st.again_due = now + st.again_ms;
}

void save_traffic(node_context* context, const link_budget& budget) {
  in_ledger(context,
            [data = budget.save()](station& s) { s.ledger().view().put(family::meta, bytes(budget_key), data); });
}

/// The window of the month's budget; what was used is shown, and kept across restarts.
void up_window(up_ptr self) {
  auto& st = self->state;
  auto now = st.context->clock.wall();
  if (!is_detour(st)) st.budget->add(st.context->links.detour_octets.exchange(0), now);
  auto f = is_detour(st) ? st.context->links.spent() : st.budget->at(now);
  if (st.session.machine && f.holds != st.window) {
    st.window = f.holds;
    st.session.machine->hold(f.holds.hold_ms, f.holds.entries);
    in_ledger(st.context, [more = f.holds.hold_ms - st.config.hold_ms](station& s) { s.held_longer(more); });
  }
  if (is_detour(st)) return;
  st.context->links.spent(f);
  if (st.budget->is_news(now))
    st.context->log(errc::full, "the link to the parent has used its " + std::to_string(f.octets / 1'000'000) +
                                    " MB of this month (link.month_mb); sales travel once an hour until it ends, what "
                                    "somebody waits for goes at once");
  if (st.budget->is_worth_saving()) save_traffic(st.context, *st.budget);
}

void up_link(up_ptr self, bool up) {
  auto& st = self->state;
  bool was = st.session.greeted;
  went_down(st.context, st.config.peer, st.session);
  if (was) tell_link(st, false);
  if (!up) return;
  st.session.machine = make_session(st.context, st.self_writer, true, st.config);
  st.window = {};
  up_window(self);
  auto now = st.context->clock.tick();
  st.opened_at = now;
  up_carry(self, st.session.machine->connected(now));
  if (st.session.machine && st.session.streams)
    up_carry(self, st.session.machine->on_streams(*st.session.streams, now));
}

template <class Self>
std::function<void(std::string)> report_fault(Self self) {
  caf::actor me = self;
  // The supervisor starts a new actor, and with it a new network thread.
  return [me](const std::string&) { caf::anon_send_exit(me, caf::exit_reason::unhandled_exception); };
}

bool up_wire(up_ptr self) {
  auto& st = self->state;
  caf::actor me = self;
  zmq_client::callbacks on;
  on.on_message = [me, peer = st.config.peer](bytes b) {
    caf::anon_send(me, wire_message{peer, std::make_shared<const bytes>(std::move(b))});
  };
  on.on_link = [me, peer = st.config.peer](bool up) { caf::anon_send(me, link_message{peer, up}); };
  on.on_refused = [context = st.context, peer = st.config.peer, lines = seldom()](const std::string& why) mutable {
    context->links.ended(peer, why);
    if (lines.due(why, context->clock.tick()))
      context->log(errc::not_certified, "the parent refuses this node: " + why);
  };
  on.on_fault = report_fault(self);
  auto wire = zmq_client::start(st.config.endpoint, *st.own, st.config.server, std::move(on), st.config.wire);
  if (!wire) {
    st.context->log(wire.error().code, "the link to the parent: " + wire.error().detail);
    self->quit(caf::exit_reason::unhandled_exception);
    return false;
  }
  st.wire = std::move(*wire);
  return true;
}

/// Another machine in the parent's place has a key of its own: connected anew with it, as after a start.
void up_key(up_ptr self) {
  auto& st = self->state;
  const auto key = st.context->links.key_of(st.config.peer);
  if (!key || *key == st.config.server) return;
  st.config.server = *key;
  if (!st.wire) return;
  st.context->log(errc::ok, "node " + std::to_string(st.config.peer.value) + " has another key: connecting with that");
  up_link(self, false);
  st.wire.reset();
  st.again_due = st.again_ms = 0;
  (void)up_wire(self);
}

/// Opens and closes a detour as the station wants it.
void up_turn(up_ptr self) {
  auto& st = self->state;
  bool wants = st.context->links.wants_detour;
  if (!is_detour(st) || wants == static_cast<bool>(st.wire)) return;
  auto parent = std::to_string(st.config.stands_for.value);
  if (wants) {
    st.context->log(errc::offline, "node " + parent + " is silent: this node goes to head office itself");
    (void)up_wire(self);
    return;
  }
  st.context->log(errc::ok, "node " + parent + " is back: the way over head office is closed");
  up_link(self, false);
  st.wire.reset();
  st.again_due = st.again_ms = 0;
}

template <class F>
void up_drive(up_ptr self, F f) {
  auto& st = self->state;
  if (st.session.machine) up_carry(self, f(*st.session.machine, st.context->clock.tick()));
}

// -- down ----------------------------------------------------------------------

using down_ptr = caf::stateful_actor<downlink_state>*;

void down_carry(down_ptr self, const link_peer& peer, const session_effects& effects) {
  auto& st = self->state;
  auto& link = st.sessions[peer];
  auto send = [&](bytes b) { (void)st.wire->send(peer, std::move(b)); };
  if (carry(st.context, peer.node, link, effects, send)) return;
  bool parted = std::exchange(link.parting, false);
  went_down(st.context, peer.node, link);
  // What was said last is on its way; the next tick ends the connection.
  if (parted) link.drop_due = st.context->clock.tick() + drop_after_ms;
}

template <class F>
void down_drive(down_ptr self, const link_peer& peer, F f) {
  auto& st = self->state;
  auto it = st.sessions.find(peer);
  if (it != st.sessions.end() && it->second.machine)
    down_carry(self, peer, f(*it->second.machine, st.context->clock.tick()));
}

/// The session goes on until the node knows that its keys do not count any more; for everybody else it is gone.
void down_part(down_ptr self, const link_peer& peer) {
  auto& st = self->state;
  auto& link = st.sessions[peer];
  auto news = st.context->admitted.ended(peer.node);
  if (!link.machine || !news) {
    went_down(st.context, peer.node, link);
    return st.wire->drop(peer);
  }
  auto machine = std::move(link.machine);
  went_down(st.context, peer.node, link);
  link.machine = std::move(machine);
  link.parting = true;
  // What comes to the directory while it is there: its next certificate.
  if (!link.streams) link.streams = std::make_shared<const std::vector<stream_id>>(news->directories);
  down_carry(self, peer,
             link.machine->farewell(news->directories, news->up_to, news->why, st.context->clock.tick(), news->time));
}

void down_open(down_ptr self, const link_peer& peer) {
  auto& st = self->state;
  auto& link = st.sessions[peer];
  went_down(st.context, peer.node, link);
  link.parting = false;
  link.drop_due = 0;
  link.machine = make_session(st.context, st.self_writer, false, st.config);
  auto now = st.context->clock.tick();
  down_carry(self, peer, link.machine->connected(now));
  if (peer.outdated) return down_part(self, peer);
  if (link.machine && link.streams) down_carry(self, peer, link.machine->on_streams(*link.streams, now));
}

void down_tick(down_ptr self) {
  auto& st = self->state;
  auto now = st.context->clock.tick();
  for (auto& [peer, link] : st.sessions) {
    if (link.machine) down_carry(self, peer, link.machine->tick(now));
    if (link.drop_due == 0 || now < link.drop_due) continue;
    link.drop_due = 0;
    st.wire->drop(peer);
  }
}

}  // namespace

caf::behavior uplink(up_ptr self, node_context* context, const link_config& config, const curve_key* own,
                     writer_id self_writer) {
  auto& st = self->state;
  st.context = context;
  st.config = config;
  st.self_writer = self_writer;
  st.budget.emplace(link_budget_config{.octets = config.octets_per_month, .hold_ms = config.hold_ms});
  if (bytes known; context->store.get(family::meta, bytes(budget_key), known) == lookup::found)
    st.budget->restore(known);
  st.own = own;
  if (!is_detour(st) && !up_wire(self)) return {};
  self->delayed_send(self, tick_interval, tick_message{});
  return {
      [self](const wire_message& m) {
        auto& s = self->state;
        if (!s.wire) return;  // came before a detour was closed
        up_count(s, m.body->size());
        auto decoded = decode_message(*m.body);
        if (!decoded) return s.context->log(decoded.error().code, "a message of the parent");
        s.context->links.heard(m.from.node, s.context->clock.wall());
        up_drive(self, [&](session& x, tick_ms now) { return x.on_message(*decoded, now); });
      },
      [self](const link_message& m) {
        if (self->state.wire && self->state.again_due == 0) up_link(self, m.up);
      },
      [self](const outgoing_message& m) {
        up_drive(self, [&](session& x, tick_ms now) { return x.say(*m.what, now); });
      },
      [self](const ingested_message& m) {
        up_drive(self, [&](session& x, tick_ms now) {
          return x.on_ingested(m.what.stream, m.what.size, m.what.code, m.what.ack, now);
        });
      },
      [self](const streams_message& m) {
        self->state.session.streams = m.list;
        up_drive(self, [&](session& x, tick_ms now) { return x.on_streams(*m.list, now); });
      },
      [self](advanced_message m) {
        if (self->state.session.streams)
          up_drive(self, [&](session& x, tick_ms now) { return x.on_streams(*self->state.session.streams, now); });
        if (m.urgent) up_drive(self, [](session& x, tick_ms now) { return x.hurry(now); });
      },
      [self](const epoch_message& m) {
        self->state.self_writer = m.self;
        self->state.again_due = self->state.again_ms = 0;
        if (self->state.wire) self->state.wire->reset();
      },
      [self](tick_message) {
        self->delayed_send(self, tick_interval, tick_message{});
        auto& s = self->state;
        up_key(self);
        up_turn(self);
        if (s.again_due != 0 && s.context->clock.tick() >= s.again_due) {
          s.again_due = 0;
          if (s.wire) s.wire->reset();
        }
        up_window(self);
        up_drive(self, [](session& x, tick_ms now) { return x.tick(now); });
      },
      [self](stop_message) {
        self->state.wire.reset();
        self->quit();
      },
  };
}

caf::behavior downlink(down_ptr self, node_context* context, const link_config& config, const curve_key* own,
                       writer_id self_writer) {
  auto& st = self->state;
  st.context = context;
  st.config = config;
  st.self_writer = self_writer;
  caf::actor me = self;
  zmq_server::callbacks on;
  on.admit = [context](const public_key& key) { return context->admitted.find(key); };
  on.on_message = [me](const link_peer& from, bytes b) {
    caf::anon_send(me, wire_message{from, std::make_shared<const bytes>(std::move(b))});
  };
  on.on_link = [me](const link_peer& who, bool up) { caf::anon_send(me, link_message{who, up}); };
  on.on_refused = [context, lines = seldom()](const public_key& key) mutable {
    const auto line = "an unknown key knocked: " + to_hex(view_of(key)).substr(0, 16);
    if (lines.due(line, context->clock.tick())) context->log(errc::not_certified, line);
  };
  on.on_fault = report_fault(self);
  on.last_word = encode_message(refuse_message{replaced_code, std::string(replaced_text)});
  auto wire = zmq_server::start(config.endpoint, *own, std::move(on), config.wire);
  if (config.listening) config.listening->set_value(wire ? done() : status(wire.error()));
  if (!wire && config.listening) return {[self](stop_message) { self->quit(); }};
  if (!wire) {
    context->log(wire.error().code, "listening for children on " + config.endpoint + ": " + wire.error().detail);
    self->quit(caf::exit_reason::unhandled_exception);
    return {};
  }
  st.wire = std::move(*wire);
  self->delayed_send(self, tick_interval, tick_message{});
  return {
      [self](const cut_off_message& m) { down_part(self, m.node); },
      [self](const wire_message& m) {
        auto& s = self->state;
        auto decoded = decode_message(*m.body);
        if (!decoded)
          return s.context->log(decoded.error().code, "a message of node " + std::to_string(m.from.node.value));
        auto it = s.sessions.find(m.from);
        if (it != s.sessions.end() && it->second.drop_due != 0) return;
        if (it == s.sessions.end() || !it->second.machine) down_open(self, m.from);
        if (!s.sessions[m.from].parting) s.context->links.heard(m.from.node, s.context->clock.wall());
        down_drive(self, m.from, [&](session& x, tick_ms now) { return x.on_message(*decoded, now); });
      },
      [self](const link_message& m) {
        if (m.up) return down_open(self, m.who);
        went_down(self->state.context, m.who.node, self->state.sessions[m.who]);
      },
      [self](const outgoing_message& m) {
        down_drive(self, m.to, [&](session& x, tick_ms now) { return x.say(*m.what, now); });
      },
      [self](const ingested_message& m) {
        down_drive(self, m.what.from, [&](session& x, tick_ms now) {
          return x.on_ingested(m.what.stream, m.what.size, m.what.code, m.what.ack, now);
        });
      },
      [self](const streams_message& m) {
        self->state.sessions[m.to].streams = m.list;
        down_drive(self, m.to, [&](session& x, tick_ms now) { return x.on_streams(*m.list, now); });
      },
      [self](advanced_message) {
        for (auto& [peer, link] : self->state.sessions)
          if (link.machine && link.streams)
            down_carry(self, peer, link.machine->on_streams(*link.streams, self->state.context->clock.tick()));
      },
      [self](const epoch_message& m) {
        self->state.self_writer = m.self;
        for (auto& [peer, link] : self->state.sessions)
          if (link.machine && !link.parting) down_open(self, peer);
      },
      [self](tick_message) {
        self->delayed_send(self, tick_interval, tick_message{});
        down_tick(self);
      },
      [self](stop_message) {
        self->state.wire.reset();
        self->quit();
      },
  };
}

}  // namespace tally
