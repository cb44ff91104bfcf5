#pragma once
#include <array>
#include <atomic>
#include <string>

#include "actors/facade.hpp"
#include "node/owing.hpp"

namespace tally {

class live_mirror;

/// Counters of the HTTP interface. Relaxed atomics: any thread, no order between them.
class node_metrics {
public:
  void answered(int code) {
    auto i = static_cast<std::size_t>(code);
    by_status_[i < by_status_.size() ? i : 0].fetch_add(1, std::memory_order_relaxed);
  }
  void refused(errc code) { by_reason_[static_cast<std::size_t>(code) & 63].fetch_add(1, std::memory_order_relaxed); }
  void alarmed() { alarms_.fetch_add(1, std::memory_order_relaxed); }
  std::atomic<std::int64_t> connections{0}, streams{0};

  /// Prometheus text format 0.0.4. Amounts are in minor units.
  /// `recomputed`: at head office, else null. `owing`: null when it could not be read. `mirror`: null: there is none.
  std::string text(const node_snapshot& node, std::string_view name, const reexecution_report* recomputed,
                   const card_sums* owing, const live_mirror* mirror) const;

private:
  std::array<std::atomic<std::uint64_t>, 600> by_status_{};
  std::array<std::atomic<std::uint64_t>, 64> by_reason_{};
  std::atomic<std::uint64_t> alarms_{0};
};

}  // namespace tally
