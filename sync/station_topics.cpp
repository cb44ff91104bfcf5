// What a store leaves out of its copy of head office's directory: head office announces runs of entries, a store takes
// hashes in their place, and asks for them when it needs them after all (docs/decisions/0018).
#include <algorithm>

#include "ledger/fold.hpp"
#include "sync/entry_walk.hpp"
#include "sync/left_out.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

constexpr tick_ms piece_apart_ms = 20, question_apart_ms = 250, question_refused_ms = 60'000;
// A line may be so slow that the answer is still under way: what is asked too early comes twice over it.
constexpr tick_ms question_wait_ms = 5'000, question_wait_max_ms = 2 * 60'000;
// An alarm when no question is answered for so long, and how soon the next one.
constexpr tick_ms unanswered_ms = 2 * 60'000, unanswered_again_ms = 60 * 60'000;
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

/// A store that needs goods after all: one question at a time, and when all is here, prices in the directory's order.
void station::fetch_left_out() {
  if (!left_out_.waits() || tick_ < care_.fetch_due) return;
  care_.fetch_due = tick_ + question_wait_ms;
  if (disk_low_ || book_->open_changes() >= group_changes_max) return;
  if (!left_out_.has_holes(*book_)) return learn_goods_again();
  auto p = above();
  if (!p || !up_.count(*p)) return care_.fetch_since.reset();
  // Only what got no answer for long makes way for the next.
  auto m = left_out_.question(*book_, care_.fetch_wait == question_wait_max_ms);
  care_.fetch_wait = std::clamp(care_.fetch_wait * 2, question_wait_ms, question_wait_max_ms);
  care_.fetch_due = tick_ + care_.fetch_wait;
  if (m) open_effects_.push_back(to_neighbour{*p, *m});
  if (!care_.fetch_since) care_.fetch_since = tick_;
  if (m && tick_ < *care_.fetch_since + unanswered_ms) return;
  care_.fetch_since = tick_ + unanswered_again_ms - unanswered_ms;
  if (!m) care_.fetch_due = tick_ + unanswered_again_ms;
  const auto text =
      m ? "node " + std::to_string(p->value) + " does not send entry " + std::to_string(m->from) +
              " and what follows of " + stream_name(m->stream) +
              ", which this store left out and needs now: nothing is sold by the piece. Is it up to date? "
              "'tallystick ship --all' at a node above brings it on a stick"
        : m.error().detail;
  open_effects_.push_back(alarm_effect{m ? errc::left_out : m.code(), text});
}

void station::learn_goods_again() {
  auto held = reader_.list();
  auto ok = held ? left_out_.learn_again(*book_, reader_, lives_in_order(*held, book_->st(), certificates_))
                 : status(held.error());
  if (ok) {
    book_->leave_goods(left_out_.leaves_goods());
    open_effects_.push_back(rules_effect{book_->rules().version_at(UINT32_MAX)});
  } else if (ok.code() == errc::busy) {
    care_.fetch_due = tick_ + piece_apart_ms;
  } else {
    care_.fetch_due = tick_ + unanswered_again_ms;
    open_effects_.push_back(alarm_effect{
        ok.error().code, "goods are not sold by the piece, their prices cannot be read: " + ok.error().detail +
                             ". Run 'tallystick audit', and enrol this store anew"});
  }
}

/// Wrong answers may come one behind the other: one alarm in a while.
void station::refuse_goods(const error& why) {
  care_.fetch_due = tick_ + question_refused_ms;
  if (tick_ < care_.fetch_alarm_due) return;
  care_.fetch_alarm_due = tick_ + question_refused_ms;
  open_effects_.push_back(alarm_effect{why.code, why.detail});
}

/// Entries of a directory that may stand for hashes here, whoever brought them.
void station::put_back_goods(node_id from, const stream_id& id, std::uint64_t first, const entry_list& entries) {
  auto taken = left_out_.take(*book_, id, first, entries);
  if (!taken && taken.code() == errc::not_found) return;
  if (auto why = taken ? taken->refused : taken.error())
    refuse_goods({why->code, "node " + std::to_string(from.value) +
                                 " sent other entries than those that were left out: " + why->detail});
  if (!taken) return;
  segments_open_ = true;
  care_.fetch_since.reset();
  care_.fetch_wait = 0;
  care_.fetch_due = tick_ + (taken->refused ? question_refused_ms : question_apart_ms);
  for (const auto& found : taken->others) {
    auto e = decode_entry(found.data);
    auto ok = done();
    open_effects_.push_back(
        alarm_effect{errc::wrongly_left_out,
                     "entry " + std::to_string(found.at) + " of " + stream_name(id) +
                         " was left out here and is no product that is sold by the piece. Call head office"});
    if (!e) continue;
    if (e->kind != entry_kind::certify) ok = book_->learn(*e);
    if (ok) learn_decision(*e, found.at + 1);
    if (!ok) open_effects_.push_back(alarm_effect{ok.error().code, "an entry of the directory: " + ok.error().detail});
  }
}

void station::on_fetched(node_id from, const fetched_message& m) {
  if (!is_above(from) || disk_low_ || is_outdated() || !left_out_.waits() || !left_out_.is_answer(m)) return;
  auto list = unpack_entries({m.stream, m.first, m.entries, {}, m.payload});
  if (list) return put_back_goods(from, m.stream, m.first, *list);
  refuse_goods(
      {list.error().code, "node " + std::to_string(from.value) + " sent what does not unpack: " + list.error().detail});
}

}  // namespace tally
