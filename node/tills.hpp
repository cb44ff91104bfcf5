#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/facade.hpp"
#include "sync/token.hpp"

namespace tally {

/// The tills of one node: pairing codes, terminals and their bearer tokens.
///
/// One small record under "till/book" in the node's own notes holds everything, so a code is used up in the
/// same write that brings its terminal. It holds hashes only: of codes keyed with the node's secret, of tokens
/// plain (they are random). A terminal's number is node × 64 + index, index 1 to 63. A till that lost its
/// token is paired again under its old number.
///
/// Thread-safe. Callbacks run on a thread of the facade, or at once on the caller's; what they report is
/// durable. One change at a time: while one is being written others get `busy`. Callbacks may come after this
/// object is gone; they are harmless.
class tills {
public:
  static constexpr std::uint32_t index_max = 63;
  static constexpr std::size_t codes_max = 10;
  static constexpr unix_seconds code_life = 600;
  /// Wrong codes in `wrong_window_ms` from one address, then `busy` for it; and from everywhere, then `busy` for all.
  static constexpr std::size_t wrong_max = 5, wrong_total_max = 50;
  static constexpr tick_ms wrong_window_ms = 60'000;

  struct moment {
    unix_seconds wall{};
    tick_ms tick{};
  };
  struct new_code {
    std::string code;       ///< "482-913"
    unix_seconds expiry{};  ///< exclusive
  };
  struct pairing {
    std::uint32_t terminal{};
    std::string token;
  };
  struct till {
    std::uint32_t terminal{};
    unix_seconds paired_at{};
  };

  /// `node`, `secret`, `random` outlive this; `random` is used under this object's own lock.
  tills(node_facade& node, node_id self, const node_secret& secret, entropy& random);
  /// Reads the record. `corrupt` when it does not decode.
  status load();
  /// Called, on the caller's thread, when wrong codes have just closed pairing: the text says for whom. Set once,
  /// before the first `pair`.
  void on_lock_out(std::function<void(const std::string&)> told);

  /// A code for a new till, or for the till that has `terminal` already: its old token ends when the code is used.
  /// Errors: full (10 codes open), over_ceiling (all 63 numbers given away), not_found (no such till), busy.
  void make_code(std::optional<std::uint32_t> terminal, moment now, std::function<void(const result<new_code>&)> done);
  /// `from` is who asks, as far as wrong codes are counted (`remote_key`). Errors: bad_token, busy (too many wrong
  /// codes lately, or another change is being written), over_ceiling.
  void pair(std::string_view code, const std::string& from, moment now,
            std::function<void(const result<pairing>&)> done);
  std::optional<std::uint32_t> terminal_of(std::string_view token) const;
  std::vector<till> list() const;

private:
  struct inner;
  std::shared_ptr<inner> inner_;
};

}  // namespace tally
