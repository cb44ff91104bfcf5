#include "node/receipt_files.hpp"

#include <iostream>

#include "ledger/kinds.hpp"
#include "node/api.hpp"
#include "node/log_data.hpp"
#include "node/terminal.hpp"
#include "storage/entry_codec.hpp"

namespace tally {
namespace {

std::string sentence(const receipt_report& r) {
  const auto journal = "the journal of " + r.store;
  switch (r.standing) {
    case receipt_standing::cosigned: return "It is in " + journal + " as the code says, and head office holds that.";
    case receipt_standing::held:
      return "It is in " + journal + " as the code says; head office's cosignature is not here yet.";
    case receipt_standing::signed_only:
      return "Its store signed it; " + journal + " ends here before it, after " + std::to_string(r.entries) +
             " entries: not shipped yet, or the store lost it.";
    case receipt_standing::other_history:
      return "ITS STORE SIGNED TWO HISTORIES: " + journal + " has something else there. Keep this receipt as evidence.";
    case receipt_standing::revoked:
      return "The store's key signed it behind what head office let stand, or held when another machine took the "
             "store's place: by itself it is worth nothing. A node that holds " +
             journal + " up to there can tell.";
  }
  return {};
}

bool is_good(receipt_standing s) {
  return s == receipt_standing::cosigned || s == receipt_standing::held || s == receipt_standing::signed_only;
}

}  // namespace

std::string receipt_code_text(const receipt_code& code, byte_view data) {
  auto out = "receipt " + receipt_id(code.writer, code.seq);
  const auto e = decode_entry(data);
  if (!e) return out + "\n  what was sold is not in the code, only its hash\n";
  out += "\n  " + std::string(kind_name(e->kind)) + " of " + date_text(e->business_date) + ", terminal " +
         std::to_string(e->terminal) + ", counter " + std::to_string(e->counter) + "\n";
  if (e->kind == entry_kind::reverse) return out + "  reverses " + receipt_id(code.writer, e->cites.value_or(0)) + "\n";
  return out + "  paid " + std::to_string(receipt_paid(*e)) + " in minor units, " + std::to_string(e->lines.size()) +
         " lines\n";
}

int cmd_receipt(const receipt_check_options& o) {
  auto data = log_data::open(o.data);
  if (!data) return cmd::fail(data.error());
  auto found = check_receipt((*data)->parts(), o.code);
  if (!found) {
    const bool unreadable = found.code() == errc::io || found.code() == errc::corrupt;
    return cmd::fail(unreadable ? cmd::exit_usage : cmd::exit_refused, cmd::sentence_of(found.error()));
  }
  if (o.raw) {
    json_writer w;
    w.open('{');
    write_check(w, *found);
    w.close('}');
    std::cout << w.take() << "\n";
  } else {
    std::cout << (is_good(found->standing) ? "Genuine: " : "NOT GOOD: ") << receipt_code_text(found->code, found->entry)
              << sentence(*found) << "\n";
  }
  return is_good(found->standing) ? cmd::exit_ok : cmd::exit_refused;
}

}  // namespace tally
