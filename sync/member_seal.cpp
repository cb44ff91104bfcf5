#include "sync/member_seal.hpp"

#include <sodium.h>

#include "storage/entry_codec.hpp"
#include "storage/varint.hpp"

namespace tally {
namespace {

// The length of the box is padded, so that a name does not show by its number of letters.
constexpr std::size_t padding = 128;
constexpr std::uint8_t question_tag = 1, answer_tag = 2;

unsigned char* raw(bytes& b) { return reinterpret_cast<unsigned char*>(b.data()); }
const unsigned char* raw(byte_view b) { return reinterpret_cast<const unsigned char*>(b.data()); }

bytes place_text(const seal_place& at) {
  byte_writer w;
  w.raw("tallystick member v1\n");
  w.str(at.chain);
  w.uv(at.member.value);
  write_writer(w, at.writer);
  w.uv(at.number);
  return w.take();
}

hash256 commit(const member_key& key, byte_view place, byte_view text) {
  hash256 out{};
  crypto_generichash_state st;
  crypto_generichash_init(&st, key.data(), 32, out.size());
  crypto_generichash_update(&st, raw(place), place.size());
  crypto_generichash_update(&st, raw(text), text.size());
  crypto_generichash_final(&st, out.data(), out.size());
  return out;
}

void wipe_text(bytes& b) { wipe({reinterpret_cast<std::uint8_t*>(b.data()), b.size()}); }

}  // namespace

member_key make_member_key(entropy& source) {
  member_key k;
  source.fill(k.span());
  return k;
}

bytes seal_member(const member_key& key, const seal_place& at, const member_change& c, entropy& source) {
  auto text = encode_change(c);
  auto place = place_text(at);
  sealed_profile s;
  source.fill(s.nonce);
  s.commitment = commit(key, place, text);
  // A length before the text, then zeros up to a multiple of `padding`.
  byte_writer w;
  w.str(text);
  auto padded = w.take();
  padded.resize((padded.size() + padding - 1) / padding * padding, '\0');
  s.box.resize(padded.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES);
  crypto_aead_xchacha20poly1305_ietf_encrypt(raw(s.box), nullptr, raw(byte_view(padded)), padded.size(),
                                             raw(byte_view(place)), place.size(), nullptr, s.nonce.data(), key.data());
  invariant(s.box.size() <= sealed_profile_max, "a profile that passed its check fits");
  wipe_text(padded);
  wipe_text(text);
  return encode_sealed(s);
}

result<member_change> open_member(const member_key& key, const seal_place& at, byte_view blob) {
  auto s = decode_sealed(blob);
  if (!s) return s.error();
  constexpr auto tag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
  const error bad{errc::bad_proof, "sealed data of member " + std::to_string(at.member.value) + " does not open here"};
  if (s->box.size() < tag) return bad;
  auto place = place_text(at);
  bytes padded(s->box.size() - tag, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(raw(padded), nullptr, nullptr, raw(byte_view(s->box)), s->box.size(),
                                                 raw(byte_view(place)), place.size(), s->nonce.data(), key.data()) != 0)
    return bad;
  byte_reader r(padded);
  auto text = r.str(sealed_profile_max);
  if (!r.ok()) return error{errc::malformed, "a member's record"};
  if (!equal_constant_time(view_of(commit(key, place, text)), view_of(s->commitment))) return bad;
  auto out = decode_change(text);
  wipe_text(padded);
  return out;
}

bytes seal_letter(const curve_key& from, const public_key& to, byte_view text, entropy& source) {
  std::array<std::uint8_t, crypto_box_NONCEBYTES> nonce{};
  source.fill(nonce);
  auto key = from.shared->with(from.secret, to);
  if (!key) return {};
  bytes box(text.size() + crypto_box_MACBYTES, '\0');
  if (crypto_box_easy_afternm(raw(box), raw(text), text.size(), nonce.data(), key->data()) != 0) return {};
  return bytes(view_of(nonce)) + box;
}

std::optional<bytes> open_letter(const curve_key& to, const public_key& from, byte_view sealed) {
  constexpr std::size_t least = crypto_box_NONCEBYTES + crypto_box_MACBYTES;
  if (sealed.size() < least) return std::nullopt;
  auto box = sealed.substr(crypto_box_NONCEBYTES);
  auto key = to.shared->with(to.secret, from);
  if (!key) return std::nullopt;
  bytes text(sealed.size() - least, '\0');
  if (crypto_box_open_easy_afternm(raw(text), raw(box), box.size(), raw(sealed), key->data()) != 0) return std::nullopt;
  return text;
}

bytes encode_question(const lease_question& q) {
  byte_writer w;
  w.u8(question_tag);
  w.u64be(q.id);
  w.uv(q.card.value);
  w.uv(q.member.value);
  w.u8(q.open ? 1 : 0);
  w.uv(q.version);
  return w.take();
}

result<lease_question> decode_question(byte_view data) {
  byte_reader r(data);
  lease_question q;
  if (r.u8() != question_tag) r.fail();
  q.id = r.u64be();
  q.card.value = r.uv();
  q.member.value = r.uv();
  auto open = r.u8();
  q.version = r.uv();
  if (!r.at_end() || open > 1 || (q.card.value == 0) == (q.member.value == 0))
    return error{errc::malformed, "a question for a member's key"};
  q.open = open == 1;
  return q;
}

bytes encode_answer(const lease_answer& a) {
  byte_writer w;
  w.u8(answer_tag);
  w.u64be(a.id);
  w.uv(static_cast<std::uint64_t>(a.code));
  w.uv(a.member.value);
  w.uv(a.version);
  w.uv(a.published);
  w.sv(a.until);
  w.sv(a.now);
  w.fixed(a.key);
  w.str(a.blob);
  return w.take();
}

result<lease_answer> decode_answer(byte_view data) {
  byte_reader r(data);
  lease_answer a;
  if (r.u8() != answer_tag) r.fail();
  a.id = r.u64be();
  a.code = static_cast<errc>(r.uv(static_cast<std::uint64_t>(errc_last)));
  a.member.value = r.uv();
  a.version = r.uv();
  a.published = r.uv();
  a.until = r.sv();
  a.now = r.sv();
  r.fixed(a.key);
  a.blob = r.str(blob_max);
  if (!r.at_end()) return error{errc::malformed, "an answer with a member's key"};
  return a;
}

}  // namespace tally
