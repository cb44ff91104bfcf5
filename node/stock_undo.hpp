#pragma once
#include "node/office.hpp"

namespace tally::cmd {

struct undo_options {
  std::string batch;
  std::uint64_t first = 0, count = 0;  ///< a part of it; 0: all
  std::string csv;                     ///< a new file; empty: none
};
/// `tallystick stock --cancel`: undoes the sale of a batch by head office, card by card, and lists what was used since.
/// Says what it did on the terminal; the exit status: ok, or refused when a card stays sold.
int undo_sale(const admin_client& hq, const undo_options& o);

}  // namespace tally::cmd
