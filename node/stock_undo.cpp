#include "node/stock_undo.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "ledger/money.hpp"
#include "node/cmd.hpp"
#include "node/office_sales.hpp"
#include "node/terminal.hpp"

namespace tally::cmd {
namespace {

constexpr std::size_t refusals_shown = 20;

/// What became of each card, on the terminal and as a file.
class undo_list {
public:
  undo_list(int exponent, std::string code) : exponent_(exponent), code_(std::move(code)) {}

  bool open(const std::string& path) {
    file_.open(path, std::ios::binary | std::ios::trunc);
    file_ << "account,state,loaded,deposit,price,currency,reason\r\n";
    return static_cast<bool>(file_.flush());
  }
  status add(const std::vector<undone_card>& part, bool before) {
    for (const auto& c : part) {
      if (c.why.empty() && !before) {
        ++undone;
        for (auto v : {c.card.load, c.card.deposit, c.card.price})
          if (!checked_add(sum_, v, sum_)) return error{errc::overflow, "the sum of all cards"};
      }
      if (!c.why.empty() && ++refused <= refusals_shown)
        shown_ += "  " + std::to_string(c.card.account) + "  " + c.why + "\n";
      if (!file_.is_open()) continue;
      file_ << c.card.account << "," << (c.why.empty() ? "undone" : "sold") << "," << text(c.card.load) << ","
            << text(c.card.deposit) << "," << text(c.card.price) << "," << code_ << ",\"" << c.why << "\"\r\n";
    }
    if (file_.is_open() && !file_.flush()) return error{errc::io, "the list cannot be written"};
    return done();
  }
  std::string total() const { return text(sum_) + " " + code_; }
  void show_refused() const {
    std::cout << shown_;
    if (refused > refusals_shown) std::cout << "  … and " << refused - refusals_shown << " more; --csv lists all\n";
  }

  std::size_t undone = 0, refused = 0;

private:
  std::string text(amount v) const { return format_amount(v, exponent_); }
  int exponent_;
  std::string code_, shown_;
  std::ofstream file_;
  amount sum_ = 0;
};

/// Cards of the batch, or of the part of it, that head office sold; also those undone before.
result<std::vector<sold_card>> sold_cards(const admin_client& hq, const undo_options& o) {
  auto runs = list_runs(hq);
  if (!runs) return runs.error();
  std::vector<sold_card> out;
  bool found = false;
  for (auto r : *runs) {
    if (r.name != o.batch) continue;
    found = true;
    auto end = r.first + r.count;
    if (o.first != 0) r.first = std::max(r.first, o.first);
    if (o.count != 0) end = std::min(end, (o.first != 0 ? o.first : r.first) + o.count);
    if (r.first >= end) continue;
    r.count = end - r.first;
    auto part = sold_of(hq, r);
    if (!part) return part.error();
    out.insert(out.end(), part->begin(), part->end());
  }
  if (!found) return error{errc::not_found, "there is no batch \"" + o.batch + "\"; see 'tallystick stock'"};
  if (out.empty())
    return error{errc::not_found, "head office sold no card of " +
                                      std::string(o.first != 0 ? "that part of \"" : "\"") + o.batch +
                                      "\": there is nothing to undo. What a store sold, its till takes back"};
  return out;
}

/// What would become of each card, as far as head office's own books tell.
int tell_what_it_would(const undo_options& o, const std::vector<sold_card>& cards, std::size_t before,
                       undo_list& list) {
  std::vector<undone_card> all;
  for (const auto& c : cards)
    all.push_back({c, c.place == 0 ? std::string(sold_in_earlier_life) : c.stays});
  if (auto ok = list.add(all, false); !ok) return fail(ok.error());
  std::cout << "It would undo " << list.undone << " sales of \"" << o.batch << "\", for " << list.total() << " in all";
  if (before != 0) std::cout << "; " << before << " were undone before";
  std::cout
      << ". These cards would be cancelled for good. One that a store loaded, or that owes there, shows only then; "
         "it stays sold.\n";
  if (list.refused > 0) {
    std::cout << list.refused << " cards would stay sold:\n";
    list.show_refused();
  }
  return list.refused > 0 ? exit_refused : exit_ok;
}

}  // namespace

int undo_sale(const admin_client& hq, const undo_options& o) {
  if (o.count != 0 && o.first == 0) return fail(exit_usage, "--count needs --first");
  auto state = hq.get("status");
  if (!state) return fail(state.error());
  auto unit = state->value("unit", nlohmann::json::object());
  undo_list list(unit.value("exponent", 2), unit.value("code", std::string("CNY")));
  auto cards = sold_cards(hq, o);
  if (!cards) return fail(cards.error());
  if (o.check && !o.csv.empty()) return fail(exit_usage, "--check writes no list: leave --csv out");
  if (!o.csv.empty()) {
    if (std::filesystem::exists(o.csv)) return fail(exit_usage, o.csv + " is there already; name a new file");
    if (!list.open(o.csv)) return fail(exit_usage, "cannot write " + o.csv);
  }
  std::vector<undone_card> before;
  for (const auto& c : *cards)
    if (c.undone) before.push_back({c, ""});
  std::erase_if(*cards, [](const sold_card& c) { return c.undone; });
  if (o.check) return tell_what_it_would(o, *cards, before.size(), list);
  if (auto ok = list.add(before, true); !ok) return fail(ok.error());
  if (cards->empty()) {
    std::cout << "All " << before.size() << " sales of \"" << o.batch << "\" were undone before: nothing is done.\n";
    return exit_ok;
  }
  std::cerr << "Undoing sales of \"" << o.batch << "\": " << cards->size()
            << " cards, those that nobody used. They are cancelled for good.\n";
  auto undone = undo_sales(
      hq, *cards, [&](const std::vector<undone_card>& part) { return list.add(part, false); },
      [](std::size_t done, std::size_t total) { show_progress("undoing", done, total); });
  std::cout << list.undone << " sales of \"" << o.batch << "\" are undone, for " << list.total() << " in all";
  if (!before.empty()) std::cout << "; " << before.size() << " were before";
  std::cout << ".\n";
  if (list.undone > 0)
    std::cout << "That sum goes back to whoever paid for them; Tallystick pays nothing out by itself.\n";
  if (list.refused > 0) {
    std::cout << list.refused << " cards stay sold:\n";
    list.show_refused();
  }
  if (!undone) {
    std::cerr << "The same command with another --csv goes on with the rest, and lists all.\n";
    return fail(undone.error());
  }
  return list.refused > 0 ? exit_refused : exit_ok;
}

}  // namespace tally::cmd
