// Lives of nodes: a new epoch here, and what head office decides about those of others. See ledger/closing.hpp.
#include <algorithm>

#include "ledger/cards.hpp"
#include "storage/entry_codec.hpp"
#include "sync/card_sales.hpp"
#include "sync/kept_kinds.hpp"
#include "sync/left_behind.hpp"
#include "sync/station.hpp"
#include "sync/station_facts.hpp"

namespace tally {
namespace {
// Entries that one tick may add to the open group, so that a large closing does not hold up anybody's pull.
constexpr std::size_t regrants_per_tick = 500;
constexpr std::size_t heirs_max = 10'000;
constexpr byte_view outdated_key = "outdated";
// A parent that is there has asked for the journal by then, and showed what it holds of it.
constexpr tick_ms parent_word_ms = 60'000;

}  // namespace

bytes astray_key(const writer_id& w) { return "x" + stream_key({w, sub_stream::journal, {}}); }
bytes short_key(const writer_id& w) { return "z" + stream_key({w, sub_stream::journal, {}}); }

// What this life decided in the open group is written with the group, before the first entry of the next life.
void station::begin_anew(errc why, const std::string& text, std::uint64_t proven, const std::optional<stream_head>& end,
                         const std::optional<epoch_id>& named) {
  lives_.closed_before.reset();
  auto old = book_->head(book_->journal());
  byte_writer known;  // behind it, others may have other entries or none (left_behind.hpp)
  known.uv(std::max(held_by(reader_, old.stream, cosigned(head_office)),
                    held_by(reader_, old.stream, cosigned(parent().value_or(head_office)))));
  if (end) {
    // What this copy wrote behind the common part stays here, as evidence; under its name others know other entries.
    book_->view().put(family::meta, astray_key(old.stream.writer), known.view());
    lives_.astray.insert(old.stream.writer);
    old = *end;
  } else if (proven > old.size && config_.role != node_role::hq) {
    book_->view().put(family::meta, short_key(old.stream.writer), known.view());
    lives_.cut_short.insert(old.stream.writer);
  }
  epoch_id epoch;
  random_.fill(epoch.value);
  if (named) epoch = *named;
  care_.outdated_at.reset();
  lives_.start.sure = lives_.start.born = true;
  book_->stop_card_value(care_.outlawed ? errc::revoked : why);
  // What was given back to head office on a backup may be dated later than all that this disk wrote itself, and its
  // clock may have gone back: nothing is granted anew before the day on which a life was closed.
  const bool top = config_.role == node_role::hq;
  const auto later = top ? lives_after(book_->self()) : std::vector<writer_id>{};
  const stream_id published{later.empty() ? book_->self() : later.back(), sub_stream::directory, {}};
  const auto size = top ? reader_.size(published) : 0;
  const auto newest = size > 0 ? find_foreign(published, size - 1) : std::nullopt;
  book_->begin_epoch(epoch, now_, old, proven, newest ? newest->business_date : 0);
  observer_->lives_as(book_->self());
  cosigned_.clear();
  sweeper_ = sweeper(config_.sweep);  // what was on its way belongs to the life before
  sweep_from_ = 0;
  observe_own(0);
  open_effects_.push_back(alarm_effect{why, text + ": a new epoch was opened"});
  open_effects_.push_back(lives_anew_effect{book_->self()});
}

// An earlier life of this disk whose end was no shorter than what others had of it, but another one: only a cosignature
// of that life shows it.
void station::note_astray(const cosign_message& m) {
  const auto& w = m.stream.writer;
  if (m.by != head_office) return;  // others could make it up
  if (w.node != config_.self || w == book_->self() || m.stream.sub != sub_stream::journal) return;
  if (m.size > reader_.size(m.stream) || lives_.astray.count(w) != 0) return;
  auto own = root_at(m.size, reader_.nodes(m.stream, book_->self()));
  if (!own || *own == m.root) return;
  book_->view().put(family::meta, astray_key(w), "");
  lives_.astray.insert(w);
  ++links_seen_;  // it is offered to nobody any more
}

bool station::heed_proof(const stream_id& id, std::uint64_t size, const hash256& root, unix_seconds now) {
  if (id == book_->journal()) return check_rollback(id.writer, size, now, root);
  // Of an earlier life, this node's own signature says as much as head office's.
  if (id.writer != book_->self() && id.sub == sub_stream::journal) {
    note_astray({id, size, root, head_office, 0, {}});
    return false;
  }
  if (id.writer != book_->self() || is_outdated() || rebuild_.on) return false;
  bool newer = size > book_->head(id).size;
  if (size <= reader_.size(id)) {
    auto own = root_at(size, reader_.nodes(id, book_->self()));
    newer = own && *own != root;
  }
  if (!newer) return false;
  care_.outdated_at = tick_;
  if (config_.role == node_role::hq) book_->view().put(family::meta, outdated_key, "");
  open_effects_.push_back(alarm_effect{errc::rolled_back, std::string(outdated_text)});
  return false;
}

// Head office has no parent: it waits for its newer database.
void station::await_parent() {
  auto p = parent();
  if (config_.role == node_role::hq || !p || !up_.count(*p)) return;
  if (tick_ < std::max(*care_.outdated_at, calendar_.linked_at) + parent_word_ms) return;
  begin_anew(errc::rolled_back, "this node is an old copy, as the nodes below it show", unknown_end);
}

void station::load_outdated() {
  bytes v;
  if (store_.get(family::meta, outdated_key, v) == lookup::found) care_.outdated_at = 0;
  if (store_.get(family::meta, ending_key, v) != lookup::found) return;
  lives_.closing.promise.load(byte_reader(v).sv());
  lives_.closing.stands = true;
}

// Streams of such a life are not offered: nobody could continue what he holds with them.
bool went_astray(const kv_store& store, const writer_id& own) {
  bytes v;
  return store.get(family::meta, astray_key(own), v) == lookup::found;
}

bool was_cut_short(const kv_store& store, const writer_id& own) {
  bytes v;
  return store.get(family::meta, short_key(own), v) == lookup::found;
}

// Head office's own word for what an operator asked for by node number alone.
status station::complete_fact(entry& e) {
  if (e.kind == entry_kind::ruling) return check_case(e);
  TALLY_TRY(kind_is_known(book_->rules(), book_->st(), e));
  if (e.kind == entry_kind::publish && e.topic == publish_topic::rules)
    if (auto next = decode_rules(e.blob))
      TALLY_TRY(kinds_are_kept(store_, &book_->view(), book_->rules().newest(), *next));
  if (e.kind == entry_kind::issue || e.kind == entry_kind::activate) return complete_card_sale(e, *book_, now_);
  if (e.kind == entry_kind::top_up) return complete_top_up(e, *book_, now_);
  if (e.kind == entry_kind::adjust) return complete_adjustment(e, *book_, now_);
  if (e.kind == entry_kind::hand_back) {
    amount owes = 0;
    for (const auto& w : observer_->writers())
      if (!checked_add(owes, std::max<amount>(debt_of(observer_->st(), w, e.account, purse_paid), 0), owes))
        return error{errc::overflow, "what the card owes"};
    auto whole = complete_pay_out(e, *book_, now_, owes);
    // What stores hold of the card comes here, so that it is there when somebody asks again.
    for (auto purse : {purse_paid, purse_deposit}) {
      if (whole.code() != errc::insufficient || elsewhere(e.account, purse, config_.self) <= 0) continue;
      draw_here(e.account, purse, amount_max);
    }
    return whole;
  }
  if (e.kind == entry_kind::reverse)
    return complete_card_undo(e, *book_, now_, [this](account_id account, std::uint32_t purse) {
      const auto writers = observer_->writers();
      bool owes =
          std::ranges::any_of(writers, [&](const auto& w) { return debt_of(observer_->st(), w, account, purse) != 0; });
      return owes || elsewhere(account, purse, config_.self) != 0;
    });
  // Of a card the month of its member's birth alone: all else is as it is now, whatever was written meanwhile.
  if (e.kind == entry_kind::card_state && e.status == card_status{}) {
    auto card = card_of(book_->st(), e.account);
    if (!card) return error{errc::unknown_card, "account " + std::to_string(e.account.value)};
    card->birth_month = e.birth_month;
    e = card_fact(e.account, *card);
    return done();
  }
  // A further medium of a card, which stays as it is.
  if (e.kind == entry_kind::map_media && e.status == card_status{}) {
    auto card = card_of(book_->st(), e.account);
    if (!card) return error{errc::unknown_card, "account " + std::to_string(e.account.value)};
    auto medium = std::move(e.medium);
    e = card_fact(e.account, *card);
    e.kind = entry_kind::map_media;
    e.medium = std::move(medium);
    return done();
  }
  if (e.kind == entry_kind::card_state || e.kind == entry_kind::map_media)
    if (auto card = card_of(book_->st(), e.account)) TALLY_TRY(complete_card_fact(e, *card));
  if (e.subject.epoch != epoch_id{} || (e.kind != entry_kind::close_epoch && e.kind != entry_kind::revoke))
    return done();
  auto whole = e.kind == entry_kind::revoke
                   ? revocation_fact(e.subject.node)
                   : closing_fact(e.subject.node, e.peer == writer_id{} ? std::nullopt : std::optional(e.peer));
  if (!whole) return whole.error();
  const bool all = e.kind == entry_kind::revoke && e.size == every_entry;
  if (e.size != 0 && !all) {
    // Somebody saw the node's books end there, so nothing is missing and nothing is in doubt.
    const auto held = book_->head({whole->subject, sub_stream::journal, {}}).size;
    if (e.size != held)
      return error{errc::gap, "head office holds " + std::to_string(held) + " entries of node " +
                                  std::to_string(e.subject.node.value) + ", not " + std::to_string(e.size) +
                                  ": ask again"};
    for (const auto& c : nodes_below())
      if (c.parents.front() == whole->subject.node && !certificates_.is_revoked(c.node))
        return error{errc::not_allowed, "node " + std::to_string(c.node.value) + " is below it"};
  }
  if (e.size != 0) whole->size = e.size;
  e = std::move(*whole);
  return done();
}

// A renewal may have been written since somebody looked which serial number is next. Two with one number are no order.
status station::check_serials(const std::vector<entry>& facts) const {
  for (const auto& e : facts) {
    if (e.kind != entry_kind::certify) continue;
    auto s = decode_signed_certificate(e.blob);
    auto c = s ? decode_certificate(s->body) : result<certificate>(errc::malformed);
    const auto* known = c ? certificate_of(c->node) : nullptr;
    if (known && c->serial <= known->serial && encode(*certificates_.signed_form(c->node)) != e.blob)
      return error{errc::busy, "node " + std::to_string(c->node.value) + " was certified anew meanwhile; ask again"};
    // Nobody would ever hear of it there.
    if (c && c->parents != (known ? known->parents : std::vector<node_id>{}))
      for (auto p : c->parents)
        if (p != head_office && certificates_.is_revoked(p))
          return error{errc::revoked, "node " + std::to_string(p.value) + ", its parent, is revoked or retired"};
  }
  return done();
}

result<entry> station::closing_fact(node_id node, const std::optional<writer_id>& successor) {
  if (config_.role != node_role::hq || node == config_.self)
    return error{errc::not_entitled, "head office closes epochs of other nodes"};
  auto record = node_of(book_->st(), node);
  if (!record) return error{errc::not_found, "there is no node " + std::to_string(node.value)};
  entry e;
  e.kind = entry_kind::close_epoch;
  e.subject = {node, record->epoch};
  if (record->epoch == epoch_id{} && successor) {
    // Closed before, by an operator who had nobody to follow; now somebody does.
    for (const auto& w : observer_->writers())
      if (auto c = closing_of(book_->st(), w); w.node == node && c && c->successor == epoch_id{}) e.subject = w;
  }
  if (e.subject.epoch == epoch_id{})
    return error{errc::not_found, "node " + std::to_string(node.value) + " has no open epoch"};
  if (successor) e.peer = *successor;
  e.head = book_->head({e.subject, sub_stream::journal, {}});
  // Where nobody says how long it was, there may be more of it on a disk that is lost.
  auto h = successor ? heritage_of(observer_->st(), *successor) : std::nullopt;
  const auto said = closing_of(book_->st(), e.subject);
  const auto proven = h && h->before == e.subject.epoch ? h->proven : said ? said->proven : e.head->size + 1;
  e.size = std::max(e.head->size, proven);
  return e;
}

result<entry> station::revocation_fact(node_id node) {
  if (config_.role != node_role::hq || node == config_.self)
    return error{errc::not_entitled, "head office revokes other nodes"};
  auto record = node_of(book_->st(), node);
  const auto* newest = certificate_of(node);
  if (!record || !newest) return error{errc::not_found, "there is no node " + std::to_string(node.value)};
  if (certificates_.is_revoked(node))
    return error{errc::revoked, "node " + std::to_string(node.value) + " is revoked already"};
  entry e;
  e.kind = entry_kind::revoke;
  e.subject = {node, record->epoch};
  e.size = book_->head({e.subject, sub_stream::journal, {}}).size;
  e.serial = newest->serial;
  return e;
}

amount station::in_doubt(node_id node) const {
  amount sum = 0;
  for (const auto& [w, v] : lives_.doubt)
    if (w.node == node && !checked_add(sum, v, sum)) return amount_max;
  return sum;
}

std::vector<writer_id> lives_of(const observer& seen, node_id node) {
  auto out = seen.writers();
  std::erase_if(out, [&](const writer_id& w) { return w.node != node; });
  return out;
}

amount granted_of(const observer& seen, const std::vector<writer_id>& lives, const writer_id& closed,
                  const ledger_account& held) {
  amount sum = 0;
  for (const auto& w : lives)
    if (!checked_add(sum, seen.st().balance(doubt_account(w, closed, held)), sum)) return INT64_MAX / 2;
  return sum;
}

// By holding: what lies there, what was put aside of it, less what was granted anew.
static std::map<ledger_account, amount> left_at(const observer& seen, const std::vector<writer_id>& lives,
                                                const writer_id& closed) {
  std::map<ledger_account, amount> out;
  auto add = [&](const ledger_account& held, amount v) {
    auto& sum = out[held];
    if (!checked_add(sum, v == INT64_MIN ? INT64_MAX : -v, sum)) sum = INT64_MAX;
  };
  seen.all().each_holding(closed, add);
  seen.all().each_held(closed, [&](const ledger_account& a, amount v) { add(holding_behind(a), v); });
  // A life of head office may have nothing left where entries of it that are lost had passed something on.
  if (closed.node == head_office) seen.all().each_doubt(closed, [&](const ledger_account& held) { add(held, 0); });
  for (auto& [held, v] : out)
    if (auto granted = granted_of(seen, lives, closed, held); granted == INT64_MIN || !checked_add(v, -granted, v))
      v = 0;
  return out;
}

// A node that lives anew says so in its first entry. When all that was proved of its life before is here, that life is
// closed and the new one trades; otherwise that waits, for what is still under way or for an operator.
void station::follow_heir(const writer_id& heir) {
  auto record = node_of(book_->st(), heir.node);
  auto heritage = heritage_of(observer_->st(), heir);
  if (!record || !heritage || record->epoch == heir.epoch || closing_of(book_->st(), heir)) return;
  writer_id before{heir.node, heritage->before};
  auto closed = closing_of(book_->st(), before);
  // Closed with nobody to follow; or an operator closed the life that had followed.
  const bool free = closed && (closed->successor == epoch_id{} || record->epoch == epoch_id{});
  const bool current = free || record->epoch == before.epoch;
  // Of two machines each would close the other's life, one after the other, without end.
  if (certificates_.is_revoked(heir.node) || is_forked(heir.node)) return;
  if (!current) return closed ? name_stranded(heir) : void();
  // Where nobody knows how much there was, and an operator closed it, there is nothing to wait for.
  const bool awaited = !closed || heritage->proven < unknown_end;
  if (awaited && observer_->position(before) < heritage->proven) {
    if (lives_.heirs.size() >= heirs_max) lives_.heirs.erase(lives_.heirs.begin());
    auto [seen, fresh] = lives_.heirs.try_emplace(heir, tick_);
    if (tick_ - seen->second < config_.close_wait_ms) return;
  }
  auto fact = closing_fact(heir.node, heir);
  if (!fact) return;
  date_entry(*fact, book_->st(), book_->self(), now_, book_->hq_time());
  if (!write(*fact)) return;
  lives_.heirs.erase(heir);
  open_effects_.push_back(alarm_effect{
      errc::epoch_closed,
      "the epoch of node " + std::to_string(heir.node.value) + " was closed at " + std::to_string(fact->head->size) +
          " of " + (fact->size >= unknown_end ? std::string("an unknown number of") : std::to_string(fact->size)) +
          " entries"});
}

// An older disk was started, its life was followed, and now the newer one is back; or it is another machine.
void station::name_stranded(const writer_id& heir) {
  auto last = lives_.last.find(heir.node);
  if (last == lives_.last.end() || last->second != heir || !lives_.missed.insert(heir).second) return;
  const auto node = std::to_string(heir.node.value);
  open_effects_.push_back(alarm_effect{
      errc::epoch_closed, "node " + node +
                              " lives on from a disk whose life was closed, while head office follows another " +
                              "life of it: this one sells no cards. Is no other machine in use as node " + node +
                              "? 'tallystick close-epoch --node " + node + "' lets this one go on"});
}

void station::settle_epochs() {
  bool look = tick_ >= lives_.doubt_due || !lives_.short_known;
  if (look) lives_.doubt_due = tick_ + 10'000;
  if (!look) lives_.look_due = std::min(lives_.look_due, lives_.doubt_due);
  if (look) note_short();
  for (const auto& w : lives_to_settle(*observer_, lives_.closed_before)) {
    if (w == book_->self()) continue;
    if (w.node != config_.self) follow_heir(w);
    auto how = closing_of(book_->st(), w);
    if (!how) continue;
    if (look) lives_.doubt[w] = lies_at(w);
    if (lives_.settled.count(w) || !lives_.regrants.empty()) continue;
    if (w.node == config_.self && !look) continue;  // reads what was given back
    const bool suspect = observer_->contested_of(w) > 0 || (revoking_of(book_->st(), w) && observer_->any_unproven(w));
    if (suspect && !look) continue;
    if (w.node != config_.self && observer_->position(w) < how->size) await_journal(w, *how);
    if (!is_due(w, *how)) continue;
    auto found = suspect ? trusted_doubt(w) : find_doubt(w);
    for (auto& e : found.grants)
      lives_.regrants.push_back(std::move(e));
    if (!found.waits) lives_.settled.insert(w);
  }
  const bool granting = !lives_.regrants.empty();
  grant_anew();
  if (granting && lives_.regrants.empty()) lives_.doubt_due = tick_;  // that is in doubt no more
  lives_.stirred = lives_.stirred || !lives_.heirs.empty() || !lives_.regrants.empty();
}

amount station::lies_at(const writer_id& closed) const {
  amount sum = 0;
  if (held_total(observer_->st(), closed) <= 0) return 0;
  bool fits = true;
  for (const auto& [a, left] : left_at(*observer_, lives_of(*observer_, config_.self), closed))
    if (a.unit == main_unit) fits = fits && checked_add(sum, std::max<amount>(left, 0), sum);
  return fits ? sum : amount_max;
}

entry granted_anew(const writer_id& closed, account_id account, std::vector<value_item> values) {
  entry e;
  e.kind = entry_kind::regrant;
  e.subject = closed;
  e.account = account;
  e.values = std::move(values);
  return e;
}
ledger_account held_at(const writer_id& w, account_id account, const value_item& v) {
  return hold_account(w, account, v.purse, v.bucket, v.unit);
}

// What head office sent in the part of its journal that is lost, as it was given back. As long as its receiver may
// take it, it has left the holding, whether it was received or not.
bool station::may_still_come(const writer_id& closed, std::map<ledger_account, amount>& gone) const {
  bool waits = false;
  auto list = reader_.list();
  for (const auto& id : list ? *list : std::vector<stream_id>{}) {
    if (id.writer != closed || id.sub != sub_stream::addressed) continue;
    for (auto n = reader_.indexed(id), end = reader_.size(id); n < end;) {
      auto run = reader_.own_entries(id, n, end, segment_entries_max);
      if (!run || run->empty()) return true;  // unreadable now: it may be anything
      n += run->size();
      for (auto data : *run) {
        auto e = decode_entry(data);
        if (!e || e->kind != entry_kind::send || knows_directory(e->peer)) continue;
        auto received = number(observer_->st(), channel_key(false, closed, e->peer));
        if (static_cast<std::uint64_t>(received) >= e->channel) continue;
        waits = true;
        for (const auto& v : e->values)
          if (v.purse != 0) gone[held_at(closed, e->account, v)] += v.amount;
      }
    }
  }
  return waits;
}

// Transfers first: a send that only its receive proves has left the holding already. A send that the closed epoch never
// took returns, unless that epoch sent on what its lost end had taken: then its holding is below zero by as much, and
// to return it as well would be to have it twice. What is more than that is granted out of the holding.
doubt_found station::find_doubt(const writer_id& closed) const {
  doubt_found out;
  std::map<ledger_account, amount> gone;
  std::vector<entry> back;
  out.waits = closed.node == config_.self && may_still_come(closed, gone);
  observer_->all().each_transfer([&](const cell_key& k, const cell& c) {
    if (k.b == 1 && k.writer == closed && takes_no_more(book_->st(), closed, k.peer.node)) {
      // What it received and head office had booked before the send turned up is no open transfer.
      if (static_cast<std::uint64_t>(number(observer_->st(), channel_key(false, k.writer, k.peer))) >= k.a) return;
      if (!knows_directory(k.peer)) {  // until then it may still take it
        out.waits = true;
        return;
      }
    } else if (k.b > 1 || (k.b == 1 ? k.peer : k.writer) != closed) {
      return;
    }
    if (k.b == 0 && k.a <= static_cast<std::uint64_t>(number(observer_->st(), channel_key(true, k.writer, k.peer))))
      return;  // the send is known and differs: that is contested, not lost
    auto half = parse_transfer_text(c.data);
    if (!half) return;
    auto e = granted_anew(k.b == 1 ? k.peer : closed, half->first, half->second);
    e.debts = parse_transfer_debts(c.data);
    e.peer = k.b == 1 ? k.writer : k.peer;
    e.channel = k.a;
    e.cited_kind = k.b == 1 ? entry_kind::receive : entry_kind::send;
    if (k.b == 1) return back.push_back(std::move(e));
    if (std::any_of(e.values.begin(), e.values.end(), [](const auto& v) { return v.purse == 0; })) return;
    for (const auto& v : e.values)
      gone[held_at(closed, e.account, v)] += v.amount;
    out.grants.push_back(std::move(e));
  });
  const auto lives = lives_of(*observer_, config_.self);
  auto& left = out.left;
  left = left_at(*observer_, lives, closed);
  // Where nothing lies any more, what was granted of it counts all the same.
  auto left_of = [&](const ledger_account& a) -> amount& {
    auto [it, fresh] = left.try_emplace(a, 0);
    if (fresh) it->second = -granted_of(*observer_, lives, closed, a);
    return it->second;
  };
  for (const auto& [a, v] : gone)
    left_of(a) -= v;
  for (auto& e : back) {
    auto lacks = [&](const value_item& v) { return v.purse != 0 && left_of(held_at(closed, e.account, v)) < 0; };
    bool sent_on = e.subject == closed && e.debts.empty() && std::ranges::any_of(e.values, lacks);
    if (!sent_on) {
      out.grants.push_back(std::move(e));
      continue;
    }
    for (const auto& v : e.values)
      left_of(held_at(closed, e.account, v)) += v.amount;
  }
  for (const auto& [a, v] : left)
    if (v > 0)
      out.grants.push_back(
          granted_anew(closed, {a.a}, {{static_cast<std::uint32_t>(a.b), a.unit, static_cast<std::uint32_t>(a.c), v}}));
  return out;
}

void station::grant_anew() {
  for (std::size_t n = 0; n < regrants_per_tick && !lives_.regrants.empty(); ++n) {
    auto e = std::move(lives_.regrants.front());
    lives_.regrants.pop_front();
    date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
    if (auto written = write(e); !written) {
      open_effects_.push_back(alarm_effect{written.error().code, "granting anew: " + written.error().detail});
    } else if (e.cited_kind != entry_kind::send && was_due_before(e)) {
      cover_short(e.account, e.values, e.subject);
    }
  }
}

// Whether the value of a closed epoch may have been granted anew before head office's life before ended.
bool station::was_due_before(const entry& regrant) const {
  const auto& of = closing_of(book_->st(), regrant.subject) ? regrant.subject : regrant.peer;
  return closing_of(book_->st(), of) && was_closed_before(of);
}

}  // namespace tally
