#pragma once
#include <set>

#include "ledger/fold.hpp"
#include "storage/streams.hpp"
#include "sync/late_uses.hpp"
#include "sync/unproven.hpp"
#include "sync/watched_state.hpp"

namespace tally {

/// What one entry of a descendant's journal came to.
struct verdict {
  sequence seq{};
  entry_kind kind{};
  errc why = errc::ok;  ///< ok, or why it is contested
  std::string detail;
};

/// The fold of all descendants' journals, and of its owner's own, at a region or head office: verdicts, holdings,
/// transit,
/// exposure. Both halves of a transfer meet here.
///
/// A cache: the durable thing is the segment as signed. `checkpoint` writes what changed and the positions into the
/// open group;
/// at start `load` reads that and replays the segments behind it. One owner thread; pure but for reads at `load`.
class observer {
public:
  /// `directory` is the owner's own state: roles and epochs of nodes are read there. It outlives this.
  /// The owner itself is believed to be what it was configured as, also before the directory says so.
  explicit observer(const state& directory, node_id self = {}, node_role role = {})
      : directory_(directory), self_(self), self_role_(role) {}

  /// The epoch under which the owner writes: only of that it knows its own sends completely.
  void lives_as(const writer_id& self) { life_ = self; }
  /// Reads the last checkpoint and replays what came after it. Errors: io, corrupt.
  status load(const stream_reader& reader, node_id self);
  /// Judges and applies new entries of a journal, from `first` on. `find` reads earlier entries of that journal,
  /// `addressed` those of head office's streams to descendants.
  std::vector<verdict> observe(const writer_id& writer, std::uint64_t first, const entry_list& entries,
                               const std::function<std::optional<entry>(sequence)>& find,
                               const unproven_rights::read_addressed& addressed = {});
  /// A send of `from` to a descendant went through here: it may prove a receive that came before it, by another way.
  /// True: write a checkpoint with the group that keeps the send.
  bool passed_through(const entry& send, const writer_id& from) { return unproven_.proved(send, from, state_); }
  /// What nothing proves of the rights at a store.
  unproven_rights::sums unproven(const writer_id& w) const { return unproven_.of(w); }
  bool any_unproven(const writer_id& w) const { return unproven_.any(w); }
  unproven_rights::by_unit all_unproven(const writer_id& w) const { return unproven_.all(w); }
  /// Writes changed keys and positions into the view; due every `checkpoint_entries_max` entries and at shutdown.
  void checkpoint(kv_view& view);
  /// Entries observed since the last checkpoint.
  std::uint64_t since_checkpoint() const { return since_checkpoint_; }

  const state& st() const { return state_; }
  const watched_state& all() const { return state_; }
  std::uint64_t position(const writer_id& w) const;
  /// Writers seen, with what each holds in all.
  std::vector<writer_id> writers() const;
  std::uint64_t contested_of(const writer_id& w) const;
  /// Contested entries that head office has not ruled about, with the first reason that was found.
  using case_map = std::map<writer_id, std::map<sequence, errc>>;
  const case_map& open_cases() const { return open_cases_; }
  bool is_open_case(const writer_id& w, sequence seq) const;
  /// All reasons of an open case, the first one first: later trouble with an entry stands beside it. A ruling is about
  /// all of them.
  std::vector<errc> reasons_of(const writer_id& w, sequence seq) const;
  /// Of a case of goods that came back too often: what those beyond cost, as far as this was heard; 0: nobody can say.
  tally::amount beyond_of(const writer_id& w, sequence seq) const;
  /// Uses of one voucher's code that are cases together (`voucher_used`): of all of them so much was taken too often.
  struct joint_uses {
    std::vector<std::pair<writer_id, sequence>> first;  ///< by writer and sequence, at most `joint_uses_max`
    std::size_t all = 0;
  };
  /// Null for another case, or one that is alone; good until the next change. A ruling about one that took all of that
  /// closes the others.
  const joint_uses* same_case(const writer_id& w, sequence seq) const;
  static constexpr std::size_t joint_uses_max = 32;
  /// What can be charged for one of them, in minor units: of what was taken with the code beyond what head office put
  /// behind it, and no ruling was about, at most what this use took at risk. 0: it is no such case, or nobody can say.
  tally::amount lost_of(const writer_id& w, sequence seq) const;
  /// Counts from now on what accounts pay by month, and remembers which accounts paid.
  void count_turnover(bool on) { counts_turnover_ = on; }
  /// The month in which uses of cards are heard of from now on; 0: they are not counted.
  void count_uses(std::uint32_t month) { uses_ = month; }
  /// Accounts that paid since the last call, at most `turned_max`; beyond, `overflowed`: all are to be looked at.
  struct turned_accounts {
    std::set<account_id> accounts;
    bool overflowed = false;
  };
  turned_accounts take_turned() { return std::exchange(turned_, {}); }
  /// The same of accounts whose one-time number paid a sale, or was given back by a reversal. After a start all are.
  turned_accounts take_once() { return std::exchange(once_, {}); }
  /// Counts from now on what expires of these purses and what is spent meanwhile; none: nothing.
  void count_lapses(lapse_watch watch) { lapses_ = std::move(watch); }
  /// Accounts of which something expired, or that spent, as `take_turned`. After a start all are to be looked at.
  turned_accounts take_lapsed() { return std::exchange(lapsed_, {}); }
  static constexpr std::size_t turned_max = 10'000;
  /// Sales, held here, of which other stores took goods back and something was heard since the last call; after a
  /// start all of them.
  std::set<std::pair<writer_id, sequence>> take_returned() { return std::exchange(returns_moved_, {}); }
  /// Entries whose cell `owing` changed since the last call; the first call: all that have one.
  std::set<std::pair<writer_id, sequence>> take_owing() { return state_.take_owing(); }
  /// Claims about members that head office did not publish, those of erased members too.
  const std::map<std::pair<writer_id, sequence>, account_id>& open_claims() const { return open_claims_; }
  /// What is published, which says what units at risk are worth; outlives this.
  void price_by(const catalogue* rules) { rules_ = rules; }
  /// A ruling came.
  void ruled(const entry& ruling);
  /// Writes into the open group what `observe` found of cards that are lost: only the order in which journals came
  /// tells, and it is written nowhere else.
  void write_late(kv_view& view) { late_.write(view); }
  const late_uses& late() const { return late_; }
  /// A card's state of head office, which it wrote or learnt back.
  void card_said(const entry& e) {
    if (self_role_ != node_role::hq) return;
    if (e.kind == entry_kind::card_state || e.kind == entry_kind::map_media) late_.card_said(e.account, e.status);
  }
  static constexpr std::uint64_t checkpoint_entries_max = 100'000;

private:
  verdict observe_one(const writer_id& writer, node_role role, sequence seq, byte_view data,
                      const std::function<std::optional<entry>(sequence)>& find,
                      const unproven_rights::read_addressed& addressed);

  void open_case(const writer_id& w, sequence seq, errc why);
  void close_case(const writer_id& w, sequence seq, errc why);
  void note_late(const entry& e, const writer_id& writer, sequence seq);
  void note_returns(const entry& e, const writer_id& writer);
  void check_returns(const writer_id& seller, sequence seq, const std::optional<entry>& sale);
  /// One entry that took units of a voucher at risk.
  struct risky_use {
    std::pair<writer_id, sequence> at;
    tally::amount units{}, worth{};  ///< worth: of all of them, minor units
    bool ruled = false;
  };
  /// Uses of a code with which too much was taken.
  struct code_case {
    tally::amount over{};
    std::vector<risky_use> uses;  ///< by writer and sequence
    joint_uses joint;             ///< those that no ruling was about, while it is open
    /// Units beyond what was granted that no ruling was about yet; 0: it is closed.
    tally::amount left() const;
  };
  /// What one writer took with the code of a voucher, and was granted behind it.
  struct code_use {
    writer_id writer;
    tally::amount granted{}, taken{};
    std::vector<sequence> at_risk;
  };
  using read_entry = std::function<std::optional<entry>(const writer_id&, sequence)>;
  void check_code(account_id account, const read_entry& read);
  void check_all_codes(const read_entry& read);
  void judge_code(account_id account, const std::vector<code_use>& uses, const read_entry& read);
  void show_code_case(code_case& c);
  bool sent_by_us(const entry& receive, const writer_id& writer) const;

  const state& directory_;
  node_id self_;
  node_role self_role_;
  writer_id life_;
  watched_state state_;
  unproven_rights unproven_;
  std::map<writer_id, std::uint64_t> positions_;
  std::set<writer_id> moved_;
  case_map open_cases_;
  std::map<std::pair<writer_id, sequence>, std::vector<errc>> more_reasons_;  ///< of open cases, each once
  std::map<std::pair<writer_id, sequence>, tally::amount> beyond_;            ///< of those that came back too often
  std::map<std::pair<writer_id, sequence>, account_id> open_claims_;
  /// Sales of which other stores took goods back, and those among them that the run at hand says something about.
  std::set<std::pair<writer_id, sequence>> returned_, returns_to_check_, returns_moved_;
  std::set<account_id> codes_to_check_;  ///< of vouchers
  std::map<account_id, code_case> code_cases_;
  std::map<std::pair<writer_id, sequence>, account_id> code_of_;  ///< of each use in them
  late_uses late_;
  bool replays_ = false;  ///< what is read again came before
  const catalogue* rules_ = nullptr;
  bool counts_turnover_ = false;
  std::uint32_t uses_ = 0;
  turned_accounts turned_, once_{{}, true}, lapsed_{{}, true};
  lapse_watch lapses_;
  std::uint64_t since_checkpoint_ = 0;
  entry entry_;  ///< scratch, as the postings: an entry takes no memory of its own
  std::vector<posting> postings_;
};

}  // namespace tally
