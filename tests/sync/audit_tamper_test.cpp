// Every kind of tampering is found, and named.
#include <catch2/catch.hpp>

#include "storage/kv_state.hpp"
#include "storage/sha256.hpp"
#include "sync/audit_copy.hpp"
#include "sync/checkpoint.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("a flipped byte in an own entry is found and named", "[sync][audit][tamper]") {
  copy c(3);
  auto key = own_entry_key(journal_of(3).writer.epoch, 40);
  auto e = *decode_entry(c.get(family::entries, key));
  REQUIRE(e.kind == entry_kind::sale);
  e.operator_id ^= 1;  // still a proper entry
  c.put(family::entries, key, encode_entry(e));
  auto r = c.check();
  CHECK(names(problems(r, "streams"), name_of(3), stream_reader(c.store).size(journal_of(3)) - 1));
  CHECK(names(problems(r, "tiles"), name_of(3), 0));
  CHECK_FALSE(problems(r, "cosignatures").empty());

  c.put(family::entries, key, encode_entry(e) + '\0');  // no proper one any more
  CHECK(names(problems(c.check(), "entries"), name_of(3), 40));
}

TEST_CASE("a changed entry in somebody else's segment is found and named", "[sync][audit][tamper]") {
  copy c(1);
  auto s = c.segments(journal_of(3)).at(2);
  auto list = unpack_entries(s)->copies();
  auto e = *decode_entry(list.at(1));
  e.operator_id ^= 1;
  list[1] = encode_entry(e);
  s.payload = pack_entries(list);
  c.put(family::segments, segment_key(s.stream, s.first), encode_segment(s));
  CHECK(names(problems(c.check(), "segments"), name_of(3), s.size_after() - 1));

  copy d(1);
  auto key = segment_key(s.stream, s.first);
  d.put(family::segments, key, d.get(family::segments, key).substr(0, 60));
  CHECK(names(problems(d.check(), "segments"), name_of(3), s.first));
}

TEST_CASE("a removed segment and swapped segments are found and named", "[sync][audit][tamper]") {
  auto list = copy(1).segments(journal_of(3));
  REQUIRE(list.size() >= 3);
  auto key = [](const segment& s) { return segment_key(s.stream, s.first); };
  SECTION("removed") {
    copy c(1);
    c.erase(family::segments, key(list[1]));
    CHECK(names(problems(c.check(), "segments"), name_of(3), list[1].first));
  }
  SECTION("the newest one removed") {
    copy c(1);
    c.erase(family::segments, key(list.back()));
    CHECK(names(problems(c.check(), "segments"), name_of(3), list.back().first));
  }
  SECTION("swapped") {
    copy c(1);
    c.put(family::segments, key(list[1]), encode_segment(list[2]));
    c.put(family::segments, key(list[2]), encode_segment(list[1]));
    CHECK(names(problems(c.check(), "segments"), name_of(3), list[1].first));
  }
  SECTION("of another stream") {
    copy c(1);
    auto other = c.segments(journal_of(4)).at(0);
    c.put(family::segments, key(list[0]), encode_segment(other));
    CHECK(names(problems(c.check(), "segments"), name_of(3), 0));
  }
  SECTION("one too many") {
    copy c(1);
    auto more = list.back();
    more.first = list.back().size_after();
    c.put(family::segments, key(more), encode_segment(more));
    CHECK(names(problems(c.check(), "segments"), name_of(3), more.first));
  }
}

TEST_CASE("a removed entry, and one behind the head, are found", "[sync][audit][tamper]") {
  copy c(3);
  auto epoch = journal_of(3).writer.epoch;
  auto size = stream_reader(c.store).size(journal_of(3));
  c.put(family::entries, own_entry_key(epoch, size), c.get(family::entries, own_entry_key(epoch, 40)));
  CHECK(names(problems(c.check(), "streams"), "epoch " + to_hex(view_of(epoch.value)), size));
  copy d(3);
  d.erase(family::entries, own_entry_key(epoch, 40));
  CHECK(names(problems(d.check(), "streams"), name_of(3), 40));
}

TEST_CASE("a changed projection is found and named", "[sync][audit][tamper]") {
  auto hold = hold_account(traded().node(3).writer(), audit_chain::card, purse_paid, 0, main_unit);
  SECTION("a balance of the own fold") {
    copy c(3);
    auto v = *decode_balance(c.get(family::state, balance_key(hold)));
    c.put(family::state, balance_key(hold), encode_balance(v - 100));
    auto list = problems(c.check(), "projection");
    REQUIRE(list.size() == 1);
    CHECK(list[0].where == account_name(hold) + " U1");
    CHECK(list[0].expected == std::to_string(v));
    CHECK(list[0].found == std::to_string(v - 100));
  }
  SECTION("a balance that is gone, and one too many") {
    copy c(3);
    c.erase(family::state, balance_key(hold));
    CHECK(names(problems(c.check(), "projection"), account_name(hold) + " U1", {}));
    auto other = hold;
    other.a = 99;
    copy d(3);
    d.put(family::state, balance_key(other), encode_balance(-5));
    CHECK(names(problems(d.check(), "projection"), account_name(other) + " U1", {}));
  }
  SECTION("a card that was made active") {
    copy c(4);
    memory_state s;
    put_card(s, account_id{77}, {card_status::active, 1, 1});
    const auto& [k, v] = *s.raw_cells().begin();
    c.put(family::state, cell_key_bytes(k), encode_cell(v));
    CHECK(names(problems(c.check(), "projection"), "card 77 0", {}));
  }
  SECTION("the observed fold") {
    copy c(1);
    c.put(family::state, "o" + balance_key(hold), encode_balance(-1));
    CHECK(names(problems(c.check(), "observed fold"), account_name(hold) + " U1", {}));
  }
  SECTION("its position") {
    copy c(1);
    byte_writer key, value;
    key.u8('p');
    write_writer(key, traded().node(3).writer());
    value.uv(1'000'000);
    c.put(family::state, key.take(), value.take());
    CHECK(names(problems(c.check(), "observed fold"), name_of(3), {}));
  }
}

TEST_CASE("a wrong tile, a missing one and a stray one are found", "[sync][audit][tamper]") {
  auto key = stream_tile_key(journal_of(3), 8, 0);
  copy c(3);
  c.put(family::entries, key, flip(c.get(family::entries, key), 5));
  CHECK(names(problems(c.check(), "tiles"), name_of(3), 0));
  copy d(3);
  d.erase(family::entries, key);
  CHECK(names(problems(d.check(), "tiles"), name_of(3), 0));
  copy e(3);
  e.put(family::entries, stream_tile_key(journal_of(3), 16, 0), bytes(32, 'x'));
  CHECK(names(problems(e.check(), "tiles"), name_of(3), {}));
}

TEST_CASE("a forged certificate, and another root, are found", "[sync][audit][tamper]") {
  test::seeded_entropy random(5);
  ed25519_signer thief(make_signing_key(random));
  auto cert = traded().node(3).cert;
  cert.serial = 2;
  cert.signing = thief.key();
  copy c(1);
  c.put(family::meta, certificate_key(cert.node, 2), encode(sign_certificate(cert, head_office, thief)));
  CHECK(names(problems(c.check(), "certificates"), "certificate 2 of node 3", {}));

  copy d(3);
  audit_trust other{std::string(audit_chain::name), thief.key()};
  auto r = audit(d.store, other, traded().with(), {});
  CHECK(problems(r, "certificates").size() >= 4);
  CHECK(names(problems(r, "segments"), stream_name({traded().node(1).writer(), sub_stream::directory, {}}), {}) ==
        false);
}

TEST_CASE("segments signed with another key are found and named", "[sync][audit][tamper]") {
  test::seeded_entropy random(6);
  ed25519_signer thief(make_signing_key(random));
  copy c(1);
  merkle_frontier tip;
  for (auto s : c.segments(journal_of(4))) {
    auto entries = *unpack_entries(s);
    for (const auto& e : entries)
      tip.append(merkle_leaf(e));
    s.sign = sign_checkpoint(thief, {stream_origin(audit_chain::name, s.stream), tip.size(), tip.root(), {}});
    c.put(family::segments, segment_key(s.stream, s.first), encode_segment(s));
    c.put(family::meta, "g" + stream_key(s.stream), bytes(view_of(s.sign)));
  }
  auto list = problems(c.check(), "segments");
  CHECK(names(list, name_of(4), c.segments(journal_of(4)).at(0).size_after() - 1));
  CHECK(names(list, name_of(4), tip.size() - 1));
}

TEST_CASE("an extra entry in a sub-stream is found and named", "[sync][audit][tamper]") {
  stream_id to{traded().node(1).writer(), sub_stream::addressed, node_id{3}};
  copy c(1);
  auto size = stream_reader(c.store).size(to);
  REQUIRE(size > 0);
  kv_view view(c.store);
  stream_writer w(view);
  // The journal's first send once more, with a place in the index and a proper tree.
  auto again = c.get(family::entries, stream_index_key(to, 0));
  auto tip = w.tip(to);
  tip.append(merkle_leaf(c.get(family::entries, own_entry_key(to.writer.epoch, byte_reader(again).uv()))));
  byte_writer head;
  tip.write(head);
  c.put(family::entries, stream_index_key(to, size), again);
  c.put(family::meta, head_key(to), head.take());
  CHECK(names(problems(c.check(), "sub-streams"), stream_name(to), size));

  // Without a new head it is a stray record, and pointing elsewhere it is another entry.
  copy d(1);
  d.put(family::entries, stream_index_key(to, size), again);
  CHECK(names(problems(d.check(), "sub-streams"), stream_name(to), {}));
  copy e(1);
  byte_writer other;
  other.uv(3);
  e.put(family::entries, stream_index_key(to, 0), other.take());
  CHECK_FALSE(problems(e.check(), "streams").empty());
}

TEST_CASE("a price that is off by one cent is found and named", "[sync][audit][tamper]") {
  audit_chain c;
  c.history();
  auto seq = c.node(3).st->ledger().next();
  entry e;
  e.kind = entry_kind::sale;
  e.terminal = 3001;
  e.counter = 5000;
  e.account = audit_chain::card;
  e.account_version = 1;
  e.rules_version = 2;
  e.lines = {{product_id{2}, 100}};
  SECTION("the total") { e.values = {{purse_paid, main_unit, 0, 601}}; }
  SECTION("the tax") {
    e.lines = {{product_id{1}, 100}};
    e.values = {{purse_paid, main_unit, 0, 300}};
    e.taxes = {{0, main_unit, 36}};  // 300 × 13 / 113 is 34.51
  }
  SECTION("an older price list") {
    e.rules_version = 1;
    e.values = {{purse_paid, main_unit, 0, 600}};
  }
  SECTION("rules that were never published") {
    e.rules_version = 9;
    e.values = {{purse_paid, main_unit, 0, 600}};
  }
  c.write(3, e);
  c.sync();
  for (std::uint32_t id : {3U, 2U, 1U}) {
    auto list = problems(c.check(id), "prices");
    REQUIRE(list.size() == 1);
    CHECK(names(list, stream_name(c.node(3).journal()), seq));
  }
  CHECK(c.check(4)->ok());
}

TEST_CASE("a receive with another amount is found and named", "[sync][audit][tamper]") {
  audit_chain c;
  c.history();
  // Region sends 200 to store 4, which books 250 for it and names the right head.
  auto region = c.node(2).writer(), store = c.node(4).writer();
  entry send;
  send.kind = entry_kind::send;
  send.peer = store;
  send.channel = static_cast<std::uint64_t>(number(c.node(2).st->ledger().st(), channel_key(true, region, store))) + 1;
  send.cause = send_cause::grant;
  send.values = {{0, quota_of(main_unit), 0, 200}};
  auto quota = send;
  // The region has no quota of its own: head office grants it some first.
  quota.peer = region;
  quota.channel =
      static_cast<std::uint64_t>(number(c.node(1).st->ledger().st(), channel_key(true, c.node(1).writer(), region))) +
      1;
  c.write(1, quota);
  c.sync();
  auto seq = c.node(4).st->ledger().next();
  stream_id to{region, sub_stream::addressed, node_id{4}};
  auto tip = *stream_reader(c.node(2).store).frontier(to);
  auto& region_book = c.node(2).st->ledger();
  date_entry(send, region_book.st(), region, 1'795'600'000, 0);
  tip.append(merkle_leaf(encode_entry(send)));
  entry receive;
  receive.kind = entry_kind::receive;
  receive.peer = region;
  receive.channel = send.channel;
  receive.values = {{0, quota_of(main_unit), 0, 250}};
  receive.head = stream_head{to, tip.size(), tip.root()};
  c.write(4, receive);
  REQUIRE(region_book.write(send).ok());
  auto batch = region_book.seal();
  REQUIRE(c.node(2).store.commit(batch, true).ok());
  region_book.settled();
  c.sync();
  CHECK(names(problems(c.check(4), "transfers"), stream_name(c.node(4).journal()), seq));
  CHECK_FALSE(problems(c.check(2), "transfers").empty());
  CHECK_FALSE(problems(c.check(1), "transfers").empty());
}

TEST_CASE("an old copy of a node's data is found by what others signed", "[sync][audit][tamper]") {
  audit_chain c;
  c.history();
  auto old = c.node(3).store.image();
  c.sell(3, 1);
  c.sync();
  // Its parents' newer cosignatures lie outside the copy, as when only part of a disk was put back.
  memory_kv store(old);
  kv_batch b;
  for (auto at = c.node(3).store.scan(family::meta, "c"); at->valid() && at->key()[0] == 'c'; at->next())
    b.put(family::meta, bytes(at->key()), bytes(at->value()));
  REQUIRE(store.commit(b, true).ok());
  CHECK(names(problems(c.check(store), "cosignatures"), stream_name(c.node(3).journal()), {}));
}

TEST_CASE("no damaged byte crashes the audit, and hardly any goes unseen", "[sync][audit][tamper]") {
  std::mt19937_64 random(20261122);
  auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (std::uint32_t id : {1U, 2U, 4U}) {
    auto image = traded().node(id).store.image();
    // By kind of record, so that the rare ones are met as well.
    std::map<std::pair<family, bytes>, std::vector<std::pair<bytes, bytes>>> kinds;
    for (auto f : {family::meta, family::entries, family::segments, family::state})
      for (auto at = image.of(f).lower_bound({}); at != image.of(f).end(); at = image.of(f).next(at)) {
        const auto k = image.of(f).key(at);
        // Its clock, and why it stopped, are no part of the ledger.
        if (f != family::meta || (k != "time" && k != "stopped"))
          kinds[{f, f == family::segments ? bytes() : bytes(k.substr(0, 1))}].emplace_back(k, image.of(f).value(at));
      }
    CHECK(kinds.size() >= 9);
    for (int i = 0; i < 150; ++i) {
      const auto& [kind, list] = *std::next(kinds.begin(), static_cast<std::ptrdiff_t>(below(kinds.size())));
      auto f = kind.first;
      const auto& [key, value] = list[below(list.size())];
      copy c(id);
      auto spoiled = value;
      auto what = random() % 3;
      if (what == 0 && !spoiled.empty()) spoiled[below(spoiled.size())] ^= static_cast<char>(1U << below(8));
      if (what == 1) spoiled.resize(below(spoiled.size() + 1));
      if (what == 2) spoiled += static_cast<char>(random());
      if (spoiled == value) continue;
      c.put(f, key, spoiled);
      auto r = c.check();
      INFO("node " << id << " family " << static_cast<int>(f) << " key " << to_hex(key) << "\n"
                   << to_hex(value) << "\n"
                   << to_hex(spoiled));
      CHECK((!r.ok() || !r->ok() || key == "format"));
    }
  }
}
