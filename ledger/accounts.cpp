#include "ledger/accounts.hpp"

#include <cstdio>

namespace tally {

ledger_account hold_account(writer_id w, account_id account, std::uint32_t purse, std::uint32_t bucket, unit_id unit) {
  return {.type = account_type::hold,
          .unit = unit,
          .a = account.value,
          .b = purse,
          .c = bucket,
          .writer = w,
          .from = {},
          .to = {}};
}

ledger_account quota_account(writer_id w, unit_id quota_unit) {
  return {.type = account_type::quota,
          .unit = quota_unit,
          .a = base_of(quota_unit),
          .b = 0,
          .c = 0,
          .writer = w,
          .from = {},
          .to = {}};
}

ledger_account held_account(writer_id w, account_id account, const value_item& v, sequence authorise) {
  return {.type = account_type::held,
          .unit = v.unit,
          .a = account.value,
          .b = v.purse | std::uint64_t{v.bucket} << 32,
          .c = authorise,
          .writer = w,
          .from = {},
          .to = {}};
}

ledger_account holding_behind(const ledger_account& held) {
  return hold_account(held.writer, {held.a}, static_cast<std::uint32_t>(held.b),
                      static_cast<std::uint32_t>(held.b >> 32), held.unit);
}

ledger_account debt_account(writer_id w, account_id account, std::uint32_t purse, unit_id unit) {
  return {.type = account_type::debt,
          .unit = unit,
          .a = account.value,
          .b = purse,
          .c = 0,
          .writer = w,
          .from = {},
          .to = {}};
}

ledger_account doubt_account(writer_id writer, writer_id closed, const ledger_account& holding) {
  auto a = holding;
  a.type = account_type::doubt;
  a.writer = writer;
  a.from = closed;
  return a;
}

ledger_account transit_account(writer_id writer, writer_id from, writer_id to, unit_id unit) {
  return {
      .type = account_type::transit, .unit = unit, .a = 0, .b = 0, .c = 0, .writer = writer, .from = from, .to = to};
}

bool must_hold_credit(const ledger_account& a) {
  if (a.type == account_type::hold || a.type == account_type::held) return true;
  return a.type == account_type::quota && a.writer.node.value != 1;
}

std::string writer_name(const writer_id& w) {
  return std::to_string(w.node.value) + "." + to_hex(view_of(w.epoch.value));
}

std::string unit_name(unit_id unit, std::string_view main_code) {
  std::string base = base_of(unit) == base_of(main_unit) && !main_code.empty() ? std::string(main_code)
                                                                               : "U" + std::to_string(base_of(unit));
  switch (class_of(unit)) {
    case unit_class::quota: return "Q:" + base;
    case unit_class::risk: return "R:" + base;
    case unit_class::refund: return "F:" + base;
    case unit_class::value: break;
  }
  return base;
}

std::string account_name(const ledger_account& a) {
  auto num = [](std::uint64_t v) { return std::to_string(v); };
  std::string tail = ":" + writer_name(a.writer);
  auto purse_name = [&](std::uint64_t purse, std::uint64_t bucket) {
    std::string p = purse == purse_paid ? "paid" : purse == purse_deposit ? "deposit" : "p" + num(purse);
    return bucket != 0 ? p + "@" + num(bucket) : p;
  };
  auto purse = [&] { return purse_name(a.b, a.c); };
  switch (a.type) {
    case account_type::hold: return "hold:" + num(a.a) + ":" + purse() + tail;
    case account_type::doubt: return "doubt:" + num(a.a) + ":" + purse() + ":" + writer_name(a.from) + tail;
    case account_type::quota: return "quota:" + num(a.a) + tail;
    case account_type::issued: return "issued:" + num(a.a) + tail;
    case account_type::transit: return "transit:" + writer_name(a.from) + ":" + writer_name(a.to) + tail;
    case account_type::tender: {
      static constexpr const char* kinds[] = {"other", "cash", "bank", "online", "transfer"};
      return std::string("tender:") + kinds[a.a < 5 ? a.a : 0] + ":" + num(a.b) + tail;
    }
    case account_type::sales: return "sales" + tail;
    case account_type::fees: return "fees" + tail;
    case account_type::tax: return "tax:" + num(a.a) + tail;
    case account_type::redeemed: return "redeemed:p" + num(a.a) + tail;
    case account_type::expired: return "expired:p" + num(a.a) + tail;
    case account_type::given: return "given:p" + num(a.a) + tail;
    case account_type::debt: return "debt:" + num(a.a) + ":" + purse() + tail;
    case account_type::held:
      return "held:" + num(a.a) + ":" + purse_name(a.b & UINT32_MAX, a.b >> 32) + ":" + num(a.c) + tail;
    case account_type::contested: return (a.a == 0 ? "contested" : "contested:" + num(a.a)) + tail;
  }
  return "suspense" + tail;
}

}  // namespace tally
