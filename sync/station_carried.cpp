// What arrives by hand: the same proofs as from a link, and no link touched.
#include <algorithm>

#include "sync/station.hpp"

namespace tally {

/// Whose place a stream comes from: a journal from the child on the way to its writer, anything else from above.
node_id station::sender_of(const stream_id& id) const {
  if (id.sub == sub_stream::journal) return route_to(id.writer.node).value_or(node_id{});
  return parent().value_or(node_id{});
}

// A link lets a child take nothing of its parent before that has said how far it holds the child's journal. A stick
// says what it said when it was written: enough to notice most old copies, and no proof that this is none.
bool station::rolled_back_by(const carried_request& r, carried_answer& a) {
  for (const auto& m : r.what) {
    const auto* w = std::get_if<want_message>(&m);
    if (!w || w->stream != book_->journal()) continue;
    bool beyond = w->from > book_->next();
    bool proved = w->proof && verify_rollback_proof(w->stream, w->from, *w->proof);
    if (proved) {
      auto had = book_->next();
      if (check_rollback(w->stream.writer, w->from, now_, w->proof->root)) {
        a.code = errc::rolled_back;
        a.detail =
            "the sender holds " + std::to_string(w->from) + " entries of this node's journal, signed by it; " +
            (beyond ? "here are " + std::to_string(had) : "the ones here are others: this is a copy that went on");
        return true;
      }
      if (w->from > book_->durable_next()) {
        a.code = errc::busy;  // whether these are the same is known once they are durable
        a.detail = "the newest entries are still being written";
        return true;
      }
      // A stick is as old as its writing; it counts when it knows of all that this disk had at its start.
      if (auto& spoke = lives_.start.parent_spoke; !spoke && w->from >= lives_.start.had) spoke = tick_;
    } else if (beyond) {
      a.code = errc::bad_proof;
      a.detail = "the sender claims more of this node's journal than there is here, and proves nothing";
      return true;
    }
  }
  return false;
}

// Which of its sends a revoked parent made before it was revoked, only its journal could tell, and that is not here.
bool station::refused_by_hand(const stream_id& id) {
  if (id.sub != sub_stream::addressed || !certificates_.is_revoked(id.writer.node)) return false;
  carrying_->taken.push_back({id, book_->streams().tip(id).size(), 0, errc::revoked});
  return true;
}

void station::carried(const carried_request& r) {
  carried_answer a;
  a.request = r.request;
  std::size_t entries = 0;
  for (const auto& m : r.what)
    if (const auto* s = std::get_if<segment_message>(&m)) entries += s->seg.entries;
  if (r.what.size() > carried_max || entries > segment_entries_max) {
    a.code = errc::malformed;
    a.detail = "too much at once";
  }
  if (a.code != errc::ok || rolled_back_by(r, a)) return open_effects_.push_back(std::move(a));
  carrying_ = &a;
  for (const auto& m : r.what) {
    if (const auto* s = std::get_if<segment_message>(&m)) {
      if (!refused_by_hand(s->seg.stream)) ingest({sender_of(s->seg.stream), s->seg});
    } else if (const auto* c = std::get_if<cosign_message>(&m)) {
      if (on_cosign(*c)) ++a.cosignatures;
    } else if (const auto* t = std::get_if<time_message>(&m)) {
      on_time(*t);
    } else if (const auto* h = std::get_if<have_message>(&m)) {
      auto child = sender_of(h->stream);
      if (h->stream.sub == sub_stream::journal && accepts(child, h->stream) &&
          book_->streams().tip(h->stream).size() > 0)
        cosign(child, h->stream);
    }
  }
  carrying_ = nullptr;
  open_effects_.push_back(std::move(a));
}

}  // namespace tally
