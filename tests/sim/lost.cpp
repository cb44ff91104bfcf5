// Cards that were lost, and what rulings say of them: head office against a reckoning of its own journal and disk.
#include "ledger/ruling.hpp"
#include "sim/invariants.hpp"
#include "sim/world.hpp"
#include "storage/entry_codec.hpp"

namespace tally::sim {
namespace {

bool takes_value(const entry& e) {
  bool kind = e.kind == entry_kind::sale || e.kind == entry_kind::gift || e.kind == entry_kind::hand_back ||
              e.kind == entry_kind::authorise;
  return kind && !e.values.empty() && e.account.value != 0;
}

bool is_blocked(card_status s) {
  return s == card_status::lost || s == card_status::frozen || s == card_status::blacklisted;
}

std::string node_name(node_id n) { return "node " + std::to_string(n.value); }
bool is_here(const sim_node& n) { return n.st && !n.outcast; }
bool is_current(const world& w, const writer_id& writer) {
  const auto& n = w.nodes().at(writer.node);
  return is_here(n) && n.st->ledger().self() == writer;
}
std::string place_name(const oracle::place& p) { return writer_name(p.writer) + "#" + std::to_string(p.seq); }

}  // namespace

// -- head office -------------------------------------------------------------------

// With each group that head office made durable: what came with a group in which nothing was said of its card was
// adopted in a known state of it.
void world::watch_lost(const sim_node& hq) {
  if (restored() == head_office) return;  // what came before is adopted again, in another order
  const auto& self = hq.st->ledger().self();
  std::set<std::uint64_t> changed;
  auto mine = oracle_.journals().find(self);
  if (mine == oracle_.journals().end()) return;
  const auto& own = mine->second;
  for (; lost_.read < own.size(); ++lost_.read) {
    auto kind = peek_kind(own[lost_.read]);
    if (kind != entry_kind::card_state && kind != entry_kind::map_media) continue;
    auto e = decode_entry(own[lost_.read]);
    changed.insert(e->account.value);
    lost_.cards[e->account.value] = e->status;
  }
  stream_reader reader(hq.disk);
  for (const auto& [writer, entries] : oracle_.journals()) {
    if (writer.node == head_office) continue;
    const stream_id id{writer, sub_stream::journal, {}};
    auto& heard = lost_.heard[writer];
    for (auto end = reader.size(id); heard < end; ++heard) {
      auto data = reader.entry_of(id, heard, {head_office, {}});
      auto e = data ? decode_entry(*data) : result<entry>(data.error());
      if (!e || !takes_value(*e) || changed.count(e->account.value) != 0) continue;
      // Nothing was said of this card since the group before.
      auto card = lost_.cards.find(e->account.value);
      bool late = card != lost_.cards.end() && is_blocked(card->second);
      const auto& seen = hq.st->seen();
      bool contested =
          seen.st().find({.type = cell_type::contested, .a = heard, .b = 0, .writer = writer, .peer = {}}).has_value();
      bool noted = seen.late().of(writer, heard) != late_uses::state::none;
      ensure(noted == (late && !contested), [&] {
        return writer_name(writer) + "#" + std::to_string(heard) + " " + describe(*e) +
               (late ? " came after its card was lost, and is not listed" : " is listed, and its card was not lost");
      });
      counted_.used_lost += noted && e->kind != entry_kind::authorise;
    }
  }
}

// Now and then a ruling says how much is owed, or what a node is to write off of the card.
void world::add_sums(entry& ruling, errc why) {
  auto& hq = *nodes_.at(head_office).st;
  stream_reader reader(nodes_.at(head_office).disk);
  auto data = reader.entry_of({ruling.subject, sub_stream::journal, {}}, *ruling.cites, {head_office, {}});
  auto about = data ? decode_entry(*data) : result<entry>(data.error());
  auto sum = about ? case_sum(*about, why, hq.ledger().rules().rules(about->rules_version)) : 0;
  if (why == errc::voucher_used)
    if (auto lost = hq.seen().lost_of(ruling.subject, *ruling.cites); lost > 0) sum = std::min(sum, lost);
  if (sum < 1) return;
  if (ruling.outcome == ruling_outcome::owed && dice_.chance(500))
    ruling.values = {{purse_paid, main_unit, 0, dice_.between(1, sum)}};
  if (about->account.value == 0 || !dice_.chance(600)) return;
  for (const auto& w : hq.seen().writers()) {
    auto record = node_of(hq.st(), w.node);
    bool lives = record && record->epoch == w.epoch && !closing_of(hq.st(), w) && !hq.is_revoked(w.node);
    if (!lives || holding(hq.seen().st(), w, about->account) <= 0) continue;
    // Both together are at most what the case is about.
    auto left = ruling.values.empty() ? sum : sum - ruling.values.front().amount;
    if (left == 0) return;
    ruling.peer = w;
    ruling.account = about->account;
    ruling.released = {{purse_paid, main_unit, 0, dice_.between(1, left)}};
    if (plan_.programme && dice_.chance(300))
      ruling.released.push_back({points_purse, unit_of(points_purse), 0, dice_.between(1, 50)});
    return;
  }
}

// -- at the end --------------------------------------------------------------------

// Each contested entry was a case, and every node knows what head office ruled about it.
void check_rulings(const world& w) {
  for (const auto& [id, n] : w.nodes())
    for (const auto& [other, o] : w.nodes())
      ensure(!is_here(n) || !n.st->is_forked(other),
             node_name(id) + " takes " + node_name(other) + " for two machines");
  const auto& hq = *w.nodes().at(head_office).st;
  std::uint64_t contested = 0;
  for (const auto& writer : hq.seen().writers())
    contested += hq.seen().contested_of(writer);
  // A sale of which stores together gave back more than was sold is a case although nobody contests its entry.
  // So is what was taken at risk with the code of a voucher that gave too much, until one of the sales is reversed.
  // And so is a use of a card that head office knew as lost by then (tests/sim/lost.cpp).
  std::uint64_t over = 0, codes = 0, late = 0, forgotten = 0;
  // A use of a lost card is none any more when head office, from its backup, adopted it again after the card was found.
  const auto is_forgotten = [&](const std::pair<writer_id, sequence>& about) {
    return w.restored() == head_office && !ruling_of(hq.st(), about.first, about.second) &&
           !hq.seen().is_open_case(about.first, about.second);
  };
  for (const auto& [about, outcome] : w.rulings()) {
    if (hq.seen().st().find(
            {.type = cell_type::contested, .a = about.second, .b = 0, .writer = about.first, .peer = {}}))
      continue;
    if (is_forgotten(about) && ++forgotten) continue;
    if (hq.seen().late().of(about.first, about.second) != late_uses::state::none && ++late) continue;
    const auto& journal = w.truth().journal(about.first);
    auto e = about.second < journal.size() ? decode_entry(journal[static_cast<std::size_t>(about.second)])
                                           : result<entry>(error{});
    ++(e && e->bearer != 0 ? codes : over);
  }
  ensure(w.ended().value != 0 || over == w.over_returned(), std::to_string(over) +
                                                                " sales were cases of too many pieces back, and " +
                                                                std::to_string(w.over_returned()) + " are");
  contested += over + codes + late + forgotten;
  for (const auto& [holder, about] : w.truth().to_execute())
    ensure(!is_current(w, holder) || w.truth().was_restored(holder),
           writer_name(holder) + " did not do what the ruling about entry " + std::to_string(about.second) + " of " +
               writer_name(about.first) + " says");
  ensure(contested == w.rulings().size(), std::to_string(contested) + " entries are contested, and " +
                                              std::to_string(w.rulings().size()) + " were ruled about");
  for (const auto& [about, outcome] : w.rulings())
    for (const auto& [id, n] : w.nodes())
      ensure(!is_here(n) || is_forgotten(about) || ruling_of(n.st->ledger().st(), about.first, about.second) == outcome,
             node_name(id) + " does not know what was ruled about entry " + std::to_string(about.second) + " of " +
                 writer_name(about.first));
}

// -- the oracle --------------------------------------------------------------------

void oracle::ruling(const place& p, const entry& e) {
  ensure(p.writer.node == head_office, "somebody else than head office rules: " + place_name(p));
  auto [before, first] = ruled_.try_emplace({e.subject, *e.cites}, p, e);
  ensure(first || is_lost(before->second.first), "a second ruling about one entry: " + place_name(p));
  if (!first) executed_.erase({e.subject, *e.cites});  // what was done about the one that is lost is lost with it
  before->second = {p, e};
}

// What a ruling said, to whom, once, and nothing else.
void oracle::execute(const place& p, const entry& e) {
  auto where = place_name(p) + " " + describe(e);
  auto told = ruled_.find({e.subject, *e.cites});
  ensure(told != ruled_.end() && told->second.second.peer == p.writer && told->second.second.account == e.account,
         "no ruling said so: " + where);
  ensure(executed_.emplace(e.subject, *e.cites).second, "a ruling was executed twice: " + where);
  std::map<std::uint32_t, amount> most;
  for (const auto& v : told->second.second.released)
    most[v.purse] = v.amount;
  for (const auto& v : e.values) {
    most[v.purse] -= v.amount;
    ensure(most[v.purse] >= 0, "more was written off than the ruling said: " + where);
    move(p.writer, e.account, v.unit, -v.amount, where);
    if (v.unit == main_unit) {
      spent_[e.account.value] += v.amount;
    } else {
      units_[{e.account.value, v.purse}] -= v.amount;
    }
  }
  ensure(balance(e.account) + owed(e.account) >= 0 || !restored_.empty(), "what was spent was written off: " + where);
}

std::vector<std::pair<writer_id, std::pair<writer_id, sequence>>> oracle::to_execute() const {
  std::vector<std::pair<writer_id, std::pair<writer_id, sequence>>> out;
  for (const auto& [about, ruling] : ruled_) {
    const auto& [p, e] = ruling;
    if (!e.released.empty() && !executed_.count(about) && !is_lost(p)) out.emplace_back(e.peer, about);
  }
  return out;
}

}  // namespace tally::sim
