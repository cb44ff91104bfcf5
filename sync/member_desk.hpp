#pragma once
#include "sync/member_office.hpp"

namespace tally {

/// Members at a store: those whose key it has under a lease of head office, and no others.
///
/// What head office published is kept sealed in the database, the key beside it in a file of slots. A lease that ends,
/// and a member that head office erased, is gone from the file within a second of when this node can know; so is a key
/// that is not used for longest when there are `desk_members_max`. Edits are claims in this store's journal.
class member_desk final : public member_service {
public:
  /// Errors: io, corrupt.
  static result<std::unique_ptr<member_desk>> start(member_parts parts);
  ~member_desk() override;

  void find(std::string query, answer<member_list> done) override;
  void show(account_id member, answer<member_view> done) override;
  void of_card(account_id card, answer<std::optional<member_view>> done) override;
  void add(member_change c, answer<member_view> done) override;
  void edit(account_id member, std::optional<std::uint64_t> version, member_change c, std::uint32_t terminal,
            answer<member_view> done) override;
  void apply(account_id card, std::string shown, std::uint32_t terminal,
             answer<applied_card> done) override;  // member_applications.cpp

private:
  struct leased {
    std::uint64_t version{};
    sequence published{};  ///< of this store's claims, in the epoch that it lived in then
    unix_seconds asked{};  ///< head office, last
    member_profile shown;  ///< without the photo: what the index was told
  };
  using found = std::optional<member_view>;
  struct waiting {
    lease_question question;
    unix_seconds since{};
    std::vector<answer<found>> who;
  };
  explicit member_desk(member_parts parts)
      : with_(std::move(parts)), keys_(std::move(with_.keys)), index_(with_.random), worker_(with_.worker) {}

  status load();
  void tick();
  result<member_view> view(account_id member) const;
  status show_again(account_id member);
  void ask(lease_question q, const answer<found>& done);
  void refresh(account_id member);
  void take_letter(const letter_effect& letter);
  status take_lease(const lease_answer& a);
  void keep_lease(const lease_answer& a, std::vector<answer<found>> who);
  status make_room();
  void forget(account_id member, const char* why);
  void apply_now(account_id member, account_id card, const std::string& shown, std::uint32_t terminal,
                 const answer<applied_card>& done);
  void edit_now(account_id member, std::optional<std::uint64_t> version, const member_change& c, std::uint32_t terminal,
                const answer<member_view>& done);

  member_parts with_;
  std::unique_ptr<member_keys> keys_;
  // On the worker's thread only, once it runs.
  member_index index_;
  std::map<account_id, leased> members_;
  std::map<std::uint64_t, waiting> questions_;
  /// Nobody waits any more, but an answer over a slow line is kept all the same: the next look shows it.
  std::map<std::uint64_t, waiting> late_;
  std::set<account_id> writing_;
  unix_seconds looked_ = 0;
  /// Shared with what others were asked: their answers may come when this is gone, and are dropped then.
  std::shared_ptr<member_queue> worker_;
};

}  // namespace tally
