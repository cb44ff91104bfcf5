#include "node/reason.hpp"

#include <algorithm>

#include "ledger/member_text.hpp"
#include "sync/text.hpp"

namespace tally {

bool is_reason(std::string_view text) {
  auto points = decode_utf8(text);
  // A character that may stand alone is neither a blank nor one that is not seen.
  return points && is_plain_utf8(text) && std::ranges::any_of(*points, [](char32_t c) {
           return is_clean_text(encode_utf8({&c, 1}));
         });
}

}  // namespace tally
