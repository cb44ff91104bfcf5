#pragma once
#include <unordered_map>

#include "ledger/member_search.hpp"
#include "sync/entropy.hpp"

namespace tally {

/// Finds members by what is said of them. In memory only, and there only as keyed hashes of tokens, under a key that
/// dies with the process: no file ever has a search token. Made anew from the profiles at each start. Not thread-safe.
///
/// Memory: 8 octets for each token of each member, a name of three characters and a telephone number being about 40.
class member_index {
public:
  explicit member_index(entropy& source);

  void add(account_id member, const member_profile& p);
  /// REQUIRES: `p` is what was added.
  void remove(account_id member, const member_profile& p);

  /// Members that may match, at most `max`; every one that matches is among them unless there are more.
  std::vector<account_id> candidates(const member_query& q, std::size_t max) const;
  /// Groups of members that share a telephone number, or name and date of birth; at most `max` groups.
  std::vector<std::vector<account_id>> look_alikes(std::size_t max) const;
  std::optional<account_id> by_card(account_id card) const;
  std::size_t postings() const;

private:
  using list = std::vector<account_id>;  ///< ascending
  using table = std::unordered_map<std::uint64_t, list>;
  std::uint64_t hash(const std::string& token) const;
  const list* find(const std::string& token) const;

  std::array<std::uint8_t, 16> key_{};
  table tokens_, identities_;
  std::unordered_map<account_id, account_id> cards_;
};

}  // namespace tally
