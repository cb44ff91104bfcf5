#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "storage/faulty_kv.hpp"
#include "sync/durable_source.hpp"
#include "sync/reexecution.hpp"
#include "sync/seeded.hpp"
#include "sync/session.hpp"
#include "sync/station.hpp"
#include "sync/token.hpp"

namespace tally::sim {

/// A till: one request at a time, repeated under the same key until it is answered.
struct till {
  struct receipt {
    writer_id writer;
    sequence seq{};
    till_command command;
  };
  std::uint32_t terminal{};
  std::uint64_t counter = 0;
  std::optional<till_command> pending;
  std::uint64_t request = 0;  ///< id of the newest attempt
  tick_ms asked_at = 0, rests_until = 0;
  /// What the token of its last answer says, which it returns unread with each request. None: a till without memory.
  std::optional<rollback_mark> mark;
  std::vector<receipt> receipts;  ///< last few approvals
  bool closed = false;            ///< not trading: nobody at the till
  bool must_fail = false;         ///< the pending request cannot be approved
  bool is_back = false;           ///< when it was asked, head office knew that these goods came back elsewhere
};

/// One end of a connection.
struct end_of_link {
  std::unique_ptr<tally::session> session;
  std::uint64_t connection = 0;
  bool told_up = false;
  bool parting = false;  ///< the peer's keys do not count any more: it is told so
};

/// One node: what survives its process, and the process.
struct sim_node {
  node_id id;
  node_role role{};
  std::vector<node_id> parents;
  // survives
  std::shared_ptr<const signer> keys;
  std::optional<next_keys> next;                                            ///< that wait for their certificate
  std::vector<std::pair<epoch_id, std::shared_ptr<const signer>>> older{};  ///< of epochs before
  curve_key curve, next_curve;                                              ///< of its certificate, and of `next`
  certificate cert;
  signed_certificate signed_cert;
  node_secret secret;
  faulty_kv disk;
  std::unique_ptr<test::seeded_entropy> random;
  std::vector<till> tills;
  std::int64_t clock_error = 0;                                             ///< seconds
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint32_t> digits;  ///< of PINs that head office gave it
  bool disk_low = false;
  bool asleep = false;        ///< down for long, and started again at the latest when the weather clears
  bool gone = false;          ///< its machine is lost: nothing starts it
  bool outcast = false;       ///< revoked, and trading on until it hears of it
  bool told_off = false;      ///< its parent said that its keys do not count any more
  std::set<writer_id> lives;  ///< its epochs, whose entries the oracle sees
  // the process
  std::uint64_t life = 0;  ///< counts starts; events of an earlier life are void
  std::unique_ptr<certificate_book> certificates;
  std::unique_ptr<station> st;  ///< none while it is down
  std::unique_ptr<durable_source> source;
  std::map<node_id, end_of_link> links;
  std::unique_ptr<reexecution> look;  ///< head office's second look; none before it looked first
  std::uint32_t groups = 0;           ///< since it looked
  bool look_waits = false;            ///< its notes are not durable yet
  std::optional<kv_batch> flight;
  bool work_due = false;
  tick_ms tick_at = 0;  ///< when its timers are looked at next
};

/// The wire between a child and its parent.
struct sim_link {
  node_id child, parent;
  std::uint64_t connection = 0;  ///< 0: none
  bool cut = false, up_blocked = false, down_blocked = false;
  tick_ms cut_since = 0;
  tick_ms last_up = 0, last_down = 0;  ///< newest delivery, for links that keep order
};

/// The request gives goods back, or undoes their sale, and `hq` has heard that others gave so many of them back; the
/// store has a line on which to ask.
bool is_back_elsewhere(const sim_node& hq, const sim_node& n, const till_command& c);

}  // namespace tally::sim
