// Keys that end: who may still knock with them, and what their own node does when it hears of it.
#include <algorithm>

#include "ledger/closing.hpp"
#include "sync/station.hpp"
#include "sync/station_facts.hpp"

namespace tally {
namespace {

/// Family meta: size of head office's directory with the newest entry that ended keys of this node, and the epoch of
/// that directory; without it, written by an older program, the current one.
bytes end_of_keys_key(node_id node) {
  byte_writer w;
  w.u8('v');
  w.u32be(node.value);
  return w.take();
}

constexpr int lives_max = 64;  // one behind the other, without new keys
constexpr tick_ms keys_every_ms = 60'000, renew_wait_max_ms = 3'600'000;
// Each new certificate of a node is for ever in everybody's directory.
constexpr unix_seconds keys_apart_s = 60;

}  // namespace

stream_id station::directory() const {
  if (config_.role == node_role::hq) return {book_->self(), sub_stream::directory, {}};
  auto record = node_of(book_->st(), head_office);
  return {{head_office, record ? record->epoch : epoch_id{}}, sub_stream::directory, {}};
}

std::vector<stream_id> station::directories() const {
  std::vector<stream_id> out;
  const auto current = directory();
  auto list = reader_.list();
  for (const auto& id : list ? *list : std::vector<stream_id>{})
    if (id.sub == sub_stream::directory && id.writer.node == head_office && id != current) out.push_back(id);
  out.push_back(current);
  return out;
}

void station::note_end_of_keys(node_id node, std::uint64_t position) {
  byte_writer w;
  w.uv(position);
  w.raw(view_of(directory().writer.epoch.value));
  book_->view().put(family::meta, end_of_keys_key(node), w.take());
  ++links_seen_;  // who may connect is asked for anew
  open_effects_.push_back(cut_off_effect{node});
}

/// Size of the current directory with which all of this is told. What an earlier life of head office said is told with
/// the first entry of the next, which whoever has all of that life takes behind it.
std::uint64_t station::end_in_current(byte_view noted) const {
  byte_reader r(noted);
  auto position = r.uv();
  const auto current = directory();
  const bool earlier =
      r.at_end() ? position > reader_.size(current) : r.raw(r.remaining()) != view_of(current.writer.epoch.value);
  return earlier ? 1 : position;
}

std::vector<void_key> station::void_keys() const {
  std::vector<void_key> out;
  for (auto child : admitted()) {
    bytes v;
    // From the moment that the keys do not count, durable or not. A database from before this was written down: all
    // that is here now.
    auto position = book_->view().get(family::meta, end_of_keys_key(child), v) == lookup::found
                        ? end_in_current(v)
                        : reader_.size(directory());
    auto current = curve_key_of(child);
    const auto* newest = certificate_of(child);
    for (const auto* c : certificates_.all_of(child)) {
      if (current == c->curve) continue;
      bool revoked = certificates_.is_revoked_key(c->signing);
      bool renews = !revoked && c->curve == newest->curve;  // only its time is over
      std::erase_if(out, [&](const void_key& k) { return k.curve == c->curve; });
      out.push_back({c->curve, child, renews ? any_size : position, revoked ? errc::revoked : errc::not_certified});
    }
  }
  return out;
}

// It stays readable, and sells for cash; what it would do to cards counts for nothing anywhere else. The same where the
// number of this node belongs to other keys than its own: another machine took its place.
void station::stop_if_revoked() {
  const auto* own = certificate_of(config_.self);
  bool mine = !own || own->signing == keys_.key() || (config_.next && own->signing == config_.next->signing->key());
  if (!care_.outlawed && mine && !certificates_.is_revoked_key(keys_.key())) return;
  if (!std::exchange(care_.outlawed, true) && book_->stopped() != errc::revoked)
    open_effects_.push_back(alarm_effect{
        errc::revoked, mine
                           ? "head office has revoked this node: no card value moves here"
                           : "head office knows this node by other keys: no card value moves here. If no other machine "
                             "has its place, this is a copy from before 'rotate-key': 'invite --replace'"});
  if (book_->stopped() != errc::revoked) book_->stop_card_value(errc::revoked);
}

// -- the time of certificates --------------------------------------------------

// Head office's time as far as it is known, never a node's own clock, which may be wrong. It does not go back: what
// head office said while its clock was ahead, it judges and dates by itself as well.
unix_seconds station::validity_now() const {
  if (config_.role == node_role::hq) return std::max(now_, book_->hq_time());
  if (book_->hq_time() == 0) return now_;
  return book_->hq_time() + (care_.time_tick == 0 ? 0 : (tick_ - care_.time_tick) / 1'000);
}

// Of a child, by a time that the child can be shown, or it would not know that it must ask for the next one.
bool station::is_expired(const certificate& c) const {
  if (rebuild_.on) return false;  // the next one may be in what is given back
  return (config_.role == node_role::hq ? validity_now() : last_time_.time) >= c.not_after;
}

message station::time_for_children(unix_seconds now) {
  if (config_.role != node_role::hq) return last_time_;
  // It judges certificates by this, so others must be able to see why.
  now = std::max(now, book_->hq_time());
  if (last_time_.time != now) last_time_ = {now, keys_.sign(time_text(now))};
  return last_time_;
}

void station::on_time(const time_message& m) {
  const auto* hq = certificate_of(head_office);
  if (!hq || !certificates_.with().verify(hq->signing, time_text(m.time), m.sign)) {
    open_effects_.push_back(alarm_effect{errc::bad_signature, "head office's time"});
    return;
  }
  if (m.time <= last_time_.time) return;
  last_time_ = m;
  if (m.time > book_->hq_time()) care_.time_tick = tick_;
  book_->heard_hq_time(m.time);
  for (auto c : children())
    if (up_.count(c)) open_effects_.push_back(to_neighbour{c, m});
}

void station::tend_keys() {
  care_.due = tick_ + keys_every_ms;
  if (care_.time_tick == 0) care_.time_tick = tick_;
  std::set<node_id> expired;
  for (auto child : children())
    if (const auto* c = certificate_of(child); is_expired(*c) && !certificates_.is_revoked(child))
      expired.insert(child);
  if (expired != care_.expired) ++links_seen_, open_effects_.push_back(advanced_effect{});
  for (auto n : expired) {
    if (care_.expired.count(n)) continue;
    open_effects_.push_back(
        alarm_effect{errc::not_certified, "the certificate of node " + std::to_string(n.value) + " has ended"});
    open_effects_.push_back(cut_off_effect{n});
  }
  care_.expired = std::move(expired);
  tend_own_certificate();
}

void station::tend_own_certificate() {
  const auto* own = certificate_of(config_.self);
  if (!own || own->signing != keys_.key() || care_.outlawed) return;
  auto now = validity_now();
  if (auto day = now / 86'400; now >= renewal_alarm(*own) && day != care_.alarm_day) {
    care_.alarm_day = day;
    auto left = std::max<unix_seconds>(own->not_after - now, 0) / 86'400;
    open_effects_.push_back(alarm_effect{errc::not_certified, "the certificate of this node ends in " +
                                                                  std::to_string(left) + " days and is not renewed"});
  }
  auto p = above();
  if (!p || tick_ < care_.renew_due || (!config_.next && now < renewal_due(*own))) return;
  care_.renew_wait = std::clamp(care_.renew_wait * 2, keys_every_ms, renew_wait_max_ms);
  care_.renew_due = tick_ + care_.renew_wait;
  auto m = make_renewal(config_.chain, *own, keys_, config_.next ? &*config_.next : nullptr);
  if (last_time_.time > 0) open_effects_.push_back(to_neighbour{*p, last_time_});
  open_effects_.push_back(to_neighbour{*p, m});
}

void station::want_keys(next_keys keys) {
  config_.next = std::move(keys);
  care_.due = care_.renew_due = care_.renew_wait = 0;
}

// From a node on the road to it, or from itself. It proves itself, so whoever passes it on adds nothing but the time
// that head office signed last: one that went on from a backup, its clock ahead before, knows by that what ended.
void station::on_renewal(node_id from, const renew_message& m) {
  if (config_.role == node_role::store || !comes_by(from, m.node)) return;
  if (config_.role == node_role::region) {
    auto p = above();
    if (p && last_time_.time > 0) open_effects_.push_back(to_neighbour{*p, last_time_});
    if (p) open_effects_.push_back(to_neighbour{*p, m});
    return;
  }
  const auto* now = certificate_of(m.node);
  if (!now || certificates_.is_revoked(m.node) || is_forked(m.node)) return;
  if (m.serial != now->serial) return;  // answered before
  if (auto ok = check_renewal(config_.chain, *now, m, certificates_.with()); !ok) {
    open_effects_.push_back(alarm_effect{
        ok.error().code, "a renewal in the name of node " + std::to_string(m.node.value) + ": " + ok.error().detail});
    return;
  }
  if (!keeps_keys(*now, m) && now->role == node_role::hq) return;
  auto due = keeps_keys(*now, m) ? renewal_allowed(*now) : now->not_before + certificate_clock_slack + keys_apart_s;
  if (validity_now() >= due) issue_next(*now, m);
}

void station::issue_next(const certificate& now, const renew_message& m) {
  auto c = now;
  ++c.serial;
  c.signing = m.signing;
  c.curve = m.curve;
  c.epoch = m.epoch;
  c.not_before = std::max<unix_seconds>(0, validity_now() - certificate_clock_slack);
  c.not_after = validity_now() + config_.certificate_s;
  bool used = m.epoch != now.epoch && observer_->position({m.node, m.epoch}) > 0;
  auto fits = used ? status(error{errc::bad_proof, "an epoch that was written before"}) : check(c);
  auto made =
      fits ? certificates_.add(sign_certificate(c, head_office, keys_)) : result<const certificate*>(fits.error());
  if (!made) {
    open_effects_.push_back(alarm_effect{
        made.error().code, "a renewal of node " + std::to_string(m.node.value) + ": " + made.error().detail});
    return;
  }
  entry e;
  e.kind = entry_kind::certify;
  e.blob = encode(*certificates_.signed_form(m.node));
  date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
  auto written = write(e);
  invariant(written.ok(), "a certificate can always be written");
  learn_certificate(e, book_->head(directory()).size);
}

// Connections begin anew under it: the one that is there may be good for no more than the renewal.
void station::learn_own_certificate(const certificate& c) {
  care_.renew_wait = 0;
  if (c.signing == keys_.key()) {
    open_effects_.push_back(lives_anew_effect{book_->self()});
  } else if (config_.next && c.signing == config_.next->signing->key()) {
    open_effects_.push_back(new_keys_effect{});
  } else {
    stop_if_revoked();
  }
}

// The old epoch's entries keep the old key; head office closes it when it has all of them, and grants anew what lay
// there.
void station::begin_certified_epoch(unix_seconds now) {
  const auto* own = certificate_of(config_.self);
  if (!book_->started() || !own || own->signing != keys_.key() || descends_from(own->epoch)) return;
  if (book_->head({{config_.self, own->epoch}, sub_stream::journal, {}}).size > 0) return;  // begun before
  now_ = now;
  begin_anew(errc::epoch_closed, "this node has new keys", book_->next(), {}, own->epoch);
}

/// Whether this node's life is the one of that epoch, or began behind it.
bool station::descends_from(const epoch_id& epoch) const {
  auto w = book_->self();
  for (int i = 0; i < lives_max; ++i) {
    if (w.epoch == epoch) return true;
    auto h = heritage_of(book_->st(), w);
    if (!h) return false;
    w.epoch = h->before;
  }
  return false;
}

status station::begin_restored_epoch(unix_seconds now) {
  bytes v;
  auto found = store_.get(family::meta, copy_key, v);
  if (found == lookup::failed) return error{errc::io, "the database could not be read"};
  if (found == lookup::absent) return done();
  if (config_.role == node_role::hq) return begin_rebuild(v), done();
  now_ = now;
  book_->view().erase(family::meta, copy_key);
  // The copy is from before this node's newest keys: the life that began with them is lost with the disk, and is the
  // one that goes before.
  std::optional<stream_head> lost;
  const auto* own = certificate_of(config_.self);
  if (own && own->signing == keys_.key() && own->epoch != epoch_id{} && !descends_from(own->epoch) &&
      book_->head({{config_.self, own->epoch}, sub_stream::journal, {}}).size == 0)
    lost = stream_head{{{config_.self, own->epoch}, sub_stream::journal, {}}, 0, merkle_frontier{}.root()};
  const auto old = book_->self();
  begin_anew(errc::rolled_back, "this node was restored from a backup", unknown_end, lost);
  // Nothing was written on the copy: what is here of that life is its beginning, which anybody may have.
  for (const auto& key : {short_key(old), astray_key(old)})
    book_->view().erase(family::meta, key);
  lives_.cut_short.erase(old);
  lives_.astray.erase(old);
  return done();
}

}  // namespace tally
