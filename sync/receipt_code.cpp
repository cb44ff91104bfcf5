#include "sync/receipt_code.hpp"

#include <algorithm>

#include "ledger/closing.hpp"
#include "storage/kv_state.hpp"
#include "storage/sha256.hpp"
#include "storage/varint.hpp"
#include "sync/life_keys.hpp"
#include "sync/station.hpp"
#include "sync/text.hpp"

namespace tally {
namespace {

constexpr std::string_view extension_word = "receipt ";

/// Head office's newest cosignature over a journal, if it fits what is stored here.
std::optional<cosign_message> cosignature_that_holds(const stream_log::parts& from, const stream_id& id) {
  const auto log = stream_log::open(from, id);
  if (!log) return std::nullopt;
  const auto newest = log->newest_cosignature(head_office);
  const auto by = log->cosigner_key(head_office);
  if (!newest || !by) return std::nullopt;
  const auto root = root_at(newest->size, log->nodes());
  if (!root) return std::nullopt;
  const bool good = verify_cosignature(from.certificates.with(), by->key, {log->origin(), newest->size, *root, {}},
                                       newest->time, newest->sign);
  return good ? newest : std::nullopt;
}

}  // namespace

receipt_code sign_receipt(const signer& key, std::string_view chain, const writer_id& writer, sequence seq,
                          const hash256& root, byte_view entry) {
  receipt_code out{writer, seq, root, merkle_leaf(entry), {}, {}};
  if (entry.size() <= receipt_entry_max) out.entry = bytes(entry);
  out.sign = sign_checkpoint(key, receipt_head(out, chain));
  return out;
}

std::string to_text(const receipt_code& code) {
  byte_writer w;
  w.uv(code.writer.node.value);
  w.fixed(code.writer.epoch.value);
  w.uv(code.seq);
  w.fixed(code.root);
  w.str(code.entry);
  if (code.entry.empty()) w.fixed(code.leaf);
  w.fixed(code.sign);
  return std::string(receipt_code_mark) + to_base64url(w.view());
}

result<receipt_code> parse_receipt_code(std::string_view text) {
  const error bad{errc::malformed, "not the code of a receipt"};
  if (!text.starts_with(receipt_code_mark) || text.size() > receipt_code_text_max) return bad;
  const auto data = from_base64url(text.substr(receipt_code_mark.size()), receipt_code_text_max);
  if (!data) return bad;
  byte_reader r(*data);
  receipt_code out;
  out.writer.node.value = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  r.fixed(out.writer.epoch.value);
  out.seq = r.uv();
  r.fixed(out.root);
  out.entry = bytes(r.str(receipt_entry_max));
  if (out.entry.empty())
    r.fixed(out.leaf);
  else
    out.leaf = merkle_leaf(out.entry);
  r.fixed(out.sign);
  if (!r.at_end() || out.writer.node.value == 0 || out.seq == ~sequence{0}) return bad;
  return out;
}

checkpoint receipt_head(const receipt_code& code, std::string_view chain) {
  return {stream_origin(chain, code.stream()),
          code.seq + 1,
          code.root,
          {std::string(extension_word) + to_base64(view_of(code.leaf))}};
}

std::string receipt_note(const receipt_code& code, std::string_view chain, const public_key& key) {
  const auto head = receipt_head(code, chain);
  const std::vector<std::string> lines{signature_line(head.origin, key, code.sign)};
  return make_note(checkpoint_body(head), lines);
}

status verify_receipt(const receipt_code& code, std::string_view chain, const public_key& key, const verifier& with) {
  if (verify_checkpoint(with, key, receipt_head(code, chain), code.sign)) return done();
  return {errc::bad_signature, "the receipt's code is forged or damaged: its store did not sign it"};
}

std::string_view receipt_standing_name(receipt_standing s) {
  switch (s) {
    case receipt_standing::cosigned: return "cosigned";
    case receipt_standing::held: return "held";
    case receipt_standing::signed_only: return "signed_only";
    case receipt_standing::other_history: return "other_history";
    case receipt_standing::revoked: return "revoked";
  }
  return "signed_only";
}

void load_certificates_of(node_id node, const kv_store& store, certificate_book& book) {
  for (const auto who : {head_office, node}) {
    const auto first = certificate_key(who, 0);
    const auto prefix = first.substr(0, first.size() - sizeof(std::uint64_t));
    for (auto c = store.scan(family::meta, prefix); c->valid() && c->key().starts_with(prefix); c->next())
      if (auto signed_form = decode_signed_certificate(c->value())) (void)book.add(*signed_form);
  }
  load_revocations(store, book);
}

/// Another machine has the store's place, and whoever has the old disk may have signed this since: what head office
/// held by then was signed before.
static bool may_be_later(const stream_log::parts& from, const receipt_code& c, const public_key& key) {
  const auto good = from.certificates.keys_for(c.writer);
  const bool over = from.certificates.is_revoked_key(key) || std::ranges::find(good, key) == good.end();
  const auto closed = closing_of(durable_state(from.store), c.writer);
  return over && c.seq >= (closed ? closed->size : 0);
}

result<receipt_report> check_receipt(const stream_log::parts& from, std::string_view text) {
  auto code = parse_receipt_code(text);
  if (!code) return code.error();
  receipt_report out;
  out.code = std::move(*code);
  const auto& c = out.code;
  out.entry = c.entry;
  const auto keys = keys_of_held(from.certificates, c.writer);
  const auto cert = from.certificates.find(c.writer.node);
  if (keys.empty() || !cert)
    return error{errc::not_certified,
                 "no certificate of node " + std::to_string(c.writer.node.value) + " is held here"};
  out.store = (*cert)->name;
  const auto signer_of = std::ranges::find_if(
      keys, [&](const public_key& key) { return verify_receipt(c, from.chain, key, from.certificates.with()).ok(); });
  if (signer_of == keys.end()) return verify_receipt(c, from.chain, keys.front(), from.certificates.with()).error();
  out.key = *signer_of;
  const auto r = from.certificates.revocation_of(c.writer);
  if (r && c.seq >= r->size) {
    out.standing = receipt_standing::revoked;
    return out;
  }
  const stream_reader reader(from.store);
  auto tip = reader.frontier(c.stream());
  if (!tip) return tip.error();
  out.entries = tip->size();
  out.standing = receipt_standing::signed_only;
  if (c.seq >= out.entries) {
    if (may_be_later(from, c, out.key)) out.standing = receipt_standing::revoked;
    return out;
  }
  auto data = reader.entry_of(c.stream(), c.seq, {from.self, {}});
  if (!data) return data.error();
  auto root = root_at(c.seq + 1, reader.nodes(c.stream(), {from.self, {}}));
  if (!root) return error{errc::corrupt, root.error().detail};
  if (merkle_leaf(*data) != c.leaf || *root != c.root) {
    out.standing = receipt_standing::other_history;
    return out;
  }
  out.entry = std::move(*data);
  out.standing = receipt_standing::held;
  // What head office holds it has cosigned, and keeps no copy of its own word.
  if (from.self == head_office) out.standing = receipt_standing::cosigned;
  if (auto seen = cosignature_that_holds(from, c.stream())) {
    out.cosigned_at = seen->time;
    if (seen->size > c.seq) out.standing = receipt_standing::cosigned;
  }
  return out;
}

}  // namespace tally
