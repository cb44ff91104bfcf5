#include "ledger/cards.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace tally {
namespace {

constexpr int run_bits_max = 20;  // a run is cut into aligned pieces of at most 2^20 accounts

cell_key cell_of(cell_type t, std::uint64_t a, std::uint64_t b, const writer_id& w) {
  return {.type = t, .a = a, .b = b, .writer = w, .peer = {}};
}

std::uint64_t le(byte_view in) {
  std::uint64_t v = 0;
  for (std::size_t i = in.size(); i-- > 0;)
    v = v << 8 | static_cast<unsigned char>(in[i]);
  return v;
}

}  // namespace

int tightness(card_status s) {
  switch (s) {
    case card_status::active: return 0;
    case card_status::stock: return 1;
    case card_status::frozen: return 2;
    case card_status::lost: return 3;
    case card_status::expired: return 4;
    case card_status::blacklisted: return 5;
    case card_status::returned: return 6;
    case card_status::cancelled: return 7;
  }
  return 8;
}

bool is_final(card_status s) { return s == card_status::returned || s == card_status::cancelled; }
bool may_claim(card_status s) { return s == card_status::frozen || s == card_status::lost; }

std::string standing_text(card_status s, std::uint32_t expires) {
  switch (s) {
    case card_status::active: return "in use";
    case card_status::frozen: return "frozen";
    case card_status::lost: return "reported lost";
    case card_status::expired: return expires == 0 ? "expired" : "good until " + date_text(expires);
    case card_status::cancelled: return "cancelled";
    case card_status::stock: return "not sold yet";
    case card_status::returned: return "given back";
    case card_status::blacklisted: return "blacklisted";
  }
  return "in a state that this version does not know";
}

card_standing standing_of(const state& s, const writer_id& self, account_id account, const card_record& card,
                          const card_clock& clock) {
  card_standing out{card.status, card.expires, false};
  // Only what no ordinary card has is looked up.
  if (card.status == card_status::stock)
    if (auto own = s.find(cell_of(cell_type::sold, account.value, 0, self)))
      out = {card_status::active, static_cast<std::uint32_t>(own->n), true};
  if (auto claim = s.find(cell_of(cell_type::claimed, account.value, 0, self)); claim && !claim->data.empty()) {
    auto claimed = static_cast<card_status>(claim->data[0]);
    if (tightness(claimed) > tightness(out.status)) out = {claimed, out.expires, true};
  }
  // Both calendars must have passed the date: a clock that runs ahead takes nothing from a holder.
  bool over =
      out.expires != 0 && clock.hq_time > 0 && clock.business_date > out.expires && day_of(clock.hq_time) > out.expires;
  if (over && tightness(out.status) < tightness(card_status::expired)) out.status = card_status::expired;
  return out;
}

entry card_fact(account_id account, const card_record& card) {
  entry e;
  e.kind = entry_kind::card_state;
  e.account = account;
  e.account_version = card.version + 1;
  e.status = card.status;
  e.card_kind = card.kind;
  e.level = card.level;
  e.expires = card.expires;
  e.birth_month = card.birth_month;
  e.pin = card.pin;
  return e;
}

std::uint32_t expiry_of(const card_kind_rule& kind, std::uint32_t sold_on) {
  if (kind.valid_days != 0) return sold_on + kind.valid_days - 1;
  if (kind.valid_months == 0) return 0;
  // The last day of that month: the one before the next month begins. No month has more than 31 days.
  auto month = add_months(month_of(sold_on), kind.valid_months);
  auto day = sold_on + kind.valid_months * 31;
  while (month_of(day) > month)
    --day;
  while (month_of(day + 1) <= month)
    ++day;
  return day;
}

std::optional<std::uint32_t> day_from(std::string_view text) {
  int y = 0;
  unsigned m = 0, d = 0;
  auto part = [&](std::size_t at, std::size_t n, auto& out) {
    auto [stop, bad] = std::from_chars(text.data() + at, text.data() + at + n, out);
    return bad == std::errc{} && stop == text.data() + at + n;
  };
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !part(0, 4, y) || !part(5, 2, m) || !part(8, 2, d))
    return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(y), std::chrono::month(m), std::chrono::day(d)};
  if (!date.ok() || y < 2020 || y > 2200) return std::nullopt;
  std::chrono::sys_seconds start = std::chrono::sys_days(date);
  return day_of(start.time_since_epoch().count());
}

claim_count claims_on(const state& s, std::uint32_t day, const writer_id& w) {
  claim_count out;
  for (std::uint64_t b : {0U, 1U}) {
    auto c = s.find(cell_of(cell_type::claims_today, 0, b, w));
    if (c && c->data.size() == 4 && le(c->data) == day) (b == 0 ? out.all : out.blind) = c->n;
  }
  return out;
}

bool is_blind(const state& s, const writer_id& w, account_id account) {
  return s.balance(hold_account(w, account, purse_paid, 0, main_unit)) == 0;
}

std::optional<claim_origin> parse_claim_origin(const cell& c) {
  if (c.data.size() != 13) return std::nullopt;
  claim_origin o;
  o.seq = static_cast<sequence>(c.n);
  o.before = static_cast<card_status>(c.data[0]);
  o.writer.node.value = static_cast<std::uint32_t>(le(byte_view(c.data).substr(1, 4)));
  for (std::size_t i = 0; i < 8; ++i)
    o.writer.epoch.value[i] = static_cast<std::uint8_t>(c.data[5 + i]);
  return o;
}

std::optional<claim_origin> claim_of(const state& s, account_id account) {
  auto c = s.find(cell_of(cell_type::last_claim, account.value, 0, {}));
  return c ? parse_claim_origin(*c) : std::nullopt;
}

std::uint64_t claims_stand_up_to(const state& s, const writer_id& w) {
  auto c = s.find(cell_of(cell_type::claims_stand, 0, 0, w));
  return c ? static_cast<std::uint64_t>(c->n) : every_claim;
}

entry allot_fact(const card_batch& run) {
  entry e;
  e.kind = entry_kind::allot;
  e.account = run.first;
  e.size = run.count;
  e.card_kind = run.kind;
  e.subject = run.holder;
  e.blob = run.name;
  return e;
}

std::optional<card_batch> parse_batch(account_id first, const cell& c) {
  if (c.data.size() < 16 || c.n < 1) return std::nullopt;
  card_batch b;
  b.first = first;
  b.count = static_cast<std::uint64_t>(c.n);
  b.kind = static_cast<std::uint32_t>(le(byte_view(c.data).substr(0, 4)));
  b.holder.node.value = static_cast<std::uint32_t>(le(byte_view(c.data).substr(4, 4)));
  for (std::size_t i = 0; i < 8; ++i)
    b.holder.epoch.value[i] = static_cast<std::uint8_t>(c.data[8 + i]);
  b.name = c.data.substr(16);
  return b;
}

std::optional<card_batch> batch_at(const state& s, account_id first) {
  auto c = s.find(cell_of(cell_type::batch, first.value, 0, {}));
  return c ? parse_batch(first, *c) : std::nullopt;
}

void each_piece(account_id first, std::uint64_t count,
                const std::function<void(std::uint64_t at, std::uint64_t bits)>& visit) {
  for (auto at = first.value, end = at + count; at < end;) {
    std::uint64_t bits = 0;
    while (bits < run_bits_max && (at & ((std::uint64_t{2} << bits) - 1)) == 0 &&
           at + (std::uint64_t{2} << bits) <= end)
      ++bits;
    visit(at, bits);
    at += std::uint64_t{1} << bits;
  }
}

// Each time that a piece is allotted again after it came back has its number.
bool may_sell(const state& directory, const state& own, const writer_id& w, account_id account) {
  for (int bits = 0; bits <= run_bits_max; ++bits) {
    auto at = account.value >> bits << bits;
    auto b = static_cast<std::uint64_t>(bits);
    auto allotted = directory.find(cell_of(cell_type::allotted, at, b, w));
    if (allotted && allotted->n > number(own, cell_of(cell_type::brought, at, b, w))) return true;
  }
  return false;
}

bool is_recalled(const state& directory, const writer_id& w, account_id first, std::uint64_t count) {
  bool all = count > 0;
  each_piece(first, count, [&](std::uint64_t at, std::uint64_t bits) {
    all = all && number(directory, cell_of(cell_type::recalled, at, bits, w)) >=
                     std::max<std::int64_t>(number(directory, cell_of(cell_type::allotted, at, bits, w)), 1);
  });
  return all;
}

bool is_called_back(const state& directory, const state& own, const writer_id& w, account_id first,
                    std::uint64_t count) {
  bool all = count > 0;
  each_piece(first, count, [&](std::uint64_t at, std::uint64_t bits) {
    all = all && number(directory, cell_of(cell_type::recalled, at, bits, w)) >
                     number(own, cell_of(cell_type::brought, at, bits, w));
  });
  return all;
}

bool was_sold(const state& s, const writer_id& w, account_id account) {
  auto c = s.find(cell_of(cell_type::issued, account.value / 512, 0, w));
  auto bit = account.value % 512;
  return c && c->data.size() == 64 && (static_cast<unsigned char>(c->data[bit / 8]) >> (bit % 8) & 1) != 0;
}

unix_seconds directory_time(const state& s) { return number(s, cell_of(cell_type::directory_at, 0, 0, {})); }

std::optional<std::int64_t> directory_age(const state& s, unix_seconds now, std::int64_t hq_time) {
  auto at = directory_time(s);
  if (at == 0) return std::nullopt;
  return std::max<std::int64_t>(std::max(now, hq_time) - at, 0);
}

bool is_older(std::optional<std::int64_t> age, std::uint32_t hours) {
  return hours != 0 && age && *age > static_cast<std::int64_t>(hours) * 3600;
}

}  // namespace tally
