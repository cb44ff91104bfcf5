#pragma once
#include <filesystem>
#include <string>

#include "sync/receipt_code.hpp"

namespace tally {

/// What a receipt's code says, in plain lines for people: its number, and as much of the sale as is known.
std::string receipt_code_text(const receipt_code& code, byte_view entry);

struct receipt_check_options {
  std::filesystem::path data;
  std::string code;
  bool raw = false;  ///< as JSON
};

/// `tallystick receipt`: checks a receipt's code against a node's data, also a copy, or beside the running node.
/// Status: 0 genuine; 1 forged, or the ledger says something else; 2 the data could not be read.
int cmd_receipt(const receipt_check_options& o);

}  // namespace tally
