#include "storage/faulty_kv.hpp"

namespace tally {
namespace {

/// A cursor over a disk that does not answer.
class dead_cursor final : public kv_cursor {
public:
  bool valid() const override { return false; }
  byte_view key() const override { return {}; }
  byte_view value() const override { return {}; }
  void next() override { invariant(false, "next() on a cursor that is not valid"); }
  status state() const override { return {errc::io, "the disk does not answer (injected)"}; }
};

}  // namespace

// -- kv_store ------------------------------------------------------------------

lookup faulty_kv::get(family f, byte_view key, bytes& out) const {
  return reads_fail_ ? lookup::failed : seen_.get(f, key, out);
}

std::unique_ptr<kv_cursor> faulty_kv::scan(family f, byte_view from) const {
  if (reads_fail_) return std::make_unique<dead_cursor>();
  return seen_.scan(f, from);
}

std::unique_ptr<kv_cursor> faulty_kv::seek_last_at_or_before(family f, byte_view key) const {
  if (reads_fail_) return std::make_unique<dead_cursor>();
  return seen_.seek_last_at_or_before(f, key);
}

status faulty_kv::commit(const kv_batch& batch, bool sync) {
  invariant(batch.octets() <= kv_batch_octets_max, "a batch stays below its bound");
  if (failed_) return {errc::io, "an earlier commit failed: open the store anew"};
  const bool planned = fail_in_ > 0 && --fail_in_ == 0;
  if (planned || full_) {
    failed_ = true;
    if (planned && fail_as_ == outcome::kept) hidden_ = batch;
    const auto code = planned ? fail_code_ : errc::full;
    return {code, code == errc::full ? "the disk is full (injected)" : "the disk failed (injected)"};
  }
  if (!batch.empty()) {
    if (!sync) undo_.push_back(undo_of(batch));
    if (auto s = seen_.commit(batch, sync); !s) return s;
  }
  if (sync) undo_.clear();
  ++commits_;
  return done();
}

// -- faults --------------------------------------------------------------------

void faulty_kv::fail_commit(std::uint64_t nth, outcome what, errc code) {
  invariant(nth > 0, "the next commit is number 1");
  invariant(code == errc::io || code == errc::full || code == errc::corrupt, "an error that a disk gives");
  fail_in_ = nth;
  fail_as_ = what;
  fail_code_ = code;
}

void faulty_kv::crash(std::size_t keep) {
  // The log is one file: what came after a lost record is lost too, except that `kept` asks for its record, and
  // then everything before it had reached the disk as well.
  if (hidden_) keep = undo_.size();
  for (; undo_.size() > keep; undo_.pop_back())
    (void)seen_.commit(undo_.back(), true);
  if (hidden_) (void)seen_.commit(*hidden_, true);
  start_anew();
}

kv_batch faulty_kv::undo_of(const kv_batch& batch) const {
  kv_batch out;
  bytes before;
  // The same key twice: both times the value before the batch, which is right in any order.
  for (const auto op : batch) {
    if (seen_.get(op.where, op.key, before) == lookup::found) {
      out.put(op.where, op.key, before);
    } else {
      out.erase(op.where, op.key);
    }
  }
  return out;
}

void faulty_kv::restore(const kv_image& image) {
  seen_.reset(image);
  full_ = false;
  reads_fail_ = false;
  start_anew();
}

void faulty_kv::start_anew() {
  undo_.clear();
  hidden_.reset();
  fail_in_ = 0;
  failed_ = false;
}

}  // namespace tally
