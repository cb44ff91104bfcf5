#include "node/api_events.hpp"

#include <algorithm>

namespace tally {
namespace {

/// The terminal that an event is for; 0: all of them.
std::uint32_t addressee(const node_event& e) {
  const auto* r = std::get_if<receipt_event>(&e);
  if (!r) return 0;
  const auto* written = std::get_if<entry>(&r->answer.outcome);
  return written ? written->terminal : 0;
}

std::string frame(std::string_view name, std::string_view json) {
  std::string out = "event: ";
  return out.append(name).append("\ndata: ").append(json).append("\n\n");
}

struct teller {
  const api_context& api;

  std::string operator()(const card_event& e) const {
    json_writer w;
    w.open('{');
    w.field("number", e.number);
    w.field("masked", masked_card(e.number));
    w.field("source", e.source);
    if (!e.kind.empty()) w.field("kind", e.kind);
    w.close('}');
    return frame("card", w.take());
  }
  std::string operator()(const card_removed_event& e) const {
    json_writer w;
    w.open('{');
    w.field("source", e.source);
    w.close('}');
    return frame("card_removed", w.take());
  }
  std::string operator()(const voucher_event& e) const {
    json_writer w;
    w.open('{');
    w.field("code", e.code);
    w.close('}');
    return frame("voucher", w.take());
  }
  std::string operator()(const receipt_code_event& e) const {
    json_writer w;
    w.open('{');
    if (e.id.starts_with(receipt_code_mark)) {
      write_code(w, e.id);
    } else {
      w.field("id", e.id);
      w.field("standing", std::optional<std::string>());
      w.field("error", std::optional<std::string>());
    }
    w.close('}');
    return frame("receipt_code", w.take());
  }
  void write_code(json_writer& w, std::string_view text) const {
    const auto code = parse_receipt_code(text);
    const auto found =
        api.services.check_receipt ? api.services.check_receipt(text) : result<receipt_report>(errc::unsupported);
    w.field("id", code ? receipt_id(code->writer, code->seq) : std::string());
    if (found) w.field("code", text);
    w.field("standing", found ? std::optional(receipt_standing_name(found->standing)) : std::nullopt);
    w.field("error", found ? std::nullopt : std::optional(errc_name(found.code())));
  }
  std::string operator()(const product_event& e) const {
    auto s = api.services.node.snapshot();
    const auto* p = s->rules->find_ean(e.ean, s->rules->version_at(s->business_date));
    json_writer w;
    w.open('{');
    w.field("ean", e.ean);
    w.field("product", p ? std::optional(p->id.value) : std::nullopt);
    w.close('}');
    return frame("product", w.take());
  }
  std::string operator()(const misread_event& e) const {
    json_writer w;
    w.open('{');
    w.field("device", e.device);
    w.field("reason", e.reason);
    w.close('}');
    return frame("misread", w.take());
  }
  std::string operator()(const receipt_event& e) const {
    if (!std::holds_alternative<entry>(e.answer.outcome)) return {};
    auto json = receipt_json(api, e.answer, e.masked);
    return json ? frame("receipt", *json) : std::string();
  }
  std::string operator()(const print_event& e) const {
    json_writer w;
    w.open('{');
    w.field("receipt", e.receipt);
    w.field("state", e.state);
    w.close('}');
    return frame("print", w.take());
  }
  std::string operator()(const device_event&) const {
    json_writer w;
    write_devices(w, api.services.node.devices());
    return frame("device", w.take());
  }
  std::string operator()(const link_event& e) const {
    auto s = *api.services.node.snapshot();
    s.link_up = e.up;  // the snapshot may lie a moment behind
    json_writer w;
    write_link(w, s);
    return frame("link", w.take());
  }
  std::string operator()(const rules_event& e) const {
    json_writer w;
    w.open('{');
    w.field("version", e.version);
    w.close('}');
    return frame("rules", w.take());
  }
  std::string operator()(const blocked_event& e) const {
    json_writer w;
    w.open('{');
    write_blocked(w, e.why);
    w.close('}');
    return frame("blocked", w.take());
  }
  /// Alarms and hints are not for tills.
  template <class Other>
  std::string operator()(const Other&) const {
    return {};
  }
};

}  // namespace

struct event_hub::inner {
  api_ptr api;
  poster post;
  std::size_t streams_max;
  std::mutex mutex;
  bool closed = false;
  struct stream {
    std::uint32_t terminal;
    sink out;
  };
  std::map<std::uint64_t, stream> streams;
  std::uint64_t next = 1;
  std::optional<card_event> unheard;  ///< the last swipe, while no till listened
  tick_ms unheard_at = 0;

  inner(api_ptr a, poster p, std::size_t n) : api(std::move(a)), post(std::move(p)), streams_max(n) {}

  /// Does anybody listen? A swipe that nobody hears is kept.
  bool wanted(const node_event& e) {
    auto terminal = addressee(e);
    std::lock_guard lock(mutex);
    if (closed) return false;
    for (const auto& [id, s] : streams)
      if (terminal == 0 || s.terminal == terminal) return true;
    keep(e);
    return false;
  }
  void keep(const node_event& e) {
    const auto* card = std::get_if<card_event>(&e);
    if (!card) return;
    unheard = *card;
    unheard_at = api->services.tick();
  }
  /// The swipe that a till missed while its page came back; at most once.
  std::optional<card_event> take_unheard() {
    auto swipe = std::exchange(unheard, std::nullopt);
    if (swipe && api->services.tick() - unheard_at > swipe_kept_ms) swipe.reset();
    return swipe;
  }
  void tell(const node_event& e) {
    auto text = event_text(*api, e);
    if (text.empty()) return;
    auto shared = std::make_shared<const std::string>(std::move(text));
    auto to = addressee(e);
    std::lock_guard lock(mutex);  // held while sinks run, so that none runs after `remove`
    if (closed) return;
    bool heard = false;
    for (const auto& [id, s] : streams) {
      if (to != 0 && s.terminal != to) continue;
      s.out(shared);
      heard = true;
    }
    if (!heard) keep(e);
  }
};

std::string event_text(const api_context& api, const node_event& e) { return std::visit(teller{api}, e); }

event_hub::event_hub(api_ptr api, poster post, std::size_t streams_max)
    : inner_(std::make_shared<inner>(std::move(api), std::move(post), streams_max)) {
  std::weak_ptr<inner> weak = inner_;
  subscription_ = inner_->api->services.node.events().subscribe([weak](const node_event& e) {
    auto me = weak.lock();
    if (!me) return;
    if (const auto* alarm = std::get_if<alarm_event>(&e)) {
      me->api->metrics.alarmed();
      me->api->last_alarm = alarm->code;
    }
    if (!me->wanted(e)) return;
    me->post([me, e] { me->tell(e); });
  });
}

event_hub::~event_hub() {
  inner_->api->services.node.events().unsubscribe(subscription_);
  std::lock_guard lock(inner_->mutex);
  inner_->closed = true;
  inner_->streams.clear();
}

std::optional<std::uint64_t> event_hub::add(std::uint32_t terminal, sink s) {
  std::lock_guard lock(inner_->mutex);
  if (inner_->closed) return std::nullopt;
  auto& all = inner_->streams;  // in the order of their coming
  auto same = [&](const auto& one) { return one.second.terminal == terminal; };
  if (static_cast<std::size_t>(std::ranges::count_if(all, same)) >= terminal_streams_max) {
    auto oldest = std::ranges::find_if(all, same);
    oldest->second.out(nullptr);
    all.erase(oldest);
  }
  if (all.size() >= inner_->streams_max) return std::nullopt;
  auto id = inner_->next++;
  if (auto swipe = inner_->take_unheard())
    s(std::make_shared<const std::string>(event_text(*inner_->api, node_event{*swipe})));
  inner_->streams.emplace(id, inner::stream{terminal, std::move(s)});
  inner_->api->metrics.streams.store(static_cast<std::int64_t>(inner_->streams.size()));
  return id;
}

void event_hub::remove(std::uint64_t id) {
  std::lock_guard lock(inner_->mutex);
  inner_->streams.erase(id);
  inner_->api->metrics.streams.store(static_cast<std::int64_t>(inner_->streams.size()));
}

}  // namespace tally
