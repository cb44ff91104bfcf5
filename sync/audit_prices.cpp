// What the audit gives to the check of prices to stand on.
#include <algorithm>

#include "ledger/closing.hpp"
#include "sync/audit_parts.hpp"
#include "sync/rules_shelf.hpp"

namespace tally::audit_detail {
namespace {

// Epochs of one node are few; the bound is for journals that name each other.
constexpr int epochs_max = 1000;

}  // namespace

class audit_ground final : public price_ground {
public:
  explicit audit_ground(auditor& a)
      : a_(a), shelf_([this](const auto& id, auto index, auto& to) {
          const auto& list = a_.published_.at(id);
          auto it = std::ranges::lower_bound(list, index, {}, &published_record::index);
          std::visit([&](const auto& record) { to.add(record); }, it->record);
        }) {
    for (const auto& [id, list] : a_.published_)
      for (const auto& p : list)
        shelf_.add(id, p.index);
    for (const auto& c : a_.found_certificates_)
      if (c.directory && c.seq) shelf_.certified(*c.directory, *c.seq, c.data);
  }

  void checked() override { ++a_.line(check_prices).count; }
  void differs(const stream_id& journal, sequence seq, std::string expected, std::string found) override {
    a_.problem(check_prices, stream_name(journal), seq, std::move(expected), std::move(found));
  }
  std::optional<entry> entry_at(const stream_id& id, sequence seq) override { return a_.entry_at(id, seq); }
  bool is_closed(const writer_id& w) override { return closing_of(a_.own_, w).has_value(); }
  std::optional<card_record> card_at(account_id account) override { return card_of(a_.own_, account); }
  directory_sizes adopted_by(const stream_id& journal, std::uint64_t size) override {
    directory_sizes out;
    collect(journal, size, epochs_max, out);
    return out;
  }
  std::shared_ptr<const catalogue> published(const directory_sizes& sizes) override { return shelf_.published(sizes); }
  std::optional<std::uint32_t> owner_of(const writer_id& w, const directory_sizes& sizes) override {
    return shelf_.owner_of(w, sizes);
  }
  std::shared_ptr<const catalogue> everything() override { return shelf_.everything(); }
  amount figure(const stream_id& journal, const bytes& key) override {
    return journal == figures_of_ && figures_.contains(key) ? figures_.at(key) : 0;
  }
  void set_figure(const stream_id& journal, const bytes& key, amount value) override {
    if (journal != figures_of_) figures_.clear();
    figures_of_ = journal;
    figures_[key] = value;
  }

private:
  void collect(const stream_id& journal, std::uint64_t size, int depth, directory_sizes& out) {
    auto it = a_.adopted_.find(journal);
    if (depth == 0 || it == a_.adopted_.end()) return;
    for (const auto& one : it->second) {
      if (one.seq >= size) break;
      if (one.stream.sub == sub_stream::journal) {
        collect(one.stream, one.size, depth - 1, out);
      } else {
        out[one.stream] = std::max(out[one.stream], one.size);
      }
    }
  }

  auditor& a_;
  rules_shelf shelf_;
  stream_id figures_of_;
  std::map<bytes, amount> figures_;
};

std::unique_ptr<price_ground> make_ground(auditor& a) { return std::make_unique<audit_ground>(a); }

}  // namespace tally::audit_detail
