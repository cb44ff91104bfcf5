#include "sync/outbox.hpp"

#include <algorithm>

#include "ledger/entry.hpp"
#include "storage/varint.hpp"

namespace tally {
namespace {

constexpr std::uint8_t record_form = 1;
constexpr std::size_t text_max = 16;

/// A clock that was set back makes nothing last longer.
bool is_over(unix_seconds since, unix_seconds lasts, unix_seconds now) { return now < since || now - since >= lasts; }

/// What is counted against limits: a clock that was set back a little makes them no wider.
bool is_near(unix_seconds at, unix_seconds window, unix_seconds now) {
  return now < at ? at - now < window : now - at < window;
}

}  // namespace

bytes encode_outbox_message(const outbox_message& m) {
  byte_writer w;
  w.u8(record_form);
  w.uv(m.number);
  w.u64be(m.question);
  w.uv(m.store.value);
  w.uv(m.card.value);
  w.sv(m.up_to);
  w.sv(m.at);
  w.sv(m.expires);
  w.str(m.ends_in);
  w.str(m.code);
  return w.take();
}

result<outbox_message> decode_outbox_message(byte_view data) {
  byte_reader r(data);
  outbox_message m;
  if (r.u8() != record_form) r.fail();
  m.number = r.uv(INT64_MAX);
  m.question = r.u64be();
  m.store.value = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  m.card.value = r.uv();
  m.up_to = r.sv();
  m.at = r.sv();
  m.expires = r.sv();
  m.ends_in = r.str(text_max);
  m.code = r.str(text_max);
  if (!r.ok() || !r.at_end() || m.number == 0) return error{errc::corrupt, "a message of the outbox"};
  return m;
}

void outbox::restore(outbox_message m) {
  m.taken = 0;
  auto number = m.number;
  kept_.insert_or_assign(number, std::move(m));
}

std::optional<outbox::refusal> outbox::may_send(unix_seconds now, node_id store, account_id card) const {
  std::size_t waits = 0, of_card = 0, of_store = 0;
  unix_seconds card_since = now, store_since = now;
  for (const auto& [number, m] : kept_) {
    if (!m.code.empty()) ++waits;
    if (!is_near(m.at, limits_.window, now)) continue;
    if (m.card == card) ++of_card, card_since = std::min(card_since, m.at);
    if (m.store == store) ++of_store, store_since = std::min(store_since, m.at);
  }
  if (of_card >= limits_.per_card) return refusal{errc::busy, limits_.window - (now - card_since)};
  if (of_store >= limits_.per_store) return refusal{errc::busy, limits_.window - (now - store_since)};
  if (waits >= limits_.waiting_max || kept_.size() >= limits_.kept_max) return refusal{errc::full, 0};
  return std::nullopt;
}

bool outbox::served(node_id store, std::uint64_t question) const {
  return std::ranges::any_of(kept_,
                             [&](const auto& x) { return x.second.question == question && x.second.store == store; });
}

outbox_message outbox::next(unix_seconds now, node_id store, account_id card, std::uint64_t question, amount up_to,
                            std::string ends_in, std::string code) const {
  // Seconds as a beginning, so that a database that was lost, or an old copy of it, gives no number again that some
  // store has seen.
  auto floor = static_cast<std::uint64_t>(std::max<unix_seconds>(now - start_of_day(0), 1));
  auto last = kept_.empty() ? 0 : kept_.rbegin()->first;
  return {.number = std::max(last + 1, floor),
          .question = question,
          .store = store,
          .card = card,
          .up_to = up_to,
          .at = now,
          .expires = now + limits_.good_for,
          .ends_in = std::move(ends_in),
          .code = std::move(code)};
}

std::vector<outbox_message> outbox::add(outbox_message m) {
  std::vector<outbox_message> changed;
  // Its store has no use for the one before: the newest code of a card is the one that counts there.
  for (auto& [number, old] : kept_) {
    if (old.code.empty() || old.store != m.store || old.card != m.card) continue;
    old.code.clear();
    changed.push_back(old);
  }
  changed.push_back(m);
  auto number = m.number;
  kept_.insert_or_assign(number, std::move(m));
  return changed;
}

std::vector<outbox_message> outbox::take(unix_seconds now, std::size_t max) {
  std::vector<outbox_message> out;
  for (auto& [number, m] : kept_) {
    if (out.size() >= max) break;
    if (m.code.empty() || is_over(m.at, m.expires - m.at, now)) continue;
    if (m.taken != 0 && !is_over(m.taken, limits_.again_after, now)) continue;
    m.taken = now;
    out.push_back(m);
  }
  return out;
}

std::optional<outbox_message> outbox::done(std::uint64_t number) {
  auto it = kept_.find(number);
  if (it == kept_.end() || it->second.code.empty()) return std::nullopt;
  it->second.code.clear();
  return it->second;
}

outbox::changes outbox::look(unix_seconds now) {
  changes out;
  for (auto it = kept_.begin(); it != kept_.end();) {
    auto& m = it->second;
    bool newest = std::next(it) == kept_.end();
    if (!newest && !is_near(m.at, limits_.window, now)) {
      out.erase.push_back(m.number);
      it = kept_.erase(it);
      continue;
    }
    if (!m.code.empty() && is_over(m.at, m.expires - m.at, now)) {
      m.code.clear();
      out.store.push_back(m);
    }
    ++it;
  }
  return out;
}

std::vector<outbox_message> outbox::waiting() const {
  std::vector<outbox_message> out;
  for (const auto& [number, m] : kept_)
    if (!m.code.empty()) out.push_back(m);
  return out;
}

}  // namespace tally
