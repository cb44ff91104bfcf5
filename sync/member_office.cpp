#include "sync/member_office.hpp"

#include <algorithm>

#include "ledger/member_state.hpp"
#include "ledger/member_text.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"
#include "sync/medium.hpp"

namespace tally {
namespace {

constexpr std::size_t candidates_max = 2'000;  // looked at for one query
constexpr std::size_t groups_max = 200;

bytes members_prefix() { return {cell_prefix, static_cast<char>(cell_type::member)}; }

}  // namespace

result<std::unique_ptr<member_office>> member_office::start(member_parts parts) {
  std::unique_ptr<member_office> out(new member_office(std::move(parts)));
  TALLY_TRY(out->load());
  auto* self = out.get();
  out->with_.node.on_news([self, worker = out->worker_](const member_node::news& news) {
    if (const auto* letter = std::get_if<letter_effect>(&news))
      (void)worker->post([self, l = *letter] { self->answer_letter(l); });
  });
  out->worker_->start([self] { self->tick(); });
  return out;
}

member_office::~member_office() {
  with_.node.on_news({});
  worker_->stop();
}

std::uint32_t member_office::today() const { return day_of(with_.now()); }

status member_office::load() {
  if (keys_->damaged() > 0)
    with_.log(errc::corrupt, std::to_string(keys_->damaged()) + " keys of members were damaged and are gone");
  auto prefix = members_prefix();
  std::size_t lost = 0;
  auto c = with_.node.store().scan(family::state, prefix);
  for (; c->valid() && c->key().starts_with(prefix); c->next()) {
    auto k = parse_cell_key(c->key());
    auto v = decode_cell(c->value());
    memory_state one;
    if (k && v) one.put(*k, std::move(*v));
    auto record = k ? member_of(one, {k->a}) : std::nullopt;
    if (!record) return error{errc::corrupt, "a record of a member"};
    account_id member{k->a};
    if (record->erased) {
      erased_.insert(member);
      continue;
    }
    members_[member] = {record->version, record->epoch, record->at, {}};
    auto seen = view(member);
    if (!seen) {
      ++lost;
      continue;
    }
    members_[member].merged_into = seen->profile.merged_into;
    if (seen->profile.merged_into.value != 0) continue;
    index_.add(member, seen->profile);
    open_applications_.note(member, {}, seen->profile.applications);
  }
  TALLY_TRY(c->state());
  // A power cut may have left a key that an erasure was about to destroy. One without any profile stays until its
  // number is drawn: the database may be an older copy, for now.
  for (const auto& held : keys_->list())
    if (erased_.count(held.member)) TALLY_TRY(keys_->destroy(held.member));
  if (lost > 0) with_.log(errc::corrupt, std::to_string(lost) + " members cannot be read: their keys are not here");
  return done();
}

result<bytes> member_office::sealed(account_id member) const {
  auto it = members_.find(member);
  if (it == members_.end())
    return error{errc::not_found, erased_.count(member) ? "this member was erased" : "there is no such member"};
  const auto& m = it->second;
  writer_id self{head_office, m.epoch};
  auto data = stream_reader(with_.node.store()).own_entry(self, m.at);
  if (!data) return data.error();
  auto e = decode_entry(*data);
  if (!e) return e.error();
  return std::move(e->blob);
}

result<member_view> member_office::view(account_id member) const {
  auto blob = sealed(member);
  if (!blob) return blob.error();
  auto key = keys_->find(member);
  if (!key) return error{errc::corrupt, "the key of member " + std::to_string(member.value) + " is not here"};
  const auto& m = members_.at(member);
  auto change = open_member(*key, {with_.chain, member, {}, m.version}, *blob);
  if (!change) return change.error();
  member_view v;
  v.member = member;
  v.version = m.version;
  apply_change(v.profile, *change);
  return v;
}

result<account_id> member_office::survivor_of(account_id member) const {
  for (int hops = 0; hops < 64; ++hops) {
    auto it = members_.find(member);
    if (it == members_.end()) return error{errc::not_found, "there is no such member"};
    if (it->second.merged_into.value == 0) return member;
    member = it->second.merged_into;
  }
  return error{errc::corrupt, "members that were merged in a circle"};
}

status member_office::check_cards(account_id member, const member_profile& p, account_id or_of) const {
  durable_state st(with_.node.store());
  for (auto card : p.cards) {
    if (!card_of(st, card)) return error{errc::unknown_card, "head office has issued no such card"};
    auto owner = index_.by_card(card);
    if (cards_taken_.count(card) != 0 || (owner && *owner != member && *owner != or_of))
      return error{errc::not_allowed, "the card of account " + std::to_string(card.value) + " is another member's"};
  }
  return done();
}

result<entry> member_office::profile_fact(const written& w, const std::optional<cause>& why) {
  auto it = members_.find(w.member);
  auto version = it == members_.end() ? 1 : it->second.version + 1;
  auto key = keys_->find(w.member);
  if (!key) return error{errc::corrupt, "the key of member " + std::to_string(w.member.value) + " is not here"};
  entry e;
  e.kind = entry_kind::profile;
  e.account = w.member;
  e.account_version = version;
  e.blob = seal_member(*key, {with_.chain, w.member, {}, version}, change_of(w.profile), with_.random);
  if (why) {
    e.subject = why->writer;
    e.cites = why->seq;
  }
  return e;
}

void member_office::publish(account_id member, member_profile to, const std::optional<cause>& why,
                            answer<member_view> done, std::vector<entry> first) {
  publish_all({{member, std::move(to)}}, why, std::move(done), std::move(first));
}

void member_office::publish_all(std::vector<written> list, const std::optional<cause>& why, answer<member_view> done,
                                std::vector<entry> first) {
  for (auto& w : list) {
    keep_applications_of(w.profile.applications, w.profile.cards);
    auto e = profile_fact(w, why);
    if (!e) return done(e.error());
    first.push_back(std::move(*e));
  }
  for (const auto& w : list) {
    writing_.insert(w.member);
    for (auto card : w.profile.cards)
      ++cards_taken_[card];
  }
  with_.node.facts(std::move(first),
                   [this, worker = worker_, list = std::move(list), done = std::move(done)](const auto& a) {
                     worker->post_answer([this, list, a, done] { published(list, a, done); });
                   });
}

void member_office::published(const std::vector<written>& list, const facts_answer& a,
                              const answer<member_view>& done) {
  for (const auto& w : list) {
    writing_.erase(w.member);
    for (auto card : w.profile.cards)
      if (auto it = cards_taken_.find(card); it != cards_taken_.end() && --it->second == 0) cards_taken_.erase(it);
  }
  if (a.code != errc::ok) {
    for (const auto& w : list)
      if (!members_.count(w.member)) (void)keys_->destroy(w.member);  // it never came to be
    return done(error{a.code, a.detail});
  }
  member_view v;
  for (const auto& w : list) {
    auto learnt = learn_published(w);
    if (!learnt) return done(learnt.error());
    v.member = w.member;
    v.version = members_[w.member].version;
    v.profile = w.profile;
  }
  done(v);
}

status member_office::learn_published(const written& w) {
  if (auto before = view(w.member); before && before->profile.merged_into.value == 0) {
    index_.remove(w.member, before->profile);
    open_applications_.note(w.member, before->profile.applications, {});
    tell_birthdays_of(before->profile.cards);
  }
  tell_birthdays_of(w.profile.cards);
  durable_state st(with_.node.store());
  auto record = member_of(st, w.member);
  if (!record) return error{errc::io, "the database could not be read"};
  auto& m = members_[w.member];
  m = {record->version, record->epoch, record->at, w.profile.merged_into};
  if (w.profile.merged_into.value == 0) {
    index_.add(w.member, w.profile);
    open_applications_.note(w.member, {}, w.profile.applications);
  }
  return tally::done();
}

// -- questions -----------------------------------------------------------------------

void member_office::find(std::string query, answer<member_list> done) {
  worker_->ask<answer<member_list>>(std::move(done), [this, query = std::move(query)](const answer<member_list>& told) {
    member_list out;
    durable_state st(with_.node.store());
    auto card = account_of(st, medium_of(with_.chain, query));
    if (auto owner = card ? index_.by_card(*card) : std::nullopt) {
      if (auto v = view(*owner)) out.found.push_back(std::move(*v));
      return told(std::move(out));
    }
    auto q = parse_member_query(query);
    if (!q) return told(q.error());
    auto may_be = index_.candidates(*q, candidates_max);
    out.more = may_be.size() == candidates_max;
    for (auto member : may_be) {
      auto v = view(member);
      if (!v || !matches(v->profile, *q)) continue;
      if (out.found.size() == member_found_max) {
        out.more = true;
        break;
      }
      v->profile.photo.clear();
      out.found.push_back(std::move(*v));
    }
    told(std::move(out));
  });
}

void member_office::show(account_id member, answer<member_view> done) {
  worker_->ask<answer<member_view>>(std::move(done),
                                    [this, member](const answer<member_view>& told) { told(view(member)); });
}

void member_office::of_card(account_id card, answer<std::optional<member_view>> done) {
  using found = std::optional<member_view>;
  worker_->ask<answer<found>>(std::move(done), [this, card](const answer<found>& told) {
    auto owner = index_.by_card(card);
    if (!owner) return told(found());
    auto v = view(*owner);
    v ? told(found(std::move(*v))) : told(v.error());
  });
}

void member_office::duplicates(answer<std::vector<std::vector<member_view>>> done) {
  using groups = std::vector<std::vector<member_view>>;
  worker_->ask<answer<groups>>(std::move(done), [this](const answer<groups>& told) {
    groups out;
    for (const auto& alike : index_.look_alikes(groups_max)) {
      std::vector<member_view> group;
      for (auto member : alike)
        if (auto v = view(member); v && group.size() < member_found_max) {
          v->profile.photo.clear();
          group.push_back(std::move(*v));
        }
      if (group.size() > 1) out.push_back(std::move(group));
    }
    told(std::move(out));
  });
}

// -- changes -------------------------------------------------------------------------

void member_office::add(member_change c, answer<member_view> done) {
  worker_->ask<answer<member_view>>(std::move(done), [this, c = std::move(c)](const answer<member_view>& told) {
    if (!c.name || c.name->empty()) return told(error{errc::malformed, "name: a member has one"});
    add_now(c, told);
  });
}

void member_office::add_now(const member_change& c, const answer<member_view>& done) {
  auto fits = c.merged_into ? status(error{errc::malformed, "a new member"}) : check_member(c, today());
  if (fits) fits = check_photo({}, c);
  if (!fits) return done(fits.error());
  member_profile p;
  apply_change(p, c);
  if (auto free = check_cards({}, p); !free) return done(free.error());
  with_.allot([this, worker = worker_, p, done](result<std::uint64_t> number) {
    worker->post_answer([this, p, done, number] {
      if (!number) return done(number.error());
      account_id member{*number};
      // Once more: somebody else may have taken a card meanwhile.
      auto ready = check_cards({}, p);
      if (ready) ready = keys_->destroy(member);  // of a profile that was never written
      if (ready) ready = keys_->put(member, make_member_key(with_.random), 0);
      if (!ready) return done(ready.error());
      publish(member, p, std::nullopt, done);
    });
  });
}

void member_office::edit(account_id member, std::optional<std::uint64_t> version, member_change c, std::uint32_t,
                         answer<member_view> done) {
  worker_->ask<answer<member_view>>(std::move(done), [this, member, version,
                                                      c = std::move(c)](const answer<member_view>& told) {
    auto now = view(member);
    if (!now) return told(now.error());
    if (writing_.count(member)) return told(error{errc::busy, "this member is being changed"});
    if (now->profile.merged_into.value != 0)
      return told(error{errc::not_allowed, "was merged into member " + std::to_string(now->profile.merged_into.value)});
    if (version && *version != now->version)
      return told(error{errc::gap, "the profile has changed meanwhile: look at it again"});
    auto fits = c.merged_into ? status(error{errc::malformed, "merged_into"}) : check_member(c, today());
    auto to = now->profile;
    apply_change(to, c);
    if (fits) fits = check_photo(now->profile, c);
    if (fits) fits = check_cards(member, to);
    if (fits && to.name.empty() && !now->profile.name.empty()) fits = error{errc::malformed, "name: a member has one"};
    if (!fits) return told(fits.error());
    if (to == now->profile) return told(std::move(*now));
    publish(member, to, std::nullopt, told);
  });
}

void member_office::merge(account_id survivor, account_id other, answer<member_view> done) {
  worker_->ask<answer<member_view>>(
      std::move(done), [this, survivor, other](const answer<member_view>& told) { merge_now(survivor, other, told); });
}

// Both profiles in one group: between the two the cards would be nobody's. The gone one's is first, since a card never
// belongs to two.
void member_office::merge_now(account_id survivor, account_id other, const answer<member_view>& done) {
  auto into = view(survivor), from = view(other);
  if (!into || !from) return done(into ? from.error() : into.error());
  if (survivor == other) return done(error{errc::malformed, "a member and itself"});
  if (writing_.count(survivor) || writing_.count(other)) return done(error{errc::busy, "one of them is being changed"});
  if (into->profile.merged_into.value != 0) return done(error{errc::not_allowed, "the survivor was merged itself"});
  if (from->profile.merged_into.value != 0 && from->profile.merged_into != survivor)
    return done(error{errc::not_allowed,
                      "was merged into member " + std::to_string(from->profile.merged_into.value) + " before"});
  auto to = merged(into->profile, from->profile);
  if (to.cards.size() > member_cards_max)
    return done(
        error{errc::not_allowed, "together they have more than " + std::to_string(member_cards_max) + " cards"});
  if (auto free = check_cards(survivor, to, other); !free) return done(free.error());
  std::vector<written> list;
  if (from->profile.merged_into != survivor) {
    list.push_back({other, from->profile});
    list.back().profile.merged_into = survivor;
  }
  // A merge of before that broke off between the two is finished by merging again.
  if (to != into->profile) list.push_back({survivor, to});
  if (list.empty()) return done(*into);
  publish_all(std::move(list), std::nullopt,
              [this, survivor, done](const result<member_view>& r) { r ? done(view(survivor)) : done(r.error()); });
}

std::vector<account_id> member_office::one_person(account_id member) const {
  std::vector<account_id> out;
  for (const auto& [m, record] : members_)
    if (auto s = survivor_of(m); s && *s == member) out.push_back(m);
  std::ranges::sort(out);
  return out;
}

void member_office::erase(account_id member, answer<erased_members> done) {
  worker_->ask<answer<erased_members>>(std::move(done),
                                       [this, member](const answer<erased_members>& told) { erase_now(member, told); });
}

void member_office::erase_now(account_id member, const answer<erased_members>& done) {
  if (erased_.count(member)) return done(erased_members{{member}, 0});
  auto survivor = survivor_of(member);
  if (!survivor) return done(survivor.error());
  if (*survivor != member)
    return done(error{errc::not_allowed, "was merged into member " + std::to_string(survivor->value) + ": erase that"});
  auto all = one_person(member);
  std::vector<entry> facts;
  for (auto m : all) {
    if (writing_.count(m)) return done(error{errc::busy, "this member is being changed"});
    entry e;
    e.kind = entry_kind::erase_member;
    e.account = m;
    facts.push_back(std::move(e));
  }
  writing_.insert(all.begin(), all.end());
  with_.node.facts(std::move(facts), [this, worker = worker_, all, done](const facts_answer& a) {
    worker->post_answer([this, all, a, done] {
      erased_members out{all, 0};
      status gone = a.code == errc::ok ? tally::done() : status(error{a.code, a.detail});
      for (std::size_t i = 0; i < all.size(); ++i) {
        writing_.erase(all[i]);
        if (i >= a.written) continue;
        if (auto held = keys_->look(all[i])) out.leases_until = std::max(out.leases_until, held->until);
        if (auto ok = forget(all[i]); !ok) gone = ok;
      }
      gone ? done(out) : done(gone.error());
    });
  });
}

status member_office::forget(account_id member) {
  if (auto v = view(member); v && v->profile.merged_into.value == 0) {
    index_.remove(member, v->profile);
    open_applications_.note(member, v->profile.applications, {});
    tell_birthdays_of(v->profile.cards);
  }
  members_.erase(member);
  erased_.insert(member);
  return keys_->destroy(member);
}

}  // namespace tally
