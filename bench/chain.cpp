#include "bench/chain.hpp"

#include <stdexcept>

#include "storage/sha256.hpp"
#include "sync/checkpoint.hpp"

namespace tally::bench {
namespace {

constexpr unix_seconds noon = 1'795'348'800;  // 2026-11-22T12:00:00Z
constexpr std::uint32_t today = 2517;
constexpr unsigned tills = 5;

template <class T>
T must(result<T> r, const char* what) {
  if (!r)
    throw std::runtime_error(std::string(what) + ": " + std::string(errc_name(r.code())) + " " + r.error().detail);
  return std::move(*r);
}
void must(const status& s, const char* what) {
  if (!s) throw std::runtime_error(std::string(what) + ": " + s.error().detail);
}

signing_key key_of(std::uint32_t n) {
  std::array<std::uint8_t, 32> seed{};
  for (std::size_t i = 0; i < 4; ++i)
    seed[i] = static_cast<std::uint8_t>(n >> (8 * i));
  return signing_key_from_seed(seed);
}
epoch_id epoch_of(std::uint32_t n) {
  epoch_id e;
  e.value.fill(7);
  for (std::size_t i = 0; i < 4; ++i)
    e.value[i] = static_cast<std::uint8_t>(n >> (8 * i));
  return e;
}
certificate certificate_of(node_id node, node_role role, const public_key& key, const epoch_id& epoch) {
  std::array<std::uint8_t, 32> secret;
  secret.fill(9);
  for (std::size_t i = 0; i < 4; ++i)
    secret[8 + i] = static_cast<std::uint8_t>(node.value >> (8 * i));
  return {.chain = std::string(office::chain()),
          .node = node,
          .name = "Node " + std::to_string(node.value),
          .role = role,
          .parents = role == node_role::hq ? std::vector<node_id>{} : std::vector<node_id>{head_office},
          .owner = 1,
          .powers = 127,
          .signing = key,
          .curve = curve_key_from_secret(secret).pub,
          .epoch = epoch,
          .serial = 1,
          .not_before = 0,
          .not_after = INT64_MAX,
          .engine = engine_revision};
}

}  // namespace

// -- head office -----------------------------------------------------------------

office::office(const std::filesystem::path& dir, unsigned stores)
    : store_(must(open_rocks(dir, {.create = true}), "the database")),
      root_(key_of(1'000'001)),
      hq_(key_of(1'000'002)),
      stores_(stores) {
  certify(stores);
  reopen();
  if (station_->ledger().started()) return;
  station_->start(epoch_of(1'000'003), noon);
  settle();
}

void office::certify(unsigned stores) {
  std::vector<std::pair<certificate, bool>> list;
  list.emplace_back(certificate_of(head_office, node_role::hq, hq_.key(), epoch_of(1'000'003)), true);
  for (unsigned n = 0; n < stores; ++n)
    list.emplace_back(certificate_of(store_id(n), node_role::store, ed25519_signer(store_key(n)).key(), store_epoch(n)),
                      false);
  kv_batch batch;
  for (const auto& [c, root] : list)
    batch.put(family::meta, certificate_key(c.node, c.serial),
              encode(sign_certificate(c, root ? root_issuer : head_office, root ? root_ : hq_)));
  must(store_->commit(batch, true), "the certificates");
}

epoch_id office::store_epoch(unsigned n) { return epoch_of(n); }
signing_key office::store_key(unsigned n) { return key_of(n); }

void office::reopen() {
  station_.reset();
  certificates_ = std::make_unique<certificate_book>(std::string(chain()), root_.key(), verifier_);
  station_config c;
  c.chain = std::string(chain());
  c.self = head_office;
  c.role = node_role::hq;
  station_ = must(station::open(c, *store_, *certificates_, hq_, random_), "the station");
  auto& st = station_->ledger().st();
  // What head office's directory says of its stores.
  for (unsigned n = 0; n < stores_; ++n)
    put_node(st, store_id(n), {node_role::store, store_epoch(n), {head_office}});
}

void office::settle() {
  for (;;) {
    station_->run(noon, 0);
    auto batch = station_->seal();
    if (!batch) return;
    must(store_->commit(*batch, true), "a commit");
    (void)station_->settled();
  }
}

void office::grant(amount quota) {
  facts_request r{1, {}};
  for (unsigned n = 0; n < stores_; ++n) {
    entry e;
    e.kind = entry_kind::send;
    e.peer = {store_id(n), store_epoch(n)};
    e.channel = 1;
    e.cause = send_cause::grant;
    e.values = {{0, quota_of(main_unit), 0, quota}};
    r.facts.push_back(std::move(e));
  }
  must(station_->put(std::move(r)), "the grants");
  settle();
}

void office::publish() {
  facts_request r{1, {}};
  auto put = [&](publish_topic topic, bytes blob) {
    entry e;
    e.kind = entry_kind::publish;
    e.topic = topic;
    e.rules_version = 1;
    e.blob = std::move(blob);
    r.facts.push_back(std::move(e));
  };
  put(publish_topic::rules, encode_rules(reference_rules()));
  for (std::uint32_t id = 1; id <= reference::products; ++id) {
    put(publish_topic::product, encode_product(reference_product(id)));
    if (r.facts.size() < 100 && id < reference::products) continue;
    must(station_->put(std::exchange(r, {1, {}})), "the rules");
    settle();
  }
}

stream_head office::directory() {
  stream_id id{self(), sub_stream::directory, {}};
  auto tip = must(stream_reader(*store_).frontier(id), "the directory");
  return {id, tip.size(), tip.root()};
}

// -- stores ------------------------------------------------------------------------

namespace {
const catalogue& reference_catalogue() {
  static const catalogue one = [] {
    catalogue c;
    c.add(reference_rules());
    for (std::uint32_t id = 1; id <= reference::products; ++id)
      c.add(reference_product(id));
    return c;
  }();
  return one;
}
}  // namespace

model_store::model_store(unsigned n, const writer_id& hq, std::uint64_t first, std::uint64_t accounts)
    : self_{office::store_id(n), office::store_epoch(n)},
      hq_(hq),
      key_(office::store_key(n)),
      first_(first),
      accounts_(accounts),
      rules_(reference_catalogue()),
      dice_(n + 1),
      tills_(tills) {
  for (unsigned i = 0; i < tills; ++i)
    tills_[i].terminal = self_.node.value * 64 + 1 + i;
}

void model_store::add(const entry& e) {
  auto data = encode_entry(e);
  if (full() || pending_.octets().size() + data.size() + 4 > segment_bytes_max) cut();
  pending_.add(data);
  frontier_.append(merkle_leaf(data));
}

void model_store::cut() {
  if (pending_.empty()) return;
  segment s;
  s.stream = {self_, sub_stream::journal, {}};
  s.first = pending_first_;
  s.entries = static_cast<std::uint32_t>(pending_.size());
  s.sign = sign_checkpoint(key_, {stream_origin(office::chain(), s.stream), frontier_.size(), frontier_.root(), {}});
  s.payload = pack_entries(pending_);
  done_.push_back(std::move(s));
  pending_first_ = frontier_.size();
  pending_ = {};
}

entry model_store::begin(entry_kind kind, till& t) {
  entry e;
  e.kind = kind;
  e.terminal = t.terminal;
  e.counter = ++t.counter;
  e.operator_id = 7;
  e.business_date = today;
  e.stamp = 8 * 3600 + second_++ / 2 % (12 * 3600);
  return e;
}

void model_store::open(const stream_head& directory, amount quota, amount each) {
  entry first;
  first.kind = entry_kind::open_epoch;
  first.engine = engine_revision;
  add(first);
  entry rules;
  rules.kind = entry_kind::adopt;
  rules.business_date = today;
  rules.head = directory;
  add(rules);
  entry in;
  in.kind = entry_kind::receive;
  in.business_date = today;
  in.peer = hq_;
  in.channel = 1;
  in.values = {{0, quota_of(main_unit), 0, quota}};
  in.head = stream_head{{hq_, sub_stream::addressed, self_.node}, 1, {}};
  add(in);
  for (std::uint64_t i = 0; i < accounts_; ++i) {
    auto e = begin(entry_kind::top_up, tills_[i % tills]);
    e.account = account_id{first_ + i};
    e.account_version = e.rules_version = 1;
    e.values = {{purse_paid, main_unit, 0, each}};
    e.tenders = {{tender_kind::cash, main_unit, each}};
    add(e);
  }
  cut();
}

void model_store::trade() {
  auto& t = tills_[below(tills)];
  auto dice = below(100);
  if (dice < reference::top_up_percent) {
    auto e = begin(entry_kind::top_up, t);
    e.account = account_id{first_ + below(accounts_)};
    e.account_version = e.rules_version = 1;
    e.values = {{purse_paid, main_unit, 0, reference::top_up}};
    e.tenders = {{tender_kind::cash, main_unit, reference::top_up}};
    return add(e);
  }
  if (dice < reference::top_up_percent + reference::reverse_percent && t.last_sale) {
    auto sale = sales_.extract(*t.last_sale);
    auto e = begin(entry_kind::reverse, t);
    e.cites = *t.last_sale;
    e.cited_kind = entry_kind::sale;
    e.account = sale.mapped().account;
    e.account_version = sale.mapped().account_version;
    e.values = sale.mapped().values;
    e.taxes = sale.mapped().taxes;
    t.last_sale.reset();
    return add(e);
  }
  auto e = begin(entry_kind::sale, t);
  e.account = account_id{first_ + below(accounts_)};
  e.account_version = e.rules_version = 1;
  for (unsigned i = 0; i < reference::lines; ++i)
    e.lines.push_back({product_id{1 + static_cast<std::uint32_t>(below(reference::products))},
                       1 + static_cast<std::int64_t>(below(reference::pieces))});
  auto basket = must(rules_.price(e.lines, 1), "a basket");
  e.values = {{purse_paid, main_unit, 0, basket.total}};
  e.taxes = basket.taxes;
  if (t.last_sale) sales_.erase(*t.last_sale);
  t.last_sale = frontier_.size();
  sales_.emplace(frontier_.size(), e);
  add(e);
}

}  // namespace tally::bench
