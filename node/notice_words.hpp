#pragma once
#include <string>

#include "ledger/programme.hpp"

namespace tally {

// What members read, of what head office tells them by its outbox.

/// `what`: what is behind the code; `until`: last day on which it is good, as a date; empty: no end.
std::string voucher_text(language words, const std::string& what, const std::string& until, const std::string& code);
/// `level`: its name; empty: none any more.
std::string level_text(language words, const std::string& level, bool up);
/// `fee`: a month, at most; `from`: the date of the first.
std::string fee_text(language words, const std::string& fee, const std::string& from);
/// `purse`: its name; `units`: at most, as text; `last`: the date until which they are good.
std::string expiry_text(language words, const std::string& purse, const std::string& units, const std::string& last);
/// The name in that language, or in English.
const std::string& name_of(const localized& names, language words);

}  // namespace tally
