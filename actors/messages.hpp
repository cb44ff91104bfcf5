#pragma once
#include <memory>

#include <caf/all.hpp>

#include "actors/facade.hpp"
#include "devices/keyboard.hpp"
#include "sync/zmq_link.hpp"

namespace tally {

// Messages between the actors of one node. They never leave the process, so they may hold pointers; what crosses the
// network is
// sync/message.hpp. Each carries shared const data: CAF may copy a message.

/// Something for the ledger to decide or take in. `done` runs on the ledger actor once the outcome is durable.
struct ledger_job {
  station_input input;
  std::function<void(const till_answer&)> till_done;
  std::function<void(const facts_answer&)> facts_done;
  std::function<void(const carried_answer&)> carried_done;
  std::string masked = {};  ///< of a till's request, for its event
};
struct job_message {
  std::shared_ptr<ledger_job> job;
};
/// Work on the ledger's own thread that needs its state: rollback marks, small records.
struct task_message {
  std::shared_ptr<std::function<void(station&)>> task;
  bool urgent = true;  ///< false: what it writes goes with the next group, at the next tick at the latest
};
/// The committer has written the group in flight, or could not.
struct commit_message {
  errc code;
  std::string detail;
};
/// For link actors.
struct wire_message {
  link_peer from;
  std::shared_ptr<const bytes> body;
};
struct link_message {
  link_peer who;
  bool up;
};
struct outgoing_message {
  node_id to;
  std::shared_ptr<const message> what;
};
struct ingested_message {
  ingested_effect what;
};
struct advanced_message {
  bool urgent = false;
};
/// The streams that may go to a neighbour now.
struct streams_message {
  node_id to;
  std::shared_ptr<const std::vector<stream_id>> list;
};
/// This node writes another epoch now: sessions start again.
struct epoch_message {
  writer_id self;
};
/// Keys of a node do not count any more: its connection ends, when it has heard so.
struct cut_off_message {
  node_id node;
};
/// For devices.
struct input_message {
  std::shared_ptr<const bytes> data;
};
struct plug_message {
  bool plugged;
};
struct ticket_message {
  std::string receipt;
  std::shared_ptr<const std::vector<bytes>> tickets;
};
struct tick_message {};
struct stop_message {};
/// A reader read something.
struct reading_message {
  std::shared_ptr<const reader_event> event;
};
/// A device is in another state, by the name that screens know it by.
struct device_message {
  std::string state;
};
/// Keys of a reader that pretends to be a keyboard.
struct key_message {
  input_key key;
};
/// What a rewritable card is to say.
struct card_text_message {
  std::shared_ptr<const std::vector<std::string>> lines;
};
/// What became of the spool's job that is out.
enum class spool_news : std::uint8_t { durable, printed, printed_again, uncertain };
struct spool_message {
  std::uint64_t job;
  spool_news what;
};
/// Open the cash drawer now.
struct drawer_message {};
/// What the customer is to read.
struct display_message {
  std::string upper, lower;
};

}  // namespace tally

CAF_BEGIN_TYPE_ID_BLOCK(tally, caf::first_custom_type_id)
  CAF_ADD_TYPE_ID(tally, (tally::job_message))
  CAF_ADD_TYPE_ID(tally, (tally::task_message))
  CAF_ADD_TYPE_ID(tally, (tally::commit_message))
  CAF_ADD_TYPE_ID(tally, (tally::wire_message))
  CAF_ADD_TYPE_ID(tally, (tally::link_message))
  CAF_ADD_TYPE_ID(tally, (tally::outgoing_message))
  CAF_ADD_TYPE_ID(tally, (tally::ingested_message))
  CAF_ADD_TYPE_ID(tally, (tally::advanced_message))
  CAF_ADD_TYPE_ID(tally, (tally::streams_message))
  CAF_ADD_TYPE_ID(tally, (tally::epoch_message))
  CAF_ADD_TYPE_ID(tally, (tally::input_message))
  CAF_ADD_TYPE_ID(tally, (tally::plug_message))
  CAF_ADD_TYPE_ID(tally, (tally::ticket_message))
  CAF_ADD_TYPE_ID(tally, (tally::tick_message))
  CAF_ADD_TYPE_ID(tally, (tally::stop_message))
  CAF_ADD_TYPE_ID(tally, (tally::cut_off_message))
  CAF_ADD_TYPE_ID(tally, (tally::reading_message))
  CAF_ADD_TYPE_ID(tally, (tally::device_message))
  CAF_ADD_TYPE_ID(tally, (tally::key_message))
  CAF_ADD_TYPE_ID(tally, (tally::drawer_message))
  CAF_ADD_TYPE_ID(tally, (tally::display_message))
  CAF_ADD_TYPE_ID(tally, (tally::spool_message))
  CAF_ADD_TYPE_ID(tally, (tally::card_text_message))
CAF_END_TYPE_ID_BLOCK(tally)

// None of these can be remote: no address of an actor is ever published.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::job_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::task_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::commit_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::wire_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::link_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::outgoing_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::ingested_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::advanced_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::streams_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::epoch_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::input_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::plug_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::ticket_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::tick_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::stop_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::cut_off_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::reading_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::device_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::key_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::drawer_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::display_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::spool_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tally::card_text_message)
