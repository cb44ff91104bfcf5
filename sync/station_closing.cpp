// The end of a node's books, from end to end: head office asks, the node says how far they go and stands still.
#include <algorithm>

#include "ledger/closing.hpp"
#include "storage/varint.hpp"
#include "sync/closing_talk.hpp"
#include "sync/member_seal.hpp"
#include "sync/station.hpp"
#include "sync/station_facts.hpp"

namespace tally {
namespace {

constexpr tick_ms again_ms = 2'000;
// What a customer waits for over that line, there and back, and the rest for entries that are on their way.
constexpr tick_ms entry_way_ms = 5'000;
// Whoever asks over HTTP hears no more after ten seconds.
constexpr tick_ms talk_max_ms = 8'000;
// The news of its end must reach the node while it stands still.
constexpr tick_ms news_way_ms = 60'000;

tick_ms talk_ms(tick_ms customer_wait) { return std::min(2 * customer_wait + entry_way_ms, talk_max_ms); }
std::uint32_t hold_ms(tick_ms wait) {
  return static_cast<std::uint32_t>(std::min(wait + news_way_ms, closing_promise::hold_max));
}

/// Known only of children that are here: of others their parents know it, and who went elsewhere may be newer by now.
bool is_older(const life_watch& lives, const std::set<node_id>& up, node_id child) {
  auto speaks = lives.speaks.find(child);
  return up.count(child) != 0 && speaks != lives.speaks.end() && speaks->second < protocol_closing;
}
/// Whether that is so of this life or of the one before: once a node has heard of its end it lives under another name.
template <class Is>
bool now_or_before(const state& st, const writer_id& self, Is is) {
  auto of = heritage_of(st, self);
  return is(self) || (of && is({self.node, of->before}));
}
closing_answer older(node_id node) { return {0, {node, {}}, 0, false, true}; }

}  // namespace

// Also until what was learned meanwhile is adopted: what this node writes next may stand on it.
std::optional<error> station::stands_still() {
  if (lives_.closing.stands && !lives_.closing.promise.holds(tick_, now_)) end_closing();
  // Its books are closed and its keys are void: what is sold there, also for cash, would be in nobody's books.
  auto over = [&](const writer_id& life) { return retired_at(book_->st(), life).has_value(); };
  if (care_.outlawed && now_or_before(book_->st(), book_->self(), over))
    return error{errc::revoked, std::string(retired_text)};
  if (lives_.closing.is_on(tick_, now_)) return error{errc::busy, std::string(closing_text)};
  return std::nullopt;
}

// What came from head office while this node stood still was learned, and is said now: nothing was written between.
void station::end_closing() {
  auto& closing = lives_.closing;
  if (!closing.stands) return;
  closing.stands = false;
  closing.promise.end();
  book_->view().erase(family::meta, ending_key);
  for (const auto& id : directories()) {
    cell_key adopted{.type = cell_type::adopted,
                     .a = static_cast<std::uint64_t>(id.sub),
                     .b = id.to.value,
                     .writer = book_->self(),
                     .peer = id.writer};
    if (static_cast<std::uint64_t>(number(book_->st(), adopted)) < book_->head(id).size) adopt(id);
  }
}

void station::ask_end(node_id node, closing_taker taker) {
  auto& asks = lives_.closing.asks;
  auto refuse = [&](error why) { after_durable([taker, why = std::move(why)] { taker(why); }); };
  if (config_.role != node_role::hq || node == config_.self)
    return refuse({errc::not_entitled, "head office closes epochs of other nodes"});
  if (is_outdated() || rebuild_.on)
    return refuse({errc::rolled_back, std::string(rebuild_.on ? rebuilding_text : outdated_text)});
  const auto name = "node " + std::to_string(node.value);
  if (certificates_.is_revoked(node)) return refuse({errc::revoked, name + " is revoked or retired already"});
  auto asked = [&](const auto& a) { return a.second.node == node; };
  if (asks.size() >= closing_watch::asks_max || std::ranges::any_of(asks, asked))
    return refuse({errc::busy, name + " is being asked already; wait for the answer"});
  const auto wait = talk_ms(config_.customer_wait_ms);
  closing_ask a{node, tick_ + wait, tick_ + again_ms, now_ + wait / 1'000 + 1, {}, taker};
  if (is_older(lives_, up_, node)) a.last = older(node);
  const auto id = random_id();
  if (a.last || !ask_how_far(id, node)) return refuse(no_closing(a, 0));
  asks.emplace(id, std::move(a));
}

// False: there is no line. A letter may be lost, and what the node had written meanwhile comes, so it is said again.
bool station::ask_how_far(std::uint64_t id, node_id node) {
  auto record = node_of(book_->st(), node);
  if (!record) return false;
  writer_id life{node, record->epoch};
  const auto wait = talk_ms(config_.customer_wait_ms);
  closing_question q{id, life, book_->head({life, sub_stream::journal, {}}).size, hold_ms(wait)};
  return post_sealed(node, as_closing_letter, encode_closing_question(q));
}

void station::tend_closings() {
  (void)stands_still();
  auto wrote_late = [&](const writer_id& life) {
    auto end = retired_at(book_->st(), life);
    return end && reader_.size({life, sub_stream::journal, {}}) > *end;
  };
  if (care_.outlawed && !lives_.closing.told_late && now_or_before(book_->st(), book_->self(), wrote_late)) {
    lives_.closing.told_late = true;
    open_effects_.push_back(alarm_effect{errc::revoked, std::string(late_text)});
  }
  for (auto it = lives_.closing.asks.begin(); it != lives_.closing.asks.end();) {
    auto& [id, a] = *it;
    if (!a.is_late(tick_, now_)) {
      if (tick_ >= a.again) a.again = tick_ + again_ms, (void)ask_how_far(id, a.node);
      ++it;
      continue;
    }
    const auto held = a.last ? book_->head({a.last->writer, sub_stream::journal, {}}).size : 0;
    after_durable([done = a.done, why = no_closing(a, held)] { done(why); });
    it = lives_.closing.asks.erase(it);
  }
}

// True: it goes no further. What does not open was made up by whoever passed it on, or its writer has other keys: as if
// nothing had come. A region answers for a store whose program is older and never would; what passes it hurries, and
// so does what it brings.
bool station::on_closing_letter(const letter_message& m) {
  if (m.to != config_.self) {
    open_effects_.push_back(advanced_effect{true});
    return m.to != head_office && is_older(lives_, up_, m.to) &&
           post_sealed(head_office, as_closing_letter, encode_closing_answer(older(m.to)));
  }
  const bool office = config_.role == node_role::hq;
  auto theirs = curve_key_of(m.from);
  if (!config_.letters || office == (m.from == head_office) || !theirs) return true;
  if (curve_key_of(config_.self) != config_.letters->pub) return true;
  auto text = open_letter(*config_.letters, *theirs, *closing_letter(m.body));
  if (!text) return true;
  if (auto q = decode_closing_question(*text); q && !office) answer_closing(*q);
  if (auto a = decode_closing_answer(*text); a && office) heed_closing(m.from, *a);
  return true;
}

// Whoever hears the question sends what it has at once, so that the next one finds it there.
void station::answer_closing(const closing_question& q) {
  if (is_outdated()) return;
  auto& promise = lives_.closing.promise;
  const auto before = promise.until();
  const bool at_work = !waiting_.empty() || !is_sure();
  auto a = promise.answer(q, book_->self(), book_->head(book_->journal()).size, at_work, tick_);
  if (promise.until() != before) {
    lives_.closing.stands = true;
    byte_writer w;  // a process that begins meanwhile keeps it
    w.sv(now_ + (promise.until() - tick_ + 999) / 1'000);
    book_->view().put(family::meta, ending_key, w.view());
  }
  open_effects_.push_back(advanced_effect{true});
  (void)post_sealed(head_office, as_closing_letter, encode_closing_answer(a));
}

// `from` sealed it. Its parent may say of a node that its program cannot answer: at worst nothing is closed.
void station::heed_closing(node_id from, const closing_answer& a) {
  auto& asks = lives_.closing.asks;
  auto of = [&](const auto& x) { return x.second.node == a.writer.node; };
  auto it = a.older ? std::ranges::find_if(asks, of) : asks.find(a.id);
  if (it == asks.end() || it->second.is_late(tick_, now_)) return;  // or nobody asked
  auto& ask = it->second;
  const auto* cert = certificate_of(ask.node);
  const bool its_parent = cert && cert->parents.front() == from;
  if (a.older ? !its_parent : from != ask.node || a.writer.node != from) return;
  ask.last = a;
  auto record = node_of(book_->st(), ask.node);
  const auto held = book_->head({a.writer, sub_stream::journal, {}}).size;
  const bool good = a.promised && record && record->epoch == a.writer.epoch && a.size <= held;
  if (!good && !a.older) return;
  // What came behind the answer is here as well, and it sold nothing since.
  auto what = good ? result<closing_end>(closing_end{a.writer, held}) : no_closing(ask, held);
  after_durable([done = std::move(ask.done), what = std::move(what)] { done(what); });
  asks.erase(it);
}

}  // namespace tally
