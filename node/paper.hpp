#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/money.hpp"
#include "node/receipt_template.hpp"
#include "node/receipt_words.hpp"
#include "node/ticket.hpp"

namespace tally {

/// Lays text out in the columns of one printer: what stands on paper, and the same on screens.
class paper {
public:
  explicit paper(const receipt_layout& layout) : codec_(layout.printer.text), width_(layout.printer.columns) {}

  void add(std::string line) {
    line = codec_.shown(line);
    line.erase(line.find_last_not_of(' ') + 1);
    lines_.push_back(std::move(line));
  }
  void rule() { add(std::string(width_, '-')); }
  /// Left and right on one line, or on as many as they need where they do not fit: nothing is cut.
  void row(std::string_view left, std::string_view right) {
    const std::size_t gap = right.empty() ? 0 : 1;
    if (!left.empty() && codec_.columns(left) + gap + codec_.columns(right) > width_) {
      wrapped(left);
      if (right.empty()) return;
      left = {};
    }
    if (!left.empty() || codec_.columns(right) <= width_) {
      const auto used = codec_.columns(left) + codec_.columns(right);
      return add(std::string(left).append(width_ - std::min(width_, used), ' ').append(right));
    }
    for (const auto& piece : pieces(right))
      add(std::string(width_ - codec_.columns(piece), ' ') + piece);
  }
  void centred(std::string_view text) {
    for (const auto& piece : pieces(text))
      add(std::string((width_ - codec_.columns(piece)) / 2, ' ') + piece);
  }
  void centred_lines(std::string_view text) {
    for (int n = 0; !text.empty() && n < 40; ++n) {
      auto end = text.find('\n');
      centred(text.substr(0, end));
      text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
  }
  void wrapped(std::string_view text) {
    if (text.empty()) return;
    for (auto& piece : pieces(text))
      add(std::move(piece));
  }
  /// A layout's line of text with what `value_of` says of its fields; nothing when all of them are empty.
  template <class F>
  void text(const template_line& l, F&& value_of) {
    const auto left = fill_in(l.left, value_of), right = fill_in(l.right, value_of);
    if (left.empty() && right.empty()) {
      if (l.left.empty() && l.right.empty()) add("");
      return;
    }
    if (l.centred) return centred(left);
    if (right.empty()) return wrapped(left);
    row(left, right);
  }
  void tenders(const std::vector<receipt::tender>& list, const receipt_words& words, int exponent) {
    for (const auto& t : list)
      row("  " + (t.name.empty() ? std::string(tender_word(t.kind, words)) : t.name), format_amount(t.sum, exponent));
  }
  void taxes(const std::vector<receipt::tax>& list, const receipt_words& words, int exponent) {
    for (const auto& t : list)
      row("  " + std::string(words.tax) + " " + t.letter + " " + t.percent + " %", format_amount(t.sum, exponent));
  }
  std::vector<std::string> take() { return std::move(lines_); }

private:
  /// As wide as the paper at most, cut between two words where there is a place. An empty text is one empty piece.
  std::vector<std::string> pieces(std::string_view text) const {
    constexpr std::size_t rows_max = 40;
    std::vector<std::string> out;
    do {
      auto t = codec_.fit(text, width_);
      if (t.empty() && !text.empty()) break;
      if (t.size() < text.size() && text[t.size()] != ' ')
        if (const auto space = t.find_last_of(' '); space != t.npos && t.find_first_not_of(' ') < space)
          t.resize(space);
      text.remove_prefix(t.size());
      text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
      t.erase(t.find_last_not_of(' ') + 1);
      out.push_back(std::move(t));
    } while (!text.empty() && out.size() < rows_max);
    return out;
  }

  text_codec codec_;
  std::size_t width_;
  std::vector<std::string> lines_;
};

}  // namespace tally
