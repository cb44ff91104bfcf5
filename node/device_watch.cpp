#include "node/device_watch.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "devices/driver_evdev.hpp"
#include "devices/driver_pcsc.hpp"
#include "devices/driver_serial.hpp"
#include "devices/keyboard.hpp"
#include "devices/mixed.hpp"

namespace tally {
namespace {

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
    auto r = std::make_shared<mixed_reader>(codes, track_options{}, name == "reader");
    readers_.push_back({name, r});
    serial_port::callbacks on;
    on.on_bytes = [this, name, r](const std::string& d) {
      const std::lock_guard lock(mutex_);
      say(name, r->feed(d, monotonic_ms()));
    };
    on.on_state = [this, name, r](bool plugged) {
      forget(*r);
      say(name, plugged ? "ready" : "unplugged");
    };
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
      if (typed.lost) say("wedge", r->lose(monotonic_ms()));
      say("wedge", r->feed(typed.text, monotonic_ms()));
    };
    on.on_state = [this, r, typist](evdev_keyboard::state s) {
      forget(*r, typist.get());
      say("wedge", std::string(evdev_state_name(s)));
    };
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
  /// Half a code from before the plug was pulled is no part of the next.
  void forget(mixed_reader& r, keyboard_decoder* typist = nullptr) {
    const std::lock_guard lock(mutex_);
    r.reset();
    if (typist) typist->reset();
  }
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

}  // namespace tally
