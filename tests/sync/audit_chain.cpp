#include "sync/audit_chain.hpp"

#include <catch2/catch.hpp>

namespace tally::test {

audit_chain::audit_chain() {
  root_ = std::make_unique<ed25519_signer>(make_signing_key(random_));
  add(1, node_role::hq, {});
  add(2, node_role::region, {head_office});
  add(3, node_role::store, {node_id{2}, head_office});
  add(4, node_role::store, {node_id{2}, head_office});
  for (auto& n : nodes_) {
    n->signed_cert = sign_certificate(n->cert, n->id == head_office ? root_issuer : head_office,
                                      n->id == head_office ? *root_ : *node(1).keys);
    n->certificates = std::make_unique<certificate_book>(std::string(name), root_->key(), with_);
  }
  for (auto& n : nodes_) {
    // What enrolment leaves behind: head office's certificate, those of the way up, the own one.
    kv_batch batch;
    for (std::uint32_t id : {1U, n->id.value > 2 ? 2U : 1U, n->id.value}) {
      const auto& c = node(id);
      REQUIRE(n->certificates->add(c.signed_cert).ok());
      batch.put(family::meta, certificate_key(c.id, c.cert.serial), encode(c.signed_cert));
    }
    REQUIRE(n->store.commit(batch, true).ok());
    open(*n);
    n->st->start(n->cert.epoch, now_);
    settle(*n);
  }
}

void audit_chain::open(chain_node& n) {
  station_config config;
  config.chain = name;
  config.self = n.id;
  config.role = n.role;
  n.st.reset();
  auto s = station::open(config, n.store, *n.certificates, *n.keys, *n.random);
  REQUIRE(s.ok());
  n.st = std::move(*s);
}

void audit_chain::restore(std::uint32_t id, const kv_image& copy, std::uint64_t known_size) {
  auto& n = node(id);
  n.store.reset(copy);
  open(n);
  REQUIRE(n.st->check_rollback(n.writer(), known_size, now_));
  settle(n);
}

void audit_chain::add(std::uint32_t id, node_role role, std::vector<node_id> parents) {
  auto n = std::make_unique<chain_node>();
  n->id = node_id{id};
  n->role = role;
  n->keys = std::make_unique<ed25519_signer>(make_signing_key(random_));
  n->random = std::make_unique<seeded_entropy>(id);
  n->source = std::make_unique<durable_source>(n->store, *n->keys, std::string(name), n->id);
  auto& c = n->cert;
  c.chain = name;
  c.node = n->id;
  c.name = "Node " + std::to_string(id);
  c.role = role;
  c.parents = std::move(parents);
  c.owner = 1;
  c.powers = power::trade | power::load;
  c.signing = n->keys->key();
  c.serial = 1;
  c.not_after = 4'000'000'000;  // none is renewed meanwhile
  c.engine = engine_revision;
  random_.fill(c.curve);
  random_.fill(c.epoch.value);
  nodes_.push_back(std::move(n));
}

void audit_chain::settle(chain_node& n) {
  n.st->tick(now_, tick_, std::uint64_t{1} << 40);
  for (int round = 0; round < 100; ++round) {
    n.st->run(now_, tick_);
    auto batch = n.st->seal();
    if (!batch) return;
    if (!batch->empty()) REQUIRE(n.store.commit(*batch, true).ok());
    for (auto& e : n.st->settled()) {
      if (auto* m = std::get_if<to_neighbour>(&e)) post_.emplace_back(n.id, m->neighbour, m->what);
      if (auto* a = std::get_if<till_answer>(&e)) answer_ = *a;
      if (auto* f = std::get_if<facts_answer>(&e)) {
        INFO(f->detail);
        REQUIRE(f->code == errc::ok);
      }
    }
  }
}

bool audit_chain::carry(chain_node& from, chain_node& to) {
  bool moved = false;
  for (const auto& id : from.st->streams_for(to.id)) {
    if (!to.st->accepts(from.id, id)) continue;
    while (stream_reader(to.store).size(id) < from.source->size(id)) {
      auto before = stream_reader(to.store).size(id);
      auto s = from.source->next_segment(id, before);
      REQUIRE(s.ok());
      REQUIRE(to.st->put(segment_arrival{from.id, *s}).ok());
      settle(to);
      REQUIRE(stream_reader(to.store).size(id) > before);
      moved = true;
    }
  }
  return moved;
}

void audit_chain::sync() { exchange(1'500); }  // head office looks at quotas every second

void audit_chain::exchange(tick_ms step) {
  for (auto& n : nodes_)
    for (auto& other : nodes_)
      if (n->st->parent() == other->id) {
        (void)n->st->put(link_change{other->id, true});
        (void)other->st->put(link_change{n->id, true});
        const stream_id journal{n->st->ledger().self(), sub_stream::journal, {}};
        (void)n->st->put(control_arrival{other->id, want_message{journal, 0, {}}});
        const stream_id rights{other->st->ledger().self(), sub_stream::addressed, n->id};
        (void)other->st->put(control_arrival{n->id, want_message{rights, 0, {}}});
      }
  for (bool moved = true; moved;) {
    moved = false;
    tick_ += step;
    for (auto& n : nodes_)
      settle(*n);
    for (auto& a : nodes_)
      for (auto& b : nodes_)
        if (a->st->parent() == b->id) moved = carry(*a, *b) || carry(*b, *a) || moved;
    while (!post_.empty()) {
      auto [from, to, what] = std::move(post_.front());
      post_.pop_front();
      (void)node(to.value).st->put(control_arrival{from, what});
      settle(node(to.value));
      moved = true;
    }
  }
}

void audit_chain::checkpoint() {
  for (std::uint32_t id : {1U, 2U}) {
    node(id).st->checkpoint();
    settle(node(id));
  }
}

void audit_chain::facts(std::vector<entry> list) {
  REQUIRE(node(1).st->put(facts_request{++requests_, std::move(list)}).ok());
  settle(node(1));
}

void audit_chain::publish(std::uint64_t version, amount price) {
  rules_record r;
  r.version = version;
  r.taxes = {{"A", 1300}, {"B", 0}};
  std::vector<entry> list(3);
  for (auto& e : list)
    e.kind = entry_kind::publish;
  list[0].topic = publish_topic::rules;
  list[0].blob = encode_rules(r);
  for (std::uint32_t i : {1U, 2U}) {
    product p;
    p.id = product_id{i};
    p.version = version;
    p.names[0] = "Bread";
    p.price = price * i;
    p.tax = i - 1;
    list[i].topic = publish_topic::product;
    list[i].blob = encode_product(p);
  }
  facts(std::move(list));
}

void audit_chain::ask(std::uint32_t id, till_command c) {
  answer_.reset();
  REQUIRE(node(id).st->put(till_request{++requests_, std::move(c), true}).ok());
  settle(node(id));
  if (!answer_) exchange(10);  // the sale waits for rights from elsewhere
  REQUIRE(answer_);
  if (auto* r = std::get_if<refusal>(&answer_->outcome))
    FAIL("refused: " << errc_name(r->why.code) << " " << r->why.detail);
}

void audit_chain::top_up(std::uint32_t id, amount value, account_id account) {
  ask(id, top_up_command{key(node(id)), account, value, tender_kind::cash});
}

void audit_chain::sell(std::uint32_t id, std::int64_t quantity, account_id account) {
  auto& n = node(id);
  std::vector<line_item> lines{{product_id{1}, quantity}, {product_id{2}, 1}};
  const auto& rules = n.st->ledger().rules();
  auto basket = rules.price(lines, rules.version_at(UINT32_MAX));
  REQUIRE(basket.ok());
  ask(id, sale_command{key(n), account, lines, basket->total, {}});
}

void audit_chain::sell_for_cash(std::uint32_t id, std::int64_t quantity) {
  auto& n = node(id);
  std::vector<line_item> lines{{product_id{1}, quantity}};
  const auto& rules = n.st->ledger().rules();
  auto basket = rules.price(lines, rules.version_at(UINT32_MAX));
  REQUIRE(basket.ok());
  ask(id, sale_command{key(n), {}, lines, 0, {{tender_kind::cash, main_unit, basket->total}}});
}

void audit_chain::reverse(std::uint32_t id, sequence seq) { ask(id, reverse_command{key(node(id)), seq}); }

void audit_chain::write(std::uint32_t id, const entry& e) {
  auto dated = e;
  auto& b = node(id).st->ledger();
  date_entry(dated, b.st(), b.self(), now_, b.hq_time());
  auto written = b.write(dated);
  INFO((written.ok() ? std::string() : written.error().detail));
  REQUIRE(written.ok());
  settle(node(id));
}

void audit_chain::found() {
  std::vector<entry> list;
  for (auto& n : nodes_) {
    entry e;
    e.kind = entry_kind::certify;
    e.blob = encode(n->signed_cert);
    list.push_back(e);
  }
  for (std::uint32_t id : {3U, 4U}) {
    entry e;
    e.kind = entry_kind::limits;
    e.subject = node(id).writer();
    e.limits = node_limits{10'000'000, 10'000'000, 1'000'000, 1'000'000};
    list.push_back(e);
  }
  for (auto account : {card, other_card}) {
    entry e;
    e.kind = entry_kind::map_media;
    e.account = account;
    e.medium = bytes(16, static_cast<char>(account.value));
    e.card_kind = 1;
    e.status = card_status::active;
    e.account_version = 1;
    list.push_back(e);
  }
  facts(std::move(list));
}

void audit_chain::history() {
  found();
  publish(1, 1250);
  sync();
  top_up(3, 500'000);
  top_up(4, 20'000, other_card);
  for (int i = 0; i < 20; ++i)
    sell(3, 1 + i % 3);
  sync();
  publish(2, 3);
  next_day();
  sync();
  // More than one tile of 256 entries, so that tile hashes exist at store, region and head office.
  for (int i = 0; i < 260; ++i)
    sell(3, 1);
  reverse(3, node(3).st->ledger().next() - 1);
  top_up(3, 700);
  reverse(3, node(3).st->ledger().next() - 1);
  sync();
  sell(4, 5);  // the card has nothing here: rights are pulled over region from store 3
  sell(4, 2, other_card);
  next_day();
  sync();
  checkpoint();
  sell(3, 2);  // behind the checkpoint
  sync();
}

result<audit_report> audit_chain::check(const kv_store& store) const { return audit(store, trust(), with_, {}); }

}  // namespace tally::test
