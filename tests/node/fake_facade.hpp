#pragma once
#include <condition_variable>
#include <deque>
#include <future>
#include <thread>

#include "fake_letters.hpp"
#include "ledger/kinds.hpp"
#include "storage/book.hpp"
#include "storage/memory_kv.hpp"
#include "sync/medium.hpp"
#include "sync/wrong_pin.hpp"
#include "test_rules.hpp"

namespace tally::test {

/// A store's node with a real ledger in memory and neither links nor devices: node 3, three cards, three products.
/// Requests are decided on a thread of its own, all that wait in one group; what is answered is committed.
class fake_facade final : public fake_letters {
public:
  fake_facade() {
    auto opened = book::open(store_, node_id{3}, node_role::store);
    invariant(opened.ok(), "an empty book opens");
    book_ = std::move(*opened);
    book_->begin_epoch(writer_of(3).epoch, noon, std::nullopt);
    auto& st = book_->st();
    put_node(st, node_id{1}, {node_role::hq, writer_of(1).epoch, {}});
    put_node(st, node_id{2}, {node_role::region, writer_of(2).epoch, {node_id{1}}});
    put_node(st, node_id{3}, {node_role::store, writer_of(3).epoch, {node_id{2}, node_id{1}}});
    for (std::uint64_t n = 17; const auto& card : {card_a, card_b, card_frozen}) {
      put_medium(st, medium_of(chain, card), account_id{n});
      put_card(st, account_id{n++}, {card == card_frozen ? card_status::frozen : card_status::active, 1, 1});
    }
    for (const auto& e : test_rules())
      invariant(book_->learn(e).ok(), "a publication");
    receive({}, {{0, quota_of(main_unit), 0, 500'000}});
    commit();
    thread_ = std::thread([this] { work(); });
  }
  ~fake_facade() override {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void till(till_command c, std::string masked, std::function<void(const till_answer&)> done) override {
    tills_seen.fetch_add(1);
    post([this, c = std::move(c), masked = std::move(masked), done = std::move(done)] {
      if (mute) return;
      auto a = decide_one(c);
      after_.push_back([this, a = std::move(a), masked, done] {
        if (std::holds_alternative<entry>(a.outcome) && announce) bus_.publish(receipt_event{a, masked});
        done(a);
      });
    });
  }
  void facts(std::vector<entry>, std::function<void(const facts_answer&)> done) override {
    done({.code = errc::not_entitled, .detail = "", .first = 0, .written = 0});
  }
  void carry(std::vector<message>, std::function<void(const carried_answer&)> done) override {
    done({.code = errc::unsupported, .detail = "", .taken = {}, .cosigned = {}});
  }
  void ask_elsewhere(account_id) override { asked.fetch_add(1); }
  std::optional<elsewhere_hint> elsewhere(account_id) const override { return locked(hint_); }
  void set_hint(elsewhere_hint h) {
    std::lock_guard lock(mutex_);
    hint_ = h;
  }
  void returned_mark(const writer_id&, sequence seq, std::function<void(bool)> done) override {
    marks.fetch_add(1);
    post([this, seq, done = std::move(done)] {
      bool old_copy = seq > book_->next();
      if (old_copy) book_->stop_card_value(errc::rolled_back);
      after_.push_back([done, old_copy] { done(old_copy); });
    });
  }
  bool print(const std::string& receipt, std::vector<bytes> tickets) override {
    std::lock_guard lock(mutex_);
    if (devices_.printer == "none" || spool_full) return false;
    for (auto& ticket : tickets)
      printed.push_back({receipt, std::move(ticket)});
    return true;
  }
  bool open_drawer() override { return ++drawers > 0 && devices().printer != "none"; }
  bool show_customer(const std::string& upper, const std::string& lower) override {
    shown = upper + "|" + lower;
    return devices().display != "none";
  }
  std::shared_ptr<const node_snapshot> snapshot() const override { return locked(snapshot_); }
  device_states devices() const override { return locked(devices_); }
  void set_devices(device_states d) {
    std::lock_guard lock(mutex_);
    devices_ = std::move(d);
  }
  event_bus& events() override { return bus_; }
  const kv_store& store() const override { return store_; }
  void remember(std::string key, std::optional<bytes> value, std::function<void(bool)> done) override {
    post([this, key = "n" + key, value = std::move(value), done = std::move(done)] {
      value ? book_->view().put(family::meta, key, *value) : book_->view().erase(family::meta, key);
      if (done) after_.push_back([done] { done(true); });
    });
  }
  std::optional<bytes> recall(std::string_view key) const override {
    bytes v;
    if (store_.get(family::meta, "n" + bytes(key), v) != lookup::found) return std::nullopt;
    return v;
  }

  void keep(const std::string& key, const bytes& value, family f = family::meta) {  // as another part of the node would
    done_with([&] { book_->view().put(f, key, value); });
  }
  /// Facts of head office's directory come.
  void learn(const std::vector<entry>& facts) {
    done_with([&] {
      for (const auto& e : facts)
        invariant(book_->learn(e).ok(), "a fact of the directory");
      rules_ = nullptr;
    });
  }
  void grant(unit_id right, amount n) {
    done_with([&] { receive({}, {{0, right, 0, n}}); });
  }
  /// Changes the snapshot; later groups keep the change.
  void alter(std::function<void(node_snapshot&)> change) {
    std::lock_guard lock(mutex_);
    change(extra_);
    auto next = *snapshot_;
    change(next);
    snapshot_ = std::make_shared<node_snapshot>(std::move(next));
  }

  std::atomic<int> tills_seen{0}, asked{0}, marks{0}, drawers{0};
  std::atomic<bool> mute{false};                         ///< requests are swallowed
  std::atomic<bool> announce{false}, spool_full{false};  ///< receipts go to the bus; no ticket is taken
  std::string shown;
  std::vector<std::pair<std::string, bytes>> printed;

private:
  template <class T>
  T locked(const T& value) const {
    std::lock_guard lock(mutex_);
    return value;
  }
  /// Durable when it returns.
  void done_with(const std::function<void()>& change) {
    std::promise<void> kept;
    post([&] {
      change();
      after_.push_back([&] { kept.set_value(); });
    });
    kept.get_future().wait();
  }
  void post(std::function<void()> f) {
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(std::move(f));
    }
    wake_.notify_one();
  }
  void work() {
    for (;;) {
      std::deque<std::function<void()>> now;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stop_ || !queue_.empty(); });
        if (stop_) return;
        now.swap(queue_);
      }
      for (auto& f : now)
        f();
      commit();
      auto done = std::move(after_);
      after_.clear();
      for (auto& f : done)
        f();
    }
  }
  void commit() {
    auto batch = book_->seal();
    invariant(store_.commit(batch, true).ok(), "memory takes everything");
    book_->settled();
    if (!rules_) rules_ = std::make_shared<catalogue>(book_->rules());
    auto s = std::make_shared<node_snapshot>();
    s->self = book_->self();
    s->role = node_role::store;
    s->entries = book_->durable_next();
    s->stopped = book_->stopped();
    s->business_date = day_of(noon);
    s->quota_left = quota_left(book_->st(), book_->self());
    s->held = held_total(book_->st(), book_->self());
    s->rules = rules_;
    std::lock_guard lock(mutex_);
    s->link_up = extra_.link_up, s->last_contact = extra_.last_contact;
    s->disk_low = extra_.disk_low;
    s->hq_cosigned = extra_.hq_cosigned;
    s->children = extra_.children;
    s->below = extra_.below;
    snapshot_ = std::move(s);
  }
  till_answer decide_one(const till_command& c) {
    till_answer a;
    a.writer = book_->self();
    a.seq = book_->next();
    auto d = book_->take(c, noon + 60);
    if (auto* r = std::get_if<replayed>(&d)) {
      a.seq = r->seq;
      a.repeated = true;
      a.outcome = *book_->find_entry(r->writer, r->seq);
    } else if (auto* e = std::get_if<entry>(&d)) {
      a.outcome = *e;
    } else {
      a.outcome = std::get<refusal>(d);
    }
    refuse_wrong_pin(a, book_->st(), a.writer);
    if (auto* e = std::get_if<entry>(&a.outcome)) a.here = holding(book_->st(), a.writer, e->account);
    if (a.here != 0) a.elsewhere = elsewhere_hint{2'000, noon - 600};
    return a;
  }
  void receive(account_id account, std::vector<value_item> values) {
    entry e;
    e.kind = entry_kind::receive;
    date_entry(e, book_->st(), book_->self(), noon, 0);
    e.peer = writer_of(2);
    e.channel = static_cast<std::uint64_t>(number(book_->st(), channel_key(false, e.peer, book_->self()))) + 1;
    e.account = account;
    e.values = std::move(values);
    e.head = stream_head{{e.peer, sub_stream::addressed, node_id{3}}, e.channel, {}};
    auto written = book_->write(e);
    invariant(written.ok(), written.ok() ? "" : written.error().detail.c_str());
  }

  memory_kv store_;
  std::unique_ptr<book> book_;
  std::shared_ptr<const catalogue> rules_;
  event_bus bus_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_, after_;
  std::shared_ptr<const node_snapshot> snapshot_;
  node_snapshot extra_;
  std::optional<elsewhere_hint> hint_;
  device_states devices_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace tally::test
