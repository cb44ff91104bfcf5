#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "devices/charset.hpp"
#include "devices/driver_serial.hpp"
#include "ledger/types.hpp"

namespace tally {

/// What is plugged into a store's node, as configured. Empty: there is none of that kind.
struct device_options {
  std::string reader_path, scanner_path;  ///< serial lines
  unsigned reader_baud = 9600, scanner_baud = 9600;
  std::string wedge;         ///< an input device, as resolve_device
  std::string display_path;  ///< customer display on a serial line
  unsigned display_baud = 9600;
  charset display_charset = charset::cp437;
  std::string rewriter_path;  ///< printer of rewritable cards on a serial line
  unsigned rewriter_baud = 9600;
  std::size_t rewriter_columns = 22;
  charset rewriter_charset = charset::cp437;
  std::string chip_reader;                 ///< "any", or a part of a PC/SC reader's name
  std::vector<std::string> card_prefixes;  ///< a scanned number that starts so is a card
  std::string printer_host;                ///< a network printer; or else
  std::uint16_t printer_port = 9100;
  std::string printer_queue;  ///< a raw queue of CUPS, as parse_cups_name; or else
  std::string printer_path;   ///< a serial line or device file
  unsigned printer_baud = 9600;
  line_flow printer_flow = line_flow::xonxoff;  ///< of a serial line
  bool printer_proves_ids = true;               ///< it answers process IDs (`GS ( H`)
  bytes drawer_pulse;                           ///< opens the cash drawer at once; empty: there is none
  bytes duplicate_head;                         ///< printed in front of a ticket that may be on paper already
};

}  // namespace tally
