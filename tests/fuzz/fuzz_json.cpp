// Bodies of HTTP requests.
#include "fuzz/fuzz.hpp"
#include "node/json_read.hpp"

using namespace tally;

namespace {

std::size_t depth_of(const json_value& v) {
  std::size_t most = 0;
  for (const auto& item : v.items)
    most = std::max(most, depth_of(item));
  return most + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto v = parse_json(fuzz::view(data, size));
  if (!v) return 0;
  fuzz::expect(depth_of(*v) <= json_depth_max + 1, "nesting is bounded");
  fuzz::expect(v->type != json_value::kind::object || v->names.size() == v->items.size(), "each value has a name");
  if (v->type != json_value::kind::object) return 0;
  json_fields f(*v);
  (void)f.integer("counter", 1, 100);
  (void)f.text("code", 10);
  (void)f.list("lines");
  fuzz::expect(f.ok() || !f.problem().detail.empty(), "a problem is named");
  return 0;
}
