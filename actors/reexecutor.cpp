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
}

void reexecutor::run() {
  auto look = reexecution::open(with_.store);
  if (!look) return with_.log(look.code(), "prices are not looked at again: " + look.error().detail);
  logged_ = (*look)->differences().size();
  while (step(**look)) {
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
  for (; logged_ < all.size(); ++logged_)
    with_.log(errc::unbalanced, text_of(all[logged_]));
  auto before = report_.load();
  auto counted = look.counted();
  if (before && before->counted == counted) return;
  report_ = std::make_shared<reexecution_report>(reexecution_report{counted, all});
}

}  // namespace tally
