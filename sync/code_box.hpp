#pragma once
#include <functional>
#include <map>
#include <vector>

#include "ledger/pin_command.hpp"
#include "sync/pin_seal.hpp"

namespace tally {

/// Wrong tries that end a code.
constexpr std::uint32_t code_tries_max = 3;

/// One-time codes that wait at a store to be typed: at most one of each card, the newest.
///
/// Pure: the time comes in. Owned by one thread; in memory alone, so a store that starts again has a new code sent.
/// That a code opens one entry is the ledger's to say (`entry::code_checked`): it survives, and this does not.
class code_box {
public:
  static constexpr std::size_t codes_max = 1'000;

  /// A code came. `until`: by this node's clock. False: too many wait; it is not taken.
  [[nodiscard]] bool put(account_id card, std::uint64_t number, amount up_to, unix_seconds until, const pin_verifier& v,
                         unix_seconds now);
  /// What was typed with the request of that key. A wrong one counts once for each key and text, so that a request that
  /// a till repeats is one try; after the last the code is gone. `fits` compares, and gives nothing when it cannot.
  code_proof judge(account_id card, std::string_view typed, const till_key& key, unix_seconds now,
                   const std::function<std::optional<bool>(const pin_verifier&, std::string_view)>& fits);
  std::size_t size() const { return codes_.size(); }

private:
  struct code {
    std::uint64_t number{};
    amount up_to{};
    unix_seconds until{};
    pin_verifier verifier;
    std::vector<std::pair<till_key, std::string>> wrong;  ///< tries, at most code_tries_max
  };
  void forget_old(unix_seconds now);
  std::map<account_id, code> codes_;
};

}  // namespace tally
