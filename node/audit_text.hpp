#pragma once
#include <string>

#include "sync/audit.hpp"

namespace tally {

/// The report as a person reads it: at most 80 columns of plain text. With `quiet` only problems and the last sentence.
std::string audit_text(const audit_report& report, std::string_view chain, bool quiet);

/// The report for programs: one JSON object, amounts in minor units as integers. Fields: docs/audit.md.
std::string audit_json(const audit_report& report, std::string_view chain);

}  // namespace tally
