#pragma once
#include <set>

#include "sim/member_home.hpp"
#include "sim/plan.hpp"
#include "sync/member_desk.hpp"

namespace tally::sim {

/// Members of a whole chain: the product's own head office and desks (sync/member_office.hpp, sync/member_desk.hpp) at
/// the simulator's nodes, the people who come to them, and what must be so.
///
/// Has dice of its own. Throws `broken`. Checks at each step: a profile is what the one before and the claim or wish
/// that it answers make of it, a claim is answered once, nothing follows an erasure, an application is answered once; a
/// node that has heard of an erasure, or whose lease is over, has no key a moment later.
class sim_members {
public:
  sim_members(world& w, std::uint64_t seed);
  ~sim_members();
  sim_members(const sim_members&) = delete;
  sim_members& operator=(const sim_members&) = delete;

  // -- lives of nodes ----------------------------------------------------------

  void start(sim_node& n);
  void stop(sim_node& n);
  /// Another machine stands there: it has nobody's keys.
  void new_machine(node_id id);
  /// False: the answer is somebody else's.
  bool answered(sim_node& n, const facts_answer& a);
  void hear(sim_node& n, const member_node::news& news);
  /// An entry is durable.
  void durable(const writer_id& writer, sequence seq, byte_view data);

  // -- people ------------------------------------------------------------------

  void open();
  /// What is not over yet: claims that are not published, applications without an answer.
  bool settled(std::string* why) const;
  /// Everybody looks at every member once more: all see what head office has.
  void look_again();

private:
  struct told_profile {
    member_profile profile;
    std::uint64_t version{};
  };
  struct claim {
    account_id member;
    std::uint64_t serial{};
    bytes blob;
    bool answered = false;
  };
  using place = std::pair<writer_id, sequence>;

  member_home& home(node_id id) { return homes_.at(id); }
  member_office* office() const;
  void every_second(sim_node& n, std::uint64_t life);
  void check_keys(sim_node& n);
  bool is_store(node_id id) const;

  // members_people.cpp
  void next_visit(sim_node& n);
  void visit(sim_node& n);
  void next_wish();
  void wish();
  void answer_applications();
  member_change some_change(bool all);
  account_id some_card();
  std::optional<account_id> some_member();
  bool refused(errc code) const;

  // members_truth.cpp
  void published(const entry& e, sequence seq);
  void check_applications_of(const member_profile& now, sequence seq, const std::string& where);
  std::optional<account_id> owner_of(account_id card) const;
  bool waits_too_long(node_id id, bool somebody) const;
  bool agree(std::string* why) const;
  void check_disks() const;

  world& w_;
  dice dice_;
  std::map<node_id, member_home> homes_;
  std::uint64_t numbers_ = 900'000, requests_ = std::uint64_t{1} << 40, names_ = 0, media_ = 0;
  bool open_ = false;
  std::map<account_id, told_profile> profiles_;  ///< as head office's journal says, opened as it became durable
  std::map<place, claim> claims_;
  std::set<place> open_claims_;
  std::set<account_id> erased_;
  std::vector<bytes> dead_keys_;                                                    ///< of those who were erased
  std::map<std::pair<account_id, std::uint32_t>, application_state> applications_;  ///< by card and number
  std::pair<sequence, account_id> made_;  ///< the newest number that a card got, where it stands
  /// Since when a node with the key has heard of the erasure, or its lease is over.
  std::map<std::pair<node_id, account_id>, tick_ms> heard_, over_;
  std::map<std::pair<node_id, account_id>, result<std::optional<member_view>>> seen_;  ///< by node and card
};

}  // namespace tally::sim
