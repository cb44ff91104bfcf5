#include "storage/entry_codec.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include "random_entry.hpp"
#include "storage/sha256.hpp"

using namespace tally;
using tally::test::random_entry;

namespace {

bytes unhex(std::string_view text) {
  std::string digits;
  for (char c : text)
    if (c != ' ') digits += c;
  bytes out(digits.size() / 2, '\0');
  REQUIRE(from_hex(digits, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}));
  return out;
}

/// A decoder may refuse what it is given, or must make of it what would be written again the same way.
void check_one_way(byte_view data) {
  auto e = decode_entry(data);
  if (!e) {
    REQUIRE((e.code() == errc::malformed || e.code() == errc::unsupported));
    return;
  }
  if (encode_entry(*e) != data) FAIL("two spellings of one entry: " << to_hex(data));
}

errc code(std::string_view hex) { return decode_entry(unhex(hex)).code(); }

/// Octets in the fenced block of FORMAT.md with that name: the hexadecimal pairs that begin each line.
bytes block_of_format(const std::string& name) {
  std::ifstream in(std::string(TALLY_SOURCE_DIR) + "/storage/FORMAT.md");
  REQUIRE(in.good());
  std::string line, hex;
  while (std::getline(in, line) && line != "```" + name)
    continue;
  REQUIRE(in.good());
  while (std::getline(in, line) && line != "```") {
    std::istringstream words(line);
    std::string word;
    while (words >> word && word.size() == 2 && word.find_first_not_of("0123456789abcdef") == word.npos)
      hex += word;
  }
  return unhex(hex);
}

}  // namespace

TEST_CASE("the worked example of FORMAT.md is what the code writes", "[codec]") {
  entry e;
  e.kind = entry_kind::sale;
  e.terminal = 201;
  e.counter = 8;
  e.operator_id = 5;
  e.business_date = 2517;
  e.stamp = 50'400;
  e.account = account_id{17};
  e.account_version = 1;
  e.rules_version = 3;
  e.values = {{purse_paid, main_unit, 0, 2500}};
  e.taxes = {{0, main_unit, 288}};
  e.lines = {{product_id{1}, 2}};
  auto written = block_of_format("example-sale");
  CHECK(written.size() == 38);
  CHECK(to_hex(encode_entry(e)) == to_hex(written));
  auto back = decode_entry(written);
  REQUIRE(back.ok());
  CHECK(*back == e);
  CHECK(peek_kind(written) == entry_kind::sale);

  std::ifstream in(std::string(TALLY_SOURCE_DIR) + "/storage/FORMAT.md");
  std::stringstream all;
  all << in.rdbuf();
  CHECK(all.str().find("`" + to_hex(view_of(merkle_leaf(written))) + "`") != std::string::npos);
}

TEST_CASE("FORMAT.md names every kind and every field number", "[codec]") {
  std::ifstream in(std::string(TALLY_SOURCE_DIR) + "/storage/FORMAT.md");
  std::stringstream all;
  all << in.rdbuf();
  auto text = all.str();
  for (int k = 0; k < 128; ++k)
    if (const auto* row = row_of(static_cast<entry_kind>(k))) {
      auto line = "| " + std::to_string(k) + " | " + std::string(row->name) + (row->broadcast ? " `d`" : "") + " | " +
                  (row->store ? "S" : "") + (row->region ? " R" : "") +
                  (row->hq ? row->store || row->region ? " H" : "H" : "") + " |" + (row->built ? " yes |" : " | | |");
      INFO(line);
      CHECK(text.find("\n" + line) != std::string::npos);
    }
  for (int f = 1; f <= field_max; ++f)
    CHECK(text.find("\n| " + std::to_string(f) + " | ") != std::string::npos);
}

TEST_CASE("random entries come back as they were", "[codec]") {
  random_entry source(11);
  for (int i = 0; i < 20'000; ++i) {
    auto e = source.next();
    auto data = encode_entry(e);
    auto back = decode_entry(data);
    if (!back) FAIL(to_hex(data) << " " << back.error().detail);
    REQUIRE(*back == e);
    REQUIRE(encode_entry(*back) == data);
  }
}

TEST_CASE("every cut and every changed octet fails or is its own spelling", "[codec]") {
  random_entry source(12);
  for (int i = 0; i < 60; ++i) {
    auto data = encode_entry(source.next());
    for (std::size_t n = 0; n < data.size(); ++n)
      check_one_way(byte_view(data).substr(0, n));
    for (std::size_t n = 0; n < data.size(); ++n) {
      auto changed = data;
      for (int v = 0; v < 256; ++v) {
        changed[n] = static_cast<char>(v);
        check_one_way(changed);
      }
    }
    for (int v = 0; v < 256; ++v)
      check_one_way(data + static_cast<char>(v));
  }
}

TEST_CASE("one fact has one spelling", "[codec]") {
  CHECK(code("01 1d 01") == errc::ok);         // open_epoch, engine 1
  CHECK(code("01 1d 00") == errc::malformed);  // a default that is written
  CHECK(code("01 01 00 1d 01") == errc::malformed);
  CHECK(code("01 0a 00 1d 01") == errc::malformed);  // an empty list
  CHECK(code("01 16 00 1d 01") == errc::malformed);  // an empty blob
  CHECK(code("01 1d 01 04 05") == errc::malformed);  // out of order
  CHECK(code("01 04 05 04 05") == errc::malformed);  // twice
  CHECK(code("01 1d 81 00") == errc::malformed);     // not the shortest number
  CHECK(code("81 00 1d 01") == errc::malformed);
  CHECK(code("01 9d 00 01") == errc::malformed);
  CHECK(code("01 1d 01 00") == errc::malformed);  // octets behind the last field
  CHECK(code("01 1d") == errc::malformed);
  CHECK(code("01 22 01") == errc::malformed);  // a field that does not exist
  CHECK(code("01 00 01") == errc::malformed);
  CHECK(code("01 1d ff ff ff ff ff ff ff ff ff 7f") == errc::malformed);  // over 64 bits
  CHECK(code("01 1d 80 80 80 80 10") == errc::malformed);                 // over 32 bits
  CHECK(code("02 01 80 80 80 80 10") == errc::malformed);
  CHECK(decode_entry({}).code() == errc::malformed);
}

TEST_CASE("lists, blobs and enumerations have their bounds", "[codec]") {
  auto fits = [](auto change) {
    entry e;
    e.kind = entry_kind::sale;
    change(e);
    return decode_entry(encode_entry(e)).ok();
  };
  CHECK(fits([](entry& e) { e.lines.resize(lines_max); }));
  CHECK_FALSE(fits([](entry& e) { e.lines.resize(lines_max + 1); }));
  CHECK(fits([](entry& e) { e.values.resize(values_max); }));
  CHECK_FALSE(fits([](entry& e) { e.values.resize(values_max + 1); }));
  CHECK(fits([](entry& e) { e.tenders.resize(tenders_max); }));
  CHECK_FALSE(fits([](entry& e) { e.tenders.resize(tenders_max + 1); }));
  CHECK(fits([](entry& e) { e.taxes.resize(taxes_max); }));
  CHECK_FALSE(fits([](entry& e) { e.taxes.resize(taxes_max + 1); }));
  CHECK(fits([](entry& e) { e.blob = bytes(blob_max, 'x'); }));
  CHECK_FALSE(fits([](entry& e) { e.blob = bytes(blob_max + 1, 'x'); }));
  CHECK(fits([](entry& e) { e.medium = bytes(16, 'x'); }));
  CHECK_FALSE(fits([](entry& e) { e.medium = bytes(17, 'x'); }));
  CHECK_FALSE(fits([](entry& e) { e.status = static_cast<card_status>(9); }));
  CHECK_FALSE(fits([](entry& e) { e.cause = static_cast<send_cause>(5); }));
  CHECK_FALSE(fits([](entry& e) { e.topic = static_cast<publish_topic>(5); }));
  CHECK_FALSE(fits([](entry& e) { e.cited_kind = static_cast<entry_kind>(64); }));
  CHECK_FALSE(fits([](entry& e) { e.tenders = {{static_cast<tender_kind>(5), main_unit, 1}}; }));
  // A count that promises more than there is takes no memory for it.
  CHECK(code("02 0d c8 01") == errc::malformed);
  CHECK(decode_entry(bytes(entry_bytes_max + 1, '\1')).code() == errc::malformed);
}

TEST_CASE("a kind that is not built is told apart from damage", "[codec]") {
  for (int k = 0; k < 256; ++k) {
    byte_writer w;
    w.uv(static_cast<std::uint64_t>(k));
    w.raw("whatever it will hold");
    const auto* row = row_of(static_cast<entry_kind>(k));
    auto data = w.take();
    CHECK(decode_entry(data).code() == (row && row->built ? errc::malformed : errc::unsupported));
    CHECK(static_cast<int>(peek_kind(data)) == (k < 128 ? k : 0));
  }
  CHECK(code("80 02 01") == errc::malformed);  // 256 and more is no kind at all
  CHECK(peek_kind({}) == entry_kind{});
}

TEST_CASE("rules and products have one spelling too", "[codec]") {
  rules_record r;
  r.version = 3;
  r.effective_from = 2517;
  r.header = "Store";
  r.card_prefix = "9704";
  r.taxes = {{"A", 1300}, {"B", 0}};
  auto data = encode_rules(r);
  REQUIRE(decode_rules(data).ok());
  CHECK(*decode_rules(data) == r);
  product p;
  p.id = product_id{7};
  p.version = 3;
  p.ean = "4006381333931";
  p.names = {"Bread", "面包", "麵包", "빵"};
  p.price = 1250;
  p.tax = 1;
  p.withdrawn = true;
  auto record = encode_product(p);
  REQUIRE(decode_product(record).ok());
  CHECK(*decode_product(record) == p);
  auto mutate = [](const bytes& good, auto decode, auto encode) {
    for (std::size_t n = 0; n < good.size(); ++n) {
      auto cut = decode(byte_view(good).substr(0, n));
      REQUIRE_FALSE(cut.ok());
      auto changed = good;
      for (int v = 0; v < 256; ++v) {
        changed[n] = static_cast<char>(v);
        auto x = decode(changed);
        REQUIRE((!x.ok() || encode(*x) == changed));
      }
    }
    CHECK_FALSE(decode(good + '\0').ok());
  };
  mutate(data, decode_rules, encode_rules);
  // Receipts came with the second form of the record; without them it is the first.
  CHECK(data.front() == 1);
  r.receipts[1] = {"{total}\n{id}\n", 2};
  auto with_receipts = encode_rules(r);
  CHECK(with_receipts.front() == 2);
  REQUIRE(decode_rules(with_receipts).ok());
  CHECK(*decode_rules(with_receipts) == r);
  mutate(with_receipts, decode_rules, encode_rules);
  r.receipts[1].layout = std::string(receipt_layout_bytes_max + 1, 'x');
  CHECK_FALSE(decode_rules(encode_rules(r)).ok());
  r.receipts[1] = {"", receipt_copies_max + 1};
  CHECK_FALSE(decode_rules(encode_rules(r)).ok());
  r.receipts = {};
  // The form of the day report came with the fourth.
  r.day_report = {"{sales}\n{tenders}\n{cash}\n{id}\n", 2};
  auto with_report = encode_rules(r);
  CHECK(with_report.front() == 4);
  REQUIRE(decode_rules(with_report).ok());
  CHECK(*decode_rules(with_report) == r);
  mutate(with_report, decode_rules, encode_rules);
  r.day_report = {};
  mutate(record, decode_product, encode_product);
  p.price = -1;
  CHECK_FALSE(decode_product(encode_product(p)).ok());
  p.price = amount_max + 1;
  CHECK_FALSE(decode_product(encode_product(p)).ok());
  p.price = amount_max;
  CHECK(decode_product(encode_product(p)).ok());
  r.header = std::string(1001, 'x');
  CHECK_FALSE(decode_rules(encode_rules(r)).ok());
}

TEST_CASE("stream names sort and come back", "[codec]") {
  random_entry source(13);
  std::vector<stream_id> ids;
  for (int i = 0; i < 3000; ++i)
    ids.push_back(source.stream());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto key = stream_key(ids[i]);
    REQUIRE(key.size() == 17);
    REQUIRE(parse_stream_key(key) == ids[i]);
    if (i > 0) REQUIRE((stream_key(ids[i - 1]) < key) == (ids[i - 1] < ids[i]));
    byte_writer w;
    write_stream(w, ids[i]);
    byte_reader r(w.view());
    REQUIRE(read_stream(r) == ids[i]);
    REQUIRE(r.at_end());
  }
  auto key = stream_key(ids[0]);
  CHECK_FALSE(parse_stream_key(byte_view(key).substr(1)).has_value());
  CHECK_FALSE(parse_stream_key(key + "x").has_value());
  key[12] = 3;
  CHECK_FALSE(parse_stream_key(key).has_value());
  byte_reader unknown(byte_view("\x01\0\0\0\0\0\0\0\0\x03", 10));
  (void)read_stream(unknown);
  CHECK_FALSE(unknown.ok());
}
