#pragma once
#include <memory>
#include <string>

#include "sync/certificate.hpp"
#include "sync/message.hpp"

namespace tally {

/// New keys of a node that head office has not certified yet. Where they lie is the owner's affair; this is a view.
struct next_keys {
  std::shared_ptr<const signer> signing;
  public_key curve{};
  epoch_id epoch;  ///< that they will begin
};

/// What both keys of a renewal sign.
bytes renewal_text(std::string_view chain, const renew_message& m);

/// The question of a node for its next certificate: for the same keys, or, `next` given, for those.
renew_message make_renewal(std::string_view chain, const certificate& own, const signer& key, const next_keys* next);

/// Whether the holder of `now`'s key asks for it, and holds the keys that it asks for. `bad_signature`; `bad_proof` for
/// another certificate than `now`, and for keys of which only some are new.
status check_renewal(std::string_view chain, const certificate& now, const renew_message& m, const verifier& with);
/// The question is for the keys that `now` has.
bool keeps_keys(const certificate& now, const renew_message& m);

/// A node asks in the last third of its certificate's time, and head office answers from half of it on.
unix_seconds renewal_due(const certificate& c);
unix_seconds renewal_allowed(const certificate& c);
/// From then on people are told: the last month, or the last tenth of a shorter life.
unix_seconds renewal_alarm(const certificate& c);

}  // namespace tally
