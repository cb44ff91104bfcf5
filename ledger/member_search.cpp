#include "ledger/member_search.hpp"

#include <algorithm>

#include "ledger/member_text.hpp"
#include "ledger/pinyin.hpp"

namespace tally {
namespace {

using text32 = std::u32string;
using view32 = std::u32string_view;

constexpr std::size_t word_token_max = 6;  // longer beginnings share a token
constexpr std::size_t tail_tokens[] = {3, 4, 6, 8};
constexpr std::size_t identity_digits = 8;  // a number with and without its country's prefix

enum kind : char {
  word = 'w',
  one = 'c',
  two = 'd',
  initial_one = 'i',
  initial_two = 'j',
  tail = 't',
  front = 'h',
  mail = 'e',
  phone = 'P',
  person = 'N'
};

bool is_word_char(char32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 0xC0 && !is_unspaced(c) && !is_initial(c) && (c < 0x2000 || c > 0x303F));
}

text32 folded(std::string_view text) { return fold_text(decode_utf8(text).value_or(text32{})); }

std::string digits_of(std::string_view phone) {
  std::string out;
  std::copy_if(phone.begin(), phone.end(), std::back_inserter(out), [](char c) { return c >= '0' && c <= '9'; });
  return out;
}

/// Runs of characters for which `take` holds.
template <class Take>
std::vector<text32> runs(view32 text, Take take) {
  std::vector<text32> out;
  bool open = false;
  for (auto c : text) {
    bool taken = take(c);
    if (taken && !open) out.emplace_back();
    if (taken) out.back() += c;
    open = taken;
  }
  return out;
}

text32 initials_in(view32 name) {
  text32 out;
  for (auto c : name)
    if (auto i = initial_of(c)) out += i;
  return out;
}

struct token_list {
  std::vector<std::string> all;
  void add(char kind, view32 text) { all.push_back(kind + encode_utf8(text)); }
  void add(char kind, std::string_view text) { all.push_back(kind + std::string(text)); }
  /// One character alone, and each pair of neighbours.
  void pieces(char single, char pair, view32 run, bool singles) {
    for (std::size_t i = 0; i < run.size(); ++i) {
      if (singles) add(single, run.substr(i, 1));
      if (i + 1 < run.size()) add(pair, run.substr(i, 2));
    }
  }
  std::vector<std::string> take() {
    std::ranges::sort(all);
    all.erase(std::ranges::unique(all).begin(), all.end());
    return std::move(all);
  }
};

text32 local_part(std::string_view email) { return folded(email.substr(0, email.find('@'))); }

// A Chinese name is found by the letters in which it is typed, too.
std::vector<text32> words_of(const member_profile& p) {
  const auto name = folded(p.name);
  auto out = runs(name, is_word_char);
  for (const auto& run : runs(name, is_unspaced))
    for (auto& typed : pinyin_spellings(run))
      out.push_back(std::move(typed));
  for (const auto& e : p.emails)
    for (auto& w : runs(local_part(e), is_word_char))
      out.push_back(std::move(w));
  return out;
}

}  // namespace

result<member_query> parse_member_query(std::string_view text) {
  auto points = text.size() <= member_query_max ? decode_utf8(text) : std::nullopt;
  if (!points)
    return error{errc::malformed, "a query is text of at most " + std::to_string(member_query_max) + " bytes"};
  auto all = fold_text(*points);
  member_query q;
  auto plain = encode_utf8(all);
  while (plain.starts_with(' '))
    plain.erase(0, 1);
  while (plain.ends_with(' '))
    plain.pop_back();
  if (auto typed = normal_phone(plain); typed && digits_of(*typed).size() >= member_query_digits_min) {
    q.digits.push_back(digits_of(*typed));
    return q;
  }
  if (plain.find('@') != std::string::npos) {
    q.email = plain;
    return q;
  }
  for (auto& w : runs(all, is_word_char)) {
    bool number = std::ranges::all_of(w, [](char32_t c) { return c >= '0' && c <= '9'; });
    if (number && w.size() >= member_query_digits_min) {
      q.digits.push_back(encode_utf8(w));
    } else {
      q.words.push_back(std::move(w));
    }
  }
  q.parts = runs(all, is_unspaced);
  q.initials = runs(all, is_initial);
  if (q.empty()) return error{errc::malformed, "name, telephone number (3 digits or more), e-mail or card number"};
  return q;
}

bool matches(const member_profile& p, const member_query& q) {
  auto name = folded(p.name);
  auto words = words_of(p);
  auto initials = initials_in(name);
  for (const auto& part : q.parts)
    if (name.find(part) == text32::npos) return false;
  for (const auto& i : q.initials)
    if (initials.find(i) == text32::npos) return false;
  for (const auto& w : q.words)
    if (std::ranges::none_of(words, [&](const text32& own) { return own.starts_with(w); })) return false;
  for (const auto& d : q.digits)
    if (std::ranges::none_of(p.phones, [&](const std::string& own) {
          auto n = digits_of(own);
          return n.ends_with(d) || n.starts_with(d);
        }))
      return false;
  return q.email.empty() ||
         std::ranges::any_of(p.emails, [&](const std::string& own) { return encode_utf8(folded(own)) == q.email; });
}

std::vector<std::string> tokens_of(const member_profile& p) {
  token_list out;
  auto name = folded(p.name);
  for (const auto& run : runs(name, is_unspaced))
    out.pieces(one, two, run, true);
  out.pieces(initial_one, initial_two, initials_in(name), true);
  for (const auto& w : words_of(p))
    for (std::size_t n = 1; n <= std::min(w.size(), word_token_max); ++n)
      out.add(word, view32(w).substr(0, n));
  for (const auto& own : p.phones) {
    auto n = digits_of(own);
    for (auto size : tail_tokens) {
      if (n.size() < size) continue;
      out.add(tail, std::string_view(n).substr(n.size() - size));
      out.add(front, std::string_view(n).substr(0, size));
    }
  }
  for (const auto& e : p.emails)
    out.add(mail, folded(e));
  return out.take();
}

std::vector<std::string> tokens_of(const member_query& q) {
  token_list out;
  for (const auto& run : q.parts)
    out.pieces(one, two, run, run.size() == 1);
  for (const auto& run : q.initials)
    out.pieces(initial_one, initial_two, run, run.size() == 1);
  for (const auto& w : q.words)
    out.add(word, view32(w).substr(0, word_token_max));
  if (!q.email.empty()) out.add(mail, q.email);
  return out.take();
}

std::array<std::string, 2> digit_tokens(std::string_view digits) {
  std::size_t size = 0;
  for (auto n : tail_tokens)
    if (n <= digits.size()) size = n;
  return {static_cast<char>(tail) + std::string(digits.substr(digits.size() - size)),
          static_cast<char>(front) + std::string(digits.substr(0, size))};
}

std::vector<std::string> identity_tokens(const member_profile& p) {
  token_list out;
  for (const auto& own : p.phones)
    if (auto n = digits_of(own); n.size() >= identity_digits)
      out.add(phone, std::string_view(n).substr(n.size() - identity_digits));
  auto name = folded(p.name);
  std::erase(name, U' ');
  if (p.born.known() && p.born.year != 0 && !name.empty()) out.add(person, encode_utf8(name) + birth_text(p.born));
  return out.take();
}

}  // namespace tally
