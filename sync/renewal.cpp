#include "sync/renewal.hpp"

#include <algorithm>

#include "storage/varint.hpp"

namespace tally {
namespace {

/// How long a certificate is good from when it was made.
unix_seconds life_of(const certificate& c) {
  return std::max<unix_seconds>(c.not_after - c.not_before - certificate_clock_slack, 0);
}

}  // namespace

unix_seconds renewal_due(const certificate& c) { return c.not_after - life_of(c) / 3; }
unix_seconds renewal_allowed(const certificate& c) { return c.not_after - life_of(c) / 2; }
unix_seconds renewal_alarm(const certificate& c) {
  return c.not_after - std::min<unix_seconds>(30 * 86'400, life_of(c) / 10);
}

bytes renewal_text(std::string_view chain, const renew_message& m) {
  byte_writer w;
  w.raw("tallystick renewal v1\n");
  w.str(chain);
  w.uv(m.node.value);
  w.uv(m.serial);
  w.fixed(m.signing);
  w.fixed(m.curve);
  w.fixed(m.epoch.value);
  return w.take();
}

renew_message make_renewal(std::string_view chain, const certificate& own, const signer& key, const next_keys* next) {
  renew_message m{own.node, own.serial, own.signing, own.curve, own.epoch, {}, {}};
  if (next) {
    m.signing = next->signing->key();
    m.curve = next->curve;
    m.epoch = next->epoch;
  }
  auto text = renewal_text(chain, m);
  m.by_old = key.sign(text);
  m.by_new = next ? next->signing->sign(text) : m.by_old;
  return m;
}

bool keeps_keys(const certificate& now, const renew_message& m) {
  return m.signing == now.signing && m.curve == now.curve && m.epoch == now.epoch;
}

status check_renewal(std::string_view chain, const certificate& now, const renew_message& m, const verifier& with) {
  if (m.node != now.node || m.serial != now.serial) return error{errc::bad_proof, "of another certificate"};
  // The nodes below find a region by its door's key, so it keeps that one.
  const bool door = (m.curve == now.curve) == (now.role == node_role::region);
  const bool all_new = m.signing != now.signing && door && m.epoch != now.epoch;
  if (!all_new && !keeps_keys(now, m)) return error{errc::bad_proof, "new keys come together, with an epoch"};
  auto text = renewal_text(chain, m);
  if (!with.verify(now.signing, text, m.by_old)) return error{errc::bad_signature, "by the key that it has"};
  if (!with.verify(m.signing, text, m.by_new)) return error{errc::bad_signature, "by the key that it wants"};
  return done();
}

}  // namespace tally
