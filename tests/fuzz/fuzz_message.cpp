#include "fuzz/fuzz.hpp"
#include "sync/closing_talk.hpp"
#include "sync/code_letter.hpp"
#include "sync/message.hpp"
#include "sync/notice.hpp"
#include "sync/outbox.hpp"
#include "sync/pin_seal.hpp"
#include "sync/return_letter.hpp"
#include "sync/sent_vouchers.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  if (auto q = decode_pin_question(in))
    fuzz::expect(encode_pin_question(*q) == in, "a question about a PIN is written as it was read");
  if (auto a = decode_pin_answer(in))
    fuzz::expect(encode_pin_answer(*a) == in, "an answer about a PIN is written as it was read");
  if (auto q = decode_code_question(in))
    fuzz::expect(encode_code_question(*q) == in, "a question about a code is written as it was read");
  if (auto a = decode_code_answer(in))
    fuzz::expect(encode_code_answer(*a) == in, "an answer about a code is written as it was read");
  if (auto q = decode_return_question(in))
    fuzz::expect(encode_return_question(*q) == in, "a question about goods that came back is written as it was read");
  if (auto a = decode_return_answer(in))
    fuzz::expect(encode_return_answer(*a) == in, "an answer about goods that came back is written as it was read");
  if (auto q = decode_closing_question(in))
    fuzz::expect(encode_closing_question(*q) == in, "a question how far books go is written as it was read");
  if (auto a = decode_closing_answer(in))
    fuzz::expect(encode_closing_answer(*a) == in, "an answer how far books go is written as it was read");
  if (auto m = decode_outbox_message(in))
    fuzz::expect(encode_outbox_message(*m) == in, "a message of the outbox is written as it was read");
  if (auto n = decode_notice(in)) fuzz::expect(encode_notice(*n) == in, "a notice is written as it was read");
  if (auto v = decode_sent_voucher(in))
    fuzz::expect(encode_sent_voucher(*v) == in, "a voucher that was sent is written as it was read");
  static const curve_key office;
  static const pin_pepper pepper;
  const pin_place at{"chain", {17}, 1};
  fuzz::expect(!open_pin_as_office(office, at, in) && !open_pin_as_writer(pepper, at, in), "nothing made up opens");
  auto m = decode_message(in);
  if (!m) return 0;
  const auto* hello = std::get_if<hello_message>(&*m);
  auto written = encode_message(*m);
  bool later = hello && hello->version_max > protocol_version;
  fuzz::expect(later ? in.starts_with(written) : in == written, "a message is written as it was read");
  return 0;
}
