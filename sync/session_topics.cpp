// What a store leaves out of head office's directory, and asks for when it needs it after all.
#include <algorithm>

#include "sync/certificate.hpp"
#include "sync/session.hpp"

namespace tally {
namespace {

// How often one peer may have so much read from the disk.
constexpr tick_ms answer_apart_ms = 200;
// Of one answer, unless what stands for one hash is larger.
constexpr std::size_t answer_bytes_max = 64 * 1024;
constexpr std::uint64_t hash_entries_max = std::uint64_t{1} << left_out_level_max;

entry_list beginning_of(const entry_list& all, std::uint64_t from) {
  entry_list out;
  const auto whole = (from / hash_entries_max + 1) * hash_entries_max - from;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i >= whole && out.octets().size() + all[i].size() > answer_bytes_max) break;
    out.add(all[i]);
  }
  return out;
}

}  // namespace

bool session::leaves_out_of(const stream_id& id) const {
  return id.sub == sub_stream::directory && id.writer.node == head_office && knows_topics() && peer_->skips != 0;
}

// Nobody acknowledges an answer, so it goes only when nothing else is under way, and the asker, which waits longer each
// time, repeats what gets none: over a slow line no answers pile up.
void session::on_fetch(const fetch_message& m, session_effects& out, tick_ms now) {
  if (now < fetch_due_ || flight_bytes_ > 0 || m.stream.sub != sub_stream::directory || !out_.count(m.stream)) return;
  fetch_due_ = now + answer_apart_ms;
  auto entries = source_.entries(m.stream, m.from, std::min(m.entries, fetch_entries_max));
  if (!entries || entries->empty()) return;
  const auto sent = beginning_of(*entries, m.from);
  send(out, fetched_message{m.stream, m.from, static_cast<std::uint32_t>(sent.size()), pack_entries(sent)}, now);
}

}  // namespace tally
