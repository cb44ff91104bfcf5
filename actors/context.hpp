#pragma once
#include <atomic>

#include <caf/all.hpp>

#include "actors/facade.hpp"
#include "sync/link_budget.hpp"
#include "sync/pin_seal.hpp"
#include "sync/session.hpp"
#include "sync/zmq_link.hpp"

namespace tally {

/// Wall and monotonic clocks, injected so that tests can turn them.
struct clocks {
  std::function<unix_seconds()> wall;
  std::function<tick_ms()> tick;
};

/// What link actors report and screens read. Thread-safe.
class link_board {
public:
  struct row {
    bool up = false, ever = false;
    unix_seconds last_contact{};
    std::string why = {};  ///< it is not up, as far as somebody said so
  };
  void set(node_id node, bool up, unix_seconds now);
  void heard(node_id node, unix_seconds now);
  void ended(node_id node, const std::string& why);
  /// The CURVE keys of nodes above, as their newest certificates say.
  void keys(std::map<node_id, public_key> above);
  std::optional<public_key> key_of(node_id above) const;
  row at(node_id node) const;
  /// What a child says of the nodes below it; replaces what it said before. At most `heads_max` items.
  void report(node_id child, const below_message& m);
  std::optional<node_snapshot::hearsay> told(node_id node, node_id by) const;
  /// What the month's traffic with the parent was.
  void spent(const link_budget::figures& f);
  link_budget::figures spent() const;
  /// Whether the station wants head office connected in the place of its silent parent.
  std::atomic<bool> wants_detour = false;
  std::atomic<std::uint64_t> detour_octets = 0;  ///< on that link, on the wire, not yet part of the month's traffic

private:
  mutable std::mutex mutex_;
  std::map<node_id, row> rows_;
  std::map<node_id, public_key> keys_;
  std::map<node_id, std::map<node_id, node_snapshot::hearsay>> told_;  ///< by child
  link_budget::figures spent_;
};

/// CURVE keys that may connect from below. Filled by the ledger, asked on the network thread. Thread-safe.
class admission_list {
public:
  /// `ended`: keys that are let in to hear that they do not count any more.
  void replace(std::map<public_key, node_id> keys, std::vector<void_key> ended, std::vector<stream_id> directories,
               const time_message& time);
  std::optional<link_peer> find(const public_key& key) const;
  /// What a node with ended keys is to hear: of several such keys, up to the newest entry.
  struct news {
    std::vector<stream_id> directories;  ///< of all lives of head office, the current one last
    std::uint64_t up_to{};
    errc why{};
    std::optional<time_message> time;  ///< head office's, for who does not know that its certificate has ended
  };
  std::optional<news> ended(node_id node) const;

private:
  mutable std::mutex mutex_;
  std::map<public_key, node_id> keys_;
  std::map<public_key, void_key> ended_;
  std::vector<stream_id> directories_;
  time_message time_;
};

/// Things that the actors of one node share. Owned by `node_system`, which outlives all actors.
struct node_context {
  kv_store& store;
  const stream_source& source;
  clocks clock;
  event_bus events;
  link_board links;
  admission_list admitted;
  std::function<void(errc, const std::string&)> log;  ///< one line to the log that fits the code; any thread
  std::function<void()> new_keys;                     ///< this node is to start again, with its new keys; may be empty
  std::function<void(const std::string&)> fatal;      ///< the disk failed: ends the process, never returns

  /// Handles change when an actor is restarted.
  std::mutex mutex;
  caf::actor ledger, uplink, downlink, printer, display, rewriter;
  caf::actor detour = {};  ///< the link to head office while the parent is silent; none where none is configured
  device_states devices;
  std::shared_ptr<const std::function<void(const node_facade::member_news&)>> members = nullptr;  ///< hears of them
  std::shared_ptr<const std::function<void(const letter_effect&)>> pins = nullptr;                ///< of their letters
  std::function<std::string()> card_prefix = nullptr;  ///< of the rules in force; any thread, may be empty

  void tell_members(const node_facade::member_news& news) {
    const auto* letter = std::get_if<letter_effect>(&news);
    std::unique_lock lock(mutex);
    if (letter && pin_letter(letter->body)) {
      auto about_pins = pins;
      lock.unlock();
      if (about_pins && *about_pins) (*about_pins)(*letter);
      return;
    }
    auto taker = members;
    lock.unlock();
    if (taker && *taker) (*taker)(news);
  }

  caf::actor handle(caf::actor node_context::*which) {
    std::lock_guard lock(mutex);
    return this->*which;
  }
  void set_handle(caf::actor node_context::*which, caf::actor a) {
    std::lock_guard lock(mutex);
    this->*which = std::move(a);
  }
  void set_device(std::string device_states::*which, const std::string& device, const std::string& state) {
    {
      std::lock_guard lock(mutex);
      if (devices.*which == state) return;
      devices.*which = state;
    }
    events.publish(device_event{device, state});
  }
};

}  // namespace tally
