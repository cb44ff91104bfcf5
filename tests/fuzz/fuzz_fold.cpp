// A hostile store's whole journal, as head office folds it: u8 writer, then entries with their length. Whatever it
// holds, nothing overflows, every unit's accounts sum to zero, and sums that are kept beside them are right.
#include <map>

#include "fuzz/fuzz.hpp"
#include "sync/observer.hpp"

using namespace tally;

namespace {

void check(const watched_state& s) {
  std::map<unit_id, __int128> units;
  std::map<writer_id, __int128> held;
  for (const auto& [a, v] : s.balances()) {
    units[a.unit] += v;
    if (a.type == account_type::hold && a.unit == main_unit) held[a.writer] -= v;
  }
  for (const auto& [u, sum] : units)
    fuzz::expect(sum == 0, "the accounts of a unit sum to zero");
  for (const auto& [w, sum] : held)
    fuzz::expect(sum == held_total(s, w), "the sum of holdings is kept");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const writer_id writers[] = {{node_id{1}, {{1}}}, {node_id{2}, {{2}}}, {node_id{3}, {{3}}}, {node_id{4}, {{4}}}};
  memory_state directory;
  put_node(directory, node_id{1}, {node_role::hq, writers[0].epoch, {}});
  put_node(directory, node_id{2}, {node_role::region, writers[1].epoch, {node_id{1}}});
  put_node(directory, node_id{3}, {node_role::store, writers[2].epoch, {node_id{2}, node_id{1}}});
  observer o(directory);
  std::map<writer_id, std::vector<bytes>> journals;
  byte_reader in(fuzz::view(data, size));
  for (int i = 0; i < 64 && in.ok() && in.remaining() > 0; ++i) {
    const auto& w = writers[in.u8() % 4];
    bytes e(in.str(entry_bytes_max));
    if (!in.ok()) break;
    auto& journal = journals[w];
    auto find = [&journal](sequence s) -> std::optional<entry> {
      auto found =
          s < journal.size() ? decode_entry(journal[static_cast<std::size_t>(s)]) : result<entry>(errc::not_found);
      if (!found) return std::nullopt;
      return std::move(*found);
    };
    entry_list one;
    one.add(e);
    auto verdicts = o.observe(w, journal.size(), one, find);
    fuzz::expect(verdicts.size() == 1, "every entry has a verdict");
    journal.push_back(std::move(e));
  }
  check(o.all());
  for (const auto& [w, journal] : journals)
    fuzz::expect(o.position(w) == journal.size(), "no entry blocks a journal");
  return 0;
}
