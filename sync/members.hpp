#pragma once
#include <functional>

#include "ledger/member.hpp"

namespace tally {

/// A member as this node knows it.
struct member_view {
  account_id member;
  std::uint64_t version{};    ///< of the profile that head office published
  member_profile profile;     ///< at a store: with its own claims that are not published yet
  std::size_t unpublished{};  ///< at a store: the number of these
  unix_seconds until{};       ///< at a store: when its lease of the member's key ends; 0 at head office
};
struct member_list {
  std::vector<member_view> found;  ///< at most `member_found_max`, without their photos
  bool more = false;               ///< there are others; say more
};
inline constexpr std::size_t member_found_max = 50;
struct erased_members {
  std::vector<account_id> members;  ///< with those that were merged into it
  unix_seconds leases_until{};      ///< a store that is dark destroys its copies of the keys by then; 0: there are none
};
/// What a till asked for, or had asked for before.
struct applied_card {
  card_application application;
  bool before = false;  ///< it was open already: nothing was written
};
/// Open applications for cards of plastic, oldest first.
struct application_list {
  struct row {
    account_id member;
    card_application what;
    std::string name, address;  ///< as the profile has it now
  };
  std::vector<row> rows;     ///< at most `applications_open_max`
  std::size_t unreadable{};  ///< open ones whose member's profile cannot be read: not among the rows, and in the log
};
/// Head office's answer to one of them.
struct application_answer {
  account_id card;
  bytes medium;        ///< made: the digest of the number on the new card, a further one of the account
  std::string reason;  ///< refused, for the member to read; empty: it is made
};

/// Members at one node: head office's (sync/member_office.hpp), or a store's (sync/member_desk.hpp).
///
/// Thread-safe. Each call is answered once, on the service's own thread, or refused with `busy` on the caller's when
/// too many wait. What it answers is durable. Errors besides those named: `not_found`, `malformed`, `io`, `corrupt`.
class member_service {
public:
  template <class T>
  using answer = std::function<void(result<T>)>;

  virtual ~member_service() = default;
  /// By name, telephone number, e-mail or card number.
  virtual void find(std::string query, answer<member_list> done) = 0;
  virtual void show(account_id member, answer<member_view> done) = 0;
  /// Nothing: the card has no member. At a store, asks head office when it has no lease: `offline` without a link,
  /// `timeout` when no answer comes.
  virtual void of_card(account_id card, answer<std::optional<member_view>> done) = 0;
  /// At a store: for exactly one card, with a link. Errors: `not_allowed` (a card that is another member's), `offline`.
  virtual void add(member_change c, answer<member_view> done) = 0;
  /// At head office the next version; at a store a claim, which binds it alone until head office has published it.
  /// `version`, if given, is the one that was looked at: another one now is `gap`. `terminal`: of the till that asks.
  virtual void edit(account_id member, std::optional<std::uint64_t> version, member_change c, std::uint32_t terminal,
                    answer<member_view> done) = 0;
  /// At a store, also without a line: a card of plastic for a card that its member has on the telephone. It goes with
  /// the member's profile. Asked for again while it is open, nothing is written. `shown`: "**** 9123". Errors:
  /// `not_found` (the card has no member), and those of `of_card` and `edit`.
  virtual void apply(account_id card, std::string shown, std::uint32_t terminal, answer<applied_card> done) {
    (void)card, (void)shown, (void)terminal;
    done(error{errc::not_allowed, "a store takes applications"});
  }

  // Head office only.
  virtual void applications(answer<application_list> done) { done(only_head_office()); }
  /// Made: number and answer are written in one group, so both are there or none. Errors: `not_found` (none is open),
  /// `key_reused` (the number is in use), `not_allowed` (the card is not in use).
  virtual void answer_application(application_answer a, answer<member_view> done) {
    (void)a;
    done(only_head_office());
  }
  /// All media that lead to a card: its numbers, those of plastic that were made for it, and its codes. Looks through
  /// those of all cards, a part at a time, between its other work. What is added meanwhile may be missing.
  /// Errors: `io`.
  virtual void media_of(account_id card, answer<std::vector<bytes>> done) {
    (void)card;
    done(only_head_office());
  }
  /// The cards of `other` become the survivor's, and what that lacks of the other's data. Again: nothing changes.
  virtual void merge(account_id survivor, account_id other, answer<member_view> done) {
    (void)survivor, (void)other;
    done(only_head_office());
  }
  /// For good. Again: the same answer.
  virtual void erase(account_id member, answer<erased_members> done) {
    (void)member;
    done(only_head_office());
  }
  /// Members that may be one person, in groups.
  virtual void duplicates(answer<std::vector<std::vector<member_view>>> done) { done(only_head_office()); }

protected:
  static error only_head_office() { return {errc::not_allowed, "only head office does this"}; }
};

}  // namespace tally
