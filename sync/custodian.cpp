#include "sync/custodian.hpp"

#include <algorithm>

namespace tally {

void custodian::asked(node_id from, const ask_message& m, tick_ms now, unix_seconds wall, custody& c) {
  auto it = open_.find({from, m.id});
  if (it != open_.end()) {
    if (it->second.ended) c.tell(from, it->second.end);
    return;
  }
  if (open_.size() >= asks_max || m.amount < 0) {
    c.tell(from, {m.id, 0, 0, wall, m.amount < 0 ? errc::bad_amount : errc::busy});
    return;
  }
  job j;
  j.requester = from;
  j.id = m.id;
  j.account = m.account;
  j.purse = m.purse;
  j.wanted = m.amount;
  j.deadline = now + std::min<tick_ms>(m.wait_ms, wait_max_ms);
  start(std::move(j), now, wall, c);
}

void custodian::need(std::uint64_t request, account_id account, std::uint32_t purse, amount wanted,
                     std::uint32_t wait_ms, tick_ms now, unix_seconds wall, custody& c) {
  if (open_.size() >= asks_max) return c.finished(request, account, {request, 0, 0, wall, errc::busy});
  job j;
  j.id = request;
  j.account = account;
  j.purse = purse;
  j.wanted = wanted;
  j.deadline = now + std::min<tick_ms>(wait_ms, wait_max_ms);
  start(std::move(j), now, wall, c);
}

void custodian::start(job first, tick_ms now, unix_seconds wall, custody& c) {
  auto [it, fresh] = open_.emplace(key{first.requester, first.id}, std::move(first));
  if (!fresh) return;
  auto& j = it->second;
  j.word = c.is_top();
  if (j.wanted == 0)
    for (const auto& u : c.units_elsewhere(j.account, j.requester))
      j.units[u.purse] += std::clamp<amount>(u.units, 0, amount_max);
  serve(j, c);
  auto left = static_cast<std::uint32_t>(std::max<tick_ms>(j.deadline - now, 0));
  // A question stays one, whatever of the account lies here.
  const auto lacks = j.wanted == 0 ? 0 : missing(j, c);
  if (lacks > 0 || j.wanted == 0) {
    for (auto n : c.sources(j.account, j.purse, j.requester)) {
      // A question (amount 0) goes to the parent only: what children hold is known here.
      if (j.wanted == 0 && !c.is_parent(n)) continue;
      auto id = next_id_++;
      j.asked.emplace(id, n);
      // Less time for those further away, so that their end reaches us before ours is due.
      c.ask(n, {id, j.account, j.purse, lacks, left - left / 10});
    }
  }
  advance(j, wall, c);
}

amount custodian::missing(const job& j, const custody& c) {
  return j.wanted - (j.requester.value == 0 ? c.held_here(j.account, j.purse) : j.given);
}

void custodian::serve(job& j, custody& c) {
  if (j.requester.value == 0 || j.given >= j.wanted) return;
  auto n = std::min(c.held_here(j.account, j.purse), j.wanted - j.given);
  if (n > 0) j.given += c.give(j.requester, j.account, j.purse, n, j.id);
}

void custodian::advance(job& j, unix_seconds wall, custody& c) {
  if (j.ended) return;
  serve(j, c);
  bool full = j.wanted > 0 && missing(j, c) <= 0;
  if (full || (j.asked.empty() && j.came >= j.promised)) finish(j, errc::ok, wall, c);
}

void custodian::finish(job& j, errc code, unix_seconds wall, custody& c) {
  // To a till "nothing elsewhere" and "nobody told" are not the same.
  if (j.blind && code == errc::ok && j.requester.value == 0) code = errc::offline;
  j.ended = true;
  // What went away through here is in no journal of this side any more, and the parent's word is without what it gave;
  // of that, what has not come lies on its way.
  auto lies = std::clamp<amount>(c.elsewhere(j.account, j.purse, j.requester), 0, amount_max);
  lies += j.above + std::max<amount>(j.above_gave - j.came, 0);
  j.end = {j.id, j.given, lies, j.word ? wall : 0, code, {}};
  for (auto [purse, n] : j.units)
    if (n > 0) j.end.units.push_back({purse, n});
  if (j.requester.value != 0) {
    c.tell(j.requester, j.end);
  } else {
    c.finished(j.id, j.account, j.end);
  }
}

void custodian::told(node_id from, const told_message& m, tick_ms, unix_seconds wall, custody& c) {
  for (auto& [k, j] : open_) {
    auto it = j.asked.find(m.id);
    if (it == j.asked.end() || it->second != from) continue;
    j.asked.erase(it);
    // The rights travel in their own stream and may come after this word.
    j.promised += std::clamp<amount>(m.granted, 0, amount_max);
    // Who had no time to ask on still says what its journals say; who refused the question knows nothing.
    bool knows = m.code == errc::ok || m.code == errc::timeout;
    if (c.is_parent(from) && !knows) j.blind = true;
    if (c.is_parent(from)) {
      j.word = knows && m.as_of != 0;
      j.above = std::clamp<amount>(m.elsewhere, 0, amount_max);
      j.above_gave = std::clamp<amount>(m.granted, 0, amount_max);
      for (const auto& u : m.units)
        if (j.wanted == 0 && (j.units.size() < told_units_max || j.units.count(u.purse)))
          j.units[u.purse] += std::clamp<amount>(u.units, 0, amount_max);
    }
    return advance(j, wall, c);
  }
}

void custodian::arrived(account_id account, std::uint32_t purse, amount n, unix_seconds wall, custody& c) {
  for (auto& [k, j] : open_) {
    if (j.ended || j.account != account || j.purse != purse) continue;
    j.came += n;  // in either order with the word that promised it
    advance(j, wall, c);
  }
}

void custodian::lost(node_id neighbour, unix_seconds wall, custody& c) {
  for (auto& [k, j] : open_) {
    if (j.ended) continue;
    auto gone = std::erase_if(j.asked, [&](const auto& a) { return a.second == neighbour; });
    if (gone > 0 && c.is_parent(neighbour)) j.blind = true;
    advance(j, wall, c);
  }
}

tick_ms custodian::next_due() const {
  auto due = tick_never;
  for (const auto& [k, j] : open_)
    due = std::min(due, j.deadline);
  return due;
}

void custodian::tick(tick_ms now, unix_seconds wall, custody& c) {
  for (auto it = open_.begin(); it != open_.end();) {
    auto& j = it->second;
    if (now < j.deadline) {
      ++it;
      continue;
    }
    if (!j.ended) finish(j, errc::timeout, wall, c);
    it = open_.erase(it);
  }
}

}  // namespace tally
