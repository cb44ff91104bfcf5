#pragma once
// Part of the audit; nobody else includes this.
#include "sync/audit_parts.hpp"

namespace tally::audit_detail {

/// Prices the sales of one journal again, each with exactly what its writer had adopted when it wrote it.
class price_checker {
public:
  /// `a` outlives this and has read the directories.
  price_checker(auditor& a, const stream_id& journal) : a_(a), where_(stream_name(journal)) {}
  /// Every entry of the journal, in order.
  void look_at(sequence seq, byte_view data);

private:
  void adopt(const stream_id& stream, std::uint64_t size);
  /// What the journal of an earlier epoch had adopted in its first `size` entries: a node keeps what it knows.
  void inherit(const stream_id& journal, std::uint64_t size, int depth);
  void sale(sequence seq, const entry& e);
  void top_up(sequence seq, const entry& e);
  void card(sequence seq, const entry& e);
  /// Units that were given, from the quotas or as owed, against those that the rules give.
  void units(sequence seq, const entry& e, std::vector<value_item> expected, const std::string& version);

  auditor& a_;
  std::string where_;
  catalogue rules_;
  std::map<stream_id, std::size_t> taken_;  ///< publications of a directory that `rules_` has
};

}  // namespace tally::audit_detail
