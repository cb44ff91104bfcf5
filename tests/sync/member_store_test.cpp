// The file with the keys of members, and the index by which they are found.
#include <sys/stat.h>
#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include "seeded.hpp"
#include "storage/temp_dir.hpp"
#include "sync/driver_keyslots.hpp"
#include "sync/member_index.hpp"

using namespace tally;
using namespace tally::test;

namespace {

bytes content(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}
void overwrite(const std::filesystem::path& file, const bytes& octets) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << octets;
}

struct keystore_bench {
  temp_dir dir;
  seeded_entropy random{11};
  std::filesystem::path file = dir.path() / "members" / "keys.store";
  std::unique_ptr<member_keystore> open(std::size_t max = 100) {
    auto s = member_keystore::open(file, max);
    REQUIRE(s);
    return std::move(*s);
  }
};

}  // namespace

TEST_CASE("keys outlive the process, and a destroyed one is nowhere", "[sync][member]") {
  keystore_bench b;
  std::vector<member_key> keys;
  {
    auto s = b.open();
    for (std::uint64_t m = 1; m <= 5; ++m) {
      keys.push_back(make_member_key(b.random));
      REQUIRE(s->put({m}, keys.back(), static_cast<unix_seconds>(m)).ok());
    }
    CHECK(s->put({3}, keys[0], 3).code() == errc::key_reused);
    REQUIRE(s->put({3}, keys[2], 33).ok());
    CHECK(s->look({3})->until == 33);
  }
  struct stat st {};
  REQUIRE(::stat(b.file.c_str(), &st) == 0);
  CHECK((st.st_mode & 0777) == 0600);
  auto s = b.open();
  CHECK(s->size() == 5);
  CHECK(equal_constant_time(s->find({3})->view(), keys[2].view()));
  CHECK(content(b.file).find(keys[2].view()) != bytes::npos);
  REQUIRE(s->destroy({3}).ok());
  REQUIRE(s->destroy({3}).ok());
  CHECK_FALSE(s->find({3}));
  CHECK(content(b.file).find(keys[2].view()) == bytes::npos);
  CHECK(content(b.file).find(keys[3].view()) != bytes::npos);
  auto size = content(b.file).size();
  REQUIRE(s->put({9}, make_member_key(b.random), 1).ok());  // takes the place that became free
  CHECK(content(b.file).size() == size);
  s.reset();
  CHECK(b.open()->list().size() == 5);
}

TEST_CASE("the keystore has a bound, refuses foreign files, and wipes what is damaged", "[sync][member]") {
  keystore_bench b;
  auto key = make_member_key(b.random);
  {
    auto s = b.open(2);
    REQUIRE(s->put({1}, key, 1).ok());
    REQUIRE(s->put({2}, key, 1).ok());
    CHECK(s->put({3}, key, 1).code() == errc::full);
    REQUIRE(s->put({2}, key, 5).ok());  // no new one
  }
  auto good = content(b.file);
  auto bad = good;
  bad[64 + 20] = static_cast<char>(bad[64 + 20] ^ 1);
  overwrite(b.file, bad + "half a slot");
  {
    auto s = b.open();
    CHECK(s->damaged() == 1);
    CHECK_FALSE(s->find({1}));
    CHECK(s->find({2}));
  }
  CHECK(content(b.file).substr(64, 64) == bytes(64, '\0'));
  bad = good;
  bad[0] = 'T';
  overwrite(b.file, bad);
  CHECK(member_keystore::open(b.file, 9).code() == errc::corrupt);
  overwrite(b.file, good);
  REQUIRE(::chmod(b.file.c_str(), 0644) == 0);
  CHECK(member_keystore::open(b.file, 9).code() == errc::not_allowed);
  std::filesystem::rename(b.file, b.dir.path() / "elsewhere");
  std::filesystem::create_symlink(b.dir.path() / "elsewhere", b.file);
  CHECK(member_keystore::open(b.file, 9).code() == errc::not_allowed);
}

TEST_CASE("the latest time survives a restart, so that no clock revives a lease", "[sync][member]") {
  keystore_bench b;
  {
    auto s = b.open();
    REQUIRE(s->note_time(1'000'000).ok());
    REQUIRE(s->note_time(999'000).ok());
    CHECK(s->latest() == 1'000'000);
  }
  CHECK(b.open()->latest() == 1'000'000);
  // Head office's word, to whoever asked it, is another thing than a clock.
  REQUIRE(b.open()->correct_time(900'000).ok());
  CHECK(b.open()->latest() == 900'000);
}

TEST_CASE("the index finds whom it was told of, and forgets", "[sync][member]") {
  seeded_entropy random(5);
  member_index index(random);
  std::vector<member_profile> all;
  for (std::uint64_t i = 0; i < 300; ++i) {
    member_profile p;
    p.name = (i % 3 == 0 ? "王小明" : i % 3 == 1 ? "김철수" : "Ann Lee") + std::to_string(i);
    p.phones = {"1380000" + std::to_string(1000 + i)};
    p.cards = {account_id{5000 + i}};
    index.add({i + 1}, p);
    all.push_back(std::move(p));
  }
  auto ask = [&](std::string_view text, std::size_t max = 1000) {
    return index.candidates(*parse_member_query(text), max);
  };
  CHECK(ask("小明").size() == 100);
  CHECK(ask("小明", 7).size() == 7);
  CHECK(ask("ㅊㅅ").size() == 100);
  CHECK(ask("lee").size() == 100);
  CHECK(ask("1042") == std::vector<account_id>{{43}});
  CHECK(ask("1380000").size() == 300);
  CHECK(ask("小明 1042") == std::vector<account_id>{{43}});
  CHECK(ask("小明 1043").empty());
  CHECK(ask("陈").empty());
  CHECK(index.by_card({5007}) == account_id{8});
  CHECK(index.look_alikes(10).empty());
  auto twin = all[4];
  twin.cards.clear();
  index.add({1000}, twin);
  CHECK(index.look_alikes(10) == std::vector<std::vector<account_id>>{{{5}, {1000}}});
  index.remove({1000}, twin);
  for (std::uint64_t i = 0; i < all.size(); ++i)
    index.remove({i + 1}, all[i]);
  CHECK(index.postings() == 0);
  CHECK_FALSE(index.by_card({5007}));
}
