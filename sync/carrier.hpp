#pragma once
#include <deque>
#include <map>
#include <memory>

#include "sync/certificate.hpp"
#include "sync/durable_source.hpp"
#include "sync/parcel.hpp"

namespace tally {

/// What a shipment is made from: a node's durable data, also that of a node that is dead. All parts outlive it.
struct carrier_parts {
  const kv_store& store;
  const certificate_book& certificates;
  const signer* own;  ///< null: of own streams nothing can be shipped
  std::string chain;
  writer_id self;
  node_role role{};
  /// Keys that this node had before, by the epoch that each began: what those epochs wrote is signed with them.
  std::map<epoch_id, const signer*> older{};
};

/// Whether `above` is an ancestor of `below`, by the first parents of the newest certificates.
bool is_above(const certificate_book& book, node_id above, node_id below);

/// How far the receiver has the sender's streams, as parcels of the receiver said.
using wanted_from = std::map<stream_id, std::uint64_t>;
/// Adds what the wants in a parcel say.
void note_wants(const parcel& p, wanted_from& wants);

/// One shipment by hand: what a node above or below lacks, as parcels, one after the other.
///
/// Upwards go all journals, downwards head office's directory and what is addressed to the receiver or to nodes below
/// it, each from the place that `wants` names, else from where a cosignature or an adopted head proves that it is
/// there, else from the beginning. Before the segments come this node's own wants, so that the next shipment towards
/// it can begin there too, and that an old copy is noticed; then head office's time and cosignatures.
///
/// Pure but for reads. One thread. Memory: one parcel.
class shipment {
public:
  struct row {
    stream_id stream;
    std::uint64_t from = 0, size = 0;
    bool proved = true;  ///< false: own entries that nobody signed, and their key is not here
  };

  /// `cosigned` are this node's own cosignatures, fresh. `id` is random. `not_allowed` when the receiver is neither
  /// above nor below; else io, corrupt.
  static result<shipment> plan(const carrier_parts& parts, node_id to, const wanted_from& wants,
                               const std::vector<cosign_message>& cosigned, std::array<std::uint8_t, 8> id,
                               unix_seconds now);

  const std::vector<row>& rows() const { return rows_; }
  /// Own streams of lives that went on from an old copy, or may have, as their parent alone can tell when it is not the
  /// receiver: kept where they are, as evidence, and not shipped.
  const std::vector<stream_id>& astray() const { return astray_; }
  std::uint64_t entries() const;  ///< that will be shipped
  /// The next file; nothing behind the last one. The first comes always, also when nothing is missing. Errors: io,
  /// corrupt with the stream.
  result<std::optional<parcel>> next();

private:
  shipment(const carrier_parts& parts, node_id to);
  status choose(const wanted_from& wants);
  std::uint64_t begin_of(const stream_id& id, const wanted_from& wants) const;
  void preface(const std::vector<cosign_message>& cosigned, unix_seconds now);
  void add_wants(const std::vector<stream_id>& held);
  bool goes_to(const stream_id& id) const;
  bool comes_from(const stream_id& id) const;
  bool can_sign(const writer_id& own) const;

  carrier_parts parts_;
  stream_reader reader_;
  std::unique_ptr<durable_source> source_;  // with a key only
  node_id to_;
  bool up_ = false, past_parent_ = false;
  parcel form_;  ///< header of every file
  std::vector<row> rows_;
  std::vector<stream_id> astray_;
  std::deque<message> ready_;
  std::size_t row_ = 0;
  std::uint64_t at_ = 0;
  bool finished_ = false;
};

}  // namespace tally
