#pragma once
#include "ledger/entry.hpp"
#include "ledger/rules.hpp"
#include "storage/varint.hpp"

namespace tally {

/// Canonical bytes of an entry (storage/FORMAT.md, "Entries"): kind, then its non-default fields in ascending order,
/// each as
/// number and value. These bytes are the leaf of the stream's Merkle log.
bytes encode_entry(const entry& e);

/// The inverse. Accepts only what `encode_entry` makes: any other spelling of the same facts is `malformed`, as are
/// lists
/// and blobs over their limits. A kind without a built row is not decoded: `unsupported`; store its bytes and contest
/// it.
result<entry> decode_entry(byte_view data);
/// The same into `e`, whose memory is used again; after a failure it means nothing.
status decode_entry(byte_view data, entry& e);

/// The kind in the first octet, without decoding the rest; 0 for empty or over-long numbers.
entry_kind peek_kind(byte_view data);

/// Records that travel in the blob of a `publish` entry.
bytes encode_rules(const rules_record& r);
result<rules_record> decode_rules(byte_view data);
bytes encode_product(const product& p);
result<product> decode_product(byte_view data);

// Parts that other encodings share.
void write_writer(byte_writer& w, const writer_id& id);
writer_id read_writer(byte_reader& r);
void write_stream(byte_writer& w, const stream_id& id);
/// Fails the reader on an unknown sub-stream, or a receiver where none belongs.
stream_id read_stream(byte_reader& r);
/// 17 octets that sort by node, epoch, sub-stream, receiver.
bytes stream_key(const stream_id& id);
std::optional<stream_id> parse_stream_key(byte_view key);

}  // namespace tally
