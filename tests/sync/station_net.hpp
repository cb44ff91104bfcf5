#pragma once
#include <deque>

#include "storage/memory_kv.hpp"
#include "sync/durable_source.hpp"
#include "sync/seeded.hpp"
#include "sync/station.hpp"

namespace tally::test {

/// Head office 1, region 2, stores 3 and 4, carried by hand: nothing moves unless the test says so.
class station_net {
public:
  static constexpr std::string_view chain = "net";
  static constexpr account_id card{17};
  static constexpr amount price = 100;

  struct node {
    node_id id;
    node_role role{};
    std::unique_ptr<ed25519_signer> keys;
    curve_key curve;
    certificate cert;
    signed_certificate signed_cert;
    memory_kv store;
    std::unique_ptr<seeded_entropy> random;
    std::unique_ptr<certificate_book> certificates;
    std::unique_ptr<station> st;
    std::unique_ptr<durable_source> source;
    std::uint64_t counter = 0;
    std::vector<station_effect> seen;  ///< effects since `forget`, but for what `settle` carries on

    writer_id writer() const { return {id, cert.epoch}; }
    stream_id journal() const { return {writer(), sub_stream::journal, {}}; }
  };

  /// `small` are the limits of both stores. `more`: stores 5 and on beside them, or right below head office.
  explicit station_net(node_limits small = {1'000'000, 1'000'000, 100'000, 1'000'000}, std::uint32_t more = 0,
                       bool direct = false);

  node& at(std::uint32_t id) { return *nodes_.at(id - 1); }
  node& hq() { return at(1); }
  node& region() { return at(2); }
  void open(node& n, station_config habits = {});
  /// Runs, commits and settles until the node has nothing to do.
  void settle(node& n, std::uint64_t disk_free = std::uint64_t{1} << 40);
  /// Ships every stream that `to` takes from `from`.
  void carry(node& from, node& to);
  /// Everything everywhere, messages included, until nothing moves. Links that are not `linked` stay down.
  void sync();
  bool words_first = false;  ///< messages arrive before the segments that were sent with them
  void link(node& child, node& parent, bool up);
  /// Head office's disk is an older image of it, marked as a backup: it begins anew, and its links are down. `without`:
  /// who is not waited for.
  void go_back(const kv_image& copy, const std::vector<node_id>& without = {});
  void pass_time(tick_ms ms) { tick_ += ms, now_ += ms / 1000; }
  void set_clock(unix_seconds now) { now_ = now; }
  void forget();

  till_answer ask(node& n, till_command c, bool may_wait = false);
  /// The answer that `sync` or `settle` brought.
  std::optional<till_answer> answer_of(node& n, std::uint64_t request);
  till_key key(node& n) { return {n.id.value * 100, ++n.counter, 1}; }
  till_answer top_up(node& n, amount value) { return ask(n, top_up_command{key(n), card, value, tender_kind::cash}); }
  sale_command sale(node& n, std::int64_t things, account_id account = card);
  facts_answer publish(std::vector<entry> facts);
  entry limits_entry(node& store, const node_limits& l) const;

  /// A segment with these entries behind what `at` holds of the stream, signed by `by`, whatever they say.
  segment forge(const node& at, const stream_id& stream, const std::vector<entry>& entries, const signer& by);
  /// Outcome of an ingest.
  ingested_effect ingest(node& n, node_id from, const segment& s);

  unix_seconds now() const { return now_; }
  tick_ms ticks() const { return tick_; }
  const verifier& with() const { return with_; }
  public_key root() const { return root_->key(); }

private:
  void deliver_words();
  void add(std::uint32_t id, node_role role, std::vector<node_id> parents);

  ed25519_verifier with_;
  seeded_entropy random_{42};
  std::unique_ptr<ed25519_signer> root_;
  std::vector<std::unique_ptr<node>> nodes_;
  std::deque<std::tuple<node_id, node_id, message>> post_;
  std::set<std::pair<node_id, node_id>> links_;
  unix_seconds now_ = 1'795'341'600;
  tick_ms tick_ = 10'000;
  std::uint64_t requests_ = 0;
};

/// So often somewhat more than a second, and all that is said meanwhile.
void let_time_pass(station_net& net, int seconds);
/// Of the card, wherever it lies or is on its way, as head office sees it.
amount in_all(station_net& net);
/// A fact about a node, whatever its life.
entry about(entry_kind kind, node_id whom);
/// What head office rules about an entry of that life.
entry ruling_about(const writer_id& life, sequence seq, ruling_outcome outcome);
/// A card of kind 1, and a number of sixteen such letters that leads to it.
entry media_fact(account_id account, char letter, card_status status);
/// What head office publishes with these rules.
entry rules_fact(const rules_record& r);

/// First effect of a kind that a node saw since `forget`; null when there was none.
template <class T>
const T* seen(const station_net::node& n) {
  for (const auto& e : n.seen)
    if (const auto* t = std::get_if<T>(&e)) return t;
  return nullptr;
}
/// Why a till was refused; `ok` when it was not.
inline errc why(const till_answer& a) {
  const auto* r = std::get_if<refusal>(&a.outcome);
  return r ? r->why.code : errc::ok;
}
/// What the card is worth at a writer, as a node sees it.
inline amount held(const station_net::node& n, const writer_id& w) {
  return holding(n.st->seen().st(), w, station_net::card);
}
inline bool alarmed(const station_net::node& n, errc code) {
  for (const auto& e : n.seen)
    if (const auto* a = std::get_if<alarm_effect>(&e); a && a->code == code) return true;
  return false;
}

}  // namespace tally::test
