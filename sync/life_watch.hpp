#pragma once
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "ledger/accounts.hpp"
#include "ledger/entry.hpp"
#include "sync/closing_talk.hpp"

namespace tally {

/// A region since its process began: whether somebody may know more of its journal than its disk does
/// (station_sure.cpp). A disk can say nothing about its own age.
struct start_watch {
  bool sure = false;
  bool born = false;                    ///< the life began in this process: nobody knows more of it
  std::set<node_id> heard;              ///< children that showed what they hold of what this life sent them
  std::optional<tick_ms> parent_spoke;  ///< when it was known first that the parent holds no more of the journal
  std::uint64_t had = 0;                ///< entries of the journal at the start
  std::optional<tick_ms> alone;         ///< without its parent, while all children have spoken
  std::map<stream_id, std::uint64_t> known_to;  ///< journals of others, as far as they were here at the start
  std::set<signature> cosigned;                 ///< since then, at most `cosigned_max`: these prove nothing
  static constexpr std::size_t cosigned_max = 10'000;
};

/// What a station knows of lives of nodes: who is to be closed, what is granted anew, which machines are two
/// (station_epochs.cpp, station_tree.cpp). Only in memory, but for what the database says of `forked` and `astray`.
struct life_watch {
  std::map<writer_id, tick_ms> heirs;  ///< epochs that nobody closed the way for yet → when they were first seen
  std::set<writer_id> settled;         ///< closed epochs where nothing more is to be granted anew
  std::deque<entry> regrants;          ///< waiting to be written
  /// Closed epochs of which a part stays in doubt → open cases when that was looked at, and when it is again.
  struct suspect_look {
    std::size_t cases = 0;
    tick_ms due = 0;
  };
  std::map<writer_id, suspect_look> suspects;
  /// Closed epochs whose closing is here and whose journal lacks entries → since when; `missed`: it was said so.
  std::map<writer_id, tick_ms> awaited;
  std::set<writer_id> missed;
  /// Holdings of head office's own earlier lives that are below zero: what they passed on came from entries that are
  /// lost. Known once `short_known`.
  std::map<ledger_account, tally::amount> short_of;
  bool short_known = false, end_unknown = false;  ///< of such a life nobody knows what it had sent
  /// Head office: what its earlier lives closed, once that was read.
  std::optional<std::set<writer_id>> closed_before;
  std::map<writer_id, tally::amount> doubt;  ///< what lies at closed epochs
  tick_ms look_due = 0, doubt_due = 0;
  bool stirred = true;  ///< head office: something came since it last looked who needs quota or is to be closed
  std::map<node_id, writer_id> last;        ///< of each node: the epoch that grew last
  std::map<node_id, std::uint64_t> forked;  ///< with the serial of their certificate then
  /// Processes of a child that greeted here, the newest last: at most `processes_max`.
  std::map<node_id, std::vector<std::uint64_t>> processes;
  static constexpr std::size_t processes_max = 16;
  std::map<node_id, std::uint32_t> speaks;  ///< of children: newest protocol of the process that greeted last
  closing_watch closing;
  start_watch start;
  std::set<writer_id> astray;     ///< own lives that went on from an old copy, since the start; durable or not
  std::set<writer_id> cut_short;  ///< likewise those whose end is not here
};

/// What a closed epoch leaves to be granted anew, and what is left at its holdings, below zero as well.
struct doubt_found {
  std::vector<entry> grants;
  std::map<ledger_account, tally::amount> left;
  bool waits = false;  ///< something may still be taken, or return
};

class observer;
/// All lives of a node that were seen, by epoch.
std::vector<writer_id> lives_of(const observer& seen, node_id node);
/// All that entries are here of, and those that an earlier life of head office closed, of which nothing may be here.
std::vector<writer_id> lives_to_settle(const observer& seen, const std::optional<std::set<writer_id>>& closed_before);
/// What was granted anew of a holding, in whichever of head office's lives.
tally::amount granted_of(const observer& seen, const std::vector<writer_id>& lives, const writer_id& closed,
                         const ledger_account& held);
/// An entry that grants anew what lay at a closed epoch.
entry granted_anew(const writer_id& closed, account_id account, std::vector<value_item> values);
/// Where a writer holds such an item of the account.
ledger_account held_at(const writer_id& w, account_id account, const value_item& v);

/// Head office on a backup: what it had published is asked back from below before it goes on (station_rebuild.cpp).
struct rebuild_watch {
  bool on = false;
  /// Child → its streams of head office, and how much of each it holds, once it said so.
  std::map<node_id, std::map<stream_id, std::optional<std::uint64_t>>> held;
  std::set<node_id> without;  ///< children that the operator does not wait for
  std::set<node_id> lacking;  ///< children that left goods out (`link.skip`) and cannot give them back
  std::set<node_id> newer;    ///< children that know of a later life of head office
  bool told_newer = false;    ///< an alarm says that one of them gives nothing back of it
  /// Child → later lives of head office that it holds directories of; at most `lives_max` each.
  std::map<node_id, std::set<writer_id>> told;
  std::vector<writer_id> later;  ///< of them those whose beginning is here, each behind the one that it closed
  std::optional<tick_ms> since;
  /// Node → its parent, and the entry of which directory first said so. Each is read up to entry `walked`.
  struct place {
    node_id parent;
    stream_id directory;
    std::uint64_t entry{};
  };
  std::map<node_id, place> parents;
  std::map<stream_id, std::uint64_t> walked;
  tick_ms ask_due = 0, look_due = 0;
  /// At a child: what its parent asked back, by the parent that asked.
  std::map<node_id, std::set<stream_id>> given_back;
  std::set<node_id> gone_on;  ///< parents that asked on this connection and went on since: a question may come late
};
/// How far a head office on a backup is.
struct rebuild_progress {
  std::vector<node_id> silent;   ///< children that have not said what they hold, or not given it all
  std::vector<node_id> lacking;  ///< those of them that left goods out: they never can
  std::vector<node_id> newer;    ///< that know of a later life of head office which is not here yet
  std::size_t later{};           ///< later lives of head office that are being given back
  std::uint64_t given_back{};    ///< entries of the directories that came from below
};

}  // namespace tally
