#pragma once
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ledger/programme.hpp"

namespace tally {

struct tax_rate {
  std::string letter;            ///< as printed, "A"
  std::uint32_t basis_points{};  ///< 1300 is 13.00 %; prices include it
  friend bool operator==(const tax_rate&, const tax_rate&) = default;
};

/// How receipts of one kind look and how many are printed.
struct receipt_form {
  std::string layout;        ///< lines with {fields}, as docs/receipts.md says; empty: the usual layout
  std::uint32_t copies = 1;  ///< tickets at once, 1 to receipt_copies_max; all but the first say that they are copies
  friend bool operator==(const receipt_form&, const receipt_form&) = default;
};
constexpr std::uint32_t receipt_copies_max = 4;
constexpr std::size_t receipt_layout_bytes_max = 2000;

/// What head office published under one version, products apart.
struct rules_record {
  std::uint64_t version{};         ///< from 1, each publication the next
  std::uint32_t effective_from{};  ///< business date from which it is in force
  std::string currency = "CNY";    ///< ISO 4217
  std::uint32_t exponent = 2;      ///< of the currency, 0 to 4
  std::string header;              ///< printed on top of every receipt
  std::string footer;
  std::string card_prefix;  ///< a scanned number of 16 digits that starts so is a card, not a product
  amount top_up_min = 1;
  amount top_up_max = 1'000'000;
  std::vector<tax_rate> taxes;
  std::array<receipt_form, 3> receipts;  ///< of sales, top-ups, reversals
  receipt_form day_report;
  tally::programme programme;
  friend bool operator==(const rules_record&, const rules_record&) = default;
};

struct product {
  product_id id;
  std::uint64_t version{};  ///< of the rules that set this price
  std::string ean;          ///< 8 or 13 digits, or empty
  std::array<std::string, language_count> names;
  amount price{};          ///< of one, tax included
  std::uint32_t tax{};     ///< index into the taxes of the same version
  bool withdrawn = false;  ///< from this version on it is no longer sold
  bool open = false;       ///< sold by amount: its price is one minor unit, and a quantity is the sum
  friend bool operator==(const product&, const product&) = default;
};

struct priced_line {
  line_item line;
  const product* item = nullptr;  ///< owned by the catalogue
  amount sum{};
};
struct priced_basket {
  std::vector<priced_line> lines;
  amount total{};
  std::vector<tax_item> taxes;  ///< contained in `total`, per rate, ascending
};

/// All rules and prices of all versions that a node has adopted, in memory: about 300 octets a product.
/// Not thread-safe; one owner. Products are kept per version so that any past sale can be priced again.
class catalogue {
public:
  void add(rules_record r);
  void add(product p);
  /// A node that leaves goods sold by the piece out of its copy of the directory: it knows too little of them to sell
  /// any, also of those that it does know. Products that are sold by amount stay, and `find` knows what it knew: what
  /// was sold before must still be read.
  void leave_goods(bool out) { goods_left_out_ = out; }
  bool goods_left_out() const { return goods_left_out_; }
  /// In no version that was added it was sold by amount.
  bool is_goods(product_id id) const;

  /// The version in force on a business date: the newest whose date of effect has come. 0 when there is none.
  std::uint64_t version_at(std::uint32_t business_date) const;
  const rules_record* rules(std::uint64_t version) const;
  const rules_record* newest() const;
  const product* find(product_id id, std::uint64_t version) const;
  /// The same, of what may be sold here.
  const product* offered(product_id id, std::uint64_t version) const;
  const product* find_ean(std::string_view ean, std::uint64_t version) const;
  /// Products on sale under that version, by id.
  std::vector<const product*> on_sale(std::uint64_t version) const;

  /// Prices a basket. Errors: bad_basket (empty, more than lines_max, quantity), unknown_product, overflow.
  /// Tax per rate is computed once from the sum of its lines, half up.
  result<priced_basket> price(const std::vector<line_item>& lines, std::uint64_t version) const;

private:
  std::map<std::uint64_t, rules_record> rules_;
  std::map<std::uint32_t, std::map<std::uint64_t, product>> products_;
  std::map<std::string, std::set<std::uint32_t>, std::less<>> by_ean_;  // all products that ever had it
  bool goods_left_out_ = false;
};

}  // namespace tally
