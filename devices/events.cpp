#include "devices/events.hpp"

namespace tally {

std::string_view misread_name(misread_reason reason) {
  switch (reason) {
    case misread_reason::too_long: return "too_long";
    case misread_reason::incomplete: return "incomplete";
    case misread_reason::bad_character: return "bad_character";
    case misread_reason::bad_format: return "bad_format";
    case misread_reason::bad_number: return "bad_number";
    case misread_reason::bad_check: return "bad_check";
    case misread_reason::tracks_differ: return "tracks_differ";
    case misread_reason::unknown_code: return "unknown_code";
  }
  return "unknown_code";
}

}  // namespace tally
