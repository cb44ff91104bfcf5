#pragma once
#include <map>
#include <vector>

#include "ledger/entry.hpp"
#include "ledger/result.hpp"

namespace tally {

// A member who has a card on the telephone asks for one of plastic. What was asked and what came of it is a part of the
// member's profile (member.hpp): it travels as a store's claim about the member, sealed, and only head office answers.
// Pure; days are business dates, days since 2020-01-01.

enum class application_state : std::uint8_t { open = 1, made = 2, refused = 3 };
/// "open", "made", "refused": in the order of the type, whose numbers begin at 1.
inline constexpr std::array<std::string_view, 3> application_state_names{"open", "made", "refused"};
std::string_view application_state_name(application_state s);

/// The newest application for one card. A member has at most one for each card.
struct card_application {
  account_id card;
  std::uint32_t number{};  ///< counts the applications for this card, from 1
  application_state state = application_state::open;
  std::uint32_t since{};     ///< the day on which it was asked for
  std::uint32_t answered{};  ///< the day of head office's answer; 0 while it is open
  node_id node;              ///< the store that took it
  std::string shown;         ///< what the till showed of the number: "**** 9123"
  std::string reason;        ///< of a refusal, as the member may read it
  friend bool operator==(const card_application&, const card_application&) = default;
};
/// By card, ascending.
using card_applications = std::vector<card_application>;

/// Octets; a refusal of more is `check_applications`.
inline constexpr std::size_t application_shown_max = 16, application_reason_max = 120;
/// Open ones of one store, and of a chain; those beyond are refused by head office as they come.
inline constexpr std::size_t applications_of_store_max = 200, applications_open_max = 10'000;

/// Reasons of these refusals: codes, which a till says in its language. An operator's reasons are text.
inline constexpr std::string_view application_store_full = "too_many_of_store",
                                  application_chain_full = "too_many_open";

/// The application for that card; nothing when nobody ever asked.
const card_application* application_for(const card_applications& list, account_id card);

/// For each card the newer one stays; of two with one number, the one that was answered; else that of `into`. So an
/// answer is never undone by a store that has not heard of it.
void merge_applications(card_applications& into, const card_applications& from);
/// Those of `to` that are not so in `from`.
card_applications new_applications(const card_applications& from, const card_applications& to);
/// Leaves out those for cards that are not in the list (ascending).
void keep_applications_of(card_applications& list, const std::vector<account_id>& cards);

/// Errors: `malformed` with what is wrong: a card twice, too many, text that no form may hold, a state without its day.
status check_applications(const card_applications& list);

/// An application at a store; that none is open, the caller has seen (`application_for`). Errors: `not_allowed`: the
/// card is none of the member's; `malformed`: `shown`.
result<card_application> apply_for_card(const card_applications& known, const std::vector<account_id>& cards,
                                        account_id card, node_id store, std::uint32_t today, std::string shown);

/// What head office takes of the applications that a store claims: open ones, for cards of the member, by that store
/// itself, that are newer than what it knows. They are numbered on from what it knows and are no later than `today`.
/// What it knows already is left out. Errors: `not_entitled`: a store does not answer, or speak for another one.
result<card_applications> claimed_applications(const card_applications& known, const std::vector<account_id>& cards,
                                               const card_applications& claimed, node_id store, std::uint32_t today);

/// Head office's answer to an open one. An empty reason: it is made. Errors: `not_found` (none is open), `malformed`.
result<card_application> answered_application(const card_applications& known, account_id card, std::string reason,
                                              std::uint32_t today);

/// Open applications, for head office's bounds and its list. In memory; not thread-safe.
class application_book {
public:
  struct place {
    account_id card, member;
    node_id store;
    std::uint32_t since{};
    friend auto operator<=>(const place&, const place&) = default;
  };
  /// What is open of a member's now, in place of what was before.
  void note(account_id member, const card_applications& before, const card_applications& now);
  /// Refuses those that are beyond the bounds, with one of the codes above. What is on its way to the disk counts.
  void bound(card_applications& fresh, std::uint32_t today) const;
  /// Open ones of these are on their way to the disk; `arrived` when they are there, and noted, or failed.
  void expect(const card_applications& fresh);
  void arrived(const card_applications& fresh);
  std::optional<account_id> member_of(account_id card) const;
  /// Oldest first.
  std::vector<place> list() const;
  std::size_t size() const { return open_.size(); }

private:
  struct held {
    account_id member;
    node_id store;
    std::uint32_t since{};
  };
  std::map<account_id, held> open_;
  std::map<node_id, std::size_t> of_store_, coming_of_store_;
  std::size_t coming_ = 0;
};

}  // namespace tally
