#pragma once
#include "actors/facade.hpp"
#include "node/member_worker.hpp"
#include "sync/pin_seal.hpp"

namespace tally {

/// What both sides of PINs need of their node. What it refers to outlives the service.
struct pin_parts {
  node_facade& node;
  std::string chain;
  const curve_key& curve;  ///< this node's own
  entropy& random;         ///< thread-safe
  std::function<unix_seconds()> now;
  /// CURVE key of a store that may ask (at head office), or of head office (at a store); nothing for others.
  std::function<std::optional<public_key>(node_id)> curve_of;
  std::function<void(errc, const std::string&)> log;
};

}  // namespace tally
