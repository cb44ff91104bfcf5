// A page, a drawer and a line of text for whoever sets a till up.
#include <atomic>
#include <mutex>

#include "devices/display.hpp"
#include "devices/driver_cups.hpp"
#include "devices/driver_serial.hpp"
#include "devices/escpos.hpp"
#include "devices/printer.hpp"
#include "node/device_config.hpp"
#include "node/device_watch.hpp"
#include "node/receipt_config.hpp"

namespace tally {
namespace {

constexpr tick_ms proof_patience_ms = 30'000, display_patience_ms = 5'000;
using teller = std::function<void(const std::string&)>;

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

/// Waits for something that another thread says, in steps; false when it does not come.
template <class F>
bool wait_for(tick_ms patience, F&& happened) {
  const wakeup pause;
  for (const auto end = monotonic_ms() + patience; monotonic_ms() < end; poll_one(-1, 0, pause, 20))
    if (happened()) return true;
  return happened();
}

/// Whether it is known to be on paper; else the printer has taken it.
result<bool> test_link(const node_config& config, bytes page, const teller& tell) {
  std::mutex mutex;
  printer_options options;
  options.proof = config.printer.process_ids ? print_proof::process_id : print_proof::taken;
  options.proof_timeout_ms = 10'000;  // a person waits for one page, and its proof comes within `proof_patience_ms`
  options.slowest_bytes_per_s = 200;
  printer_machine machine(options);
  std::unique_ptr<printer_link> link;
  bool printed = false, over = false, proved = config.printer.process_ids;
  const auto carry = [&](const printer_effects& effects) {
    for (const auto& e : effects) {
      if (const auto* s = std::get_if<printer_send>(&e)) (void)link->send(s->data);
      if (const auto* c = std::get_if<printer_state_changed>(&e); c && !over)
        tell("printer: " + std::string(printer_state_name(c->state)));
      if (std::holds_alternative<printer_ids_missing>(e)) {
        proved = false;
        tell("printer: it has no process IDs (GS ( H) to prove what is on paper: write printer.process_ids = false");
      }
      if (std::get_if<job_printed>(&e)) printed = true;
    }
  };
  const auto with = [&](auto f) {
    const std::lock_guard lock(mutex);
    carry(f());
  };
  printer_link::callbacks on{.on_connected = [&] { with([&] { return machine.on_connected(monotonic_ms()); }); },
                             .on_disconnected = [&] { with([&] { return machine.on_disconnected(); }); },
                             .on_bytes =
                                 [&](const std::string& d) {
                                   with([&] {
                                     machine.sending(link->unsent(), monotonic_ms());
                                     return machine.on_bytes(d, monotonic_ms());
                                   });
                                 }};
  link = make_printer_link(config, std::move(on));
  with([&] { return std::move(*machine.start(1, std::move(page), monotonic_ms())); });
  TALLY_TRY(link->start());
  (void)wait_for(proof_patience_ms, [&] {
    with([&] {
      machine.sending(link->unsent(), monotonic_ms());
      return machine.tick(monotonic_ms());
    });
    const std::lock_guard lock(mutex);
    return printed || machine.idle();
  });
  printer_state last{};
  {
    const std::lock_guard lock(mutex);
    over = true;  // that it is off-line once nobody talks to it is no news
    last = machine.state();
  }
  link->stop();
  if (printed) return proved;
  return error{errc::timeout, "the printer did not prove the page; its state is " +
                                  std::string(printer_state_name(last)) +
                                  "; 'tallystick devices doctor' with the same configuration says what is wrong"};
}

status test_queue(const cups_name& name, bytes page, const teller& tell) {
  std::mutex mutex;
  std::optional<bool> ended;
  cups_printer queue({.name = name}, {.on_state =
                                          [&](printer_state s) {
                                            const std::lock_guard lock(mutex);
                                            tell("printer: " + std::string(printer_state_name(s)));
                                          },
                                      .on_job =
                                          [&](std::uint64_t, bool printed, bool) {
                                            const std::lock_guard lock(mutex);
                                            ended = printed;
                                          }});
  TALLY_TRY(queue.start());
  TALLY_TRY(queue.print({1, "tallystick test page", false, std::move(page), {}}));
  (void)wait_for(proof_patience_ms, [&] {
    const std::lock_guard lock(mutex);
    return ended.has_value();
  });
  queue.stop();
  if (!ended) return {errc::timeout, "CUPS has not handed the page over; 'lpstat -o' shows whether it has it"};
  return *ended ? done() : status(error{errc::io, "CUPS gave the page up; 'lpstat -W completed' shows why"});
}

status test_display(const node_config& config, charset text, const teller& tell) {
  std::atomic<bool> plugged{false};
  serial_port port({config.display.path, static_cast<unsigned>(config.display.baud)},
                   {.on_bytes = [](const std::string&) {}, .on_state = [&](bool is) { plugged = is; }});
  TALLY_TRY(port.start());
  if (!wait_for(display_patience_ms, [&] { return plugged.load(); }))
    return {errc::offline, "display: " + config.display.path + " is not there"};
  TALLY_TRY(port.write(encode_display({"TALLYSTICK", "12345678901234567890"}, text_codec(text))));
  tell("display: shows TALLYSTICK, and 1 to 0 twice below it");
  return done();
}

}  // namespace

status test_devices(const node_config& config, const teller& tell) {
  auto layout = make_receipt_layout(config);
  if (!layout) return layout.error();
  const auto queue = parse_cups_name(config.printer.queue);
  const bool link = !config.printer.address.empty() || !config.printer.path.empty();
  if (!queue && !link && config.display.path.empty())
    return {
        errc::bad_config,
        "neither printer nor display is configured: set printer.address, printer.path, printer.queue or display.path"};
  if (!config.display.path.empty()) TALLY_TRY(test_display(config, layout->display, tell));
  if (!queue && !link) return done();
  auto page = escpos::encode(test_page(*layout), layout->printer);
  if (!page) return page.error();
  if (queue) {
    TALLY_TRY(test_queue(*queue, std::move(*page), tell));
    tell("printer: CUPS has handed the page over");
    return done();
  }
  const auto drawer = escpos::open_drawer_now(layout->printer);
  const auto proved = test_link(config, drawer + *page, tell);
  if (!proved) return proved.error();
  const std::string page_is =
      *proved ? "the page is on paper" : "it has taken the page: look whether all of it is there";
  tell("printer: " + page_is + (drawer.empty() ? "" : ", and the drawer was told to open"));
  return done();
}

}  // namespace tally
