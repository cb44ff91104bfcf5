#pragma once
#include <memory>

#include "ledger/rules.hpp"
#include "sync/member_keys.hpp"
#include "sync/member_queue.hpp"
#include "sync/station.hpp"

namespace tally {

/// What a node is at this moment, for its members.
struct member_standing {
  writer_id self;
  bool link_up = false;                    ///< to the parent, or to head office in its place
  unix_seconds hq_time{};                  ///< last time that head office signed; 0: never told
  std::shared_ptr<const catalogue> rules;  ///< never null
};

/// The node that members live at, as they see it: its journal, its database, its letters. Implemented by who carries
/// (node/member_carrier.hpp, the simulator). What is called back may come on any thread, and what it says is durable;
/// after a crash it never comes.
class member_node {
public:
  virtual ~member_node() = default;
  /// Facts of this node, dated and written in order.
  virtual void facts(std::vector<entry> list, std::function<void(const facts_answer&)> done) = 0;
  /// Sends a letter to another node (sync/message.hpp): it may be lost, and is when the link is down.
  virtual void post(node_id to, bytes body) = 0;
  /// Who hears of letters and of erased members; empty: nobody.
  using news = std::variant<letter_effect, erased_effect>;
  virtual void on_news(std::function<void(const news&)> taker) = 0;
  /// Claims about members that head office did not publish yet, by writer and sequence, behind `after`; at most `max`.
  virtual void open_claims(claim_place after, std::size_t max, std::function<void(std::vector<claim_at>)> done) = 0;
  virtual member_standing standing() const = 0;
  virtual const kv_store& store() const = 0;  ///< durable view
  /// Small durable records. `done` is called when it is durable; without it nobody waits, and a crash may lose it.
  virtual void remember(std::string key, std::optional<bytes> value, std::function<void(bool)> done) = 0;
  virtual std::optional<bytes> recall(std::string_view key) const = 0;
};

/// How long a store may keep a member's key without hearing from head office.
inline constexpr unix_seconds lease_seconds = 30 * 86'400;

/// What both sides need of their node. What it refers to outlives the service.
struct member_parts {
  member_node& node;
  std::string chain;
  std::unique_ptr<member_keys> keys;
  std::shared_ptr<member_queue> worker;  ///< not started yet
  const curve_key& curve;                ///< this node's own
  entropy& random;                       ///< used where the worker works
  std::function<unix_seconds()> now;
  /// CURVE key of a store that may ask (at head office), or of head office (at a store); nothing for others.
  std::function<std::optional<public_key>(node_id)> curve_of;
  std::function<void(errc, const std::string&)> log;
  /// Head office: a new number, durably taken.
  std::function<void(std::function<void(result<std::uint64_t>)>)> allot = {};
  unix_seconds lease_s = lease_seconds;  ///< head office: how long the leases are that it gives
};

}  // namespace tally
