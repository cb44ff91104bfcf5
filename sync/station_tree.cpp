// Rights that follow their last use, and a tree that changes: moves, closings of parents, two machines with one key.
#include <algorithm>

#include "ledger/closing.hpp"
#include "ledger/purses.hpp"
#include "storage/entry_codec.hpp"
#include "sync/checkpoint.hpp"
#include "sync/station.hpp"
#include "sync/station_facts.hpp"

namespace tally {

// Key of the mark that two machines ran with a node's key; value: serial of its newest certificate then.
bytes forked_key(node_id node) {
  byte_writer w;
  w.u8('w');
  w.u32be(node.value);
  return w.take();
}

namespace {
// How long after its parent came a region lets a store's rights wait for what head office sent that store: a slow line
// that loses one message in five has brought it by then.
constexpr tick_ms proof_wait_ms = 10 * 60'000;

/// At most; what pays no money is worth none.
amount worth_as_money(const purse_rule& p, amount units) {
  if (p.kind == purse_kind::bonus) return units;
  amount each = p.off;
  if (p.kind == purse_kind::voucher) return checked_mul(units, each, each) ? each : amount_max;
  return p.rate_units == 0 ? 0 : mul_div(units, p.rate_money, p.rate_units, rounding::half_up).value_or(amount_max);
}
}  // namespace

// A region that has just been linked, perhaps another machine in its place, may lack what head office sent a store
// while it has the store's journal already. Rights that come from there would be taken for made up; they wait a little.
bool station::waits_for_proof(const segment& s, const entry_list& entries) const {
  if (config_.role != node_role::region || tick_ >= calendar_.linked_at + proof_wait_ms) return false;
  const auto& writer = s.stream.writer;
  bool sends = false, lacks = observer_->any_unproven(writer);
  for (auto data : entries) {
    if (auto kind = peek_kind(data); kind != entry_kind::send && kind != entry_kind::receive) continue;
    auto e = decode_entry(data);
    if (!e) continue;
    if (e->kind == entry_kind::send) {
      sends = sends || e->peer == book_->self();
    } else if (e->head && e->peer.node == head_office) {
      lacks = lacks || e->head->size > book_->streams().tip(e->head->stream).size();
    }
  }
  return sends && lacks;
}

void station::load_forked() {
  for (auto c = store_.scan(family::meta, "w"); c->valid() && c->key()[0] == 'w'; c->next()) {
    if (c->key().size() != 5) continue;
    std::uint32_t node = 0;
    for (std::size_t i = 1; i < 5; ++i)
      node = node << 8 | static_cast<std::uint8_t>(c->key()[i]);
    lives_.forked[{node}] = byte_reader(c->value()).uv();
  }
}

// A copy of a disk that is noticed begins a new epoch. If then another copy begins one behind the same end, and the
// first goes on, both run: that is no restore, which ends what it replaces.
void station::watch_for_twins(const writer_id& grown, bool new_to_us) {
  auto before = std::exchange(lives_.last[grown.node], grown);
  if (new_to_us || before == grown || before == writer_id{} || is_forked(grown.node)) return;
  auto mine = heritage_of(observer_->st(), grown), other = heritage_of(observer_->st(), before);
  if (!mine || !other || mine->before != other->before) return;
  name_twins(grown.node);
}

// Whoever greets took the connection from the one before, which is gone when it was a process that ended. A process
// that greets again after another one did has outlived it: both run, whether they have written anything or not.
void station::note_process(node_id from, const hello_message& m) {
  if (m.process == 0 || m.writer.node != from || is_above(from)) return;
  lives_.speaks[from] = m.version_max;
  auto& heard = lives_.processes[from];
  if (!heard.empty() && heard.back() == m.process) return;
  const bool again = std::erase(heard, m.process) != 0;
  heard.push_back(m.process);
  if (heard.size() > life_watch::processes_max) heard.erase(heard.begin());
  if (again && !is_forked(from)) name_twins(from);
}

// Only a process that lives hears that another one with its key took its place. Both hold the same rights, and would
// write other entries under the same numbers: in a life of its own neither does, and all that it writes can be taken.
void station::heed_twin(node_id from) {
  if (!is_above(from) || !book_->started() || book_->stopped() != errc::ok) return;
  begin_anew(errc::rolled_back,
             "another machine runs with the key of this node, perhaps a copy of its data: stop one of them and call "
             "head office",
             unknown_end);
}

void station::name_twins(node_id node) {
  const auto* newest = certificate_of(node);
  auto serial = newest ? newest->serial : 0;
  lives_.forked[node] = serial;
  byte_writer w;
  w.uv(serial);
  book_->view().put(family::meta, forked_key(node), w.take());
  open_effects_.push_back(alarm_effect{
      errc::rolled_back,
      "two machines run with the key of node " + std::to_string(node.value) +
          ": nothing is sent to it until another one takes its place (invite --replace). Stop both. What one of them "
          "sold under numbers that the other one used is on its own disk alone: 'tallystick rescue' there writes it "
          "down for the books"});
}

bool station::verify_rollback_proof(const stream_id& id, std::uint64_t size,
                                    const want_message::evidence& proof) const {
  if (id.writer.node != config_.self) return false;
  const auto body = checkpoint_body({stream_origin(config_.chain, id), size, proof.root, {}});
  if (certificates_.with().verify(keys_.key(), body, proof.sign)) return true;
  return id.writer != book_->self() && std::ranges::any_of(certificates_.keys_for(id.writer), [&](const public_key& k) {
           return certificates_.with().verify(k, body, proof.sign);
         });
}

// Another machine with keys of its own took the place of both. A renewal or a move of the same keys ends nothing.
void station::end_fork(const certificate& newest) {
  auto f = lives_.forked.find(newest.node);
  if (f == lives_.forked.end() || newest.serial <= f->second) return;
  for (const auto* c : certificates_.all_of(newest.node))
    if (c->serial == f->second && c->curve == newest.curve) return;
  book_->view().erase(family::meta, forked_key(newest.node));
  lives_.forked.erase(f);
}

// Written only while the link lives: rights on a dead line would be of use to nobody.
void station::sweep() {
  auto p = parent();
  if (!is_sure() || !p || !up_.count(*p) || sweeper_.idle() || disk_low_ || book_->stopped() != errc::ok ||
      stands_still())
    return;
  auto known = cosigned(*p);
  sweeper_.acknowledged(known ? known->size : 0);
  if (auto to = sweeps_to())
    for (auto account : sweeper_.due(tick_))
      sweep_account(account, *to);
}

// Nothing goes up on its own before what was written before the start is held there: what was swept then counts no more
// as under way. Head office's word says so as well, and the parent's own may have been lost while this node was down.
std::optional<writer_id> station::sweeps_to() const {
  auto p = parent();
  auto record = p && up_.count(*p) ? node_of(book_->st(), *p) : std::nullopt;
  if (!record || held_above() < sweep_from_) return std::nullopt;
  return writer_id{*p, record->epoch};
}

/// So many of this node's entries the parent or head office has confirmed.
std::uint64_t station::held_above() const {
  auto p = parent();
  std::uint64_t held = 0;
  for (const auto& known : {p ? cosigned(*p) : std::nullopt, cosigned()})
    if (known) held = std::max(held, known->size);
  return held;
}

// Money as far as there is room for it on the way; then each other purse as a whole, by what it is worth as money.
void station::sweep_account(account_id account, const writer_id& to) {
  if (once_at(account) != once_state::none) return;  // what it pays with stays in one place
  std::vector<value_item> values;
  auto worth = sweeper_.share(account, held_here(account, purse_paid), tick_);
  if (worth > 0) values.push_back({purse_paid, main_unit, 0, worth});
  const auto* rules = book_->rules().newest();
  bool all = true;
  for (std::size_t i = 0; rules && i < rules->programme.purses.size(); ++i) {
    const auto& p = rules->programme.purses[i];
    auto items = spendable(book_->st(), book_->self(), account, p.id, nullptr, {});
    if (items.empty()) continue;
    auto more = worth_as_money(p, sum_of(items));
    bool fits = values.size() + items.size() <= values_max && more <= sweeper_.room() - worth;
    all = all && fits;
    if (!fits) continue;
    worth += more;
    values.insert(values.end(), items.begin(), items.end());
  }
  if (values.empty()) return all ? void() : sweeper_.left(account, tick_);
  auto seq = book_->next();
  auto e = decide_send(book_->at(now_), to, account, values, send_cause::sweep, 0, 0);
  bool sent = e && write(*e);
  if (sent) sweeper_.sent(seq, worth);
  if (!sent || !all) sweeper_.left(account, tick_);  // the parent may live anew, or there is room later
}

// What the receiver wrote after it had adopted all of this is here only if it comes in its journal before that adopt.
// Of a life that is closed or revoked, what counts may still be on its way: head office may have lost it.
bool station::knows_directory(const writer_id& w) const {
  if (auto how = closing_of(book_->st(), w)) return is_due(w, *how);
  if (auto r = revoking_of(book_->st(), w)) return r->size == every_entry || observer_->position(w) >= r->size;
  stream_id directory{book_->self(), sub_stream::directory, {}};
  cell_key adopted{.type = cell_type::adopted,
                   .a = static_cast<std::uint64_t>(sub_stream::directory),
                   .b = 0,
                   .writer = w,
                   .peer = book_->self()};
  return static_cast<std::uint64_t>(number(observer_->st(), adopted)) >= book_->head(directory).size;
}

// The own epoch, or a parent's with which there was a channel: its successor knows neither half of what went between.
bool station::ends_here(const writer_id& closed) const {
  if (closed == book_->self()) return true;
  if (closed.node == head_office || parent() != closed.node) return false;
  const auto& st = book_->st();
  return number(st, channel_key(true, book_->self(), closed)) > 0 ||
         number(st, channel_key(false, closed, book_->self())) > 0;
}

/// What an account has here, of every purse.
static std::vector<value_item> all_spendable(book& b, account_id account) {
  auto out = spendable(b.st(), b.self(), account, purse_paid, nullptr, {});
  auto deposit = spendable(b.st(), b.self(), account, purse_deposit, nullptr, {});
  out.insert(out.end(), deposit.begin(), deposit.end());
  const auto* rules = b.rules().newest();
  for (std::size_t i = 0; rules && i < rules->programme.purses.size(); ++i) {
    auto more = spendable(b.st(), b.self(), account, rules->programme.purses[i].id, nullptr, {});
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

/// Units of a purse that an account owes at any node that is watched.
static amount owed_anywhere(const observer& seen, account_id account, std::uint32_t purse) {
  amount sum = 0;
  for (const auto& w : seen.writers())
    if (!checked_add(sum, debt_of(seen.st(), w, account, purse), sum)) return INT64_MAX / 2;
  return sum;
}

std::vector<unit_use> station::units_elsewhere(account_id account, node_id who) const {
  std::vector<unit_use> out;
  const auto* rules = book_->rules().newest();
  for (std::size_t i = 0; rules && i < rules->programme.purses.size() && out.size() < told_units_max; ++i) {
    auto purse = rules->programme.purses[i].id;
    if (auto n = elsewhere(account, purse, who); n > 0) out.push_back({purse, n});
  }
  return out;
}

amount station::give(node_id to, account_id account, std::uint32_t purse, amount n, std::uint64_t request) {
  auto record = node_of(book_->st(), to);
  // Who moved away may still be connected; what is sent to it would never arrive.
  // Around a silent region nothing is given either: neither knows what the other gave, so a day's inflow would count
  // twice.
  const auto& start = lives_.start;
  bool shown = config_.role != node_role::region || start.born || parent() == to || start.heard.count(to) != 0;
  if (!is_sure() || !shown) return 0;  // it may know of rights under the next number
  if (stands_still()) return 0;
  if (!record || is_forked(to) || is_quarantined(to) || (parent() != to && route_to(to) != to)) return 0;
  auto once = once_at(account);
  if (once == once_state::used) return 0;
  // What it owes anywhere is not there to be given, though the debt is still on its way up.
  if (config_.role == node_role::hq)
    n = std::min(n, held_here(account, purse) - owed_anywhere(*observer_, account, purse));
  if (n <= 0) return 0;
  writer_id peer{to, record->epoch};
  amount there = 0;
  if (config_.role != node_role::store) {
    there = held_total(observer_->st(), peer) + in_transit(book_->self(), peer, main_unit);
  }
  auto items = once == once_state::unused
                   ? all_spendable(*book_, account)
                   : first_of(spendable(book_->st(), book_->self(), account, purse, nullptr, {}), n);
  if (once == once_state::unused) n = held_here(account, purse);  // all of it or nothing
  auto cause = parent() == to ? send_cause::recall : send_cause::pull;
  if (cause == send_cause::pull) sweeper_.used(account);
  auto e = decide_send(book_->at(now_), peer, account, items, cause, request, there);
  if (!e) {
    open_effects_.push_back(
        alarm_effect{e.error().code, "rights for node " + std::to_string(to.value) + ": " + e.error().detail});
    return 0;
  }
  if (!write(*e)) return 0;
  if (cause == send_cause::recall) sweeper_.left(account, tick_);
  return n;
}

}  // namespace tally
