#include <algorithm>
#include <map>

#include "actors/devices.hpp"
#include "devices/escpos.hpp"
#include "storage/varint.hpp"

namespace tally {
namespace {

constexpr auto tick_interval = std::chrono::milliseconds(100);
constexpr std::string_view spooled_prefix = "receipt ";  // a ticket's own key is a number of eight octets
using self_ptr = caf::stateful_actor<printer_actor_state>*;

struct spool_write {
  bytes key;
  std::optional<bytes> value;  // nothing: erased
};

/// Puts and erases records in one batch of the ledger; `then` runs on the ledger actor when it is durable.
void write_spool(node_context* context, std::vector<spool_write> writes, std::function<void()> then) {
  auto task =
      std::make_shared<std::function<void(station&)>>([writes = std::move(writes), then = std::move(then)](station& s) {
        for (const auto& w : writes) {
          if (w.value) {
            s.ledger().view().put(family::spool, w.key, *w.value);
          } else {
            s.ledger().view().erase(family::spool, w.key);
          }
        }
        s.after_durable(then ? then : [] {});
      });
  if (auto a = context->handle(&node_context::ledger)) caf::anon_send(a, task_message{std::move(task)});
}

void carry(self_ptr self, const printer_effects& effects);

void say(printer_actor_state& st, const spool_job& j, const char* state) {
  st.context->events.publish(print_event{j.receipt, state});
}

/// Starts the oldest job once its "begun" mark is durable. While the printer cannot print there is none, so a ticket
/// that waits for paper is no doubtful one when the node dies meanwhile.
void next(self_ptr self) {
  auto& st = self->state;
  const bool idle = st.queue ? !st.queue_busy : st.machine.idle() && st.machine.able();
  if (st.jobs.empty() || !idle || st.writing != 0) return;
  auto& j = st.jobs.front();
  bytes data = j.ticket;
  // CUPS knows whether it was sent before: only a try that failed there is marked, and what it does not know any more.
  if (j.begun && (!st.queue || st.attempt > 0)) data = st.duplicate_head + data;
  spool_job begun = j;
  begun.begun = true;
  st.writing = j.id;
  caf::actor me = self;
  auto content = std::make_shared<const bytes>(std::move(data));
  write_spool(st.context, {{spool_key(j.id), encode_spool(begun)}},
              [me, content] { caf::anon_send(me, input_message{content}, std::uint64_t{1}); });
}

void send_job(self_ptr self, const bytes& data) {
  auto& st = self->state;
  auto id = std::exchange(st.writing, 0);
  if (st.jobs.empty() || st.jobs.front().id != id) return;
  if (st.queue) {
    auto& j = st.jobs.front();
    cups_printer::job job{id, cups_title(j.receipt, id, st.attempt), j.begun && st.attempt == 0, data,
                          st.duplicate_head + j.ticket};
    if (auto ok = st.queue->print(std::move(job)); !ok)
      return st.context->log(ok.error().code, "printer: " + ok.error().detail);
    st.queue_busy = true;
    return;
  }
  auto effects = st.machine.start(id, data, st.context->clock.tick());
  if (!effects) return st.context->log(effects.error().code, "printer: " + effects.error().detail);
  carry(self, *effects);
}

void finished(self_ptr self, std::uint64_t id) {
  auto& st = self->state;
  if (st.jobs.empty() || st.jobs.front().id != id) return;
  const bool marked = st.jobs.front().begun && (!st.queue || st.attempt > 0);
  say(st, st.jobs.front(), marked ? "possible_duplicate" : "printed");
  st.jobs.pop_front();
  st.attempt = 0;
  write_spool(st.context, {{spool_key(id), std::nullopt}}, {});
  next(self);
}

void carry(self_ptr self, const printer_effects& effects) {
  auto& st = self->state;
  for (const auto& e : effects) {
    if (const auto* s = std::get_if<printer_send>(&e)) {
      const bool taken = st.link->send(s->data).ok();  // all or nothing
      if (s->ticket) st.unsent = !taken;
      if (!taken) st.link->drop();
    } else if (std::get_if<printer_drop>(&e)) {
      st.link->drop();
    } else if (const auto* done = std::get_if<job_printed>(&e)) {
      finished(self, done->job);
    } else if (const auto* doubt = std::get_if<job_uncertain>(&e)) {
      if (!st.jobs.empty() && st.jobs.front().id == doubt->job) {
        // The next try says that it may be the second, if there can have been a first.
        if (!std::exchange(st.unsent, false)) st.jobs.front().begun = true;
        say(st, st.jobs.front(), "waiting");
      }
      next(self);
    } else if (const auto* c = std::get_if<printer_state_changed>(&e)) {
      st.context->set_device(&device_states::printer, "printer", std::string(printer_state_name(c->state)));
      next(self);
    }
  }
}

void queue_told(self_ptr self, std::uint64_t id, bool printed) {
  auto& st = self->state;
  st.queue_busy = false;
  if (printed) return finished(self, id);
  ++st.attempt;
  if (!st.jobs.empty() && st.jobs.front().id == id) {
    st.jobs.front().begun = true;
    say(st, st.jobs.front(), "waiting");
  }
  next(self);
}

void open_queue(self_ptr self, const cups_name& name) {
  caf::actor me = self;
  cups_printer::callbacks on;
  on.on_state = [me](printer_state s) { caf::anon_send(me, device_message{std::string(printer_state_name(s))}); };
  on.on_job = [me](std::uint64_t id, bool printed) { caf::anon_send(me, id, plug_message{printed}); };
  self->state.queue = std::make_unique<cups_printer>(cups_options{.name = name}, std::move(on));
  (void)self->state.queue->start();  // cannot fail: the name was read
}

void open_link(self_ptr self, const printer_config& config) {
  auto& st = self->state;
  caf::actor me = self;
  printer_link::callbacks on;
  on.on_connected = [me] { caf::anon_send(me, plug_message{true}); };
  on.on_disconnected = [me] { caf::anon_send(me, plug_message{false}); };
  on.on_bytes = [me](std::string data) {
    caf::anon_send(me, input_message{std::make_shared<const bytes>(std::move(data))});
  };
  if (config.device.path.empty())
    st.link = std::make_unique<tcp_printer_link>(config.address, std::move(on));
  else
    st.link = std::make_unique<device_printer_link>(config.device, std::move(on));
  if (auto ok = st.link->start(); !ok) st.context->log(ok.error().code, "printer: " + ok.error().detail);
}

void load_spool(printer_actor_state& st) {
  auto c = st.context->store.scan(family::spool, "");
  std::map<bytes, std::string> marks;  // by the number of the ticket
  for (; c->valid(); c->next()) {
    if (c->key().starts_with(spooled_prefix)) {
      marks.emplace(c->value(), c->key().substr(spooled_prefix.size()));
      continue;
    }
    auto j = decode_spool(c->key(), c->value());
    if (!j) {
      st.context->log(errc::corrupt, "a job of the printer's spool is damaged and was left out");
      continue;
    }
    st.next_id = std::max(st.next_id, j->id + 1);
    st.jobs.push_back(std::move(*j));
  }
  for (auto& [id, receipt] : marks) {
    byte_reader number(id);
    st.next_id = std::max(st.next_id, number.u64be() + 1);
    st.spooled.push_back(std::move(receipt));
  }
}

void take_ticket(self_ptr self, const ticket_message& m) {
  auto& st = self->state;
  if (st.jobs.size() + m.tickets->size() > spool_max)
    return st.context->events.publish(print_event{m.receipt, "refused"});
  // Waiting until it is durable costs nothing here: the record of `begun` is written before anything is sent anyway.
  std::vector<spool_write> writes;
  for (const auto& ticket : *m.tickets) {
    spool_job j{st.next_id++, m.receipt, ticket, false};
    writes.push_back({spool_key(j.id), encode_spool(j)});
    say(st, j, "waiting");
    st.jobs.push_back(std::move(j));
  }
  writes.push_back({spooled_key(m.receipt), spool_key(st.next_id - 1)});
  if (std::find(st.spooled.begin(), st.spooled.end(), m.receipt) == st.spooled.end()) st.spooled.push_back(m.receipt);
  if (st.spooled.size() > spooled_kept) {
    writes.push_back({spooled_key(st.spooled.front()), std::nullopt});
    st.spooled.pop_front();
  }
  write_spool(st.context, std::move(writes), {});
  next(self);
}

}  // namespace

bytes spool_key(std::uint64_t id) {
  byte_writer w;
  w.u64be(id);
  return w.take();
}

bytes spooled_key(const std::string& receipt) { return bytes(spooled_prefix) + receipt; }

bool was_spooled(const kv_store& store, const std::string& receipt) {
  bytes ignored;
  return store.get(family::spool, spooled_key(receipt), ignored) == lookup::found;
}

bytes encode_spool(const spool_job& j) {
  byte_writer w;
  w.uv(1);
  w.u8(j.begun ? 1 : 0);
  w.str(j.receipt);
  w.str(j.ticket);
  return w.take();
}

std::optional<spool_job> decode_spool(byte_view key, byte_view value) {
  byte_reader k(key), r(value);
  spool_job j;
  j.id = k.u64be();
  auto version = r.uv();
  j.begun = r.u8() == 1;
  j.receipt = r.str(100);
  j.ticket = r.str(escpos::ticket_bytes_max);
  if (!k.ok() || !k.at_end() || !r.ok() || !r.at_end() || version != 1) return std::nullopt;
  return j;
}

caf::behavior printer(self_ptr self, node_context* context, const printer_config& config) {
  auto& st = self->state;
  st.context = context;
  auto machine = config.machine;
  machine.first_process = static_cast<std::uint64_t>(context->clock.wall());  // never the ids of the run before
  st.machine = printer_machine(machine);
  load_spool(st);
  context->set_device(&device_states::printer, "printer", "offline");
  st.duplicate_head = config.duplicate_head;
  st.drawer_pulse = config.drawer_pulse;
  if (config.queue)
    open_queue(self, *config.queue);
  else
    open_link(self, config);
  self->delayed_send(self, tick_interval, tick_message{});
  return {
      [self](const ticket_message& m) { take_ticket(self, m); },
      [self](drawer_message) {
        // Not spooled: a drawer that opens later than asked for is worse than one that does not.
        auto& s = self->state;
        if (s.link && !s.drawer_pulse.empty()) (void)s.link->send(s.drawer_pulse);
      },
      [self](const input_message& m, std::uint64_t) { send_job(self, *m.data); },
      [self](const input_message& m) {
        carry(self, self->state.machine.on_bytes(*m.data, self->state.context->clock.tick()));
      },
      [self](const plug_message& m) {
        auto& s = self->state;
        carry(self, m.plugged ? s.machine.on_connected(s.context->clock.tick()) : s.machine.on_disconnected());
        next(self);
      },
      [self](tick_message) {
        self->delayed_send(self, tick_interval, tick_message{});
        if (self->state.link) carry(self, self->state.machine.tick(self->state.context->clock.tick()));
        next(self);
      },
      [self](const device_message& m) { self->state.context->set_device(&device_states::printer, "printer", m.state); },
      [self](std::uint64_t id, const plug_message& printed) { queue_told(self, id, printed.plugged); },
      [self](stop_message) {
        self->state.link.reset();
        self->state.queue.reset();
        self->quit();
      },
  };
}

}  // namespace tally
