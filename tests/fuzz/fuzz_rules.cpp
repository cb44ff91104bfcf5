// The file of rules that an operator writes.
#include "fuzz/fuzz.hpp"
#include "node/rules_file.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto rules = parse_rules(fuzz::view(data, size), "rules.toml");
  if (rules) {
    fuzz::expect(!rules->products.empty(), "rules have products");
  } else {
    fuzz::expect(rules.error().detail.starts_with("rules.toml:"), "what is wrong is said with its line");
  }
  return 0;
}
