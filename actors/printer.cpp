#include "actors/devices.hpp"
#include "devices/escpos.hpp"
#include "storage/varint.hpp"

namespace tally {
namespace {

constexpr auto tick_interval = std::chrono::milliseconds(100);
constexpr tick_ms drawer_patience_ms = 5'000;  // one that opens later than that surprises whoever stands before it
constexpr std::string_view spooled_prefix = "receipt ";  // a ticket's own key is a number of eight octets
using self_ptr = caf::stateful_actor<printer_actor_state>*;

void carry(self_ptr self, const spool_effects& effects);
void carry(self_ptr self, const printer_effects& effects);

/// Writes the records in one batch of the ledger; what begins is told back when it is durable.
void write_spool(self_ptr self, const spool_write& w) {
  std::function<void()> then;
  if (w.begun != 0) {
    caf::actor me = self;
    then = [me, job = w.begun] { caf::anon_send(me, spool_message{job, spool_news::durable}); };
  }
  auto task = std::make_shared<std::function<void(station&)>>([w, then = std::move(then)](station& s) {
    auto& view = s.ledger().view();
    for (const auto& j : w.keep)
      view.put(family::spool, spool_key(j.id), encode_spool(j));
    for (const auto id : w.forget)
      view.erase(family::spool, spool_key(id));
    for (const auto& m : w.mark)
      view.put(family::spool, spooled_key(m.receipt), spool_key(m.last));
    for (const auto& receipt : w.unmark)
      view.erase(family::spool, spooled_key(receipt));
    s.after_durable(then ? then : [] {});
  });
  if (auto a = self->state.context->handle(&node_context::ledger)) caf::anon_send(a, task_message{std::move(task)});
}

void print(self_ptr self, const spool_print& p) {
  auto& st = self->state;
  auto effects = st.machine.start(p.job, p.data, st.context->clock.tick());
  if (effects) return carry(self, *effects);
  st.context->log(effects.error().code, "printer: " + effects.error().detail);
  carry(self, effects.code() == errc::malformed ? st.spool.refused(p.job) : st.spool.uncertain(p.job, false));
}

void submit(self_ptr self, const spool_submit& s) {
  auto& st = self->state;
  cups_printer::job job{s.job, cups_title(s.receipt, s.job, s.attempt), s.maybe_there, s.data, s.again};
  if (auto ok = st.queue->print(std::move(job)); !ok) st.context->log(ok.error().code, "printer: " + ok.error().detail);
}

void carry(self_ptr self, const spool_effects& effects) {
  auto& st = self->state;
  for (const auto& e : effects) {
    if (const auto* w = std::get_if<spool_write>(&e)) {
      write_spool(self, *w);
    } else if (const auto* p = std::get_if<spool_print>(&e)) {
      print(self, *p);
    } else if (const auto* s = std::get_if<spool_submit>(&e)) {
      submit(self, *s);
    } else if (const auto* t = std::get_if<spool_told>(&e)) {
      st.context->events.publish(print_event{t->receipt, std::string(t->state)});
    }
  }
}

/// Screens are told of one change between two ticks, and then of the last one: a printer out of its mind changes often.
void show_state(printer_actor_state& st) {
  if (auto s = std::exchange(st.shown_next, std::nullopt)) {
    st.shown = true;
    st.context->set_device(&device_states::printer, "printer", std::string(printer_state_name(*s)));
  }
}

void carry(self_ptr self, const printer_effects& effects) {
  auto& st = self->state;
  // First, so that what the effects set free begins only if the printer, as it is now, would print it.
  carry(self, st.spool.able(st.machine.able()));
  for (const auto& e : effects) {
    if (const auto* s = std::get_if<printer_send>(&e)) {
      const bool taken = st.link->send(s->data).ok();  // all or nothing
      if (s->ticket) st.sent = taken;
      if (!taken) st.link->drop();
    } else if (std::get_if<printer_drop>(&e)) {
      st.link->drop();
    } else if (const auto* done = std::get_if<job_printed>(&e)) {
      carry(self, st.spool.printed(done->job));
    } else if (const auto* doubt = std::get_if<job_uncertain>(&e)) {
      carry(self, st.spool.uncertain(doubt->job, std::exchange(st.sent, true)));
    } else if (std::holds_alternative<printer_ids_missing>(e)) {
      st.context->log(
          errc::unsupported,
          "printer: it does not say when a ticket is on paper (it has no process IDs, GS ( H). From now on a "
          "ticket counts as printed when the printer has taken all of it. Set printer.process_ids = false, "
          "and the first ticket after a start does not wait half a minute to find out");
    } else if (std::holds_alternative<printer_marks_missing>(e)) {
      st.context->log(
          errc::unsupported,
          "printer: it does not return all process IDs that stand inside of a ticket. From now on only the last one "
          "counts, so a printer that is switched off and on in mid-ticket is not found out");
    } else if (const auto* c = std::get_if<printer_state_changed>(&e)) {
      st.shown_next = c->state;
      if (!st.shown) show_state(st);
    }
  }
}

void take_news(self_ptr self, const spool_message& m) {
  auto& st = self->state;
  switch (m.what) {
    case spool_news::durable: return carry(self, st.spool.durable(m.job));
    case spool_news::printed: return carry(self, st.spool.printed(m.job));
    case spool_news::printed_again: return carry(self, st.spool.printed(m.job, true));
    case spool_news::uncertain: return carry(self, st.spool.uncertain(m.job, true));
  }
}

void open_queue(self_ptr self, const cups_name& name) {
  caf::actor me = self;
  cups_printer::callbacks on;
  on.on_state = [me](printer_state s) { caf::anon_send(me, device_message{std::string(printer_state_name(s))}); };
  on.on_job = [me](std::uint64_t id, bool printed, bool again) {
    const auto good = again ? spool_news::printed_again : spool_news::printed;
    caf::anon_send(me, spool_message{id, printed ? good : spool_news::uncertain});
  };
  self->state.queue = std::make_unique<cups_printer>(cups_options{.name = name}, std::move(on));
  (void)self->state.queue->start();  // cannot fail: the name was read
}

void open_link(self_ptr self, const printer_config& config) {
  auto& st = self->state;
  caf::actor me = self;
  printer_link::callbacks on;
  on.on_connected = [me] { caf::anon_send(me, plug_message{true}); };
  on.on_disconnected = [me] { caf::anon_send(me, plug_message{false}); };
  // What a printer says beyond that is of no use: it is asked again.
  on.on_bytes = [me, gate = std::make_shared<input_gate>()](std::string data) {
    if (auto piece = gate->admit(std::move(data))) caf::anon_send(me, input_message{std::move(piece)});
  };
  on.on_late = [context = st.context] {
    context->log(errc::timeout, "printer: it did not take the command for the cash drawer in time, so that stays shut");
  };
  if (config.device.path.empty())
    st.link = std::make_unique<tcp_printer_link>(config.address, std::move(on));
  else
    st.link = std::make_unique<device_printer_link>(config.device, std::move(on));
  if (auto ok = st.link->start(); !ok) st.context->log(ok.error().code, "printer: " + ok.error().detail);
}

void load_spool(printer_actor_state& st) {
  std::vector<spool_job> jobs;
  std::vector<spool_mark> marks;
  for (auto c = st.context->store.scan(family::spool, ""); c->valid(); c->next()) {
    if (c->key().starts_with(spooled_prefix)) {
      const bytes id(c->value());
      byte_reader number(id);
      marks.push_back({std::string(c->key().substr(spooled_prefix.size())), number.u64be()});
    } else if (auto j = decode_spool(c->key(), c->value())) {
      jobs.push_back(std::move(*j));
    } else {
      st.context->log(errc::corrupt, "a job of the printer's spool is damaged and was left out");
    }
  }
  st.spool.load(std::move(jobs), std::move(marks));
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
  st.spool = spool_machine({config.queue.has_value(), config.duplicate_head});
  load_spool(st);
  machine.doubtful = st.spool.front_begun();
  st.machine = printer_machine(machine);
  context->set_device(&device_states::printer, "printer", "offline");
  st.drawer_pulse = config.drawer_pulse;
  if (config.queue)
    open_queue(self, *config.queue);
  else
    open_link(self, config);
  self->delayed_send(self, tick_interval, tick_message{});
  return {
      [self](const ticket_message& m) { carry(self, self->state.spool.add(m.receipt, *m.tickets)); },
      [self](drawer_message) {
        // Not spooled: a drawer that opens later than asked for is worse than one that does not.
        auto& s = self->state;
        if (s.link && !s.drawer_pulse.empty()) (void)s.link->send_ahead(s.drawer_pulse, drawer_patience_ms);
      },
      [self](const input_message& m) {
        auto& s = self->state;
        const auto now = s.context->clock.tick();
        if (s.link) s.machine.sending(s.link->unsent(), now);
        carry(self, s.machine.on_bytes(*m.data, now));
      },
      [self](const plug_message& m) {
        auto& s = self->state;
        carry(self, m.plugged ? s.machine.on_connected(s.context->clock.tick()) : s.machine.on_disconnected());
      },
      [self](const spool_message& m) { take_news(self, m); },
      [self](tick_message) {
        self->delayed_send(self, tick_interval, tick_message{});
        auto& s = self->state;
        if (s.link) {
          const auto now = s.context->clock.tick();
          s.machine.sending(s.link->unsent(), now);
          carry(self, s.machine.tick(now));
        }
        if (s.queue) carry(self, s.spool.able(true));
        s.shown = false;
        show_state(s);
      },
      [self](const device_message& m) { self->state.context->set_device(&device_states::printer, "printer", m.state); },
      [self](stop_message) {
        self->state.link.reset();
        self->state.queue.reset();
        self->quit();
      },
  };
}

}  // namespace tally
