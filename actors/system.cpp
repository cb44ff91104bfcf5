#include "actors/system.hpp"

#include <array>
#include <cstring>

#include "actors/devices.hpp"
#include "actors/ledger.hpp"
#include "actors/links.hpp"
#include "actors/reexecutor.hpp"
#include "actors/supervisor.hpp"
#include "sync/durable_source.hpp"

namespace tally {
namespace {

class actor_config : public caf::actor_system_config {
public:
  actor_config() {
    add_message_types<caf::id_block::tally>();
    // Workers share one queue: a hop to the committer and back costs half of what stealing does (docs/decisions).
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{3});
  }
};

bytes note_key(std::string_view key) { return "n" + bytes(key); }

class running_system final : public node_system {
public:
  running_system(system_options o, kv_store& store, const signer& keys, const curve_key& curve)
      : options_(std::move(o)),
        source_(store, keys, options_.station.chain, options_.station.self),
        curve_(curve),
        context_{.store = store,
                 .source = source_,
                 .clock = {options_.wall, options_.tick},
                 .events = {},
                 .links = {},
                 .admitted = {},
                 .log = options_.log,
                 .new_keys = options_.new_keys,
                 .fatal = options_.fatal,
                 .mutex = {},
                 .ledger = {},
                 .uplink = {},
                 .downlink = {},
                 .printer = {},
                 .display = {},
                 .rewriter = {},
                 .devices = {}},
        snapshot_(std::make_shared<std::atomic<std::shared_ptr<const node_snapshot>>>()),
        system_(config_) {
    context_.card_prefix = [this] { return prefix_in_force(); };
  }
  ~running_system() override { running_system::stop(); }

  status open(certificate_book& certificates, const signer& keys, entropy& random);
  void stop() override;

  void till(till_command command, std::string masked, std::function<void(const till_answer&)> done) override {
    auto job = std::make_shared<ledger_job>();
    job->masked = std::move(masked);
    job->input = till_request{0, std::move(command), true};
    job->till_done = std::move(done);
    caf::anon_send(ledger_, job_message{std::move(job)});
  }
  void facts(std::vector<entry> list, std::function<void(const facts_answer&)> done) override {
    auto job = std::make_shared<ledger_job>();
    job->input = facts_request{0, std::move(list)};
    job->facts_done = std::move(done);
    caf::anon_send(ledger_, job_message{std::move(job)});
  }
  void carry(std::vector<message> what, std::function<void(const carried_answer&)> done) override {
    auto job = std::make_shared<ledger_job>();
    job->input = carried_request{0, std::move(what)};
    job->carried_done = std::move(done);
    caf::anon_send(ledger_, job_message{std::move(job)});
  }
  void ask_elsewhere(account_id account) override {
    auto job = std::make_shared<ledger_job>();
    job->input = elsewhere_request{account};
    caf::anon_send(ledger_, job_message{std::move(job)});
  }
  std::optional<elsewhere_hint> elsewhere(account_id account) const override {
    std::lock_guard lock(hints_mutex_);
    auto it = hints_.find(account);
    return it == hints_.end() ? std::nullopt : std::optional(it->second);
  }
  void returned_mark(const writer_id& writer, sequence seq, std::function<void(bool)> done) override {
    run([writer, seq, done = std::move(done), wall = options_.wall](station& s) {
      bool rolled_back = s.check_rollback(writer, seq, wall());
      s.after_durable([done, rolled_back] { done(rolled_back); });
    });
  }
  void ask_end(node_id node, closing_taker done) override {
    run([node, done = std::move(done)](station& s) { s.ask_end(node, done); });
  }
  void want_keys(next_keys keys) override {
    run([keys = std::move(keys)](station& s) { s.want_keys(keys); });
  }
  bool print(const std::string& receipt, std::vector<bytes> tickets) override {
    auto a = context_.handle(&node_context::printer);
    if (!a) return false;
    caf::anon_send(a, ticket_message{receipt, std::make_shared<const std::vector<bytes>>(std::move(tickets))});
    return true;
  }
  bool open_drawer() override {
    // Behind CUPS there is no wire to send a pulse on.
    const auto& d = options_.devices;
    if (d.drawer_pulse.empty() || (d.printer_host.empty() && d.printer_path.empty())) return false;
    auto a = context_.handle(&node_context::printer);
    if (a) caf::anon_send(a, drawer_message{});
    return static_cast<bool>(a);
  }
  bool show_customer(const std::string& upper, const std::string& lower) override {
    auto a = context_.handle(&node_context::display);
    if (a) caf::anon_send(a, display_message{upper, lower});
    return static_cast<bool>(a);
  }
  bool rewrite_card(const std::vector<std::string>& lines) override {
    auto a = context_.handle(&node_context::rewriter);
    if (a) caf::anon_send(a, card_text_message{std::make_shared<const std::vector<std::string>>(lines)});
    return static_cast<bool>(a);
  }
  void post(node_id to, bytes body) override {
    run([m = letter_message{options_.station.self, to, std::move(body)}](station& s) { (void)s.post(m); });
  }
  void on_member_news(std::function<void(const member_news&)> taker) override {
    std::lock_guard lock(context_.mutex);
    context_.members = std::make_shared<const std::function<void(const member_news&)>>(std::move(taker));
  }
  void on_pin_letters(std::function<void(const letter_effect&)> taker) override {
    std::lock_guard lock(context_.mutex);
    context_.pins = std::make_shared<const std::function<void(const letter_effect&)>>(std::move(taker));
  }
  void open_claims(claim_place after, std::size_t max, std::function<void(std::vector<claim_at>)> done) override {
    run([after, max, done = std::move(done)](station& s) { done(s.open_claims(after, max)); }, false);
  }
  std::shared_ptr<const node_snapshot> snapshot() const override { return snapshot_->load(); }
  std::shared_ptr<const reexecution_report> reexecuted() const override {
    return reexecutor_ ? reexecutor_->report() : nullptr;
  }
  void acknowledge_difference(const writer_id& writer, sequence seq, std::string reason, unix_seconds now,
                              std::function<void(status)> done) override {
    if (!reexecutor_) return node_facade::acknowledge_difference(writer, seq, std::move(reason), now, std::move(done));
    reexecutor_->acknowledge(writer, seq, std::move(reason), now, std::move(done));
  }
  device_states devices() const override {
    std::lock_guard lock(context_.mutex);
    return context_.devices;
  }
  event_bus& events() override { return context_.events; }
  const kv_store& store() const override { return context_.store; }
  void remember(std::string key, std::optional<bytes> value, std::function<void(bool)> done) override {
    const bool urgent = static_cast<bool>(done);
    auto task = [key = note_key(key), value = std::move(value), done = std::move(done)](station& s) {
      if (value) {
        s.ledger().view().put(family::meta, key, *value);
      } else {
        s.ledger().view().erase(family::meta, key);
      }
      if (done) s.after_durable([done] { done(true); });
    };
    run(std::move(task), urgent);
  }
  std::optional<bytes> recall(std::string_view key) const override {
    bytes v;
    if (context_.store.get(family::meta, note_key(key), v) != lookup::found) return std::nullopt;
    return v;
  }

private:
  std::string prefix_in_force() const {
    const auto s = snapshot_->load();
    if (!s) return {};
    const auto* r = s->rules->rules(s->rules->version_at(s->business_date));
    if (!r) r = s->rules->newest();
    return r ? r->card_prefix : std::string();
  }
  void run(std::function<void(station&)> task, bool urgent = true) {
    caf::anon_send(ledger_, task_message{std::make_shared<std::function<void(station&)>>(std::move(task)), urgent});
  }
  std::vector<supervised> parts(const writer_id& self, std::shared_ptr<std::promise<status>> listening);
  void look_again();

  system_options options_;
  durable_source source_;
  const curve_key& curve_;
  mutable node_context context_;
  std::shared_ptr<std::atomic<std::shared_ptr<const node_snapshot>>> snapshot_;
  mutable std::mutex hints_mutex_;
  std::map<account_id, elsewhere_hint> hints_;
  actor_config config_;
  caf::actor_system system_;
  caf::actor ledger_, supervisor_;
  std::unique_ptr<reexecutor> reexecutor_;
  std::uint64_t process_ = 0;  ///< `hello_message::process`
  bool stopped_ = false;
};

status running_system::open(certificate_book& certificates, const signer& keys, entropy& random) {
  for (const auto& [epoch, key] : options_.older_keys)
    source_.sign_with(epoch, *key);
  options_.station.letters = &curve_;
  auto s = station::open(options_.station, context_.store, certificates, keys, random);
  if (!s) return s.error();
  if (!(*s)->ledger().started()) {
    (*s)->start(options_.first_epoch, options_.wall());
    auto batch = (*s)->seal();
    TALLY_TRY(context_.store.commit(*batch, true));
    (void)(*s)->settled();
  }
  TALLY_TRY((*s)->begin_restored_epoch(options_.wall()));
  (*s)->begin_certified_epoch(options_.wall());
  if (auto batch = (*s)->seal(); batch && !batch->empty()) TALLY_TRY(context_.store.commit(*batch, true));
  if ((*s)->ledger().in_flight())
    for (const auto& e : (*s)->settled())
      if (const auto* a = std::get_if<alarm_effect>(&e)) options_.log(a->code, a->text);
  auto self = (*s)->ledger().self();
  auto holder = std::make_shared<std::unique_ptr<station>>(std::move(*s));
  ledger_ = system_.spawn(ledger, holder, &context_, snapshot_, options_.exposure_days);
  context_.set_handle(&node_context::ledger, ledger_);
  context_.events.subscribe([this](const node_event& e) {
    // Hints come with answers; kept here so that a look-up of a card needs no hop.
    const auto* r = std::get_if<hint_event>(&e);
    if (!r) return;
    std::lock_guard lock(hints_mutex_);
    if (hints_.size() >= 10'000) hints_.erase(hints_.begin());
    hints_[r->account] = r->hint;
  });
  std::array<std::uint8_t, sizeof process_> drawn{};
  random.fill(drawn);
  std::memcpy(&process_, drawn.data(), sizeof process_);
  auto listening = std::make_shared<std::promise<status>>();
  auto listens = listening->get_future();
  if (options_.listen_endpoint.empty()) listening->set_value(done());
  supervisor_ = system_.spawn(supervisor, &context_, parts(self, std::move(listening)));
  // The ledger publishes its first snapshot in its first step; nobody may ask before.
  while (!snapshot_->load())
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  // A node that nobody can reach has not started. Later, the supervisor tries again.
  if (auto ok = listens.get(); !ok)
    return error{errc::bad_config, "link.listen: cannot listen on " + ok.error().detail};
  if (options_.station.role == node_role::hq) look_again();
  return done();
}

void running_system::look_again() {
  auto keep = [this](reexecution::notes notes, std::function<void()> done) {
    run([notes = std::move(notes), done = std::move(done)](station& s) {
      for (const auto& [key, value] : notes)
        s.ledger().view().put(family::meta, note_key(key), value);
      s.after_durable(done);
    });
  };
  reexecutor_ = std::make_unique<reexecutor>(reexecutor::parts{context_.store, std::move(keep), options_.log});
}

std::vector<supervised> running_system::parts(const writer_id& self, std::shared_ptr<std::promise<status>> listening) {
  auto current = [this, self] {
    auto s = snapshot_->load();
    return s ? s->self : self;
  };
  auto list = device_parts(context_, options_.devices);
  link_config link;
  link.self = options_.station.self;
  link.wire.heartbeat = options_.heartbeat;
  link.hold_ms = options_.batch.count();
  link.quiet_ms = std::chrono::milliseconds(options_.quiet).count();
  link.octets_per_month = options_.octets_per_month;
  link.skips = options_.station.skips;
  link.process = process_;
  if (!options_.listen_endpoint.empty())
    list.push_back({"the link to children", [this, link, current, listening](caf::actor_system& sys) mutable {
                      auto c = link;
                      c.listening = std::exchange(listening, nullptr);  // the first time only
                      c.endpoint = options_.listen_endpoint;
                      auto a = sys.spawn(downlink, &context_, c, &curve_, current());
                      context_.set_handle(&node_context::downlink, a);
                      return a;
                    }});
  if (!options_.parent_endpoint.empty())
    list.push_back({"the link to the parent", [this, link, current](caf::actor_system& sys) {
                      auto c = link;
                      c.endpoint = options_.parent_endpoint;
                      c.server = options_.parent_key;
                      c.peer = options_.parent;
                      auto a = sys.spawn(uplink, &context_, c, &curve_, current());
                      context_.set_handle(&node_context::uplink, a);
                      return a;
                    }});
  if (!options_.parent_endpoint.empty() && !options_.detour_endpoint.empty())
    list.push_back({"the link to head office", [this, link, current](caf::actor_system& sys) {
                      auto c = link;
                      c.endpoint = options_.detour_endpoint;
                      c.server = options_.head_office_key;
                      c.peer = head_office;
                      c.stands_for = options_.parent;
                      auto a = sys.spawn(uplink, &context_, c, &curve_, current());
                      context_.set_handle(&node_context::detour, a);
                      return a;
                    }});
  return list;
}

void running_system::stop() {
  if (stopped_) return;
  stopped_ = true;
  if (reexecutor_) reexecutor_->stop();
  auto wait_for = [this](const caf::actor& a, const char* what) {
    if (!a) return;
    caf::scoped_actor self{system_};
    self->monitor(a);
    caf::anon_send(a, stop_message{});
    self->receive([](const caf::down_msg&) {},
                  caf::after(std::chrono::seconds(10)) >>
                      [&] { options_.log(errc::timeout, std::string(what) + " did not stop in 10 s"); });
  };
  wait_for(supervisor_, "links and devices");
  for (auto which : {&node_context::uplink, &node_context::detour, &node_context::downlink, &node_context::printer,
                     &node_context::display, &node_context::rewriter})
    context_.set_handle(which, {});
  wait_for(ledger_, "the ledger");
  context_.set_handle(&node_context::ledger, {});
  supervisor_ = nullptr;
  ledger_ = nullptr;
}

}  // namespace

result<std::unique_ptr<node_system>> node_system::start(system_options options, kv_store& store,
                                                        certificate_book& certificates, const signer& keys,
                                                        const curve_key& curve, entropy& random) {
  auto s = std::make_unique<running_system>(std::move(options), store, keys, curve);
  TALLY_TRY(s->open(certificates, keys, random));
  return std::unique_ptr<node_system>(std::move(s));
}

}  // namespace tally
