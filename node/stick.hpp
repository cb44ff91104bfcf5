#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "sync/carrier.hpp"

namespace tally {

// Where parcels lie on a stick, and nothing about what is in them. A stick is anybody's: every name and length is
// checked.

/// One shipment as it lies there.
struct stick_shipment {
  node_id from, to;
  std::filesystem::path dir;
  std::vector<std::filesystem::path> files;  ///< in order, "00001.parcel" first
};

/// Where the shipment of a pair lies on a stick, and how its files are called.
std::filesystem::path place_on(const std::filesystem::path& stick, const std::string& chain, node_id from, node_id to);
std::string parcel_name(std::uint32_t number);
/// The files of one shipment, in order. `not_found`: there is none; io.
result<std::vector<std::filesystem::path>> parcels_in(const std::filesystem::path& place);

/// `not_allowed` where nothing may be written: a node's data directory, or links in the way of a chain's shipments. io.
status check_stick(const std::filesystem::path& stick, const std::string& chain);
/// Where the older shipment lies while another takes its place; after a power cut it may be all there is.
std::filesystem::path older_beside(const std::filesystem::path& place);
/// `fresh`, whose files are durable, takes the place of what lies at `place`; whoever looks meanwhile finds the one or
/// the other there, or the older one beside it. Durable when it returns ok. `exchange` false: as on a file system that
/// cannot exchange two names. io, full.
status put_in_place(const std::filesystem::path& fresh, const std::filesystem::path& place, bool exchange = true);

/// All shipments of a chain, an older one where its place is empty. `not_found` when there is nothing of Tallystick,
/// `not_allowed` naming the chains when there are only others'; io.
result<std::vector<stick_shipment>> shipments_on(const std::filesystem::path& stick, const std::string& chain);

/// Writes one shipment beside an older one of the pair and puts it in its place when it is whole: a stick that is
/// pulled meanwhile has the older one. Durable when it returns ok. Errors: io, full, and what `plan` says.
status write_shipment(const std::filesystem::path& stick, shipment& s, const std::string& chain, node_id from,
                      node_id to, const std::function<void(std::uint64_t files)>& progress);

/// Reads a file as a parcel, and checks that it is number `number` of a shipment of this pair and chain; `shipment` is
/// compared from the second file on and set by the first. The error says what is wrong with the file, without its name.
result<parcel> read_parcel(const stick_shipment& from, std::size_t number, const std::string& chain,
                           std::array<std::uint8_t, 8>& shipment);

/// What the receiver's own parcels on the stick say that it has; empty when there are none, or they cannot be read.
wanted_from wants_on(const std::filesystem::path& stick, const std::string& chain, node_id receiver, node_id self);

}  // namespace tally
