// What must hold when everything has healed: LEDGER's invariants, seen from the whole chain.
#include "sim/invariants.hpp"

#include "ledger/cards.hpp"
#include "ledger/pins.hpp"
#include "sim/world.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/sha256.hpp"
#include "sync/audit.hpp"
#include "sync/settlement.hpp"
#include "sync/station_facts.hpp"

namespace tally::sim {
namespace {

std::string name(node_id n) { return "node " + std::to_string(n.value); }

/// In business, as far as everybody else is concerned.
bool here(const sim_node& n) { return n.st && !n.outcast; }

/// All balances of one writer, without zeros.
std::map<ledger_account, amount> balances_of(const std::map<ledger_account, amount>& all, const writer_id& w) {
  std::map<ledger_account, amount> out;
  for (const auto& [a, v] : all)
    if (a.writer == w && v != 0) out.emplace(a, v);
  return out;
}

/// The own fold of a node as it lies on its disk.
std::map<ledger_account, amount> durable_balances(const kv_store& disk) {
  std::map<ledger_account, amount> out;
  auto c = disk.scan(family::state, bytes(1, balance_prefix));
  for (; c->valid() && c->key()[0] == balance_prefix; c->next()) {
    auto a = parse_balance_key(c->key());
    auto v = decode_balance(c->value());
    ensure(a && v, "a balance on disk decodes");
    if (*v != 0) out.emplace(*a, *v);
  }
  return out;
}

void same_balances(const std::map<ledger_account, amount>& a, const std::map<ledger_account, amount>& b,
                   const std::string& what) {
  if (a == b) return;
  std::string text = what;
  for (const auto& [k, v] : a)
    if (auto it = b.find(k); it == b.end() || it->second != v)
      text += "; " + account_name(k) + " " + std::to_string(v) + " against " +
              std::to_string(it == b.end() ? 0 : it->second);
  for (const auto& [k, v] : b)
    if (!a.count(k)) text += "; " + account_name(k) + " 0 against " + std::to_string(v);
  throw broken(text);
}

stream_id journal_of(const writer_id& w) { return {w, sub_stream::journal, {}}; }

bool current(const world& w, const writer_id& writer) {
  const auto& n = w.nodes().at(writer.node);
  return n.st && !n.outcast && n.st->ledger().self() == writer;
}

/// How many entries of a journal survived somewhere: all, unless its disk was replaced.
std::uint64_t survived(const world& w, const writer_id& writer) {
  const auto& n = w.nodes().at(writer.node);
  bool forked = w.how().restore == restore_kind::forked && w.truth().was_restored(writer);
  if (forked || !here(n)) return stream_reader(w.nodes().at(head_office).disk).size(journal_of(writer));
  auto own = stream_reader(w.nodes().at(writer.node).disk).size(journal_of(writer));
  return std::max(own, stream_reader(w.nodes().at(head_office).disk).size(journal_of(writer)));
}

/// Whether what is held of a region's old life differs by what it adopted before a dark store told it so.
bool differs_by_adopts(const stream_reader& reader, const stream_id& id, const std::vector<bytes>& entries) {
  bool differs = false;
  for (std::uint64_t i = 0, size = reader.size(id); i < size; ++i) {
    auto data = reader.entry_of(id, i, {head_office, {}});
    ensure(data.ok(), "what head office holds is readable");
    differs = differs || i >= entries.size() || *data != entries[static_cast<std::size_t>(i)];
    if (differs && peek_kind(*data) != entry_kind::adopt) return false;
  }
  return differs;
}

// Head office holds every journal up to its durable head, and it is the one that its writer wrote.
void check_journals(const world& w) {
  const auto& hq = w.nodes().at(head_office);
  stream_reader reader(hq.disk);
  for (const auto& [writer, entries] : w.truth().journals()) {
    auto id = journal_of(writer);
    auto size = reader.size(id);
    bool lost = w.truth().was_restored(writer);
    const auto& n = w.nodes().at(writer.node);
    if (lost && w.unknowing_region() && writer.node == w.restored() && differs_by_adopts(reader, id, entries)) continue;
    bool forked = lost && w.how().restore == restore_kind::forked;  // the copy has entries that nobody else takes
    ensure(lost ? forked || !here(n) || size >= stream_reader(n.disk).size(id) : size == entries.size(),
           "head office has " + std::to_string(size) + " entries of " + writer_name(writer) + ", which wrote " +
               std::to_string(entries.size()));
    ensure(size <= entries.size(), "head office has entries of " + writer_name(writer) + " that it never wrote");
    merkle_frontier f;
    for (std::uint64_t i = 0; i < size; ++i)
      f.append(merkle_leaf(entries[static_cast<std::size_t>(i)]));
    auto held = reader.frontier(id);
    ensure(held && held->root() == f.root(), "head office has another root of " + writer_name(writer));
    auto again = root_at(size, reader.nodes(id, {head_office, {}}));
    ensure(again && *again == f.root(), "the stored tiles of " + writer_name(writer) + " give another root");
  }
}

void check_approvals(const world& w) {
  stream_reader reader(w.nodes().at(head_office).disk);
  for (const auto& [place, e] : w.truth().approved()) {
    if (place.seq >= survived(w, place.writer)) {
      ensure(w.truth().was_restored(place.writer) && w.may_be_gone(place.writer),
             "an approved answer is gone: " + describe(e));
      continue;
    }
    auto data = reader.entry_of(journal_of(place.writer), place.seq, {head_office, {}});
    ensure(data && *data == encode_entry(e), "an approved answer is not at head office: " + describe(e));
  }
  // And nothing was done that no till was told of, since tills ask until they know.
  for (const auto& [writer, entries] : w.truth().journals()) {
    if (w.nodes().at(writer.node).role != node_role::store || w.truth().was_restored(writer) || !current(w, writer))
      continue;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      auto e = decode_entry(entries[i]);
      if (e->counter != 0)
        ensure(w.truth().approved().count({writer, i}) != 0, "done, but never answered: " + describe(*e));
    }
  }
}

// Everybody's own fold, head office's view of it, the region's view, and the oracle's bookkeeping are one.
void check_folds(const world& w) {
  std::vector<node_id> watchers;
  for (const auto& [id, n] : w.nodes())
    if (n.role != node_role::store) watchers.push_back(id);
  for (const auto& [id, n] : w.nodes()) {
    if (!here(n)) continue;
    auto self = n.st->ledger().self();
    auto own = balances_of(durable_balances(n.disk), self);
    for (auto watcher : watchers) {
      if (watcher != head_office && watcher != id && (n.parents.empty() || n.parents.front() != watcher)) continue;
      auto seen = balances_of(w.nodes().at(watcher).st->seen().all().balances(), self);
      same_balances(own, seen, name(watcher) + " sees " + name(id) + " otherwise than it sees itself");
      for (const auto& writer : w.nodes().at(watcher).st->seen().writers())
        ensure(w.nodes().at(writer.node).outcast || w.nodes().at(watcher).st->seen().contested_of(writer) == 0,
               name(watcher) + " contests entries of " + writer_name(writer));
    }
  }
  const auto& seen = w.nodes().at(head_office).st->seen();
  for (const auto& [id, n] : w.nodes()) {
    if (!here(n) || n.role != node_role::store) continue;
    auto self = n.st->ledger().self();
    ensure(pieces_left(n.st->ledger().st(), self, product_id{1}) == pieces_left(seen.st(), self, product_id{1}),
           name(id) + " and head office count other pieces of a gift");
  }
  for (const auto& [right, v] : w.truth().rights()) {
    const auto& [writer, account, unit] = right;
    if (w.truth().was_restored(writer)) continue;
    auto purse = base_of({unit});  // a unit has one purse, and all its months count; money a second, the deposit
    auto a = account == 0 ? quota_account(writer, {unit}) : hold_account(writer, {account}, purse, 0, {unit});
    auto there = account == 0 ? -seen.st().balance(a) : holding(seen.st(), writer, {account}, purse);
    if (account != 0 && unit == main_unit.value) there += holding(seen.st(), writer, {account}, purse_deposit);
    ensure(there == v, "head office and the truth differ on " + account_name(a) + ": " + std::to_string(there) + ", " +
                           std::to_string(v));
    ensure(v >= 0 || must_hold_credit(a) == false, "a right below zero: " + account_name(a));
  }
}

// What was loaded and not spent is held somewhere or on its way; on its way only to a life that ended.
void check_value(const world& w) {
  for (const auto& [pair, count] : w.truth().unreceived())
    ensure(!current(w, pair.second) || w.truth().was_restored(pair.first),
           std::to_string(count) + " transfers from " + writer_name(pair.first) + " never reached " +
               writer_name(pair.second));
  if (w.ended().value != 0) return check_restored_value(w);
  std::map<std::uint64_t, amount> held;
  for (const auto& [a, v] : w.nodes().at(head_office).st->seen().all().balances())
    if ((a.type == account_type::hold || a.type == account_type::held) && a.unit == main_unit) held[a.a] -= v;
  for (auto c : accounts_of(w)) {
    ensure(owed_by(w, c) == w.truth().owed(c), "account " + std::to_string(c.value) + " owes " +
                                                   std::to_string(w.truth().owed(c)) + ", and head office sees " +
                                                   std::to_string(owed_by(w, c)));
    ensure(held[c.value] == w.truth().balance(c) + w.truth().owed(c),
           "account " + std::to_string(c.value) + ": " + std::to_string(w.truth().balance(c)) +
               " were loaded and not spent, " + std::to_string(held[c.value]) + " are held");
  }
  std::map<std::pair<std::uint64_t, std::uint32_t>, amount> units;
  for (const auto& [a, v] : w.nodes().at(head_office).st->seen().all().balances())
    if ((a.type == account_type::hold || a.type == account_type::held) && a.unit != main_unit)
      units[{a.a, static_cast<std::uint32_t>(a.b & UINT32_MAX)}] -= v;
  for (const auto& [of, n] : w.truth().units())
    ensure(units[of] == n, "account " + std::to_string(of.first) + " purse " + std::to_string(of.second) + ": " +
                               std::to_string(n) + " were given and not taken, " + std::to_string(units[of]) +
                               " are held");
  amount transit = 0;
  for (const auto& [a, v] : w.nodes().at(head_office).st->seen().all().balances())
    if (a.type == account_type::transit) transit += v;
  ensure(transit == 0, "transit does not net to zero at head office");
  for (const auto& [k, v] : w.nodes().at(head_office).st->seen().all().cells())
    ensure(k.type != cell_type::transfer, "a half of a transfer waits for its other half");
}

void check_holds(const world& w) {
  for (const auto& [id, n] : w.nodes()) {
    if (!here(n) || n.role != node_role::store || n.st->ledger().stopped() != errc::ok) continue;
    auto& ledger = n.st->ledger();
    auto open = w.truth().open_holds(ledger.self());
    ensure(open_holds(ledger.st(), ledger.self()) == static_cast<std::int64_t>(open.size()),
           name(id) + " counts other authorisations than it has");
  }
}

// All nodes know the same cards, rules and neighbours.
void check_directory(const world& w) {
  const auto& hq = w.nodes().at(head_office).st->ledger();
  for (const auto& [id, n] : w.nodes()) {
    if (!here(n)) continue;
    const auto& own = n.st->ledger();
    ensure(own.rules().version_at(UINT32_MAX) == hq.rules().version_at(UINT32_MAX), name(id) + " has other rules");
    check_goods(own.rules(), hq.rules(), n);
    for (auto c : cards_of(w)) {
      auto here = card_of(own.st(), c), there = card_of(hq.st(), c);
      ensure(
          here && there && here->status == there->status && here->version == there->version && here->pin == there->pin,
          name(id) + " has another state of card " + std::to_string(c.value));
      ensure(standing_of(own.st(), own.self(), c, *here, {}).status == there->status,
             name(id) + " has an answer to its claim of card " + std::to_string(c.value) + " outstanding");
      ensure(!own_pin(own.st(), own.self(), c, *here),
             name(id) + " has an answer to a PIN of card " + std::to_string(c.value) + " outstanding");
    }
    for (const auto& [other, o] : w.nodes())
      ensure(node_of(own.st(), other).has_value(), name(id) + " does not know " + name(other));
  }
}

}  // namespace

// By each store's own business time, which may jump when it hears of head office's: a look follows within a minute.
bool timed_out(const world& w, std::string* why) {
  constexpr unix_seconds slack = 3 * 60;
  for (const auto& [id, n] : w.nodes()) {
    if (!here(n) || n.role != node_role::store || n.st->ledger().stopped() != errc::ok) continue;
    auto& ledger = n.st->ledger();
    for (auto seq : w.truth().open_holds(ledger.self()))
      if (decide_time_out(ledger.at(w.wall(n) - slack), seq)) {
        if (why) *why = "an authorisation of " + name(id) + " is open behind its deadline: " + std::to_string(seq);
        return false;
      }
  }
  return true;
}

// What customers owed was asked for wherever they had it.
bool debts_asked(const world& w, std::string* why) {
  const auto no = [&](std::string text) {
    if (why) *why = std::move(text);
    return false;
  };
  const auto& hq = *w.nodes().at(head_office).st;
  for (const auto& [a, v] : hq.seen().all().balances()) {
    if (a.type != account_type::debt || v <= 0 || !current(w, a.writer)) continue;
    auto purse = static_cast<std::uint32_t>(a.b);
    if (a.writer.node != head_office) return no(account_name(a) + " did not travel up");
    for (const auto& writer : hq.seen().writers())
      if (current(w, writer) && holding(hq.seen().st(), writer, {a.a}, purse) > 0)
        return no(account_name(a) + " is " + std::to_string(v) + " and was not paid from " + writer_name(writer));
  }
  return true;
}

namespace {

// The product's own audit comes to the same conclusion on every node.
void check_audits(const world& w) {
  for (const auto& [id, n] : w.nodes()) {
    if (n.gone || n.outcast || (w.counted().outcast > 0 && n.role != node_role::store)) continue;
    auto report = audit(n.disk, {std::string(world::chain), w.root()}, w.with(), {});
    ensure(report.ok(), "the audit of " + name(id) + " does not run: " + (report ? "" : report.error().detail));
    ensure(report->back_due == 0, "head office owes units that expired only because of where they lay");
    for (const auto& line : report->lines)
      for (const auto& p : line.problems)
        throw broken("the audit of " + name(id) + " finds in \"" + line.check + "\", " + p.where +
                     (p.seq ? " #" + std::to_string(*p.seq) : "") + ": expected " + p.expected + ", found " + p.found);
  }
}

// 9. Head office prices every entry again and finds no other figures, whatever it had to begin anew meanwhile.
void check_second_look(const world& w) {
  const auto& hq = w.nodes().at(head_office);
  auto look = reexecution::open(hq.disk);
  ensure(look.ok(), "notes about prices are readable");
  auto before = (*look)->counted().entries;
  ensure((*look)->step(SIZE_MAX).ok(), "prices are looked at again");
  ensure(before > 0 || (*look)->counted().entries < 1'000, "head office looked at no price while it ran");
  for (const auto& d : (*look)->differences())
    throw broken("head office prices entry " + std::to_string(d.seq) + " of " + writer_name(d.writer) +
                 " again: expected " + d.expected + ", found " + d.found);
  auto behind = (*look)->counted().behind;
  ensure(behind == 0 || w.counted().outcast > 0, std::to_string(behind) + " entries are not priced again");
}

// 8. Clearing nets to zero with what lies on cards, counted from the entries and by head office's own books.
void check_clearing(const world& w) {
  for (const auto& [id, n] : w.nodes()) {
    if (n.gone || n.outcast || n.role == node_role::store || (w.counted().outcast > 0)) continue;
    certificate_book book(std::string(world::chain), w.root(), w.with());
    load_certificates(n.disk, book);
    auto r = settle(n.disk, book, {0, 1'000'000, {}});
    ensure(r.ok(), "the settlement of " + name(id) + " does not run: " + (r ? "" : r.error().detail));
    amount sum = 0;
    for (const auto& [node, line] : r->nodes)
      sum += line.owes;
    ensure(sum == r->pool && r->pool == r->money + r->units, "clearing does not net to zero at " + name(id));
    ensure(r->money + r->aside == r->on_cards, "the settlement of " + name(id) + " finds " + std::to_string(r->money) +
                                                   " on cards, and " + std::to_string(r->aside) + " aside; its fold " +
                                                   std::to_string(r->on_cards));
  }
}

}  // namespace

bool drained(const world& w, std::string* why) {
  auto no = [&](std::string text) {
    if (why) *why = std::move(text);
    return false;
  };
  for (const auto& [id, n] : w.nodes()) {
    if (n.gone && (w.how().ending == ending::burn || w.how().ending == ending::retire)) continue;
    if (!n.st) return no(name(id) + " is down");
    if (n.outcast) continue;
    if (!n.st->idle() || n.flight) return no(name(id) + " is busy");
    for (const auto& t : n.tills)
      if (t.pending) return no("a till of " + name(id) + " waits");
    if (!n.parents.empty() && !n.links.count(n.parents.front())) return no(name(id) + " has no link");
    for (const auto& [peer, l] : n.links)
      if (here(w.nodes().at(peer)) && l.session->backlog() != 0)
        return no(name(id) + " still has " + std::to_string(l.session->backlog()) + " entries for " + name(peer));
  }
  const auto& hq = w.nodes().at(head_office);
  stream_reader above(hq.disk);
  for (const auto& [id, n] : w.nodes()) {
    if (id == head_office || !here(n)) continue;
    auto journal = n.st->ledger().journal();
    auto size = stream_reader(n.disk).size(journal);
    if (above.size(journal) != size) return no("head office lacks entries of " + name(id));
    auto c = n.st->cosigned();
    if (!c || c->size != size) return no("head office has not cosigned all of " + name(id));
    if (n.st->ledger().rules().version_at(UINT32_MAX) != hq.st->ledger().rules().version_at(UINT32_MAX))
      return no(name(id) + " has rules " + std::to_string(n.st->ledger().rules().version_at(UINT32_MAX)) +
                ", head office " + std::to_string(hq.st->ledger().rules().version_at(UINT32_MAX)) + ", directory " +
                std::to_string(stream_reader(n.disk).size({hq.st->ledger().self(), sub_stream::directory, {}})) +
                " of " + std::to_string(above.size({hq.st->ledger().self(), sub_stream::directory, {}})));
  }
  if (w.uneven_returns() > 0) return no("there are units of returns to even out");
  for (const auto& [id, n] : w.nodes())
    if (n.role != node_role::store && here(n) && !n.st->seen().open_cases().empty()) return no(name(id) + " has cases");
  if (auto v = w.restored(); v.value != 0 && w.nodes().at(v).st->ledger().self().epoch == w.nodes().at(v).cert.epoch)
    return no("nobody noticed that " + name(v) + " was restored");
  if (auto v = w.ended(); v.value != 0) {
    const auto& n = w.nodes().at(v);
    auto record = node_of(hq.st->ledger().st(), v);
    if (n.outcast && !hq.st->is_revoked(v)) return no("head office has not revoked " + name(v));
    if (n.outcast)
      return n.st->ledger().stopped() == errc::revoked || no(name(v) + " does not know that it was revoked");
    if (!record || record->epoch != (n.gone ? epoch_id{} : n.st->ledger().self().epoch))
      return no("head office has not closed the epoch of " + name(v));
  }
  return true;
}

void check_quiet(const world& w) {
  std::string why;
  bool still = drained(w, &why);
  ensure(still, "not quiet any more: " + why);
  check_journals(w);
  check_approvals(w);
  check_folds(w);
  check_value(w);
  check_holds(w);
  ensure(timed_out(w, &why), why);
  ensure(w.ended().value != 0 || debts_asked(w, &why), why);
  check_directory(w);
  check_rulings(w);
  check_audits(w);
  check_second_look(w);
  check_clearing(w);
}

}  // namespace tally::sim
