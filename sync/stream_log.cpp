#include "sync/stream_log.hpp"

#include <algorithm>
#include <charconv>

#include "sync/entry_walk.hpp"
#include "sync/life_keys.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

std::optional<std::uint32_t> node_number(std::string_view text) {
  std::uint32_t n = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code != std::errc{} || end != text.data() + text.size() || n == 0 || text[0] == '0') return std::nullopt;
  return n;
}

}  // namespace

result<stream_log> stream_log::open(const parts& from, const stream_id& id) {
  stream_log out(from, id);
  auto tip = out.reader_.frontier(id);
  if (!tip) return tip.error();
  out.size_ = tip->size();
  if (out.size_ == 0) return error{errc::not_found, "there is no stream " + stream_name(id) + " here"};
  TALLY_TRY(out.find_key());
  return out;
}

status stream_log::find_key() {
  auto keys = keys_of_held(from_.certificates, id_.writer);
  if (keys.empty())
    return error{errc::not_certified,
                 "no certificate of node " + std::to_string(id_.writer.node.value) + " is held here"};
  key_ = keys.front();
  if (own()) {
    if (from_.own && std::ranges::find(keys, from_.own->key()) != keys.end()) key_ = from_.own->key();
    return done();
  }
  // The epoch does not say which of its writer's keys signed it; the newest head does.
  auto root = root_at(size_, nodes());
  auto sign = reader_.foreign_signature(id_);
  if (!root || !sign) return error{errc::corrupt, "the signed head of " + stream_name(id_) + " cannot be read"};
  for (const auto& key : keys)
    if (verify_checkpoint(from_.certificates.with(), key, {origin(), size_, *root, {}}, *sign)) {
      key_ = key;
      return done();
    }
  return error{errc::corrupt, "the newest head of " + stream_name(id_) + " is not signed by its writer; run the audit"};
}

std::string stream_log::origin() const { return stream_origin(from_.chain, id_); }

node_reader stream_log::nodes() const { return reader_.nodes(id_, {from_.self, {}}); }

result<signed_head> stream_log::head(std::optional<std::uint64_t> at) const {
  auto size = at.value_or(size_);
  if (size == 0 || size > size_)
    return error{errc::not_found, stream_name(id_) + " has a head for each size from 1 to " + std::to_string(size_)};
  auto root = root_at(size, nodes());
  if (!root) return error{errc::corrupt, "the tree of " + stream_name(id_) + ": " + root.error().detail};
  signed_head out{{origin(), size, *root, {}}, {}};
  auto sign = signature_at(out.head);
  if (!sign) return sign.error();
  out.sign = *sign;
  if (!verify_checkpoint(from_.certificates.with(), key_, out.head, out.sign))
    return error{errc::corrupt, "the signature over " + out.head.origin + " at size " + std::to_string(size) +
                                    " does not fit its entries"};
  return out;
}

result<signature> stream_log::signature_at(const checkpoint& head) const {
  if (own()) {
    if (!from_.own)
      return error{errc::not_allowed, "without this node's signing key no head of its own streams can be signed"};
    if (from_.own->key() != key_)
      return error{errc::not_certified, "the signing key is not the one that this node is certified with"};
    return sign_checkpoint(*from_.own, head);
  }
  if (head.size == size_)
    if (auto newest = reader_.foreign_signature(id_)) return *newest;
  auto s = reader_.foreign_segment(id_, head.size - 1);
  if (!s) return s.error();
  if (s->size_after() != head.size)
    return error{errc::not_found, "the writer of " + stream_name(id_) + " signed no head of size " +
                                      std::to_string(head.size) + " that is held here; the next one is " +
                                      std::to_string(s->size_after())};
  return s->sign;
}

std::vector<cosign_message> stream_log::cosignatures(const checkpoint& head) const {
  std::vector<cosign_message> out;
  auto prefix = "c" + stream_key(id_);
  auto c = from_.store.scan(family::meta, prefix);
  for (; c->valid() && c->key().starts_with(prefix) && out.size() < note_signatures_max - 1; c->next()) {
    auto decoded = decode_message(c->value());
    const auto* m = decoded ? std::get_if<cosign_message>(&*decoded) : nullptr;
    if (!m || m->stream != id_ || m->size != head.size || m->root != head.root) continue;
    auto by = cosigner_key(m->by);
    if (by && verify_cosignature(from_.certificates.with(), by->key, head, m->time, m->sign)) out.push_back(*m);
  }
  return out;
}

std::optional<cosign_message> stream_log::newest_cosignature(node_id by) const {
  byte_writer key;
  key.u8('c');
  key.raw(stream_key(id_));
  key.u32be(by.value);
  bytes v;
  if (from_.store.get(family::meta, key.view(), v) != lookup::found) return std::nullopt;
  auto decoded = decode_message(v);
  const auto* m = decoded ? std::get_if<cosign_message>(&*decoded) : nullptr;
  if (!m || m->size == 0 || m->size > size_) return std::nullopt;
  return *m;
}

std::optional<std::uint64_t> stream_log::cosigned_size(node_id by) const {
  const auto newest = newest_cosignature(by);
  return newest ? std::optional(newest->size) : std::nullopt;
}

std::optional<note_key> stream_log::cosigner_key(node_id by) const {
  auto cert = from_.certificates.find(by);
  if (!cert) return std::nullopt;
  return note_key{node_key_name(from_.chain, by), note_algorithm::cosignature_v1, (*cert)->signing};
}

std::string stream_log::note(const signed_head& head, const std::vector<cosign_message>& cosigned) const {
  std::vector<std::string> lines{signature_line(origin(), key_, head.sign)};
  for (const auto& m : cosigned)
    if (auto by = cosigner_key(m.by)) lines.push_back(cosignature_line(by->name, by->key, m.time, m.sign));
  return make_note(checkpoint_body(head.head), lines);
}

result<bytes> stream_log::entry(sequence seq) const {
  if (seq >= size_) return error{errc::not_found, stream_name(id_) + " has entries 0 to " + std::to_string(size_ - 1)};
  return reader_.entry_of(id_, seq, {from_.self, {}});
}

result<merkle_proof> stream_log::inclusion(sequence seq, std::uint64_t size) const {
  return inclusion_proof(seq, size, nodes());
}

result<merkle_proof> stream_log::consistency(std::uint64_t old_size, std::uint64_t size) const {
  return consistency_proof(old_size, size, nodes());
}

std::optional<stream_id> parse_stream_name(std::string_view text, std::string_view chain) {
  auto whole = "tallystick/" + std::string(chain) + "/";
  char between = '.';
  if (text.starts_with(whole)) {
    text.remove_prefix(whole.size());
    between = '/';
  }
  stream_id id;
  auto dot = text.find(between);
  if (dot == text.npos || text.size() < dot + 18 || text[dot + 17] != '/') return std::nullopt;
  auto node = node_number(text.substr(0, dot));
  if (!node || !from_hex(text.substr(dot + 1, 16), id.writer.epoch.value)) return std::nullopt;
  id.writer.node.value = *node;
  auto sub = text.substr(dot + 18);
  if (sub == "directory") {
    id.sub = sub_stream::directory;
  } else if (sub.starts_with("to/")) {
    auto to = node_number(sub.substr(3));
    if (!to) return std::nullopt;
    id.sub = sub_stream::addressed;
    id.to.value = *to;
  } else if (sub != "journal") {
    return std::nullopt;
  }
  return id;
}

}  // namespace tally
