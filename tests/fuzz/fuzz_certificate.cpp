#include "fuzz/fuzz.hpp"
#include "fuzz/trusting.hpp"
#include "sync/certificate.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  if (auto c = decode_certificate(in)) fuzz::expect(encode(*c) == in, "a certificate is written as it was read");
  auto s = decode_signed_certificate(in);
  if (!s) return 0;
  fuzz::expect(encode(*s) == in, "a signed certificate is written as it was read");
  auto c = decode_certificate(s->body);
  if (c) {
    fuzz::expect(encode(*c) == s->body, "a certificate is written as it was read");
    fuzz::expect(check(*c).ok(), "what decodes is proper");
  }
  static const fuzz::trusting all;
  certificate_book book("demo", {}, all);
  auto added = book.add(*s);
  fuzz::expect(!added || book.find((*added)->node).ok(), "what was added is found");
  fuzz::expect(!added || c, "only proper certificates are added");
  return 0;
}
