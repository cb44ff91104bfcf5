#include "actors/reexecutor.hpp"

#include <chrono>

namespace tally {
namespace {

constexpr std::chrono::milliseconds idle{1'000};

std::string text_of(const reexecuted_difference& d) {
  return "entry " + std::to_string(d.seq) + " of " + writer_name(d.writer) + ": expected " + d.expected + ", found " +
         d.found;
}

}  // namespace

reexecutor::reexecutor(parts with) : with_(std::move(with)) {
  thread_ = std::thread([this] { run(); });
}

void reexecutor::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (const auto& a : std::exchange(asked_, {}))
    a.done(error{errc::busy, "the node ends"});
}

void reexecutor::acknowledge(const writer_id& writer, sequence seq, std::string reason, unix_seconds now,
                             std::function<void(status)> done) {
  {
    std::lock_guard lock(mutex_);
    if (!stopping_ && asked_.size() < asked_max) {
      asked_.push_back({writer, seq, std::move(reason), now, std::move(done)});
      return;
    }
  }
  done(error{errc::busy, "too many of these wait"});
}

bool reexecutor::take_asked(reexecution& look) {
  std::vector<asked> list;
  {
    std::lock_guard lock(mutex_);
    list.swap(asked_);
  }
  bool goes_on = true;
  for (const auto& a : list) {
    auto notes = goes_on ? look.acknowledge(a.writer, a.seq, a.reason, a.now)
                         : result<reexecution::notes>(error{errc::busy, "the node ends"});
    if (notes && !keep(std::move(*notes))) {
      goes_on = false;
      notes = error{errc::busy, "the node ends"};
    }
    if (!notes) {
      a.done(notes.error());
      continue;
    }
    with_.log(errc::ok, "a difference of entry " + std::to_string(a.seq) + " of " + writer_name(a.writer) +
                            " was acknowledged: " + a.reason);
    a.done(done());
  }
  if (!list.empty() && goes_on) publish(look);
  return goes_on;
}

void reexecutor::run() {
  auto look = reexecution::open(with_.store);
  if (!look) return with_.log(look.code(), "prices are not looked at again: " + look.error().detail);
  for (const auto& d : (*look)->differences())
    logged_ = std::max(logged_, d.number + 1);
  while (take_asked(**look) && step(**look)) {
  }
}

bool reexecutor::step(reexecution& look) {
  auto begun = std::chrono::steady_clock::now();
  auto notes = look.step(at_once);
  if (!notes) {
    with_.log(notes.code(), "prices are looked at again in a while: " + notes.error().detail);
    return rest(60 * idle);
  }
  bool moved = !notes->empty();
  auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
  if (moved && !keep(std::move(*notes))) return false;
  publish(look);
  return rest(moved && look.counted().behind > 0 ? took : idle);
}

// What was looked at counts once it is durable. A node that ends answers no more, hence the look at `stopping_`.
bool reexecutor::keep(reexecution::notes notes) {
  auto kept = std::make_shared<std::atomic<bool>>(false);
  with_.keep(std::move(notes), [kept] { kept->store(true); });
  while (!kept->load())
    if (!rest(std::chrono::milliseconds(5))) return false;
  return true;
}

bool reexecutor::rest(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stopping_; });
}

void reexecutor::publish(const reexecution& look) {
  const auto& all = look.differences();
  for (const auto& d : all)
    if (d.number >= logged_) {
      with_.log(errc::unbalanced, text_of(d));
      logged_ = d.number + 1;
    }
  auto before = report_.load();
  auto counted = look.counted();
  if (before && before->counted == counted) return;
  report_ = std::make_shared<reexecution_report>(reexecution_report{counted, all});
}

}  // namespace tally
