#pragma once
#include <cstdint>
#include <string_view>

namespace tally {

/// Why something was refused or failed. One list for the whole product; the text is what a person reads first.
/// Values are stable: they cross the HTTP interface by name (`errc_name`).
enum class errc : std::uint8_t {
  ok = 0,
  unknown_card = 1,  ///< no account is mapped to this medium
  card_blocked = 2,  ///< the account's status forbids it (lost, frozen, expired, cancelled)
  insufficient = 3,  ///< the holding here is too small; the detail says where the rest lies
  no_quota = 4,      ///< the issue quota of the unit is used up; the detail names the sum still possible
  over_ceiling = 5,  ///< the receiving node would hold or receive more than it may
  bad_amount = 6,    ///< zero, negative or out of range
  overflow = 7,      ///< checked arithmetic stopped a wrap
  unknown_product = 8,
  bad_basket = 9,    ///< empty, too long, or lines that do not add up
  bad_tender = 10,   ///< tenders do not add up to the total
  key_reused = 11,   ///< the same idempotency key came with another request
  key_too_old = 12,  ///< the counter lies below the remembered window and is not in the ledger
  not_found = 13,    ///< an answer, not a fault
  already_reversed = 14,
  not_reversible = 15,
  not_entitled = 16,  ///< the writer may not write this kind, or cites nothing that allows it
  unbalanced = 17,
  malformed = 18,  ///< bytes that do not decode, or decode in more than one way
  bad_signature = 19,
  bad_proof = 20,  ///< root, size or consistency do not fit
  gap = 21,        ///< sequence or channel number is not the next one
  wrong_epoch = 22,
  rolled_back = 23,  ///< this node runs on an old copy of its data
  busy = 24,         ///< a queue is at its bound: try again
  full = 25,         ///< a disk reserve is reached: no new business
  io = 26,           ///< the disk or the database failed; what was being written is unknown until recovery
  corrupt = 27,      ///< stored bytes are damaged
  locked = 28,       ///< another process has this data directory
  timeout = 29,
  not_certified = 30,  ///< no valid certificate, or a revoked one
  bad_token = 31,      ///< enrolment or pairing token is wrong, used or expired
  bad_config = 32,
  bad_rules = 33,
  not_allowed = 34,  ///< the caller may not do this
  offline = 35,      ///< needs a link that is down
  unsupported = 36,
  internal = 37,
  revoked = 38,          ///< the node's certificate was revoked: what it wrote from there on counts for nothing
  epoch_closed = 39,     ///< head office closed that epoch: this node begins anew
  not_applicable = 40,   ///< a voucher, points, a gift or a package that cannot be used here; the detail says why
  too_many_claims = 41,  ///< this store reported as many cards today as it may
  stale_lists = 42,      ///< what is known of blocked cards is too old for so much card value
  number_used = 43,      ///< a one-time number that has paid a sale
  over_returned = 44,    ///< of a sale more pieces came back, at all stores together, than were sold
  pin_required = 45,     ///< so much of this card only with its PIN; the detail says what stands in the way of that
  pin_wrong = 46,        ///< the try is counted
  pin_locked = 47,       ///< too many wrong PINs at this store: head office allows fresh tries
  not_here = 48,         ///< this kind of card is not good at this store, or not loaded there
  voucher_used = 49,     ///< what this voucher's code promised was taken already
  code_required = 50,  ///< so much of this card only with a one-time code; the detail says what stands in the way of it
  code_wrong = 51,     ///< the try is counted
  other_goods = 52,    ///< this kind of card does not pay for so much of this basket; the detail says for how much
  used_lost = 57,  ///< head office heard of this use when it knew that the card was lost or frozen; its store did not
  left_out = 60,   ///< this node's copy of the stream does not have that entry (`link.skip`)
  wrongly_left_out = 61,  ///< a parent left out entries that nobody said may be, or that were asked for
};

constexpr errc errc_last = errc::wrongly_left_out;

/// Stable name, for interfaces and logs: "insufficient".
std::string_view errc_name(errc code);

/// One plain English sentence: what happened and what to do.
std::string_view errc_text(errc code);

}  // namespace tally
