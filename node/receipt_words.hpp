#pragma once
#include <string>

#include "ledger/rules.hpp"

namespace tally {

/// What a receipt says around its figures, in one language. Constant.
struct receipt_words {
  const char *sale, *top_up, *reversal, *refund;  ///< titles
  const char *authorisation, *void_hold;          ///< the same: money put aside, and given back
  const char *until, *given_back;                 ///< of an authorisation; of its end
  const char *gift, *to;                          ///< title of a gift between members; before the taker's card
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
  const char* adjustment;                                  ///< title of units by hand
  const char* on_credit;                                   ///< card money that did not lie here: the card owes it
  const char* reason;                                      ///< before why they were given or taken
  const char *level, *new_level;                           ///< before the level's name
};
const receipt_words& words_of(language l);
/// Of "card", "cash", "bank", "online", "transfer".
const char* tender_word(std::string_view kind, const receipt_words& words);

/// The same of a day report.
struct report_words {
  const char *title, *so_far;  ///< of a day that is over, and of one that goes on
  const char* all_tills;
  const char *sales, *discounts, *reversed, *refunds, *net;
  const char *top_ups, *cash_in, *cash_out, *drawer;
  const char *card_sales, *card_returns;
  const char *last, *none;  ///< before the last receipt that is counted; there is none
};
const report_words& report_words_of(language l);

}  // namespace tally
