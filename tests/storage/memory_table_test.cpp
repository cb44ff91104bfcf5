// The map behind stores in memory, against std::map.
#include "storage/memory_table.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace tally;

namespace {

/// Keys that share long beginnings, differ behind eight octets, end in zeros or early, and hold octets above 127.
bytes some_key(std::mt19937_64& random) {
  static const std::vector<bytes> begins{"", "a", "stream/0123456789abcdef/", bytes("\0\0", 2), "\xff\xfe", "stream/"};
  auto key = begins[random() % begins.size()];
  for (auto n = random() % 12; n > 0; --n)
    key += static_cast<char>(random() % 3 == 0 ? 0 : random() % 4 == 0 ? 255 : 'a' + static_cast<int>(random() % 3));
  return key;
}

std::map<bytes, bytes> all_of(const memory_table& t) {
  std::map<bytes, bytes> out;
  for (auto at = t.lower_bound({}); at != t.end(); at = t.next(at))
    CHECK(out.emplace(t.key(at), t.value(at)).second);
  return out;
}

std::string key_at(const memory_table& t, memory_table::place at) { return at == t.end() ? "<end>" : bytes(t.key(at)); }

}  // namespace

TEST_CASE("a table in memory is a sorted map, whatever the keys", "[storage][memory]") {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    std::mt19937_64 random(seed);
    memory_table table;
    std::map<bytes, bytes> model;
    for (int step = 0; step < 20'000; ++step) {
      auto key = some_key(random);
      // It grows, shrinks to nothing, and grows again.
      const bool shrinks = step / 4'000 % 2 == 1;
      if (random() % 10 < (shrinks ? 8U : 2U)) {
        if (shrinks && !model.empty())
          key = std::next(model.begin(), static_cast<long>(random() % model.size()))->first;
        table.erase(key);
        model.erase(key);
      } else {
        bytes value(random() % 40, static_cast<char>(step));
        table.put(key, value);
        model[key] = value;
      }
      auto asked = some_key(random);
      auto it = model.find(asked);
      REQUIRE(table.find(asked) == (it == model.end() ? std::nullopt : std::optional<byte_view>(it->second)));
      auto low = model.lower_bound(asked);
      REQUIRE(key_at(table, table.lower_bound(asked)) == (low == model.end() ? "<end>" : low->first));
      auto high = model.upper_bound(asked);
      REQUIRE(key_at(table, table.last_at_or_before(asked)) ==
              (high == model.begin() ? "<end>" : std::prev(high)->first));
      if (step % 1'000 == 0) REQUIRE(all_of(table) == model);
    }
    REQUIRE(all_of(table) == model);
  }
}

TEST_CASE("a copy of a table in memory stands apart from it", "[storage][memory]") {
  memory_table table;
  for (int i = 0; i < 1'000; ++i)
    table.put("key " + std::to_string(i), std::to_string(i));
  const memory_table copy(table);
  const auto before = all_of(table);
  for (int i = 0; i < 1'000; i += 2)
    table.put("key " + std::to_string(i), "x");  // in the room of the old value, or in its own
  for (int i = 1; i < 1'000; i += 2)
    table.erase("key " + std::to_string(i));
  CHECK(all_of(copy) == before);
  CHECK(all_of(table).size() == 500);
}

TEST_CASE("a table in memory may be emptied, and its first keys taken away", "[storage][memory]") {
  memory_table table;
  table.erase("nothing");
  CHECK(table.lower_bound({}) == table.end());
  CHECK(table.last_at_or_before("z") == table.end());
  for (int i = 100; i < 400; ++i)
    table.put(std::to_string(i), {});
  for (int i = 100; i < 300; ++i)
    table.erase(std::to_string(i));
  CHECK(key_at(table, table.lower_bound({})) == "300");
  table.put("1", "one");
  CHECK(key_at(table, table.lower_bound({})) == "1");
  CHECK(key_at(table, table.last_at_or_before("2")) == "1");
  table.erase("1");
  for (int i = 300; i < 400; ++i)
    table.erase(std::to_string(i));
  CHECK(table.lower_bound({}) == table.end());
  table.put({}, "empty key");
  CHECK(table.find({}) == "empty key");
}
