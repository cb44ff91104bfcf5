#include "node/key_change.hpp"

#include <algorithm>

namespace tally {
namespace {

namespace fs = std::filesystem;

fs::path next_epoch_file(const data_layout& at) { return at.next_keys() / "epoch"; }
fs::path next_signing(const data_layout& at) { return at.next_keys() / "signing.key"; }
fs::path kept_certificate(const data_layout& at) { return at.keys() / "certificate"; }
constexpr std::size_t kept_octets_max = 64 << 10;
fs::path next_curve(const data_layout& at) { return at.next_keys() / "curve.key"; }

fs::path put_aside_name(const fs::path& file, std::uint64_t serial) {
  return file.string() + "." + std::to_string(serial);
}

status rename_file(const fs::path& from, const fs::path& to) {
  std::error_code bad;
  fs::rename(from, to, bad);
  if (bad) return error{errc::io, "cannot rename " + from.string() + " to " + to.string() + ": " + bad.message()};
  return sync_folder(to.parent_path());
}

template <class Key>
result<Key> next_key_in(const fs::path& file, result<Key> (*read)(const fs::path&), Key (*make)(entropy&),
                        entropy& random) {
  auto there = read(file);
  if (there || there.code() != errc::not_found) return there;
  auto fresh = make(random);
  TALLY_TRY(write_key_file(file, fresh));
  return fresh;
}

/// One key's file: the old one is put aside, the new one takes its place.
template <class Key>
status adopt_key_file(const fs::path& next, const fs::path& current, const public_key& wanted, std::uint64_t before,
                      result<Key> (*read)(const fs::path&)) {
  std::error_code ignored;
  if (!fs::exists(next, ignored)) return done();  // did it before
  if (fs::exists(current, ignored)) {
    auto old = read(current);
    if (!old) return old.error();
    if (old->pub != wanted) TALLY_TRY(rename_file(current, put_aside_name(current, before)));
  }
  return rename_file(next, current);
}

}  // namespace

result<next_keys> make_next_keys(const data_layout& at, bool same_door, entropy& random) {
  TALLY_TRY(make_key_directory(at.next_keys()));
  auto curve = same_door ? read_curve_key(at.curve_key())
                         : next_key_in<curve_key>(next_curve(at), read_curve_key, make_curve_key, random);
  if (!curve) return curve.error();
  if (auto text = read_small_file(next_epoch_file(at), 100); !text) {
    if (text.code() != errc::not_found) return text.error();
    epoch_id epoch;
    random.fill(epoch.value);
    TALLY_TRY(write_private_file(next_epoch_file(at), to_hex(view_of(epoch.value))));
  }
  // Last: with it they are complete.
  auto signing = next_key_in<signing_key>(next_signing(at), read_signing_key, make_signing_key, random);
  if (!signing) return signing.error();
  return read_next_keys(at);
}

result<next_keys> read_next_keys(const data_layout& at) {
  auto signing = read_signing_key(next_signing(at));
  if (!signing) return signing.error();
  auto curve = read_curve_key(next_curve(at));
  if (!curve && curve.code() == errc::not_found) curve = read_curve_key(at.curve_key());  // a region keeps its own
  if (!curve) return curve.error();
  auto text = read_small_file(next_epoch_file(at), 100);
  if (!text) return text.error();
  next_keys out;
  if (!from_hex(*text, out.epoch.value))
    return error{errc::corrupt, next_epoch_file(at).string() + " is damaged; remove " + at.next_keys().string() +
                                    " and run 'tallystick rotate-key' again"};
  out.signing = std::make_shared<ed25519_signer>(std::move(*signing));
  out.curve = curve->pub;
  return out;
}

// The CURVE key first: while the signing key lies in `next`, the certificate says that the move is not complete. The
// newest certificate but one may name the new keys too: head office may have moved the node before it heard of them.
status adopt_next_keys(const data_layout& at, const certificate_book& book, node_id self) {
  auto all = book.all_of(self);
  if (all.size() < 2) return done();
  const auto& own = *all.back();
  auto waiting = read_signing_key(next_signing(at));
  if (!waiting && waiting.code() == errc::not_found) return done();
  if (!waiting) return waiting.error();
  if (waiting->pub != own.signing) return done();
  auto before = all[all.size() - 2]->serial;
  if (auto old = read_signing_key(at.signing_key())) {
    auto names = std::find_if(all.rbegin(), all.rend(), [&](const auto* c) { return c->signing == old->pub; });
    if (names != all.rend()) before = (*names)->serial;
  }
  TALLY_TRY(adopt_key_file(next_curve(at), at.curve_key(), own.curve, before, read_curve_key));
  TALLY_TRY(adopt_key_file(next_signing(at), at.signing_key(), own.signing, before, read_signing_key));
  std::error_code ignored;
  fs::remove_all(at.next_keys(), ignored);
  return done();
}

std::map<epoch_id, std::unique_ptr<const signer>> older_keys(const data_layout& at, const certificate_book& book,
                                                             node_id self) {
  std::map<epoch_id, std::unique_ptr<const signer>> out;
  std::map<epoch_id, public_key> newest;
  for (const auto* c : book.all_of(self))
    newest[c->epoch] = c->signing;
  for (const auto* c : book.all_of(self)) {
    auto key = read_signing_key(put_aside_name(at.signing_key(), c->serial));
    if (key && key->pub == newest[c->epoch]) out[c->epoch] = std::make_unique<ed25519_signer>(std::move(*key));
  }
  return out;
}

status keep_certificate(const data_layout& at, const certificate_book& book, node_id self) {
  const auto* own = book.signed_form(self);
  if (!own) return done();
  auto text = to_hex(encode(*own));
  auto there = read_small_file(kept_certificate(at), kept_octets_max);
  if (there && *there == text) return done();
  if (!there && there.code() != errc::not_found) return there.error();
  return write_private_file(kept_certificate(at), text);
}

status read_kept_certificate(const data_layout& at, certificate_book& book) {
  auto there = read_small_file(kept_certificate(at), kept_octets_max);
  if (!there) return there.code() == errc::not_found ? done() : status(there.error());
  bytes form(there->size() / 2, 0);
  if (!from_hex(*there, {reinterpret_cast<std::uint8_t*>(form.data()), form.size()})) return done();
  if (auto c = decode_signed_certificate(form)) (void)book.add(*c);
  return done();
}

}  // namespace tally
