#pragma once
#include <map>

#include "node/pin_parts.hpp"

namespace tally {

/// Verifiers that one store gets in a day at most: of how many cards a stolen one can try PINs is bounded.
inline constexpr std::size_t verifiers_a_day_max = 2'000;

/// PINs at head office: it keeps the one key that opens what stores seal of them, says its public half in the
/// directory, and gives a store that was shown a card the verifier of its PIN, sealed for that store.
///
/// It keeps no verifiers: each lies sealed in the journal of the store where it was set. One thread of its own.
class pin_office {
public:
  /// Reads the key, or makes one where there is none, and publishes it if the directory has another. Errors: those of
  /// the key's file.
  static result<std::unique_ptr<pin_office>> start(pin_parts parts, const std::filesystem::path& key_file);
  ~pin_office();
  /// Who gets questions about one-time codes, opened, with the store that asks. Called on the office's thread; once,
  /// before the first letter is expected.
  void on_code_questions(std::function<void(node_id, bytes)> taker);

private:
  pin_office(pin_parts parts, curve_key key) : with_(std::move(parts)), key_(std::move(key)) {}
  void publish_key();
  void answer_letter(const letter_effect& letter);
  pin_answer answer_of(node_id from, const pin_question& q);
  result<pin_verifier> verifier_of(const pin_question& q) const;

  pin_parts with_;
  curve_key key_;
  std::function<void(node_id, bytes)> codes_;
  std::map<node_id, std::size_t> given_today_;  ///< on the worker's thread only, as is `codes_`
  std::uint32_t day_ = 0;
  std::shared_ptr<member_worker> worker_ = std::make_shared<member_worker>();
};

}  // namespace tally
