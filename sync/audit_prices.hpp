#pragma once
// Part of the audit; nobody else includes this.
#include "sync/audit_parts.hpp"

namespace tally::audit_detail {

/// Prices the sales of one journal again, each with exactly what its writer had adopted when it wrote it.
class price_checker {
public:
  /// `a` outlives this and has read the directories.
  price_checker(auditor& a, const stream_id& journal) : a_(a), journal_(journal), where_(stream_name(journal)) {}
  /// Every entry of the journal, in order.
  void look_at(sequence seq, byte_view data);

private:
  void adopt(const stream_id& stream, std::uint64_t size);
  /// What the journal of an earlier epoch had adopted in its first `size` entries: a node keeps what it knows.
  void inherit(const stream_id& journal, std::uint64_t size, int depth);
  void sale(sequence seq, const entry& e);
  void risk(sequence seq, const entry& e);
  // audit_proofs.cpp
  /// What was taken from a card without its PIN or a one-time code, against what the rules let go so.
  void proofs(sequence seq, const entry& e);
  /// A code opens one entry of a journal.
  void one_code(sequence seq, const entry& e);
  void top_up(sequence seq, const entry& e);
  void card(sequence seq, const entry& e);
  /// Goods back, of an own sale or another's: money, taxes and units, to the cent.
  void refund(sequence seq, const entry& e);
  /// What head office gave for another's entry: what that entry owed, at most.
  void earn(sequence seq, const entry& e);
  // audit_places.cpp
  /// Head office adopts nothing of its own: it knows all that it published, in whichever life.
  void know_all();
  /// Whether that kind of card is good where the entry was written, and loaded there.
  void place(sequence seq, const entry& e);
  /// Units by hand: no more in a day than the rules allow.
  void by_hand(sequence seq, const entry& e);
  /// Head office's fee: what the rules of the day on which it fell due take at most, and from where.
  void fee(sequence seq, const entry& e);
  void compare(sequence seq, const std::string& what, amount expected, amount found);
  /// Units that were given, from the quotas or as owed, against those that the rules give.
  void units(sequence seq, const entry& e, std::vector<value_item> expected, const std::string& version);

  auditor& a_;
  stream_id journal_;
  std::string where_;
  /// Pieces of a sale that came back so far, as this journal has them.
  std::map<std::tuple<writer_id, sequence, std::uint32_t>, std::int64_t> returned_;
  /// Units of a purse given by hand (false) or taken on the newest day of this journal, as it has them.
  std::map<std::pair<std::uint32_t, bool>, amount> by_hand_;
  std::uint32_t by_hand_day_ = 0;
  bool knows_all_ = false;
  catalogue rules_;
  std::uint32_t spent_on_ = 0;                 ///< business date of `spent_`
  std::map<account_id, amount> spent_;         ///< paid money and bonus
  std::map<account_id, std::uint64_t> codes_;  ///< newest one-time code that was used
  std::map<stream_id, std::size_t> taken_;     ///< publications of a directory that `rules_` has
};

}  // namespace tally::audit_detail
