// Rulings of head office about cases, and what they make a holder of value do.
#include <algorithm>

#include "ledger/money.hpp"
#include "ledger/ruling.hpp"
#include "storage/kv_state.hpp"
#include "sync/returned_goods.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

constexpr tick_ms rulings_look_ms = 10'000;
constexpr std::size_t rulings_per_look = 100;
constexpr byte_view policy_note = "by policy";

/// What of it is owed or written off in the chain's money. REQUIRES: no amount is below zero.
amount money_in(const std::vector<value_item>& items) {
  amount sum = 0;
  for (const auto& v : items)
    if (v.purse == purse_paid && !checked_add(sum, v.amount, sum)) return INT64_MAX;
  return sum;
}

// Goods that came back too often were given back by several, each right by what it knew: people say whose loss it is.
status check_debtor(const observer& seen, entry& ruling, const std::optional<entry>& sale) {
  if (ruling.debtor.value == 0) return done();
  const auto reasons = seen.reasons_of(ruling.subject, *ruling.cites);
  if (std::ranges::find(reasons, errc::over_returned) == reasons.end())
    return error{errc::not_allowed, "only of goods that came back too often another node's owner may owe the sum"};
  if (ruling.values.empty())
    return error{errc::malformed, "who says whose owner owes it says how much as well, above zero"};
  if (!sale || !had_part_in(seen.st(), seen.writers(), ruling.debtor, ruling.subject, *ruling.cites, *sale))
    return error{errc::not_allowed,
                 "node " + std::to_string(ruling.debtor.value) + " neither sold these goods nor gave any of them back"};
  if (ruling.debtor == ruling.subject.node) ruling.debtor = {};  // as when nobody is named
  return done();
}

}  // namespace

// Of a sale of which too much came back, all that is beyond, at however many stores; of a use of a voucher's code what
// of it was lost, and nobody was ruled about: what head office had put behind the code is nobody's loss.
amount sum_of_case(const observer& seen, const catalogue& rules, const writer_id& writer, sequence seq, errc why,
                   const entry& about) {
  auto one = case_sum(about, why, rules.rules(about.rules_version));
  if (const auto lost = why == errc::voucher_used ? seen.lost_of(writer, seq) : 0; lost > 0) return std::min(one, lost);
  if (why != errc::over_returned) return one;
  return std::max(one, beyond_worth(rules, returned_of(seen.st(), seen.writers(), writer, seq, about), about));
}

// Completes it: how much is owed where the operator does not say, whose card it is, which life holds the value.
status station::check_case(entry& ruling) const {
  if (!ruling.cites) return error{errc::not_found, "a ruling is about an entry"};
  if (ruling_of(book_->st(), ruling.subject, *ruling.cites))
    return error{errc::not_allowed, "head office has ruled about that entry already, and a ruling is final"};
  if (!observer_->is_open_case(ruling.subject, *ruling.cites))
    return error{errc::not_found, "that entry is not contested, or not held here"};
  const auto reasons = observer_->reasons_of(ruling.subject, *ruling.cites);
  const bool owes = std::ranges::any_of(reasons, owes_by_default);
  auto about = find_foreign({ruling.subject, sub_stream::journal, {}}, *ruling.cites);
  bool moves = !ruling.released.empty() || !ruling.values.empty();
  if (!about && (moves || (ruling.outcome == ruling_outcome::owed && owes)))
    return error{errc::io, "the entry of this case cannot be read, so nobody can say what it is about; try again"};
  amount sum = 0;
  for (auto why : reasons)
    if (about) sum = std::max(sum, sum_of_case(*observer_, book_->rules(), ruling.subject, *ruling.cites, why, *about));
  const auto* rules = book_->rules().newest();
  const error over{errc::bad_amount, "this case is about " +
                                         format_amount(sum, rules ? static_cast<int>(rules->exponent) : 2) +
                                         ", what is owed and what is written off together"};
  for (const auto* list : {&ruling.values, &ruling.released})
    if (std::ranges::any_of(*list, [](const value_item& v) { return v.amount < 0; })) return over;
  const auto taken = money_in(ruling.released);
  if (taken > sum) return over;
  if (ruling.outcome == ruling_outcome::owed && ruling.values.empty() && owes)
    ruling.values = {{purse_paid, main_unit, 0, sum - taken}};
  for (const auto& v : ruling.values)
    if (v.amount > sum - taken) return over;
  std::erase_if(ruling.values, [](const value_item& v) { return v.amount == 0; });
  TALLY_TRY(check_debtor(*observer_, ruling, about));
  if (ruling.released.empty()) return done();
  if (ruling.account.value == 0 && about) ruling.account = about->account;
  if (ruling.account.value == 0) return error{errc::malformed, "of which account something is to be written off"};
  auto holder = node_of(book_->st(), ruling.peer.node);
  if (!holder) return error{errc::not_found, "there is no node " + std::to_string(ruling.peer.node.value)};
  if (ruling.peer.epoch == epoch_id{}) ruling.peer.epoch = holder->epoch;
  if (ruling.peer.epoch == epoch_id{} || ruling.peer.epoch != holder->epoch || closing_of(book_->st(), ruling.peer) ||
      is_revoked(ruling.peer.node))
    return error{errc::wrong_epoch, "node " + std::to_string(ruling.peer.node.value) + " has ended, or lives anew"};
  return done();
}

// Cases that are nobody's fault do not count: what a store could not know.
bool station::is_quarantined(node_id node) const {
  if (config_.quarantine_after == 0) return false;
  std::uint64_t n = 0;
  for (const auto& [writer, cases] : observer_->open_cases())
    for (auto it = cases.begin(); writer.node == node && it != cases.end(); ++it) {
      bool stands =
          it->second == errc::used_lost || it->second == errc::voucher_used || it->second == errc::over_returned;
      if (!stands && ++n >= config_.quarantine_after) return true;
    }
  return false;
}

// Uses of lost cards that head office's policy decides: each is ruled about, listed in the journal, and final. So it
// waits a while: a store takes a mistake back within minutes. What is trouble in another way, too, is for people.
void station::rule_by_policy() {
  if (!config_.used_lost || tick_ < calendar_.rulings_due) return;
  calendar_.rulings_due = tick_ + rulings_look_ms;
  std::vector<entry> ready;
  std::map<std::pair<writer_id, sequence>, tick_ms> since;
  for (const auto& [writer, cases] : observer_->open_cases())
    for (const auto& [seq, why] : cases) {
      if (why != errc::used_lost || observer_->reasons_of(writer, seq).size() > 1) continue;
      auto before = calendar_.policy_since.find({writer, seq});
      auto first = before == calendar_.policy_since.end() ? tick_ : before->second;
      since.emplace(std::pair(writer, seq), first);
      if (tick_ < first + config_.used_lost_wait_ms || ready.size() == rulings_per_look) continue;
      entry e;
      e.kind = entry_kind::ruling;
      e.subject = writer;
      e.cites = seq;
      e.outcome = *config_.used_lost;
      e.blob = policy_note;
      ready.push_back(std::move(e));
    }
  calendar_.policy_since = std::move(since);
  for (auto& e : ready) {
    auto whole = check_case(e);
    date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
    auto written = whole ? write(e) : result<sequence>(whole.error());
    if (written) {
      learn_decision(e, book_->head(directory()).size);
    } else {
      open_effects_.push_back(alarm_effect{written.error().code, "a ruling by policy: " + written.error().detail});
    }
  }
}

// What lies here of it when this is written, once: what is not here then stays as it is, and the entry says so.
void station::execute_rulings() {
  if (!calendar_.executes) return;
  std::vector<std::pair<writer_id, sequence>> due;
  const bytes prefix{cell_prefix, static_cast<char>(cell_type::instructed)};
  auto c = store_.scan(family::state, prefix);
  for (; c->valid() && c->key().starts_with(prefix) && due.size() < rulings_per_look; c->next()) {
    auto k = parse_cell_key(c->key());
    auto v = decode_cell(c->value());
    auto told = v ? parse_instruction(*v) : std::nullopt;
    if (k && told && told->holder == book_->self() && !book_->st().find(executed_key(k->writer, k->a, book_->self())))
      due.emplace_back(k->writer, k->a);
  }
  if (!c->state()) return;
  // A ruling of a group that is not on the disk yet is found by the next look.
  calendar_.executes = due.size() == rulings_per_look || book_->open_changes() > 0 || book_->in_flight();
  for (const auto& [subject, seq] : due) {
    auto e = decide_execute(book_->at(now_), subject, seq);
    if (!e) continue;
    if (auto written = write(*e); !written) {
      calendar_.executes = true;
      open_effects_.push_back(alarm_effect{written.error().code, "what a ruling says: " + written.error().detail});
    }
  }
}

}  // namespace tally
