#include "sync/below_report.hpp"

#include <catch2/catch.hpp>

using namespace tally;

namespace {
below_message with(bool up, unix_seconds contact, std::uint64_t entries) {
  return {{{node_id{3}, up, contact, entries}, {node_id{4}, true, 5, 7}}};
}
}  // namespace

TEST_CASE("a parent is told of links at once, of growth now and then, of contact each minute", "[below]") {
  below_reporter r;
  CHECK_FALSE(r.due(with(true, 10, 1), false, 0));
  CHECK(r.due(with(true, 10, 1), true, 100) == with(true, 10, 1));
  CHECK_FALSE(r.due(with(true, 10, 1), true, 1'000'000));  // nothing new is never repeated
  // A link that flaps is told once a second.
  CHECK(r.due(with(false, 10, 1), true, 1'000'000) == with(false, 10, 1));
  CHECK_FALSE(r.due(with(true, 11, 1), true, 1'000'999));
  CHECK(r.due(with(true, 11, 1), true, 1'001'000) == with(true, 11, 1));
  CHECK_FALSE(r.due(with(true, 12, 2), true, 1'005'999));
  CHECK(r.due(with(true, 12, 2), true, 1'006'000) == with(true, 12, 2));
  CHECK_FALSE(r.due(with(true, 13, 2), true, 1'065'999));
  CHECK(r.due(with(true, 13, 2), true, 1'066'000) == with(true, 13, 2));
  // A parent that was away may have forgotten everything.
  CHECK_FALSE(r.due(with(true, 13, 2), false, 1'066'100));
  CHECK(r.due(with(true, 13, 2), true, 1'066'200) == with(true, 13, 2));
  // Who is there no more is told too.
  CHECK(r.due({}, true, 1'067'200) == below_message{});
}

TEST_CASE("who has nobody below tells nothing, who has too many tells of some", "[below]") {
  below_reporter r;
  CHECK_FALSE(r.due({}, true, 0));
  below_message many;
  for (std::uint32_t n = 1; n <= heads_max + 5; ++n)
    many.items.push_back({node_id{n}, true, 1, 1});
  auto told = r.due(many, true, 1);
  REQUIRE(told);
  CHECK(told->items.size() == heads_max);
  CHECK(decode_message(encode_message(*told)).ok());
  CHECK_FALSE(r.due(many, true, 100'000));
}
