#include "sync/outbox.hpp"

#include <algorithm>

#include "ledger/entry.hpp"
#include "storage/varint.hpp"

namespace tally {
namespace {

constexpr std::uint8_t code_form = 1, notice_form = 2;
constexpr std::size_t text_max = 16, origin_max = 32;

/// A clock that was set back makes nothing last longer.
bool is_over(unix_seconds since, unix_seconds lasts, unix_seconds now) { return now < since || now - since >= lasts; }

/// What is counted against limits: a clock that was set back a little makes them no wider.
bool is_near(unix_seconds at, unix_seconds window, unix_seconds now) {
  return now < at ? at - now < window : now - at < window;
}

bytes encode_notice_message(const outbox_message& m) {
  byte_writer w;
  w.u8(notice_form);
  w.u8(static_cast<std::uint8_t>(m.kind));
  w.u8(m.over ? 1 : 0);
  w.uv(m.number);
  w.uv(m.card.value);
  w.uv(m.member.value);
  w.uv(m.voucher.value);
  w.sv(m.up_to);
  w.sv(m.at);
  w.sv(m.expires);
  w.uv(m.from);
  w.uv(m.to);
  w.uv(m.day);
  w.str(m.origin);
  return w.take();
}

outbox_message notice_from(byte_reader& r) {
  outbox_message m;
  auto kind = r.u8(), over = r.u8();
  if (kind == 0 || kind >= message_kind_names.size() || over > 1) r.fail();
  m.kind = static_cast<message_kind>(kind);
  m.over = over == 1;
  m.number = r.uv(INT64_MAX);
  m.card.value = r.uv();
  m.member.value = r.uv();
  m.voucher.value = r.uv();
  m.up_to = r.sv();
  m.at = r.sv();
  m.expires = r.sv();
  m.from = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  m.to = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  m.day = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  m.origin = r.str(origin_max);
  return m;
}

}  // namespace

bytes encode_outbox_message(const outbox_message& m) {
  if (m.kind != message_kind::code) return encode_notice_message(m);
  byte_writer w;
  w.u8(code_form);
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
  auto form = r.u8();
  if (form == notice_form) {
    m = notice_from(r);
    if (!r.ok() || !r.at_end() || m.number == 0) return error{errc::corrupt, "a notice of the outbox"};
    return m;
  }
  if (form != code_form) r.fail();
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
  std::size_t kept = 0, waits = 0, of_card = 0, of_store = 0;
  unix_seconds card_since = now, store_since = now;
  for (const auto& [number, m] : kept_) {
    if (m.kind != message_kind::code) continue;
    ++kept;
    if (m.waits()) ++waits;
    if (!is_near(m.at, limits_.window, now)) continue;
    if (m.card == card) ++of_card, card_since = std::min(card_since, m.at);
    if (m.store == store) ++of_store, store_since = std::min(store_since, m.at);
  }
  if (of_card >= limits_.per_card) return refusal{errc::busy, limits_.window - (now - card_since)};
  if (of_store >= limits_.per_store) return refusal{errc::busy, limits_.window - (now - store_since)};
  if (waits >= limits_.waiting_max || kept >= limits_.kept_max) return refusal{errc::full, 0};
  return std::nullopt;
}

bool outbox::served(node_id store, std::uint64_t question) const {
  return std::ranges::any_of(kept_,
                             [&](const auto& x) { return x.second.question == question && x.second.store == store; });
}

errc outbox::may_note(account_id card) const {
  std::size_t all = 0, of_card = 0;
  for (const auto& [number, m] : kept_) {
    if (m.kind == message_kind::code || !m.waits()) continue;
    ++all;
    of_card += m.card == card ? 1U : 0U;
  }
  if (of_card >= limits_.notices_per_card) return errc::busy;
  return all >= limits_.notices_max ? errc::full : errc::ok;
}

bool outbox::more_than_half_full() const {
  auto waits = [](const auto& x) { return x.second.kind != message_kind::code && x.second.waits(); };
  return static_cast<std::size_t>(std::ranges::count_if(kept_, waits)) > limits_.notices_max / 2;
}

bool outbox::has(std::string_view origin) const {
  return std::ranges::any_of(kept_, [&](const auto& x) { return x.second.origin == origin; });
}

outbox_message outbox::next_notice(unix_seconds now, outbox_message m) const {
  m.number = next_number(now);
  m.at = now;
  auto last = now + limits_.notice_good_for;
  m.expires = m.expires == 0 ? last : std::min(m.expires, last);
  return m;
}

std::uint64_t outbox::next_number(unix_seconds now) const {
  // Seconds as a beginning, so that a database that was lost, or an old copy of it, gives no number again that some
  // store has seen.
  auto floor = static_cast<std::uint64_t>(std::max<unix_seconds>(now - start_of_day(0), 1));
  auto last = kept_.empty() ? 0 : kept_.rbegin()->first;
  return std::max(last + 1, floor);
}

outbox_message outbox::next(unix_seconds now, node_id store, account_id card, std::uint64_t question, amount up_to,
                            std::string ends_in, std::string code) const {
  outbox_message m;
  m.number = next_number(now);
  m.question = question;
  m.store = store;
  m.card = card;
  m.up_to = up_to;
  m.at = now;
  m.expires = now + limits_.good_for;
  m.ends_in = std::move(ends_in);
  m.code = std::move(code);
  return m;
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

/// A notice outlives a clock that is set back: nobody is let in by it.
bool outbox::is_too_old(const outbox_message& m, unix_seconds now) const {
  if (m.kind != message_kind::code) return now >= m.expires;
  return is_over(m.at, m.expires - m.at, now);
}

std::vector<outbox_message> outbox::take(unix_seconds now, std::size_t max) {
  std::vector<outbox_message> out;
  for (bool notices : {false, true}) {
    for (auto& [number, m] : kept_) {
      if (out.size() >= max) return out;
      if ((m.kind != message_kind::code) != notices || !m.waits() || is_too_old(m, now)) continue;
      if (m.taken != 0 && !is_over(m.taken, limits_.again_after, now)) continue;
      m.taken = now;
      out.push_back(m);
    }
  }
  return out;
}

std::optional<outbox_message> outbox::done(std::uint64_t number) {
  auto it = kept_.find(number);
  if (it == kept_.end() || !it->second.waits()) return std::nullopt;
  it->second.code.clear();
  it->second.over = it->second.kind != message_kind::code;
  return it->second;
}

outbox::changes outbox::look(unix_seconds now) {
  changes out;
  for (auto it = kept_.begin(); it != kept_.end();) {
    auto& m = it->second;
    bool newest = std::next(it) == kept_.end();
    const bool forgotten = m.kind == message_kind::code ? !is_near(m.at, limits_.window, now) : !m.waits();
    if (!newest && forgotten) {
      out.erase.push_back(m.number);
      it = kept_.erase(it);
      continue;
    }
    if (m.waits() && is_too_old(m, now)) {
      m.code.clear();
      m.over = m.kind != message_kind::code;
      out.store.push_back(m);
    }
    ++it;
  }
  return out;
}

std::vector<outbox_message> outbox::waiting() const {
  std::vector<outbox_message> out;
  for (const auto& [number, m] : kept_)
    if (m.waits()) out.push_back(m);
  return out;
}

}  // namespace tally
