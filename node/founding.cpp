#include "node/founding.hpp"

#include <sys/stat.h>

#include <chrono>

#include "node/enrolment.hpp"
#include "storage/rocks_kv.hpp"
#include "sync/zmq_door.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

constexpr unix_seconds hq_validity = unix_seconds{20} * 365 * 24 * 3600;
constexpr unix_seconds clock_slack = 24 * 3600;

status make_data_directory(const data_layout& at) {
  std::error_code bad;
  if (fs::exists(at.identity(), bad))
    return error{errc::not_allowed,
                 at.root.string() + " belongs to a node already; choose an empty directory for a new one"};
  fs::create_directories(at.root, bad);
  if (bad) return error{errc::io, "cannot create " + at.root.string() + ": " + bad.message()};
  // The database holds what customers did.
  if (::chmod(at.root.c_str(), 0700) != 0)
    return error{errc::io, "cannot restrict " + at.root.string() + " to its owner"};
  return make_key_directory(at.keys());
}

/// The key in `file`, or a new one written there. An earlier try may have made it.
template <class Key>
result<Key> key_in(const fs::path& file, result<Key> (*read)(const fs::path&), Key (*make)(entropy&), entropy& random) {
  auto there = read(file);
  if (there || there.code() != errc::not_found) return there;
  auto fresh = make(random);
  TALLY_TRY(write_key_file(file, fresh));
  return fresh;
}

struct node_keys {
  signing_key signing;
  curve_key curve;
};

result<node_keys> make_node_keys(const data_layout& at, entropy& random) {
  auto signing = key_in<signing_key>(at.signing_key(), read_signing_key, make_signing_key, random);
  if (!signing) return signing.error();
  auto curve = key_in<curve_key>(at.curve_key(), read_curve_key, make_curve_key, random);
  if (!curve) return curve.error();
  auto secret = key_in<node_secret>(at.secret(), read_node_secret, make_node_secret, random);
  if (!secret) return secret.error();
  return node_keys{std::move(*signing), std::move(*curve)};
}

status store_certificates(const data_layout& at, const std::vector<signed_certificate>& list) {
  auto store = open_rocks(at.db(), {.create = true});
  if (!store) return store.error();
  kv_batch batch;
  for (const auto& s : list) {
    auto c = decode_certificate(s.body);
    if (!c) return c.error();
    batch.put(family::meta, certificate_key(c->node, c->serial), encode(s));
  }
  return (*store)->commit(batch, true);
}

/// The epoch that the first question named, so that a repeated one is the same question.
result<epoch_id> first_epoch(const data_layout& at, entropy& random) {
  auto file = at.root / "enrol.epoch";
  epoch_id epoch;
  auto text = read_small_file(file, 100);
  if (text) {
    if (!from_hex(*text, epoch.value))
      return error{errc::corrupt, file.string() +
                                      " is damaged; begin with an empty "
                                      "directory and a new token"};
    return epoch;
  }
  if (text.code() != errc::not_found) return text.error();
  random.fill(epoch.value);
  TALLY_TRY(write_private_file(file, to_hex(view_of(epoch.value))));
  return epoch;
}

result<bytes> knock(const enrolment_token& token, const bytes& question, std::int64_t ms_max) {
  result<bytes> answer = error{errc::offline, "the token names no door"};
  for (const auto& door : token.endpoints) {
    answer = door_call(door, token.door, question, std::chrono::milliseconds(ms_max));
    if (answer) break;
  }
  if (!answer && answer.code() == errc::offline)
    return error{errc::offline, "head office's door at " + token.endpoints.front() +
                                    " does not answer; check that head office runs with link.door set and that this "
                                    "machine reaches it, then run the same command again"};
  if (!answer && answer.code() == errc::timeout)
    return error{errc::timeout, "head office took the question and did not answer; run the same command again"};
  return answer;
}

}  // namespace

result<node_identity> found_head_office(const head_office_plan& plan, unix_seconds now, entropy& random) {
  data_layout at{plan.data_dir};
  certificate c{.chain = plan.chain,
                .node = head_office,
                .name = plan.name,
                .role = node_role::hq,
                .parents = {},
                .owner = 1,
                .powers = power::parent,
                .signing = {},
                .curve = {},
                .epoch = {},
                .serial = 1,
                .not_before = std::max<unix_seconds>(0, now - clock_slack),
                .not_after = now + hq_validity,
                .engine = engine_revision};
  c.signing.fill(1);
  c.curve.fill(1);
  c.epoch.value.fill(1);
  TALLY_TRY(check(c));  // chain and name, before anything is made
  if (plan.passphrase.size() < passphrase_bytes_min)
    return error{errc::not_allowed, "the passphrase of the root key needs at least " +
                                        std::to_string(passphrase_bytes_min) + " characters"};
  std::error_code ignored;
  if (fs::exists(plan.root_key, ignored))
    return error{errc::not_allowed, plan.root_key.string() + " exists; a root key is never overwritten"};
  TALLY_TRY(make_data_directory(at));
  auto keys = make_node_keys(at, random);
  if (!keys) return keys.error();
  auto door = key_in<curve_key>(at.door_key(), read_curve_key, make_curve_key, random);
  if (!door) return door.error();

  auto root = make_signing_key(random);
  TALLY_TRY(write_sealed_file(plan.root_key, sealed_kind::root_key, seed_of(root), plan.passphrase, random, plan.cost));
  c.signing = keys->signing.pub;
  c.curve = keys->curve.pub;
  random.fill(c.epoch.value);
  node_identity id{{plan.chain, root.pub}, head_office, node_role::hq, plan.name, c.epoch};
  TALLY_TRY(store_certificates(at, {sign_certificate(c, root_issuer, ed25519_signer(std::move(root)))}));
  TALLY_TRY(write_identity(plan.data_dir, id));
  return id;
}

result<node_identity> enrol_node(const fs::path& data_dir, const std::string& token_text, unix_seconds now,
                                 entropy& random, std::int64_t door_ms_max) {
  auto token = parse_enrolment_token(token_text);
  if (!token) return token.error();
  TALLY_TRY(check_expiry(*token, now));
  data_layout at{data_dir};
  TALLY_TRY(make_data_directory(at));
  auto keys = make_node_keys(at, random);
  if (!keys) return keys.error();
  auto epoch = first_epoch(at, random);
  if (!epoch) return epoch.error();

  ed25519_signer own(keys->signing.clone());
  auto question = make_enrolment_request(*token, own, keys->curve.pub, *epoch);
  auto answer = knock(*token, question, door_ms_max);
  if (!answer) return answer.error();
  auto made = read_enrolment_answer(*answer, question, *token, ed25519_verifier{});
  if (!made) return made.error();
  TALLY_TRY(store_certificates(at, made->certificates));
  TALLY_TRY(write_identity(data_dir, made->identity));
  std::error_code ignored;
  fs::remove(at.root / "enrol.epoch", ignored);
  return made->identity;
}

}  // namespace tally
