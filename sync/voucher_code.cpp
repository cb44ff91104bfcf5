#include "sync/voucher_code.hpp"

#include "storage/varint.hpp"
#include "sync/text.hpp"

namespace tally {
namespace {

constexpr std::string_view mark = "TALLYV2.";
constexpr std::size_t key_hint = 4;

bytes signed_text(std::string_view chain, byte_view body) {
  return bytes("tallystick voucher v1\n").append(chain).append("\n").append(body);
}

}  // namespace

std::string make_voucher_code(const signer& by, std::string_view chain, const voucher_code& code) {
  invariant(code.account.value != 0 && code.face.purse != 0 && code.face.units > 0, "a voucher promises something");
  byte_writer w;
  w.uv(code.account.value);
  w.uv(code.face.purse);
  w.uv(static_cast<std::uint64_t>(code.face.units));
  w.uv(code.face.until);
  w.raw(view_of(by.key()).substr(0, key_hint));
  auto body = w.take();
  const auto sig = by.sign(signed_text(chain, body));
  body.append(view_of(sig));
  return std::string(mark) + to_base64url(body);
}

bool looks_like_voucher_code(std::string_view text) {
  return text.starts_with(mark) && text.size() <= voucher_code_text_max;
}

result<voucher_code> verify_voucher_code(std::string_view text, std::string_view chain, const public_key& key,
                                         const verifier& with) {
  const error bad{errc::malformed, "not the code of a voucher"};
  if (!looks_like_voucher_code(text)) return bad;
  const auto data = from_base64url(text.substr(mark.size()), voucher_code_text_max);
  if (!data) return bad;
  byte_reader r(*data);
  voucher_code out;
  out.account.value = r.uv();
  const auto purse = r.uv(), units = r.uv(), until = r.uv();
  const auto hint = r.raw(key_hint);
  signature sig{};
  r.fixed(sig);
  if (!r.ok() || !r.at_end() || out.account.value == 0 || purse == 0 || purse > purse_id_max || units == 0 ||
      units > static_cast<std::uint64_t>(amount_max) || until > UINT32_MAX)
    return bad;
  out.face = {static_cast<std::uint32_t>(purse), static_cast<amount>(units), static_cast<std::uint32_t>(until)};
  if (hint != view_of(key).substr(0, key_hint))
    return error{errc::bad_signature, "the voucher was signed with a key that is not this chain's head office's"};
  const byte_view body = byte_view(*data).substr(0, data->size() - sig.size());
  if (!with.verify(key, signed_text(chain, body), sig))
    return error{errc::bad_signature, "the voucher's code is forged or damaged"};
  return out;
}

}  // namespace tally
