#include "actors/devices.hpp"

namespace tally {
namespace {

constexpr auto rewriter_tick = std::chrono::milliseconds(100);

void carry_out(rewriter_actor_state& st, const rewriter_effects& effects) {
  for (const auto& e : effects) {
    if (const auto* s = std::get_if<rewriter_send>(&e)) {
      // A line that takes nothing gives no answer either, which the machine sees.
      if (auto ok = st.port->write(s->data); !ok && ok.code() != errc::offline)
        st.context->log(ok.error().code, "rewriter: " + ok.error().detail);
    } else if (const auto* c = std::get_if<rewriter_state_changed>(&e)) {
      st.context->set_device(&device_states::rewriter, "rewriter", std::string(rewriter_state_name(c->state)));
    }
  }
}

}  // namespace

caf::behavior rewriter_device(caf::stateful_actor<rewriter_actor_state>* self, node_context* context,
                              const rewriter_config& config) {
  auto& st = self->state;
  st.context = context;
  st.machine = rewriter_machine(config.machine);
  caf::actor me = self;
  serial_port::callbacks on;
  on.on_bytes = [me, gate = std::make_shared<input_gate>()](std::string data) {
    if (auto piece = gate->admit(std::move(data))) caf::anon_send(me, input_message{std::move(piece)});
  };
  on.on_state = [me](bool plugged) { caf::anon_send(me, plug_message{plugged}); };
  st.port = std::make_unique<serial_port>(config.port, std::move(on));
  context->set_device(&device_states::rewriter, "rewriter", "offline");
  if (auto ok = st.port->start(); !ok) context->log(ok.error().code, "rewriter: " + ok.error().detail);
  self->delayed_send(self, rewriter_tick, tick_message{});
  return {
      [self](const card_text_message& m) {
        auto& s = self->state;
        carry_out(s, s.machine.start(++s.jobs, *m.lines, s.context->clock.tick()));
      },
      [self](const input_message& m) {
        auto& s = self->state;
        carry_out(s, s.machine.on_bytes(*m.data, s.context->clock.tick()));
      },
      [self](const plug_message& m) {
        auto& s = self->state;
        carry_out(s, m.plugged ? s.machine.on_connected(s.context->clock.tick()) : s.machine.on_disconnected());
      },
      [self](tick_message) {
        self->delayed_send(self, rewriter_tick, tick_message{});
        auto& s = self->state;
        carry_out(s, s.machine.tick(s.context->clock.tick()));
      },
      [self](stop_message) {
        self->state.port.reset();
        self->quit();
      },
  };
}

}  // namespace tally
