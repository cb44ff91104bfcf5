#pragma once
#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace tally {

/// One actor that is started again when it fails: `start` makes a fresh one and notes its handle where others find it.
struct supervised {
  std::string name;
  std::function<caf::actor(caf::actor_system&)> start;
};

struct supervisor_state {
  static inline const char* name = "supervisor";
  struct row {
    supervised what;
    caf::actor running;
    tick_ms wait{};  ///< before the next start; doubles from 1 s to 30 s, back to 1 s after a minute of health
    tick_ms started{};
  };
  node_context* context = nullptr;
  std::vector<row> rows;
  bool stopping = false;
};

/// Starts links and devices, and starts them again when they fail. The ledger is not here: if it fails, the process
/// ends and recovers
/// from its disk, because an actor that lost its group cannot know what is durable.
///
/// Takes stop_message: stops all in reverse order and quits after the last.
caf::behavior supervisor(caf::stateful_actor<supervisor_state>* self, node_context* context,
                         std::vector<supervised> list);

}  // namespace tally
