#include "sync/code_letter.hpp"

#include "ledger/money.hpp"
#include "storage/varint.hpp"

namespace tally {
namespace {

constexpr std::uint8_t code_question_tag = 5, code_answer_tag = 6;

bool begins(byte_view data, std::uint8_t tag) {
  return !data.empty() && static_cast<std::uint8_t>(data.front()) == tag;
}

}  // namespace

bytes encode_code_question(const code_question& q) {
  byte_writer w;
  w.u8(code_question_tag);
  w.u64be(q.id);
  w.uv(q.account.value);
  w.sv(q.up_to);
  return w.take();
}

result<code_question> decode_code_question(byte_view data) {
  byte_reader r(data);
  code_question q;
  if (r.u8() != code_question_tag) r.fail();
  q.id = r.u64be();
  q.account.value = r.uv();
  q.up_to = r.sv();
  if (!r.ok() || !r.at_end() || q.account.value == 0 || q.up_to < 0 || q.up_to > amount_max)
    return error{errc::malformed, "a question for a one-time code"};
  return q;
}

bytes encode_code_answer(const code_answer& a) {
  byte_writer w;
  w.u8(code_answer_tag);
  w.u64be(a.id);
  w.uv(static_cast<std::uint64_t>(a.code));
  w.uv(a.number);
  w.uv(a.seconds);
  w.str(a.ends_in);
  w.fixed(a.verifier.salt);
  w.fixed(a.verifier.hash);
  return w.take();
}

result<code_answer> decode_code_answer(byte_view data) {
  byte_reader r(data);
  code_answer a;
  if (r.u8() != code_answer_tag) r.fail();
  a.id = r.u64be();
  a.code = static_cast<errc>(r.uv(static_cast<std::uint64_t>(errc_last)));
  a.number = r.uv(INT64_MAX);
  a.seconds = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  a.ends_in = r.str(code_ends_in_max);
  r.fixed(a.verifier.salt);
  r.fixed(a.verifier.hash);
  if (!r.ok() || !r.at_end() || (a.code == errc::ok && a.number == 0))
    return error{errc::malformed, "an answer about a one-time code"};
  return a;
}

bool is_code_question(byte_view data) { return begins(data, code_question_tag); }
bool is_code_answer(byte_view data) { return begins(data, code_answer_tag); }

}  // namespace tally
