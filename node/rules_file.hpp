#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/result.hpp"
#include "ledger/rules.hpp"

namespace tally {

/// The rules and the whole price list as head office publishes them at once. Versions are 0 until they are published.
struct price_list {
  rules_record rules;
  std::vector<product> products;
  std::map<std::string, std::uint32_t> lines = {};  ///< where rows of the programme stand: "card_kind 3"
};

inline constexpr std::size_t products_max = 100'000;
inline constexpr std::size_t rules_text_bytes_max = 200;  ///< header, footer
inline constexpr std::size_t product_name_bytes_max = 60;
/// Said of a name that is refused.
inline constexpr std::string_view name_text =
    "a name is printable UTF-8 text of at most 60 bytes: no line breaks, no space at an end, no characters that nobody "
    "sees or that turn the direction of text";
static_assert(product_name_bytes_max == 60);
inline constexpr std::size_t tax_rates_max = 16;

/// Reads a rules file (TOML; config/demo-rules.toml is a commented one). Every error is `bad_rules` and names file,
/// line and reason: unknown keys, wrong types, amounts that do not fit the currency, check digits, and what contradicts
/// itself (equal product numbers, unknown tax letters, a card prefix that a product has, a minimum above a maximum).
result<price_list> parse_rules(std::string_view text, const std::string& file_name);
/// The same from disk, at most 16 MiB.
result<price_list> read_rules_file(const std::filesystem::path& file);

/// What can be checked of single records, by head office's node before it writes them. `bad_rules` with the reason.
status check_rules(const rules_record& r);
/// The part of `check_rules` that is about the programme: ranges, names, what contradicts itself or can never hold.
status check_programme(const rules_record& r);
status check_product(const product& p, const rules_record& r);

/// The records that must be written so that `next` is on sale under `version`: new and changed products, and those that
/// are no longer in the list, withdrawn. All of them when the tax rates changed, because a product names its rate by
/// position. `published` may hold leftovers of a publication that broke off.
std::vector<product> changed_products(const catalogue& published, const price_list& next, std::uint64_t version);

}  // namespace tally
