// What a store leaves out of its copy of head office's directory: head office announces runs of entries, a store takes
// hashes in their place, and asks for them when it needs them after all (docs/decisions/0018).
#include "ledger/fold.hpp"
#include "sync/left_out.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

constexpr tick_ms question_apart_ms = 250, question_wait_ms = 5'000, question_refused_ms = 60'000;
// An entry of a run has at most so many octets, so that what stands for a tile's leaves fits one message.
constexpr std::size_t goods_octets_max = 2'000;
static_assert(goods_octets_max << left_out_level_max <= segment_bytes_max);

}  // namespace

/// Head office: of the facts from `at` on, how many were just announced as a run that lies together in the directory.
/// All of them are written in this group: a run that is not filled would cover what comes later.
std::uint64_t station::announce(const std::vector<entry>& facts, std::size_t at) {
  if (config_.role != node_role::hq || !book_->started()) return 0;
  std::size_t n = 0;
  const entry_place place{
      .writer = book_->self(), .role = config_.role, .seq = book_->next(), .directory = &book_->st()};
  while (at + n < facts.size() && n < topic_run_max && may_be_goods(facts[at + n], book_->rules())) {
    auto e = facts[at + n];
    date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
    if (encode_entry(e).size() > goods_octets_max || !judge(e, place, book_->st()).ok()) break;
    ++n;
  }
  if (n < topic_run_min) return 0;
  entry e;
  e.kind = entry_kind::topic_run;
  e.topic = publish_topic::product;
  e.size = n;
  date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
  if (!write(e)) return 0;
  left_out_.note_run(*book_, directory(), book_->head(directory()).size, e);
  return n;
}

/// A store that needs goods after all: one question at a time.
void station::fetch_left_out() {
  if (!left_out_.waits() || tick_ < care_.fetch_due) return;
  care_.fetch_due = tick_ + question_wait_ms;
  auto p = above();
  if (!p || !up_.count(*p)) return;
  if (auto m = left_out_.question(*book_)) open_effects_.push_back(to_neighbour{*p, *m});
}

void station::on_fetched(node_id from, const fetched_message& m) {
  if (!is_above(from)) return;
  auto ok = left_out_.take(*book_, reader_, m, !segments_open_ && !book_->in_flight());
  if (ok) {
    segments_open_ = true;
    care_.fetch_due = tick_ + question_apart_ms;
    book_->leave_goods(left_out_.leaves_goods());
    if (!left_out_.leaves_goods()) open_effects_.push_back(rules_effect{book_->rules().version_at(UINT32_MAX)});
  } else if (ok.code() == errc::bad_proof || ok.code() == errc::malformed) {
    care_.fetch_due = tick_ + question_refused_ms;
    open_effects_.push_back(
        alarm_effect{ok.error().code, "node " + std::to_string(from.value) +
                                          " sent other entries than those that were left out: " + ok.error().detail});
  }
}

}  // namespace tally
