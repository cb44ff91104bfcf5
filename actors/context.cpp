#include "actors/context.hpp"

namespace tally {

std::uint64_t event_bus::subscribe(subscriber s) {
  std::lock_guard lock(mutex_);
  subscribers_.emplace(next_, std::move(s));
  return next_++;
}
void event_bus::unsubscribe(std::uint64_t id) {
  std::lock_guard lock(mutex_);
  subscribers_.erase(id);
}
void event_bus::publish(const node_event& e) const {
  std::lock_guard lock(mutex_);
  for (const auto& [id, s] : subscribers_)
    s(e);
}

void link_board::set(node_id node, bool up, unix_seconds now) {
  std::lock_guard lock(mutex_);
  auto& r = rows_[node];
  r.up = up;
  r.ever = r.ever || up;
  if (up) r.last_contact = now, r.why.clear();
}
void link_board::ended(node_id node, const std::string& why) {
  std::lock_guard lock(mutex_);
  rows_[node].why = why;
}
void link_board::keys(std::map<node_id, public_key> above) {
  std::lock_guard lock(mutex_);
  keys_ = std::move(above);
}
std::optional<public_key> link_board::key_of(node_id above) const {
  std::lock_guard lock(mutex_);
  auto it = keys_.find(above);
  return it == keys_.end() ? std::nullopt : std::optional(it->second);
}
void link_board::heard(node_id node, unix_seconds now) {
  std::lock_guard lock(mutex_);
  rows_[node].last_contact = now;
}
link_board::row link_board::at(node_id node) const {
  std::lock_guard lock(mutex_);
  auto it = rows_.find(node);
  return it == rows_.end() ? row{} : it->second;
}
void link_board::report(node_id child, const below_message& m) {
  std::map<node_id, node_snapshot::hearsay> said;
  for (const auto& i : m.items)
    said[i.node] = {i.up, i.last_contact, i.entries};
  std::lock_guard lock(mutex_);
  told_[child] = std::move(said);
}
std::optional<node_snapshot::hearsay> link_board::told(node_id node, node_id by) const {
  std::lock_guard lock(mutex_);
  auto child = told_.find(by);
  if (child == told_.end()) return std::nullopt;
  auto it = child->second.find(node);
  return it == child->second.end() ? std::nullopt : std::optional(it->second);
}

void link_board::spent(const link_budget::figures& f) {
  std::lock_guard lock(mutex_);
  spent_ = f;
}

link_budget::figures link_board::spent() const {
  std::lock_guard lock(mutex_);
  return spent_;
}

void admission_list::replace(std::map<public_key, node_id> keys, std::vector<void_key> ended,
                             std::vector<stream_id> directories, const time_message& time) {
  std::lock_guard lock(mutex_);
  time_ = time;
  keys_ = std::move(keys);
  directories_ = std::move(directories);
  ended_.clear();
  for (auto& k : ended)
    ended_.emplace(k.curve, k);
}
std::optional<link_peer> admission_list::find(const public_key& key) const {
  std::lock_guard lock(mutex_);
  if (auto it = keys_.find(key); it != keys_.end()) return link_peer(it->second);
  if (auto it = ended_.find(key); it != ended_.end()) return link_peer(it->second.node, true);
  return std::nullopt;
}
std::optional<admission_list::news> admission_list::ended(node_id node) const {
  std::lock_guard lock(mutex_);
  std::optional<news> out;
  for (const auto& [key, k] : ended_)
    if (k.node == node && (!out || k.directory >= out->up_to)) out = news{directories_, k.directory, k.why, {}};
  if (out && out->up_to == any_size && time_.time > 0) out->time = time_;
  return out;
}

}  // namespace tally
