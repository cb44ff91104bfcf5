#pragma once
#include <string>

#include "ledger/rules.hpp"

namespace tally {

/// What a receipt says around its figures, in one language. Constant.
struct receipt_words {
  const char *sale, *top_up, *reversal, *refund;  ///< titles
  const char *till, *number;                      ///< before a terminal's number and its counter
  const char* total;
  const char *card_value, *cash, *bank, *online, *transfer;  ///< how it was paid
  const char* tax;                                           ///< before letter and percent of a tax that is contained
  const char* reverses;
  const char *card, *here, *elsewhere;
  const char *later, *spent_before;  ///< after units that head office credits, and those taken back but spent
  const char *copy, *possible_duplicate;
  const char* proof;                                       ///< above the code that proves it
  const char *card_sale, *card_return, *card_report;       ///< titles
  const char *card_price, *deposit, *loaded, *paid_money;  ///< parts of a card's price, and of what is paid out
  const char *lost, *frozen;                               ///< what was reported
};
const receipt_words& words_of(language l);

}  // namespace tally
