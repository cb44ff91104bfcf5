// What people type and tills return.
#include "fuzz/fuzz.hpp"
#include "sync/card_qr.hpp"
#include "sync/receipt_code.hpp"
#include "sync/token.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  if (auto t = parse_enrolment_token(in)) {
    auto text = to_text(*t);
    fuzz::expect(in.find(text) != in.npos, "a token is written as it was read");
    (void)check_expiry(*t, 0);
  }
  static const node_secret secret;
  if (auto mark = verify_rollback_token(secret, in))
    fuzz::expect(make_rollback_token(secret, *mark) == in, "a mark has one text");
  if (hash_pairing_code(secret, in)) fuzz::expect(in.size() >= 6 && in.size() <= 16, "a code has six digits");
  static const ed25519_signer office(signing_key_from_seed(std::array<std::uint8_t, 32>{1}));
  if (auto code = verify_card_code(in, "fuzz", office.key(), ed25519_verifier()))
    fuzz::expect(make_card_code(office, "fuzz", *code) == in, "a card's code has one text");
  if (auto code = parse_receipt_code(in)) {
    fuzz::expect(to_text(*code) == in, "a receipt's code has one text");
    fuzz::expect(!verify_receipt(*code, "fuzz", office.key(), ed25519_verifier()).ok(), "nobody signed it");
  }
  (void)hash_bearer_token(in);
  return 0;
}
