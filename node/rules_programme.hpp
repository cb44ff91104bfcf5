#pragma once
// Part of the reader of rules files; nobody else includes this.
#include "node/rules_fields.hpp"

namespace tally {

/// Reads purses, levels, kinds of card, discounts, earnings and packages. `list` has head and products already.
result<programme> read_programme_rules(const toml::table& root, const std::string& file_name, const price_list& list);

}  // namespace tally
