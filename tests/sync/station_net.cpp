#include "sync/station_net.hpp"

#include <catch2/catch.hpp>

#include "storage/entry_codec.hpp"
#include "storage/sha256.hpp"
#include "sync/checkpoint.hpp"

namespace tally::test {

namespace {
const ingested_effect* last_ingest(const station_net::node& n) {
  const ingested_effect* out = nullptr;
  for (const auto& e : n.seen)
    if (const auto* i = std::get_if<ingested_effect>(&e)) out = i;
  return out;
}
}  // namespace

station_net::station_net(node_limits small, std::uint32_t more, bool direct) {
  root_ = std::make_unique<ed25519_signer>(make_signing_key(random_));
  add(1, node_role::hq, {});
  add(2, node_role::region, {head_office});
  add(3, node_role::store, {node_id{2}, head_office});
  add(4, node_role::store, {node_id{2}, head_office});
  for (std::uint32_t id = 5; id < 5 + more; ++id)
    add(id, node_role::store, direct ? std::vector{head_office} : std::vector{node_id{2}, head_office});
  std::vector<entry> facts;
  for (auto& n : nodes_) {
    bool top = n->id == head_office;
    n->signed_cert = sign_certificate(n->cert, top ? root_issuer : head_office, top ? *root_ : *hq().keys);
    entry e;
    e.kind = entry_kind::certify;
    e.blob = encode(n->signed_cert);
    facts.push_back(e);
    if (n->role == node_role::store) facts.push_back(limits_entry(*n, small));
  }
  for (auto& n : nodes_) {
    open(*n);
    n->st->start(n->cert.epoch, now_);
    settle(*n);
  }
  entry rules, thing;
  rules.kind = thing.kind = entry_kind::publish;
  rules.topic = publish_topic::rules;
  thing.topic = publish_topic::product;
  rules.rules_version = thing.rules_version = 1;
  rules_record r;
  r.version = 1;
  r.taxes = {{"A", 0}};
  rules.blob = encode_rules(r);
  product p;
  p.id = {1};
  p.version = 1;
  p.names[0] = "thing";
  p.price = price;
  thing.blob = encode_product(p);
  auto map = media_fact(card, 'm', card_status::active);
  map.account_version = 1;
  facts.insert(facts.end(), {rules, thing, map});
  REQUIRE(publish(facts).code == errc::ok);
  for (auto& n : nodes_)
    if (!n->cert.parents.empty()) link(*n, at(n->cert.parents.front().value), true);
  sync();
  pass_time(2'000);  // head office looks at quotas every second
  sync();
  forget();
}

void station_net::add(std::uint32_t id, node_role role, std::vector<node_id> parents) {
  auto n = std::make_unique<node>();
  n->id = {id};
  n->role = role;
  n->keys = std::make_unique<ed25519_signer>(make_signing_key(random_));
  n->random = std::make_unique<seeded_entropy>(id);
  n->cert = {.chain = std::string(chain),
             .node = {id},
             .name = "node",
             .role = role,
             .parents = std::move(parents),
             .owner = 1,
             .powers = 127,
             .signing = n->keys->key(),
             .curve = {},
             .epoch = {},
             .serial = 1,
             .not_before = 0,
             .not_after = INT64_MAX,
             .engine = engine_revision};
  n->curve = make_curve_key(random_);
  n->cert.curve = n->curve.pub;
  random_.fill(n->cert.epoch.value);
  n->source = std::make_unique<durable_source>(n->store, *n->keys, std::string(chain), n->id);
  nodes_.push_back(std::move(n));
}

void station_net::open(node& n, station_config habits) {
  n.st.reset();
  // With the node, as it remembers what its disk held.
  n.source = std::make_unique<durable_source>(n.store, *n.keys, std::string(chain), n.id);
  n.certificates = std::make_unique<certificate_book>(std::string(chain), root_->key(), with_);
  for (auto id : {head_office, n.cert.parents.empty() ? head_office : n.cert.parents.front(), n.id})
    REQUIRE(n.certificates->add(at(id.value).signed_cert).ok());
  habits.chain = chain;
  habits.self = n.id;
  habits.role = n.role;
  habits.letters = &n.curve;
  auto s = station::open(habits, n.store, *n.certificates, *n.keys, *n.random);
  REQUIRE(s.ok());
  n.st = std::move(*s);
  n.source = std::make_unique<durable_source>(n.store, *n.keys, std::string(chain), n.id);  // its process is new too
}

void station_net::settle(node& n, std::uint64_t disk_free) {
  n.st->tick(now_, tick_, disk_free);
  for (int round = 0; round < 1'000; ++round) {
    n.st->run(now_, tick_);
    auto batch = n.st->seal();
    if (!batch) return;
    if (!batch->empty()) REQUIRE(n.store.commit(*batch, true).ok());
    for (auto& e : n.st->settled()) {
      if (const auto* m = std::get_if<to_neighbour>(&e)) post_.emplace_back(n.id, m->neighbour, m->what);
      n.seen.push_back(std::move(e));
    }
  }
  FAIL("node " << n.id.value << " does not come to rest");
}

void station_net::carry(node& from, node& to) {
  for (const auto& id : from.st->streams_for(to.id)) {
    if (!to.st->accepts(from.id, id)) continue;
    while (stream_reader(to.store).size(id) < from.source->size(id)) {
      auto before = stream_reader(to.store).size(id);
      auto s = from.source->next_segment(id, before);
      REQUIRE(s.ok());
      if (id.sub == sub_stream::directory && to.st->left_out().skips_goods())
        s = from.source->without(*s, before, topic_goods);
      REQUIRE(to.st->put(segment_arrival{from.id, *s}).ok());
      settle(to);
      const auto* outcome = last_ingest(to);
      INFO("from " << from.id.value << " to " << to.id.value << ": " << stream_origin(chain, id) << " at " << before
                   << ", " << (outcome ? errc_name(outcome->code) : "no answer"));
      if (outcome && outcome->code == errc::busy) break;  // another stream comes first
      REQUIRE(stream_reader(to.store).size(id) > before);
    }
  }
}

void station_net::link(node& child, node& parent, bool up) {
  for (auto [a, b] : {std::pair{&child, &parent}, std::pair{&parent, &child}}) {
    if (up) {
      links_.insert({a->id, b->id});
    } else {
      links_.erase({a->id, b->id});
    }
    REQUIRE(a->st->put(link_change{b->id, up}).ok());
    settle(*a);
  }
  const stream_id journal{child.st->ledger().self(), sub_stream::journal, {}};
  if (const auto had = stream_reader(parent.store).size(journal); up && had <= stream_reader(child.store).size(journal))
    REQUIRE(child.st->put(control_arrival{parent.id, want_message{journal, had, {}}}).ok());
  const stream_id rights{parent.st->ledger().self(), sub_stream::addressed, child.id};
  if (const auto had = stream_reader(child.store).size(rights); up && had <= stream_reader(parent.store).size(rights))
    REQUIRE(parent.st->put(control_arrival{child.id, want_message{rights, had, {}}}).ok());
}

void station_net::go_back(const kv_image& copy, const std::vector<node_id>& without) {
  for (auto child : hq().st->children())
    if (child.value <= nodes_.size()) link(at(child.value), hq(), false);
  hq().store.reset(copy);
  kv_batch b;
  mark_as_copy(b, without);
  REQUIRE(hq().store.commit(b, true).ok());
  open(hq());
  REQUIRE(hq().st->begin_restored_epoch(now()).ok());
  settle(hq());
}

void station_net::deliver_words() {
  for (auto left = post_.size(); left > 0; --left) {
    auto [from, to, what] = std::move(post_.front());
    post_.pop_front();
    if (!links_.count({from, to})) continue;
    if (const auto* f = std::get_if<fetch_message>(&what)) {  // a session answers that
      auto list = at(to.value).source->entries(f->stream, f->from, f->entries);
      REQUIRE(list.ok());
      post_.emplace_back(
          to, from, fetched_message{f->stream, f->from, static_cast<std::uint32_t>(list->size()), pack_entries(*list)});
      continue;
    }
    REQUIRE(at(to.value).st->put(control_arrival{from, what}).ok());
    settle(at(to.value));
  }
}

void station_net::sync() {
  for (int round = 0; round < 200; ++round) {
    auto weight = [&] {
      std::uint64_t sum = 0;
      for (auto& n : nodes_) {
        auto list = stream_reader(n->store).list();
        REQUIRE(list.ok());
        for (const auto& id : *list)
          sum += n->source->size(id);
      }
      return sum;
    };
    auto before = weight();
    auto busy = !post_.empty();
    for (auto& n : nodes_)
      settle(*n);
    for (auto [a, b] : links_) {
      if (words_first) deliver_words();
      carry(at(a.value), at(b.value));
    }
    deliver_words();
    if (!busy && post_.empty() && weight() == before) return;
  }
  FAIL("the network does not come to rest");
}

void station_net::forget() {
  for (auto& n : nodes_)
    n->seen.clear();
}

std::optional<till_answer> station_net::answer_of(node& n, std::uint64_t request) {
  for (const auto& e : n.seen)
    if (const auto* a = std::get_if<till_answer>(&e); a && a->request == request) return *a;
  return std::nullopt;
}

till_answer station_net::ask(node& n, till_command c, bool may_wait) {
  auto request = ++requests_;
  REQUIRE(n.st->put(till_request{request, std::move(c), may_wait}).ok());
  settle(n);
  if (may_wait) sync();
  auto a = answer_of(n, request);
  REQUIRE(a.has_value());
  return *a;
}

sale_command station_net::sale(node& n, std::int64_t things, account_id account) {
  sale_command s{key(n), account, {{{1}, things}}, 0, {}};
  if (account.value != 0) {
    s.card = things * price;
  } else {
    s.tenders = {{tender_kind::cash, main_unit, things * price}};
  }
  return s;
}

facts_answer station_net::publish(std::vector<entry> facts) {
  hq().seen.clear();
  REQUIRE(hq().st->put(facts_request{++requests_, std::move(facts)}).ok());
  settle(hq());
  const auto* a = seen<facts_answer>(hq());
  REQUIRE(a != nullptr);
  return *a;
}

entry station_net::limits_entry(node& store, const node_limits& l) const {
  entry e;
  e.kind = entry_kind::limits;
  e.subject = store.writer();
  e.limits = l;
  return e;
}

segment station_net::forge(const node& at, const stream_id& stream, const std::vector<entry>& entries,
                           const signer& by) {
  auto f = stream_reader(at.store).frontier(stream);
  REQUIRE(f.ok());
  segment s;
  s.stream = stream;
  s.first = f->size();
  s.entries = static_cast<std::uint32_t>(entries.size());
  std::vector<bytes> data;
  for (const auto& e : entries) {
    data.push_back(encode_entry(e));
    f->append(merkle_leaf(data.back()));
  }
  s.sign = sign_checkpoint(by, {stream_origin(chain, stream), f->size(), f->root(), {}});
  s.payload = pack_entries(data);
  return s;
}

ingested_effect station_net::ingest(node& n, node_id from, const segment& s) {
  n.seen.clear();
  REQUIRE(n.st->put(segment_arrival{from, s}).ok());
  settle(n);
  const auto* i = seen<ingested_effect>(n);
  REQUIRE(i != nullptr);
  return *i;
}

void let_time_pass(station_net& net, int seconds) {
  for (int i = 0; i < seconds; ++i) {
    net.pass_time(1'100);
    net.sync();
  }
}

amount in_all(station_net& net) {
  amount sum = 0;
  for (const auto& [a, v] : net.hq().st->seen().all().balances())
    if (a.unit == main_unit && (a.type == account_type::hold || a.type == account_type::doubt ||
                                a.type == account_type::transit || a.type == account_type::contested))
      sum -= v;
  return sum;
}

entry about(entry_kind kind, node_id whom) {
  entry e;
  e.kind = kind;
  e.subject.node = whom;
  return e;
}

entry ruling_about(const writer_id& life, sequence seq, ruling_outcome outcome) {
  auto e = about(entry_kind::ruling, life.node);
  e.subject = life;
  e.cites = seq;
  e.outcome = outcome;
  e.blob = "looked at";
  return e;
}

entry media_fact(account_id account, char letter, card_status status) {
  entry e;
  e.kind = entry_kind::map_media;
  e.account = account;
  e.medium = bytes(16, letter);
  e.card_kind = 1;
  e.status = status;
  return e;
}

entry rules_fact(const rules_record& r) {
  entry e;
  e.kind = entry_kind::publish;
  e.topic = publish_topic::rules;
  e.rules_version = r.version;
  e.blob = encode_rules(r);
  return e;
}

}  // namespace tally::test
