#pragma once
#include <optional>

#include "ledger/card_application.hpp"
#include "ledger/entry.hpp"
#include "ledger/result.hpp"

namespace tally {

// A member: the person behind one or more cards. All of it is personal data, which no stream carries but sealed under
// the member's own key (sync/member_seal.hpp); when the key is gone, so is all of this.

/// A date of birth; `year` 0: only day and month are known. All zero: nothing is known.
struct birth_date {
  std::uint16_t year{};
  std::uint8_t month{}, day{};
  bool known() const { return month != 0; }
  friend constexpr auto operator<=>(const birth_date&, const birth_date&) = default;
};
/// "1990-02-28", "--02-28" without the year, "" when not known.
std::string birth_text(const birth_date& d);
/// Reads what `birth_text` writes. Refuses days that no year has, 29 February of other years, years before 1900.
std::optional<birth_date> parse_birth(std::string_view text);

enum class member_sex : std::uint8_t { unknown = 0, female = 1, male = 2, other = 3 };
/// "", "female", "male", "other": in the order of the type.
inline constexpr std::array<std::string_view, 4> member_sex_names{"", "female", "male", "other"};

struct member_child {
  birth_date born;
  member_sex sex{};
  friend bool operator==(const member_child&, const member_child&) = default;
};

/// What the member agreed to; bits of `member_profile::consents`.
inline constexpr std::array<std::string_view, 5> consent_names{"sms", "email", "post", "photo", "offers"};
constexpr std::uint32_t consent_photo = 1U << 3;
constexpr std::uint32_t consents_all = (1U << consent_names.size()) - 1;

inline constexpr std::size_t member_name_max = 120, member_phones_max = 4, member_phone_max = 21, member_emails_max = 2,
                             member_email_max = 120, member_address_max = 400, member_children_max = 12,
                             member_photo_max = 24'000, member_cards_max = 16;

struct member_profile {
  std::string name;
  birth_date born;
  std::vector<std::string> phones;  ///< as `normal_phone`
  std::vector<std::string> emails;
  std::string address;  ///< lines, separated by a newline
  std::vector<member_child> children;
  bytes photo;  ///< JPEG, PNG or WebP
  std::uint32_t consents{};
  std::vector<account_id> cards;   ///< accounts of the member's cards, ascending
  account_id merged_into;          ///< another member took this one's place; then nothing else is set but the name
  card_applications applications;  ///< for cards of plastic: of each card the newest
  friend bool operator==(const member_profile&, const member_profile&) = default;
};

/// Fields that are to have another value. An empty value clears the field.
struct member_change {
  std::optional<std::string> name;
  std::optional<birth_date> born;
  std::optional<std::vector<std::string>> phones, emails;
  std::optional<std::string> address;
  std::optional<std::vector<member_child>> children;
  std::optional<bytes> photo;
  std::optional<std::uint32_t> consents;
  std::optional<std::vector<account_id>> cards;
  std::optional<account_id> merged_into;
  std::optional<card_applications> applications;  ///< those that are new or answered; the others stay
  bool empty() const { return *this == member_change{}; }
  friend bool operator==(const member_change&, const member_change&) = default;
};

/// Refuses what no form shall hold: text that is not well-formed UTF-8, with control or bidirectional control
/// characters, characters without a shape or piles of accents; over the bounds above; wrong dates, telephone
/// numbers and addresses; pictures of another kind. `today` bounds dates of birth. The detail names the field.
status check_member(const member_change& c, std::uint32_t today);

/// A photo is taken only of who agrees to it, by then or with the same change. Errors: not_allowed.
status check_photo(const member_profile& p, const member_change& c);

/// The fields of `c` in place of those of `p`. A photo goes with the consent to it.
void apply_change(member_profile& p, const member_change& c);
/// What makes `p` of an empty profile: its fields that are not empty.
member_change change_of(const member_profile& p);
/// What makes `to` of `from`.
member_change difference(const member_profile& from, const member_profile& to);

/// Two that are one person, as one: what the survivor lacks comes from the other, lists are united as far as they may
/// be long. Consents and the photo are the survivor's own: nobody agreed to more by being merged. Cards move.
member_profile merged(const member_profile& survivor, const member_profile& other);

/// Digits with an optional plus before them, of what people type: spaces, hyphens, dots and brackets are left out.
/// Nothing for anything else.
std::optional<std::string> normal_phone(std::string_view typed);

}  // namespace tally
