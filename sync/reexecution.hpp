#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/price_check.hpp"
#include "sync/rules_shelf.hpp"

namespace tally {

/// An entry whose figures are not those of the rules that it names.
struct reexecuted_difference {
  writer_id writer;
  sequence seq{};
  std::string expected, found;  ///< at most `text_max` octets each
  std::uint64_t number{};       ///< of its note
  static constexpr std::size_t text_max = 400;
};

/// How far head office has priced again what it holds.
struct reexecution_figures {
  std::uint64_t entries = 0;       ///< looked at
  std::uint64_t behind = 0;        ///< held and not looked at yet
  std::uint64_t differences = 0;   ///< all of them
  std::uint64_t acknowledged = 0;  ///< of these
  friend bool operator==(const reexecution_figures&, const reexecution_figures&) = default;
};

/// What others may see of it.
struct reexecution_report {
  reexecution_figures counted;
  std::vector<reexecuted_difference> first;  ///< open ones, at most `reexecution::differences_max`
};

/// Head office's second look, behind the streams: it prices every entry of every journal again, as the audit does, and
/// goes on after a restart where it was. What a journal took in of a directory, or of a life before, must be held here
/// first (or have ended): until then its entries wait. What nobody can ever send is a difference.
///
/// Pure but for reads of the durable store. One owner thread, which may be another than the ledger's. Memory: sums of
/// the newest day of each journal that grew, `differences_max` differences, the rules_shelf.
class reexecution {
public:
  static constexpr std::size_t differences_max = 1'000;
  /// Small records under 'n' of the family `meta`, without that octet; docs in storage/FORMAT.md.
  using notes = std::vector<std::pair<std::string, bytes>>;

  /// `store` outlives this. Errors: io; corrupt when a note does not decode.
  static result<std::unique_ptr<reexecution>> open(const kv_store& store);
  ~reexecution();

  /// Looks at no more than `max` entries. The notes must be durable, all together, before the next step.
  result<notes> step(std::size_t max);
  reexecution_figures counted() const;
  /// Somebody has dealt with what did not fit in that entry: it leaves the list, which has room again for what is found
  /// next, and the reason is kept with it. The notes must be durable before the next step. Errors: not_found (no open
  /// difference of that entry is listed), malformed (the reason: 1 to `note_max` octets of text).
  result<notes> acknowledge(const writer_id& writer, sequence seq, const std::string& reason, unix_seconds now);
  /// The open ones, at most `differences_max`, in the order in which they were found.
  const std::vector<reexecuted_difference>& differences() const { return differences_; }

private:
  class ground;
  struct journal {
    std::uint64_t size = 0;         ///< looked at
    std::uint64_t differences = 0;  ///< of these
    price_checker::start day;
    std::unique_ptr<price_checker> checker;  ///< once it grew
    bool damaged = false;
  };

  explicit reexecution(const kv_store& store);
  status load();
  void learn_directories(const std::vector<stream_id>& streams);
  /// Whether what that entry takes in is held here, or never will be.
  bool can_look_at(const stream_id& id, sequence seq, byte_view data);
  void replay(const stream_id& id, journal& j);
  void look_at(const stream_id& id, journal& j, std::uint64_t held, std::size_t& left);
  bytes encode(const journal& j) const;

  const kv_store& store_;
  stream_reader reader_;
  writer_id self_;
  std::unique_ptr<ground> ground_;
  std::map<stream_id, std::uint64_t> read_;  ///< of own directories, for publications
  std::map<stream_id, journal> journals_;
  std::vector<reexecuted_difference> differences_;
  std::set<std::pair<writer_id, sequence>> acknowledged_;  ///< entries; as many as people dealt with
  std::uint64_t next_difference_ = 0, acknowledged_count_ = 0;
  std::uint64_t held_ = 0;
  stream_id last_;  ///< looked at last: the next step begins behind it
  notes notes_;
};

}  // namespace tally
