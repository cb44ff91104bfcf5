// Lives that ended: what lay there is granted anew, once.
#include "sim/invariants.hpp"
#include "sim/world.hpp"
#include "storage/entry_codec.hpp"
#include "sync/station_facts.hpp"

namespace tally::sim {
namespace {

stream_id life_journal(const writer_id& w) { return {w, sub_stream::journal, {}}; }

/// What a life that was closed spent behind the place where it was closed: honoured, and lost if it was granted anew.
amount late_spending(const world& w, account_id account) {
  amount sum = 0;
  const auto& hq = w.nodes().at(head_office).st->ledger().st();
  for (const auto& [writer, entries] : w.truth().journals()) {
    auto closed = closing_of(hq, writer);
    if (!closed) continue;
    auto from_there = [&](std::uint64_t size) {
      return w.truth().known_balance(account, [&](const writer_id& other) { return other == writer ? size : 0; });
    };
    // All that left head office is known again; what it had loaded and told nobody may have been spent below.
    if (writer.node == head_office) {
      sum += std::max<amount>(from_there(entries.size()) - from_there(w.truth().closed_first(writer)), 0);
      continue;
    }
    // The first closing counts: a successor that was named later moved the recorded place on. One that head office lost
    // with its disk does not: it closes again, with what it has.
    // What it sent on from there may be spent elsewhere.
    const auto first = std::min(w.truth().closed_first(writer), closed->size);
    for (auto i = first; i < entries.size(); ++i)
      if (auto e = decode_entry(entries[i]); e && e->kind == entry_kind::send && e->account == account)
        for (const auto& v : e->values)
          if (v.unit == main_unit) sum += v.amount;
    // With no days of doubt what turns up late is granted at once, as far as it is here.
    amount most = from_there(first);
    for (auto i = first; !closed->complete() && w.how().doubt_days == 0 && i < entries.size(); ++i)
      most = std::max(most, from_there(i));
    sum += std::max<amount>(most - from_there(entries.size()), 0);
  }
  return sum;
}

/// The receiver is in doubt itself, or it was seen to receive and the half was booked before the send turned up.
bool waits_or_came(const world& w, const cell_key& transfer) {
  const auto& hq = *w.nodes().at(head_office).st;
  auto receiver = closing_of(hq.st(), transfer.peer);
  if (receiver && !receiver->complete() && w.how().doubt_days > 0) return true;
  auto received = number(hq.seen().st(), channel_key(false, transfer.writer, transfer.peer));
  return static_cast<std::uint64_t>(received) >= transfer.a;
}

/// What a closed life had taken in its lost end it sent on as well: then its holding is below zero, and the send that
/// it took does not return.
bool was_sent_on(const world& w, const writer_id& closed, const cell& half) {
  auto sent = parse_transfer_text(half.data);
  if (!sent) return false;
  const auto& seen = w.nodes().at(head_office).st->seen().all().balances();
  return std::any_of(sent->second.begin(), sent->second.end(), [&](const value_item& v) {
    auto held = hold_account(closed, sent->first, v.purse, v.bucket, v.unit);
    amount left = 0;
    for (const auto& [a, n] : seen)
      if (a == held || (a.type == account_type::doubt && a == doubt_account(a.writer, closed, held))) left -= n;
    return left < 0;
  });
}

/// By whichever life of head office.
amount granted_anew(const observer& seen, const writer_id& closed, const ledger_account& held) {
  amount sum = 0;
  for (const auto& w : seen.writers())
    if (w.node == head_office) sum += seen.st().balance(doubt_account(w, closed, held));
  return sum;
}
/// A burned store right below head office, whose end head office alone had, and lost: what others had got of that,
/// nobody can explain, and an alarm says so.
bool lost_twice(const world& w) {
  const auto& hq = w.nodes().at(head_office);
  if (w.restored() != head_office || w.how().ending != ending::burn) return false;
  for (const auto& life : w.nodes().at(w.ended()).lives)
    if (auto closed = closing_of(hq.st->ledger().st(), life))
      if (stream_reader(hq.disk).size(life_journal(life)) < closed->size) return true;
  return false;
}

/// Of what its present life wrote last.
std::uint32_t date_of(const sim_node& hq) {
  const auto& own = hq.st->ledger();
  return business_date(own.st(), own.self(), 0, 0);
}

/// Whether all that lay at this life was to be granted anew.
bool was_due(const world& w, const writer_id& writer) {
  const auto& hq = w.nodes().at(head_office);
  auto closed = closing_of(hq.st->ledger().st(), writer);
  if (!closed) return false;
  const bool whole = w.has_whole(writer, *closed);
  if (!whole && w.how().doubt_days > 0) return false;
  // The days of doubt, however few, are counted by head office's own date, and its clock may have gone back since.
  if (!whole && date_of(hq) < closed->day) return false;
  // Of a revoked node nothing is granted anew while a right stands that nothing proves: the send that a late receive
  // names may have returned before.
  return !revoking_of(hq.st->ledger().st(), writer) || !hq.st->seen().any_unproven(writer);
}

/// What a closed life of head office had sent in its lost end to a life that is in doubt itself: until that is over,
/// the receiver may turn up and have taken it.
amount sent_into_doubt(const world& w, const writer_id& closed, const ledger_account& held) {
  auto journal = w.truth().journals().find(closed);
  if (closed.node != head_office || journal == w.truth().journals().end()) return 0;
  amount sum = 0;
  for (auto i = w.truth().closed_first(closed); i < journal->second.size(); ++i) {
    auto e = decode_entry(journal->second[i]);
    if (!e || e->kind != entry_kind::send || e->account.value != held.a ||
        !closing_of(w.nodes().at(head_office).st->ledger().st(), e->peer) || was_due(w, e->peer))
      continue;
    for (const auto& v : e->values)
      if (held == hold_account(closed, e->account, v.purse, v.bucket, v.unit)) sum += v.amount;
  }
  return sum;
}
bool was_sent_into_doubt(const world& w, const writer_id& closed, const cell& half) {
  auto sent = parse_transfer_text(half.data);
  return sent && std::ranges::any_of(sent->second, [&](const value_item& v) {
           return sent_into_doubt(w, closed, hold_account(closed, sent->first, v.purse, v.bucket, v.unit)) > 0;
         });
}

}  // namespace

amount owed_by(const world& w, account_id account) {
  amount sum = 0;
  for (const auto& [a, v] : w.nodes().at(head_office).st->seen().all().balances())
    if (a.type == account_type::debt && a.unit == main_unit && a.a == account.value) sum += v;
  return sum;
}

bool granted(const world& w, std::string* why) {
  if (w.ended().value == 0) return true;
  const auto& seen = w.nodes().at(head_office).st->seen();
  for (const auto& writer : seen.writers()) {
    if (!was_due(w, writer)) continue;
    for (const auto& [a, v] : seen.all().balances()) {
      if (a.type != account_type::hold || a.writer != writer) continue;
      if (-v <= granted_anew(seen, writer, a) + sent_into_doubt(w, writer, a)) continue;
      if (why)
        *why = account_name(a) + " of a closed epoch was not granted anew: " + std::to_string(-v) + " there, " +
               std::to_string(seen.unproven(writer).rights) + " unproven, " +
               std::to_string(seen.contested_of(writer)) + " contested";
      return false;
    }
  }
  return true;
}

void check_restored_value(const world& w) {
  const auto& hq = w.nodes().at(head_office);
  const auto& seen = hq.st->seen();
  stream_reader reader(hq.disk);
  auto size = [&](const writer_id& writer) { return reader.size(life_journal(writer)); };
  amount known = 0, there = 0;
  for (auto c : accounts_of(w)) {
    auto n = w.truth().known_balance(c, size);
    auto late = late_spending(w, c);
    // With no days of doubt head office grants at its own risk what may have been spent already.
    // A debt may be on its way to a life that ended, where transit does not say whose it is.
    bool at_once = w.how().doubt_days == 0 && w.how().restore != restore_kind::top;
    ensure(n + late + owed_by(w, c) >= 0 || at_once || w.how().risk || lost_twice(w),
           "account " + std::to_string(c.value) + ": head office knows of more spent than loaded");
    known += n;
  }
  for (const auto& [a, v] : seen.all().balances())
    if (a.unit == main_unit &&
        (a.type == account_type::hold || a.type == account_type::held || a.type == account_type::doubt ||
         a.type == account_type::transit || a.type == account_type::debt || a.type == account_type::contested))
      there -= v;
  ensure(known == there, "head office knows of " + std::to_string(known) + " loaded and not spent, and of " +
                             std::to_string(there) + " held, on the way or in doubt");
  if (std::string why; !granted(w, &why)) throw broken(why);
  for (const auto& writer : seen.writers()) {
    if (!was_due(w, writer)) continue;
    for (const auto& [k, c] : seen.all().cells())
      ensure(k.type != cell_type::transfer || k.b != 1 || (k.peer != writer && k.writer != writer) ||
                 (k.writer == writer && waits_or_came(w, k)) || was_sent_on(w, k.peer, c) ||
                 was_sent_into_doubt(w, k.peer, c),
             "a send from " + writer_name(k.writer) + " to " + writer_name(k.peer) + " did not return: number " +
                 std::to_string(k.a) + ", half " + std::to_string(k.b) + ", " + c.data);
  }
}

}  // namespace tally::sim
