#include "sync/link_budget.hpp"

#include <algorithm>
#include <chrono>

namespace tally {
namespace {

constexpr std::size_t frame_octets = 37;  // ZMTP frame, CURVE command, nonce and seal
constexpr std::size_t segment_octets = 1'388;
constexpr std::size_t headers_octets = 78;  // of a packet, and half of an acknowledgement's packet
constexpr tick_ms hold_max_ms = 3'600'000;
constexpr std::uint64_t entries_max = 4'096;
constexpr std::uint64_t worth_saving = 64 * 1024;

struct place {
  std::uint32_t month = 0;          // yyyymm
  std::uint32_t day = 0, days = 0;  // of the month: counted from 0, and how many there are
};

place place_of(unix_seconds now) {
  using namespace std::chrono;
  auto day = floor<days>(sys_seconds(seconds(std::clamp<unix_seconds>(now, 0, 253'402'300'799))));
  year_month_day d(day);
  auto last = year_month_day(d.year() / d.month() / std::chrono::last).day();
  return {static_cast<std::uint32_t>(static_cast<int>(d.year())) * 100 + static_cast<unsigned>(d.month()),
          static_cast<unsigned>(d.day()) - 1, static_cast<unsigned>(last)};
}

}  // namespace

std::uint64_t octets_on_wire(std::size_t octets) {
  auto all = octets + frame_octets;
  return all + headers_octets * ((all + segment_octets - 1) / segment_octets);
}

void link_budget::turn(unix_seconds now) {
  if (auto month = place_of(now).month; month != month_) {
    month_ = month;
    used_ = saved_ = 0;
  }
}

void link_budget::count(std::size_t octets, unix_seconds now) { add(octets_on_wire(octets), now); }

void link_budget::add(std::uint64_t more, unix_seconds now) {
  turn(now);
  used_ = used_ > UINT64_MAX - more ? UINT64_MAX : used_ + more;
}

// The share of the days that have begun, of seven eighths: the rest is for what somebody waits for.
std::uint64_t link_budget::share(unix_seconds now) const {
  auto p = place_of(now);
  auto all = config_.octets - config_.octets / 8;
  return all / p.days * (p.day + 1) + all % p.days * (p.day + 1) / p.days;
}

link_budget::window link_budget::now_for(unix_seconds now) const {
  window w{config_.hold_ms, config_.entries};
  if (config_.octets == 0 || place_of(now).month != month_) return w;
  auto may = std::max<std::uint64_t>(1, share(now));
  if (used_ <= may) return w;
  // By how much it is ahead decides; a day's share that is used at noon of the 20th weighs less than on the 1st.
  auto ahead = used_ - may;
  auto step = ahead < may / 16 ? 2U : ahead < may / 4 ? 10U : 60U;
  w.hold_ms = std::clamp<tick_ms>(tick_ms{step} * 60'000, w.hold_ms, std::max(w.hold_ms, hold_max_ms));
  w.entries = std::max(w.entries, step == 60 ? entries_max : std::uint64_t{512});
  return w;
}

link_budget::figures link_budget::at(unix_seconds now) const {
  auto month = place_of(now).month;
  return {month, month == month_ ? used_ : 0, config_.octets, now_for(now)};
}

bool link_budget::is_news(unix_seconds now) {
  if (config_.octets == 0 || place_of(now).month != month_ || used_ < config_.octets || told_ == month_) return false;
  told_ = month_;
  return true;
}

bytes link_budget::save() const {
  saved_ = used_;
  byte_writer w;
  w.uv(1);
  w.uv(month_);
  w.uv(used_);
  w.uv(told_);
  return w.take();
}

void link_budget::restore(byte_view data) {
  byte_reader r(data);
  if (r.uv() != 1) return;
  auto month = r.uv(), used = r.uv(), told = r.uv();
  if (!r.at_end() || month > 999'912 || told > 999'912) return;
  month_ = static_cast<std::uint32_t>(month);
  used_ = saved_ = used;
  told_ = static_cast<std::uint32_t>(told);
}

bool link_budget::is_worth_saving() const {
  auto worth = config_.octets == 0 ? worth_saving : std::clamp<std::uint64_t>(config_.octets / 500, 1, worth_saving);
  return used_ - saved_ >= worth;
}

}  // namespace tally
