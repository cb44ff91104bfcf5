#include "storage/book.hpp"

#include <catch2/catch.hpp>

#include <random>

#include "storage/faulty_kv.hpp"
#include "storage/sha256.hpp"

using namespace tally;

namespace {

constexpr unix_seconds noon = 1'795'348'800;  // 2026-11-22, day 2517
constexpr unit_id quota_unit = quota_of(main_unit);
constexpr account_id card{17}, second{18};

epoch_id epoch_of(std::uint8_t n) { return {{n, n, n, n, n, n, n, n}}; }
const writer_id hq{node_id{1}, epoch_of(9)};

std::vector<entry> facts() {
  std::vector<entry> out;
  rules_record r;
  r.version = 1;
  r.effective_from = 1;
  r.top_up_min = 1;
  r.top_up_max = 100'000;
  r.taxes = {{"A", 1300}};
  entry e;
  e.kind = entry_kind::publish;
  e.topic = publish_topic::rules;
  e.blob = encode_rules(r);
  out.push_back(e);
  for (std::uint32_t id = 1; id <= 3; ++id) {
    product p;
    p.id = product_id{id};
    p.version = 1;
    p.ean = "400638133393" + std::to_string(id);
    p.price = id * 100;
    e.topic = publish_topic::product;
    e.blob = encode_product(p);
    out.push_back(e);
  }
  for (auto account : {card, second}) {
    entry m;
    m.kind = entry_kind::map_media;
    m.account = account;
    m.medium = bytes(15, 'm') + static_cast<char>(account.value);
    m.card_kind = 1;
    m.status = card_status::active;
    m.account_version = 1;
    out.push_back(m);
  }
  entry l;
  l.kind = entry_kind::limits;
  l.subject = {node_id{3}, {}};
  l.limits = node_limits{100'000, 100'000, 50'000, 50'000};
  out.push_back(l);
  return out;
}

entry receive(book& b, account_id account, value_item v) {
  entry e;
  e.kind = entry_kind::receive;
  e.peer = hq;
  e.channel = static_cast<std::uint64_t>(number(b.st(), channel_key(false, hq, b.self()))) + 1;
  e.account = account;
  e.values = {v};
  e.head = stream_head{{hq, sub_stream::addressed, b.self().node}, e.channel, {}};
  return e;
}

/// Commits the open group at once.
void settle(book& b, kv_store& store) {
  REQUIRE(store.commit(b.seal(), true).ok());
  b.settled();
}

std::unique_ptr<book> open(const kv_store& store) {
  auto b = book::open(store, node_id{3}, node_role::store);
  REQUIRE(b.ok());
  return std::move(*b);
}

/// A store's book with prices, two cards, 10,000 on the first and a top-up quota, all durable.
std::unique_ptr<book> start(kv_store& store) {
  auto b = open(store);
  CHECK_FALSE(b->started());
  b->begin_epoch(epoch_of(1), noon, std::nullopt);
  for (const auto& e : facts())
    REQUIRE(b->learn(e).ok());
  REQUIRE(b->write(receive(*b, {}, {0, quota_unit, 0, 50'000})).ok());
  REQUIRE(b->write(receive(*b, card, {purse_paid, main_unit, 0, 10'000})).ok());
  b->heard_hq_time(noon);
  settle(*b, store);
  return b;
}

sale_command sale(std::uint64_t counter, amount n = 100) {
  return {{201, counter, 5}, card, {{product_id{1}, n / 100}}, n, {}};
}
sequence taken(const decision& d, book& b) {
  if (const auto* r = std::get_if<refusal>(&d)) FAIL(errc_name(r->why.code) << " " << r->why.detail);
  REQUIRE(std::holds_alternative<entry>(d));
  return b.next() - 1;
}

/// Everything in the family `state` as maps, without zero balances.
std::pair<std::map<ledger_account, amount>, std::map<cell_key, cell>> stored_state(const kv_store& store) {
  std::pair<std::map<ledger_account, amount>, std::map<cell_key, cell>> out;
  for (auto c = store.scan(family::state, ""); c->valid(); c->next()) {
    if (auto a = parse_balance_key(c->key())) {
      if (auto v = *decode_balance(c->value()); v != 0) out.first[*a] = v;
    } else {
      auto k = parse_cell_key(c->key());
      REQUIRE(k.has_value());
      out.second[*k] = *decode_cell(c->value());
    }
  }
  return out;
}

/// The same from scratch: the directory's facts, and every durable entry judged and applied in order.
void check_fold(const kv_store& store, const writer_id& self) {
  memory_state fold;
  for (const auto& e : facts()) {
    apply_directory(e, fold);
    if (e.kind != entry_kind::publish) continue;
    cell_key k{.type = cell_type::rules, .a = 1, .b = 0, .writer = {}, .peer = {}};
    if (e.topic == publish_topic::product) k.type = cell_type::product, k.a = decode_product(e.blob)->id.value, k.b = 1;
    fold.put(k, {0, e.blob});
  }
  stream_reader reader(store);
  merkle_frontier tree;
  std::vector<entry> journal;
  stream_id id{self, sub_stream::journal, {}};
  for (sequence n = 0; n < reader.size(id); ++n) {
    auto data = reader.own_entry(self, n);
    REQUIRE(data.ok());
    tree.append(merkle_leaf(*data));
    auto e = decode_entry(*data);
    REQUIRE(e.ok());
    entry_place place{self, node_role::store, n, e->cites ? &journal.at(*e->cites) : nullptr};
    auto postings = judge(*e, place, fold);
    REQUIRE(postings.ok());
    REQUIRE(apply(*e, place, *postings, fold).ok());
    journal.push_back(*e);
  }
  CHECK(reader.frontier(id)->root() == tree.root());
  auto stored = stored_state(store);
  CHECK(stored.first == fold.balances());
  CHECK(stored.second == fold.cells());
}

}  // namespace

TEST_CASE("nothing is durable before its group is settled", "[book]") {
  memory_kv store;
  auto b = start(store);
  durable_state below(store);
  auto before = b->durable_next();
  CHECK(before == b->next());
  auto seq = taken(b->take(sale(1), noon), *b);
  CHECK(b->next() == before + 1);
  CHECK(b->durable_next() == before);
  CHECK(holding(b->st(), b->self(), card) == 9'900);
  CHECK(holding(below, b->self(), card) == 10'000);
  auto group = b->seal();
  CHECK(b->in_flight());
  // The next group is decided upon the first, and a repeat of its key finds it in flight.
  taken(b->take(sale(2), noon), *b);
  auto again = b->take(sale(1), noon);
  REQUIRE(std::holds_alternative<replayed>(again));
  CHECK(std::get<replayed>(again).seq == seq);
  CHECK(b->find_entry(seq)->counter == 1);
  CHECK(holding(below, b->self(), card) == 10'000);
  CHECK(b->durable_next() == before);
  REQUIRE(store.commit(group, true).ok());
  b->settled();
  CHECK(b->durable_next() == before + 1);
  CHECK(holding(below, b->self(), card) == 9'900);
  settle(*b, store);
  CHECK(b->durable_next() == before + 2);
  CHECK(holding(below, b->self(), card) == 9'800);
  check_fold(store, b->self());
}

TEST_CASE("after a failed commit the retried key is answered from the ledger, either way", "[book]") {
  for (auto outcome : {faulty_kv::outcome::lost, faulty_kv::outcome::kept}) {
    faulty_kv store;
    writer_id self;
    sequence seq = 0;
    {
      auto b = start(store);
      self = b->self();
      seq = taken(b->take(sale(1), noon), *b);
      auto group = b->seal();
      taken(b->take(sale(2), noon), *b);  // already decided upon it: dies with it
      store.fail_commit(1, outcome);
      CHECK(store.commit(group, true).code() == errc::io);
      CHECK(store.commit({}, true).code() == errc::io);
    }
    store.crash(0);
    auto b = open(store);
    bool kept = outcome == faulty_kv::outcome::kept;
    INFO("kept " << kept);
    CHECK(b->next() == seq + (kept ? 1 : 0));
    CHECK(holding(b->st(), self, card) == (kept ? 9'900 : 10'000));
    auto d = b->take(sale(1), noon);
    if (kept) {
      REQUIRE(std::holds_alternative<replayed>(d));
      CHECK(std::get<replayed>(d).seq == seq);
    } else {
      CHECK(taken(d, *b) == seq);
    }
    CHECK(taken(b->take(sale(2), noon), *b) == seq + 1);
    settle(*b, store);
    CHECK(holding(b->st(), self, card) == 9'800);  // once each, whatever the disk did
    check_fold(store, self);
  }
}

TEST_CASE("a reopened book equals the fold of its journal", "[book]") {
  faulty_kv store;
  auto b = start(store);
  auto self = b->self();
  std::mt19937_64 random(5);
  auto below = [&](std::uint64_t n) { return random() % n; };
  std::uint64_t counter = 0;
  for (int round = 0; round < 60; ++round) {
    for (auto n = below(12); n > 0; --n) {
      till_key k{201, ++counter, 5};
      switch (below(4)) {
        case 0:
          (void)b->take(top_up_command{k, second, static_cast<amount>(1 + below(900)), tender_kind::cash},
                        noon + round);
          break;
        case 1: (void)b->take(reverse_command{k, below(b->next())}, noon + round); break;
        case 2:
          (void)b->take(sale_command{k, {}, {{product_id{2}, 1}}, 0, {{tender_kind::cash, main_unit, 200}}}, noon);
          break;
        default: (void)b->take(sale(counter, static_cast<amount>(100 * (1 + below(3)))), noon + round);
      }
      // Refusals are not remembered, so the next command takes the number that is really next.
      counter = static_cast<std::uint64_t>(
          number(b->st(), {.type = cell_type::last_counter, .a = 201, .b = 0, .writer = self, .peer = {}}));
    }
    if (below(3) == 0) {
      // The process dies: with the group in flight lost or kept, or between groups.
      auto fate = below(3);
      if (fate < 2) store.fail_commit(1, fate == 0 ? faulty_kv::outcome::lost : faulty_kv::outcome::kept);
      (void)store.commit(b->seal(), true);
      b.reset();
      store.crash(below(store.unsynced() + 1));
      b = open(store);
    } else {
      settle(*b, store);
    }
    CHECK(b->self() == self);
    CHECK(b->durable_next() == b->next());
    counter = static_cast<std::uint64_t>(
        number(b->st(), {.type = cell_type::last_counter, .a = 201, .b = 0, .writer = self, .peer = {}}));
  }
  CHECK(b->next() > 100);
  check_fold(store, self);
  // The catalogue and what head office said survive as well.
  CHECK(b->hq_time() == noon);
  CHECK(b->rules().find_ean("4006381333932", 1)->price == 200);
}

TEST_CASE("head office's facts go into the directory, sends into their stream", "[book]") {
  memory_kv store;
  auto opened = book::open(store, node_id{1}, node_role::hq);
  REQUIRE(opened.ok());
  auto& b = **opened;
  b.begin_epoch(epoch_of(9), noon, std::nullopt);
  put_node(b.st(), node_id{3}, {node_role::store, epoch_of(1), {node_id{1}}});
  for (const auto& e : facts()) {
    REQUIRE(b.write(e).ok());
    entry adopt;  // something that is for nobody else in between
    adopt.kind = entry_kind::adopt;
    adopt.head = stream_head{{{node_id{3}, epoch_of(1)}, sub_stream::journal, {}}, b.next(), {}};
    REQUIRE(b.write(adopt).ok());
  }
  auto grant =
      decide_send(b.at(noon), {node_id{3}, epoch_of(1)}, {}, {{0, quota_unit, 0, 500}}, send_cause::grant, 0, 0);
  REQUIRE(grant.ok());
  REQUIRE(b.write(*grant).ok());
  settle(b, store);

  stream_reader reader(store);
  stream_id directory{b.self(), sub_stream::directory, {}}, to_three{b.self(), sub_stream::addressed, node_id{3}};
  CHECK(reader.size(directory) == facts().size());
  CHECK(reader.size(to_three) == 1);
  // Recomputed from the journal alone.
  merkle_frontier tree, sends;
  for (sequence n = 0; n < b.next(); ++n) {
    auto data = reader.own_entry(b.self(), n);
    REQUIRE(data.ok());
    auto e = decode_entry(*data);
    REQUIRE(e.ok());
    auto kind = e->kind;
    if (kind == entry_kind::publish || kind == entry_kind::map_media || kind == entry_kind::limits)
      tree.append(merkle_leaf(*data));
    if (kind == entry_kind::send) sends.append(merkle_leaf(*data));
  }
  CHECK(reader.frontier(directory)->root() == tree.root());
  CHECK(reader.frontier(to_three)->root() == sends.root());
  CHECK(b.head(directory).root == tree.root());
  CHECK(quota_left(b.st(), b.self()) == -500);
}

TEST_CASE("a fact that cannot be read leaves nothing behind", "[book]") {
  memory_kv store;
  auto opened = book::open(store, node_id{1}, node_role::hq);
  REQUIRE(opened.ok());
  auto& b = **opened;
  b.begin_epoch(epoch_of(9), noon, std::nullopt);
  settle(b, store);
  auto bad = facts()[0];
  bad.blob = "no rules record";
  CHECK(b.write(bad).code() == errc::malformed);
  bad.topic = publish_topic::product;
  CHECK(b.write(bad).code() == errc::malformed);
  CHECK(b.next() == 1);
  CHECK(b.open_changes() == 0);
  CHECK(b.rules().newest() == nullptr);
  entry sale_at_hq;
  sale_at_hq.kind = entry_kind::sale;
  CHECK(b.write(sale_at_hq).code() == errc::not_entitled);
}

TEST_CASE("a new epoch starts with nothing, and keeps what was learnt", "[book]") {
  memory_kv store;
  auto b = start(store);
  auto old = b->self();
  taken(b->take(sale(1), noon), *b);
  auto end = b->head(b->journal());
  b->stop_card_value(errc::rolled_back);
  b->begin_epoch(epoch_of(2), noon, end);
  settle(*b, store);
  b = open(store);
  CHECK(b->self() == writer_id{node_id{3}, epoch_of(2)});
  CHECK(b->stopped() == errc::rolled_back);
  CHECK(b->next() == 1);
  CHECK(b->find_entry(0)->head == end);
  CHECK(holding(b->st(), b->self(), card) == 0);
  CHECK(quota_left(b->st(), b->self()) == 0);
  CHECK(holding(b->st(), old, card) == 9'900);  // frozen where it lies
  CHECK(card_of(b->st(), card).has_value());
  // What was done before stays done, after a restart too: a till's numbers go on.
  auto d = b->take(sale(1), noon);
  REQUIRE(std::holds_alternative<replayed>(d));
  CHECK(std::get<replayed>(d).writer == old);
  d = b->take(sale(2), noon);
  REQUIRE(std::holds_alternative<refusal>(d));
  CHECK(std::get<refusal>(d).why.code == errc::rolled_back);
  d = b->take(sale_command{{201, 2, 5}, {}, {{product_id{1}, 1}}, 0, {{tender_kind::cash, main_unit, 100}}}, noon);
  CHECK(taken(d, *b) == 1);
  // The first rights of the new epoch show that head office has settled the old one.
  REQUIRE(b->write(receive(*b, card, {purse_paid, main_unit, 0, 700})).ok());
  CHECK(b->stopped() == errc::ok);
  taken(b->take(sale(3), noon), *b);
  CHECK(holding(b->st(), b->self(), card) == 600);
}

TEST_CASE("a database that is not ours, not whole or not read does not open", "[book]") {
  faulty_kv store;
  {
    auto b = start(store);
    taken(b->take(sale(1), noon), *b);
    settle(*b, store);
  }
  auto code = [&](node_id node = node_id{3}) { return book::open(store, node, node_role::store).code(); };
  auto with = [&](family f, byte_view key, bytes value) {
    auto image = store.copy();
    kv_batch change;
    change.put(f, bytes(key), std::move(value));
    REQUIRE(store.commit(change, true).ok());
    auto got = code();
    store.restore(image);
    return got;
  };
  CHECK(code() == errc::ok);
  CHECK(code(node_id{4}) == errc::bad_config);
  CHECK(with(family::meta, "format", "\x03") == errc::unsupported);
  CHECK(with(family::meta, "self", "\x03") == errc::corrupt);
  cell_key rules{.type = cell_type::rules, .a = 1, .b = 0, .writer = {}, .peer = {}};
  CHECK(with(family::state, cell_key_bytes(rules), encode_cell({0, "no record"})) == errc::corrupt);
  cell_key item{.type = cell_type::product, .a = 1, .b = 1, .writer = {}, .peer = {}};
  CHECK(with(family::state, cell_key_bytes(item), encode_cell({0, "no record"})) == errc::corrupt);
  store.fail_reads(true);
  CHECK(code() == errc::io);
  store.fail_reads(false);
  CHECK(code() == errc::ok);
}

TEST_CASE("a read that fails makes the book say so", "[book]") {
  faulty_kv store;
  auto b = start(store);
  CHECK_FALSE(b->read_failed());
  store.fail_reads(true);
  (void)b->take(sale(1), noon);
  CHECK(b->read_failed());
  store.fail_reads(false);
  CHECK(b->read_failed());  // what was decided meanwhile stays void
}
