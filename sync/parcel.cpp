#include "sync/parcel.hpp"

#include <algorithm>

#include "storage/sha256.hpp"

namespace tally {
namespace {

constexpr byte_view kind_line = "tallystick parcel v", header = "tallystick parcel v1\n";
constexpr std::size_t chain_bytes_max = 40;

}  // namespace

bool is_carried(const message& m) {
  return std::holds_alternative<want_message>(m) || std::holds_alternative<time_message>(m) ||
         std::holds_alternative<cosign_message>(m) || std::holds_alternative<segment_message>(m);
}

bytes encode_parcel(const parcel& p) {
  invariant(!p.chain.empty() && p.chain.size() <= chain_bytes_max && p.number >= 1 && p.number <= parcel_number_max &&
                p.messages.size() <= parcel_messages_max && std::ranges::all_of(p.messages, is_carried),
            "a parcel within its bounds");
  byte_writer w;
  w.raw(header);
  w.str(p.chain);
  write_writer(w, p.from);
  w.uv(p.to.value);
  w.fixed(p.shipment);
  w.uv(p.number);
  w.u8(p.last ? 1 : 0);
  w.sv(p.written);
  w.uv(p.messages.size());
  for (const auto& m : p.messages)
    w.str(encode_message(m));
  w.fixed(sha256(w.view()));
  return w.take();
}

result<parcel> decode_parcel(byte_view data) {
  if (!data.starts_with(kind_line)) return error{errc::malformed, "this is no parcel of Tallystick"};
  if (!data.starts_with(header)) {
    // A first line that was damaged is not a later version.
    auto rest = data.substr(kind_line.size());
    auto digits = rest.find_first_not_of("0123456789");
    if (digits != rest.npos && digits > 0 && rest[digits] == '\n')
      return error{errc::unsupported, "this parcel was written by a later version"};
    return error{errc::malformed, "this is no parcel of Tallystick"};
  }
  const error damaged{errc::corrupt, "the file is damaged or cut short; copy it again"};
  hash256 sum{};
  if (data.size() > parcel_bytes_max || data.size() < header.size() + sum.size()) return damaged;
  auto body = data.substr(0, data.size() - sum.size());
  byte_reader(data.substr(body.size())).fixed(sum);
  if (sha256(body) != sum) return damaged;

  const error bad{errc::malformed, "the parcel is malformed"};
  byte_reader r(body.substr(header.size()));
  parcel p;
  p.chain = r.str(chain_bytes_max);
  p.from = read_writer(r);
  p.to.value = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  r.fixed(p.shipment);
  p.number = static_cast<std::uint32_t>(r.uv(parcel_number_max));
  auto last = r.u8();
  p.last = last == 1;
  p.written = r.sv();
  auto count = r.uv(parcel_messages_max);
  if (!r.ok() || p.chain.empty() || p.number == 0 || last > 1) return bad;
  for (std::uint64_t i = 0; i < count; ++i) {
    auto text = r.str(message_bytes_max);
    if (!r.ok()) return bad;
    auto m = decode_message(text);
    if (!m || !is_carried(*m)) return bad;
    p.messages.push_back(std::move(*m));
  }
  if (!r.at_end()) return bad;
  return p;
}

}  // namespace tally
