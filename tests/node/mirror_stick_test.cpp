// A mirror's directory that is somebody else's, another one's than before, or half renamed.
#include "node/mirror_stick.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <stdexcept>

#include "node/public_files.hpp"
#include "node/stick.hpp"
#include "storage/memory_kv.hpp"
#include "sync/keys.hpp"
#include "sync/seeded.hpp"

using namespace tally;
namespace fs = std::filesystem;

namespace {

struct folder {
  fs::path path;
  explicit folder(const fs::path& in = fs::temp_directory_path()) {
    auto name = (in / "tally-mirror-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path = name;
  }
  ~folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
};

struct desk {
  folder stick, data;
  fs::path place = place_on(stick.path, "test", {3}, head_office);
  fs::path fresh = place.string() + ".new", older = older_beside(place);
  mirror_stick medium{stick.path, data.path, "test", {3}};

  void place_two() {
    REQUIRE(medium.begin().ok());
    REQUIRE(medium.add(1, "one").ok());
    REQUIRE(medium.finish().ok());
    REQUIRE(medium.add(2, "two").ok());
  }
  std::vector<bytes> there() {
    std::vector<bytes> out;
    auto ok = medium.each([&](bytes b) { out.push_back(std::move(b)); });
    if (!ok) CHECK(ok.code() == errc::not_found);
    return out;
  }
};

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

const auto file_1 = parcel_name(1), file_2 = parcel_name(2), file_3 = parcel_name(3);

}  // namespace

TEST_CASE("a mirror's files grow, and a shipment that was begun takes their place", "[mirror]") {
  desk d;
  d.place_two();
  CHECK(d.there() == std::vector<bytes>{"one", "two"});
  CHECK(d.medium.check().ok());
  REQUIRE(d.medium.begin().ok());
  REQUIRE(d.medium.add(1, "anew").ok());
  CHECK(d.there() == std::vector<bytes>{"one", "two"});
  REQUIRE(d.medium.finish().ok());
  CHECK(d.there() == std::vector<bytes>{"anew"});
  CHECK_FALSE(fs::exists(d.fresh));
  CHECK_FALSE(fs::exists(d.older));
  CHECK(d.medium.add(3, "three").code() == errc::io);  // no number is left out
}

TEST_CASE("another stick, or a file that somebody else wrote, is not written on", "[mirror]") {
  SECTION("of the same size") {
    desk d;
    d.place_two();
    write(d.place / file_2, "owt");
    CHECK(d.medium.check().code() == errc::io);
    CHECK(d.medium.add(3, "three").code() == errc::io);
    CHECK_FALSE(fs::exists(d.place / file_3));
  }
  SECTION("longer") {
    desk d;
    d.place_two();
    write(d.place / file_2, "two and more");
    CHECK(d.medium.check().code() == errc::io);
  }
  SECTION("gone") {
    desk d;
    d.place_two();
    fs::remove(d.place / file_2);
    CHECK(d.medium.check().code() == errc::io);
    CHECK(d.medium.add(3, "three").code() == errc::io);
  }
  SECTION("a link to the same") {
    desk d;
    d.place_two();
    fs::rename(d.place / file_2, d.place / "elsewhere");
    fs::create_symlink(d.place / "elsewhere", d.place / file_2);
    CHECK(d.medium.check().code() == errc::io);
  }
  SECTION("while a shipment was begun on it") {
    desk d;
    REQUIRE(d.medium.begin().ok());
    REQUIRE(d.medium.add(1, "one").ok());
    write(d.fresh / file_1, "eno");
    CHECK(d.medium.finish().code() == errc::io);
    CHECK_FALSE(fs::exists(d.place));
  }
  SECTION("the next file is there already") {
    desk d;
    d.place_two();
    write(d.place / file_3, "somebody");
    CHECK(d.medium.add(3, "three").code() == errc::io);
    CHECK(*read_public_file(d.place / file_3, 100) == "somebody");
  }
}

TEST_CASE("what was begun is taken away, and what lies there stays", "[mirror]") {
  desk d;
  d.place_two();
  REQUIRE(d.medium.begin().ok());
  REQUIRE(d.medium.add(1, "anew").ok());
  d.medium.abandon();
  CHECK_FALSE(fs::exists(d.fresh));
  CHECK(d.there() == std::vector<bytes>{"one", "two"});
}

TEST_CASE("a mirror writes through no link, and into no node's data", "[mirror]") {
  folder victim;
  SECTION("tallystick") {
    desk d;
    fs::create_directory_symlink(victim.path, d.stick.path / "tallystick");
    CHECK(d.medium.begin().code() == errc::not_allowed);
  }
  SECTION("the chain") {
    desk d;
    fs::create_directories(d.stick.path / "tallystick");
    fs::create_directory_symlink(victim.path, d.stick.path / "tallystick" / "test");
    CHECK(d.medium.begin().code() == errc::not_allowed);
  }
  SECTION("the pair") {
    desk d;
    fs::create_directories(d.place.parent_path());
    fs::create_directory_symlink(victim.path, d.place);
    CHECK(d.medium.begin().code() == errc::not_allowed);
  }
  SECTION("what is begun") {
    desk d;
    fs::create_directories(d.place.parent_path());
    REQUIRE(d.medium.begin().ok());
    fs::create_directory_symlink(victim.path, d.fresh);
    CHECK(d.medium.add(1, "one").code() == errc::not_allowed);
  }
  SECTION("a data directory") {
    desk d;
    write(d.stick.path / "identity.toml", "");
    CHECK(d.medium.begin().code() == errc::not_allowed);
    CHECK_FALSE(fs::exists(d.stick.path / "tallystick"));
  }
  SECTION("the directory itself") {
    desk d;
    fs::create_directory_symlink(victim.path, d.stick.path / "link");
    mirror_stick medium(d.stick.path / "link", d.data.path, "test", {3});
    CHECK(medium.begin().code() == errc::io);
  }
  CHECK(fs::is_empty(victim.path));
}

TEST_CASE("a shipment takes another's place with and without an exchange of names", "[mirror][stick]") {
  for (bool exchange : {true, false}) {
    desk d;
    write(d.place / file_1, "old");
    write(d.older / file_1, "older still");
    write(d.fresh / file_1, "new");
    REQUIRE(put_in_place(d.fresh, d.place, exchange).ok());
    CHECK(*read_public_file(d.place / file_1, 100) == "new");
    CHECK_FALSE(fs::exists(d.fresh));
    CHECK_FALSE(fs::exists(d.older));
    // Nothing took its place: what lies there stays.
    CHECK_FALSE(put_in_place(d.fresh, d.place, exchange).ok());
    CHECK(*read_public_file(d.place / file_1, 100) == "new");
  }
}

TEST_CASE("a power cut between two renames leaves the older shipment, and readers take it", "[mirror][stick]") {
  desk d;
  write(d.older / file_1, "old");
  write(d.fresh / file_1, "new");
  CHECK(d.there() == std::vector<bytes>{"old"});
  auto found = shipments_on(d.stick.path, "test");
  REQUIRE(found.ok());
  REQUIRE(found->size() == 1);
  CHECK(found->front().from == node_id{3});
  CHECK(found->front().to == head_office);
  CHECK(found->front().files == std::vector<fs::path>{d.older / file_1});
  // The next one removes it only when it lies in its place itself.
  REQUIRE(d.medium.begin().ok());
  REQUIRE(d.medium.add(1, "anew").ok());
  CHECK(d.there() == std::vector<bytes>{"old"});
  REQUIRE(d.medium.finish().ok());
  CHECK(d.there() == std::vector<bytes>{"anew"});
  CHECK_FALSE(fs::exists(d.older));

  write(d.older / file_1, "left over");
  found = shipments_on(d.stick.path, "test");
  REQUIRE(found.ok());
  REQUIRE(found->size() == 1);
  CHECK(found->front().files == std::vector<fs::path>{d.place / file_1});
}

TEST_CASE("after a start without the stick nothing is written on the data's own disk", "[mirror]") {
  desk d;
  auto mark = d.data.path / "mirror.elsewhere";
  d.place_two();
  CHECK_FALSE(fs::exists(mark));  // it was on the same disk before
  write(mark, d.stick.path.string() + "\n");
  mirror_stick restarted(d.stick.path, d.data.path, "test", {3});
  auto refused = restarted.begin();
  CHECK(refused.code() == errc::io);
  CHECK_THAT(refused.error().detail, Catch::Contains("mirror.elsewhere"));
  // The mark is about that path: elsewhere it may lie on the same disk, which is said.
  folder other;
  mirror_stick moved(other.path, d.data.path, "test", {3});
  CHECK(moved.begin().ok());
  CHECK(moved.on_same_disk());
  fs::remove(mark);
  CHECK(mirror_stick(d.stick.path, d.data.path, "test", {3}).begin().ok());
}

TEST_CASE("a mirror on another disk leaves a mark in the data", "[mirror]") {
  struct stat here {
  }, memory{};
  const bool two_disks = ::stat(fs::temp_directory_path().c_str(), &here) == 0 && ::stat("/dev/shm", &memory) == 0 &&
                         here.st_dev != memory.st_dev;
  if (!two_disks) {
    WARN("this machine has one file system only");
    return;
  }
  folder stick("/dev/shm"), data, own("/dev/shm");
  mirror_stick medium(stick.path, data.path, "test", {3});
  REQUIRE(medium.begin().ok());
  CHECK_FALSE(medium.on_same_disk());
  auto mark = read_public_file(data.path / "mirror.elsewhere", 4'096);
  REQUIRE(mark.ok());
  write(own.path / "mirror.elsewhere", *mark);
  CHECK(mirror_stick(stick.path, own.path, "test", {3}).begin().code() == errc::io);
}

namespace {

/// A live mirror of an empty store; `wall` is asked in each step, before the disk.
struct live {
  folder stick, data;
  memory_kv store;
  test::seeded_entropy random{5};
  ed25519_signer keys{make_signing_key(random)};
  ed25519_verifier with;
  std::atomic<tick_ms> tick = 1'000;
  std::function<unix_seconds()> wall = [] { return unix_seconds{1}; };
  std::promise<std::string> logged;
  std::atomic<bool> told = false;

  live_mirror::parts parts() {
    return {.store = store,
            .keys = keys,
            .older = {},
            .with = with,
            .chain = "test",
            .root = {},
            .role = node_role::store,
            .self =
                [] {
                  return writer_id{{3}, {}};
                },
            .wall = [this] { return wall(); },
            .tick = [this] { return tick.load(); },
            .random = random,
            .log =
                [this](errc, const std::string& text) {
                  if (!told.exchange(true)) logged.set_value(text);
                },
            .dir = stick.path,
            .data = data.path,
            .limits = {}};
  }
};

}  // namespace

TEST_CASE("what is thrown on the mirror's thread is logged and shown", "[mirror]") {
  live w;
  w.wall = []() -> unix_seconds { throw std::runtime_error("stale file handle"); };
  live_mirror m(w.parts());
  auto text = w.logged.get_future();
  REQUIRE(text.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
  CHECK(text.get() == "the mirror is not written: stale file handle");
}

TEST_CASE("a disk that does not answer is shown from when it was asked", "[mirror]") {
  live w;
  std::promise<void> asked, answer;
  std::atomic<bool> once = false;
  w.wall = [&] {
    if (!once.exchange(true)) {
      asked.set_value();
      answer.get_future().wait();
    }
    return unix_seconds{1};
  };
  live_mirror m(w.parts());
  asked.get_future().wait();
  CHECK(m.now()->report.code == errc::ok);
  w.tick = 31'000;
  auto hangs = m.now();
  CHECK(hangs->report.code == errc::io);
  CHECK(hangs->report.behind_since == tick_ms{1'000});
  CHECK_THAT(hangs->report.detail, Catch::Contains("30 s"));
  answer.set_value();
}
