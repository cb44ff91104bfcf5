#pragma once
#include <optional>

#include "ledger/entry_parts.hpp"
#include "ledger/result.hpp"

namespace tally {

// Letters about goods that come back, between the stations of a store and of head office. They are sealed from key
// to key (CURVE), as those about members and PINs (`seal_letter` in sync/member_seal.hpp): a region that passes them on
// reads nothing, and can answer in nobody's place. It can keep them back: then the store goes on as without a line.

/// A store that is about to give goods back asks what others gave back of that sale.
struct return_question {
  std::uint64_t id{};  ///< random; an answer without a question is not taken
  writer_id asker;     ///< whose own refunds it knows, and which are left out
  writer_id seller;
  sequence seq{};
  std::vector<product_id> products;  ///< 1 to `lines_max`
  friend bool operator==(const return_question&, const return_question&) = default;
};
/// As far as head office has heard. `busy` travels as a sale that was reversed with one piece of product 0, which no
/// product is: a store that does not know the word reads that nothing is left, and pays nothing.
struct return_answer {
  std::uint64_t id{};
  bool reversed = false;          ///< its store took the whole sale back
  std::vector<line_item> pieces;  ///< of those products, that came back at others; none of 0
  bool busy = false;              ///< another store gives goods of that sale back just now; then nothing else is said
  friend bool operator==(const return_answer&, const return_answer&) = default;
};
bytes encode_return_question(const return_question& q);
bytes encode_return_answer(const return_answer& a);
/// Errors: malformed.
result<return_question> decode_return_question(byte_view data);
result<return_answer> decode_return_answer(byte_view data);
/// Sealed letters about goods that come back are told from others by their first octets.
bytes as_return_letter(byte_view sealed);
/// What was sealed; nothing: the letter is about something else.
std::optional<byte_view> return_letter(byte_view body);

}  // namespace tally
