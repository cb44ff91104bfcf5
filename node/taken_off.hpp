#pragma once
#include "ledger/state.hpp"

namespace tally {

/// Whether that is no card, but where a number or a code leads that does not count any more, since another took its
/// place (`tallystick card --replace`, `--void-codes`): cancelled with the first word that head office's directory has
/// of it, while a card that was in use is cancelled by a later one.
inline bool was_taken_off(const card_record& card) {
  return card.status == card_status::cancelled && card.version == 0;
}

}  // namespace tally
