#pragma once
#include "actors/facade.hpp"
#include "sync/member_parts.hpp"

namespace tally {

/// Carries what members ask of their node to the running one. Thread-safe; the node outlives it.
class member_carrier final : public member_node {
public:
  explicit member_carrier(node_facade& node) : node_(node) {}

  void facts(std::vector<entry> list, std::function<void(const facts_answer&)> done) override {
    node_.facts(std::move(list), std::move(done));
  }
  void post(node_id to, bytes body) override { node_.post(to, std::move(body)); }
  void on_news(std::function<void(const news&)> taker) override { node_.on_member_news(std::move(taker)); }
  void open_claims(claim_place after, std::size_t max, std::function<void(std::vector<claim_at>)> done) override {
    node_.open_claims(after, max, std::move(done));
  }
  member_standing standing() const override {
    auto s = node_.snapshot();
    return {s->self, s->link_up, s->hq_time, s->rules};
  }
  const kv_store& store() const override { return node_.store(); }
  void remember(std::string key, std::optional<bytes> value, std::function<void(bool)> done) override {
    node_.remember(std::move(key), std::move(value), std::move(done));
  }
  std::optional<bytes> recall(std::string_view key) const override { return node_.recall(key); }

private:
  node_facade& node_;
};

}  // namespace tally
