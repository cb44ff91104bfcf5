#pragma once
#include <string>

#include "actors/facade.hpp"

namespace tally {

/// The open cases of a node as JSON (docs/http-api.md, `/api/v1/cases`): each contested entry that head office has not
/// ruled about, with what is known of it; at head office also what it found when it priced entries again. Reads the
/// journals; any thread.
std::string cases_json(const node_facade& node);

}  // namespace tally
