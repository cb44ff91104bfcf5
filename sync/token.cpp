#include "sync/token.hpp"

#include <sodium.h>

#include "storage/varint.hpp"
#include "sync/text.hpp"

namespace tally {
namespace {

constexpr std::string_view token_prefix = "tally1.";
constexpr std::size_t checksum_bytes = 4;
constexpr std::size_t token_bytes_max = 1200;
constexpr std::size_t chain_bytes_max = 40, endpoints_max = 4, endpoint_bytes_max = 200;
constexpr std::size_t mac_bytes = 16;

const unsigned char* octets(byte_view v) { return reinterpret_cast<const unsigned char*>(v.data()); }

bytes checksum(byte_view data) {
  std::array<std::uint8_t, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), octets(data), data.size());
  return bytes(view_of(hash).substr(0, checksum_bytes));
}

/// BLAKE2b of a purpose and a message, so that one secret's hash is never another's. Keyed when `key` is not null.
template <std::size_t Size>
std::array<std::uint8_t, Size> hash_for(std::string_view purpose, byte_view message, const node_secret* key) {
  bytes in(purpose);
  in += '\n';
  in += message;
  std::array<std::uint8_t, Size> out{};
  crypto_generichash(out.data(), out.size(), octets(in), in.size(), key ? key->data() : nullptr, key ? 32 : 0);
  sodium_memzero(in.data(), in.size());
  return out;
}

std::array<std::uint8_t, mac_bytes> rollback_mac(const node_secret& secret, byte_view mark) {
  return hash_for<mac_bytes>("tallystick rollback token v1", mark, &secret);
}

std::string_view trim(std::string_view s) {
  constexpr std::string_view space = " \t\r\n";
  auto first = s.find_first_not_of(space);
  return first == s.npos ? std::string_view{} : s.substr(first, s.find_last_not_of(space) - first + 1);
}

}  // namespace

// -- enrolment -----------------------------------------------------------------

void draw(enrolment_token& token, entropy& source) {
  source.fill(token.id);
  source.fill(token.secret);
}

std::string to_text(const enrolment_token& t) {
  invariant(!t.chain.empty() && t.chain.size() <= chain_bytes_max, "a token names its chain");
  invariant(!t.endpoints.empty() && t.endpoints.size() <= endpoints_max, "a token has one to four doors");
  byte_writer w;
  w.str(t.chain);
  w.uv(t.endpoints.size());
  for (const auto& e : t.endpoints) {
    invariant(!e.empty() && e.size() <= endpoint_bytes_max, "a door has an address");
    w.str(e);
  }
  w.fixed(t.door);
  w.fixed(t.hq);
  w.fixed(t.id);
  w.fixed(t.secret);
  w.sv(t.expiry);
  w.raw(checksum(w.view()));
  return std::string(token_prefix) + to_base64url(w.view());
}

result<enrolment_token> parse_enrolment_token(std::string_view text) {
  auto bad = [](const char* what) { return error{errc::bad_token, what}; };
  text = trim(text);
  if (!text.starts_with(token_prefix)) return bad("an enrolment token begins with \"tally1.\"");
  auto data = from_base64url(text.substr(token_prefix.size()), token_bytes_max);
  if (!data || data->size() <= checksum_bytes)
    return bad("the token is cut off or holds characters that do not belong");
  auto payload = byte_view(*data).substr(0, data->size() - checksum_bytes);
  if (byte_view(*data).substr(payload.size()) != checksum(payload))
    return bad("the token was mistyped or cut off: its check sum does not fit");
  byte_reader r(payload);
  enrolment_token t;
  t.chain = r.str(chain_bytes_max);
  for (auto n = r.uv(endpoints_max); n > 0 && r.ok(); --n)
    t.endpoints.emplace_back(r.str(endpoint_bytes_max));
  r.fixed(t.door);
  r.fixed(t.hq);
  r.fixed(t.id);
  r.fixed(t.secret);
  t.expiry = r.sv();
  if (!r.at_end() || t.chain.empty() || !is_plain_utf8(t.chain) || t.endpoints.empty())
    return bad("the token does not decode");
  for (const auto& e : t.endpoints)
    if (e.empty() || !is_plain_utf8(e)) return bad("the token does not decode");
  return t;
}

status check_expiry(const enrolment_token& token, unix_seconds now) {
  if (now < token.expiry) return done();
  return error{errc::bad_token, "the enrolment token has expired; ask head office for a new one"};
}

secret_hash hash_enrolment_secret(const token_id& id, byte_view secret) {
  bytes both(view_of(id));
  both += secret;
  return hash_for<32>("tallystick enrolment secret v1", both, nullptr);
}

// -- rollback ------------------------------------------------------------------

std::string make_rollback_token(const node_secret& secret, const rollback_mark& mark) {
  byte_writer w;
  w.fixed(mark.epoch.value);
  w.u64be(mark.seq);
  w.fixed(rollback_mac(secret, w.view()));
  return to_base64url(w.view());
}

std::optional<rollback_mark> verify_rollback_token(const node_secret& secret, std::string_view token) {
  auto data = from_base64url(token, 16 + mac_bytes);
  if (!data || data->size() != 16 + mac_bytes) return std::nullopt;
  auto mac = rollback_mac(secret, byte_view(*data).substr(0, 16));
  if (!equal_constant_time(view_of(mac), byte_view(*data).substr(16))) return std::nullopt;
  byte_reader r(*data);
  rollback_mark mark;
  r.fixed(mark.epoch.value);
  mark.seq = r.u64be();
  return mark;
}

// -- tills ---------------------------------------------------------------------

std::string make_pairing_code(entropy& source) {
  constexpr std::uint32_t codes = 1'000'000;
  constexpr std::uint32_t fair = 0xffffffffu / codes * codes;  // above it, the low codes would be more frequent
  std::uint32_t draw = fair;
  while (draw >= fair) {
    std::array<std::uint8_t, 4> random{};
    source.fill(random);
    draw = byte_reader(view_of(random)).u32be();
  }
  auto digits = std::to_string(draw % codes + codes).substr(1);
  return digits.substr(0, 3) + '-' + digits.substr(3);
}

std::optional<secret_hash> hash_pairing_code(const node_secret& secret, std::string_view code) {
  if (code.size() > 16) return std::nullopt;
  std::string digits;
  for (char c : code) {
    if (c == '-' || c == ' ') continue;
    if (c < '0' || c > '9') return std::nullopt;
    digits += c;
  }
  if (digits.size() != 6) return std::nullopt;
  return hash_for<32>("tallystick pairing code v1", digits, &secret);
}

std::string make_bearer_token(entropy& source) {
  std::array<std::uint8_t, 24> random{};
  source.fill(random);
  auto text = to_base64url(view_of(random));
  wipe(random);
  return text;
}

secret_hash hash_bearer_token(std::string_view token) {
  return hash_for<32>("tallystick bearer token v1", token, nullptr);
}

}  // namespace tally
