#include "sync/notice.hpp"

#include "storage/varint.hpp"

namespace tally {
namespace {

constexpr std::uint8_t waiting_form = 1;

bytes card_key_of(std::string_view prefix, account_id card) {
  byte_writer w;
  w.raw(prefix);
  w.u64be(card.value);
  return w.take();
}

}  // namespace

bytes encode_notice(const notice& n) {
  byte_writer w;
  w.u8(waiting_form);
  w.u8(static_cast<std::uint8_t>(n.kind));
  w.uv(n.card.value);
  w.sv(n.at);
  w.uv(n.from);
  w.uv(n.to);
  w.sv(n.fee);
  w.uv(n.day);
  return w.take();
}

result<notice> decode_notice(byte_view data) {
  byte_reader r(data);
  notice n;
  if (r.u8() != waiting_form) r.fail();
  auto kind = r.u8();
  if (kind < 1 || kind > 3) r.fail();
  n.kind = static_cast<notice_kind>(kind);
  n.card.value = r.uv();
  n.at = r.sv();
  n.from = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  n.to = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  n.fee = r.sv();
  n.day = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  if (!r.ok() || !r.at_end() || n.card.value == 0) return error{errc::corrupt, "a notice for a card's member"};
  return n;
}

bytes level_notice_key(account_id card, const epoch_id& epoch, sequence seq) {
  byte_writer w(card_key_of(notice_prefix, card));
  w.fixed(epoch.value);
  w.u64be(seq);
  return w.take();
}

bytes fee_notice_key(account_id card, std::uint32_t month) {
  byte_writer w(card_key_of(notice_prefix, card));
  w.fixed(epoch_id{}.value);
  w.u64be(month);
  return w.take();
}

bytes expiry_notice_key(account_id card, std::uint32_t purse, std::uint32_t month) {
  byte_writer w(card_key_of(notice_prefix, card));
  w.fixed(epoch_id{}.value);
  w.u64be(std::uint64_t{purse} << 32 | month);  // a fee's has no purse
  return w.take();
}

bytes expiry_told_key(account_id card) { return card_key_of("nexpiry-told/", card); }

bytes fee_told_key(account_id card) { return card_key_of("nfee-told/", card); }

}  // namespace tally
