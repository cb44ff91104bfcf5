// What a store leaves out of head office's directory, and asks for when it needs it after all.
#include <algorithm>

#include "sync/certificate.hpp"
#include "sync/session.hpp"

namespace tally {
namespace {

// How often one peer may have so much read from the disk.
constexpr tick_ms answer_apart_ms = 200;

}  // namespace

bool session::leaves_out_of(const stream_id& id) const {
  return id.sub == sub_stream::directory && id.writer.node == head_office && knows_topics() && peer_->skips != 0;
}

// An answer is no part of the flight: the asker has one question open at a time, and repeats what gets none.
void session::on_fetch(const fetch_message& m, session_effects& out, tick_ms now) {
  if (now < fetch_due_ || m.stream.sub != sub_stream::directory || !out_.count(m.stream)) return;
  fetch_due_ = now + answer_apart_ms;
  auto entries = source_.entries(m.stream, m.from, std::min(m.entries, fetch_entries_max));
  if (!entries || entries->empty()) return;
  send(out, fetched_message{m.stream, m.from, static_cast<std::uint32_t>(entries->size()), pack_entries(*entries)},
       now);
}

}  // namespace tally
