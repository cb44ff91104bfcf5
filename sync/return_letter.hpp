#pragma once
#include "ledger/entry_parts.hpp"
#include "ledger/result.hpp"

namespace tally {

// Letters about goods that come back, between the stations of a store and of head office. They say nothing that is not
// in journals, so they are not sealed: a region that answers in head office's place can refuse a refund, or let one go
// that becomes a case, as it could by keeping journals back.

/// A store that is about to give goods back asks what others gave back of that sale.
struct return_question {
  std::uint64_t id{};  ///< random; an answer without a question is not taken
  writer_id asker;     ///< whose own refunds it knows, and which are left out
  writer_id seller;
  sequence seq{};
  std::vector<product_id> products;  ///< 1 to `lines_max`
  friend bool operator==(const return_question&, const return_question&) = default;
};
/// As far as head office has heard.
struct return_answer {
  std::uint64_t id{};
  bool reversed = false;          ///< its store took the whole sale back
  std::vector<line_item> pieces;  ///< of those products, that came back at others; none of 0
  friend bool operator==(const return_answer&, const return_answer&) = default;
};
bytes encode_return_question(const return_question& q);
bytes encode_return_answer(const return_answer& a);
/// Errors: malformed.
result<return_question> decode_return_question(byte_view data);
result<return_answer> decode_return_answer(byte_view data);
/// Whether a letter is one of these, rather than a sealed one.
bool is_return_question(byte_view data);
bool is_return_answer(byte_view data);

}  // namespace tally
