#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "actors/facade.hpp"

namespace tally {

/// The open cases of a node as JSON (docs/http-api.md, `/api/v1/cases`): each contested entry that head office has not
/// ruled about, with what is known of it; at head office also what it found when it priced entries again. Reads the
/// journals; any thread.
std::string cases_json(const node_facade& node);

/// For people: what head office answered when it had ruled (`owed` minor units by the owner of node `owed_by`; `take`
/// of `take_purse` at `take_node`), amounts in that currency.
std::string ruled_text(const nlohmann::json& answer, const std::string& currency, int exponent);

}  // namespace tally
