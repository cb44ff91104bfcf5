#pragma once
#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "devices/barcode.hpp"
#include "devices/driver_serial.hpp"
#include "devices/driver_tcp.hpp"
#include "devices/printer.hpp"
#include "devices/track.hpp"

namespace tally {

struct input_config {
  std::string device;  ///< "reader" or "scanner": what events call it
  serial_options port;
  barcode_options codes;  ///< scanner only
};

/// A reader or a scanner: its serial port and its pure machine. What it reads goes to the screens as an event.
struct input_state {
  static inline const char* name = "input";
  node_context* context = nullptr;
  input_config config;
  track_reader stripe;
  barcode_reader codes;
  std::unique_ptr<serial_port> port;
};
/// Takes input_message and plug_message (from the port's thread), tick_message, stop_message. Unplugged and back is
/// normal.
caf::behavior input_device(caf::stateful_actor<input_state>* self, node_context* context, const input_config& config);

struct printer_config {
  tcp_printer_options address;
  printer_options machine;
};

/// One ticket that waits for paper. Durable in the family `spool` until it is known to be printed.
struct spool_job {
  std::uint64_t id{};
  std::string receipt;
  bytes ticket;
  bool begun = false;  ///< bytes may have reached the printer: printed again only with a mark
};
bytes encode_spool(const spool_job& j);
std::optional<spool_job> decode_spool(byte_view key, byte_view value);
bytes spool_key(std::uint64_t id);

constexpr std::size_t spool_max = 1000;

struct printer_actor_state {
  static inline const char* name = "printer";
  node_context* context = nullptr;
  printer_machine machine;
  std::unique_ptr<tcp_printer_link> link;
  std::deque<spool_job> jobs;  ///< oldest first, at most spool_max
  std::uint64_t next_id = 1;
  std::uint64_t writing = 0;  ///< job whose `begun` mark is on its way to the disk
};

/// Prints the spool in order: a job is sent only after "begun" is durable, and forgotten only after the printer has
/// proved it. A job
/// that may have been printed before is printed with a mark that says so.
///
/// Takes ticket_message, wire bytes as input_message, plug_message (connected or not), tick_message, stop_message.
caf::behavior printer(caf::stateful_actor<printer_actor_state>* self, node_context* context,
                      const printer_config& config);

}  // namespace tally
