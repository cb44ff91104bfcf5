#pragma once
#include <memory>

#include "actors/device_options.hpp"
#include "actors/facade.hpp"
#include "sync/keys.hpp"

namespace tally {

/// What a running node needs; all decided by the caller (node/runtime.cpp). Empty endpoint or path: that part is not
/// started.
struct system_options {
  station_config station;
  std::string parent_endpoint;  ///< "tcp://…"
  node_id parent;
  public_key parent_key{};
  std::string listen_endpoint;  ///< for children
  std::chrono::milliseconds heartbeat{0};
  std::string detour_endpoint;  ///< of head office, while the parent is silent; empty: none
  public_key head_office_key{};
  std::uint64_t octets_per_month = 0;  ///< on the link to the parent; 0: as many as it takes
  std::chrono::milliseconds batch{0};  ///< how long what is not urgent waits, so that it travels together
  std::chrono::seconds quiet{300};     ///< after so long in silence the parent is asked for a sign of life
  device_options devices;
  std::int64_t exposure_days = 7;
  epoch_id first_epoch;                          ///< used when the journal is empty
  std::map<epoch_id, const signer*> older_keys;  ///< of epochs that older keys of this node began
  std::function<void()> new_keys;                ///< the node is to be started again with its new keys
  std::function<void(errc, const std::string&)> log;
  std::function<void(const std::string&)> fatal;  ///< must end the process
  std::function<unix_seconds()> wall;
  std::function<tick_ms()> tick;
};

/// The running system: actor system, committer, links, devices. Start once; `stop` (or the destructor) ends
/// everything in order: devices
/// and links first, then the ledger with the group under way, then the actors. Thread-safe as node_facade says.
class node_system : public node_facade {
public:
  /// The store, certificates and keys outlive the system. Errors: whatever station::open says.
  static result<std::unique_ptr<node_system>> start(system_options options, kv_store& store,
                                                    certificate_book& certificates, const signer& keys,
                                                    const curve_key& curve, entropy& random);
  /// Idempotent. Waits at most 10 s, then says what still runs and goes on.
  virtual void stop() = 0;
};

}  // namespace tally
