#pragma once
#include <map>

#include "ledger/decide.hpp"
#include "node/pin_parts.hpp"
#include "sync/code_box.hpp"

namespace tally {

/// PINs at a store: judges what is typed, and seals what is chosen.
///
/// A verifier comes from this store's own journal, from its database (sealed under the store's pepper), or from head
/// office, by letter, once for each PIN and store that needs it. One thread of its own, which hashes one PIN at a time.
/// What was typed is overwritten when it was hashed. Thread-safe; each call is answered once, on the desk's thread, or
/// on the caller's when too many wait.
class pin_desk {
public:
  /// `secret` and `hasher` outlive it.
  static std::unique_ptr<pin_desk> start(pin_parts parts, const node_secret& secret, const pin_hasher& hasher);
  ~pin_desk();

  /// Unknown: there is no verifier here, and head office did not answer within about 3 s, or there is no link.
  void judge(account_id account, std::string pin, std::function<void(pin_proof)> done);
  struct made {
    std::uint32_t version{};
    bytes sealed, digest;
  };
  /// For a `pin_command` of that key. Errors: unknown_card; offline (head office's PIN key never came here); busy.
  void make(account_id account, std::string pin, till_key key, std::function<void(result<made>)> done);

  // code_desk.cpp: one-time codes, which head office sends to the telephone of a card's member. They are in memory
  // alone: a store that starts again has new ones sent.
  struct sent {
    std::string ends_in;  ///< last digits of the telephone's number
    unix_seconds seconds{};
    amount up_to{};
  };
  /// Has a code sent that is good for so much card money. Errors: offline (no link, or no answer within about 3 s: it
  /// may have been sent all the same), code_required (no member, or none with a telephone), busy.
  void send_code(account_id account, amount up_to, std::function<void(result<sent>)> done);
  /// Unknown: no code of this card waits here, or it is too old.
  void judge_code(account_id account, std::string typed, till_key key, std::function<void(code_proof)> done);

private:
  /// A card's PIN as it is known here.
  struct known {
    pin_state pin;
    writer_id self;
    std::optional<std::pair<writer_id, sequence>> own;  ///< the entry of this store that set it
  };
  struct waiting {
    account_id account;
    std::uint32_t version{};
    unix_seconds since{};
    std::vector<std::function<void(std::optional<pin_verifier>)>> who;
  };
  struct code_waiting {
    account_id account;
    amount up_to{};
    unix_seconds since{};
    std::vector<std::function<void(result<sent>)>> who;
  };
  pin_desk(pin_parts parts, const node_secret& secret, const pin_hasher& hasher)
      : with_(std::move(parts)), hasher_(hasher), pepper_(pepper_of(secret)) {}

  std::optional<known> look(account_id account) const;
  std::optional<known> look_once(account_id account, const state& st) const;
  std::optional<pin_verifier> find(account_id account, const known& k) const;
  void judge_now(account_id account, std::string& pin, const std::function<void(pin_proof)>& done);
  result<made> make_now(account_id account, std::string_view pin, const till_key& key) const;
  void ask(account_id account, std::uint32_t version, std::function<void(std::optional<pin_verifier>)> done);
  void take_letter(const letter_effect& letter);
  void tick();
  void send_now(account_id account, amount up_to, std::function<void(result<sent>)> done);
  void take_code(byte_view text);
  std::uint64_t draw_id() const;

  pin_parts with_;
  const pin_hasher& hasher_;
  pin_pepper pepper_;
  // On the worker's thread only.
  std::map<std::uint64_t, waiting> questions_;
  std::map<std::uint64_t, code_waiting> code_questions_;
  code_box codes_;
  std::shared_ptr<member_worker> worker_ = std::make_shared<member_worker>();
};

}  // namespace tally
