// What head office has to tell members: nobody takes it away here, so all of it lies on its disk.
#include "sim/invariants.hpp"
#include "sim/world.hpp"
#include "storage/entry_codec.hpp"
#include "sync/notice.hpp"

namespace tally::sim {

// A notice is durable with its entry, each has one, and none has no entry: whatever crashed in between.
void check_notices(const world& w) {
  const auto& hq = w.nodes().at(head_office);
  if (!hq.st) return;
  const auto self = hq.st->ledger().self();
  for (const auto& [writer, entries] : w.truth().journals())
    if (writer.node == head_office && writer != self) return;  // what an old copy of its disk knows is not checked
  std::map<bytes, std::pair<std::uint32_t, std::uint32_t>> written, noted;
  std::map<account_id, std::uint32_t> level;
  const auto& entries = w.truth().journal(self);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto e = decode_entry(entries[i]);
    ensure(e.ok(), "an entry of head office decodes");
    if (e->kind != entry_kind::card_state) continue;
    auto& now = level[e->account];
    if (e->level != now) written[level_notice_key(e->account, self.epoch, i)] = {now, e->level};
    now = e->level;
  }
  for (auto c = hq.disk.scan(family::meta, notice_prefix); c->valid() && c->key().starts_with(notice_prefix);
       c->next()) {
    auto n = decode_notice(c->value());
    ensure(n.ok(), "a notice on disk decodes");
    if (n->kind == notice_kind::level) noted[bytes(c->key())] = {n->from, n->to};
    ensure(n->kind == notice_kind::level || n->at < start_of_day(n->day), "a fee was told of when it was due");
  }
  // An operator's words on a card, as this world writes them, name no level: that takes it away without a notice.
  for (const auto& [key, change] : written)
    ensure(change.second == 0 || noted.contains(key), "nobody is told of a level that was written");
  for (const auto& [key, change] : noted) {
    auto it = written.find(key);
    ensure(it != written.end() && it->second == change, "a level is told of that was not written");
  }
}

}  // namespace tally::sim
