#pragma once
#include "node/enrolment.hpp"

namespace tally {

/// The desk's answer to `request`: certificates, or the refusal; signed either way. At most `door_message_bytes_max`
/// for the 10 certificates that an answer may hold of the usual size.
bytes make_enrolment_answer(byte_view request, const public_key& root, const signer& keys,
                            const result<std::vector<signed_certificate>>& outcome);

}  // namespace tally
