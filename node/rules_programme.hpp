#pragma once
// Part of the reader of rules files; nobody else includes this.
#include <map>

#include "node/rules_fields.hpp"

namespace tally {

/// Where each row stands, by what errors call it: "purse 3".
using row_places = std::map<std::string, toml::source_region>;

/// Reads purses, levels, kinds of card, discounts, earnings and packages. `list` has head and products already.
result<programme> read_programme_rules(const toml::table& root, const std::string& file_name, const price_list& list,
                                       row_places& places);

}  // namespace tally
