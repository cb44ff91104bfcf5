#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/result.hpp"

namespace tally {

/// One line of a receipt's layout: a part, which may become several lines or none, or text with fields.
struct template_line {
  enum class part : std::uint8_t {
    text,
    header,
    lines,
    total,
    tenders,
    taxes,
    reverses,
    card,
    id,
    footer,
    rule,
    proof,
    sales,
    top_ups,
    cash,
    tills
  };
  part what = part::text;
  bool centred = false;
  std::string left, right;  ///< of a text: with its {fields}; `right` stands at the paper's right edge
  friend bool operator==(const template_line&, const template_line&) = default;
};

/// The layouts of receipts and of day reports that have none of their own in the rules.
extern const std::string_view usual_layout, usual_report_layout;
enum class layout_kind : std::uint8_t { receipt, day_report };

/// Reads a layout as docs/receipts.md describes it. Errors: `bad_rules`, which names the line and what is wrong in it;
/// also without {total} and {id}, which every receipt shows, or {sales}, {tenders}, {cash} and {id} of a day report,
/// and for a line behind {proof}: codes are printed last.
result<std::vector<template_line>> parse_layout(std::string_view text, layout_kind what = layout_kind::receipt);

/// Whether a receipt of that layout (empty: the usual one) has the code that proves it.
bool layout_proves(std::string_view layout);

/// `text` with each {field} replaced by what `value_of` says of its name. Empty when it has fields and all are empty.
template <class F>
std::string fill_in(std::string_view text, F&& value_of) {
  std::string out;
  bool fields = false, any = false;
  while (!text.empty()) {
    const auto open = text.find('{');
    out += text.substr(0, open);
    if (open == text.npos) break;
    const auto close = text.find('}', open);
    const std::string value = value_of(text.substr(open + 1, close - open - 1));
    fields = true;
    any = any || !value.empty();
    out += value;
    text.remove_prefix(close + 1);
  }
  return fields && !any ? std::string() : out;
}

}  // namespace tally
