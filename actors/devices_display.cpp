#include "actors/devices.hpp"

namespace tally {
namespace {

void write(display_state& st) {
  if (!st.plugged || st.shown.empty()) return;
  // A line that is full, or was pulled this moment, shows the next text.
  if (auto ok = st.port->write(st.shown); !ok && ok.code() != errc::offline)
    st.context->log(ok.error().code, "display: " + ok.error().detail);
}

}  // namespace

caf::behavior display_device(caf::stateful_actor<display_state>* self, node_context* context,
                             const display_config& config) {
  auto& st = self->state;
  st.context = context;
  st.text = config.text;
  caf::actor me = self;
  serial_port::callbacks on;
  on.on_bytes = [](const std::string&) {};  // a display has nothing to say
  on.on_state = [me](bool plugged) { caf::anon_send(me, plug_message{plugged}); };
  st.port = std::make_unique<serial_port>(config.port, std::move(on));
  context->set_device(&device_states::display, "display", "unplugged");
  if (auto ok = st.port->start(); !ok) context->log(ok.error().code, "display: " + ok.error().detail);
  return {
      [self](const display_message& m) {
        auto& s = self->state;
        s.shown = encode_display({m.upper, m.lower}, text_codec(s.text));
        write(s);
      },
      [self](const plug_message& m) {
        auto& s = self->state;
        s.plugged = m.plugged;
        s.context->set_device(&device_states::display, "display", m.plugged ? "ready" : "unplugged");
        write(s);
      },
      [self](stop_message) {
        self->state.port.reset();
        self->quit();
      },
  };
}

}  // namespace tally
