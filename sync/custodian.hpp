#pragma once
#include <map>
#include <set>

#include "sync/message.hpp"

namespace tally {

/// What the custodian may look at and set in motion; its station implements it.
class custody {
public:
  virtual ~custody() = default;
  /// Rights of the account that this node holds itself.
  virtual tally::amount held_here(account_id account, std::uint32_t purse) const = 0;
  /// Neighbours (children, then the parent) that may bring rights of the account, best first; only those whose link
  /// is up.
  virtual std::vector<node_id> sources(account_id account, std::uint32_t purse, node_id except) const = 0;
  /// Sends rights to a neighbour; answers what was really sent, 0 when limits forbid it.
  virtual tally::amount give(node_id to, account_id account, std::uint32_t purse, tally::amount amount,
                             std::uint64_t request) = 0;
  /// What is known to lie at other nodes than `who`.
  virtual tally::amount elsewhere(account_id account, std::uint32_t purse, node_id who) const = 0;
  /// The same of its other purses, at most told_units_max.
  virtual std::vector<unit_use> units_elsewhere(account_id, node_id) const { return {}; }
  virtual void ask(node_id neighbour, const ask_message& m) = 0;
  virtual void tell(node_id neighbour, const told_message& m) = 0;
  /// An ask of this node itself (requester: its till) has come to its end.
  virtual void finished(std::uint64_t own_request, account_id account, const told_message& m) = 0;
  virtual bool is_parent(node_id neighbour) const = 0;
  /// Nobody is above: what is known here is all.
  virtual bool is_top() const { return false; }
};

/// Brings spending rights to where they are needed: answers pulls of children, recalls of parents and the needs of
/// own tills,
/// all as one thing: *ask* a neighbour, who gives what it holds, asks on, and tells the end.
///
/// Pure. An ask that was served is remembered until it expires, so a repeated message gives nothing twice.
/// Limits: `asks_max` open at once, then `busy`; waits are cut to `wait_max_ms`.
class custodian {
public:
  static constexpr std::size_t asks_max = 4096;
  static constexpr tick_ms wait_max_ms = 10'000;

  explicit custodian(std::uint64_t first_id) : next_id_(first_id) {}

  /// A neighbour asks. `now` on the monotonic clock.
  void asked(node_id from, const ask_message& m, tick_ms now, unix_seconds wall, custody& c);
  /// An own till needs `amount` more of an account. `finished(request)` follows; its `elsewhere` counts only with code
  /// `ok`: `offline` when the parent went away before its answer, `timeout` or `busy` when there was none. It is a part
  /// of all that lies elsewhere when its `as_of` is 0: enough came before the parent's word, or without asking it.
  void need(std::uint64_t request, account_id account, std::uint32_t purse, tally::amount amount, std::uint32_t wait_ms,
            tick_ms now, unix_seconds wall, custody& c);
  void told(node_id from, const told_message& m, tick_ms now, unix_seconds wall, custody& c);
  /// `n` of an account's rights in a purse arrived here.
  void arrived(account_id account, std::uint32_t purse, tally::amount n, unix_seconds wall, custody& c);
  /// A link went down: nothing more comes from there.
  void lost(node_id neighbour, unix_seconds wall, custody& c);
  void tick(tick_ms now, unix_seconds wall, custody& c);
  std::size_t open() const { return open_.size(); }
  /// When `tick` has something to do; `tick_never` if nothing waits.
  tick_ms next_due() const;

private:
  struct job {
    node_id requester;   ///< none: an own till
    std::uint64_t id{};  ///< the requester's
    account_id account;
    std::uint32_t purse{};
    tally::amount wanted{}, given{}, promised{}, came{};
    tally::amount above{}, above_gave{};  ///< the parent's word of what lies beyond it, and what it gave
    tick_ms deadline{};
    std::map<std::uint64_t, node_id> asked;        ///< own ask id → neighbour, unanswered
    std::map<std::uint32_t, tally::amount> units;  ///< a question: elsewhere, of other purses
    bool word = false;                             ///< what lies beyond the parent is known
    bool blind = false;                            ///< the parent gave no word of what lies elsewhere
    bool ended = false;                            ///< kept until the deadline, against repeats
    told_message end;
  };
  using key = std::pair<node_id, std::uint64_t>;

  void start(job j, tick_ms now, unix_seconds wall, custody& c);
  void advance(job& j, unix_seconds wall, custody& c);
  static void serve(job& j, custody& c);
  static tally::amount missing(const job& j, const custody& c);
  void finish(job& j, errc code, unix_seconds wall, custody& c);

  std::map<key, job> open_;
  std::uint64_t next_id_;
};

}  // namespace tally
