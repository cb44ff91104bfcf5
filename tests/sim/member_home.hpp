#pragma once
#include <deque>
#include <functional>
#include <map>

#include "sim/nodes.hpp"
#include "sync/member_office.hpp"

namespace tally::sim {

class world;

/// A keystore that survives the process, as its file does; a restored database leaves it as it is.
struct kept_keys {
  std::map<account_id, std::pair<bytes, unix_seconds>> keys;
  unix_seconds latest = 0;
};
class sim_keys final : public member_keys {
public:
  sim_keys(kept_keys& kept, std::size_t keys_max) : kept_(kept), keys_max_(keys_max) {}
  std::optional<member_key> find(account_id member) const override;
  std::optional<held> look(account_id member) const override;
  status put(account_id member, const member_key& key, unix_seconds until) override;
  status destroy(account_id member) override;
  std::vector<held> list() const override;
  std::size_t size() const override { return kept_.keys.size(); }
  std::size_t damaged() const override { return 0; }
  unix_seconds latest() const override { return kept_.latest; }
  status note_time(unix_seconds now) override;
  status correct_time(unix_seconds now) override;

private:
  kept_keys& kept_;
  std::size_t keys_max_;
};

/// Work is done in events of the simulator.
class sim_queue final : public member_queue, public std::enable_shared_from_this<sim_queue> {
public:
  using later = std::function<void(std::function<void()>)>;
  explicit sim_queue(later soon) : soon_(std::move(soon)) {}
  void start(std::function<void()> every_second) override;
  void stop() override;
  bool post(std::function<void()> work) override;
  void post_answer(std::function<void()> work) override;
  void second();

private:
  void drain();
  later soon_;
  std::function<void()> every_second_;
  std::deque<std::function<void()>> waiting_;
  bool due_ = false, started_ = false, stopped_ = false;
};

/// What members have at one node.
struct member_home {
  // survives
  kept_keys keys;
  curve_key curve;
  std::unique_ptr<test::seeded_entropy> random;
  // the process
  std::unique_ptr<member_node> node;
  std::shared_ptr<sim_queue> queue;
  std::unique_ptr<member_service> service;
  std::function<void(const member_node::news&)> taker;
  std::map<std::uint64_t, std::function<void(const facts_answer&)>> asked;
};

}  // namespace tally::sim
