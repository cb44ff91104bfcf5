#include "node/device_doctor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>

#include "devices/driver_cups.hpp"
#include "devices/driver_evdev.hpp"
#include "devices/driver_find.hpp"
#include "devices/driver_pcsc.hpp"
#include "devices/driver_serial.hpp"
#include "devices/printer.hpp"
#include "node/device_config.hpp"
#include "node/receipt_config.hpp"

namespace tally {
namespace {

constexpr tick_ms printer_patience_ms = 4000, doctor_proof_ms = 6000;

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
  struct stat file {};
  if (kind == device_class::printer && (::fstat(fd.get(), &file) != 0 || !S_ISCHR(file.st_mode)))
    return {device, false, path + " is a file and no device: nothing would be printed."};
  if (kind == device_class::serial && !is_terminal(fd.get()))
    return {device, false, path + " is no serial line. A reader that types like a keyboard belongs into [wedge]."};
  if (kind == device_class::keyboard && !types_digits(fd.get()))
    return {
        device, false,
        path +
            " is no keyboard, nor a reader that types like one. 'tallystick devices list' shows which are; one on a "
            "serial line belongs into [reader] or [scanner]."};
  return {device, true, path + " is there and can be opened."};
}

device_finding look_at_chip(const std::string& wanted) {
  const auto slots = pcsc_slots();
  if (!slots && slots.code() == errc::timeout)
    return {"chip", false, "the card service pcscd hangs: systemctl restart pcscd"};
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
    case printer_state::offline: return "does not answer: is it switched on, and is the cable plugged in?";
    case printer_state::error:
      return "reports a fault (cutter or mechanism): look for jammed paper, switch it off and on.";
    case printer_state::overheated: return "is too hot and goes on by itself when it has cooled down.";
  }
  return "";
}

/// Connects and asks for the status, as the node does, and whether what is printed can be proved.
class printer_probe {
public:
  explicit printer_probe(const node_config& config) : machine_(quick(config.printer.process_ids)) {
    printer_link::callbacks on{
        .on_connected = [this] { carry([this] { return machine_.on_connected(monotonic_ms()); }); },
        .on_disconnected = [this] { carry([this] { return machine_.on_disconnected(); }); },
        .on_bytes =
            [this](const std::string& d) {
              carry([this, &d] {
                machine_.sending(link_->unsent(), monotonic_ms());
                return machine_.on_bytes(d, monotonic_ms());
              });
            }};
    link_ = make_printer_link(config, std::move(on));
  }
  device_finding run(const std::string& name) {
    if (auto ok = link_->start(); !ok) return {"printer", false, name + ": " + ok.error().detail};
    wait(printer_patience_ms, [this] { return answered_; });
    if (answered_ && works(seen_)) {
      // A reset: all that a job needs to be proved, and no paper.
      carry([this] { return std::move(*machine_.start(1, bytes("\x1B\x40"), monotonic_ms())); });
      wait(doctor_proof_ms, [this] { return ended_; });
    }
    link_->stop();
    return judge(name);
  }

private:
  static printer_options quick(bool ids) {
    printer_options o;
    o.proof = ids ? print_proof::process_id : print_proof::taken;
    o.proof_timeout_ms = 4000;
    return o;
  }
  static bool works(printer_state s) { return s == printer_state::ready || s == printer_state::paper_low; }
  device_finding judge(const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (!connected_)
      return {
          "printer", false,
          name +
              " cannot be reached: is it switched on, and is the cable plugged in? Most printers serve one node at a "
              "time."};
    const auto text = name + " " + std::string(advice(seen_));
    if (!works(seen_)) return {"printer", false, text};
    if (no_ids_)
      return {"printer", false,
              text +
                  " But it has no process IDs (GS ( H), so it cannot say when a ticket is on paper. Write "
                  "printer.process_ids = false: then a ticket counts as printed when the printer has taken it."};
    if (!printed_)
      return {"printer", false,
              text +
                  " But it does not say when a ticket is printed, in none of the two ways (GS ( H, GS r): each ticket "
                  "waits half a minute, and the first may come three times."};
    return {"printer", true, text};
  }
  template <class F>
  void carry(F f) {
    const std::lock_guard lock(mutex_);
    for (const auto& e : f()) {
      if (const auto* s = std::get_if<printer_send>(&e)) connected_ = link_->send(s->data).ok() || connected_;
      if (const auto* c = std::get_if<printer_state_changed>(&e))
        if (c->state != printer_state::offline || !answered_)
          seen_ = c->state, answered_ = seen_ != printer_state::offline;
      no_ids_ = no_ids_ || std::holds_alternative<printer_ids_missing>(e);
      printed_ = printed_ || std::holds_alternative<job_printed>(e);
      ended_ = printed_ || std::holds_alternative<job_uncertain>(e) || ended_;
    }
  }
  template <class F>
  void wait(tick_ms patience, F&& happened) {
    const wakeup pause;
    const auto over = [&] {
      const std::lock_guard lock(mutex_);
      return happened();
    };
    for (const auto until = monotonic_ms() + patience; monotonic_ms() < until && !over(); poll_one(-1, 0, pause, 20))
      carry([this] {
        machine_.sending(link_->unsent(), monotonic_ms());
        return machine_.tick(monotonic_ms());
      });
  }

  std::mutex mutex_;
  printer_machine machine_;
  printer_state seen_ = printer_state::offline;
  bool connected_ = false, answered_ = false, no_ids_ = false, printed_ = false, ended_ = false;
  std::unique_ptr<printer_link> link_;
};

printer_state state_named(const std::string& name) {
  for (auto s : {printer_state::ready, printer_state::paper_low, printer_state::paper_out, printer_state::cover_open,
                 printer_state::error, printer_state::overheated})
    if (printer_state_name(s) == name) return s;
  return printer_state::offline;
}

device_finding look_at_queue(const cups_name& name) {
  const auto queue = ask_cups({.name = name});
  if (!queue && queue.code() == errc::not_found)
    return {"printer", false, "CUPS has no queue " + name.queue + "; 'lpstat -p' lists them."};
  if (!queue && queue.code() == errc::unsupported) return {"printer", false, queue.error().detail};
  if (!queue) return {"printer", false, "CUPS does not answer at " + name.server + ": systemctl enable --now cups"};
  if (!queue->accepting)
    return {"printer", false, "queue " + name.queue + " refuses all jobs: cupsaccept " + name.queue};
  if (queue->paused)
    return {
        "printer", false,
        "queue " + name.queue + " is paused: cupsenable " + name.queue + ". Waiting receipts follow by themselves."};
  return {"printer", queue->state == printer_state::ready || queue->state == printer_state::paper_low,
          "queue " + name.queue + ": the printer " + std::string(advice(queue->state))};
}

/// What a look at a serial line tells of its flow control; nothing for what is no serial line.
std::optional<device_finding> look_at_flow(const node_config& config) {
  const auto& p = config.printer;
  auto path = resolve_device(p.path, device_class::printer);
  if (path.empty()) path = resolve_device(p.path, device_class::serial);
  const unique_fd fd(::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd || !is_terminal(fd.get())) return std::nullopt;
  if (p.flow == "hardware" && !clear_to_send(fd.get()).value_or(true))
    return device_finding{
        "printer", false,
        p.path +
            ": the wire CTS says that nothing may be sent. The printer is off or busy, or the cable lacks the wire: "
            "then set the printer to XON/XOFF and write printer.flow = \"xonxoff\"."};
  if (p.flow == "none")
    return device_finding{"printer", true,
                          "No flow control (printer.flow): a receipt that is longer than the printer's buffer loses "
                          "lines."};
  return device_finding{"printer", true,
                        p.flow == "hardware" ? "Flow control by the wires (printer.flow = \"hardware\")."
                                             : "Flow control by XON/XOFF (printer.flow): is the printer set to it?"};
}

device_finding look_at_wire(const node_config& config) {
  const auto flow = look_at_flow(config);
  if (flow && !flow->good) return *flow;
  auto found = printer_probe(config).run(config.printer.path);
  if (flow) found.text += " " + flow->text;
  return found;
}

device_finding look_at_printer(const node_config& config) {
  const auto& p = config.printer;
  if (!p.path.empty()) {
    const auto kind =
        resolve_device(p.path, device_class::printer).empty() ? device_class::serial : device_class::printer;
    auto file = look_at_file("printer", p.path,
                             is_device_name(p.path) && p.path.starts_with('/') ? device_class::printer : kind);
    return file.good ? look_at_wire(config) : file;
  }
  const auto queue = parse_cups_name(p.queue);
  if (!queue) return printer_probe(config).run(p.address);
  return look_at_queue(*queue);
}

/// What the running node says of a device; nothing when it has not opened it, so that a look does no harm.
std::optional<device_finding> as_seen(const std::string& device, const std::string& configured,
                                      const seen_devices& running) {
  const auto it = running.find(device);
  const std::string state = it == running.end() ? "none" : it->second;
  if (state == "none")
    return device_finding{device, false,
                          "the running node has no " + device +
                              ": it was started with another configuration. Start it "
                              "again."};
  if (device == "printer") {
    // CUPS serves many, and knows better why.
    if (configured.starts_with("queue ")) return std::nullopt;
    const auto s = state_named(state);
    return device_finding{device, s == printer_state::ready || s == printer_state::paper_low,
                          configured + " " + std::string(advice(s)) + " (As the running node sees it.)"};
  }
  if (state == "unplugged" || state == "offline" || state == "denied" || state == "no_service") return std::nullopt;
  const bool broken = state == "error" || state == "cover_open";
  return device_finding{device, !broken, configured + " is in use by the running node: " + state + "."};
}

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

std::vector<device_finding> examine_devices(const node_config& config, const std::optional<seen_devices>& running) {
  std::vector<device_finding> out;
  const auto look = [&](const std::string& device, const std::string& configured, auto&& at_it) {
    if (configured.empty()) return;
    const bool shared = device == "chip" || configured.starts_with("queue ");  // asking takes nothing from the node
    auto seen = running ? as_seen(device, configured, *running) : std::nullopt;
    if (seen) return out.push_back(std::move(*seen));
    device_finding found = at_it();
    if (running && found.good && !shared) {
      found.good = false;
      found.text += " But the running node cannot open it: does the user that it runs as belong to the right group?";
    }
    out.push_back(std::move(found));
  };
  const auto file = [&](const char* device, const std::string& configured, device_class kind) {
    look(device, configured, [&] { return look_at_file(device, configured, kind); });
  };
  file("reader", config.reader.path, device_class::serial);
  file("scanner", config.scanner.path, device_class::serial);
  file("wedge", config.wedge.device, device_class::keyboard);
  look("chip", config.chip.reader, [&] { return look_at_chip(config.chip.reader); });
  file("display", config.display.path, device_class::serial);
  file("rewriter", config.rewriter.path, device_class::serial);
  // A logo that cannot be read, or two printers: the node would not start.
  const auto layout = make_receipt_layout(config);
  if (!layout) out.push_back({"printer", false, layout.error().detail});
  const auto& p = config.printer;
  const auto& wire = p.path.empty() ? p.address : p.path;
  if ((!p.path.empty() + !p.queue.empty() + !p.address.empty()) == 1)
    look("printer", p.queue.empty() ? wire : "queue " + p.queue, [&] { return look_at_printer(config); });
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
    out +=
        slots.code() == errc::timeout ? "  the card service pcscd hangs\n" : "  the card service pcscd does not run\n";
  } else if (slots->empty()) {
    out += "  none\n";
  } else {
    for (const auto& s : *slots)
      out += "  " + s + "\n";
  }
  return out + "  for chip.reader: any, or a part of the name\n";
}

}  // namespace tally
