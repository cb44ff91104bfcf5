#include "sync/card_qr.hpp"

#include <algorithm>

#include "storage/varint.hpp"
#include "sync/medium.hpp"
#include "sync/text.hpp"

namespace tally {

namespace {

constexpr std::string_view mark = "TALLYC1.", mark_with_serial = "TALLYC2.";
static_assert(mark.size() == mark_with_serial.size());
constexpr std::size_t tail_max = 4, key_hint = 4;

bytes signed_text(std::string_view chain, byte_view body, bool serial) {
  bytes out = serial ? "tallystick card v2\n" : "tallystick card v1\n";
  return out.append(chain).append("\n").append(body);
}

bool is_tail(std::string_view tail) {
  return tail.size() <= tail_max &&
         std::all_of(tail.begin(), tail.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); });
}

}  // namespace

std::string make_card_code(const signer& office, std::string_view chain, const card_code& code) {
  invariant(code.account.value != 0 && is_tail(code.tail), "a card's code has an account and a short tail");
  byte_writer w;
  const bool serial = code.serial != 0;
  w.uv(code.account.value);
  if (serial) w.uv(code.serial);
  w.str(code.tail);
  w.raw(view_of(office.key()).substr(0, key_hint));
  auto body = w.take();
  const auto sig = office.sign(signed_text(chain, body, serial));
  body.append(view_of(sig));
  return std::string(serial ? mark_with_serial : mark) + to_base64url(body);
}

bool looks_like_card_code(std::string_view text) {
  return (text.starts_with(mark) || text.starts_with(mark_with_serial)) && text.size() <= card_code_text_max;
}

result<card_code> verify_card_code(std::string_view text, std::string_view chain, const public_key& office,
                                   const verifier& with) {
  const error bad{errc::malformed, "not the code of a card"};
  if (!looks_like_card_code(text)) return bad;
  const auto data = from_base64url(text.substr(mark.size()), card_code_text_max);
  if (!data) return bad;
  byte_reader r(*data);
  card_code out;
  const bool serial = text.starts_with(mark_with_serial);
  out.account.value = r.uv();
  const auto number = serial ? r.uv() : 0;
  out.serial = static_cast<std::uint32_t>(std::min<std::uint64_t>(number, UINT32_MAX));
  out.tail = r.str(tail_max);
  const auto hint = r.raw(key_hint);
  if (!r.ok() || out.account.value == 0 || !is_tail(out.tail) || number > UINT32_MAX || serial != (number != 0))
    return bad;
  signature sig{};
  r.fixed(sig);
  if (!r.ok() || !r.at_end()) return bad;
  if (hint != view_of(office).substr(0, key_hint))
    return error{errc::bad_signature, "the card's code was signed with a key that is not this chain's head office's"};
  const byte_view body = byte_view(*data).substr(0, data->size() - sig.size());
  if (!with.verify(office, signed_text(chain, body, serial), sig))
    return error{errc::bad_signature, "the card's code is forged or damaged"};
  return out;
}

bytes code_medium(std::string_view chain, account_id account, std::uint32_t serial) {
  return medium_of(chain, "code " + std::to_string(account.value) + " " + std::to_string(serial));
}

}  // namespace tally
