#pragma once
#include <set>

#include "ledger/programme.hpp"
#include "node/pin_parts.hpp"
#include "sync/code_letter.hpp"
#include "sync/members.hpp"
#include "sync/outbox.hpp"
#include "sync/sent_vouchers.hpp"

namespace tally {

/// What head office needs besides to send codes. What it refers to outlives the service.
struct code_sources {
  member_service& members;
  const pin_hasher& hasher;
  language words = language::en;  ///< of what members are sent: profiles name none
  const signer* signs = nullptr;  ///< head office's own: codes of vouchers; thread-safe
};

/// Where `node_facade::remember` keeps what became of a voucher that was sent.
std::string sent_voucher_name(account_id voucher);
inline constexpr std::size_t voucher_sends_max = 100;

/// What became of the voucher for a card's member.
struct voucher_sent {
  account_id card = {};
  account_id voucher = {};
  sent_state state{};
  unix_seconds at{};
  /// Why the member is sent none: unknown_card, card_blocked, not_found (no member), not_applicable (no telephone),
  /// not_allowed (no consent), busy (four notices wait for the card), full (the outbox is), insufficient (no voucher
  /// of the batch is left).
  errc why = errc::ok;
  std::string detail = {};
};

/// A message as a delivery program takes it.
struct code_delivery {
  std::uint64_t number{};
  std::string telephone, text;
  unix_seconds expires{};
};

/// One-time codes and notices at head office: draws codes, keeps the outbox (sync/outbox.hpp) in the node's database,
/// and tells the store that asked by what it judges what is typed.
///
/// A store is answered when the message is durable. The telephone is looked up in the member's profile when a message
/// is taken, and not kept: that of a code has to end in what the till was told. What is no code is for members that
/// agreed to SMS, a voucher for those that agreed to offers as well. A voucher's code is signed anew when its message
/// is taken, and kept nowhere. What the station has to tell (sync/notice.hpp) is moved into the outbox, once each.
/// One thread of its own. Thread-safe; each call is answered once, on that thread, or refused with `busy` on the
/// caller's.
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
  /// Sends the members of these cards a voucher of the batch each; at most `voucher_sends_max`; one row for each, in
  /// order, when all of it is durable. Who was sent one before is sent no other, and what became of it is told; one
  /// that was not delivered is sent again, to that member alone. Errors: busy (another such call goes on), not_found
  /// (no such batch), io.
  void send_vouchers(std::string batch, std::vector<account_id> cards, answer<std::vector<voucher_sent>> done);

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
  std::optional<std::string> text_for(const outbox_message& m, const member_view& to) const;
  void ended(const outbox_message& m, sent_state how);
  // code_notices.cpp
  void load_sent();
  void forget_old();
  void move_notices();
  std::optional<std::string> notice_for(const outbox_message& m, const member_view& to) const;
  std::optional<std::string> voucher_message(const outbox_message& m, const rules_record& rules) const;
  struct sending;
  void send_next(const std::shared_ptr<sending>& s);
  void send_one(const std::shared_ptr<sending>& s, const result<std::optional<member_view>>& owner);
  voucher_sent assign(sending& s, account_id card, const member_view& owner);
  void keep_sent(const sent_voucher& v);
  void post_voucher(const sent_voucher& v, std::function<void(bool)> durable = {});
  bool find_free(sending& s, bool& any) const;

  pin_parts with_;
  code_sources from_;
  // On the worker's thread only.
  outbox box_;
  std::map<std::uint64_t, account_id> looking_;  ///< questions whose member is being looked up
  sent_vouchers sent_;
  bytes notices_at_;        ///< where the next look at the station's notices goes on; empty: at the first
  std::set<bytes> moving_;  ///< notices of the station that are in the outbox and not erased yet
  bool sends_ = false;
  std::uint32_t forgot_on_ = 0;
  std::shared_ptr<member_worker> worker_ = std::make_shared<member_worker>();
};

}  // namespace tally
