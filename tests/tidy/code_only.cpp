#include <cctype>

#include "rules.hpp"

namespace tally::tidy {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

namespace {

/// Walks over C++ text once and blanks what is not code.
class blanker {
public:
  explicit blanker(std::string_view text) : in_(text), out_(text) {}

  std::string run() {
    while (at_ < in_.size())
      step();
    return std::move(out_);
  }

private:
  void step() {
    if (starts_with("//")) {
      blank_until(in_.find('\n', at_), 0);
    } else if (starts_with("/*")) {
      blank_until(in_.find("*/", at_ + 2), 2);
    } else if (in_[at_] == '"') {
      if (is_raw()) {
        raw_string();
      } else {
        literal('"');
      }
    } else if (in_[at_] == '\'' && !is_digit_separator()) {
      literal('\'');
    } else {
      ++at_;
    }
  }

  bool starts_with(std::string_view what) const { return in_.substr(at_, what.size()) == what; }

  /// R"…", also with an encoding prefix; but not the end of a longer word.
  bool is_raw() const {
    if (at_ == 0 || in_[at_ - 1] != 'R') return false;
    std::size_t begin = at_ - 1;
    while (begin > 0 && is_word(in_[begin - 1]))
      --begin;
    const std::string_view prefix = in_.substr(begin, at_ - 1 - begin);
    return prefix.empty() || prefix == "u8" || prefix == "u" || prefix == "U" || prefix == "L";
  }

  /// 1'000: the word before the quote begins with a digit.
  bool is_digit_separator() const {
    std::size_t begin = at_;
    while (begin > 0 && (is_word(in_[begin - 1]) || in_[begin - 1] == '\''))
      --begin;
    return begin < at_ && std::isdigit(static_cast<unsigned char>(in_[begin])) != 0;
  }

  void raw_string() {
    const std::size_t open = in_.find('(', at_);
    ++at_;
    if (open == std::string_view::npos) return;
    const std::string end = ")" + std::string(in_.substr(at_, open - at_)) + "\"";
    blank_until(in_.find(end, open), end.size() - 1);
    if (at_ < in_.size()) ++at_;
  }

  /// Keeps the quotes, so that `f("x")` still has its brackets and an argument. Ends at the line, as the language says.
  void literal(char quote) {
    ++at_;
    while (at_ < in_.size() && in_[at_] != quote && in_[at_] != '\n') {
      const bool escape = in_[at_] == '\\' && at_ + 1 < in_.size() && in_[at_ + 1] != '\n';
      blank(escape ? 2 : 1);
    }
    if (at_ < in_.size()) ++at_;
  }

  void blank_until(std::size_t end, std::size_t more) {
    const std::size_t stop = end == std::string_view::npos ? in_.size() : end + more;
    blank(stop - at_);
  }

  void blank(std::size_t count) {
    for (; count > 0; --count, ++at_) {
      if (in_[at_] != '\n') out_[at_] = ' ';
    }
  }

  std::string_view in_;
  std::string out_;
  std::size_t at_ = 0;
};

}  // namespace

std::string code_only(std::string_view text) { return blanker(text).run(); }

}  // namespace tally::tidy
