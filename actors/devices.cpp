#include "actors/devices.hpp"

namespace tally {
namespace {

constexpr auto tick_interval = std::chrono::milliseconds(100);

using input_ptr = caf::stateful_actor<input_state>*;

void publish_events(input_state& st, const reader_events& events) {
  for (const auto& e : events)
    publish_reading(*st.context, st.config.device, e);
}

bool is_reader(const input_state& st) { return st.config.device == "reader"; }

void set_state(input_state& st, bool plugged) {
  auto which = is_reader(st) ? &device_states::reader : &device_states::scanner;
  st.context->set_device(which, st.config.device, plugged ? "ready" : "unplugged");
}

struct publisher {
  event_bus& events;
  const std::string& device;

  void operator()(const card_read& c) const { events.publish(card_event{c.number, device, {}}); }
  void operator()(const chip_read& c) const {
    events.publish(card_event{c.medium, device, std::string(chip_type_name(c.type))});
  }
  void operator()(const chip_removed&) const { events.publish(card_removed_event{device}); }
  void operator()(const card_code_scanned& c) const { events.publish(card_event{c.text, device, {}}); }
  void operator()(const voucher_scanned& v) const { events.publish(voucher_event{v.code}); }
  void operator()(const receipt_scanned& r) const { events.publish(receipt_code_event{r.text}); }
  void operator()(const product_scanned& p) const { events.publish(product_event{p.ean}); }
  void operator()(const misread& m) const {
    events.publish(misread_event{device, std::string(misread_name(m.reason))});
  }
};

}  // namespace

void prefix_follower::follow(const std::function<std::string()>& in_force, mixed_reader& reader) {
  auto now = in_force ? in_force() : std::string();
  if (now == published) return;
  published = std::move(now);
  auto all = configured;
  if (!published.empty()) all.push_back(published);
  reader.set_card_prefixes(std::move(all));
}

void publish_reading(node_context& context, const std::string& device, const reader_event& event) {
  std::visit(publisher{context.events, device}, event);
}

caf::behavior input_device(input_ptr self, node_context* context, const input_config& config) {
  auto& st = self->state;
  st.context = context;
  st.config = config;
  st.prefixes.configured = config.codes.card_prefixes;
  st.codes = mixed_reader(config.codes, {}, is_reader(st));
  caf::actor me = self;
  serial_port::callbacks on;
  on.on_bytes = [me, gate = st.gate](std::string data) {
    if (auto piece = gate->admit(std::move(data))) caf::anon_send(me, input_message{std::move(piece)});
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
        s.prefixes.follow(s.context->card_prefix, s.codes);
        if (s.gate->take_dropped()) publish_events(s, s.codes.lose(now));
        publish_events(s, s.codes.feed(*m.data, now));
      },
      [self](const plug_message& m) {
        auto& s = self->state;
        s.codes.reset();
        set_state(s, m.plugged);
      },
      [self](tick_message) {
        self->delayed_send(self, tick_interval, tick_message{});
        auto& s = self->state;
        auto now = s.context->clock.tick();
        publish_events(s, s.codes.tick(now));
      },
      [self](stop_message) {
        self->state.port.reset();
        self->quit();
      },
  };
}

}  // namespace tally
