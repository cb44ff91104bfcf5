#include "ledger/risk.hpp"

namespace tally {

cell_key code_key(const writer_id& w, account_id account, bool granted) {
  return {.type = cell_type::bearer, .a = account.value, .b = granted ? 1U : 0U, .writer = w, .peer = {}};
}
amount taken_by_code(const state& s, const writer_id& w, account_id account) {
  return number(s, code_key(w, account, false));
}
cell_key risk_count_key(const writer_id& w, account_id account) {
  return {.type = cell_type::risk_count, .a = account.value, .b = 0, .writer = w, .peer = {}};
}
std::int64_t risk_count(const state& s, const writer_id& w, account_id account) {
  return number(s, risk_count_key(w, account));
}

}  // namespace tally
