#include "actors/devices.hpp"

namespace tally {

caf::behavior chip_device(caf::stateful_actor<chip_state>* self, node_context* context, const pcsc_options& config) {
  auto& st = self->state;
  st.context = context;
  caf::actor me = self;
  pcsc_reader::callbacks on;
  on.on_event = [me](const reader_event& e) {
    caf::anon_send(me, reading_message{std::make_shared<const reader_event>(e)});
  };
  on.on_state = [me](pcsc_state s) { caf::anon_send(me, device_message{std::string(pcsc_state_name(s))}); };
  st.driver = std::make_unique<pcsc_reader>(config, std::move(on));
  context->set_device(&device_states::chip, "chip", "unplugged");
  if (auto ok = st.driver->start(); !ok) context->log(ok.error().code, "chip: " + ok.error().detail);
  return {
      [self](const reading_message& m) { publish_reading(*self->state.context, "chip", *m.event); },
      [self](const device_message& m) { self->state.context->set_device(&device_states::chip, "chip", m.state); },
      [self](stop_message) {
        self->state.driver.reset();
        self->quit();
      },
  };
}

}  // namespace tally
