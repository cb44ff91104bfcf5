#pragma once
#include "node/api.hpp"
#include "node/json_read.hpp"

namespace tally {

struct lines_result {
  std::vector<line_item> lines;
  std::optional<error> problem;
};
/// Lines of a request. Barcodes mean what they meant when the entry of `key` was written, or else today. `key` with
/// terminal 0: today.
lines_result read_lines(const api_context& api, const till_key& key, const std::vector<json_value>& list);

/// Fields `uses` and `gifts` of a request, into the command; or what is wrong with them.
std::optional<error> read_units(const std::vector<json_value>& uses, const std::vector<json_value>& gifts,
                                sale_command& c);

}  // namespace tally
