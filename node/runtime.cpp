#include "node/runtime.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "actors/system.hpp"
#include "node/admin.hpp"
#include "node/code_office.hpp"
#include "node/config_text.hpp"
#include "node/device_config.hpp"
#include "node/founding.hpp"
#include "node/http_server.hpp"
#include "node/identity.hpp"
#include "node/key_change.hpp"
#include "node/logging.hpp"
#include "node/member_carrier.hpp"
#include "node/member_worker.hpp"
#include "node/mirror_stick.hpp"
#include "node/pin_desk.hpp"
#include "node/pin_office.hpp"
#include "node/receipt_config.hpp"
#include "node/terminal.hpp"
#include "storage/rocks_kv.hpp"
#include "storage/upgrade.hpp"
#include "sync/driver_keyfile.hpp"
#include "sync/driver_keyslots.hpp"
#include "sync/entropy_sodium.hpp"
#include "sync/member_desk.hpp"
#include "sync/member_office.hpp"
#include "sync/receipt_signer.hpp"
#include "sync/zmq_door.hpp"

namespace tally {
namespace {

constexpr int exit_recover = 75;

unix_seconds wall_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}
tick_ms tick_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Everything of one running node, in the order in which it is made; it ends in the opposite order.
struct running_node {
  data_layout layout;
  node_identity identity;
  std::unique_ptr<node_log> log;
  std::unique_ptr<kv_store> store;
  ed25519_verifier verifier;
  std::unique_ptr<certificate_book> certificates;
  std::unique_ptr<ed25519_signer> signer;
  curve_key curve, door_key;
  std::map<epoch_id, std::unique_ptr<const tally::signer>> older;
  std::optional<next_keys> next;
  node_secret secret;
  receipt_layout layout_of_receipts;
  std::unique_ptr<receipt_signer> receipts;
  system_entropy random;
  std::unique_ptr<node_system> system;
  std::unique_ptr<live_mirror> mirror;
  std::unique_ptr<admin_context> admin;
  std::unique_ptr<member_carrier> carrier;
  std::unique_ptr<member_service> members;
  argon2_pin_hasher hasher;
  std::unique_ptr<pin_desk> pins;
  std::unique_ptr<pin_office> pin_keys;
  std::unique_ptr<code_office> codes;
  std::unique_ptr<enrolment_desk> desk;
  std::unique_ptr<zmq_door> door;
  std::unique_ptr<http_server> http;
};

/// What the last process on this directory left: a port that may be another program's by now, and a token for it.
void forget_last_life(const data_layout& at) {
  std::error_code ignored;
  std::filesystem::remove(at.http_address(), ignored);
  std::filesystem::remove(at.admin_token(), ignored);
}

/// Keys that head office has certified take the place of the old ones; those that wait for it are asked for on.
status take_new_keys(running_node& n) {
  TALLY_TRY(read_kept_certificate(n.layout, *n.certificates));
  TALLY_TRY(adopt_next_keys(n.layout, *n.certificates, n.identity.node));
  TALLY_TRY(keep_certificate(n.layout, *n.certificates, n.identity.node));
  n.older = older_keys(n.layout, *n.certificates, n.identity.node);
  auto next = read_next_keys(n.layout);
  if (next) n.next = std::move(*next);
  return next || next.code() == errc::not_found ? done() : status(next.error());
}

status open_data(running_node& n, const node_config& config) {
  n.layout.root = config.node.data_dir;
  auto identity = read_identity(n.layout.root);
  if (!identity && identity.code() == errc::not_found)
    return at_setting(config, "node.data_dir", identity.error().detail);
  if (!identity) return identity.error();
  n.identity = std::move(*identity);
  auto log = node_log::open(n.layout.log(), config.node.log_level);
  if (!log) return log.error();
  n.log = std::move(*log);
  auto store = open_rocks(n.layout.db(), {.create = true, .read_only = false});
  if (!store) return store.error();
  n.store = std::move(*store);
  auto brought = upgrade(*n.store);
  if (!brought) return error{brought.code(), n.layout.db().string() + ": " + brought.error().detail};
  if (brought->from != brought->to)
    n.log->info("the data was brought from form " + std::to_string(brought->from) + " to " +
                std::to_string(brought->to) + (brought->resumed ? ", after a start that was cut off" : ""));
  n.certificates = std::make_unique<certificate_book>(n.identity.believes.chain, n.identity.believes.root, n.verifier);
  load_certificates(*n.store, *n.certificates);
  TALLY_TRY(take_new_keys(n));
  auto signing = read_signing_key(n.layout.signing_key());
  if (!signing) return at_file(n.layout.signing_key(), signing.error());
  n.signer = std::make_unique<ed25519_signer>(std::move(*signing));
  auto curve = read_curve_key(n.layout.curve_key());
  if (!curve) return at_file(n.layout.curve_key(), curve.error());
  n.curve = std::move(*curve);
  auto secret = read_node_secret(n.layout.secret());
  if (!secret) return at_file(n.layout.secret(), secret.error());
  n.secret = std::move(*secret);
  forget_last_life(n.layout);
  auto own = n.certificates->find(n.identity.node);
  if (!own)
    return error{errc::not_certified, "no certificate of this node under the root of " + n.layout.identity().string() +
                                          " is in " + n.layout.db().string()};
  // Where another machine has this node's number by now, its own certificate is an older one: it stays readable.
  own = n.certificates->find_by_signing_key(n.signer->key());
  if (!own || (*own)->node != n.identity.node || (*own)->curve != n.curve.pub)
    return error{errc::not_certified,
                 "the keys in " + n.layout.keys().string() + " do not fit this node's certificate"};
  if (auto fits = check_identity(n.identity, **own); !fits) return at_file(n.layout.identity(), fits.error());
  if (n.identity.role == node_role::hq) {
    auto door = read_curve_key(n.layout.door_key());
    if (!door) return at_file(n.layout.door_key(), door.error());
    n.door_key = std::move(*door);
  }
  return done();
}

result<system_options> make_options(running_node& n, const node_config& config) {
  system_options o;
  o.station.chain = n.identity.believes.chain;
  o.station.self = n.identity.node;
  o.station.role = n.identity.role;
  o.station.customer_wait_ms = static_cast<std::uint32_t>(config.ledger.customer_wait_ms);
  o.station.reserve_bytes = static_cast<std::uint64_t>(config.ledger.reserve_mb) << 20;
  o.first_epoch = n.identity.first_epoch;
  o.station.certificate_s = config.network.certificate_days * 86'400;
  o.station.next = n.next;
  for (const auto& [epoch, key] : n.older)
    o.older_keys[epoch] = key.get();
  o.new_keys = [] { ::kill(::getpid(), SIGUSR2); };  // run_node waits for it
  o.exposure_days = config.network.exposure_days;
  o.station.close_wait_ms = config.network.close_wait_hours * 3'600'000;
  if (config.ledger.used_lost != "ask")
    o.station.used_lost = config.ledger.used_lost == "chain" ? ruling_outcome::stands : ruling_outcome::owed;
  o.station.used_lost_wait_ms = config.ledger.used_lost_minutes * 60'000;
  o.station.quarantine_after = static_cast<std::uint64_t>(config.network.quarantine_after);
  o.station.doubt_days = static_cast<std::uint32_t>(config.network.doubt_days);
  o.station.notice_levels = config.notice.levels;
  o.station.notice_expiry_days = static_cast<std::uint32_t>(config.notice.expiry_days);
  o.station.notice_fee_days = static_cast<std::uint32_t>(config.notice.fee_days);
  o.station.sweep = {config.sweep.quiet_minutes * 60'000, config.sweep.dust, config.sweep.transit_max};
  if (config.link.skip == "goods") o.station.skips = topic_goods;
  if (o.station.skips != 0 && n.identity.role != node_role::store)
    return at_setting(config, "link.skip", "only a store skips goods; those above need the whole directory");
  o.listen_endpoint = config.link.listen;
  o.heartbeat = std::chrono::milliseconds(config.link.heartbeat_ms);
  o.batch = std::chrono::milliseconds(config.link.batch_ms);
  o.octets_per_month = static_cast<std::uint64_t>(config.link.month_mb) * 1'000'000;
  o.quiet = std::chrono::seconds(config.link.quiet_s);
  // What waits at each node on the way there and back is not missing yet.
  o.station.batch_ms = config.link.batch_ms;
  o.station.cosign_wait_ms += 4 * config.link.batch_ms;
  o.parent_endpoint = config.link.parent;
  if (!config.link.parent.empty()) {
    const auto* own = *n.certificates->find(n.identity.node);
    if (own->parents.empty()) return at_setting(config, "link.parent", "head office has no parent");
    auto parent = n.certificates->find(own->parents.front());
    if (!parent) return error{errc::not_certified, "the certificate of the parent is not known here"};
    o.parent = (*parent)->node;
    o.parent_key = (*parent)->curve;
    o.detour_endpoint = config.link.head_office;
    o.head_office_key = (*n.certificates->find(head_office))->curve;
    if (!o.detour_endpoint.empty()) o.station.detour_after_ms = config.link.silent_s * 1'000;
  }
  o.devices = make_devices(config, n.layout_of_receipts);
  auto* log = n.log.get();
  o.log = [log](errc code, const std::string& text) { log->problem(code, text); };
  o.fatal = [log](const std::string& why) {
    log->fatal("the disk failed: " + why + ". The node stops; start it again and it recovers from its ledger.");
    std::_Exit(exit_recover);  // nothing may be answered any more, so nothing is unwound
  };
  o.wall = wall_now;
  o.tick = tick_now;
  return o;
}

/// Head office certifies itself in its own directory before anything else.
void write_first_facts(running_node& n) {
  if (n.identity.role != node_role::hq || n.system->snapshot()->entries > 1) return;
  auto own = stored_certificate(*n.store, n.identity.node);
  if (!own) return;
  n.system->facts(hq_first_facts(*own), [log = n.log.get()](const facts_answer& a) {
    if (a.code != errc::ok) log->problem(a.code, "head office's first entries: " + a.detail);
  });
}

/// New at each start, so that one which went astray is worth nothing afterwards.
result<std::string> admin_token(running_node& n) {
  auto token = make_bearer_token(n.random);
  TALLY_TRY(write_private_file(n.layout.admin_token(), token));
  return token;
}

status start_door(running_node& n, const node_config& config) {
  if (config.link.door.empty()) return done();
  if (n.identity.role != node_role::hq) return at_setting(config, "link.door", "only head office enrols nodes");
  n.desk = std::make_unique<enrolment_desk>(enrolment_desk::parts{
      .node = *n.system,
      .keys = *n.signer,
      .with = n.verifier,
      .believes = n.identity.believes,
      .now = wall_now,
      .validity_s = config.network.certificate_days * 86'400,
      .security = [log = n.log.get()](errc code, const std::string& text) { log->problem(code, text); }});
  auto door = zmq_door::start(config.link.door, n.door_key, [&n](bytes request) { return n.desk->answer(request); });
  if (!door) return at_setting(config, "link.door", "cannot listen on " + door.error().detail);
  n.door = std::move(*door);
  return done();
}

/// From the certificate that the store holds now, so that a renewed key counts at once.
std::optional<public_key> head_office_key(const running_node& n) {
  auto stored = stored_certificate(*n.store, head_office);
  if (!stored) return std::nullopt;
  certificate_book book(n.identity.believes.chain, n.identity.believes.root, n.verifier);
  auto own = book.add(*stored);
  return own ? std::optional((*own)->signing) : std::nullopt;
}

/// The code that a receipt of the current epoch gets. What an earlier life of this node wrote is not signed for again:
/// head office may have closed it at another size.
std::string prove_receipt(const running_node& n, const writer_id& writer, sequence seq) {
  if (writer != n.system->snapshot()->self) return {};
  const auto code = n.receipts->sign(writer, seq);
  return code ? to_text(*code) : std::string();
}

result<receipt_report> check_code(const running_node& n, std::string_view text) {
  const auto& believes = n.identity.believes;
  certificate_book book(believes.chain, believes.root, n.verifier);
  if (const auto code = parse_receipt_code(text)) load_certificates_of(code->writer.node, *n.store, book);
  return check_receipt({*n.store, book, nullptr, believes.chain, n.identity.node}, text);
}

error http_error(const node_config& config, const error& e) {
  if (e.detail.starts_with("cannot listen on ")) return at_setting(config, "http.listen", e.detail);
  if (e.detail.starts_with("no till.html in ")) return at_setting(config, "http.web_dir", e.detail);
  return e;
}

/// Whom this node writes letters to: head office to its stores, a store to head office. From the certificates that the
/// store holds now, so that a renewed key counts at once and a revoked one no more.
std::optional<public_key> letter_key(const running_node& n, node_id node) {
  certificate_book book(n.identity.believes.chain, n.identity.believes.root, n.verifier);
  load_certificates_of(head_office, *n.store, book);
  if (node != head_office) load_certificates_of(node, *n.store, book);
  load_revocations(*n.store, book);
  auto found = book.find(node);
  if (!found || book.is_revoked(node)) return std::nullopt;
  const auto wanted = n.identity.role == node_role::hq ? node_role::store : node_role::hq;
  return (*found)->role == wanted ? std::optional((*found)->curve) : std::nullopt;
}

status start_members(running_node& n) {
  if (n.identity.role == node_role::region) return done();
  const bool store = n.identity.role == node_role::store;
  auto keys = member_keystore::open(n.layout.member_keys(), store ? desk_members_max : office_members_max);
  if (!keys) return at_file(n.layout.member_keys(), keys.error());
  n.carrier = std::make_unique<member_carrier>(*n.system);
  member_parts parts{.node = *n.carrier,
                     .chain = n.identity.believes.chain,
                     .keys = std::move(*keys),
                     .worker = std::make_shared<member_worker>(),
                     .curve = n.curve,
                     .random = n.random,
                     .now = wall_now,
                     .curve_of = [&n](node_id node) { return letter_key(n, node); },
                     .log = [log = n.log.get()](errc code, const std::string& text) { log->problem(code, text); }};
  if (store) {
    auto desk = member_desk::start(std::move(parts));
    if (!desk) return at_file(n.layout.member_keys(), desk.error());
    n.members = std::move(*desk);
  } else {
    parts.allot = [&n](std::function<void(result<std::uint64_t>)> told) {
      admin::allot_account(*n.system, *n.admin, std::move(told));
    };
    auto office = member_office::start(std::move(parts));
    if (!office) return at_file(n.layout.member_keys(), office.error());
    n.members = std::move(*office);
  }
  n.admin->members = n.members.get();
  return done();
}

status start_pins(running_node& n) {
  if (n.identity.role == node_role::region) return done();
  pin_parts parts{.node = *n.system,
                  .chain = n.identity.believes.chain,
                  .curve = n.curve,
                  .random = n.random,
                  .now = wall_now,
                  .curve_of = [&n](node_id node) { return letter_key(n, node); },
                  .log = [log = n.log.get()](errc code, const std::string& text) { log->problem(code, text); }};
  if (n.identity.role == node_role::store) {
    n.pins = pin_desk::start(std::move(parts), n.secret, n.hasher);
    return done();
  }
  auto office = pin_office::start(parts, n.layout.pin_key());
  if (!office) return at_file(n.layout.pin_key(), office.error());
  n.pin_keys = std::move(*office);
  n.codes = code_office::start(std::move(parts), {*n.members, n.hasher, n.layout_of_receipts.lang, n.signer.get()});
  n.pin_keys->on_code_questions(
      [codes = n.codes.get()](node_id from, bytes text) { codes->take_question(from, std::move(text)); });
  n.admin->codes = n.codes.get();
  return done();
}

/// Its thread is the last to end: what is written to a slow disk may take its time.
status start_mirror(running_node& n, const node_config& config) {
  if (config.mirror.path.empty()) return done();
  if (n.identity.role == node_role::hq)
    return at_setting(config, "mirror.path", "a mirror has what head office lacks; copy head office by 'backup'");
  mirror_limits limits;
  limits.bytes_max = static_cast<std::uint64_t>(config.mirror.mb) << 20;
  std::map<epoch_id, const signer*> older;
  for (const auto& [epoch, key] : n.older)
    older[epoch] = key.get();
  n.mirror = std::make_unique<live_mirror>(
      live_mirror::parts{.store = *n.store,
                         .keys = *n.signer,
                         .older = std::move(older),
                         .with = n.verifier,
                         .chain = n.identity.believes.chain,
                         .root = n.identity.believes.root,
                         .role = n.identity.role,
                         .self = [&n] { return n.system->snapshot()->self; },
                         .wall = wall_now,
                         .tick = tick_now,
                         .random = n.random,
                         .log = [log = n.log.get()](errc code, const std::string& text) { log->problem(code, text); },
                         .dir = config.mirror.path,
                         .data = n.layout.root,
                         .limits = limits});
  return done();
}

status start_http(running_node& n, const node_config& config) {
  auto token = admin_token(n);
  if (!token) return token.error();
  n.admin.reset(
      new admin_context{.identity = n.identity,
                        .signing = n.signer->key(),
                        .door_key = n.door_key.pub,
                        .doors = {},
                        .web_address = config.http.listen,
                        .random = n.random,
                        .layout = n.layout,
                        .now = wall_now,
                        .members = nullptr,
                        .mirror = n.mirror.get(),
                        .certify = [&n](const certificate& c) { return sign_certificate(c, head_office, *n.signer); },
                        .mutex = {},
                        .next_node = 0,
                        .next_account = 0,
                        .publication = {},
                        .publication_seen = 0});
  if (!config.link.door.empty()) n.admin->doors.push_back(n.door ? n.door->endpoint() : config.link.door);
  TALLY_TRY(start_members(n));
  TALLY_TRY(start_pins(n));
  auto* admin = n.admin.get();
  auto* system = n.system.get();
  http_options options;
  options.listen = config.http.listen;
  options.web_dir = config.http.web_dir;
  options.names = split_names(config.http.names);
  options.threads = static_cast<unsigned>(config.http.threads);
  http_services services{
      .node = *n.system,
      .secret = n.secret,
      .random = n.random,
      .identity = n.identity,
      .admin_token = *token,
      .admin = [admin, system](std::string method, std::string path, std::string body,
                               auto respond) { handle_admin(method, path, body, *system, *admin, std::move(respond)); },
      .wall = wall_now,
      .tick = tick_now,
      .open_network = config.http.open_network,
      .demo_control = config.demo.control,
      .exposure_days = config.network.exposure_days,
      .security = [log = n.log.get()](errc code, const std::string& text) { log->problem(code, text); },
      .layout = n.layout_of_receipts,
      .printer_configured =
          !config.printer.address.empty() || !config.printer.path.empty() || !config.printer.queue.empty(),
      .head_office_key = [&n] { return head_office_key(n); },
      .prove_receipt = [&n](const writer_id& writer, sequence seq) { return prove_receipt(n, writer, seq); },
      .check_receipt = [&n](std::string_view code) { return check_code(n, code); },
      .members = n.members.get(),
      .mirror = n.mirror.get(),
      .pins = n.pins.get()};
  auto http = http_server::start(std::move(options), std::move(services));
  if (!http) return http_error(config, http.error());
  n.http = std::move(*http);
  n.admin->web_address = n.http->endpoint();
  return write_private_file(n.layout.http_address(), n.http->endpoint());
}

status start_node(running_node& n, const node_config& config) {
  TALLY_TRY(open_data(n, config));
  auto layout = make_receipt_layout(config);
  if (!layout) return layout.error();
  n.layout_of_receipts = std::move(*layout);
  n.receipts = std::make_unique<receipt_signer>(*n.store, *n.signer, n.identity.believes.chain);
  auto options = make_options(n, config);
  if (!options) return options.error();
  auto system = node_system::start(std::move(*options), *n.store, *n.certificates, *n.signer, n.curve, n.random);
  constexpr std::string_view listen = "link.listen: ";
  if (!system && system.error().detail.starts_with(listen))
    return at_setting(config, "link.listen", system.error().detail.substr(listen.size()));
  if (!system) return system.error();
  n.system = std::move(*system);
  write_first_facts(n);
  TALLY_TRY(start_door(n, config));
  TALLY_TRY(start_mirror(n, config));
  return start_http(n, config);
}

void stop_node(running_node& n) {
  if (n.http) n.http->stop();
  n.door.reset();
  if (n.system) n.system->stop();
  n.mirror.reset();
  n.pins.reset();
  n.pin_keys.reset();
  n.codes.reset();
  n.members.reset();
  n.http.reset();
  n.receipts.reset();
  n.system.reset();
  if (n.store) {  // so the directory is this process's, and what stands there is its own
    std::error_code ignored;
    std::filesystem::remove(n.layout.http_address(), ignored);
  }
  n.store.reset();
}

constexpr int start_again = -1;

int run_once(const node_config& config, const sigset_t& wanted) {
  running_node n;
  if (auto ok = start_node(n, config); !ok) {
    stop_node(n);
    return cmd::fail(ok.code() == errc::internal ? cmd::exit_refused : cmd::exit_usage, cmd::sentence_of(ok.error()));
  }
  n.log->info("node " + std::to_string(n.identity.node.value) + " (" + std::string(role_name(n.identity.role)) + ", " +
              n.identity.name + ") listens on http://" + n.http->endpoint());
  int signal_number = 0;
  sigwait(&wanted, &signal_number);
  bool again = signal_number == SIGUSR2;
  n.log->info(again ? "head office has certified the new keys of this node: starting again with them" : "stopping");
  stop_node(n);
  return again ? start_again : 0;
}

}  // namespace

int run_node(const node_config& config) {
  // Signals are taken by this thread alone, so they are blocked before the first other thread exists.
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  signal(SIGPIPE, SIG_IGN);
  for (;;)
    if (auto code = run_once(config, wanted); code != start_again) return code;
}

}  // namespace tally
