#include "sync/pin_seal.hpp"

#include <sodium.h>

#include <algorithm>

#include "storage/varint.hpp"

namespace tally {
namespace {

constexpr std::uint8_t question_tag = 3, answer_tag = 4;
constexpr unsigned long long hash_passes = 3;
constexpr std::size_t hash_memory = 4U << 20;
constexpr std::size_t box_max = 200;
constexpr byte_view letter_head = "tallypin";

unsigned char* raw(bytes& b) { return reinterpret_cast<unsigned char*>(b.data()); }
const unsigned char* raw(byte_view b) { return reinterpret_cast<const unsigned char*>(b.data()); }
void wipe_text(bytes& b) { wipe({reinterpret_cast<std::uint8_t*>(b.data()), b.size()}); }

template <std::size_t Size>
std::array<std::uint8_t, Size> keyed(const pin_pepper& pepper, byte_view text) {
  std::array<std::uint8_t, Size> out{};
  crypto_generichash(out.data(), out.size(), raw(text), text.size(), pepper.data(), 32);
  return out;
}

bytes place_text(const pin_place& at) {
  byte_writer w;
  w.raw("tallystick pin v1\n");
  w.str(at.chain);
  w.uv(at.account.value);
  w.uv(at.version);
  return w.take();
}

bytes verifier_text(const pin_verifier& v) { return bytes(view_of(v.salt)) + bytes(view_of(v.hash)); }

result<pin_verifier> verifier_in(byte_view text) {
  byte_reader r(text);
  pin_verifier v;
  r.fixed(v.salt);
  r.fixed(v.hash);
  if (!r.ok() || !r.at_end()) return error{errc::malformed, "a PIN's verifier"};
  return v;
}

// libsodium's crypto_box_seal with octets that come through the port, so that a run can be replayed; opened by
// crypto_box_seal_open.
bytes sealed_box(const public_key& to, byte_view text, entropy& source) {
  std::array<std::uint8_t, crypto_box_SEEDBYTES> seed{};
  source.fill(seed);
  std::array<std::uint8_t, crypto_box_PUBLICKEYBYTES> once{};
  secret_octets<32> secret;
  crypto_box_seed_keypair(once.data(), secret.span().data(), seed.data());
  wipe(seed);
  bytes both = bytes(view_of(once)) + bytes(view_of(to));
  std::array<std::uint8_t, crypto_box_NONCEBYTES> nonce{};
  crypto_generichash(nonce.data(), nonce.size(), raw(byte_view(both)), both.size(), nullptr, 0);
  bytes box(text.size() + crypto_box_MACBYTES, '\0');
  if (crypto_box_easy(raw(box), raw(text), text.size(), nonce.data(), to.data(), secret.data()) != 0) return {};
  return bytes(view_of(once)) + box;
}

struct two_boxes {
  byte_view office, own;
};
std::optional<two_boxes> boxes_in(byte_view blob) {
  byte_reader r(blob);
  two_boxes b;
  b.office = r.str(box_max);
  b.own = r.str(box_max);
  if (!r.ok() || !r.at_end()) return std::nullopt;
  return b;
}

}  // namespace

std::optional<std::array<std::uint8_t, 32>> argon2_pin_hasher::hash(std::string_view pin,
                                                                    const std::array<std::uint8_t, 16>& salt) const {
  static_assert(crypto_pwhash_SALTBYTES == 16);
  std::lock_guard lock(one_);
  std::array<std::uint8_t, 32> out{};
  if (crypto_pwhash(out.data(), out.size(), pin.data(), pin.size(), salt.data(), hash_passes, hash_memory,
                    crypto_pwhash_ALG_ARGON2ID13) != 0)
    return std::nullopt;
  return out;
}

std::optional<bool> fits(const pin_verifier& v, std::string_view pin, const pin_hasher& with) {
  auto h = with.hash(pin, v.salt);
  if (!h) return std::nullopt;
  return equal_constant_time(view_of(*h), view_of(v.hash));
}

pin_pepper pepper_of(const node_secret& secret) {
  pin_pepper out;
  constexpr byte_view what = "tallystick pin pepper v1";
  crypto_generichash(out.span().data(), 32, raw(what), what.size(), secret.data(), 32);
  return out;
}

std::array<std::uint8_t, 16> salt_of(const pin_pepper& pepper, account_id account, std::uint32_t terminal,
                                     std::uint64_t counter) {
  byte_writer w;
  w.raw("salt\n");
  w.uv(account.value);
  w.uv(terminal);
  w.uv(counter);
  return keyed<16>(pepper, w.take());
}

bytes digest_of(const pin_pepper& pepper, const pin_verifier& v) {
  return bytes(view_of(keyed<16>(pepper, "request\n" + verifier_text(v))));
}

bytes seal_own_pin(const pin_pepper& pepper, const pin_place& at, const pin_verifier& v, entropy& source) {
  std::array<std::uint8_t, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES> nonce{};
  source.fill(nonce);
  auto text = verifier_text(v);
  auto place = place_text(at);
  bytes box(text.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES, '\0');
  crypto_aead_xchacha20poly1305_ietf_encrypt(raw(box), nullptr, raw(byte_view(text)), text.size(),
                                             raw(byte_view(place)), place.size(), nullptr, nonce.data(), pepper.data());
  wipe_text(text);
  return bytes(view_of(nonce)) + box;
}

result<pin_verifier> open_own_pin(const pin_pepper& pepper, const pin_place& at, byte_view sealed) {
  constexpr std::size_t nonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
                        tag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
  const error bad{errc::bad_proof, "a PIN's verifier does not open here"};
  if (sealed.size() < nonce + tag) return bad;
  auto box = sealed.substr(nonce);
  auto place = place_text(at);
  bytes text(box.size() - tag, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(raw(text), nullptr, nullptr, raw(box), box.size(),
                                                 raw(byte_view(place)), place.size(), raw(sealed), pepper.data()) != 0)
    return bad;
  auto v = verifier_in(text);
  wipe_text(text);
  return v;
}

bytes seal_pin(const public_key& office, const pin_pepper& pepper, const pin_place& at, const pin_verifier& v,
               entropy& source) {
  byte_writer text;
  text.str(place_text(at));
  text.raw(verifier_text(v));
  auto plain = text.take();
  byte_writer w;
  w.str(sealed_box(office, plain, source));
  w.str(seal_own_pin(pepper, at, v, source));
  wipe_text(plain);
  return w.take();
}

result<pin_verifier> open_pin_as_office(const curve_key& office, const pin_place& at, byte_view blob) {
  auto boxes = boxes_in(blob);
  if (!boxes || boxes->office.size() < crypto_box_SEALBYTES) return error{errc::malformed, "a sealed PIN"};
  bytes text(boxes->office.size() - crypto_box_SEALBYTES, '\0');
  if (crypto_box_seal_open(raw(text), raw(boxes->office), boxes->office.size(), office.pub.data(),
                           office.secret.data()) != 0)
    return error{errc::bad_proof, "a sealed PIN does not open with head office's PIN key"};
  byte_reader r(text);
  auto place = r.str(box_max);
  pin_verifier v;
  r.fixed(v.salt);
  r.fixed(v.hash);
  bool good = r.ok() && r.at_end() && place == place_text(at);
  wipe_text(text);
  if (!good) return error{errc::bad_proof, "a sealed PIN of another card"};
  return v;
}

result<pin_verifier> open_pin_as_writer(const pin_pepper& pepper, const pin_place& at, byte_view blob) {
  auto boxes = boxes_in(blob);
  if (!boxes) return error{errc::malformed, "a sealed PIN"};
  return open_own_pin(pepper, at, boxes->own);
}

bytes encode_pin_question(const pin_question& q) {
  byte_writer w;
  w.u8(question_tag);
  w.u64be(q.id);
  w.uv(q.account.value);
  w.uv(q.version);
  return w.take();
}

result<pin_question> decode_pin_question(byte_view data) {
  byte_reader r(data);
  pin_question q;
  if (r.u8() != question_tag) r.fail();
  q.id = r.u64be();
  q.account.value = r.uv();
  q.version = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  if (!r.ok() || !r.at_end() || q.account.value == 0 || q.version == 0)
    return error{errc::malformed, "a question for a PIN's verifier"};
  return q;
}

bytes encode_pin_answer(const pin_answer& a) {
  byte_writer w;
  w.u8(answer_tag);
  w.u64be(a.id);
  w.uv(static_cast<std::uint64_t>(a.code));
  w.fixed(a.verifier.salt);
  w.fixed(a.verifier.hash);
  return w.take();
}

result<pin_answer> decode_pin_answer(byte_view data) {
  byte_reader r(data);
  pin_answer a;
  if (r.u8() != answer_tag) r.fail();
  a.id = r.u64be();
  a.code = static_cast<errc>(r.uv(static_cast<std::uint64_t>(errc_last)));
  r.fixed(a.verifier.salt);
  r.fixed(a.verifier.hash);
  if (!r.ok() || !r.at_end()) return error{errc::malformed, "an answer with a PIN's verifier"};
  return a;
}

bytes as_pin_letter(byte_view sealed) { return bytes(letter_head) + bytes(sealed); }

std::optional<byte_view> pin_letter(byte_view body) {
  if (!body.starts_with(letter_head)) return std::nullopt;
  return body.substr(letter_head.size());
}

}  // namespace tally
