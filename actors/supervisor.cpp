#include "actors/supervisor.hpp"

#include <algorithm>

namespace tally {
namespace {

using self_ptr = caf::stateful_actor<supervisor_state>*;
constexpr tick_ms wait_min_ms = 1'000, wait_max_ms = 30'000, healthy_ms = 60'000;

void start(self_ptr self, std::size_t i) {
  auto& row = self->state.rows[i];
  if (self->state.stopping) return;
  row.started = self->state.context->clock.tick();
  row.running = row.what.start(self->home_system());
  self->monitor(row.running);
}

void on_down(self_ptr self, const caf::down_msg& m) {
  auto& st = self->state;
  for (std::size_t i = 0; i < st.rows.size(); ++i) {
    auto& row = st.rows[i];
    if (!row.running || row.running.address() != m.source) continue;
    row.running = nullptr;
    if (st.stopping) break;
    auto lived = st.context->clock.tick() - row.started;
    row.wait = lived > healthy_ms ? wait_min_ms : std::clamp(row.wait * 2, wait_min_ms, wait_max_ms);
    st.context->log(errc::internal,
                    row.what.name + " failed and starts again in " + std::to_string(row.wait / 1000) + " s");
    self->delayed_send(self, std::chrono::milliseconds(row.wait), static_cast<std::uint64_t>(i));
  }
  if (st.stopping &&
      std::none_of(st.rows.begin(), st.rows.end(), [](const auto& r) { return static_cast<bool>(r.running); }))
    self->quit();
}

}  // namespace

caf::behavior supervisor(self_ptr self, node_context* context, std::vector<supervised> list) {
  auto& st = self->state;
  st.context = context;
  for (auto& what : list)
    st.rows.push_back({std::move(what), {}, 0, 0});
  self->set_down_handler([self](const caf::down_msg& m) { on_down(self, m); });
  for (std::size_t i = 0; i < st.rows.size(); ++i)
    start(self, i);
  return {
      [self](std::uint64_t i) { start(self, static_cast<std::size_t>(i)); },
      [self](stop_message) {
        auto& s = self->state;
        s.stopping = true;
        bool any = false;
        for (auto it = s.rows.rbegin(); it != s.rows.rend(); ++it)
          if (it->running) caf::anon_send(it->running, stop_message{}), any = true;
        if (!any) self->quit();
      },
  };
}

}  // namespace tally
