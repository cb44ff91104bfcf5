#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace tally::test {

/// Seeded input that reaches further into a parser than noise does: random bytes, mixed with pieces that it knows.
class fuzz_source {
public:
  explicit fuzz_source(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  template <class Pieces>
  std::string next(const Pieces& pieces) {
    std::string out;
    for (std::size_t n = below(8); n > 0; --n) {
      if (below(2) == 0) {
        out += pieces[below(std::size(pieces))];
      } else {
        for (std::size_t k = below(12); k > 0; --k)
          out.push_back(static_cast<char>(random_() & 0xFF));
      }
    }
    return out;
  }

private:
  std::mt19937_64 random_;
};

}  // namespace tally::test
