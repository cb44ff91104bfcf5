#include "actors/devices.hpp"
#include "devices/escpos.hpp"
#include "storage/varint.hpp"

namespace tally {
namespace {

constexpr auto tick_interval = std::chrono::milliseconds(100);
using self_ptr = caf::stateful_actor<printer_actor_state>*;

/// Puts or erases a spool record through the ledger's group; `then` runs on the ledger actor when it is durable.
void write_spool(node_context* context, std::uint64_t id, std::optional<bytes> value, std::function<void()> then) {
  auto task = std::make_shared<std::function<void(station&)>>(
      [id, value = std::move(value), then = std::move(then)](station& s) {
        auto key = spool_key(id);
        if (value) {
          s.ledger().view().put(family::spool, key, *value);
        } else {
          s.ledger().view().erase(family::spool, key);
        }
        s.after_durable(then ? then : [] {});
      });
  if (auto a = context->handle(&node_context::ledger)) caf::anon_send(a, task_message{std::move(task)});
}

void carry(self_ptr self, const printer_effects& effects);

void say(printer_actor_state& st, const spool_job& j, const char* state) {
  st.context->events.publish(print_event{j.receipt, state});
}

/// Starts the oldest job once its "begun" mark is durable.
void next(self_ptr self) {
  auto& st = self->state;
  if (st.jobs.empty() || !st.machine.idle() || st.writing != 0) return;
  auto& j = st.jobs.front();
  bytes data = j.ticket;
  if (j.begun) {
    escpos::ticket mark;
    mark.possible_duplicate = true;
    mark.cut = false;
    if (auto head = escpos::encode(mark)) data = *head + data;
  }
  spool_job begun = j;
  begun.begun = true;
  st.writing = j.id;
  caf::actor me = self;
  auto content = std::make_shared<const bytes>(std::move(data));
  write_spool(st.context, j.id, encode_spool(begun),
              [me, content] { caf::anon_send(me, input_message{content}, std::uint64_t{1}); });
}

void send_job(self_ptr self, const bytes& data) {
  auto& st = self->state;
  auto id = std::exchange(st.writing, 0);
  if (st.jobs.empty() || st.jobs.front().id != id) return;
  auto effects = st.machine.start(id, data, st.context->clock.tick());
  if (!effects) return st.context->log(effects.error().code, "printer: " + effects.error().detail);
  carry(self, *effects);
}

void finished(self_ptr self, std::uint64_t id) {
  auto& st = self->state;
  if (st.jobs.empty() || st.jobs.front().id != id) return;
  say(st, st.jobs.front(), st.jobs.front().begun ? "possible_duplicate" : "printed");
  st.jobs.pop_front();
  write_spool(st.context, id, std::nullopt, {});
  next(self);
}

void carry(self_ptr self, const printer_effects& effects) {
  auto& st = self->state;
  for (const auto& e : effects) {
    if (const auto* s = std::get_if<printer_send>(&e)) {
      if (!st.link->send(s->data)) st.link->drop();
    } else if (std::get_if<printer_drop>(&e)) {
      st.link->drop();
    } else if (const auto* done = std::get_if<job_printed>(&e)) {
      finished(self, done->job);
    } else if (const auto* doubt = std::get_if<job_uncertain>(&e)) {
      if (!st.jobs.empty() && st.jobs.front().id == doubt->job) {
        st.jobs.front().begun = true;  // the next try says that it may be the second
        say(st, st.jobs.front(), "waiting");
      }
      next(self);
    } else if (const auto* c = std::get_if<printer_state_changed>(&e)) {
      st.context->set_device(&device_states::printer, "printer", std::string(printer_state_name(c->state)));
    }
  }
}

void load_spool(printer_actor_state& st) {
  auto c = st.context->store.scan(family::spool, "");
  for (; c->valid(); c->next()) {
    auto j = decode_spool(c->key(), c->value());
    if (!j) {
      st.context->log(errc::corrupt, "a job of the printer's spool is damaged and was left out");
      continue;
    }
    st.next_id = std::max(st.next_id, j->id + 1);
    st.jobs.push_back(std::move(*j));
  }
}

void take_ticket(self_ptr self, const ticket_message& m) {
  auto& st = self->state;
  if (st.jobs.size() >= spool_max) return st.context->events.publish(print_event{m.receipt, "refused"});
  spool_job j{st.next_id++, m.receipt, *m.ticket, false};
  // Waiting until it is durable costs nothing here: the record of `begun` is written before anything is sent anyway.
  write_spool(st.context, j.id, encode_spool(j), {});
  say(st, j, "waiting");
  st.jobs.push_back(std::move(j));
  next(self);
}

}  // namespace

bytes spool_key(std::uint64_t id) {
  byte_writer w;
  w.u64be(id);
  return w.take();
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
  caf::actor me = self;
  tcp_printer_link::callbacks on;
  on.on_connected = [me] { caf::anon_send(me, plug_message{true}); };
  on.on_disconnected = [me] { caf::anon_send(me, plug_message{false}); };
  on.on_bytes = [me](std::string data) {
    caf::anon_send(me, input_message{std::make_shared<const bytes>(std::move(data))});
  };
  st.link = std::make_unique<tcp_printer_link>(config.address, std::move(on));
  if (auto ok = st.link->start(); !ok) context->log(ok.error().code, "printer: " + ok.error().detail);
  self->delayed_send(self, tick_interval, tick_message{});
  return {
      [self](const ticket_message& m) { take_ticket(self, m); },
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
        carry(self, self->state.machine.tick(self->state.context->clock.tick()));
        next(self);
      },
      [self](stop_message) {
        self->state.link.reset();
        self->quit();
      },
  };
}

}  // namespace tally
