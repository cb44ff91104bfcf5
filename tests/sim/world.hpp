#pragma once
#include <functional>
#include <queue>

#include "ledger/cards.hpp"
#include "sim/codes.hpp"
#include "sim/known_signatures.hpp"
#include "sim/nodes.hpp"
#include "sim/oracle.hpp"
#include "sim/plan.hpp"
#include "storage/faulty_kv.hpp"
#include "sync/durable_source.hpp"
#include "sync/seeded.hpp"
#include "sync/session.hpp"
#include "sync/token.hpp"

namespace tally::sim {

// What every run sells, and the purses of its programme.
constexpr unsigned products = 4;
/// What is sold by amount while stores skip goods, and the first of many that nobody buys.
constexpr std::uint32_t open_product = 500, first_goods = 1'000;
constexpr std::uint32_t bonus_purse = 2, points_purse = 3, off_purse = 4;

class sim_members;
class world;
/// All that value lies on: cards and vouchers.
std::vector<account_id> accounts_of(const world& w);
/// Every card of the chain, those that lie at stores to be sold among them.
std::vector<account_id> cards_of(const world& w);
/// Vouchers with codes: one use of `off_purse` each, or money.
constexpr unsigned vouchers = 4;
inline account_id voucher_account(unsigned i) { return {50'000 + i}; }
code_face voucher_face(unsigned i);
entry grant_entry(unsigned i);
entry rules_entry(std::uint64_t version, const plan& how);
constexpr std::uint32_t member_kind = 2;  ///< good and loaded at some stores only
std::uint32_t birth_month_of(account_id account);
entry product_entry(unsigned i, std::uint64_t version, amount price);
entry open_product_entry(std::uint64_t version);
inline account_id stock_card(node_id store, unsigned i) { return {1'000 * store.value + i}; }

/// What happened in a run, for coverage and for the progress line.
struct tally_of_run {
  std::uint64_t events = 0, messages = 0, approved = 0, refused = 0, repeated = 0, pulled = 0, reversed = 0,
                crashes = 0, cuts = 0, commit_faults = 0, rollbacks = 0, entries = 0, key_reused = 0, full = 0,
                forged = 0, over_ceiling = 0, closed = 0, granted_anew = 0, outcast = 0, ruled = 0, ended = 0,
                swept = 0, new_keys = 0, cards_sold = 0, cards_back = 0, captured = 0, elsewhere = 0, given = 0,
                over_returned = 0, pins_set = 0, pins_right = 0, pins_wrong = 0, pins_locked = 0, at_risk = 0,
                by_code = 0, codes_right = 0, codes_wrong = 0, codes_missing = 0, runs_moved = 0, sold_at_once = 0,
                taken_back = 0, fees = 0, detours = 0, shipped_by_detour = 0, pulled_by_detour = 0, payments = 0,
                by_hand = 0, used_lost = 0, written_off = 0, left_out = 0, put_back = 0, members_changed = 0,
                merged = 0, members_erased = 0, leases_ended = 0, applied = 0, applications_answered = 0;
  tick_ms store_ms = 0;  ///< simulated time, counted once for each store
  void add(const tally_of_run& o);
};

/// A whole chain on one thread, from one seed. `run` throws `broken`.
class world {
public:
  /// `log`: called with a line for each event, if it is set.
  world(const plan& p, std::function<void(std::string)> log = {});
  ~world();
  void run();

  const plan& how() const { return plan_; }
  const tally_of_run& counted() const { return counted_; }
  const oracle& truth() const { return oracle_; }
  const std::map<node_id, sim_node>& nodes() const { return nodes_; }
  const std::map<node_id, sim_link>& links() const { return links_; }
  const verifier& with() const { return known_ ? static_cast<const verifier&>(*known_) : *verifier_; }
  const public_key& root() const { return root_->key(); }
  const std::map<std::pair<writer_id, sequence>, ruling_outcome>& rulings() const { return rulings_; }
  /// The store whose life ended or whose disk was replaced; none if that did not happen.
  node_id ended() const {
    if (ending_done_) return victim_;
    return restore_done_ ? copied_ : rekeyed_;
  }
  /// The node whose disk was replaced by an old copy; none if that did not happen.
  node_id restored() const { return restore_done_ ? copied_ : node_id{}; }
  /// A life's end may be nowhere; head office has all of a life that is closed, also if it lost its disk since.
  bool may_be_gone(const writer_id&writer) const, has_whole(const writer_id&writer, const closing&how) const;
  bool unknowing_region() const;  ///< a region's disk is replaced by an old copy, and nobody tells it
  unix_seconds wall(const sim_node& n) const;
  /// Sales of which stores together gave back more than was sold, as head office holds all journals.
  std::uint64_t over_returned() const;
  /// Sales that came back to several stores, whose units head office has still to even out.
  std::uint64_t uneven_returns() const;
  const sim_members* members() const { return members_.get(); }  ///< null: nobody has a member
  tick_ms now() const { return now_; }
  static constexpr std::string_view chain = "sim";

private:
  friend class sim_members;
  // world.cpp: time, processes, disks
  void make_chain();
  void make_node(node_id id, node_role role, std::vector<node_id> parents);
  void at(tick_ms delay, std::function<void()> what);
  void step_until(tick_ms end);
  bool step_until(tick_ms end, const std::function<bool()>& done);
  void boot(sim_node& n);
  void crash(sim_node& n, const char* why);
  void absorb(sim_node& n);
  void absorb_journal(sim_node& n, const writer_id& self);
  void wake(sim_node& n, tick_ms delay);
  void work(sim_node&n), seal(sim_node&n), committed(sim_node&n), look_again(sim_node&n), ticks(sim_node&n);
  void tick_by(sim_node& n, tick_ms when);
  tick_ms next_tick(const sim_node& n) const;
  void effects(sim_node& n, std::vector<station_effect> list);
  void alarm(sim_node& n, const alarm_effect& a);
  void say(const std::string& line);
  bool verbose() const { return static_cast<bool>(log_); }
  void heal();
  bool is_quiet(bool must_be);

  // weather.cpp: what goes wrong, and when
  void plan_weather();
  void next_crash(), next_cut(), next_clock(), next_full_disk(), next_silence(unsigned left);
  void plan_restore(), restore(sim_node&n);
  void plan_ending(), plan_new_keys(), change_keys(sim_node&n), take_new_keys(sim_node&n),
      follow_region(const sim_node&n);
  std::unique_ptr<signer> make_keys();
  void end_life(sim_node&n), end_below(const sim_node&region), replace(sim_node&n), arrive(sim_node&n);
  void retire(sim_node&n), leave(sim_node&n), see_end(sim_node&n, std::uint64_t size, tick_ms until);
  void move(sim_node&n), follow(sim_node&n, node_id to);
  void decree(std::vector<entry> facts);
  // backup.cpp
  std::vector<node_id> lost_children() const;
  void note_backup(sim_node&n, const std::vector<node_id>&without), watch_backup(), order_again();
  bool is_in_force(const station& hq, const entry& fact) const;
  bool admitted(const sim_node& child, const sim_node& parent);
  const void_key* ended(const sim_node& child, const sim_node& parent);
  bool restore_is_provable(const sim_node& n) const;

  // network.cpp
  sim_link& link_of(node_id a, node_id b);
  const sim_link& link_of(node_id a, node_id b) const;
  void check_silence(const sim_node& n, node_id peer, const session& s) const;
  void knock(node_id child);
  void look_for_detour(node_id child);
  void drop(sim_node& n, node_id peer);
  void part(sim_node& n, node_id peer);
  void send(sim_node& from, node_id to, const message& m);
  message forged(const message& m);
  void deliver(node_id from, node_id to, std::uint64_t connection, const bytes& data);
  void open_session(sim_node& n, node_id peer, std::uint64_t connection);
  void change_window(sim_node& n, node_id peer, std::uint64_t connection);
  void act(sim_node& n, node_id peer, session_effects list);
  void offer(sim_node& n);
  void hurry(sim_node& n);

  // trade.cpp: people
  void open_shop(), head_office_facts(), send_facts();
  void next_decree();
  void decreed(const facts_answer& a);
  bool is_decided(const entry& fact) const;
  void renumber(entry& certify);
  void next_rulings();
  void add_sums(entry& ruling, errc why);
  void watch_lost(const sim_node& hq);
  void till_acts(sim_node& n, std::size_t index);
  void ask(sim_node& n, till& t);
  till_command think(sim_node& n, till& t);
  std::optional<till_command> think_stock(sim_node& n, const till_key& k, account_id& card);
  till_command think_programme(sim_node& n, till& t, const till_key& k, account_id card);
  std::optional<till_command> think_elsewhere(sim_node& n, till& t, const till_key& k);
  std::optional<till_command> think_voucher(sim_node& n, const till_key& k, account_id card);
  std::optional<till_command> think_hold(sim_node& n, till& t, const till_key& k, account_id card);
  // pins.cpp
  std::optional<std::uint32_t> digits_known(sim_node& n, account_id account);
  pin_proof type_pin(sim_node& n, account_id account);
  std::optional<till_command> think_pin(sim_node& n, const till_key& k, account_id card);
  void show_pin(sim_node& n, const till& t, till_command& command);
  entry pin_decree(account_id account);
  code_proof type_code(sim_node& n, account_id account, amount money, const till_key& key);
  sim_codes codes_;
  // office.cpp: runs of cards, and months that go by
  std::vector<entry> stock_decree();
  entry payment();
  entry by_hand();
  std::optional<entry> payout_due() const;
  static bool refuses_payment(errc code);
  std::optional<entry> move_run(const card_batch& run);
  std::vector<entry> take_back_sold(const card_batch& run) const;
  void drop_sold(std::vector<entry>& facts) const;
  void next_month();
  account_id some_card();
  line_item some_line(const sim_node& n);
  std::vector<entry> goods_decree();
  topic_set topics_of(const sim_node& n);
  void next_change_of_mind();
  bool all_put_back() const;
  node_id some_store();
  node_id some_home();  ///< of a run of cards
  till_command think_wrong(sim_node& n, till& t, const till_key& k);
  void answered(sim_node& n, const till_answer& a);
  void new_mark(sim_node& n);

  plan plan_;
  dice dice_, forger_;  ///< what a region forges changes nobody else's luck
  std::function<void(std::string)> log_;
  test::seeded_entropy entropy_;
  std::unique_ptr<verifier> verifier_;
  std::unique_ptr<known_signatures> known_;  ///< the same, and quicker; none where signatures are cheap
  std::unique_ptr<signer> root_;
  std::map<node_id, sim_node> nodes_;
  std::unique_ptr<sim_members> members_;
  std::map<node_id, sim_link> links_;    ///< by child
  std::map<node_id, sim_link> detours_;  ///< by store: to head office, while its region is silent
  sim_link no_link_{.child = {}, .parent = {}, .connection = UINT64_MAX};
  oracle oracle_;
  tally_of_run counted_;
  struct event {
    tick_ms when;
    std::uint64_t order;
    std::size_t slot;  ///< of `deeds_`
  };
  struct later {
    bool operator()(const event& a, const event& b) const {
      return std::tie(a.when, a.order) > std::tie(b.when, b.order);
    }
  };
  std::priority_queue<event, std::vector<event>, later> queue_;
  std::vector<std::function<void()>> deeds_;  ///< what is to be done: the queue moves only numbers
  std::vector<std::size_t> free_deeds_;
  tick_ms now_ = 0;
  unix_seconds skipped_ = 0;  ///< months in which nothing happened
  std::uint64_t order_ = 0, connections_ = 0, requests_ = 0, payments_ = 0;
  bool trading_ = true, calm_ = false, restore_done_ = false, restored_again_ = false, ending_done_ = false;
  std::optional<kv_image> copy_;
  std::uint64_t copied_size_ = 0;
  std::map<node_id, std::uint64_t> copied_rights_;  ///< of the victim: what the copy has for each
  node_id victim_{}, copied_{}, rekeyed_{};  ///< whose life operators end, whose disk is replaced, who has new keys
  writer_id victim_life_;                    ///< the epoch that operators end
  std::deque<std::vector<entry>> decrees_;
  std::vector<std::vector<entry>> ordered_;          ///< of these: what was decided about a life
  bool decree_open_ = false, decree_again_ = false;  ///< head office died over it, and may have done it
  /// Of head office's disk: states of cards, how much of its own journal was read for them, and what it has of others'.
  struct {
    std::map<std::uint64_t, card_status> cards;
    std::size_t read = 0;
    std::map<writer_id, std::uint64_t> heard;
  } lost_;
  std::map<std::pair<writer_id, sequence>, ruling_outcome> rulings_;  ///< what the operators asked head office to rule
  std::uint64_t rules_version_ = 0;
  void_key ended_;
};

}  // namespace tally::sim
