#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

/// A shop with rights, quota and one entry of each kind that can be judged well.
struct bench {
  shop s{store_a};
  bench() {
    s.quota(50'000);
    s.rights(card_1, 10'000);
  }
  entry sale() {
    entry e;
    e.kind = entry_kind::sale;
    e.terminal = 201;
    e.counter = 8;
    e.account = card_1;
    e.lines = {{product_id{1}, 20}};
    e.values = {{purse_paid, main_unit, 0, 1500}};
    e.tenders = {{tender_kind::cash, main_unit, 500}};
    e.taxes = {{0, main_unit, 230}};
    return e;
  }
  entry top_up() {
    entry e;
    e.kind = entry_kind::top_up;
    e.terminal = 201;
    e.counter = 9;
    e.account = card_1;
    e.values = {{purse_paid, main_unit, 0, 700}};
    e.tenders = {{tender_kind::cash, main_unit, 700}};
    return e;
  }
  entry send() {
    entry e;
    e.kind = entry_kind::send;
    e.peer = region;
    e.channel = 1;
    e.cause = send_cause::recall;
    e.account = card_1;
    e.values = {{purse_paid, main_unit, 0, 100}};
    return e;
  }
  entry reversal_of(const entry& e, sequence seq) {
    entry r = e;
    r.kind = entry_kind::reverse;
    r.cited_kind = e.kind;
    r.cites = seq;
    r.counter = 50;
    r.lines.clear();
    r.rules_version = 0;
    return r;
  }
  errc verdict(const entry& e, node_role role = node_role::store) {
    std::optional<entry> cited;
    if (e.cites) cited = s.find(*e.cites);
    return judge(e, {s.self, role, s.journal.size(), cited ? &*cited : nullptr}, s.st).code();
  }
  template <class Change>
  errc changed(entry e, Change change) {
    change(e);
    return verdict(e);
  }
};
using E = entry&;

}  // namespace

TEST_CASE("who may write what: the entitlement table, row by row", "[judge]") {
  // From docs/ledger.md; S, R, H: store, region, head office may write it. Capitals only where the kind is built.
  const struct {
    int kind;
    const char* writers;
  } table[] = {{1, "SRH"}, {2, "S"},   {3, "SH"},  {4, "SH"},   {5, "SRH"},  {6, "SRH"}, {7, "SRH"},  {8, "s"},
               {9, "S"},   {10, "S"},  {11, "S"},  {12, "S"},   {13, "S"},   {14, "SH"}, {15, "H"},   {16, "H"},
               {17, "s"},  {18, "SH"}, {19, "SH"}, {20, "S"},   {21, "SRH"}, {22, "H"},  {23, "SRH"}, {24, "S"},
               {25, "S"},  {26, "s"},  {27, "s"},  {28, "srh"}, {32, "S"},   {33, "S"},  {40, "H"},   {41, "H"},
               {42, "H"},  {43, "H"},  {44, "H"},  {45, "H"},   {46, "H"},   {47, "H"},  {48, "h"},   {49, "H"},
               {52, "H"},  {53, "H"},  {54, "H"},  {55, "H"},   {56, "H"},   {57, "SH"},  {30, "S"},   {60, "H"},
               {61, "H"},  {62, "S"},  {63, "S"},  {66, "H"},   {67, "H"},   {68, "SH"}, {65, "H"}};
  const struct {
    node_role role;
    char letter;
  } roles[] = {{node_role::store, 's'}, {node_role::region, 'r'}, {node_role::hq, 'h'}};
  bench b;
  for (int k = 0; k < 256; ++k) {
    std::string writers;
    for (const auto& row : table)
      if (row.kind == k) writers = row.writers;
    for (const auto& r : roles) {
      INFO("kind " << k << " role " << r.letter);
      bool small = writers.find(r.letter) != std::string::npos;
      bool capital = writers.find(static_cast<char>(r.letter - 32)) != std::string::npos;
      CHECK(may_write(r.role, static_cast<entry_kind>(k)) == (small || capital));
      entry e;
      e.kind = static_cast<entry_kind>(k);
      auto code = b.verdict(e, r.role);
      bool built = !writers.empty() && writers[0] < 'a';
      if (!built) {
        CHECK(code == errc::unsupported);
      } else if (!capital) {
        CHECK(code == errc::not_entitled);
      } else {
        CHECK(code == errc::malformed);  // past the table, and stopped by what the empty entry lacks
      }
    }
    CHECK_FALSE(may_write(node_role{}, static_cast<entry_kind>(k)));  // a writer whose role nobody knows
  }
}

TEST_CASE("good entries pass", "[judge]") {
  bench b;
  CHECK(b.verdict(b.sale()) == errc::ok);
  CHECK(b.verdict(b.top_up()) == errc::ok);
  CHECK(b.verdict(b.send()) == errc::ok);
  CHECK(b.changed(b.sale(), [](E e) { e.values.clear(), e.tenders.clear(), e.taxes.clear(), e.account = {}; }) ==
        errc::ok);
}

TEST_CASE("each kind has its fields, all that it needs and no other", "[judge]") {
  bench b;
  CHECK(b.changed(b.sale(), [](E e) { e.terminal = 0; }) == errc::malformed);
  CHECK(b.changed(b.sale(), [](E e) { e.counter = 0; }) == errc::malformed);
  CHECK(b.changed(b.sale(), [](E e) { e.lines.clear(); }) == errc::malformed);
  CHECK(b.changed(b.top_up(), [](E e) { e.account = {}; }) == errc::malformed);
  CHECK(b.changed(b.top_up(), [](E e) { e.lines = {{product_id{1}, 1}}; }) == errc::malformed);
  CHECK(b.changed(b.send(), [](E e) { e.cause = {}; }) == errc::malformed);
  CHECK(b.changed(b.send(), [](E e) { e.terminal = 201; }) == errc::malformed);
  // Every kind that is built, with every field that its row does not name.
  for (int k = 1; k < 64; ++k) {
    const auto* row = row_of(static_cast<entry_kind>(k));
    if (!row || !row->built) continue;
    CHECK((row->required & row->optional) ==
          (row->required & row->optional & (bit(field::terminal) | bit(field::counter))));
    CHECK((row->required | row->optional) >> (field_max + 1) == 0);
  }
}

TEST_CASE("an entry over its bounds is not judged good", "[judge]") {
  bench b;
  CHECK(b.changed(b.sale(), [](E e) { e.lines.resize(200, {product_id{1}, 1}); }) == errc::ok);
  CHECK(b.changed(b.sale(), [](E e) { e.lines.resize(201, {product_id{1}, 1}); }) == errc::malformed);
  CHECK(b.changed(b.send(), [](E e) { e.values.resize(65, {purse_paid, main_unit, 0, 1}); }) == errc::malformed);
  CHECK(b.changed(b.sale(), [](E e) { e.tenders.resize(17, {tender_kind::cash, main_unit, 1}); }) == errc::malformed);
  CHECK(b.changed(b.sale(), [](E e) { e.taxes.resize(33, {0, main_unit, 0}); }) == errc::malformed);
  CHECK(b.changed(b.sale(), [](E e) { e.tenders[0].kind = static_cast<tender_kind>(5); }) == errc::malformed);
  CHECK(b.changed(b.sale(), [](E e) { e.tenders[0].kind = tender_kind{}; }) == errc::malformed);

  shop head(hq, node_role::hq);
  entry map;
  map.kind = entry_kind::map_media;
  map.account = card_1;
  map.medium = bytes(16, 'm');
  map.card_kind = 1;
  map.status = card_status::active;
  CHECK(head.write(map).ok());
  for (std::size_t n : {1, 15, 17}) {
    map.medium = bytes(n, 'm');
    CHECK(head.write(map).code() == errc::malformed);
    apply_directory(map, head.st);  // and if it came from elsewhere, nothing is read beyond its end
  }
  entry limits;
  limits.kind = entry_kind::limits;
  limits.subject = store_a;
  limits.limits = node_limits{1, 1, 1, 1};
  CHECK(head.write(limits).ok());
  limits.limits->ceiling = INT64_MIN;
  CHECK(head.write(limits).code() == errc::malformed);
  entry publish;
  publish.kind = entry_kind::publish;
  publish.topic = publish_topic::notice;
  publish.blob = bytes(60'000, 'n');
  CHECK(head.write(publish).ok());
  publish.blob += 'n';
  CHECK(head.write(publish).code() == errc::malformed);
}

TEST_CASE("a journal opens with its epoch, once", "[judge]") {
  memory_state empty;
  entry_place first{store_a, node_role::store, 0, nullptr};
  CHECK(judge(opening(), first, empty).ok());
  bench b;
  CHECK(judge(b.sale(), first, empty).code() == errc::malformed);
  CHECK(b.verdict(opening()) == errc::malformed);
}

TEST_CASE("the business date never moves back", "[judge]") {
  bench b;
  entry e = b.sale();
  e.business_date = 2517;
  REQUIRE(b.s.write(e).ok());
  CHECK(b.changed(b.top_up(), [](E x) { x.business_date = 2517; }) == errc::ok);
  CHECK(b.changed(b.top_up(), [](E x) { x.business_date = 2516; }) == errc::malformed);
  CHECK(b.changed(b.top_up(), [](E x) { x.business_date = 0; }) == errc::ok);  // an entry without a date
}

TEST_CASE("a key is used once", "[judge]") {
  bench b;
  REQUIRE(b.s.write(b.sale()).ok());
  CHECK(b.verdict(b.sale()) == errc::key_reused);
  CHECK(b.changed(b.top_up(), [](E e) { e.counter = 8; }) == errc::key_reused);
  CHECK(b.changed(b.sale(), [](E e) { e.terminal = 202; }) == errc::ok);
  entry back = b.reversal_of(b.sale(), b.s.journal.size() - 1);
  back.counter = 8;
  CHECK(b.verdict(back) == errc::key_reused);
}

TEST_CASE("a key below the window is contested, used or not", "[judge]") {
  bench b;
  entry e = b.sale();
  for (std::uint64_t counter : {8, 1007}) {
    e.counter = counter;
    REQUIRE(b.s.write(e).ok());
  }
  CHECK(b.changed(e, [](E x) { x.counter = 8; }) == errc::key_reused);
  e.counter = 1008;
  REQUIRE(b.s.write(e).ok());
  CHECK(b.changed(e, [](E x) { x.counter = 8; }) == errc::key_too_old);
  CHECK(b.changed(e, [](E x) { x.counter = 7; }) == errc::key_too_old);
  CHECK(b.changed(e, [](E x) { x.counter = 9; }) == errc::ok);
}

TEST_CASE("no right goes below zero", "[judge]") {
  bench b;
  CHECK(b.changed(b.sale(), [](E e) { e.values[0].amount = 10'000; }) == errc::ok);
  CHECK(b.changed(b.sale(), [](E e) { e.values[0].amount = 10'001; }) == errc::insufficient);
  CHECK(b.changed(b.sale(), [](E e) { e.account = card_2; }) == errc::insufficient);
  // Two items of one purse do not each pass alone.
  CHECK(b.changed(b.sale(), [](E e) {
    e.values = {{purse_paid, main_unit, 0, 6000}, {purse_paid, main_unit, 0, 6000}};
  }) == errc::insufficient);
  CHECK(b.changed(b.sale(), [](E e) { e.values[0].bucket = 202701; }) == errc::insufficient);
  CHECK(b.changed(b.sale(), [](E e) { e.values[0].purse = 2; }) == errc::malformed);  // the unit is of purse 1
  CHECK(b.changed(b.sale(), [](E e) { e.account = {}; }) == errc::malformed);
  CHECK(b.changed(b.top_up(), [](E e) { e.values[0].amount = e.tenders[0].amount = 50'000; }) == errc::ok);
  CHECK(b.changed(b.top_up(), [](E e) { e.values[0].amount = e.tenders[0].amount = 50'001; }) == errc::no_quota);
  CHECK(b.changed(b.top_up(), [](E e) { e.tenders[0].amount = 701; }) == errc::unbalanced);
  CHECK(b.changed(b.send(), [](E e) { e.values[0].amount = 10'001; }) == errc::insufficient);
  CHECK(b.changed(b.send(), [](E e) { e.account = {}, e.values = {{0, quota_unit, 0, 50'001}}; }) == errc::no_quota);
  CHECK(b.changed(b.sale(), [](E e) { e.values[0].amount = INT64_MAX; }) == errc::overflow);
  // Head office creates quotas, and nothing else.
  shop head(hq, node_role::hq);
  entry grant = b.send();
  grant.peer = store_a;
  grant.account = {};
  grant.values = {{0, quota_unit, 0, 1'000'000}};
  CHECK(head.write(grant).ok());
  grant.channel = 2;
  grant.account = card_1;
  grant.values = {{purse_paid, main_unit, 0, 1}};
  CHECK(head.write(grant).code() == errc::insufficient);
}

TEST_CASE("a reversal is own, once, and equal to what it cites", "[judge]") {
  bench b;
  REQUIRE(b.s.write(b.sale()).ok());
  auto seq = b.s.journal.size() - 1;
  entry back = b.reversal_of(b.sale(), seq);
  CHECK(b.verdict(back) == errc::ok);
  CHECK(b.changed(back, [](E e) { e.values[0].amount -= 1; }) == errc::malformed);
  CHECK(b.changed(back, [](E e) { e.tenders[0].kind = tender_kind::bank; }) == errc::malformed);
  CHECK(b.changed(back, [](E e) { e.taxes.clear(); }) == errc::malformed);
  CHECK(b.changed(back, [](E e) { e.account = card_2; }) == errc::malformed);
  CHECK(b.changed(back, [](E e) { e.shift = 2; }) == errc::malformed);
  CHECK(b.changed(back, [](E e) { e.cites = 999; }) == errc::not_found);
  CHECK(b.changed(back, [&](E e) { e.cites = seq + 1; }) == errc::not_found);
  CHECK(b.changed(back, [](E e) { e.cites = 1; }) == errc::not_reversible);  // a receive
  CHECK(b.changed(back, [](E e) { e.cited_kind = entry_kind::top_up; }) == errc::not_reversible);
  REQUIRE(b.s.write(back).ok());
  back.counter = 51;
  CHECK(b.verdict(back) == errc::already_reversed);
  entry twice = b.reversal_of(back, b.s.journal.size() - 1);
  twice.counter = 52;
  CHECK(b.verdict(twice) == errc::not_reversible);
}

TEST_CASE("channels count without gaps, and both halves agree", "[judge]") {
  bench b;
  CHECK(b.changed(b.send(), [](E e) { e.channel = 2; }) == errc::gap);
  CHECK(b.changed(b.send(), [](E e) { e.channel = 0; }) == errc::malformed);  // the field would be absent
  CHECK(b.changed(b.send(), [](E e) { e.peer = store_a; }) == errc::malformed);
  CHECK(b.changed(b.send(), [](E e) { e.peer = writer(3, 9); }) == errc::malformed);  // itself in another epoch
  REQUIRE(b.s.write(b.send()).ok());
  CHECK(b.verdict(b.send()) == errc::gap);
  CHECK(b.changed(b.send(), [](E e) { e.channel = 2; }) == errc::ok);
  CHECK(b.changed(b.send(), [](E e) { e.peer = hq; }) == errc::ok);            // each channel counts for itself
  CHECK(b.changed(b.send(), [](E e) { e.peer = writer(2, 2); }) == errc::ok);  // and so does each epoch of the peer

  entry in = b.s.receive(card_1, {{purse_paid, main_unit, 0, 5}});
  CHECK(b.verdict(in) == errc::ok);
  CHECK(b.changed(in, [](E e) { e.channel -= 1; }) == errc::gap);
  CHECK(b.changed(in, [](E e) { e.channel += 1; }) == errc::gap);
  CHECK(b.changed(in, [](E e) { e.head.reset(); }) == errc::malformed);

  // Where both journals are seen, a receive that differs from its send is contested, whichever came first.
  memory_state seen;
  entry out = b.send();
  entry_place sender{store_a, node_role::store, 5, nullptr, true};
  entry_place receiver{region, node_role::region, 5, nullptr, true};
  seen.set_balance(hold_account(store_a, card_1, 1, 0, main_unit), -100);
  seen.set_balance(hold_account(region, card_1, 1, 0, main_unit), -100);
  auto postings = judge(out, sender, seen);
  REQUIRE(postings.ok());
  REQUIRE(apply(out, sender, *postings, seen).ok());
  entry half;
  half.kind = entry_kind::receive;
  half.peer = store_a;
  half.channel = 1;
  half.account = card_1;
  half.values = out.values;
  half.head = stream_head{{store_a, sub_stream::journal, {}}, 6, {}};
  CHECK(judge(half, receiver, seen).ok());
  half.values[0].amount = 101;
  CHECK(judge(half, receiver, seen).code() == errc::bad_proof);
  half.values[0].amount = 100;
  half.account = card_2;
  CHECK(judge(half, receiver, seen).code() == errc::bad_proof);
}
