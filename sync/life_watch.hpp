#pragma once
#include <deque>
#include <map>
#include <set>

#include "ledger/entry.hpp"

namespace tally {

/// What a station knows of lives of nodes: who is to be closed, what is granted anew, which machines are two
/// (station_epochs.cpp, station_tree.cpp). Only in memory, but for what the database says of `forked` and `astray`.
struct life_watch {
  std::map<writer_id, tick_ms> heirs;  ///< epochs that nobody closed the way for yet → when they were first seen
  std::set<writer_id> settled;         ///< closed epochs where nothing more is to be granted anew
  std::deque<entry> regrants;          ///< waiting to be written
  std::map<writer_id, tally::amount> doubt;  ///< what lies at closed epochs
  tick_ms look_due = 0, doubt_due = 0;
  bool stirred = true;  ///< head office: something came since it last looked who needs quota or is to be closed
  std::map<node_id, writer_id> last;        ///< of each node: the epoch that grew last
  std::map<node_id, std::uint64_t> forked;  ///< with the serial of their certificate then
  std::set<writer_id> astray;  ///< own lives that went on from an old copy, since the start; durable or not
};

}  // namespace tally
