#include "actors/ledger.hpp"

#include "actors/snapshot.hpp"

namespace tally {
namespace {

using self_ptr = caf::stateful_actor<ledger_state>*;
constexpr auto tick_interval = std::chrono::milliseconds(100);
constexpr tick_ms time_interval_ms = 60'000;

void pump(self_ptr self);

void finish_till(ledger_state& st, const till_answer& a) {
  auto it = st.waiting.find(a.request);
  if (it == st.waiting.end()) return;
  auto job = std::move(it->second);
  st.waiting.erase(it);
  if (std::holds_alternative<entry>(a.outcome)) st.context->events.publish(receipt_event{a, job->masked});
  if (job->till_done) job->till_done(a);
}

void finish_facts(ledger_state& st, const facts_answer& a) {
  auto it = st.waiting.find(a.request);
  if (it == st.waiting.end()) return;
  auto job = std::move(it->second);
  st.waiting.erase(it);
  if (job->facts_done) job->facts_done(a);
}

void finish_carried(ledger_state& st, const carried_answer& a) {
  auto it = st.waiting.find(a.request);
  if (it == st.waiting.end()) return;
  auto job = std::move(it->second);
  st.waiting.erase(it);
  if (job->carried_done) job->carried_done(a);
}

/// Up for the parent, and for head office in its place; down for everybody else.
caf::actor link_for(ledger_state& st, node_id neighbour) {
  if (st.station->parent() == neighbour) return st.context->handle(&node_context::uplink);
  return st.context->handle(st.station->is_above(neighbour) ? &node_context::detour : &node_context::downlink);
}

std::map<node_id, public_key> keys_above(const station& s) {
  std::map<node_id, public_key> out;
  for (auto node : {s.parent().value_or(head_office), head_office})
    if (auto key = s.curve_key_of(node)) out[node] = *key;
  return out;
}

void tell_streams(ledger_state& st) {
  st.generation = st.station->generation();
  st.context->links.keys(keys_above(*st.station));
  std::map<public_key, node_id> admitted;
  for (auto child : st.station->admitted())
    if (auto key = st.station->curve_key_of(child)) admitted.emplace(*key, child);
  st.context->admitted.replace(std::move(admitted), st.station->void_keys(), st.station->directories(),
                               std::get<time_message>(st.station->time_for_children(st.context->clock.wall())));
  for (auto n : st.station->neighbours_up()) {
    auto list = std::make_shared<const std::vector<stream_id>>(st.station->streams_for(n));
    if (auto a = link_for(st, n)) caf::anon_send(a, streams_message{n, list});
  }
}

void tell_advanced(ledger_state& st, bool urgent) {
  if (st.generation != st.station->generation()) tell_streams(st);
  for (auto which : {&node_context::uplink, &node_context::detour, &node_context::downlink})
    if (auto a = st.context->handle(which)) caf::anon_send(a, advanced_message{urgent});
}

void show_cases(ledger_state& st);

struct deliver {
  self_ptr self;
  ledger_state& st;
  void operator()(const till_answer& a) { finish_till(st, a); }
  void operator()(const facts_answer& a) {
    show_cases(st);
    finish_facts(st, a);
  }
  void operator()(const carried_answer& a) {
    show_cases(st);
    finish_carried(st, a);
  }
  void operator()(const ingested_effect& e) {
    if (auto a = link_for(st, e.from)) caf::anon_send(a, ingested_message{e});
  }
  void operator()(const to_neighbour& e) {
    if (auto a = link_for(st, e.neighbour))
      caf::anon_send(a, outgoing_message{e.neighbour, std::make_shared<const message>(e.what)});
  }
  void operator()(const advanced_effect& e) { tell_advanced(st, e.urgent); }
  void operator()(const rules_effect& e) {
    st.rules = std::make_shared<const catalogue>(st.station->ledger().rules());
    st.context->events.publish(rules_event{e.version});
  }
  void operator()(const alarm_effect& e) {
    st.context->log(e.code, e.text);
    st.context->events.publish(alarm_event{e.code, e.text});
  }
  void operator()(const cut_off_effect& e) {
    tell_streams(st);  // the door must know first, or the node comes back through it
    if (auto a = st.context->handle(&node_context::downlink)) caf::anon_send(a, cut_off_message{e.node});
  }
  void operator()(const lives_anew_effect& e) {
    for (auto which : {&node_context::uplink, &node_context::detour, &node_context::downlink})
      if (auto a = st.context->handle(which)) caf::anon_send(a, epoch_message{e.self});
  }
  void operator()(const new_keys_effect&) {
    if (st.context->new_keys) st.context->new_keys();
  }
  void operator()(const hint_effect& e) { st.context->events.publish(hint_event{e.account, e.hint}); }
  void operator()(const letter_effect& e) { st.context->tell_members(e); }
  void operator()(const erased_effect& e) { st.context->tell_members(e); }
  void operator()(const call_effect& e) { e.call(); }
};

/// A region's parent hears how the nodes below stand.
void tell_parent(ledger_state& st, tick_ms now) {
  auto parent = st.station->parent();
  if (!parent) return;
  auto known = report_below(st.below, st.station->config().self, *st.context);
  auto m = st.reporter.due(std::move(known), st.context->links.at(*parent).up, now);
  auto a = m ? link_for(st, *parent) : caf::actor{};
  if (a) caf::anon_send(a, outgoing_message{*parent, std::make_shared<const message>(std::move(*m))});
}

// Whoever ruled, or brought entries, and looks then finds no list from before it.
void show_cases(ledger_state& st) {
  if (st.station->config().role == node_role::store) return;
  auto s = std::make_shared<node_snapshot>(*st.snapshot->load());
  st.cases = s->cases = list_cases(st.station->seen());
  st.snapshot->store(std::move(s));
}

void publish(self_ptr self) {
  auto& st = self->state;
  auto now = st.context->clock.tick();
  if (st.station->config().role != node_role::store && now >= st.below_due) {
    st.below_due = now + 500;
    st.below = describe_below(*st.station, *st.context, st.exposure_days);
    st.cases = list_cases(st.station->seen());
    tell_parent(st, now);
  }
  if (st.station->config().role == node_role::store && now >= st.below_due) {
    st.below_due = now + 500;
    st.own_exposure = own_exposure(*st.station, st.exposure_days);
  }
  auto s = describe(*st.station, *st.context);
  s->exposure = st.own_exposure;
  s->rules = st.rules;
  s->below = st.below;
  s->cases = st.cases;
  if (s->stopped != st.stopped_told) {
    st.stopped_told = s->stopped;
    st.context->events.publish(blocked_event{s->stopped});
  }
  st.snapshot->store(std::move(s));
}

void settle(self_ptr self) {
  auto effects = self->state.station->settled();
  for (auto& e : effects)
    std::visit(deliver{self, self->state}, e);
  publish(self);
}

void pump(self_ptr self) {
  auto& st = self->state;
  for (;;) {
    st.station->run(st.context->clock.wall(), st.context->clock.tick());
    if (st.station->ledger().read_failed()) return st.context->fatal("the database could not be read");
    auto batch = st.station->seal();
    if (!batch) return;
    if (!batch->empty()) {
      // Nobody else asks for anything: the way to the disk's thread and back would only make the customer wait.
      if (st.waiting.size() != 1 || !self->mailbox().empty()) return st.disk->submit(std::move(*batch));
      auto done = st.context->store.commit(*batch, true);
      if (!done) return st.context->fatal(std::string(errc_name(done.code())) + ": " + done.error().detail);
    }
    settle(self);
  }
}

void take_job(self_ptr self, const std::shared_ptr<ledger_job>& job) {
  auto& st = self->state;
  auto request = st.next_request++;
  if (auto* t = std::get_if<till_request>(&job->input)) t->request = request;
  if (auto* f = std::get_if<facts_request>(&job->input)) f->request = request;
  if (auto* c = std::get_if<carried_request>(&job->input)) c->request = request;
  bool waits = job->till_done || job->facts_done || job->carried_done;
  auto queued = st.station->put(std::move(job->input));
  if (!queued) {
    till_answer a;
    a.outcome = refusal{queued.error(), {}, {}, 0};
    if (job->till_done) job->till_done(a);
    if (job->facts_done) job->facts_done({request, queued.error().code, queued.error().detail, 0, 0});
    if (job->carried_done) job->carried_done({request, queued.error().code, queued.error().detail, {}, {}, 0});
    return;
  }
  if (waits) st.waiting.emplace(request, job);
  pump(self);
}

void tick(self_ptr self) {
  auto& st = self->state;
  auto now = st.context->clock.tick();
  auto wall = st.context->clock.wall();
  st.station->tick(wall, now, st.context->store.disk_free_bytes());
  st.context->links.wants_detour = st.station->wants_detour();
  if (st.station->config().role == node_role::hq && now >= st.time_due) {
    st.time_due = now + time_interval_ms;
    for (auto n : st.station->neighbours_up())
      if (auto a = link_for(st, n))
        caf::anon_send(a, outgoing_message{n, std::make_shared<const message>(st.station->time_for_children(wall))});
  }
  pump(self);
  publish(self);
}

}  // namespace

caf::behavior ledger(self_ptr self, std::shared_ptr<std::unique_ptr<tally::station>> station, node_context* context,
                     std::shared_ptr<std::atomic<std::shared_ptr<const node_snapshot>>> snapshot,
                     std::int64_t exposure_days) {
  auto& st = self->state;
  st.station = std::move(*station);
  st.context = context;
  st.snapshot = std::move(snapshot);
  st.exposure_days = exposure_days;
  st.rules = std::make_shared<const catalogue>(st.station->ledger().rules());
  st.stopped_told = st.station->ledger().stopped();
  caf::actor me = self;
  st.disk = std::make_unique<committer>(context->store, [me](const status& s) {
    caf::anon_send(me, commit_message{s.code(), s.ok() ? std::string{} : s.error().detail});
  });
  // Before the first request: a disk without its reserve takes no business, not even until the first tick.
  st.station->tick(context->clock.wall(), context->clock.tick(), context->store.disk_free_bytes());
  tell_streams(st);
  publish(self);
  self->delayed_send(self, tick_interval, tick_message{});
  return {
      [self](const job_message& m) { take_job(self, m.job); },
      [self](const task_message& m) {
        (*m.task)(*self->state.station);
        if (m.urgent) pump(self);
      },
      [self](const commit_message& m) {
        if (m.code != errc::ok) return self->state.context->fatal(std::string(errc_name(m.code)) + ": " + m.detail);
        settle(self);
        pump(self);
      },
      [self](tick_message) {
        self->delayed_send(self, tick_interval, tick_message{});
        tick(self);
      },
      [self](stop_message) {
        // The group under way is finished by the committer's destructor; its answers are found again by their keys.
        auto& s = self->state;
        s.disk.reset();
        if (!s.station->ledger().in_flight()) {
          s.station->checkpoint();
          if (auto batch = s.station->seal(); batch && !batch->empty()) (void)s.context->store.commit(*batch, true);
        }
        self->quit();
      },
  };
}

}  // namespace tally
