#pragma once
#include "actors/facade.hpp"

namespace tally::test {

/// The letters of a node without links: they go to whoever stands in for head office, and those about PINs and codes
/// come back from it.
class fake_letters : public node_facade {
public:
  std::shared_ptr<const reexecution_report> reexecuted() const override { return recomputed; }
  std::shared_ptr<const reexecution_report> recomputed;  ///< set before the first request

  void post(node_id to, bytes body) override {
    if (auto taker = copy(letters_)) taker(to, body);
  }
  void on_letters(std::function<void(node_id, bytes)> taker) {
    std::lock_guard lock(letters_mutex_);
    letters_ = std::move(taker);
  }
  void on_pin_letters(std::function<void(const letter_effect&)> taker) override {
    std::lock_guard lock(letters_mutex_);
    pin_letters_ = std::move(taker);
  }
  void letter_from_office(const bytes& body) {
    letter_effect l;
    l.from = node_id{1};
    l.body = body;
    if (auto taker = copy(pin_letters_)) taker(l);
  }

private:
  template <class T>
  T copy(const T& value) {
    std::lock_guard lock(letters_mutex_);
    return value;
  }
  std::mutex letters_mutex_;
  std::function<void(node_id, bytes)> letters_;
  std::function<void(const letter_effect&)> pin_letters_;
};

}  // namespace tally::test
