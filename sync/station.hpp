#pragma once
#include <deque>

#include "ledger/closing.hpp"
#include "storage/book.hpp"
#include "sync/calendar_progress.hpp"
#include "sync/certificate.hpp"
#include "sync/custodian.hpp"
#include "sync/entropy.hpp"
#include "sync/key_care.hpp"
#include "sync/left_out_watch.hpp"
#include "sync/life_watch.hpp"
#include "sync/return_holds.hpp"
#include "sync/station_config.hpp"
#include "sync/station_facts.hpp"
#include "sync/station_io.hpp"
#include "sync/waiting_sale.hpp"

namespace tally {

/// One node without its threads, sockets and devices: journal, rights, verdicts, what it tells its neighbours.
///
/// Pure but for reads through the store; random octets come from `entropy`, time from the caller. One owner thread.
/// The owner's loop: `put` inputs; `run`; when `seal` gives a batch, commit it with sync (elsewhere, meanwhile go on);
/// then `settled` gives the effects of that group. A failed commit: drop the station and open it again from the store.
class station final : custody {
public:
  /// `store`, `keys`, `with`, `random` outlive the station. Errors: io, corrupt, bad_config.
  static result<std::unique_ptr<station>> open(station_config config, const kv_store& store,
                                               certificate_book& certificates, const signer& keys, entropy& random);
  /// Writes the first entry of the first epoch if there is none yet. The group must be sealed as any other.
  void start(const epoch_id& first_epoch, unix_seconds now);
  /// Queues an input; `busy` at the bound (nothing was queued).
  status put(station_input input);
  /// Works through what is queued until the open group is at its bound.
  void run(unix_seconds now, tick_ms tick);
  /// Writes the observer's cache into the open group: before an orderly end, so that the next start replays less.
  void checkpoint();
  /// Timers: waits that end, replenishing, disk reserve. At least every 100 ms while anything waits, else every second.
  void tick(unix_seconds now, tick_ms tick, std::uint64_t disk_free_bytes);
  /// When `tick` has something to do, if no input comes before; a node whose day may change looks once a minute.
  tick_ms next_due() const;
  /// Runs `call` with the effects of the group that is open now. For records that the owner put into `ledger().view()`.
  void after_durable(std::function<void()> call) { open_effects_.push_back(call_effect{std::move(call)}); }
  /// Grows when the set of (durable) streams, of nodes or of links does, so that owners ask `streams_for` only then.
  std::uint64_t generation() const { return generation_; }
  /// The open group, if there is one and none is in flight. Without changes the batch is empty and needs no commit.
  std::optional<kv_batch> seal();
  std::vector<station_effect> settled();

  /// The till returned a valid mark of this node, or the parent a signed head: if it is beyond the ledger, or this
  /// journal has another root at that size, this is an old copy, or went on from one. Opens a new epoch and stops card
  /// value. True if that happened.
  bool check_rollback(const writer_id& epoch, std::uint64_t size, unix_seconds now,
                      const std::optional<hash256>& root = {});
  bool verify_rollback_proof(const stream_id& stream, std::uint64_t size, const want_message::evidence& proof) const;
  /// The same for any stream of this node, verified. If it is one for nodes below, this node is outdated: it takes and
  /// writes nothing; a region lives anew once its parent has had its say, head office waits for its newer database.
  bool heed_proof(const stream_id& stream, std::uint64_t size, const hash256& root, unix_seconds now);
  bool is_outdated() const { return care_.outdated_at.has_value(); }
  /// A region that started is not, while others may know more of its journal: it moves no value (station_sure.cpp).
  bool is_sure() const { return config_.role != node_role::region || lives_.start.sure; }
  std::vector<node_id> unheard() const;  ///< for whom it waits
  std::vector<stream_id> streams_for(node_id neighbour) const;
  bool accepts(node_id neighbour, const stream_id& stream) const;  ///< is it taken
  message time_for_children(unix_seconds now);                     ///< head office's time is due: signed, for children
  // -- head office: lives of nodes (station_epochs.cpp) ---------------------------
  /// The fact that closes the current epoch of a node, at what is held of it here; `successor` none: the node is gone
  /// until another one enrols in its place. Errors: not_found, not_entitled (not head office, or head office itself).
  result<entry> closing_fact(node_id node, const std::optional<writer_id>& successor);
  /// The fact that revokes a node: what is held of its current epoch here stands, nothing that comes later.
  result<entry> revocation_fact(node_id node);
  void ask_end(node_id node, closing_taker taker);  ///< of its books: the node itself answers (closing_talk.hpp)
  tally::amount in_doubt(node_id node) const;       ///< lay at closed epochs, is not granted anew; looked at every 10 s
  book& ledger() { return *book_; }
  const state& st() const { return book_->st(); }
  const observer& seen() const { return *observer_; }
  const station_config& config() const { return config_; }
  std::optional<node_id> parent() const;  ///< of the certificate: rights go up to it alone
  std::optional<node_id> above() const;   ///< where questions and journals go up now: it, or head office; none: dark
  bool is_above(node_id neighbour) const;
  bool wants_detour() const;  ///< a store: the parent was silent for long, head office is to be connected
  std::vector<node_id> children() const;
  std::vector<node_id> admitted() const;  ///< may connect from below: children, also former ones; at head office all
  const std::set<node_id>& neighbours_up() const { return up_; }
  std::optional<public_key> curve_key_of(node_id node) const;
  /// The parent left the last question of a till unanswered and has said nothing since, whatever the link looks like.
  bool parent_silent() const { return parent_silent_; }
  bool is_forked(node_id node) const { return lives_.forked.count(node) != 0; }  ///< nothing is sent to such a node
  bool is_quarantined(node_id node) const;  ///< nor to this one: too many contested entries without a ruling
  bool is_revoked(node_id node) const { return certificates_.is_revoked(node); }
  std::vector<void_key> void_keys() const;     ///< keys of children that open no connection any more
  stream_id directory() const;                 ///< head office's current one
  std::vector<stream_id> directories() const;  ///< of all its lives that are known here, the current one last
  void want_keys(next_keys keys);  ///< they are asked for as soon as the parent is there (`new_keys_effect`)
  /// At the start: begins the epoch that the certificate of new keys names, unless that was done. Seal it as any group.
  void begin_certified_epoch(unix_seconds now);
  /// At the start, on a backup (`mark_as_copy`): a new epoch. Head office first asks back what it had published, from
  /// all its children, and decides nothing meanwhile. Seal it as any group.
  status begin_restored_epoch(unix_seconds now);
  bool is_rebuilding() const { return rebuild_.on; }
  rebuild_progress rebuilt() const;                       ///< REQUIRES: is_rebuilding()
  const certificate* certificate_of(node_id node) const;  ///< the newest; null for an unknown node
  bool waits_for_keys() const { return config_.next.has_value(); }
  std::vector<certificate> nodes_below() const;  ///< of all nodes that this one is an ancestor of
  tally::amount in_transit(const writer_id& from, const writer_id& to, unit_id unit) const;  ///< sent, not received
  bool disk_low() const { return disk_low_; }
  const left_out_watch& left_out() const { return left_out_; }  ///< of head office's directory, in its copy here
  void held_longer(tick_ms more) { chase_.held_more = more, chase_.wait = 0; }  ///< entries travel later
  sweeper::figures swept() const { return sweeper_.counted(); }
  std::optional<elsewhere_hint> hint(account_id account) const;
  std::optional<cosign_message> cosigned(node_id by = head_office) const;  ///< the newest over the current journal
  std::optional<cosign_message> newest_cosignature(const stream_id& id, node_id by);
  bool post(const letter_message& letter);  ///< towards its reader; false when the link there is down
  /// Claims about members that no profile answers, by writer and sequence, behind `after`; at most `max`.
  std::vector<claim_at> open_claims(const claim_place& after, std::size_t max) const;
  bool idle() const { return urgent_.empty() && bulk_.empty() && waiting_.empty(); }

private:
  station(station_config config, const kv_store& store, certificate_book& certificates, const signer& keys,
          entropy& random);
  void handle(const station_input&input), ingest(const segment_arrival&a);
  std::uint32_t customer_wait_ms() const, began_on() const;
  void on_till(const till_request&r), write_facts(facts_request&r), carried(const carried_request&r);
  void decide_till(const till_request& r, bool last, tally::amount pulled, bool unanswered = false);
  void wait_for_rights(const till_request&r, const refusal&why), note_way(node_id from, const stream_id&journal);
  void note_elsewhere(account_id account, std::uint32_t purse, const told_message& m);
  void heard(node_id from), end_wait(std::uint64_t waiting, account_id account), answer(till_answer a);
  status verify_segment(const segment& s, const opened_segment& opened);
  bool waits_for_proof(const segment&s, const entry_list&entries) const, is_expired(const certificate&c) const;
  void interpret(const segment&s, const opened_segment&opened, const merkle_frontier&before), adopt(const stream_id&id),
      pass_through(const stream_id&id, const entry_list&entries), end_closing(),
      adopt_directory(const stream_id&id, const opened_segment&opened);
  void observe_journal(const stream_id& id, const entry_list& entries, const merkle_frontier& before);
  void take_rights(const entry& send, const stream_head& head, const writer_id& from, errc contested = errc::ok);
  void learn_certificate(const entry&e, std::uint64_t position), learn_decision(const entry&e, std::uint64_t position);
  void note_end_of_keys(node_id node, std::uint64_t position), stop_if_revoked(), end_return_waits(), tend_closings();
  unix_seconds validity_now() const;
  void tend_keys(), tend_own_certificate(), await_parent(), load_outdated(), become_sure(), watch_parent();
  void become_sure_alone(const std::vector<node_id>&missing), heed_own_cosignature(const cosign_message&m);
  void remind_parent(node_id parent, std::uint64_t from), note_start(),
      learn_back(const stream_id&id, const entry_list&entries), on_return_letter(node_id from, byte_view sealed);
  void begin_rebuild(byte_view without), rebuild(), note_moves(), go_on_from_backup(), fetch_left_out(), tell_newer();
  std::map<node_id, std::vector<stream_id>> published() const;
  std::vector<writer_id> lives_after(writer_id life) const, given_back() const;
  bool gave_all_back(node_id child, const std::vector<stream_id>&streams) const, has_not_heard(node_id child) const;
  bool take_fee(account_id account, bool ask), was_due_before(const entry&regrant) const;
  void on_held_below(node_id child, const have_message&m), give_back(node_id parent, const want_message&m),
      on_newer_below(node_id child, const refuse_message&m), on_have(node_id from, const have_message&m);
  bool comes_too_early(const stream_id& id, std::uint64_t first, const entry_list& entries);
  bool is_past_its_end(const segment&s) const, lost_a_holder(const stream_id&of) const, knows_more(node_id child) const;
  void on_renewal(node_id from, const renew_message&m), replenish_store(node_id node, const node_record&record);
  void issue_next(const certificate&now, const renew_message&m), learn_own_certificate(const certificate&c);
  result<sequence> write(const entry& e);
  std::optional<entry> find_foreign(const stream_id& id, sequence seq) const;
  void control(const control_arrival&c), note_astray(const cosign_message&m), follow_heir(const writer_id&heir);
  bool on_cosign(const cosign_message&m), refused_by_hand(const stream_id&id), ask_about_returns(const till_request&r);
  bool rolled_back_by(const carried_request&r, carried_answer&a), on_closing_letter(const letter_message&m),
      post_sealed(node_id to, bytes (*named)(byte_view), byte_view text), ask_how_far(std::uint64_t id, node_id node);
  node_id sender_of(const stream_id& id) const;
  void on_fetched(node_id from, const fetched_message&m), learn_goods_again(), refuse_goods(const error&why);
  void put_back_goods(node_id from, const stream_id& id, std::uint64_t first, const entry_list& entries);
  bool answer_about_returns(node_id from, byte_view text), heed_returns(byte_view text);
  std::optional<error> stands_still();
  void cosign(node_id child, const stream_id&id), on_time(const time_message&m),
      sweep_account(account_id account, const writer_id&to), on_letter(node_id from, const letter_message&m),
      answer_closing(const closing_question&q), heed_closing(node_id from, const closing_answer&a);
  void begin_anew(errc why, const std::string&text, std::uint64_t proven, const std::optional<stream_head>&end = {},
                  const std::optional<epoch_id>&named = {}),
      name_stranded(const writer_id&heir);
  status complete_fact(entry&e), check_serials(const std::vector<entry>&facts) const, check_case(entry&ruling) const;
  void watch_for_twins(const writer_id&grown, bool new_to_us), end_fork(const certificate&newest),
      note_process(node_id from, const hello_message&m), name_twins(node_id node), heed_twin(node_id from);
  doubt_found find_doubt(const writer_id&closed) const, trusted_doubt(const writer_id&closed);
  void note_short(), note_closings(), await_journal(const writer_id&closed, const closing&how), load_forked(),
      settle_epochs(), grant_anew(), replenish(), sweep(), chase_cosignature(), cover_booked(const entry&fact),
      cover_short(account_id account, const std::vector<value_item>&given, const writer_id&of = {});
  bool may_still_come(const writer_id& closed, std::map<ledger_account, tally::amount>& gone) const;
  bool knows_directory(const writer_id&w) const, ends_here(const writer_id&w) const, is_over(const writer_id&w) const,
      is_due(const writer_id&w, const closing&how) const, was_closed_before(const writer_id&w) const;
  tally::amount lies_at(const writer_id& closed) const;
  void replenish_unit(const writer_id& to, unit_id quota, tally::amount target, tally::amount per_day);
  void move_level(account_id account, const programme&plan), free_run(const entry&brought, const writer_id&from);
  void keep_calendar(), write_off_expired(), time_out_holds(), settle_owed(), even_out_returns();
  owed_answer credit_owed(const writer_id& w, sequence seq, owed_units due);
  bool even_out(const std::vector<writer_id>& writers, const writer_id& seller, sequence seq, const entry& sale);
  void write_units(entry e, std::string_view what), draw_here(account_id account, std::uint32_t purse, tally::amount n);
  std::optional<writer_id> sweeps_to() const;
  void move_levels(), take_fees(), rule_by_policy(), execute_rulings(), give_back_lapsed(), bring_back_cards();
  void observe_own(sequence seq), note_fee(account_id account), count_for_calendar(unix_seconds now), mark_directory();
  void note_level(account_id account, std::uint32_t from, std::uint32_t to, sequence seq), note_expiring(),
      answer_card(const entry&e, const writer_id&from, sequence seq);
  std::uint64_t random_id(), held_above() const, announce(const std::vector<entry>&facts, std::size_t at),
      end_in_current(byte_view noted) const;
  std::optional<node_id> route_to(node_id node) const;
  bool brings_back(node_id neighbour, const stream_id&id) const, comes_by(node_id neighbour, node_id below) const,
      stays_here(node_id neighbour, const writer_id&own) const, descends_from(const epoch_id&epoch) const;
  enum class once_state : std::uint8_t { none, unused, used };
  once_state once_at(account_id account) const;
  void close_used_number(account_id account), close_used_numbers(), move_debts(), pass_on_cards();
  tally::amount held_here(account_id account, std::uint32_t purse) const override;
  std::vector<node_id> sources(account_id account, std::uint32_t purse, node_id except) const override;
  tally::amount give(node_id to, account_id account, std::uint32_t purse, tally::amount n, std::uint64_t id) override;
  tally::amount elsewhere(account_id account, std::uint32_t purse, node_id who) const override;
  std::vector<unit_use> units_elsewhere(account_id account, node_id who) const override;
  void ask(node_id neighbour, const ask_message& m) override;
  void tell(node_id neighbour, const told_message& m) override;
  void finished(std::uint64_t own_request, account_id account, const told_message& m) override;
  bool is_parent(node_id neighbour) const override { return is_above(neighbour); }
  bool is_top() const override { return config_.role == node_role::hq; }
  station_config config_;
  const kv_store& store_;
  stream_reader reader_;
  certificate_book& certificates_;
  const signer& keys_;
  entropy& random_;
  std::unique_ptr<book> book_;
  std::unique_ptr<observer> observer_;  // reads the book's state
  custodian custodian_;
  sweeper sweeper_;
  std::uint64_t sweep_from_ = 0;  ///< the parent must hold so much of the journal: what was swept before the start
  std::deque<station_input> urgent_, bulk_;
  bool proof_came_ = false;  ///< in the open group: what it proves must not be counted again after a restart
  std::map<std::uint64_t, waiting_sale> waiting_;  ///< own request id → sale that waits for rights
  std::map<std::uint64_t, sale_need> needs_;       ///< by ask id, of sales that wait
  std::set<node_id> up_;
  std::map<account_id, elsewhere_hint> hints_;
  std::vector<station_effect> open_effects_, sealed_effects_;
  carried_answer* carrying_ = nullptr;  ///< while something that came by hand is taken
  std::vector<run_of_entries> open_runs_, sealed_runs_;
  cosign_chase chase_;
  /// Durable cosignatures over the own journal that were looked up since one of them last changed.
  mutable std::map<node_id, std::optional<cosign_message>> cosigned_;
  time_message last_time_;
  std::uint64_t links_seen_ = 0, sealed_generation_ = 0, generation_ = 0;
  unix_seconds now_ = 0;
  tick_ms tick_ = 0, replenish_due_ = 0;
  std::map<std::uint64_t, facts_answer> facts_progress_;  ///< a batch that spans groups
  life_watch lives_;
  calendar_progress calendar_;
  bool parent_silent_ = false, disk_low_ = false, facts_open_ = false, segments_open_ = false, urgent_open_ = false,
       cosigned_open_ = false, cosigned_sealed_ = false;  ///< the group brings one over the own journal
  key_care care_;
  rebuild_watch rebuild_;
  left_out_watch left_out_;
  return_holds return_holds_;
};

}  // namespace tally
