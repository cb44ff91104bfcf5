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
    case misread_reason::torn: return "torn";
    case misread_reason::silent: return "silent";
    case misread_reason::random_id: return "random_id";
    case misread_reason::occupied: return "occupied";
  }
  return "unknown_code";
}

std::string_view chip_type_name(chip_type type) {
  switch (type) {
    case chip_type::contact: return "contact";
    case chip_type::iso14443_4: return "iso14443_4";
    case chip_type::mifare_1k: return "mifare_1k";
    case chip_type::mifare_4k: return "mifare_4k";
    case chip_type::mifare_mini: return "mifare_mini";
    case chip_type::ultralight: return "ultralight";
    case chip_type::felica: return "felica";
    case chip_type::other_contactless: return "other_contactless";
  }
  return "contact";
}

}  // namespace tally
