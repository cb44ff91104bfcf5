#include "node/device_doctor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>

#include "devices/driver_cups.hpp"
#include "devices/driver_find.hpp"
#include "devices/driver_pcsc.hpp"
#include "devices/driver_printer_device.hpp"
#include "devices/driver_serial.hpp"
#include "devices/driver_tcp.hpp"
#include "devices/printer.hpp"
#include "node/config_text.hpp"

namespace tally {
namespace {

constexpr tick_ms printer_patience_ms = 4000;

std::string group_for(device_class kind) {
  return kind == device_class::keyboard ? "input" : kind == device_class::printer ? "lp" : "dialout";
}

/// Opens a device file as its driver would, and closes it.
device_finding look_at_file(const std::string& device, const std::string& configured, device_class kind) {
  const auto path = resolve_device(configured, kind);
  if (path.empty())
    return {
        device, false,
        configured + " is not plugged in: no device of that kind is there. 'tallystick devices list' shows what is."};
  const unique_fd fd(
      ::open(path.c_str(), (kind == device_class::keyboard ? O_RDONLY : O_RDWR) | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd && (errno == EACCES || errno == EPERM))
    return {device, false,
            path + " may not be opened by this user. Add the user to the group " + group_for(kind) + " (adduser NAME " +
                group_for(kind) + ") and sign in again."};
  if (!fd && errno == EBUSY) return {device, false, path + " is in use by another program."};
  if (!fd)
    return {device, false,
            path +
                " is not there: it is unplugged, or has another name. 'tallystick devices list' shows "
                "what is plugged in; names below /dev/serial/by-id and usb:VENDOR:PRODUCT stay the same."};
  if (kind == device_class::serial && !is_terminal(fd.get()))
    return {device, false, path + " is no serial line. A reader that types like a keyboard belongs into [wedge]."};
  return {device, true, path + " is there and can be opened."};
}

device_finding look_at_chip(const std::string& wanted) {
  const auto slots = pcsc_slots();
  if (!slots)
    return {"chip", false,
            "the card service pcscd does not answer. Install the package pcscd and start it: systemctl "
            "enable --now pcscd.socket"};
  std::string all;
  for (const auto& s : *slots) {
    if (wanted == "any" || s.find(wanted) != s.npos) return {"chip", true, s + " is ready."};
    all += (all.empty() ? "" : ", ") + s;
  }
  if (all.empty())
    return {"chip", false, "pcscd knows no reader: it is unplugged, or needs a driver (package libccid for most)."};
  return {"chip", false, "no reader is called " + wanted + "; there is " + all + "."};
}

std::string_view advice(printer_state s) {
  switch (s) {
    case printer_state::ready: return "is ready.";
    case printer_state::paper_low: return "prints; its paper ends soon.";
    case printer_state::paper_out: return "is out of paper: put in a new roll. Waiting receipts follow by themselves.";
    case printer_state::cover_open: return "has its cover open: close it.";
    case printer_state::offline: return "does not answer; a running node holds the only connection that most take.";
    case printer_state::error:
      return "reports a fault (cutter or mechanism): look for jammed paper, switch it off and on.";
    case printer_state::overheated: return "is too hot and goes on by itself when it has cooled down.";
  }
  return "";
}

/// Connects and asks for the status, as the node does.
class printer_probe {
public:
  explicit printer_probe(const node_config& config) {
    printer_link::callbacks on{
        .on_connected = [this] { carry([this] { return machine_.on_connected(monotonic_ms()); }); },
        .on_disconnected = [this] { carry([this] { return machine_.on_disconnected(); }); },
        .on_bytes =
            [this](const std::string& d) { carry([this, &d] { return machine_.on_bytes(d, monotonic_ms()); }); }};
    if (auto at = parse_host_port(config.printer.address))
      link_ =
          std::make_unique<tcp_printer_link>(tcp_printer_options{.host = at->host, .port = at->port}, std::move(on));
    else
      link_ = std::make_unique<device_printer_link>(
          device_printer_options{.path = config.printer.path, .baud = static_cast<unsigned>(config.printer.baud)},
          std::move(on));
  }
  device_finding run(const std::string& name) {
    if (auto ok = link_->start(); !ok) return {"printer", false, name + ": " + ok.error().detail};
    const auto until = monotonic_ms() + printer_patience_ms;
    const wakeup pause;
    while (monotonic_ms() < until && !answered()) {
      carry([this] { return machine_.tick(monotonic_ms()); });
      poll_one(-1, 0, pause, 20);
    }
    link_->stop();
    const std::lock_guard lock(mutex_);
    if (!connected_)
      return {"printer", false,
              name +
                  " cannot be reached: is it switched on, and is the cable plugged in? While a node "
                  "runs, the printer may serve nobody else."};
    const bool good = seen_ == printer_state::ready || seen_ == printer_state::paper_low;
    return {"printer", good, name + " " + std::string(advice(seen_))};
  }

private:
  template <class F>
  void carry(F f) {
    const std::lock_guard lock(mutex_);
    for (const auto& e : f()) {
      if (const auto* s = std::get_if<printer_send>(&e)) connected_ = link_->send(s->data).ok() || connected_;
      if (const auto* c = std::get_if<printer_state_changed>(&e))
        if (c->state != printer_state::offline || !answered_)
          seen_ = c->state, answered_ = seen_ != printer_state::offline;
    }
  }
  bool answered() {
    const std::lock_guard lock(mutex_);
    return answered_;
  }

  std::mutex mutex_;
  printer_machine machine_;
  printer_state seen_ = printer_state::offline;
  bool connected_ = false, answered_ = false;
  std::unique_ptr<printer_link> link_;
};

void list_kind(std::string& out, const char* title, const char* where, device_class kind) {
  out += title;
  out += "\n";
  const auto found = list_devices(kind);
  if (found.empty()) out += "  none\n";
  for (const auto& d : found) {
    out += "  " + (d.stable_path.empty() ? d.path : d.stable_path) + "\n";
    if (!d.usb.empty() || !d.name.empty())
      out += "      " + (d.usb.empty() ? "" : "usb:" + d.usb) + (d.name.empty() ? "" : "  " + d.name) + "\n";
  }
  out += where;
  out += "\n\n";
}

}  // namespace

std::vector<device_finding> examine_devices(const node_config& config) {
  std::vector<device_finding> out;
  if (!config.reader.path.empty()) out.push_back(look_at_file("reader", config.reader.path, device_class::serial));
  if (!config.scanner.path.empty()) out.push_back(look_at_file("scanner", config.scanner.path, device_class::serial));
  if (!config.wedge.device.empty()) out.push_back(look_at_file("wedge", config.wedge.device, device_class::keyboard));
  if (!config.chip.reader.empty()) out.push_back(look_at_chip(config.chip.reader));
  if (!config.display.path.empty()) out.push_back(look_at_file("display", config.display.path, device_class::serial));
  if (!config.rewriter.path.empty())
    out.push_back(look_at_file("rewriter", config.rewriter.path, device_class::serial));
  const auto& p = config.printer;
  if (!p.path.empty()) {
    const auto kind =
        resolve_device(p.path, device_class::printer).empty() ? device_class::serial : device_class::printer;
    auto file = look_at_file("printer", p.path,
                             is_device_name(p.path) && p.path.starts_with('/') ? device_class::printer : kind);
    out.push_back(file.good ? printer_probe(config).run(p.path) : file);
  } else if (auto queue = parse_cups_name(p.queue)) {
    const auto state = ask_cups({.name = *queue});
    if (!state && state.code() == errc::not_found)
      out.push_back({"printer", false, "CUPS has no queue " + queue->queue + "; 'lpstat -p' lists them."});
    else if (!state)
      out.push_back({"printer", false, "CUPS does not answer at " + queue->server + ": systemctl enable --now cups"});
    else
      out.push_back({"printer", *state == printer_state::ready || *state == printer_state::paper_low,
                     "queue " + queue->queue + ": the printer " + std::string(advice(*state))});
  } else if (!p.address.empty()) {
    out.push_back(printer_probe(config).run(p.address));
  }
  return out;
}

std::string plugged_in_text() {
  std::string out;
  list_kind(out, "Serial lines:", "  for reader.path, scanner.path, display.path, rewriter.path, printer.path",
            device_class::serial);
  list_kind(out, "Printers on device files:", "  for printer.path", device_class::printer);
  list_kind(out,
            "Keyboards, and readers that type like one:", "  for wedge.device; the shop's real keyboard is here too",
            device_class::keyboard);
  out += "Chip and contactless readers:\n";
  const auto slots = pcsc_slots();
  if (!slots) {
    out += "  the card service pcscd does not run\n";
  } else if (slots->empty()) {
    out += "  none\n";
  } else {
    for (const auto& s : *slots)
      out += "  " + s + "\n";
  }
  return out + "  for chip.reader: any, or a part of the name\n";
}

}  // namespace tally
