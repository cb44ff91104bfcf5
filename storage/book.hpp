#pragma once
#include <memory>

#include "ledger/decide.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"

namespace tally {

/// A node's own journal: decides, writes entries and their projection into one group, and hands the group out to be
/// made
/// durable while the next one is decided.
///
/// Pure but for reads through `kv_store`. One owner thread (the ledger actor, or the simulator). Nothing that a call
/// returns is durable: an answer may leave the node only after the group that was open at that time was `settled()`.
/// At most one group is in flight and one is open. After `read_failed()` or a failed commit the book must be dropped
/// and opened
/// again: what was in flight is unknown, and the reopened book answers it from the ledger.
class book {
public:
  /// Reads what is needed to go on: identity, tips, catalogue. Errors: io, corrupt.
  static result<std::unique_ptr<book>> open(const kv_store& store, node_id self, node_role role);

  /// False until `begin_epoch` was called once in the life of this database.
  bool started() const { return self_.epoch != epoch_id{}; }
  /// Starts a new epoch with its first entry. `predecessor`: head of the epoch before, as this disk has it; `proven`:
  /// how long somebody else proved it to be. All rights begin at zero; used request numbers stay used. Its business
  /// date is none before that of the epoch before, nor before `not_before`.
  void begin_epoch(const epoch_id& epoch, unix_seconds now, const std::optional<stream_head>& predecessor,
                   std::uint64_t proven = 0, std::uint32_t not_before = 0);

  const writer_id& self() const { return self_; }
  node_role role() const { return role_; }
  stream_id journal() const { return {self_, sub_stream::journal, {}}; }
  stream_head head(const stream_id& own);  ///< as the open group sees it
  sequence next() { return writer_.tip(journal()).size(); }
  sequence durable_next() const { return durable_next_; }
  /// Figures of the own fold as of the last durable group, without a read.
  struct figures {
    std::uint32_t newest_date{};
    tally::amount quota_left{}, held{};
  };
  const figures& durable_figures() const { return durable_figures_; }

  /// Decides a till's request and writes its entry. For `replayed`, the entry may still be in flight.
  /// `pulls`: what lies elsewhere can still be asked for, so that a lack is told rather than lived with.
  decision take(const till_command& c, unix_seconds now, bool pulls = false, bool asked = false, bool alone = false);
  /// Judges and writes an entry that this node decided elsewhere (send, receive, adopt, head office's facts).
  result<sequence> write(const entry& e);
  /// Applies facts of head office's directory that this node adopts; the caller writes the `adopt` entry in the same
  /// group.
  /// Certificates are the caller's to apply.
  status learn(const entry& directory_entry);
  /// A product of the directory once more, in its order (`left_out_watch`). One that is sold by amount, as it is known
  /// or as it comes, stays as it is known.
  void learn_late(byte_view record, product p);
  void leave_goods(bool out) { catalogue_.leave_goods(out); }
  /// The form of the data in the open group (`format_newest`, `format_left_out`).
  void put_format(std::uint64_t form);

  /// Whose store this is: the caller's to say, at the start and with each new certificate of this node.
  void owned_by(std::uint32_t owner) { owner_ = owner; }
  /// Nothing at head office, which keeps the cards of all owners.
  std::optional<std::uint32_t> owner() const { return role_ == node_role::hq ? std::nullopt : owner_; }

  situation at(unix_seconds now);
  std::optional<entry> find_entry(sequence seq) const { return find_entry(self_, seq); }
  std::optional<entry> find_entry(const writer_id& own, sequence seq) const;
  state& st() { return state_; }
  const state& st() const { return state_; }
  const catalogue& rules() const { return catalogue_; }
  kv_view& view() { return view_; }
  const kv_view& view() const { return view_; }
  stream_writer& streams() { return writer_; }
  std::uint64_t streams_born() const { return writer_.born(); }

  std::int64_t hq_time() const { return hq_time_; }
  void heard_hq_time(std::int64_t t);
  /// Why card value is stopped; survives restarts.
  errc stopped() const { return stopped_; }
  void stop_card_value(errc why);

  std::size_t open_changes() const { return view_.open_changes(); }
  bool in_flight() const { return view_.in_flight(); }
  bool read_failed() const { return view_.read_failed(); }
  /// The open group. REQUIRES: !in_flight().
  kv_batch seal();
  void settled();

private:
  book(const kv_store& store, node_id self, node_role role);
  status load();
  status load_catalogue();
  void load_earlier();
  result<sequence> write_judged(const entry& e, const entry_place& place);
  figures figures_now() const;

  const kv_store& store_;
  kv_view view_;
  kv_state state_;
  stream_writer writer_;
  catalogue catalogue_;
  writer_id self_;
  std::vector<writer_id> earlier_;  ///< own epochs before this one, newest first
  node_role role_;
  std::optional<std::uint32_t> owner_;
  std::int64_t hq_time_ = 0, hq_time_written_ = 0;
  errc stopped_ = errc::ok;
  sequence durable_next_ = 0, sealed_next_ = 0;
  figures durable_figures_, sealed_figures_;
  std::vector<posting> postings_;  ///< of the entry that is being written
};

/// Changes of one group beyond which the caller should seal before it decides more.
constexpr std::size_t group_changes_max = 16 * 1024;
/// The same at a store for what its parent sends: a group lies in memory up to four times, as what is decided, what is
/// in flight, its copy for the disk and RocksDB's, and a store's PC is small.
constexpr std::size_t group_changes_of_segments = 4 * 1024;

}  // namespace tally
