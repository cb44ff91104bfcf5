// What a programme costs: a basket of 20 lines under many rules, and products by the ten thousand. No disk.
#include <benchmark/benchmark.h>

#include "bench/reference.hpp"
#include "ledger/pricing.hpp"

namespace tally::bench {
namespace {

constexpr std::uint32_t day = 2517;

/// `rules` in all: half of them discounts, half earnings, each for a level, some products or some days, and all of them
/// in force for the customer that is asked about.
catalogue programme_of(std::int64_t rules, std::uint32_t products) {
  catalogue c;
  auto r = reference_rules();
  purse_rule points;
  points.id = 3;
  points.kind = purse_kind::points;
  points.names[0] = "Points";
  points.bucket = bucket_rule::expires;
  points.months = 12;
  r.programme.purses = {points};
  r.programme.levels = {{1, {"Gold"}, 1, 12}};
  for (std::uint32_t i = 1; i <= rules / 2; ++i) {
    condition when;
    if (i % 3 == 0) when.levels = {1};
    if (i % 3 == 1) when.until = day + i;
    if (i % 3 == 2)
      for (std::uint32_t p = i; p <= products && when.products.size() < 20; p += products / 20)
        when.products.push_back(product_id{p});
    r.programme.discounts.push_back({i, {"discount"}, 100 + i, 0, when});
    r.programme.earns.push_back({i, {"points"}, 3, false, 1, 100, when});
  }
  c.add(std::move(r));
  for (std::uint32_t id = 1; id <= products; ++id)
    c.add(reference_product(id));
  return c;
}

sale_terms basket_of(std::uint32_t products) {
  sale_terms t;
  for (std::uint32_t i = 0; i < 20; ++i)
    t.lines.push_back({product_id{1 + i * 7919 % products}, 1 + i % 3});
  t.who = {true, 1, 1};
  t.version = 1;
  t.business_date = day;
  return t;
}

/// Arguments: rules, products.
void price_basket_of_20(benchmark::State& state) {
  auto products = static_cast<std::uint32_t>(state.range(1));
  auto rules = programme_of(state.range(0), products);
  auto terms = basket_of(products);
  for (auto _ : state) {
    auto p = price_sale(rules, terms);
    if (!p) return state.SkipWithError("no price");
    benchmark::DoNotOptimize(p->due);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(price_basket_of_20)
    ->Args({0, 100})
    ->Args({50, 100})
    ->Args({50, 1'000})
    ->Args({50, 10'000})
    ->Args({50, 50'000})
    ->Args({200, 1'000});

}  // namespace
}  // namespace tally::bench
