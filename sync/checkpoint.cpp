#include "sync/checkpoint.hpp"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "storage/varint.hpp"
#include "sync/text.hpp"

namespace tally {
namespace {

constexpr std::string_view dash = "\xe2\x80\x94 ";  // U+2014, space
constexpr std::size_t signature_bytes = 64;
constexpr std::string_view cosignature_header = "cosignature/v1";

bool is_line(std::string_view s) { return !s.empty() && is_plain_utf8(s); }

/// The next line without its newline, or nothing if the text does not end with one.
std::optional<std::string_view> take_line(std::string_view& text) {
  auto end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::string line_of(const note_key& key, byte_view blob) {
  invariant(is_key_name(key.name), "a signature line has a key name");
  byte_writer w;
  w.u32be(key_id(key));
  w.raw(blob);
  return std::string(dash) + key.name + ' ' + to_base64(w.view()) + '\n';
}

std::optional<note_signature> parse_line(std::string_view line) {
  if (!line.starts_with(dash)) return std::nullopt;
  line.remove_prefix(dash.size());
  auto space = line.find(' ');
  if (space == line.npos || !is_key_name(line.substr(0, space))) return std::nullopt;
  auto data = from_base64(line.substr(space + 1), note_bytes_max);
  if (!data || data->size() < 5) return std::nullopt;
  byte_reader r(*data);
  auto id = r.u32be();
  return note_signature{std::string(line.substr(0, space)), id, bytes(r.raw(r.remaining()))};
}

signature to_signature(byte_view v) {
  signature sig{};
  std::memcpy(sig.data(), v.data(), sig.size());
  return sig;
}

/// Whether `sig` holds over `body` under `key`; the time of a cosignature goes to `time`.
bool holds(const note_signature& sig, std::string_view body, const note_key& key, const verifier& with,
           std::optional<unix_seconds>& time) {
  if (key.algorithm == note_algorithm::ed25519)
    return sig.blob.size() == signature_bytes && with.verify(key.key, body, to_signature(sig.blob));
  if (sig.blob.size() != 8 + signature_bytes) return false;
  byte_reader r(sig.blob);
  auto at = r.u64be();
  if (at > static_cast<std::uint64_t>(std::numeric_limits<unix_seconds>::max())) return false;
  time = static_cast<unix_seconds>(at);
  return with.verify(key.key, cosignature_message(body, *time), to_signature(r.raw(signature_bytes)));
}

}  // namespace

bool is_key_name(std::string_view name) {
  return is_line(name) && name.size() <= origin_bytes_max && name.find('+') == name.npos && !has_unicode_space(name);
}

std::string checkpoint_body(const checkpoint& head) {
  invariant(is_line(head.origin) && head.origin.size() <= origin_bytes_max, "an origin is one short line");
  auto out = head.origin + '\n' + std::to_string(head.size) + '\n' + to_base64(view_of(head.root)) + '\n';
  for (const auto& line : head.extensions) {
    invariant(is_line(line), "an extension is one line");
    out += line + '\n';
  }
  return out;
}

result<checkpoint> parse_checkpoint_body(std::string_view body) {
  const error bad{errc::malformed, "not a checkpoint"};
  if (body.size() > note_bytes_max) return bad;
  auto rest = body;
  auto origin = take_line(rest), size = take_line(rest), root = take_line(rest);
  if (!origin || !size || !root || !is_line(*origin) || origin->size() > origin_bytes_max) return bad;
  checkpoint out;
  out.origin = *origin;
  auto [end, code] = std::from_chars(size->data(), size->data() + size->size(), out.size);
  if (code != std::errc{} || end != size->data() + size->size()) return bad;
  auto hash = from_base64(*root, out.root.size());
  if (!hash || hash->size() != out.root.size()) return bad;
  std::memcpy(out.root.data(), hash->data(), hash->size());
  while (!rest.empty()) {
    auto line = take_line(rest);
    if (!line || !is_line(*line) || out.extensions.size() == extensions_max) return bad;
    out.extensions.emplace_back(*line);
  }
  if (checkpoint_body(out) != body) return bad;  // leading zeroes of the size
  return out;
}

signature sign_checkpoint(const signer& key, const checkpoint& head) {
  // Every other text that a node key signs begins with a line that has a space, or with the cosignature's header, so
  // no checkpoint can be read as one of those.
  invariant(is_key_name(head.origin) && head.origin != cosignature_header, "an origin that we sign is a key name");
  return key.sign(checkpoint_body(head));
}

bool verify_checkpoint(const verifier& with, const public_key& key, const checkpoint& head, const signature& sig) {
  return is_key_name(head.origin) && head.origin != cosignature_header &&
         std::ranges::all_of(head.extensions, is_line) && with.verify(key, checkpoint_body(head), sig);
}

std::string cosignature_message(std::string_view body, unix_seconds time) {
  std::string out(cosignature_header);
  out += "\ntime " + std::to_string(time) + '\n';
  out += body;
  return out;
}

signature sign_cosignature(const signer& key, const checkpoint& head, unix_seconds time) {
  invariant(time > 0, "a cosignature has a time");
  return key.sign(cosignature_message(checkpoint_body(head), time));
}

bool verify_cosignature(const verifier& with, const public_key& key, const checkpoint& head, unix_seconds time,
                        const signature& sig) {
  return time > 0 && is_line(head.origin) && head.origin.size() <= origin_bytes_max &&
         std::ranges::all_of(head.extensions, is_line) &&
         with.verify(key, cosignature_message(checkpoint_body(head), time), sig);
}

std::uint32_t key_id(const note_key& key) {
  byte_writer w;
  w.raw(key.name);
  w.u8('\n');
  w.u8(static_cast<std::uint8_t>(key.algorithm));
  w.fixed(key.key);
  std::array<std::uint8_t, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(w.view().data()), w.size());
  return byte_reader(view_of(hash)).u32be();
}

std::string verifier_key(const note_key& key) {
  byte_writer id, body;
  id.u32be(key_id(key));
  body.u8(static_cast<std::uint8_t>(key.algorithm));
  body.fixed(key.key);
  return key.name + '+' + to_hex(id.view()) + '+' + to_base64(body.view());
}

result<note_key> parse_verifier_key(std::string_view text) {
  const error bad{errc::malformed, "not a verifier key"};
  auto first = text.find('+');
  if (first == text.npos) return bad;
  auto second = text.find('+', first + 1);
  if (second == text.npos) return bad;
  note_key out;
  out.name = text.substr(0, first);
  auto data = from_base64(text.substr(second + 1), 33);
  if (!is_key_name(out.name) || !data || data->size() != 33) return bad;
  byte_reader r(*data);
  auto algorithm = r.u8();
  if (algorithm != 1 && algorithm != 4) return bad;
  out.algorithm = static_cast<note_algorithm>(algorithm);
  r.fixed(out.key);
  if (verifier_key(out) != text) return bad;  // covers the key id
  return out;
}

std::string signature_line(std::string_view name, const public_key& key, const signature& sig) {
  return line_of({std::string(name), note_algorithm::ed25519, key}, view_of(sig));
}

std::string cosignature_line(std::string_view name, const public_key& key, unix_seconds time, const signature& sig) {
  invariant(time > 0, "a cosignature has a time");
  byte_writer w;
  w.u64be(static_cast<std::uint64_t>(time));
  w.fixed(sig);
  return line_of({std::string(name), note_algorithm::cosignature_v1, key}, w.view());
}

std::string make_note(std::string_view body, std::span<const std::string> lines) {
  invariant(body.ends_with('\n') && !lines.empty(), "a note has a text and a signature");
  std::string out(body);
  out += '\n';
  for (const auto& line : lines)
    out += line;
  return out;
}

result<note> parse_note(std::string_view text) {
  const error bad{errc::malformed, "not a signed note"};
  if (text.size() > note_bytes_max || !is_plain_utf8(text, true) || !text.ends_with('\n')) return bad;
  auto blank = text.rfind("\n\n");
  if (blank == text.npos) return bad;
  note out;
  out.body = text.substr(0, blank + 1);
  auto rest = text.substr(blank + 2);
  while (!rest.empty()) {
    auto sig = parse_line(*take_line(rest));
    if (!sig || out.signatures.size() == note_signatures_max) return bad;
    out.signatures.push_back(std::move(*sig));
  }
  if (out.signatures.empty()) return bad;
  return out;
}

result<std::vector<verified_signature>> verify_note(const note& text, std::span<const note_key> keys,
                                                    const verifier& with) {
  std::vector<verified_signature> held;
  for (const auto& sig : text.signatures) {
    auto key = std::ranges::find_if(keys, [&](const note_key& k) { return k.name == sig.name && key_id(k) == sig.id; });
    if (key == keys.end()) continue;
    auto index = static_cast<std::size_t>(key - keys.begin());
    if (std::ranges::any_of(held, [&](const auto& h) { return h.key_index == index; })) continue;
    verified_signature v{index, std::nullopt};
    if (!holds(sig, text.body, *key, with, v.time)) return error{errc::bad_signature, "signature of " + sig.name};
    held.push_back(v);
  }
  if (held.empty()) return error{errc::bad_signature, "no signature of a known key"};
  return held;
}

}  // namespace tally
