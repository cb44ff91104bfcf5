#include "ledger/member.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "ledger/member_text.hpp"

namespace tally {
namespace {

constexpr std::uint16_t year_min = 1900, leap_year = 2000;

bool is_leap(unsigned y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

bool is_day(const birth_date& d) {
  constexpr std::uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (d.month < 1 || d.month > 12 || d.day < 1) return false;
  auto y = d.year == 0 ? leap_year : d.year;
  return d.day <= days[d.month - 1] + (d.month == 2 && is_leap(y) ? 1 : 0) && (d.year == 0 || d.year >= year_min);
}

bool is_past(const birth_date& d, std::uint32_t today) {
  auto now = parse_birth(date_text(today));
  return d.year == 0 || !now || d <= *now;
}

error bad(std::string_view what) { return {errc::malformed, std::string(what)}; }

status check_date(const birth_date& d, std::uint32_t today, const char* what) {
  if (d == birth_date{}) return done();
  if (!is_day(d)) return bad(std::string(what) + ": there is no such day");
  if (!is_past(d, today)) return bad(std::string(what) + " lies in the future");
  return done();
}

bool is_email(std::string_view e) {
  auto at = e.find('@');
  bool parts =
      at != std::string_view::npos && at > 0 && at + 1 < e.size() && e.find('@', at + 1) == std::string_view::npos;
  return parts && e.size() <= member_email_max && is_clean_text(e) &&
         e.find_first_of(" \"(),:;<>[]\\") == std::string_view::npos;
}

bool is_photo(byte_view p) {
  using namespace std::string_view_literals;
  return p.starts_with("\xFF\xD8\xFF"sv) || p.starts_with("\x89PNG\r\n\x1A\n"sv) ||
         (p.size() > 12 && p.starts_with("RIFF"sv) && p.substr(8, 4) == "WEBP"sv);
}

status check_texts(const member_change& c) {
  if (c.name && (c.name->size() > member_name_max || !is_clean_text(*c.name)))
    return bad("name: text of at most " + std::to_string(member_name_max) + " bytes, without control characters");
  if (c.address && (c.address->size() > member_address_max || !is_clean_text(*c.address, true)))
    return bad("address: text of at most " + std::to_string(member_address_max) + " bytes, without control characters");
  if (c.phones) {
    if (c.phones->size() > member_phones_max) return bad("phones: at most " + std::to_string(member_phones_max));
    for (const auto& p : *c.phones)
      if (normal_phone(p) != p) return bad("phones: 3 to 20 digits each, perhaps with a plus before them");
  }
  if (c.emails) {
    if (c.emails->size() > member_emails_max) return bad("emails: at most " + std::to_string(member_emails_max));
    for (const auto& e : *c.emails)
      if (!is_email(e)) return bad("emails: no such address is possible");
  }
  return done();
}

template <class T>
void take(T& field, const std::optional<T>& change) {
  if (change) field = *change;
}
template <class T>
void note(std::optional<T>& change, const T& from, const T& to) {
  if (from != to) change = to;
}
/// Those of `more` that are not in the list, as far as there is room.
template <class T>
void unite(std::vector<T>& list, const std::vector<T>& more, std::size_t max) {
  for (const auto& x : more)
    if (list.size() < max && std::find(list.begin(), list.end(), x) == list.end()) list.push_back(x);
}

}  // namespace

std::string birth_text(const birth_date& d) {
  if (!d.known()) return {};
  auto two = [](unsigned n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
  return (d.year == 0 ? "-" : std::to_string(d.year)) + "-" + two(d.month) + "-" + two(d.day);
}

std::optional<birth_date> parse_birth(std::string_view text) {
  if (text.empty()) return birth_date{};
  bool whole = !text.starts_with("--");
  auto number = [&](std::size_t at, std::size_t n) -> unsigned {
    unsigned v = 0;
    if (at + n > text.size()) return 0;
    auto [end, fault] = std::from_chars(text.data() + at, text.data() + at + n, v);
    return fault == std::errc{} && end == text.data() + at + n ? v : 0;
  };
  std::size_t at = whole ? 5 : 2;
  birth_date d{static_cast<std::uint16_t>(whole ? number(0, 4) : 0), static_cast<std::uint8_t>(number(at, 2)),
               static_cast<std::uint8_t>(number(at + 3, 2))};
  if (!is_day(d) || (whole && d.year == 0) || birth_text(d) != text) return std::nullopt;
  return d;
}

std::optional<std::string> normal_phone(std::string_view typed) {
  std::string out;
  for (std::size_t i = 0; i < typed.size(); ++i) {
    char c = typed[i];
    if (c >= '0' && c <= '9') {
      out += c;
    } else if (c == '+' && out.empty()) {
      out += c;
    } else if (std::string_view(" -.()/").find(c) == std::string_view::npos) {
      return std::nullopt;
    }
  }
  auto digits = out.size() - (out.starts_with('+') ? 1 : 0);
  if (digits < 3 || digits >= member_phone_max) return std::nullopt;
  return out;
}

status check_member(const member_change& c, std::uint32_t today) {
  TALLY_TRY(check_texts(c));
  if (c.born) TALLY_TRY(check_date(*c.born, today, "birthday"));
  if (c.children) {
    if (c.children->size() > member_children_max)
      return bad("children: at most " + std::to_string(member_children_max));
    for (const auto& child : *c.children) {
      if (child.sex > member_sex::other) return bad("children: female, male, other, or nothing");
      TALLY_TRY(check_date(child.born, today, "children: a birthday"));
    }
  }
  if (c.photo && !c.photo->empty() && (c.photo->size() > member_photo_max || !is_photo(*c.photo)))
    return bad("photo: a JPEG, PNG or WebP of at most " + std::to_string(member_photo_max) + " bytes");
  if (c.consents && (*c.consents & ~consents_all) != 0) return bad("consents: one that is not known");
  if (c.cards) {
    if (c.cards->size() > member_cards_max) return bad("cards: at most " + std::to_string(member_cards_max));
    for (std::size_t i = 0; i < c.cards->size(); ++i)
      if ((*c.cards)[i].value == 0 || (i > 0 && (*c.cards)[i] <= (*c.cards)[i - 1])) return bad("cards: each one once");
  }
  if (c.applications) TALLY_TRY(check_applications(*c.applications));
  return done();
}

status check_photo(const member_profile& p, const member_change& c) {
  const auto agreed = c.consents ? *c.consents : p.consents;
  if (!c.photo || c.photo->empty() || (agreed & consent_photo) != 0) return done();
  return error{errc::not_allowed, "photo: only with the member's consent to it (consent 'photo')"};
}

void apply_change(member_profile& p, const member_change& c) {
  take(p.name, c.name);
  take(p.born, c.born);
  take(p.phones, c.phones);
  take(p.emails, c.emails);
  take(p.address, c.address);
  take(p.children, c.children);
  take(p.photo, c.photo);
  take(p.consents, c.consents);
  if ((p.consents & consent_photo) == 0) p.photo.clear();
  take(p.cards, c.cards);
  take(p.merged_into, c.merged_into);
  if (c.applications) merge_applications(p.applications, *c.applications);
}

member_change change_of(const member_profile& p) { return difference({}, p); }

member_change difference(const member_profile& from, const member_profile& to) {
  member_change c;
  note(c.name, from.name, to.name);
  note(c.born, from.born, to.born);
  note(c.phones, from.phones, to.phones);
  note(c.emails, from.emails, to.emails);
  note(c.address, from.address, to.address);
  note(c.children, from.children, to.children);
  note(c.photo, from.photo, to.photo);
  note(c.consents, from.consents, to.consents);
  note(c.cards, from.cards, to.cards);
  note(c.merged_into, from.merged_into, to.merged_into);
  if (auto fresh = new_applications(from.applications, to.applications); !fresh.empty())
    c.applications = std::move(fresh);
  return c;
}

member_profile merged(const member_profile& survivor, const member_profile& other) {
  auto out = survivor;
  if (out.name.empty()) out.name = other.name;
  if (!out.born.known()) out.born = other.born;
  if (out.address.empty()) out.address = other.address;
  unite(out.phones, other.phones, member_phones_max);
  unite(out.emails, other.emails, member_emails_max);
  unite(out.children, other.children, member_children_max);
  std::set<account_id> cards(out.cards.begin(), out.cards.end());
  cards.insert(other.cards.begin(), other.cards.end());
  out.cards.assign(cards.begin(), cards.end());
  merge_applications(out.applications, other.applications);
  return out;
}

}  // namespace tally
