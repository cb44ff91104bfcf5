#pragma once
#include <map>
#include <set>
#include <unordered_map>

#include "sync/card_media.hpp"
#include "sync/member_index.hpp"
#include "sync/member_parts.hpp"
#include "sync/members.hpp"

namespace tally {

/// Most members of a chain, and keys that a store holds at once.
inline constexpr std::size_t office_members_max = 5'000'000, desk_members_max = 10'000;
/// Keys that one store gets in a day at most: what a stolen one can read is bounded.
inline constexpr std::size_t leases_a_day_max = 2'000;

/// Members at head office: the only writer of profiles, the only lasting keystore.
///
/// A key is on the disk before the first profile under it, and is destroyed after the erasure is; a start finishes what
/// a power cut left of either. Profiles are sealed in the journal; in memory is an index of keyed hashes and, for each
/// member, where its profile lies. Claims of stores are published field by field in the order in which they came.
class member_office final : public member_service {
public:
  /// Reads all profiles once. Errors: io, corrupt.
  static result<std::unique_ptr<member_office>> start(member_parts parts);
  ~member_office() override;

  void find(std::string query, answer<member_list> done) override;
  void show(account_id member, answer<member_view> done) override;
  void of_card(account_id card, answer<std::optional<member_view>> done) override;
  void add(member_change c, answer<member_view> done) override;
  void edit(account_id member, std::optional<std::uint64_t> version, member_change c, std::uint32_t terminal,
            answer<member_view> done) override;
  void merge(account_id survivor, account_id other, answer<member_view> done) override;
  void erase(account_id member, answer<erased_members> done) override;
  void duplicates(answer<std::vector<std::vector<member_view>>> done) override;
  // member_applications.cpp
  void applications(answer<application_list> done) override;
  void answer_application(application_answer a, answer<member_view> done) override;
  void media_of(account_id card, answer<std::vector<bytes>> done) override;

private:
  struct known {
    std::uint64_t version{};
    epoch_id epoch;
    sequence at{};
    account_id merged_into;
  };
  /// A claim that a profile answers.
  struct cause {
    writer_id writer;
    sequence seq{};
  };
  struct written {
    account_id member;
    member_profile profile;
  };
  explicit member_office(member_parts parts)
      : with_(std::move(parts)), keys_(std::move(with_.keys)), index_(with_.random), worker_(with_.worker) {}

  status load();
  result<member_view> view(account_id member) const;
  result<bytes> sealed(account_id member) const;
  /// Its cards are nobody's, its own, or those of `or_of`, who gives them up.
  status check_cards(account_id member, const member_profile& p, account_id or_of = {}) const;
  result<account_id> survivor_of(account_id member) const;
  /// `first` is written before the profile, which is not when that fails.
  void publish(account_id member, member_profile to, const std::optional<cause>& why, answer<member_view> done,
               std::vector<entry> first = {});
  /// In order, all or none; answers with the last.
  void publish_all(std::vector<written> list, const std::optional<cause>& why, answer<member_view> done,
                   std::vector<entry> first = {});
  void published(const std::vector<written>& list, const facts_answer& a, const answer<member_view>& done);
  result<entry> profile_fact(const written& w, const std::optional<cause>& why);
  status learn_published(const written& w);
  void add_now(const member_change& c, const answer<member_view>& done);
  void merge_now(account_id survivor, account_id other, const answer<member_view>& done);
  void erase_now(account_id member, const answer<erased_members>& done);
  std::vector<account_id> one_person(account_id member) const;
  status forget(account_id member);
  void take_claims(const std::vector<claim_at>& list);
  void take_claim(const claim_at& c);
  void answer_now(const application_answer& a, const answer<member_view>& done);
  void look_on(const std::shared_ptr<media_search>& search, const answer<std::vector<bytes>>& done);
  void tick();
  // member_birthdays.cpp
  void tell_birthdays();
  void tell_birthdays_of(const std::vector<account_id>& cards);
  std::uint32_t birth_month_of(account_id card) const;
  void answer_letter(const letter_effect& letter);
  void answer_lease(node_id to, const lease_question& q, account_id member);
  void send_answer(node_id to, const lease_answer& a);
  std::uint32_t today() const;

  member_parts with_;
  std::unique_ptr<member_keys> keys_;
  // On the worker's thread only, once it runs.
  member_index index_;
  std::unordered_map<account_id, known> members_;
  std::set<account_id> erased_, writing_;          ///< writing: a profile is on its way to the disk
  std::map<account_id, std::size_t> cards_taken_;  ///< by profiles on their way
  claim_place cursor_;
  bool asked_claims_ = false;
  std::set<claim_place> void_claims_;
  std::set<account_id> held_back_;    ///< in this walk over the claims: those that come later wait as well
  bytes birth_at_;                    ///< key of the card where the look for months of birth goes on; empty: at none
  std::set<account_id> birth_cards_;  ///< to be looked at besides
  std::optional<bool> birth_asks_;
  bool birth_ever_ = false, birth_writing_ = false;
  application_book open_applications_;
  std::map<node_id, std::size_t> leases_today_;
  std::uint32_t lease_day_ = 0;
  /// Shared with what others were asked: their answers may come when this is gone, and are dropped then.
  std::shared_ptr<member_queue> worker_;
};

}  // namespace tally
