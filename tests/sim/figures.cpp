// What a run counted, and what head office works out again.
#include "sim/world.hpp"

namespace tally::sim {

void tally_of_run::add(const tally_of_run& o) {
  for (auto m : {&tally_of_run::events,
                 &tally_of_run::messages,
                 &tally_of_run::approved,
                 &tally_of_run::refused,
                 &tally_of_run::repeated,
                 &tally_of_run::pulled,
                 &tally_of_run::reversed,
                 &tally_of_run::crashes,
                 &tally_of_run::cuts,
                 &tally_of_run::commit_faults,
                 &tally_of_run::rollbacks,
                 &tally_of_run::entries,
                 &tally_of_run::key_reused,
                 &tally_of_run::full,
                 &tally_of_run::forged,
                 &tally_of_run::over_ceiling,
                 &tally_of_run::closed,
                 &tally_of_run::granted_anew,
                 &tally_of_run::outcast,
                 &tally_of_run::ruled,
                 &tally_of_run::swept,
                 &tally_of_run::captured,
                 &tally_of_run::elsewhere,
                 &tally_of_run::given,
                 &tally_of_run::over_returned,
                 &tally_of_run::ended,
                 &tally_of_run::cards_sold,
                 &tally_of_run::cards_back,
                 &tally_of_run::pins_set,
                 &tally_of_run::pins_right,
                 &tally_of_run::pins_wrong,
                 &tally_of_run::pins_locked,
                 &tally_of_run::at_risk,
                 &tally_of_run::by_code,
                 &tally_of_run::codes_right,
                 &tally_of_run::codes_wrong,
                 &tally_of_run::codes_missing,
                 &tally_of_run::runs_moved,
                 &tally_of_run::sold_at_once,
                 &tally_of_run::taken_back,
                 &tally_of_run::fees,
                 &tally_of_run::detours,
                 &tally_of_run::new_keys,
                 &tally_of_run::left_out,
                 &tally_of_run::put_back,
                 &tally_of_run::shipped_by_detour,
                 &tally_of_run::pulled_by_detour,
                 &tally_of_run::payments,
                 &tally_of_run::by_hand,
                 &tally_of_run::used_lost,
                 &tally_of_run::written_off,
                 &tally_of_run::members_changed,
                 &tally_of_run::merged,
                 &tally_of_run::members_erased,
                 &tally_of_run::leases_ended,
                 &tally_of_run::applied,
                 &tally_of_run::applications_answered})
    this->*m += o.*m;
  store_ms += o.store_ms;
}

// Head office prices entries again now and then, some at a time, and goes on where its durable notes say.
void world::look_again(sim_node& n) {
  constexpr std::uint32_t groups_between = 40;
  constexpr std::size_t at_once = 150;
  if (n.role != node_role::hq || n.look_waits || ++n.groups < groups_between) return;
  n.groups = 0;
  if (!n.look) {
    auto opened = reexecution::open(n.disk);
    ensure(opened.ok(), "prices are looked at again");
    n.look = std::move(*opened);
  }
  auto notes = n.look->step(at_once);
  ensure(notes.ok(), "prices are looked at again");
  if (notes->empty()) return;
  for (const auto& [key, value] : *notes)
    n.st->ledger().view().put(family::meta, "n" + key, value);
  n.look_waits = true;  // they are in the group that is sealed next
}

}  // namespace tally::sim
