// A backup over what a node has: what is newer than the backup is not put aside for it.
#include "node/backup.hpp"

#include <catch2/catch.hpp>

#include "storage/book.hpp"
#include "storage/rocks_kv.hpp"
#include "storage/temp_dir.hpp"

using namespace tally;

namespace {

constexpr node_id self{3};
constexpr unix_seconds noon = 1'795'348'800;
constexpr epoch_id first_life{{1}}, second_life{{2}}, third_life{{3}}, unheard_of{{9}};

struct node_on_disk {
  test::temp_dir dir;
  const std::filesystem::path data = dir.path() / "node";

  node_on_disk() {
    std::filesystem::create_directory(data);
    node_identity id{
        .believes = {"net", {}}, .node = self, .role = node_role::store, .name = "Store A", .first_epoch = {}};
    REQUIRE(write_identity(data, id).ok());
    { REQUIRE(open_rocks(data_layout{data}.db(), {.create = true}).ok()); }
  }

  /// Begins a life after `before`, whose journal is or is not here, and writes entries until it has so many.
  void live(const epoch_id& life, const std::optional<epoch_id>& before, std::uint64_t entries) {
    auto store = *open_rocks(data_layout{data}.db(), {});
    auto book = *book::open(*store, self, node_role::store);
    std::optional<stream_head> head;
    if (before) head = book->head({{self, *before}, sub_stream::journal, {}});
    book->begin_epoch(life, noon, head);
    while (book->next() < entries) {
      entry e;
      e.kind = entry_kind::adopt;
      e.head = stream_head{{{self, life}, sub_stream::journal, {}}, book->next(), {}};
      REQUIRE(book->write(e).ok());
    }
    REQUIRE(store->commit(book->seal(), true).ok());
    book->settled();
  }
  std::filesystem::path backup(const std::string& name) {
    REQUIRE(write_backup(data, dir.path() / name).ok());
    return dir.path() / name;
  }
  std::string refused(const std::filesystem::path& from) {
    auto made = restore_backup(from, data, false);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().code == errc::not_allowed);
    return made.error().detail;
  }
};

}  // namespace

TEST_CASE("a backup does not take the place of a later life, however short, unless that is said", "[node][backup]") {
  node_on_disk n;
  n.live(first_life, std::nullopt, 9);
  auto of_first = n.backup("first");
  n.live(second_life, first_life, 2);
  auto text = n.refused(of_first);
  CHECK(text.find("a later life of this node") != std::string::npos);
  CHECK(text.find("--even-if-longer") != std::string::npos);
  CHECK(text.find("0200000000000000, 2 entries") != std::string::npos);

  n.live(third_life, second_life, 1);
  CHECK(n.refused(of_first).find("a later life") != std::string::npos);
  auto taken = restore_backup(of_first, n.data, true);
  REQUIRE(taken.ok());
  CHECK(taken->self.epoch == first_life);
}

TEST_CASE("a life that was lost with a disk is known by what its heir says", "[node][backup]") {
  node_on_disk lost, n;
  lost.live(first_life, std::nullopt, 9);
  auto of_first = lost.backup("first");
  n.live(second_life, first_life, 1);
  CHECK(n.refused(of_first).find("a later life") != std::string::npos);
}

TEST_CASE("lives that know nothing of one another are compared by their length", "[node][backup]") {
  node_on_disk other, n;
  other.live(unheard_of, std::nullopt, 5);
  auto of_other = other.backup("other");
  n.live(first_life, std::nullopt, 6);
  CHECK(n.refused(of_other).find("has 6 entries, the backup 5") != std::string::npos);

  node_on_disk shorter;
  shorter.live(first_life, std::nullopt, 5);
  CHECK(restore_backup(of_other, shorter.data, false).ok());
}

TEST_CASE("a backup of the present life takes the place of what is no longer than it", "[node][backup]") {
  node_on_disk n;
  n.live(first_life, std::nullopt, 3);
  n.live(second_life, first_life, 3);
  auto of_second = n.backup("second");
  CHECK(restore_backup(of_second, n.data, false).ok());
}
