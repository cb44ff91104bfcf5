#pragma once
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "ledger/entry_parts.hpp"
#include "ledger/result.hpp"

namespace tally {

// Before head office closes the books of a node for good (`tallystick retire`), it asks the node itself how far they
// go: what its line looks like says nothing about the last minutes. Sealed letters from key to key (CURVE), as those
// about goods that come back, so whoever passes them on reads nothing and answers in nobody's place.

/// Head office asks; said again until an answer is good, under one id.
struct closing_question {
  std::uint64_t id{};    ///< random; an answer without a question is not taken
  writer_id writer;      ///< the node's life, as head office knows it
  std::uint64_t size{};  ///< so many of its entries are here
  std::uint32_t hold_ms{};
  friend bool operator==(const closing_question&, const closing_question&) = default;
};
/// What the node says of itself, never before it is durable there. `promised`: the question named all that there is,
/// and for `hold_ms` from the first such question on the node sells nothing and gives nothing away.
///
/// A node that lies hurts itself: what it keeps back lies behind the end of its books, is credited to nobody, and so
/// never owed to its owner. It could have kept the same back without a question, by showing head office no more.
struct closing_answer {
  std::uint64_t id{};
  writer_id writer;
  std::uint64_t size{};
  bool promised = false;
  bool older = false;  ///< of its parent: the writer's program does not know the question; nothing else counts
  friend bool operator==(const closing_answer&, const closing_answer&) = default;
};
bytes encode_closing_question(const closing_question& q);
bytes encode_closing_answer(const closing_answer& a);
/// Errors: malformed.
result<closing_question> decode_closing_question(byte_view data);
result<closing_answer> decode_closing_answer(byte_view data);
/// Sealed letters about that are told from others by their first octets.
bytes as_closing_letter(byte_view sealed);
/// What was sealed; nothing: the letter is about something else.
std::optional<byte_view> closing_letter(byte_view body);

/// The node's side. Pure; one owner thread. Clocks: monotonic, and the wall's for what was promised before a restart.
class closing_promise {
public:
  static constexpr tick_ms hold_max = 5 * 60'000;
  static constexpr std::size_t ids_max = 64;  ///< beyond it the oldest is forgotten

  /// `at_work`: something is being decided whose outcome nobody knows yet. A promise is given when life and size are
  /// those of the question; it begins with the first question of that id, so nobody makes it longer by repeating one.
  closing_answer answer(const closing_question& q, const writer_id& self, std::uint64_t size, bool at_work,
                        tick_ms now);
  /// Nothing is sold and nothing given away.
  bool holds(tick_ms now, unix_seconds wall) const;
  tick_ms until() const { return until_; }
  /// It is over. Questions that were promised to stay known.
  void end() { until_ = INT64_MIN, loaded_.reset(); }
  /// Promised before this process began.
  void load(unix_seconds until) { loaded_ = until; }

private:
  tick_ms until_ = INT64_MIN;
  std::optional<unix_seconds> loaded_;
  std::vector<std::uint64_t> ids_;
};

inline constexpr byte_view ending_key = "ending";  ///< family meta: `sv`, the wall's time until which a promise holds
/// Why nothing is written meanwhile.
inline constexpr std::string_view closing_text =
    "head office is closing this node's books: if it does not, sales go on by themselves within some minutes";
inline constexpr std::string_view retired_text =
    "head office has closed this store's books for good: what would be sold here, also for cash, would be in nobody's "
    "books";

/// What it wrote before it heard of that, and after its promise.
inline constexpr std::string_view late_text =
    "this store's books were closed before the newest of its entries, which count for nothing: 'tallystick status' "
    "lists them (LEFT BEHIND), 'tallystick rescue' puts them onto a stick, and head office lists them as cases";

/// Where the books of a node end: it said so itself, and it is all here.
struct closing_end {
  writer_id writer;
  std::uint64_t size{};
};
/// Once, when what it came of is durable.
using closing_taker = std::function<void(const result<closing_end>&)>;
/// Head office's side of one talk.
struct closing_ask {
  node_id node;
  tick_ms due{}, again{};
  unix_seconds wall_due{};
  std::optional<closing_answer> last = {};  ///< what the node said, and is not good enough
  closing_taker done;
  /// A process that was stopped meanwhile, or its machine, finds answers whose promise is over. One clock may have
  /// stood still with it.
  bool is_late(tick_ms now, unix_seconds wall) const { return now >= due || wall > wall_due; }
};
/// No good answer came in time, or none ever will: plain words, and what to do. `held`: entries of the answer's life
/// that are here.
error no_closing(const closing_ask& ask, std::uint64_t held);

/// Of one station.
struct closing_watch {
  static constexpr std::size_t asks_max = 16;
  closing_promise promise;
  /// A promise was given and its end is not written down yet: nothing is written, and what head office publishes is
  /// learned but not adopted, or its books would go on behind their end.
  bool stands = false;
  bool is_on(tick_ms now, unix_seconds wall) const { return stands || promise.holds(now, wall); }
  std::map<std::uint64_t, closing_ask> asks;
  bool told_late = false;  ///< the alarm about what lies behind the end
};

}  // namespace tally
