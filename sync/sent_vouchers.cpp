#include "sync/sent_vouchers.hpp"

#include "storage/varint.hpp"

namespace tally {
namespace {

constexpr std::uint8_t sent_form = 1;
constexpr std::size_t sent_batch_max = 30;

}  // namespace

bytes encode_sent_voucher(const sent_voucher& v) {
  byte_writer w;
  w.u8(sent_form);
  w.u8(static_cast<std::uint8_t>(v.state));
  w.uv(v.voucher.value);
  w.uv(v.card.value);
  w.uv(v.member.value);
  w.str(v.batch);
  w.uv(v.until);
  w.sv(v.at);
  return w.take();
}

result<sent_voucher> decode_sent_voucher(byte_view data) {
  byte_reader r(data);
  sent_voucher v;
  if (r.u8() != sent_form) r.fail();
  auto state = r.u8();
  if (state == 0 || state >= sent_state_names.size()) r.fail();
  v.state = static_cast<sent_state>(state);
  v.voucher.value = r.uv();
  v.card.value = r.uv();
  v.member.value = r.uv();
  v.batch = r.str(sent_batch_max);
  v.until = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  v.at = r.sv();
  if (!r.ok() || !r.at_end() || v.voucher.value == 0 || v.card.value == 0 || v.member.value == 0)
    return error{errc::corrupt, "a voucher that was sent"};
  return v;
}

void sent_vouchers::put(sent_voucher v) {
  auto& b = batches_[v.batch];
  b.by_member[v.member] = v.voucher;
  b.by_card[v.card] = v.voucher;
  auto voucher = v.voucher;
  kept_.insert_or_assign(voucher, std::move(v));
}

const sent_voucher* sent_vouchers::find(account_id voucher) const {
  auto it = kept_.find(voucher);
  return it == kept_.end() ? nullptr : &it->second;
}

const sent_voucher* sent_vouchers::had(const std::string& batch, account_id member,
                                       std::span<const account_id> cards) const {
  auto b = batches_.find(batch);
  if (b == batches_.end()) return nullptr;
  if (auto it = b->second.by_member.find(member); it != b->second.by_member.end()) return find(it->second);
  for (auto card : cards)
    if (auto it = b->second.by_card.find(card); it != b->second.by_card.end()) return find(it->second);
  return nullptr;
}

std::vector<account_id> sent_vouchers::forget_old(std::uint32_t today, std::size_t max) {
  std::vector<account_id> out;
  for (auto it = kept_.begin(); it != kept_.end() && out.size() < max;) {
    const auto& v = it->second;
    if (v.until == 0 || v.until + kept_days >= today) {
      ++it;
      continue;
    }
    auto b = batches_.find(v.batch);
    b->second.by_member.erase(v.member);
    b->second.by_card.erase(v.card);
    if (b->second.by_member.empty()) batches_.erase(b);
    out.push_back(v.voucher);
    it = kept_.erase(it);
  }
  return out;
}

}  // namespace tally
