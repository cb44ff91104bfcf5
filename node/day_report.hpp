#pragma once
#include <map>
#include <memory>

#include "node/ticket.hpp"
#include "storage/streams.hpp"

namespace tally {

/// What a store, or one of its tills, did on one business date. A value; sums in minor units.
struct day_figures {
  struct count_and_sum {
    std::int64_t count{};
    amount sum{};
    friend bool operator==(const count_and_sum&, const count_and_sum&) = default;
  };
  struct till {
    std::int64_t receipts{};
    amount cash{};  ///< expected in its drawer
  };
  std::uint32_t date{};
  std::uint32_t terminal{};  ///< 0: all tills
  count_and_sum sales, reversed_sales, refunds, top_ups, reversed_top_ups;
  count_and_sum card_sales, card_returns;       ///< with what was loaded or paid out, and deposits
  amount discounts{};                           ///< and vouchers; of the sales that were not reversed
  std::vector<receipt::tender> sale_tenders;    ///< sales less reversals and refunds
  std::vector<receipt::tender> top_up_tenders;  ///< top-ups less reversals
  std::vector<receipt::tender> card_tenders;    ///< cards sold less cards that came back
  std::vector<receipt::tax> taxes;              ///< contained in what `sale_tenders` adds up to
  amount cash_in{}, cash_out{};                 ///< of the drawer
  std::map<std::uint32_t, till> tills;          ///< by terminal
  std::string last;                             ///< id of the last receipt that is counted; empty: none
  unix_seconds last_stamp{};

  amount net_sales() const { return sales.sum - reversed_sales.sum - refunds.sum; }
  amount net_top_ups() const { return top_ups.sum - reversed_top_ups.sum; }
  amount cash() const { return cash_in - cash_out; }
  /// Names this state of the books: "day.2026-11-26.all.3.5f0c1a2b3c4d5e6f.41", "day.2026-11-26.201.none".
  std::string id() const;
};

/// Counts a day from the durable journals of this node, all its lives, some entries at a time. What is appended
/// meanwhile is counted or not; what was there is. One owner thread.
class day_reader {
public:
  /// `terminal` 0: all. `store` outlives this.
  day_reader(const kv_store& store, const writer_id& self, std::shared_ptr<const catalogue> rules, language lang,
             std::uint32_t date, std::uint32_t terminal);
  /// Reads up to `n` entries more. True: there may be more to read. Errors: io, corrupt, overflow.
  result<bool> read(std::size_t n);
  /// REQUIRES: `read` gave false.
  day_figures take() { return std::move(figures_); }

private:
  /// Where an entry counts, and whether it takes away.
  struct column {
    day_figures::count_and_sum* sums = nullptr;
    std::vector<receipt::tender>* paid = nullptr;
    amount sign = 1;
  };
  column column_of(const entry& e);
  status open();
  result<std::uint64_t> first_of_day(const stream_id& id, std::uint64_t size) const;
  status count(const entry& e, const writer_id& writer, sequence seq);

  stream_reader reader_;
  node_id node_;
  std::shared_ptr<const catalogue> rules_;
  language lang_;
  day_figures figures_;
  std::vector<stream_id> journals_;
  bool opened_ = false;
  std::size_t journal_ = 0;
  std::uint64_t at_ = 0, end_ = 0;
};

/// Lines of a report, laid out for this store's printer by the layout of the rules. `so_far`: the day is not over.
std::vector<std::string> day_report_text(const day_figures& f, const rules_record& rules, std::string_view store,
                                         bool so_far, const receipt_layout& layout);
/// Tickets of a report, as many as the rules say; all but the first, or all, say that they are copies.
result<std::vector<bytes>> day_report_tickets(const std::vector<std::string>& text, std::uint32_t copies, bool again,
                                              const receipt_layout& layout);
/// Fields of a report in docs/http-api.md, without brackets.
void write_day_report(json_writer& w, const day_figures& f, const rules_record& rules, std::string_view store,
                      bool so_far, const std::vector<std::string>& text);

}  // namespace tally
