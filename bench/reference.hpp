#pragma once
#include <optional>
#include <random>
#include <vector>

#include "ledger/decide.hpp"

namespace tally::bench {

/// The reference workload: what every figure of bench/README.md was measured with.
///
/// 20,000 cards and 1,000 products, each chosen with equal probability; a sale is paid by card in full and has 3
/// lines of 1 to 3 pieces; of 100 requests 10 are top-ups in cash and 2 reverse the till's last sale.
struct reference {
  static constexpr std::uint64_t cards = 20'000;
  static constexpr std::uint32_t products = 1'000;
  static constexpr unsigned lines = 3, pieces = 3, top_up_percent = 10, reverse_percent = 2;
  static constexpr std::uint32_t first_terminal = 1'000;
  static constexpr amount top_up = 10'000;
};

/// Price of a product of the reference catalogue, minor units: 1.00 to 50.95, fixed for each id.
amount price_of(std::uint32_t product);
/// The rules and products of the reference catalogue, all of version 1.
rules_record reference_rules();
product reference_product(std::uint32_t id);

/// The requests of one till, one at a time, from a seed.
class till_script {
public:
  till_script(std::uint64_t seed, std::uint32_t terminal, std::uint64_t counter = 0)
      : engine_(seed), terminal_(terminal), counter_(counter) {}
  /// The next request, under the next counter.
  till_command next();
  /// The request before was approved as entry `seq`.
  void approved(const till_command& c, sequence seq);
  sale_command next_sale();

private:
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  till_key key() { return {terminal_, ++counter_, 7}; }

  std::mt19937_64 engine_;
  std::uint32_t terminal_;
  std::uint64_t counter_;
  std::optional<sequence> last_sale_;
};

}  // namespace tally::bench
