#include "actors/devices.hpp"

namespace tally {
namespace {

constexpr auto tick_interval = std::chrono::milliseconds(100);

using input_ptr = caf::stateful_actor<input_state>*;

void publish_events(input_state& st, const reader_events& events) {
  for (const auto& e : events) {
    if (const auto* card = std::get_if<card_read>(&e)) {
      st.context->events.publish(card_event{card->number, st.config.device});
    } else if (const auto* p = std::get_if<product_scanned>(&e)) {
      st.context->events.publish(product_event{p->ean});
    } else {
      st.context->events.publish(
          misread_event{st.config.device, std::string(misread_name(std::get<misread>(e).reason))});
    }
  }
}

bool is_reader(const input_state& st) { return st.config.device == "reader"; }

void set_state(input_state& st, bool plugged) {
  auto which = is_reader(st) ? &device_states::reader : &device_states::scanner;
  st.context->set_device(which, st.config.device, plugged ? "ready" : "unplugged");
}

}  // namespace

caf::behavior input_device(input_ptr self, node_context* context, const input_config& config) {
  auto& st = self->state;
  st.context = context;
  st.config = config;
  st.codes = barcode_reader(config.codes);
  caf::actor me = self;
  serial_port::callbacks on;
  on.on_bytes = [me](std::string data) {
    caf::anon_send(me, input_message{std::make_shared<const bytes>(std::move(data))});
  };
  on.on_state = [me](bool plugged) { caf::anon_send(me, plug_message{plugged}); };
  st.port = std::make_unique<serial_port>(config.port, std::move(on));
  set_state(st, false);
  if (auto ok = st.port->start(); !ok) context->log(ok.error().code, config.device + ": " + ok.error().detail);
  self->delayed_send(self, tick_interval, tick_message{});
  return {
      [self](const input_message& m) {
        auto& s = self->state;
        auto now = s.context->clock.tick();
        publish_events(s, is_reader(s) ? s.stripe.feed(*m.data, now) : s.codes.feed(*m.data, now));
      },
      [self](const plug_message& m) {
        auto& s = self->state;
        s.stripe.reset();
        s.codes.reset();
        set_state(s, m.plugged);
      },
      [self](tick_message) {
        self->delayed_send(self, tick_interval, tick_message{});
        auto& s = self->state;
        auto now = s.context->clock.tick();
        publish_events(s, is_reader(s) ? s.stripe.tick(now) : s.codes.tick(now));
      },
      [self](stop_message) {
        self->state.port.reset();
        self->quit();
      },
  };
}

}  // namespace tally
