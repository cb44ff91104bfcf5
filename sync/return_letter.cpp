#include "sync/return_letter.hpp"

#include "ledger/entry.hpp"
#include "storage/streams.hpp"
#include "storage/varint.hpp"

namespace tally {
namespace {

// What is sealed: a question is no answer, whoever sends it back.
constexpr byte_view question_head = "tallystick/returned?", answer_head = "tallystick/returned=";
// Before the seal, as `letter_head` of letters about PINs.
constexpr byte_view letter_head = "tallyret";
constexpr product_id busy_product{0};

}  // namespace

bytes as_return_letter(byte_view sealed) { return bytes(letter_head) + bytes(sealed); }

std::optional<byte_view> return_letter(byte_view body) {
  if (!body.starts_with(letter_head)) return std::nullopt;
  return body.substr(letter_head.size());
}

bytes encode_return_question(const return_question& q) {
  byte_writer w;
  w.raw(question_head);
  w.u64be(q.id);
  write_writer(w, q.asker);
  write_writer(w, q.seller);
  w.uv(q.seq);
  w.uv(q.products.size());
  for (auto p : q.products)
    w.uv(p.value);
  return w.take();
}

result<return_question> decode_return_question(byte_view data) {
  return_question q;
  const error bad{errc::malformed, "a question about goods that came back"};
  if (!data.starts_with(question_head)) return bad;
  byte_reader r(data.substr(question_head.size()));
  q.id = r.u64be();
  q.asker = read_writer(r);
  q.seller = read_writer(r);
  q.seq = r.uv();
  auto n = r.uv(lines_max);
  for (; n > 0 && r.ok(); --n)
    q.products.push_back({static_cast<std::uint32_t>(r.uv(UINT32_MAX))});
  if (!r.ok() || !r.at_end() || q.products.empty()) return bad;
  return q;
}

bytes encode_return_answer(const return_answer& a) {
  byte_writer w;
  w.raw(answer_head);
  w.u64be(a.id);
  const std::vector<line_item> wait{{busy_product, 1}};
  const auto& pieces = a.busy ? wait : a.pieces;
  w.u8(a.reversed || a.busy ? 1 : 0);
  w.uv(pieces.size());
  for (const auto& p : pieces) {
    w.uv(p.product.value);
    w.uv(static_cast<std::uint64_t>(p.quantity));
  }
  return w.take();
}

result<return_answer> decode_return_answer(byte_view data) {
  return_answer a;
  const error bad{errc::malformed, "an answer about goods that came back"};
  if (!data.starts_with(answer_head)) return bad;
  byte_reader r(data.substr(answer_head.size()));
  a.id = r.u64be();
  auto reversed = r.u8();
  auto n = r.uv(lines_max);
  for (; n > 0 && r.ok(); --n) {
    line_item l;
    l.product.value = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
    l.quantity = static_cast<std::int64_t>(r.uv(INT64_MAX));
    if (l.quantity < 1) r.fail();
    a.busy = a.busy || l.product == busy_product;
    a.pieces.push_back(l);
  }
  if (!r.ok() || !r.at_end() || reversed > 1) return bad;
  a.reversed = reversed == 1;
  if (!a.busy) return a;
  if (!a.reversed || a.pieces.size() != 1 || a.pieces.front().quantity != 1) return bad;
  return return_answer{a.id, false, {}, true};
}

}  // namespace tally
