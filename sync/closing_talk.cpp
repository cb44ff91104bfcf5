#include "sync/closing_talk.hpp"

#include <algorithm>

#include "storage/streams.hpp"
#include "storage/varint.hpp"

namespace tally {
namespace {

// What is sealed: a question is no answer, whoever sends it back.
constexpr byte_view question_head = "tallystick/closing?", answer_head = "tallystick/closing=";
constexpr byte_view letter_head = "tallyend";
constexpr std::uint8_t promised_bit = 1, older_bit = 2;

}  // namespace

bytes as_closing_letter(byte_view sealed) { return bytes(letter_head) + bytes(sealed); }

std::optional<byte_view> closing_letter(byte_view body) {
  if (!body.starts_with(letter_head)) return std::nullopt;
  return body.substr(letter_head.size());
}

bytes encode_closing_question(const closing_question& q) {
  byte_writer w;
  w.raw(question_head);
  w.u64be(q.id);
  write_writer(w, q.writer);
  w.uv(q.size);
  w.uv(q.hold_ms);
  return w.take();
}

result<closing_question> decode_closing_question(byte_view data) {
  const error bad{errc::malformed, "a question about the end of this node's books"};
  if (!data.starts_with(question_head)) return bad;
  byte_reader r(data.substr(question_head.size()));
  closing_question q;
  q.id = r.u64be();
  q.writer = read_writer(r);
  q.size = r.uv();
  q.hold_ms = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  if (!r.ok() || !r.at_end()) return bad;
  return q;
}

bytes encode_closing_answer(const closing_answer& a) {
  byte_writer w;
  w.raw(answer_head);
  w.u64be(a.id);
  write_writer(w, a.writer);
  w.uv(a.size);
  w.u8(static_cast<std::uint8_t>((a.promised ? promised_bit : 0) | (a.older ? older_bit : 0)));
  return w.take();
}

result<closing_answer> decode_closing_answer(byte_view data) {
  const error bad{errc::malformed, "an answer about the end of a node's books"};
  if (!data.starts_with(answer_head)) return bad;
  byte_reader r(data.substr(answer_head.size()));
  closing_answer a;
  a.id = r.u64be();
  a.writer = read_writer(r);
  a.size = r.uv();
  auto bits = r.u8();
  if (!r.ok() || !r.at_end() || bits > older_bit) return bad;
  a.promised = bits == promised_bit;
  a.older = bits == older_bit;
  return a;
}

closing_answer closing_promise::answer(const closing_question& q, const writer_id& self, std::uint64_t size,
                                       bool at_work, tick_ms now) {
  closing_answer a{q.id, self, size, false, false};
  if (q.writer != self || q.size != size || at_work) return a;
  if (std::ranges::find(ids_, q.id) == ids_.end()) {
    if (ids_.size() >= ids_max) ids_.erase(ids_.begin());
    ids_.push_back(q.id);
    until_ = std::max(until_, now + std::min<tick_ms>(q.hold_ms, hold_max));
  }
  a.promised = now < until_;
  return a;
}

// A clock that was set back does not make it longer than any promise is.
bool closing_promise::holds(tick_ms now, unix_seconds wall) const {
  return now < until_ || (loaded_ && wall < *loaded_ && *loaded_ - wall <= hold_max / 1'000);
}

error no_closing(const closing_ask& ask, std::uint64_t held) {
  const auto name = "node " + std::to_string(ask.node.value);
  const std::string close = "close them with 'tallystick close-epoch', with days of doubt";
  const std::string way =
      "; bring it on its line or carry its books here ('tallystick ship') and ask again, or " + close;
  if (!ask.last)
    return {errc::offline, name +
                               " did not answer, so nobody knows whether all its books are here: its line is down, or "
                               "its program, or one on the way to it, is older and passes no such question on. Nothing "
                               "was closed" +
                               way};
  if (ask.last->older)
    return {errc::unsupported, name +
                                   " runs a program that is older than this one, and cannot say whether all its books "
                                   "are here. Nothing was closed: update it and ask again, or " +
                                   close};
  if (ask.last->size > held)
    return {errc::offline, name + " has " + std::to_string(ask.last->size - held) +
                               " entries that are not here yet. Nothing was closed" + way};
  return {errc::offline, name +
                             " is at work: what it decides just now is not in its books yet. Nothing was closed; "
                             "close its tills and ask again"};
}

}  // namespace tally
