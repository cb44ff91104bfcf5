#include "node/founding.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "devices/driver_fd.hpp"
#include "node/enrolment.hpp"
#include "storage/rocks_kv.hpp"
#include "sync/zmq_door.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

constexpr unix_seconds hq_validity = unix_seconds{20} * 365 * 24 * 3600;

constexpr std::string_view epoch_file = "enrol.epoch";

template <std::size_t N>
bool is_one_of(std::string name, const std::array<std::string_view, N>& list) {
  if (name.ends_with(".new")) name.resize(name.size() - 4);  // a draft
  return std::ranges::find(list, name) != list.end();
}

/// The first thing in the directory that no earlier try of ours made; empty when there is none.
fs::path foreign_file(const data_layout& at, std::error_code& bad) {
  constexpr std::array<std::string_view, 4> key_names{"signing.key", "curve.key", "door.key", "node.secret"};
  constexpr std::array<std::string_view, 2> file_names{"identity.toml", epoch_file};
  std::error_code ignored;
  bool keys = fs::is_directory(at.keys(), ignored) && !fs::is_symlink(at.keys(), ignored);
  for (fs::directory_iterator it(at.root, bad), end; !bad && it != end; it.increment(bad)) {
    auto name = it->path().filename().string();
    if (it->path() == at.keys() && keys) continue;
    // Keys come first, so a database without them is somebody else's.
    if (keys && it->path() == at.db() && (fs::is_empty(at.db(), ignored) || fs::exists(at.db() / "CURRENT", ignored)))
      continue;
    if (keys && it->path() == at.log() && fs::is_empty(at.log(), ignored)) continue;
    if (name == "lost+found" || (it->is_regular_file(ignored) && is_one_of(name, file_names))) continue;
    return it->path();
  }
  if (!keys || bad) return {};
  for (fs::directory_iterator it(at.keys(), bad), end; !bad && it != end; it.increment(bad))
    if (!is_one_of(it->path().filename().string(), key_names)) return it->path();
  return {};
}

status make_own_directory(const fs::path& dir) {
  if (::mkdir(dir.c_str(), 0700) == 0 || errno == EEXIST) return done();
  return error{errc::io, os_error("cannot create " + dir.string(), errno)};
}

status make_data_directory(const data_layout& at) {
  std::error_code bad;
  if (fs::exists(at.identity(), bad))
    return error{errc::not_allowed,
                 at.root.string() + " belongs to a node already; choose an empty directory for a new one"};
  if (!fs::exists(at.root, bad)) {
    auto above = fs::absolute(at.root).lexically_normal();
    if (!above.has_filename()) above = above.parent_path();
    fs::create_directories(above.parent_path(), bad);
    if (bad) return error{errc::io, "cannot create " + above.parent_path().string() + ": " + bad.message()};
    TALLY_TRY(make_own_directory(at.root));  // the database holds what customers did
  }
  if (!fs::is_directory(at.root, bad))
    return error{errc::not_allowed, at.root.string() + " is no directory; nothing was changed"};
  auto foreign = foreign_file(at, bad);
  if (bad) return error{errc::io, "cannot read " + at.root.string() + ": " + bad.message()};
  if (!foreign.empty())
    return error{errc::not_allowed, at.root.string() + " is not empty: there is " + foreign.string() +
                                        "; choose a new or an empty directory. Nothing was changed"};
  // The directory may have been there, open to others: what is made in it is not.
  TALLY_TRY(make_key_directory(at.keys()));
  TALLY_TRY(make_own_directory(at.db()));
  return make_own_directory(at.log());
}

/// For a message: control characters as a question mark.
std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
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
  auto file = at.root / epoch_file;
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

status check_identity(const node_identity& id, const certificate& own) {
  auto differs = [](const char* what, const std::string& here, const std::string& there) {
    return error{errc::corrupt, std::string("identity.toml was changed: it says ") + what + " " + here +
                                    ", and the certificate " + there + "; restore it from the node's backup"};
  };
  if (id.node != own.node) return differs("node", std::to_string(id.node.value), std::to_string(own.node.value));
  if (id.role != own.role) return differs("role", std::string(role_name(id.role)), std::string(role_name(own.role)));
  if (id.name != own.name) return differs("name", '"' + printable(id.name) + '"', '"' + own.name + '"');
  return done();
}

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
                .not_before = std::max<unix_seconds>(0, now - certificate_clock_slack),
                .not_after = now + hq_validity,
                .engine = engine_revision};
  c.signing.fill(1);
  c.curve.fill(1);
  c.epoch.value.fill(1);
  if (auto good = check(c); !good) {  // before anything is made
    auto whole = c;
    whole.chain = "chain";
    if (check(whole))
      return error{errc::bad_config,
                   "chain \"" + printable(plan.chain) + "\" is no name of a chain; it is 1 to 40 of a-z, 0-9 and -"};
    return error{errc::bad_config,
                 "\"" + printable(plan.name) +
                     "\" is no name of a node; it is text of 1 to 60 bytes without control characters"};
  }
  if (plan.passphrase.size() < passphrase_bytes_min)
    return error{errc::not_allowed, "the passphrase of the root key needs at least " +
                                        std::to_string(passphrase_bytes_min) + " characters"};
  std::error_code ignored;
  auto medium = fs::absolute(plan.root_key).parent_path();
  // Not made: what is missing may be the stick, and the key would lie on the wrong disk.
  if (!fs::is_directory(medium, ignored))
    return error{errc::bad_config, "there is no folder " + medium.string() +
                                       " for the root key: mount the medium or make the folder; nothing was made"};
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
  fs::remove(at.root / epoch_file, ignored);
  return made->identity;
}

}  // namespace tally
