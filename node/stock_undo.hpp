#pragma once
#include "node/office.hpp"

namespace tally::cmd {

struct undo_options {
  std::string batch;
  std::uint64_t first = 0, count = 0;  ///< a part of it; 0: all
  std::string csv;                     ///< a new file; empty: none
  bool check = false;                  ///< says what it would do, and does nothing
};
/// `tallystick stock --cancel`: undoes the sale of a batch by head office, card by card, and lists what was used since.
/// Says what it is about to do and what it did on the terminal. The exit status: ok, also when all of them were undone
/// before; refused when a card stays sold, or none was ever sold.
int undo_sale(const admin_client& hq, const undo_options& o);

}  // namespace tally::cmd
