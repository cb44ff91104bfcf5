#pragma once
// What the files of the audit share; nobody else includes this.
#include <map>
#include <set>
#include <variant>

#include "ledger/fold.hpp"
#include "ledger/rules.hpp"
#include "sync/audit.hpp"
#include "sync/certificate.hpp"
#include "sync/entry_walk.hpp"
#include "sync/price_check.hpp"
#include "sync/watched_state.hpp"

namespace tally::audit_detail {

// Names of the lines, in the order in which they are reported.
inline constexpr std::string_view check_identity = "identity", check_certificates = "certificates",
                                  check_streams = "streams", check_tiles = "tiles", check_segments = "segments",
                                  check_sub_streams = "sub-streams", check_cosignatures = "cosignatures",
                                  check_heads = "cited heads", check_entries = "entries", check_rules = "entitlement",
                                  check_balance = "balance", check_transfers = "transfers", check_prices = "prices",
                                  check_projection = "projection", check_observed = "observed fold",
                                  check_totals = "totals";

/// A head that somebody signed or wrote down: the stream must have this root at that size.
struct citation {
  hash256 root{};
  std::string where;  ///< who says so
  std::optional<sequence> seq;
  std::string_view check;  ///< the line that it belongs to
  bool sole = false;       ///< a size beyond what is held is a problem, not just elsewhere
  /// For a receive: the entry that ends at this size must be its send.
  struct half {
    writer_id receiver;
    std::uint64_t number{};
    bytes text;
  };
  std::optional<half> transfer;
};

/// One publication in a directory, with its place there.
struct published_record {
  std::uint64_t index{};
  std::variant<rules_record, product> record;
};

/// A node took in a directory up to a size, or began where another journal of its own ended.
struct adoption {
  sequence seq{};
  stream_id stream;
  std::uint64_t size{};
};

/// What a sub-stream must be, as its writer's journal says.
struct recomputed {
  merkle_frontier tip;
  std::uint64_t stored{};                 ///< size of the stored one, 0 when there is none
  std::optional<hash256> root_at_stored;  ///< once `tip` passed it
};

/// One run of the audit. Every step fills lines of the report and leaves what later steps need.
class auditor {
public:
  auditor(const kv_store& store, const audit_trust& trust, const verifier& with, const audit_options& options);
  result<audit_report> run();

private:
  friend class audit_ground;

  // -- audit.cpp: identity, certificates, the report -------------------------
  status read_identity();
  status list_streams();
  void read_certificates();
  void read_cosignatures();
  void judge_certificates();
  void strays();
  audit_line& line(std::string_view check);
  void problem(std::string_view check, std::string where, std::optional<sequence> seq, std::string expected,
               std::string found);
  void step();
  node_role role_of(node_id node) const;
  bool held(const stream_id& id) const { return heads_.count(id) != 0; }
  std::uint64_t size_of(const stream_id& id) const;
  bool is_own(const writer_id& w) const { return w.node == self_.node; }
  /// An own sub-stream whose end lies in segments, since head office lost it with its journal and had it given back.
  bool is_given_back(const stream_id& id) const;
  std::vector<stream_id> directories_behind(writer_id life);
  std::vector<stream_id> journals() const;
  /// True if the walk came to its end; remembers a failed disk.
  bool note(const entry_walk& walk);

  // -- audit_streams.cpp: leaves, roots, signatures --------------------------
  void check_stream(const stream_id& id);
  void append_left_out(const stream_id& id, const merkle_subtree& t, const entry_run& announced, merkle_frontier& tip,
                       std::vector<merkle_subtree>& full);
  void check_tile(const stream_id& id, const merkle_subtree& tile);
  void check_citations(const stream_id& id, const merkle_frontier& tip, byte_view entry);
  void check_half(const citation& c, byte_view entry, const stream_id& id, sequence seq);
  void check_signature(const stream_id& id, const merkle_frontier& tip, const signature& sign, bool& broken);
  void check_end(const stream_id& id, const merkle_frontier& tip, std::uint64_t tiles);
  void cite_sub_streams();
  void name_difference(const stream_id& id);

  // -- audit_entries.cpp: what single entries say ----------------------------
  void read_directory(const stream_id& id);
  void look_at(const stream_id& journal, sequence seq, byte_view data, const entry* e);
  void recompute(const stream_id& journal, byte_view data, const entry* e);
  void cite(const stream_id& journal, sequence seq, const entry& e);
  void count_sums(const entry& e);
  void count_units(const entry& e, entry_kind kind);

  // -- audit_fold.cpp: journals in order --------------------------------------
  void fold_own();
  void fold_observed();
  void check_returns(const std::vector<stream_id>& journals);
  void check_evened(const std::vector<stream_id>& journals, const writer_id& seller, sequence seq, const entry& sale);
  void check_codes();
  void check_ruling_sums(const stream_id& id, sequence seq, const entry& e);
  void check_large_rulings(const std::vector<stream_id>& journals);
  void check_credits();
  // audit_lapses.cpp
  void count_lapses(const entry& e, const entry_place& place);
  void check_lapses();
  void fold_journal(const stream_id& id, std::uint64_t from, std::uint64_t until, state& s, bool observed, bool report);
  void fold_entry(const entry_place& place, const stream_id& id, byte_view data, state& s, bool observed, bool report);
  void learn_until(const stream_id& directory, std::uint64_t size, state& s);
  void learn(const entry& e, state& s);
  void report_verdict(const stream_id& id, const entry& e, const entry_place& place, const error& why, const state& s);
  std::optional<entry> entry_at(const stream_id& id, sequence seq);
  std::vector<stream_id> own_epochs();

  // -- audit_compare.cpp: what is stored against what was folded -----------------
  void compare_own();
  void compare_key(byte_view key, byte_view value, std::uint64_t& met);
  void compare_observed();
  bool certified_record(const cell_key& k, const cell& c) const;

  // -- audit_totals.cpp ----------------------------------------------------------
  void totals(const std::map<ledger_account, amount>& balances);
  void open_transfers(const state& s, const std::map<cell_key, cell>& cells);
  std::set<std::pair<cell_key, bytes>> halves_behind_end(const writer_id& w);

  const kv_store& store_;
  const audit_trust& trust_;
  const verifier& with_;
  const audit_options& options_;
  stream_reader reader_;
  audit_report report_;
  writer_id self_;
  std::map<stream_id, merkle_frontier> heads_;
  struct found_certificate {
    std::string where;
    std::optional<sequence> seq;
    bytes data;                               ///< signed form
    std::optional<stream_id> directory = {};  ///< that has it, at `seq`
  };
  std::vector<found_certificate> found_certificates_;
  certificate_book book_;
  std::map<node_id, std::vector<certificate>> certificates_;  ///< that verify; newest serial first
  std::set<bytes> certified_;                                 ///< their signed forms
  std::map<stream_id, std::map<std::uint64_t, std::vector<citation>>> cited_;
  std::map<stream_id, recomputed> subs_;
  std::set<writer_id> uncertain_;  ///< wrote kinds that this version cannot place in a sub-stream
  std::map<stream_id, std::vector<published_record>> published_;
  catalogue catalogue_;                                 ///< of everything published, for currency and exponent
  std::map<stream_id, std::vector<adoption>> adopted_;  ///< by journal, in order
  std::map<stream_id, std::uint64_t> learned_;          ///< directory entries that the own fold took in
  bool goods_unlearned_ = false;                        ///< this store did not learn all that was left out again
  std::map<unit_id, audit_totals> sums_;
  memory_state own_;
  memory_state first_closings_;  ///< of each life: a later closing, for its successor, has a later day
  /// What expired and what was spent meanwhile, as it is and without what goods brought back.
  memory_state lapses_, lapses_most_;
  std::optional<lapse_watch> lapse_watch_;
  watched_state seen_;
  std::set<std::pair<writer_id, sequence>> ruled_about_;
  /// Rulings that name whose owner owes the sum: right when that node had part in the sale.
  struct named_debtor {
    stream_id at;
    sequence seq{};
    node_id debtor;
    std::pair<writer_id, sequence> about;
  };
  std::vector<named_debtor> debtors_;
  /// Rulings about more than a sale itself: right when so much too much came back of it.
  struct large_ruling {
    stream_id at;
    sequence seq{};
    tally::amount sum{}, most{};
    std::pair<writer_id, sequence> about;
  };
  std::vector<large_ruling> large_rulings_;
  bool own_complete_ = true, seen_complete_ = true;
  std::unique_ptr<price_ground> ground_;  ///< for prices, once all journals were read
  std::optional<error> disk_;             ///< a failed read: the answer of the whole run
  std::uint64_t done_ = 0, total_ = 0;
};

std::unique_ptr<price_ground> make_ground(auditor& a);

}  // namespace tally::audit_detail
