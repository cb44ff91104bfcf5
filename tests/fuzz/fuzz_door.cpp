// What a stranger sends to the door, what a door that is not head office's answers, and records of invitations.
#include "fuzz/fuzz.hpp"
#include "fuzz/trusting.hpp"
#include "node/enrolment.hpp"
#include "node/ticket.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  static const fuzz::trusting all;
  static const ed25519_verifier real;
  (void)read_enrolment_request(in, all);
  (void)read_enrolment_request(in, real);
  static const enrolment_token token{"demo", {"tcp://127.0.0.1:7001"}, {}, {}, {}, {}, 0};
  (void)read_enrolment_answer(in, "question", token, all);
  fuzz::expect(!read_enrolment_answer(in, "question", token, real).ok(), "no key of zeros answers");
  if (auto r = decode_invitation(in)) fuzz::expect(encode(*r) == in, "an invitation is written as it was read");
  if (auto name = parse_receipt_id(in)) fuzz::expect(receipt_id(name->writer, name->seq) == in, "a receipt has one id");
  return 0;
}
