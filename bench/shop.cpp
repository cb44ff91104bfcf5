#include "bench/shop.hpp"

#include <stdexcept>

#include "storage/entry_codec.hpp"
#include "sync/medium.hpp"

namespace tally::bench {
namespace {

constexpr std::string_view chain_name = "bench";
constexpr node_id store_node{2};
constexpr unix_seconds noon = 1'795'348'800;  // 2026-11-22T12:00:00Z
// As much as one card and one store can need in the longest run.
constexpr amount rights_per_card = 1'000'000'000, quota = 1'000'000'000'000;

template <class T>
T must(result<T> r, const char* what) {
  if (!r)
    throw std::runtime_error(std::string(what) + ": " + std::string(errc_name(r.code())) + " " + r.error().detail);
  return std::move(*r);
}

epoch_id epoch_of(std::uint8_t n) {
  epoch_id e;
  e.value.fill(n);
  return e;
}

signing_key key_of_seed(std::uint8_t n) {
  std::array<std::uint8_t, 32> seed;
  seed.fill(n);
  return signing_key_from_seed(seed);
}

curve_key curve_of_seed(std::uint8_t n) {
  std::array<std::uint8_t, 32> secret;
  secret.fill(n);
  return curve_key_from_secret(secret);
}

entry publication(publish_topic topic, bytes blob) {
  entry e;
  e.kind = entry_kind::publish;
  e.topic = topic;
  e.blob = std::move(blob);
  return e;
}

void receive(book& b, const writer_id& from, account_id account, value_item value) {
  entry e;
  e.kind = entry_kind::receive;
  date_entry(e, b.st(), b.self(), noon, b.hq_time());
  e.peer = from;
  e.channel = static_cast<std::uint64_t>(number(b.st(), channel_key(false, from, b.self()))) + 1;
  e.account = account;
  e.values = {value};
  e.head = stream_head{{from, sub_stream::addressed, b.self().node}, e.channel, {}};
  must(b.write(e), "rights from head office");
}

}  // namespace

void commit(book& b, kv_store& store) {
  auto batch = b.seal();
  must(store.commit(batch, true), "a commit");
  b.settled();
}

std::string card_number(account_id account) {
  auto digits = std::to_string(account.value);
  auto number = "9704" + std::string(11 - digits.size(), '0') + digits;
  int sum = 0;
  for (std::size_t i = 0; i < number.size(); ++i) {
    int d = number[number.size() - 1 - i] - '0';
    if (i % 2 == 0) d = d * 2 > 9 ? d * 2 - 9 : d * 2;
    sum += d;
  }
  return number + static_cast<char>('0' + (10 - sum % 10) % 10);
}

void stock(book& b, kv_store& store, const writer_id& hq, std::uint64_t cards, std::string_view chain) {
  must(b.learn(publication(publish_topic::rules, encode_rules(reference_rules()))), "rules");
  for (std::uint32_t id = 1; id <= reference::products; ++id)
    must(b.learn(publication(publish_topic::product, encode_product(reference_product(id)))), "a product");
  entry card;
  card.kind = entry_kind::map_media;
  card.status = card_status::active;
  card.card_kind = 1;
  card.account_version = 1;
  receive(b, hq, {}, {0, quota_of(main_unit), 0, quota});
  for (std::uint64_t id = 1; id <= cards; ++id) {
    card.account = account_id{id};
    card.medium = medium_of(chain, card_number(card.account));
    must(b.learn(card), "a card");
    receive(b, hq, card.account, {purse_paid, main_unit, 0, rights_per_card});
    if (b.open_changes() >= group_changes_max) commit(b, store);
  }
  commit(b, store);
}

void grow(book& b, kv_store& store, std::uint64_t entries) {
  // One till a million keys long; its own terminal, so that its counters meet nobody else's.
  constexpr std::uint32_t terminal = 900;
  auto last = number(b.st(), {.type = cell_type::last_counter, .a = terminal, .b = 0, .writer = b.self(), .peer = {}});
  till_script script(1, terminal, static_cast<std::uint64_t>(last));
  while (b.next() < entries) {
    auto c = script.next();
    auto seq = b.next();
    auto d = b.take(c, noon);
    if (const auto* r = std::get_if<refusal>(&d))
      throw std::runtime_error("refused: " + std::string(errc_name(r->why.code)) + " " + r->why.detail);
    script.approved(c, seq);
    if (b.open_changes() >= group_changes_max) commit(b, store);
  }
  commit(b, store);
}

shop::shop(const std::filesystem::path& dir)
    : store_(must(open_rocks(dir / "db", {.create = true}), "the database")),
      root_(key_of_seed(1)),
      hq_(key_of_seed(2)),
      keys_(signing_secret()),
      curve_(curve_secret()),
      certificates_(std::string(chain_name), root_.key(), verifier_) {
  certify();
  auto s = open();
  if (s->ledger().started()) return;
  s->start(epoch(), noon);
  stock(s->ledger(), *store_, {head_office, epoch_of(1)}, reference::cards, chain_name);
}

void shop::certify() {
  certificate hq{.chain = std::string(chain_name),
                 .node = head_office,
                 .name = "Head office",
                 .role = node_role::hq,
                 .parents = {},
                 .owner = 1,
                 .powers = 127,
                 .signing = hq_.key(),
                 .curve = curve_of_seed(5).pub,
                 .epoch = epoch_of(1),
                 .serial = 1,
                 .not_before = 0,
                 .not_after = INT64_MAX,
                 .engine = engine_revision};
  certificate store = hq;
  store.node = store_node;
  store.name = "Store";
  store.role = node_role::store;
  store.parents = {head_office};
  store.signing = keys_.key();
  store.curve = curve_.pub;
  store.epoch = epoch();
  for (const auto& signed_form :
       {sign_certificate(hq, root_issuer, root_), sign_certificate(store, head_office, hq_)}) {
    auto known = must(certificates_.add(signed_form), "a certificate");
    kv_batch batch;
    batch.put(family::meta, certificate_key(known->node, known->serial), encode(signed_form));
    must(store_->commit(batch, true), "a certificate's record");
  }
}

epoch_id shop::epoch() { return epoch_of(9); }
std::string_view shop::chain() { return chain_name; }
signing_key shop::signing_secret() { return key_of_seed(3); }
curve_key shop::curve_secret() { return curve_of_seed(4); }

station_config shop::config() const {
  station_config c;
  c.chain = chain_name;
  c.self = store_node;
  c.role = node_role::store;
  return c;
}

std::unique_ptr<station> shop::open() {
  return must(station::open(config(), *store_, certificates_, keys_, random_), "the station");
}

void shop::grow_to(std::uint64_t entries) {
  auto s = open();
  grow(s->ledger(), *store_, entries);
}

}  // namespace tally::bench
