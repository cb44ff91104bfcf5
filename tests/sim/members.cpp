// Members at the simulator's nodes: what carries them, and how they live and die with their node.
#include "sim/members.hpp"

#include "ledger/member_state.hpp"
#include "sim/world.hpp"
#include "storage/kv_state.hpp"

namespace tally::sim {

namespace {

constexpr std::size_t key_octets = 32;

}  // namespace

// -- what carries them -----------------------------------------------------------

std::optional<member_key> sim_keys::find(account_id member) const {
  auto it = kept_.keys.find(member);
  if (it == kept_.keys.end()) return std::nullopt;
  member_key key;
  std::copy(it->second.first.begin(), it->second.first.end(), key.span().begin());
  return key;
}
std::optional<member_keys::held> sim_keys::look(account_id member) const {
  auto it = kept_.keys.find(member);
  if (it == kept_.keys.end()) return std::nullopt;
  return held{member, it->second.second};
}
status sim_keys::put(account_id member, const member_key& key, unix_seconds until) {
  bytes octets(reinterpret_cast<const char*>(key.data()), key_octets);
  auto it = kept_.keys.find(member);
  if (it != kept_.keys.end() && it->second.first != octets) return error{errc::key_reused, "another key is there"};
  if (it == kept_.keys.end() && kept_.keys.size() >= keys_max_) return error{errc::full, "no room for another key"};
  kept_.keys[member] = {octets, until};
  return done();
}
status sim_keys::destroy(account_id member) {
  kept_.keys.erase(member);
  return done();
}
std::vector<member_keys::held> sim_keys::list() const {
  std::vector<held> out;
  for (const auto& [member, k] : kept_.keys)
    out.push_back({member, k.second});
  return out;
}
status sim_keys::note_time(unix_seconds now) {
  kept_.latest = std::max(kept_.latest, now);
  return done();
}
status sim_keys::correct_time(unix_seconds now) {
  kept_.latest = now;
  return done();
}

void sim_queue::start(std::function<void()> every_second) {
  every_second_ = std::move(every_second);
  started_ = true;
  drain();
}
void sim_queue::stop() {
  stopped_ = true;
  waiting_.clear();
}
bool sim_queue::post(std::function<void()> work) {
  post_answer(std::move(work));
  return !stopped_;
}
void sim_queue::post_answer(std::function<void()> work) {
  if (stopped_) return;
  waiting_.push_back(std::move(work));
  if (due_ || !started_) return;
  due_ = true;
  soon_([self = weak_from_this()] {
    if (auto queue = self.lock()) queue->drain();
  });
}
void sim_queue::drain() {
  due_ = false;
  while (!stopped_ && !waiting_.empty()) {
    auto work = std::move(waiting_.front());
    waiting_.pop_front();
    work();
  }
}
void sim_queue::second() {
  if (started_ && !stopped_) every_second_();
}

namespace {

bytes record_key(std::string_view name) { return "n" + bytes(name); }

}  // namespace

/// One node of the simulator, as its members see it.
class carrier_of_node final : public member_node {
public:
  struct ways {
    std::function<void(std::vector<entry>, std::function<void(const facts_answer&)>)> facts;
    std::function<void(node_id, bytes)> post;
    std::function<void(std::function<void()>)> after_commit;  ///< when a commit that begins now is over
  };
  carrier_of_node(sim_node& n, member_home& h, ways w) : n_(n), home_(h), ways_(std::move(w)) {}

  void facts(std::vector<entry> list, std::function<void(const facts_answer&)> done) override {
    ways_.facts(std::move(list), std::move(done));
  }
  void post(node_id to, bytes body) override { ways_.post(to, std::move(body)); }
  void on_news(std::function<void(const news&)> taker) override { home_.taker = std::move(taker); }
  void open_claims(claim_place after, std::size_t max, std::function<void(std::vector<claim_at>)> done) override {
    done(n_.st->open_claims(after, max));
  }
  member_standing standing() const override {
    const auto& ledger = n_.st->ledger();
    bool up = false;
    for (auto id : n_.st->neighbours_up())
      up = up || id == head_office || id == n_.st->parent();
    return {ledger.self(), up, ledger.hq_time(), {std::shared_ptr<void>(), &ledger.rules()}};
  }
  const kv_store& store() const override { return n_.disk; }
  void remember(std::string key, std::optional<bytes> value, std::function<void(bool)> done) override {
    ways_.after_commit([this, key = record_key(key), value = std::move(value), done = std::move(done)] {
      kv_batch batch;
      value ? batch.put(family::meta, key, *value) : batch.erase(family::meta, key);
      const bool ok = n_.disk.commit(batch, true).ok();
      if (done) done(ok);
    });
  }
  std::optional<bytes> recall(std::string_view key) const override {
    bytes out;
    if (n_.disk.get(family::meta, record_key(key), out) != lookup::found) return std::nullopt;
    return out;
  }

private:
  sim_node& n_;
  member_home& home_;
  ways ways_;
};

// -- lives -----------------------------------------------------------------------

sim_members::sim_members(world& w, std::uint64_t seed) : w_(w), dice_(seed * 0xa0761d6478bd642fULL + 11) {}
sim_members::~sim_members() {
  for (auto& [id, h] : homes_)
    h.service.reset();
}

bool sim_members::is_store(node_id id) const { return w_.nodes().at(id).role == node_role::store; }

member_office* sim_members::office() const {
  auto it = homes_.find(head_office);
  return it == homes_.end() ? nullptr : static_cast<member_office*>(it->second.service.get());
}

void sim_members::new_machine(node_id id) {
  auto it = homes_.find(id);
  if (it != homes_.end()) it->second.keys = {};
}

void sim_members::start(sim_node& n) {
  if (n.role == node_role::region) return;
  auto& h = homes_[n.id];
  if (!h.random) {
    h.random = std::make_unique<test::seeded_entropy>(dice_.bits());
    h.curve = make_curve_key(*h.random);
  }
  auto life = n.life;
  auto soon = [this, &n, life](tick_ms delay, std::function<void()> what) {
    w_.at(delay, [&n, life, what = std::move(what)] {
      if (n.life == life) what();
    });
  };
  h.queue = std::make_shared<sim_queue>([soon](std::function<void()> what) { soon(1, std::move(what)); });
  h.node = std::make_unique<carrier_of_node>(
      n, h,
      carrier_of_node::ways{
          [this, &n, &h, soon](std::vector<entry> list, std::function<void(const facts_answer&)> done) {
            auto id = ++requests_;
            if (!n.st->put(facts_request{id, std::move(list)}))
              return soon(1, [done, id] { done({id, errc::busy, "too many wait", 0, 0}); });
            h.asked[id] = std::move(done);
            w_.wake(n, 0);
          },
          [this, &n](node_id to, bytes body) {
            (void)n.st->post({n.id, to, std::move(body)});
            w_.wake(n, 0);
          },
          [this, soon](std::function<void()> what) {
            soon(dice_.between(1, 1 + w_.how().commit_max), std::move(what));
          }});
  member_parts parts{
      .node = *h.node,
      .chain = std::string(world::chain),
      .keys = std::make_unique<sim_keys>(h.keys, is_store(n.id) ? desk_members_max : office_members_max),
      .worker = h.queue,
      .curve = h.curve,
      .random = *h.random,
      .now = [this, &n] { return w_.wall(n); },
      .curve_of = [this](node_id id) -> std::optional<public_key> {
        auto it = homes_.find(id);
        if (it == homes_.end() || w_.nodes().at(id).outcast) return std::nullopt;
        return it->second.curve.pub;
      },
      .log =
          [this, &n](errc code, const std::string& text) {
            if (w_.verbose())
              w_.say("members at " + std::to_string(n.id.value) + ": " + std::string(errc_name(code)) + " " + text);
            ensure(code != errc::corrupt && code != errc::io && code != errc::bad_proof,
                   [&] { return "members at node " + std::to_string(n.id.value) + ": " + text; });
          }};
  parts.lease_s = w_.how().lease_s;
  if (is_store(n.id)) {
    auto desk = member_desk::start(std::move(parts));
    ensure(desk.ok(), [&] { return "a desk of members does not start: " + desk.error().detail; });
    h.service = std::move(*desk);
  } else {
    parts.allot = [this, soon](std::function<void(result<std::uint64_t>)> told) {
      soon(5, [this, told = std::move(told)] { told(++numbers_); });
    };
    auto office = member_office::start(std::move(parts));
    ensure(office.ok(), [&] { return "head office's members do not start: " + office.error().detail; });
    h.service = std::move(*office);
  }
  every_second(n, life);
}

void sim_members::stop(sim_node& n) {
  auto it = homes_.find(n.id);
  if (it == homes_.end()) return;
  auto& h = it->second;
  h.service.reset();
  h.queue.reset();
  h.node.reset();
  h.asked.clear();
  h.taker = {};
}

// At a shop's pace what happens once a second happens as much more seldom.
void sim_members::every_second(sim_node& n, std::uint64_t life) {
  w_.at(1'000 * w_.how().pace, [this, &n, life] {
    if (n.life != life) return;
    home(n.id).queue->second();
    check_keys(n);
    if (n.life == life) every_second(n, life);
  });
}

bool sim_members::answered(sim_node& n, const facts_answer& a) {
  auto it = homes_.find(n.id);
  if (it == homes_.end()) return false;
  auto found = it->second.asked.find(a.request);
  if (found == it->second.asked.end()) return a.request > std::uint64_t{1} << 40;
  auto done = std::move(found->second);
  it->second.asked.erase(found);
  done(a);
  return true;
}

void sim_members::hear(sim_node& n, const member_node::news& news) {
  auto it = homes_.find(n.id);
  if (it != homes_.end() && it->second.taker) it->second.taker(news);
}

// Right behind the look that head office's clock and the journal allow: what was erased or is over is gone.
void sim_members::check_keys(sim_node& n) {
  if (!is_store(n.id)) return;
  auto& h = home(n.id);
  durable_state st(n.disk);
  auto time = std::max<unix_seconds>(h.keys.latest, n.st->ledger().hq_time());
  const tick_ms slack = 11'000 + 2'000 * w_.how().pace;  // a look every ten seconds
  w_.counted_.leases_ended += std::erase_if(over_, [&](const auto& o) {
    return o.second != 0 && o.first.first == n.id && !h.keys.keys.count(o.first.second);
  });
  for (const auto& [member, key] : h.keys.keys) {
    auto record = member_of(st, member);
    auto& since = heard_[{n.id, member}];
    if (!record || !record->erased)
      since = 0;
    else if (since == 0)
      since = w_.now();
    ensure(since == 0 || w_.now() - since <= 1'000 * w_.how().pace, [&] {
      return "node " + std::to_string(n.id.value) + " has the key of member " + std::to_string(member.value) +
             ", whose erasure it has heard of";
    });
    auto& over = over_[{n.id, member}];
    if (key.second > time)
      over = 0;
    else if (over == 0)
      over = w_.now();
    ensure(over == 0 || w_.now() - over <= slack, [&] {
      return "node " + std::to_string(n.id.value) + " has the key of member " + std::to_string(member.value) + ", " +
             std::to_string(time - key.second) + " s after the lease ended";
    });
  }
}

}  // namespace tally::sim
