#include "actors/chain_fixture.hpp"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {
constexpr const char* chain_name = "test";
}  // namespace

bool eventually(const std::function<bool()>& holds) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(90);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

chain::chain(std::filesystem::path root, std::uint16_t port_base)
    : root_(std::move(root)), root_key_(make_signing_key(random_)) {
  for (std::uint32_t id = 1; id <= 4; ++id) {
    auto n = std::make_unique<chain_node>();
    n->id = {id};
    n->role = id == 1 ? node_role::hq : id == 2 ? node_role::region : node_role::store;
    n->dir = root_ / std::to_string(id);
    n->signing = make_signing_key(random_);
    n->curve = make_curve_key(random_);
    random_.fill(n->epoch.value);
    n->endpoint = "tcp://127.0.0.1:" + std::to_string(port_base + id);
    nodes_.emplace(id, std::move(n));
  }
}

chain::~chain() {
  for (auto& [id, n] : nodes_)
    stop(id);
}

signed_certificate chain::certify(const chain_node& n) const {
  certificate c;
  c.chain = chain_name;
  c.node = n.id;
  c.name = "Node " + std::to_string(n.id.value);
  c.role = n.role;
  if (n.role == node_role::region) c.parents = {node_id{1}};
  if (n.role == node_role::store) c.parents = {node_id{2}, node_id{1}};
  c.owner = 1;
  c.powers = power::trade | power::load | (n.role == node_role::store ? 0 : power::parent);
  c.signing = n.signing.pub;
  c.curve = n.curve.pub;
  c.epoch = n.epoch;
  c.serial = 1;
  c.not_before = 0;
  c.not_after = INT64_MAX;
  c.engine = engine_revision;
  bool hq = n.role == node_role::hq;
  return sign_certificate(c, hq ? root_issuer : head_office,
                          ed25519_signer(hq ? root_key_.clone() : nodes_.at(1)->signing.clone()));
}

void chain::start(std::uint32_t id) {
  auto& n = at(id);
  std::filesystem::create_directories(n.dir);
  auto store = open_rocks(n.dir / "db", {.create = true, .read_only = false});
  REQUIRE(store.ok());
  n.store = std::move(*store);
  kv_batch known;
  for (auto x : {1U, 2U, id})
    known.put(family::meta, certificate_key({x}, 1), encode(certify(at(x))));
  REQUIRE(n.store->commit(known, true).ok());
  n.certificates = std::make_unique<certificate_book>(chain_name, root_key_.pub, real_);
  n.signer = std::make_unique<ed25519_signer>(n.signing.clone());
  system_options o;
  o.station.chain = chain_name;
  o.station.self = n.id;
  o.station.role = n.role;
  o.station.reserve_bytes = 1;
  o.first_epoch = n.epoch;
  if (id < 3) o.listen_endpoint = n.endpoint;
  if (id > 1) {
    auto& parent = at(id == 2 ? 1 : 2);
    o.parent_endpoint = parent.endpoint;
    o.parent_key = parent.curve.pub;
    o.parent = parent.id;
  }
  // What a node complains of explains a failure.
  // What a node complains of explains a failure.
  o.log = [id](errc code, const std::string& text) {
    std::fprintf(stderr, "node %u: %s: %s\n", id, std::string(errc_name(code)).c_str(), text.c_str());
  };
  o.fatal = [&n](const std::string& why) { n.fatal = why; };
  o.wall = wall_now;
  o.tick = tick_now;
  auto s = node_system::start(std::move(o), *n.store, *n.certificates, *n.signer, n.curve, random_);
  REQUIRE(s.ok());
  n.system = std::move(*s);
}

void chain::stop(std::uint32_t id) {
  auto& n = at(id);
  if (n.system) n.system->stop();
  n.system.reset();
  n.certificates.reset();
  n.store.reset();
}

void chain::found(std::size_t cards) {
  std::vector<entry> facts;
  auto fact = [&](entry_kind kind) -> entry& {
    facts.emplace_back();
    facts.back().kind = kind;
    return facts.back();
  };
  for (auto& [id, n] : nodes_)
    fact(entry_kind::certify).blob = encode(certify(*n));
  for (auto id : {3U, 4U}) {
    auto& e = fact(entry_kind::limits);
    e.subject = {at(id).id, at(id).epoch};
    e.limits = node_limits{1'000'000, 500'000, 400'000, 800'000};
  }
  rules_record r;
  r.version = 1;
  r.taxes = {{"A", 1300}};
  auto& rules = fact(entry_kind::publish);
  rules.topic = publish_topic::rules;
  rules.rules_version = 1;
  rules.blob = encode_rules(r);
  product p;
  p.id = {1};
  p.version = 1;
  p.ean = "4006381333931";
  p.names.fill("Bread");
  p.price = 1250;
  auto& bread = fact(entry_kind::publish);
  bread.topic = publish_topic::product;
  bread.rules_version = 1;
  bread.blob = encode_product(p);
  for (std::size_t i = 0; i < cards; ++i) {
    auto& e = fact(entry_kind::map_media);
    e.account = account(i);
    e.account_version = 1;
    e.card_kind = 1;
    e.status = card_status::active;
    e.medium = medium_of(chain_name, card(i));
  }
  auto written = std::make_shared<std::promise<facts_answer>>();
  at(1).system->facts(std::move(facts), [written](const facts_answer& a) { written->set_value(a); });
  auto future = written->get_future();
  REQUIRE(future.wait_for(std::chrono::seconds(90)) == std::future_status::ready);
  auto a = future.get();
  INFO(a.detail);
  REQUIRE(a.code == errc::ok);
}

till_answer chain::ask(std::uint32_t id, till_command c) {
  auto answered = std::make_shared<std::promise<till_answer>>();
  at(id).system->till(std::move(c), {}, [answered](const till_answer& a) { answered->set_value(a); });
  auto future = answered->get_future();
  REQUIRE(future.wait_for(std::chrono::seconds(90)) == std::future_status::ready);
  return future.get();
}

till_answer chain::top_up(std::uint32_t store, std::size_t card, amount value, std::uint64_t counter) {
  return ask(store, top_up_command{{store * 64 + 1, counter, 0}, account(card), value, tender_kind::cash});
}

till_answer chain::sell(std::uint32_t store, std::size_t card, std::int64_t quantity, std::uint64_t counter) {
  sale_command c;
  c.key = {store * 64 + 1, counter, 0};
  c.account = account(card);
  c.lines = {{product_id{1}, quantity}};
  c.card = 1250 * quantity;
  return ask(store, c);
}

}  // namespace tally::test
