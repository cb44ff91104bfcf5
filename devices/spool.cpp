#include "devices/spool.hpp"

#include <algorithm>

namespace tally {

void spool_machine::load(std::vector<spool_job> jobs, std::vector<spool_mark> marks) {
  std::ranges::sort(jobs, {}, &spool_job::id);
  std::ranges::sort(marks, {}, &spool_mark::last);
  for (auto& j : jobs) {
    next_id_ = std::max(next_id_, j.id + 1);
    jobs_.push_back(std::move(j));
  }
  for (auto& m : marks) {
    next_id_ = std::max(next_id_, m.last + 1);
    receipts_.push_back(std::move(m.receipt));
  }
}

spool_effects spool_machine::add(const std::string& receipt, const std::vector<bytes>& tickets) {
  spool_effects out;
  if (jobs_.size() + tickets.size() > spool_max) {
    out.emplace_back(spool_told{receipt, "refused"});
    return out;
  }
  // Nobody waits until it is durable: the record that the job begins is written before anything is sent anyway.
  spool_write w;
  for (const auto& ticket : tickets) {
    jobs_.push_back({next_id_++, receipt, ticket, false});
    w.keep.push_back(jobs_.back());
    out.emplace_back(spool_told{receipt, "waiting"});
  }
  w.mark.push_back({receipt, next_id_ - 1});
  if (std::ranges::find(receipts_, receipt) == receipts_.end()) receipts_.push_back(receipt);
  if (receipts_.size() > spooled_kept) {
    w.unmark.push_back(std::move(receipts_.front()));
    receipts_.pop_front();
  }
  out.emplace_back(std::move(w));
  next(out);
  return out;
}

spool_effects spool_machine::able(bool yes) {
  able_ = yes;
  spool_effects out;
  next(out);
  return out;
}

void spool_machine::next(spool_effects& out) {
  if (jobs_.empty() || out_ != 0 || (!able_ && !options_.queue)) return;
  out_ = jobs_.front().id;
  handed_ = false;
  spool_job begun = jobs_.front();
  begun.begun = true;
  spool_write w;
  w.keep.push_back(std::move(begun));
  w.begun = out_;
  out.emplace_back(std::move(w));
}

spool_effects spool_machine::durable(std::uint64_t job) {
  spool_effects out;
  if (job == 0 || job != out_ || handed_) return out;
  handed_ = true;
  const auto& j = jobs_.front();
  bytes data = marked() ? once_more(j.ticket) : j.ticket;
  // A print server knows whether it has the job from before: only a try that failed there is marked, and one that it
  // does not know any more.
  if (options_.queue)
    out.emplace_back(
        spool_submit{job, j.receipt, attempt_, j.begun && attempt_ == 0, std::move(data), once_more(j.ticket)});
  else
    out.emplace_back(spool_print{job, std::move(data)});
  return out;
}

bytes spool_machine::once_more(const bytes& ticket) const {
  return bytes(ticket.size(), '\0') + options_.duplicate_head + ticket;
}

void spool_machine::forget_front(std::string_view state, spool_effects& out) {
  out.emplace_back(spool_told{jobs_.front().receipt, state});
  spool_write w;
  w.forget.push_back(jobs_.front().id);
  jobs_.pop_front();
  out_ = 0;
  attempt_ = 0;
  out.emplace_back(std::move(w));
  next(out);
}

spool_effects spool_machine::printed(std::uint64_t job, bool again) {
  spool_effects out;
  if (is_out(job)) forget_front(marked() || again ? "possible_duplicate" : "printed", out);
  return out;
}

spool_effects spool_machine::uncertain(std::uint64_t job, bool sent) {
  spool_effects out;
  if (!is_out(job)) return out;
  // The next try says that it may be the second, if there can have been a first.
  if (sent) jobs_.front().begun = true;
  out_ = 0;
  ++attempt_;
  out.emplace_back(spool_told{jobs_.front().receipt, "waiting"});
  next(out);
  return out;
}

spool_effects spool_machine::refused(std::uint64_t job) {
  spool_effects out;
  if (is_out(job)) forget_front("refused", out);
  return out;
}

}  // namespace tally
