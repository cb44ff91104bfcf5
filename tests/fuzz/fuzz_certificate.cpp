#include "fuzz/fuzz.hpp"
#include "sync/certificate.hpp"

using namespace tally;

namespace {

/// Believes every signature, so that what a forger could only dream of is tried as well.
struct trusting final : verifier {
  bool verify(const public_key&, byte_view, const signature&) const override { return true; }
};

}  // namespace

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
  static const trusting all;
  certificate_book book("demo", {}, all);
  auto added = book.add(*s);
  fuzz::expect(!added || book.find((*added)->node).ok(), "what was added is found");
  fuzz::expect(!added || c, "only proper certificates are added");
  return 0;
}
