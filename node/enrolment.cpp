#include "node/enrolment.hpp"

#include <chrono>
#include <future>

#include "ledger/closing.hpp"
#include "node/enrolment_wire.hpp"
#include "node/founding.hpp"
#include "storage/kv_state.hpp"

namespace tally {
namespace {

std::uint32_t powers_of(node_role role) {
  if (role == node_role::region) return power::parent;
  return power::trade | power::load | power::refund | power::claim | power::operate;
}

/// Which keys a token was used with. Not a secret.
secret_hash keys_digest(const enrolment_request& r) {
  bytes all(view_of(r.signing));
  all += view_of(r.curve);
  all += view_of(r.epoch.value);
  return hash_enrolment_secret(r.id, all);
}

/// Waits for a callback that comes on another thread; nothing when it does not come in time.
template <class T>
class waiter {
public:
  std::function<void(const T&)> callback() {
    return [state = state_](const T& v) {
      if (!state->told.exchange(true)) state->promise.set_value(v);
    };
  }
  std::optional<T> wait(std::int64_t ms) {
    auto f = state_->promise.get_future();
    if (f.wait_for(std::chrono::milliseconds(ms)) != std::future_status::ready) return std::nullopt;
    return f.get();
  }

private:
  struct shared {
    std::promise<T> promise;
    std::atomic<bool> told{false};
  };
  std::shared_ptr<shared> state_ = std::make_shared<shared>();
};

std::optional<certificate> newest_of(const kv_store& store, node_id node) {
  auto stored = stored_certificate(store, node);
  auto c = stored ? decode_certificate(stored->body) : result<certificate>(errc::not_found);
  return c ? std::optional(std::move(*c)) : std::nullopt;
}

error try_again() { return {errc::busy, "head office did not get it written in time; run the same command again"}; }

}  // namespace

std::vector<entry> hq_first_facts(const signed_certificate& own) {
  entry e;
  e.kind = entry_kind::certify;
  e.blob = encode(own);
  return {e};
}

std::optional<signed_certificate> stored_certificate(const kv_store& store, node_id node) {
  std::optional<signed_certificate> newest;
  auto prefix = certificate_key(node, 0).substr(0, 5);
  for (auto c = store.scan(family::meta, prefix); c->valid() && c->key().starts_with(prefix); c->next())
    if (auto s = decode_signed_certificate(c->value())) newest = std::move(*s);
  return newest;
}

bytes enrolment_desk::answer(byte_view request) {
  std::lock_guard lock(mutex_);
  return make_enrolment_answer(request, parts_.believes.root, parts_.keys, decide(request));
}

result<std::vector<signed_certificate>> enrolment_desk::decide(byte_view request) {
  auto q = read_enrolment_request(request, parts_.with);
  if (!q) return q.error();
  auto refused = [&](std::optional<node_id> invited, error why) { return suspect(*q, invited, std::move(why)); };
  // One refusal for an unknown token and a wrong secret, so that ids cannot be probed.
  error unknown{errc::bad_token, "head office does not know this token; ask for a new one"};
  auto stored = parts_.node.recall(invitation_key(q->id));
  if (!stored) return refused(std::nullopt, unknown);
  auto record = decode_invitation(*stored);
  if (!record) return record.error();
  if (!equal_constant_time(view_of(record->hash), view_of(hash_enrolment_secret(q->id, view_of(q->secret)))))
    return refused(record->what.node, unknown);
  if (record->used && record->used_by != keys_digest(*q))
    return refused(
        record->what.node,
        {errc::bad_token, "this token was used before, by other keys; ask for a new one and find out by whom"});
  if (!record->used) {
    if (parts_.now() >= record->what.expiry)
      return refused(record->what.node, {errc::bad_token, "this token has expired; ask for a new one"});
    TALLY_TRY(use_up(*q, *record));
  }
  TALLY_TRY(publish(q->id, *record));

  std::vector<signed_certificate> out;
  auto hq = stored_certificate(parts_.node.store(), head_office);
  auto own = decode_signed_certificate(record->certificate);
  if (!hq || !own) return error{errc::internal, "head office's own certificate is missing"};
  out = {std::move(*hq), std::move(*own)};
  for (auto p : record->what.parents) {
    if (p == head_office) continue;
    auto c = stored_certificate(parts_.node.store(), p);
    if (!c) return error{errc::internal, "the certificate of parent " + std::to_string(p.value) + " is missing"};
    out.push_back(std::move(*c));
  }
  return out;
}

error enrolment_desk::suspect(const enrolment_request& q, std::optional<node_id> invited, error why) const {
  if (parts_.security) {
    auto whose = invited ? "for node " + std::to_string(invited->value) : std::string("of no invitation");
    auto digest = keys_digest(q);
    parts_.security(why.code, "a refused enrolment with a token " + whose + ", by keys with digest " +
                                  to_hex(view_of(digest).substr(0, 8)) + ": " + why.detail);
  }
  return why;
}

status enrolment_desk::use_up(const enrolment_request& r, invitation_record& record) {
  const auto& w = record.what;
  auto now = parts_.now();
  auto before = newest_of(parts_.node.store(), w.node);
  certificate c{.chain = parts_.believes.chain,
                .node = w.node,
                .name = w.name,
                .role = w.role,
                .parents = w.parents,
                .owner = w.owner != 0 ? w.owner
                         : before     ? before->owner
                                      : 1,
                .powers = powers_of(w.role),
                .signing = r.signing,
                .curve = r.curve,
                .epoch = r.epoch,
                .serial = before ? before->serial + 1 : 1,
                .not_before = std::max<unix_seconds>(0, now - certificate_clock_slack),
                .not_after = now + parts_.validity_s,
                .engine = engine_revision};
  TALLY_TRY(check(c));
  record.used = true;
  record.used_by = keys_digest(r);
  record.certificate = encode(sign_certificate(c, head_office, parts_.keys));
  waiter<bool> written;
  parts_.node.remember(invitation_key(r.id), encode(record), written.callback());
  auto ok = written.wait(parts_.wait_ms_max);
  if (!ok || !*ok) return try_again();
  return done();
}

// A machine that takes a node's place: the keys of the one before open no door from now on, its books are closed, and
// what lay there is head office's to grant anew.
std::vector<entry> enrolment_desk::farewell(const certificate& successor) const {
  auto before = newest_of(parts_.node.store(), successor.node);
  if (!before || before->epoch == successor.epoch) return {};
  durable_state st(parts_.node.store());
  auto record = node_of(st, successor.node);
  entry revoke, close;
  revoke.kind = entry_kind::revoke;
  close.kind = entry_kind::close_epoch;
  revoke.subject.node = close.subject.node = successor.node;
  close.peer = {successor.node, successor.epoch};
  revoke.size = every_entry;  // its keys are void; what it wrote is honest, and may still be under way
  if (record && record->epoch != epoch_id{} && !revoking_of(st, {successor.node, record->epoch}))
    return {revoke, close};
  return {close};
}

// The keys that are to be replaced were certified anew while this certificate was made.
void enrolment_desk::renumber(const token_id& id, invitation_record& record, certificate c) {
  if (auto before = newest_of(parts_.node.store(), c.node)) c.serial = before->serial + 1;
  record.certificate = encode(sign_certificate(c, head_office, parts_.keys));
  waiter<bool> written;
  parts_.node.remember(invitation_key(id), encode(record), written.callback());
  (void)written.wait(parts_.wait_ms_max);
}

status enrolment_desk::publish(const token_id& id, invitation_record& record) {
  entry certify, limits;
  certify.kind = entry_kind::certify;
  certify.blob = record.certificate;
  auto own = decode_signed_certificate(record.certificate);
  auto c = own ? decode_certificate(own->body) : result<certificate>(errc::corrupt);
  if (!c) return error{errc::corrupt, "a stored invitation is damaged"};
  // Written by an earlier question, whose answer was lost; renewed since, perhaps.
  if (auto known = newest_of(parts_.node.store(), c->node); known && known->curve == c->curve) return done();
  limits.kind = entry_kind::limits;
  limits.subject = {c->node, c->epoch};
  limits.limits = record.what.limits;
  waiter<facts_answer> written;
  std::vector<entry> facts = farewell(*c);
  facts.push_back(certify);
  if (c->role == node_role::store) facts.push_back(limits);  // only a store holds value
  parts_.node.facts(std::move(facts), written.callback());
  auto answer = written.wait(parts_.wait_ms_max);
  if (!answer) return try_again();
  if (answer->code == errc::busy) {
    renumber(id, record, *c);
    return try_again();
  }
  if (answer->code != errc::ok) return error{answer->code, answer->detail};
  return done();
}

}  // namespace tally
