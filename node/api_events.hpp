#pragma once
#include "node/api.hpp"

namespace tally {

/// Server-Sent Events: turns what happens at the node into text and hands it to every open stream that it concerns.
///
/// The bus calls on the node's threads; there, an event is only copied and posted to `post`, and one that nobody
/// listens to is dropped. But the last card that was swiped while no till listened is kept for `swipe_kept_ms`, and
/// told to the first till that listens again: a page that comes back after a restart must not make a customer swipe
/// twice. A barcode is not kept: its person scans again when nothing happens, and would find it twice in the basket.
/// Sinks are called from what was posted, or from `add`. Thread-safe. Bound: `streams_max` streams, of them
/// `terminal_streams_max` of one terminal, whose oldest gives way to a new one; each stream bounds its own queue.
class event_hub {
public:
  static constexpr tick_ms swipe_kept_ms = 10'000;
  static constexpr std::size_t terminal_streams_max = 4;

  /// Called with nothing when its stream has to end.
  using sink = std::function<void(const std::shared_ptr<const std::string>&)>;
  /// Runs work elsewhere, in order; may drop it when it is shutting down.
  using poster = std::function<void(std::function<void()>)>;

  event_hub(api_ptr api, poster post, std::size_t streams_max);
  /// No sink is called after this.
  ~event_hub();
  event_hub(const event_hub&) = delete;
  event_hub& operator=(const event_hub&) = delete;

  /// Nothing when `streams_max` streams are open.
  std::optional<std::uint64_t> add(std::uint32_t terminal, sink s);
  void remove(std::uint64_t id);

private:
  struct inner;
  std::shared_ptr<inner> inner_;
  std::uint64_t subscription_ = 0;
};

/// The text of one event, or empty for what screens are not told. `receipt` events are for `receipt_event`'s
/// terminal only.
std::string event_text(const api_context& api, const node_event& e);

}  // namespace tally
