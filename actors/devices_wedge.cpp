#include "actors/devices.hpp"

namespace tally {
namespace {

constexpr auto tick_interval = std::chrono::milliseconds(100);

void publish(wedge_state& st, const reader_events& events) {
  for (const auto& e : events)
    publish_reading(*st.context, "wedge", e);
}

}  // namespace

caf::behavior wedge_device(caf::stateful_actor<wedge_state>* self, node_context* context, const wedge_config& config) {
  auto& st = self->state;
  st.context = context;
  st.prefixes.configured = config.codes.card_prefixes;
  st.reader = mixed_reader(config.codes);
  caf::actor me = self;
  evdev_keyboard::callbacks on;
  on.on_key = [me](const input_key& k) { caf::anon_send(me, key_message{k}); };
  on.on_state = [me](evdev_keyboard::state s) { caf::anon_send(me, device_message{std::string(evdev_state_name(s))}); };
  st.driver = std::make_unique<evdev_keyboard>(config.keyboard, std::move(on));
  context->set_device(&device_states::wedge, "wedge", "unplugged");
  if (auto ok = st.driver->start(); !ok) context->log(ok.error().code, "wedge: " + ok.error().detail);
  self->delayed_send(self, tick_interval, tick_message{});
  return {
      [self](const key_message& m) {
        auto& s = self->state;
        const auto typed = s.keys.feed(m.key);
        if (!typed.text.empty()) s.prefixes.follow(s.context->card_prefix, s.reader);
        if (typed.lost) publish(s, s.reader.lose(s.context->clock.tick()));
        publish(s, s.reader.feed(typed.text, s.context->clock.tick()));
      },
      [self](const device_message& m) {
        auto& s = self->state;
        s.keys.reset();
        s.reader.reset();
        s.context->set_device(&device_states::wedge, "wedge", m.state);
      },
      [self](tick_message) {
        self->delayed_send(self, tick_interval, tick_message{});
        auto& s = self->state;
        publish(s, s.reader.tick(s.context->clock.tick()));
      },
      [self](stop_message) {
        self->state.driver.reset();
        self->quit();
      },
  };
}

}  // namespace tally
