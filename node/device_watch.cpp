#include "node/device_watch.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "devices/driver_evdev.hpp"
#include "devices/driver_pcsc.hpp"
#include "devices/driver_printer_device.hpp"
#include "devices/driver_serial.hpp"
#include "devices/driver_tcp.hpp"
#include "devices/keyboard.hpp"
#include "devices/mixed.hpp"
#include "devices/printer.hpp"
#include "node/config_text.hpp"
#include "node/receipt_config.hpp"

namespace tally {
namespace {

constexpr tick_ms proof_patience_ms = 30'000;

struct in_words {
  std::string operator()(const card_read& c) const {
    const auto how = c.source_track == 0 ? std::string("a code") : "track " + std::to_string(c.source_track);
    return "a card's number " + mask_number(c.number) + ", from " + how;
  }
  std::string operator()(const product_scanned& p) const { return "a product " + p.ean; }
  std::string operator()(const card_code_scanned& c) const {
    return "a card's signed code of " + std::to_string(c.text.size()) + " characters";
  }
  std::string operator()(const voucher_scanned& v) const { return "a voucher " + v.code; }
  std::string operator()(const receipt_scanned& r) const { return "a receipt " + r.text; }
  std::string operator()(const chip_read& c) const {
    return "a chip (" + std::string(chip_type_name(c.type)) + ") " +
           (c.medium.starts_with("uid:") ? c.medium : "with the number " + mask_number(c.medium));
  }
  std::string operator()(const chip_removed&) const { return "the chip was taken away"; }
  std::string operator()(const misread& m) const { return "a misread: " + std::string(misread_name(m.reason)); }
};

/// The readers of a configuration, without actors: what is read is told on the driver's thread.
class watcher {
public:
  explicit watcher(const std::function<void(const std::string&)>& tell) : tell_(tell) {}
  ~watcher() {
    serial_.clear();
    wedge_.reset();
    chip_.reset();
  }
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;

  status add_serial(const std::string& name, const std::string& path, std::int64_t baud, const scan_options& codes) {
    auto r = std::make_shared<mixed_reader>(codes);
    readers_.push_back({name, r});
    serial_port::callbacks on;
    on.on_bytes = [this, name, r](const std::string& d) {
      const std::lock_guard lock(mutex_);
      say(name, r->feed(d, monotonic_ms()));
    };
    on.on_state = [this, name](bool plugged) { say(name, plugged ? "ready" : "unplugged"); };
    serial_.push_back(std::make_unique<serial_port>(serial_options{path, static_cast<unsigned>(baud)}, std::move(on)));
    return serial_.back()->start();
  }
  status add_wedge(const std::string& device, const scan_options& codes) {
    auto r = std::make_shared<mixed_reader>(codes);
    readers_.push_back({"wedge", r});
    auto typist = std::make_shared<keyboard_decoder>();
    evdev_keyboard::callbacks on;
    on.on_key = [this, r, typist](const input_key& k) {
      const std::lock_guard lock(mutex_);
      const auto typed = typist->feed(k);
      if (typed.lost) r->reset();
      say("wedge", r->feed(typed.text, monotonic_ms()));
    };
    on.on_state = [this](evdev_keyboard::state s) { say("wedge", std::string(evdev_state_name(s))); };
    wedge_ = std::make_unique<evdev_keyboard>(evdev_options{.device = device}, std::move(on));
    return wedge_->start();
  }
  status add_chip(const std::string& reader) {
    pcsc_reader::callbacks on;
    on.on_event = [this](const reader_event& e) {
      const std::lock_guard lock(mutex_);
      say("chip", {e});
    };
    on.on_state = [this](pcsc_state s) { say("chip", std::string(pcsc_state_name(s))); };
    chip_ = std::make_unique<pcsc_reader>(pcsc_options{.reader = reader}, std::move(on));
    return chip_->start();
  }
  void tick() {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, r] : readers_)
      say(name, r->tick(monotonic_ms()));
  }
  [[nodiscard]] bool empty() const { return readers_.empty() && !chip_; }

private:
  void say(const std::string& name, const reader_events& events) {
    for (const auto& e : events)
      tell_(name + ": " + std::visit(in_words{}, e));
  }
  void say(const std::string& name, const std::string& state) {
    const std::lock_guard lock(mutex_);
    tell_(name + ": " + state);
  }

  const std::function<void(const std::string&)>& tell_;
  std::mutex mutex_;
  std::vector<std::pair<std::string, std::shared_ptr<mixed_reader>>> readers_;
  std::vector<std::unique_ptr<serial_port>> serial_;
  std::unique_ptr<evdev_keyboard> wedge_;
  std::unique_ptr<pcsc_reader> chip_;
};

escpos::ticket test_page(const receipt_layout& layout) {
  escpos::ticket t;
  t.logo = true;
  std::string ruler;
  for (std::size_t i = 1; i <= layout.printer.columns; ++i)
    ruler += static_cast<char>('0' + i % 10);
  t.lines = {"TALLYSTICK",    std::string(charset_name(layout.printer.text)),
             ruler,           "English 0123456789",
             "简体中文 面包", "繁體中文 麵包",
             "한국어 식빵",   ruler};
  t.lines[0].bold = t.lines[0].double_size = t.lines[0].centre = true;
  t.qr = "TALLYSTICK TEST";
  t.barcode = "TALLYSTICK";
  return t;
}

}  // namespace

status watch_devices(const node_config& config, std::int64_t seconds,
                     const std::function<void(const std::string&)>& tell) {
  scan_options codes;
  if (!config.scanner.card_prefix.empty()) codes.card_prefixes = {config.scanner.card_prefix};
  watcher w(tell);
  if (!config.reader.path.empty()) TALLY_TRY(w.add_serial("reader", config.reader.path, config.reader.baud, codes));
  if (!config.scanner.path.empty()) TALLY_TRY(w.add_serial("scanner", config.scanner.path, config.scanner.baud, codes));
  if (!config.wedge.device.empty()) TALLY_TRY(w.add_wedge(config.wedge.device, codes));
  if (!config.chip.reader.empty()) TALLY_TRY(w.add_chip(config.chip.reader));
  if (w.empty())
    return {errc::bad_config, "no reader is configured: set reader.path, scanner.path, wedge.device or chip.reader"};
  const wakeup pause;
  for (const auto end = monotonic_ms() + seconds * 1000; seconds == 0 || monotonic_ms() < end;) {
    w.tick();
    poll_one(-1, 0, pause, 50);
  }
  return done();
}

status test_printer(const node_config& config, const std::function<void(const std::string&)>& tell) {
  auto layout = make_receipt_layout(config);
  if (!layout) return layout.error();
  if (config.printer.address.empty() && config.printer.path.empty())
    return {errc::bad_config, "no printer is configured: set printer.address or printer.path"};
  auto page = escpos::encode(test_page(*layout), layout->printer);
  if (!page) return page.error();
  std::mutex mutex;
  printer_options options;
  options.proof = config.printer.process_ids ? print_proof::process_id : print_proof::taken;
  printer_machine machine(options);
  std::unique_ptr<printer_link> link;
  bool printed = false;
  const auto carry = [&](const printer_effects& effects) {
    for (const auto& e : effects) {
      if (const auto* s = std::get_if<printer_send>(&e)) (void)link->send(s->data);
      if (const auto* c = std::get_if<printer_state_changed>(&e))
        tell("printer: " + std::string(printer_state_name(c->state)));
      if (std::get_if<job_printed>(&e)) printed = true;
    }
  };
  const auto with = [&](auto f) {
    const std::lock_guard lock(mutex);
    carry(f());
  };
  printer_link::callbacks on{
      .on_connected = [&] { with([&] { return machine.on_connected(monotonic_ms()); }); },
      .on_disconnected = [&] { with([&] { return machine.on_disconnected(); }); },
      .on_bytes = [&](const std::string& d) { with([&] { return machine.on_bytes(d, monotonic_ms()); }); }};
  if (auto at = parse_host_port(config.printer.address))
    link = std::make_unique<tcp_printer_link>(tcp_printer_options{.host = at->host, .port = at->port}, std::move(on));
  else
    link = std::make_unique<device_printer_link>(
        device_printer_options{.path = config.printer.path, .baud = static_cast<unsigned>(config.printer.baud)},
        std::move(on));
  with([&] { return std::move(*machine.start(1, std::move(*page), monotonic_ms())); });
  TALLY_TRY(link->start());
  const wakeup pause;
  const auto end = monotonic_ms() + proof_patience_ms;
  const auto finished = [&] {
    const std::lock_guard lock(mutex);
    return printed || machine.idle();
  };
  while (!finished() && monotonic_ms() < end) {
    with([&] { return machine.tick(monotonic_ms()); });
    poll_one(-1, 0, pause, 20);
  }
  link->stop();
  if (printed) return done();
  return {errc::timeout,
          "the printer did not prove the page; its state is " + std::string(printer_state_name(machine.state()))};
}

}  // namespace tally
