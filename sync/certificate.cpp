#include "sync/certificate.hpp"

#include <algorithm>

#include "storage/varint.hpp"
#include "sync/text.hpp"

namespace tally {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t chain_bytes_max = 40;
constexpr std::size_t name_bytes_max = 60;
constexpr std::size_t parents_max = 8;

bool is_chain_name(std::string_view s) {
  return !s.empty() && s.size() <= chain_bytes_max &&
         std::ranges::all_of(s, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool parents_fit(const certificate& c) {
  const auto& p = c.parents;
  if (c.role == node_role::hq) return p.empty();
  if (p.empty() || p.size() > parents_max || p.back() != head_office) return false;
  auto sorted = p;
  std::ranges::sort(sorted);
  return std::ranges::adjacent_find(sorted) == sorted.end() && std::ranges::find(p, c.node) == p.end() &&
         sorted.front() != node_id{};
}

bool is_zero(std::span<const std::uint8_t> v) {
  return std::ranges::all_of(v, [](std::uint8_t b) { return b == 0; });
}

}  // namespace

status check(const certificate& c) {
  auto bad = [](const char* what) { return error{errc::malformed, std::string("certificate: ") + what}; };
  if (!is_chain_name(c.chain)) return bad("chain name");
  if (c.node.value == 0) return bad("node number");
  if (c.role != node_role::hq && c.role != node_role::region && c.role != node_role::store) return bad("role");
  if ((c.role == node_role::hq) != (c.node == head_office)) return bad("head office is node 1");
  if (c.name.empty() || c.name.size() > name_bytes_max || !is_plain_utf8(c.name) || c.name.find('\x7f') != c.name.npos)
    return bad("name");
  if (!parents_fit(c)) return bad("parents");
  if (is_zero(c.signing) || is_zero(c.curve)) return bad("key");
  if (is_zero(c.epoch.value)) return bad("epoch");
  if (c.not_before < 0 || c.not_after <= c.not_before) return bad("validity");
  return done();
}

bytes encode(const certificate& c) {
  byte_writer w;
  w.u8(version);
  w.str(c.chain);
  w.uv(c.node.value);
  w.str(c.name);
  w.u8(static_cast<std::uint8_t>(c.role));
  w.uv(c.parents.size());
  for (auto p : c.parents)
    w.uv(p.value);
  w.uv(c.owner);
  w.uv(c.powers);
  w.fixed(c.signing);
  w.fixed(c.curve);
  w.fixed(c.epoch.value);
  w.uv(c.serial);
  w.sv(c.not_before);
  w.sv(c.not_after);
  w.uv(c.engine);
  return w.take();
}

result<certificate> decode_certificate(byte_view body) {
  if (!body.empty() && static_cast<std::uint8_t>(body[0]) != version)
    return error{errc::unsupported, "certificate of version " + std::to_string(static_cast<std::uint8_t>(body[0]))};
  byte_reader r(body);
  constexpr std::uint64_t u32_max = 0xffffffff;
  certificate c;
  r.u8();
  c.chain = r.str(chain_bytes_max);
  c.node = node_id{static_cast<std::uint32_t>(r.uv(u32_max))};
  c.name = r.str(name_bytes_max);
  c.role = static_cast<node_role>(r.u8());
  for (auto n = r.uv(parents_max); n > 0 && r.ok(); --n)
    c.parents.push_back(node_id{static_cast<std::uint32_t>(r.uv(u32_max))});
  c.owner = static_cast<std::uint32_t>(r.uv(u32_max));
  c.powers = static_cast<std::uint32_t>(r.uv(u32_max));
  r.fixed(c.signing);
  r.fixed(c.curve);
  r.fixed(c.epoch.value);
  c.serial = r.uv();
  c.not_before = r.sv();
  c.not_after = r.sv();
  c.engine = static_cast<std::uint32_t>(r.uv(u32_max));
  if (!r.at_end()) return error{errc::malformed, "certificate: bytes"};
  TALLY_TRY(check(c));
  if (encode(c) != body) return error{errc::malformed, "certificate: not canonical"};
  return c;
}

bytes encode(const signed_certificate& c) {
  byte_writer w;
  w.str(c.body);
  w.uv(c.issuer.value);
  w.fixed(c.sig);
  return w.take();
}

bytes certificate_key(node_id node, std::uint64_t serial) {
  byte_writer w;
  w.u8('k');
  w.u32be(node.value);
  w.u64be(serial);
  return w.take();
}

result<signed_certificate> decode_signed_certificate(byte_view data) {
  byte_reader r(data);
  signed_certificate c;
  c.body = r.str(certificate_bytes_max);
  c.issuer = node_id{static_cast<std::uint32_t>(r.uv(0xffffffff))};
  r.fixed(c.sig);
  if (!r.at_end()) return error{errc::malformed, "signed certificate: bytes"};
  return c;
}

bytes certificate_message(byte_view body) {
  bytes out = "tallystick certificate v1\n";
  out += body;
  return out;
}

signed_certificate sign_certificate(const certificate& c, node_id issuer, const signer& key) {
  invariant(check(c).ok(), "only a proper certificate is signed");
  signed_certificate out{encode(c), issuer, {}};
  out.sig = key.sign(certificate_message(out.body));
  return out;
}

// -- certificate_book ---------------------------------------------------------

certificate_book::certificate_book(std::string chain, public_key root, const verifier& with)
    : chain_(std::move(chain)), root_(root), with_(&with) {}

status certificate_book::verify_issuer(const certificate& c, const signed_certificate& s) const {
  auto text = certificate_message(s.body);
  if (c.node == head_office) {
    if (s.issuer != root_issuer) return error{errc::not_certified, "head office's certificate needs the root key"};
    if (!with_->verify(root_, text, s.sig)) return error{errc::bad_signature, "root key"};
    return done();
  }
  if (s.issuer != head_office) return error{errc::not_certified, "certificates are issued by head office"};
  auto hq = nodes_.find(head_office);
  if (hq == nodes_.end()) return error{errc::not_certified, "head office's own certificate is missing"};
  auto revoked = revoked_through_.find(head_office);
  // Older keys of head office still count, newest first: a certificate outlives a rotation of the key that signed it.
  for (auto it = hq->second.rbegin(); it != hq->second.rend(); ++it) {
    if (revoked != revoked_through_.end() && it->first <= revoked->second) break;
    if (with_->verify(it->second->cert.signing, text, s.sig)) return done();
  }
  return error{errc::bad_signature, "no key of head office signed this certificate"};
}

result<const certificate*> certificate_book::add(const signed_certificate& s) {
  auto decoded = decode_certificate(s.body);
  if (!decoded) return decoded.error();
  const auto& c = *decoded;
  if (c.chain != chain_) return error{errc::not_certified, "certificate of chain " + c.chain};
  if (auto node = nodes_.find(c.node); node != nodes_.end())
    if (auto same = node->second.find(c.serial); same != node->second.end()) {
      if (same->second->source == s) return &same->second->cert;
      TALLY_TRY(verify_issuer(c, s));
      return error{errc::bad_proof, "two certificates with serial " + std::to_string(c.serial)};
    }
  TALLY_TRY(verify_issuer(c, s));
  for (auto [index, key] : {std::pair{&by_signing_, &c.signing}, std::pair{&by_curve_, &c.curve}})
    if (auto other = index->find(*key); other != index->end() && other->second->cert.node != c.node)
      return error{errc::not_certified, "key of node " + std::to_string(other->second->cert.node.value)};
  if (count_ >= certificates_max) return error{errc::full, "certificates"};

  auto& slot = nodes_[c.node][c.serial];
  slot = std::make_unique<held>(held{c, s});
  ++count_;
  for (auto [index, key] : {std::pair{&by_signing_, &c.signing}, std::pair{&by_curve_, &c.curve}}) {
    auto& entry = (*index)[*key];
    if (entry == nullptr || entry->cert.serial < c.serial) entry = slot.get();
  }
  return &slot->cert;
}

status certificate_book::revoke(const revocation& r) {
  auto [it, fresh] = revocations_.try_emplace(writer_id{r.node, r.epoch}, r);
  if (!fresh && it->second != r) return error{errc::bad_proof, "revoked before at another size"};
  // By serial, so that a certificate that was issued since is untouched, in whichever order the two are read.
  auto& through = revoked_through_[r.node];
  through = std::max(through, r.serial);
  return done();
}

std::vector<public_key> certificate_book::keys_for(const writer_id& w) const {
  std::vector<public_key> named, others, revoked;
  auto node = nodes_.find(w.node);
  if (node == nodes_.end()) return named;
  auto through = revoked_through_.find(w.node);
  for (auto it = node->second.rbegin(); it != node->second.rend(); ++it) {
    const auto& c = it->second->cert;
    bool out = through != revoked_through_.end() && it->first <= through->second;
    auto& list = c.epoch == w.epoch ? named : out ? revoked : others;
    if (std::find(list.begin(), list.end(), c.signing) == list.end()) list.push_back(c.signing);
  }
  return !named.empty() ? named : !others.empty() ? others : revoked;
}

result<const certificate*> certificate_book::find(node_id node) const {
  auto it = nodes_.find(node);
  if (it == nodes_.end()) return error{errc::not_found, "node " + std::to_string(node.value)};
  return &it->second.rbegin()->second->cert;
}

result<const certificate*> certificate_book::find_by_signing_key(const public_key& key) const {
  auto it = by_signing_.find(key);
  if (it == by_signing_.end()) return error{errc::not_found, "signing key"};
  return &it->second->cert;
}

result<const certificate*> certificate_book::find_by_curve_key(const public_key& key) const {
  auto it = by_curve_.find(key);
  if (it == by_curve_.end()) return error{errc::not_found, "curve key"};
  const auto& c = it->second->cert;
  auto revoked = revoked_through_.find(c.node);
  if (revoked != revoked_through_.end() && c.serial <= revoked->second)
    return error{errc::not_certified, "revoked: " + c.name};
  // A node that was away does not know its renewed certificate yet, so the one before still opens a connection.
  auto newest = nodes_.at(c.node).rbegin();
  if (newest->first != c.serial && (++newest)->first != c.serial)
    return error{errc::not_certified, "replaced: " + c.name};
  return &c;
}

bool certificate_book::is_revoked(node_id node) const {
  auto it = nodes_.find(node);
  auto revoked = revoked_through_.find(node);
  return it != nodes_.end() && revoked != revoked_through_.end() && it->second.rbegin()->first <= revoked->second;
}

bool certificate_book::is_revoked_key(const public_key& signing) const {
  auto c = find_by_signing_key(signing);
  if (!c) return false;
  auto revoked = revoked_through_.find((*c)->node);
  return revoked != revoked_through_.end() && (*c)->serial <= revoked->second;
}

std::vector<const certificate*> certificate_book::all_of(node_id node) const {
  std::vector<const certificate*> out;
  if (auto it = nodes_.find(node); it != nodes_.end())
    for (const auto& [serial, h] : it->second)
      out.push_back(&h->cert);
  return out;
}

std::optional<revocation> certificate_book::revocation_of(writer_id writer) const {
  auto it = revocations_.find(writer);
  if (it == revocations_.end()) return std::nullopt;
  return it->second;
}

const signed_certificate* certificate_book::signed_form(node_id node) const {
  auto it = nodes_.find(node);
  return it == nodes_.end() ? nullptr : &it->second.rbegin()->second->source;
}

std::vector<node_id> certificate_book::nodes() const {
  std::vector<node_id> out;
  for (const auto& [node, serials] : nodes_)
    out.push_back(node);
  return out;
}

}  // namespace tally
