// Head office's second look, against the audit's, across restarts.
#include <catch2/catch.hpp>

#include "ledger/programme_fixture.hpp"
#include "storage/entry_codec.hpp"
#include "sync/audit_chain.hpp"
#include "sync/reexecution.hpp"

using namespace tally;
using test::audit_chain;

namespace {

/// Keeps the notes of one step. False if there was nothing to keep.
bool keep(kv_store& store, const reexecution::notes& notes) {
  kv_batch b;
  for (const auto& [key, value] : notes)
    b.put(family::meta, "n" + key, value);
  REQUIRE(store.commit(b, true).ok());
  return !notes.empty();
}

/// Until nothing more can be looked at.
void catch_up(reexecution& r, kv_store& store, std::size_t at_once = 7) {
  for (;;) {
    auto notes = r.step(at_once);
    REQUIRE(notes);
    if (!keep(store, *notes)) return;
  }
}

std::unique_ptr<reexecution> open(const kv_store& store) {
  auto r = reexecution::open(store);
  REQUIRE(r);
  return std::move(*r);
}

entry forged_sale(std::uint64_t counter, amount paid) {
  entry e;
  e.kind = entry_kind::sale;
  e.terminal = 3'002;
  e.counter = counter;
  e.rules_version = 2;
  e.lines = {{product_id{1}, 1}};
  e.tenders = {{tender_kind::cash, main_unit, paid}};
  return e;
}

std::uint64_t journal_entries(audit_chain& c) {
  std::uint64_t sum = 0;
  for (std::uint32_t id = 1; id <= 4; ++id)
    sum += stream_reader(c.node(1).store).size(c.node(id).journal());
  return sum;
}

}  // namespace

TEST_CASE("what honest stores wrote is priced again without a difference, also across restarts", "[reexecution]") {
  audit_chain c;
  c.history();
  auto& store = c.node(1).store;
  auto first = open(store);
  auto notes = first->step(10);
  REQUIRE(notes);
  CHECK(first->counted().entries == 10);
  CHECK(first->counted().behind == journal_entries(c) - 10);
  // These notes are lost: it begins anew, and comes to the same.
  first = open(store);
  CHECK(first->counted().entries == 0);
  catch_up(*first, store);
  CHECK(first->counted().entries == journal_entries(c));
  CHECK(first->counted().behind == 0);

  auto again = open(store);
  CHECK(again->counted().entries == journal_entries(c));
  c.top_up(3, 5'000);
  c.sell(3, 2);
  c.next_day();
  c.sell(4, 1);
  c.publish(3, 70);
  c.sync();
  c.sell(3, 1);
  c.sync();
  catch_up(*again, store, 3);
  CHECK(again->counted().entries == journal_entries(c));
  CHECK(again->counted().differences == 0);
  CHECK(again->differences().empty());
  auto report = c.check(1);
  REQUIRE(report);
  CHECK(report->ok());  // the notes are known to it
}

TEST_CASE("a sale at another price is a difference, once, with both figures", "[reexecution]") {
  audit_chain c;
  c.history();
  auto& store = c.node(1).store;
  auto r = open(store);
  catch_up(*r, store);
  c.write(3, forged_sale(1, 50));
  c.sync();
  catch_up(*r, store);
  for (const auto& one : r->differences())
    UNSCOPED_INFO(one.expected << ": " << one.found);
  REQUIRE(r->differences().size() == 1);
  auto report = c.check(1);
  REQUIRE(report);
  const auto& audited = report->line("prices")->problems;
  REQUIRE(audited.size() == 1);
  const auto& d = r->differences().front();
  CHECK(d.writer == c.node(3).writer());
  CHECK(d.seq == audited.front().seq);
  CHECK(d.expected == audited.front().expected);
  CHECK(d.found == "0.50 CNY");

  r = open(store);
  CHECK(r->counted().differences == 1);
  REQUIRE(r->differences().size() == 1);
  CHECK(r->differences().front().found == "0.50 CNY");
  catch_up(*r, store);
  CHECK(r->counted().differences == 1);
  c.write(3, forged_sale(2, 51));
  c.sync();
  catch_up(*r, store);
  REQUIRE(r->differences().size() == 2);
  CHECK(r->differences().back().found == "0.51 CNY");
}

TEST_CASE("the list of differences has a bound, their number has none", "[reexecution]") {
  audit_chain c;
  c.history();
  auto& store = c.node(1).store;
  for (std::uint64_t i = 1; i <= reexecution::differences_max + 5; ++i)
    c.write(3, forged_sale(i, 50));
  c.sync();
  auto r = open(store);
  catch_up(*r, store, 500);
  CHECK(r->counted().differences == reexecution::differences_max + 5);
  CHECK(r->differences().size() == reexecution::differences_max);
  r = open(store);
  CHECK(r->counted().differences == reexecution::differences_max + 5);
  CHECK(r->differences().size() == reexecution::differences_max);

  // One that somebody dealt with makes room, for good.
  auto first = r->differences().front();
  auto deal_with = [&](sequence seq, const std::string& why) { return r->acknowledge(first.writer, seq, why, 7); };
  CHECK(deal_with(first.seq, "").code() == errc::malformed);
  CHECK(deal_with(first.seq, "two\nlines").code() == errc::malformed);
  CHECK(deal_with(first.seq, std::string(note_max + 1, 'x')).code() == errc::malformed);
  CHECK(deal_with(first.seq + 9'999, "why").code() == errc::not_found);
  auto notes = deal_with(first.seq, "price list was late at this store");
  REQUIRE(notes);
  REQUIRE(keep(store, *notes));
  CHECK(deal_with(first.seq, "again").code() == errc::not_found);
  CHECK(r->counted().acknowledged == 1);
  c.write(3, forged_sale(5'000, 49));
  c.sync();
  for (int start = 0; start < 2; ++start) {
    catch_up(*r, store, 500);
    CHECK(r->counted().differences == reexecution::differences_max + 6);
    CHECK(r->counted().acknowledged == 1);
    REQUIRE(r->differences().size() == reexecution::differences_max);
    CHECK(r->differences().front().seq > first.seq);
    CHECK(r->differences().back().found == "0.49 CNY");
    r = open(store);
  }
}

TEST_CASE("a store that names what there never was is named, and priced all the same", "[reexecution]") {
  audit_chain c;
  c.history();
  auto& store = c.node(1).store;
  auto r = open(store);
  catch_up(*r, store);
  entry lie;
  lie.kind = entry_kind::adopt;
  SECTION("more of a directory than head office has") {
    lie.head = stream_head{{c.node(1).writer(), sub_stream::directory, {}}, std::uint64_t{1} << 40, {}};
  }
  SECTION("another directory") {
    lie.head = stream_head{{{node_id{77}, c.node(1).cert.epoch}, sub_stream::directory, {}}, 1, {}};
  }
  c.write(3, lie);
  c.write(3, forged_sale(1, 50));
  c.sync();
  catch_up(*r, store);
  CHECK(r->counted().behind == 0);
  REQUIRE(r->differences().size() == 2);
  CHECK(r->differences().front().expected.find("a directory as head office has it") != std::string::npos);
  CHECK(r->differences().back().found == "0.50 CNY");
  r = open(store);
  CHECK(r->counted().differences == 2);
}

TEST_CASE("a store that names directories without end stops nobody's second look", "[reexecution]") {
  audit_chain c;
  c.history();
  auto& store = c.node(1).store;
  entry lie;
  lie.kind = entry_kind::adopt;
  for (std::uint32_t i = 0; i < directories_max + 5; ++i) {
    epoch_id epoch;
    epoch.value = {9, 9, 9, 9, 0, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    lie.head = stream_head{{{node_id{1}, epoch}, sub_stream::directory, {}}, 1, {}};
    c.write(3, lie);
  }
  c.next_day();
  c.sell_for_cash(3, 1);
  c.sync();
  auto r = open(store);
  catch_up(*r, store, 500);
  CHECK(r->counted().differences >= directories_max + 5);
  r = open(store);
  CHECK(r->counted().entries == journal_entries(c));
}

TEST_CASE("notes that are damaged are said, not guessed", "[reexecution]") {
  audit_chain c;
  c.history();
  auto& store = c.node(1).store;
  auto r = open(store);
  catch_up(*r, store, 1'000);
  auto cursor = store.scan(family::meta, "nreexecution/j");
  REQUIRE(cursor->valid());
  kv_batch b;
  b.put(family::meta, cursor->key(), "\x01\xff");
  REQUIRE(store.commit(b, true).ok());
  CHECK(reexecution::open(store).code() == errc::corrupt);
}

TEST_CASE("a shelf of rules gives each size its own, and shares what is the same", "[reexecution]") {
  std::size_t read = 0;
  rules_shelf shelf([&](const stream_id&, std::uint64_t index, catalogue& to) {
    ++read;
    rules_record r;
    r.version = index + 1;
    to.add(std::move(r));
  });
  stream_id a{{node_id{1}, epoch_id{}}, sub_stream::directory, {}};
  for (std::uint64_t i = 0; i < 20; i += 2)
    shelf.add(a, i);
  auto none = shelf.published({});
  CHECK(none->newest() == nullptr);
  auto three = shelf.published({{a, 5}});
  CHECK(three->newest()->version == 5);
  CHECK(shelf.published({{a, 6}}) == three);
  CHECK(read == 3);
  auto all = shelf.everything();
  CHECK(all->newest()->version == 19);
  CHECK(read == 10);  // from what was there
  CHECK(three->newest()->version == 5);
  for (std::uint64_t size = 7; size <= 17; size += 2)
    CHECK(shelf.published({{a, size}})->newest()->version == size);
  read = 0;
  CHECK(shelf.published({{a, 5}})->newest()->version == 5);
  CHECK(read == 3);  // it had left the shelf
}
