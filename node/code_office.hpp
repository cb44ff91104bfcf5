#pragma once
#include "ledger/programme.hpp"
#include "node/members.hpp"
#include "node/pin_parts.hpp"
#include "sync/code_letter.hpp"
#include "sync/outbox.hpp"

namespace tally {

/// What head office needs besides to send codes. What it refers to outlives the service.
struct code_sources {
  member_service& members;
  const pin_hasher& hasher;
  language words = language::en;  ///< of what members are sent: profiles name none
};

/// A message as a delivery program takes it.
struct code_delivery {
  std::uint64_t number{};
  std::string telephone, text;
  unix_seconds expires{};
};

/// One-time codes at head office: draws them, keeps the outbox (sync/outbox.hpp) in the node's database, and tells the
/// store that asked by what it judges what is typed.
///
/// A store is answered when the message is durable. The telephone is looked up in the member's profile when a message
/// is taken, and not kept: it has to end in what the till was told. One thread of its own. Thread-safe; each call is
/// answered once, on that thread, or refused with `busy` on the caller's.
class code_office {
public:
  template <class T>
  using answer = std::function<void(result<T>)>;

  /// Reads what was kept. Records that are damaged are left out, and said.
  static std::unique_ptr<code_office> start(pin_parts parts, code_sources sources);
  ~code_office();

  /// A question of a store; answered by letter. Questions that cannot be read, or were served, are not.
  void take_question(node_id from, bytes text);
  /// Those that wait or are being delivered. The codes are in it: mask them.
  void list(answer<std::vector<outbox_message>> done);
  /// At most `max`, oldest first. Each comes again after a minute until it is said to be delivered, or is too old.
  void take(std::size_t max, answer<std::vector<code_delivery>> done);
  /// It was delivered: forgotten, durably. Errors: not_found (no such message, or forgotten before).
  void delivered(std::uint64_t number, answer<std::uint64_t> done);

private:
  code_office(pin_parts parts, code_sources sources) : with_(std::move(parts)), from_(std::move(sources)) {}
  void load();
  void tick();
  void keep(const outbox_message& m, std::function<void(bool)> durable = {});
  void found(node_id from, const code_question& q, const result<std::optional<member_view>>& owner);
  void reply(node_id to, const code_answer& a);
  struct taking;
  void take_next(std::shared_ptr<taking> t);
  std::string text_of(const outbox_message& m) const;

  pin_parts with_;
  code_sources from_;
  // On the worker's thread only.
  outbox box_;
  std::map<std::uint64_t, account_id> looking_;  ///< questions whose member is being looked up
  std::shared_ptr<member_worker> worker_ = std::make_shared<member_worker>();
};

}  // namespace tally
