#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ledger/decide.hpp"
#include "sync/message.hpp"

namespace tally {

// -- what comes in -------------------------------------------------------------

/// One request of a till, of head office's operator, or from a link. `request` is echoed in the answer.
struct till_request {
  std::uint64_t request;
  till_command command;
  bool may_wait = true;
};
/// Facts of head office, written in order; refused as a whole at the first that cannot be written, what came before
/// stands.
struct facts_request {
  std::uint64_t request;
  std::vector<entry> facts;
};
struct segment_arrival {
  node_id from;
  segment seg;
  /// What `open_segment(seg)` gives, if somebody opened it already on another thread.
  std::shared_ptr<const result<opened_segment>> opened = nullptr;
};
struct control_arrival {
  node_id from;
  message what;
};
struct link_change {
  node_id neighbour;
  bool up;
};
/// Where does value of this account lie? Answered from what is known, refreshed over the link when it is up.
struct elsewhere_request {
  account_id account;
};
using station_input =
    std::variant<till_request, facts_request, segment_arrival, control_arrival, link_change, elsewhere_request>;

// -- what goes out, never before it is durable ---------------------------------

struct elsewhere_hint {
  tally::amount value{};
  unix_seconds as_of{};
};
struct till_answer {
  std::uint64_t request{};
  std::variant<entry, refusal> outcome;  ///< the entry that was written, now or for the same key before
  sequence seq{};
  writer_id writer;
  bool repeated = false;
  tally::amount here{};  ///< holding after it
  std::optional<elsewhere_hint> elsewhere;
  tally::amount pulled{};  ///< what came while the customer waited
};
struct facts_answer {
  std::uint64_t request{};
  errc code = errc::ok;
  std::string detail;
  sequence first{};
  std::size_t written{};
};
struct ingested_effect {
  node_id from;
  stream_id stream;
  std::uint64_t size;
  errc code;
  bool ack;
};
struct to_neighbour {
  node_id neighbour;
  message what;
};
struct advanced_effect {};  ///< durable streams grew: sessions look again
struct rules_effect {
  std::uint64_t version;
};
struct alarm_effect {
  errc code;
  std::string text;
};
/// It became known where value of an account lies.
struct hint_effect {
  account_id account;
  elsewhere_hint hint;
};
/// A caller's own work that waited for its group.
struct call_effect {
  std::function<void()> call;
};
using station_effect = std::variant<till_answer, facts_answer, ingested_effect, to_neighbour, advanced_effect,
                                    rules_effect, alarm_effect, hint_effect, call_effect>;

}  // namespace tally
