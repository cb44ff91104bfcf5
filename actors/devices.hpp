#pragma once
#include "actors/context.hpp"
#include "actors/device_options.hpp"
#include "actors/input_gate.hpp"
#include "actors/messages.hpp"
#include "actors/supervisor.hpp"
#include "devices/display.hpp"
#include "devices/driver_cups.hpp"
#include "devices/driver_evdev.hpp"
#include "devices/driver_pcsc.hpp"
#include "devices/driver_printer_device.hpp"
#include "devices/driver_serial.hpp"
#include "devices/driver_tcp.hpp"
#include "devices/keyboard.hpp"
#include "devices/mixed.hpp"
#include "devices/printer.hpp"
#include "devices/rewriter.hpp"
#include "devices/spool.hpp"

namespace tally {

struct input_config {
  std::string device;  ///< "reader" or "scanner": what events call it
  serial_options port;
  barcode_options codes;
};

/// What a scanned number begins with to be a card: as configured, and as the rules say that are in force when it is
/// scanned.
struct prefix_follower {
  std::vector<std::string> configured{};
  std::string published{};
  /// `in_force`: as node_context::card_prefix.
  void follow(const std::function<std::string()>& in_force, mixed_reader& reader);
};

/// A reader or a scanner: its serial port and its pure machine. What it reads goes to the screens as an event. Both
/// take stripes and codes, by their content; in a reader's line a stripe may stand behind noise.
struct input_state {
  static inline const char* name = "input";
  node_context* context = nullptr;
  input_config config;
  prefix_follower prefixes;
  mixed_reader codes;
  std::shared_ptr<input_gate> gate = std::make_shared<input_gate>();
  std::unique_ptr<serial_port> port;
};
/// Takes input_message and plug_message (from the port's thread), tick_message, stop_message. Unplugged and back is
/// normal.
caf::behavior input_device(caf::stateful_actor<input_state>* self, node_context* context, const input_config& config);

struct wedge_config {
  evdev_options keyboard;
  barcode_options codes;
};
struct wedge_state {
  static inline const char* name = "wedge";
  node_context* context = nullptr;
  keyboard_decoder keys;
  prefix_follower prefixes;
  mixed_reader reader;
  std::unique_ptr<evdev_keyboard> driver;
};
/// A reader or scanner that pretends to be a keyboard; stripes and codes are told apart by their content.
/// Takes key_message and device_message (from the driver's thread), tick_message, stop_message.
caf::behavior wedge_device(caf::stateful_actor<wedge_state>* self, node_context* context, const wedge_config& config);

struct display_config {
  serial_options port;
  charset text = charset::cp437;
};
struct display_state {
  static inline const char* name = "display";
  node_context* context = nullptr;
  charset text = charset::cp437;
  bytes shown;  ///< what stands there, or will once it is plugged in
  bool plugged = false;
  std::unique_ptr<serial_port> port;
};
/// The customer's display. Takes display_message, plug_message (from the port's thread), stop_message. After a re-plug
/// it shows again what it showed.
caf::behavior display_device(caf::stateful_actor<display_state>* self, node_context* context,
                             const display_config& config);

struct rewriter_config {
  serial_options port;
  rewriter_options machine;
};
struct rewriter_actor_state {
  static inline const char* name = "rewriter";
  node_context* context = nullptr;
  rewriter_machine machine;
  std::uint64_t jobs = 0;
  std::unique_ptr<serial_port> port;
};
/// The printer of rewritable cards. Takes card_text_message, input_message and plug_message (from the port's thread),
/// tick_message, stop_message.
caf::behavior rewriter_device(caf::stateful_actor<rewriter_actor_state>* self, node_context* context,
                              const rewriter_config& config);

struct chip_state {
  static inline const char* name = "chip";
  node_context* context = nullptr;
  std::unique_ptr<pcsc_reader> driver;
};
/// Chip and contactless readers behind pcscd. What they read goes to the screens as an event of device "chip".
/// Takes reading_message and device_message (from the driver's thread), stop_message.
caf::behavior chip_device(caf::stateful_actor<chip_state>* self, node_context* context, const pcsc_options& config);

/// Tells the screens what a reader of any kind read. Any thread.
void publish_reading(node_context& context, const std::string& device, const reader_event& event);

struct printer_config {
  std::optional<cups_name> queue;  ///< or else
  tcp_printer_options address;     ///< used when `device.path` is empty
  device_printer_options device;
  printer_options machine;
  bytes duplicate_head, drawer_pulse;  ///< as device_options
};

/// Records of the family `spool`: a job under its number, and a mark for each of the newest receipts.
bytes encode_spool(const spool_job& j);
std::optional<spool_job> decode_spool(byte_view key, byte_view value);
bytes spool_key(std::uint64_t id);

/// Of `spooled_kept` receipts a mark is kept that their ticket was put into the spool, written in one batch with the
/// ticket: after a crash it tells which of the newest receipts have none (`was_spooled`).
bytes spooled_key(const std::string& receipt);
bool was_spooled(const kv_store& store, const std::string& receipt);

struct printer_actor_state {
  static inline const char* name = "printer";
  node_context* context = nullptr;
  printer_machine machine;
  std::unique_ptr<printer_link> link;   ///< or, behind CUPS, no link but
  std::unique_ptr<cups_printer> queue;  ///< which has no machine: CUPS drives the printer
  spool_machine spool;
  bool sent = true;  ///< the link took the bytes of the job that is out
  bytes drawer_pulse;
  std::optional<printer_state> shown_next;  ///< to be told with the next tick: it told one since the last
  bool shown = false;
};

/// Behind CUPS a ticket counts as printed when CUPS has handed it over; it is found again there after a crash.
/// What is printed when, `spool_machine` decides; here its records are written and its jobs handed over.
///
/// Takes ticket_message, drawer_message, wire bytes as input_message, plug_message (connected or not), spool_message,
/// tick_message, stop_message.
caf::behavior printer(caf::stateful_actor<printer_actor_state>* self, node_context* context,
                      const printer_config& config);

/// One part for each device that is configured, for the supervisor. `context` outlives the parts.
std::vector<supervised> device_parts(node_context& context, const device_options& options);

}  // namespace tally
