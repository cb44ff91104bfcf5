// What must be so of members, from what head office's journal and the stores' say.
#include <algorithm>

#include "ledger/member_state.hpp"
#include "sim/members.hpp"
#include "sim/world.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"

namespace tally::sim {
namespace {

std::string name(account_id member) { return "member " + std::to_string(member.value); }

/// Without what is merged by its own rules.
member_profile plain(member_profile p) {
  p.applications.clear();
  return p;
}

constexpr int rounds_max = 4;

}  // namespace

void sim_members::durable(const writer_id& writer, sequence seq, byte_view data) {
  auto kind = peek_kind(data);
  if (kind != entry_kind::profile_claim && kind != entry_kind::map_media && kind != entry_kind::profile &&
      kind != entry_kind::erase_member)
    return;
  const auto e = *decode_entry(data);
  if (e.kind == entry_kind::profile_claim) {
    claims_[{writer, seq}] = {e.account, e.serial, e.blob, false};
    open_claims_.insert({writer, seq});
  } else if (e.kind == entry_kind::map_media) {
    made_ = {seq, e.account};
  } else if (e.kind == entry_kind::profile) {
    ensure(writer.node == head_office, "somebody else than head office writes profiles");
    published(e, seq);
  } else if (e.kind == entry_kind::erase_member) {
    ensure(writer.node == head_office && profiles_.count(e.account), "an erasure of nobody");
    ensure(erased_.insert(e.account).second, "erased twice: " + name(e.account));
    const auto& keys = home(head_office).keys.keys;
    if (auto it = keys.find(e.account); it != keys.end()) dead_keys_.push_back(it->second.first);
    for (auto card : profiles_.at(e.account).profile.cards)
      std::erase_if(applications_, [&](const auto& a) { return a.first.first == card; });
    std::erase_if(open_claims_, [&](const place& p) { return claims_.at(p).member == e.account; });
  }
}

void sim_members::published(const entry& e, sequence seq) {
  auto where = name(e.account) + " version " + std::to_string(e.account_version);
  ensure(!erased_.count(e.account), [&] { return "a profile after the erasure: " + where; });
  const auto& keys = home(head_office).keys.keys;
  auto it = keys.find(e.account);
  ensure(it != keys.end(), [&] { return "a profile without its key at head office: " + where; });
  member_key key;
  std::copy(it->second.first.begin(), it->second.first.end(), key.span().begin());
  auto change = open_member(key, {std::string(world::chain), e.account, {}, e.account_version}, e.blob);
  ensure(change.ok(), [&] { return "a profile does not open: " + where; });
  told_profile now;
  now.version = e.account_version;
  apply_change(now.profile, *change);
  auto before = profiles_[e.account];
  ensure(now.version == before.version + 1, [&] { return "a version is missing or there twice: " + where; });
  if (now.profile.merged_into.value == 0) check_applications_of(now.profile, seq, where);
  if (e.cites) {
    auto said = claims_.find({e.subject, *e.cites});
    ensure(said != claims_.end(), [&] { return "a claim that nobody made is answered: " + where; });
    ensure(!std::exchange(said->second.answered, true), [&] { return "a claim is answered twice: " + where; });
    open_claims_.erase(said->first);
    auto of = keys.find(said->second.member);
    ensure(of != keys.end(), [&] { return "a claim about somebody who is gone is answered: " + where; });
    std::copy(of->second.first.begin(), of->second.first.end(), key.span().begin());
    auto claimed = open_member(key, {std::string(world::chain), said->second.member, e.subject, said->second.serial},
                               said->second.blob);
    ensure(claimed.ok(), [&] { return "a claim does not open: " + where; });
    auto expected = before.profile;
    auto wanted = claimed->applications.value_or(card_applications{});
    claimed->applications.reset();
    apply_change(expected, *claimed);
    ensure(plain(expected) == plain(now.profile),
           [&] { return "a profile is not what the claim makes of the one before: " + where; });
    for (const auto& a : wanted) {
      const auto* had = application_for(before.profile.applications, a.card);
      const auto* has = application_for(now.profile.applications, a.card);
      ensure(has != nullptr, [&] { return "an application is lost: " + where; });
      ensure((had && *had == *has) || (has->number == (had ? had->number : 0) + 1 && has->node == e.subject.node),
             [&] { return "an application became another one: " + where; });
    }
  }
  profiles_[e.account] = std::move(now);
}

// Open once, answered once; a card that is made has its further number in the same group.
void sim_members::check_applications_of(const member_profile& now, sequence seq, const std::string& where) {
  for (const auto& a : now.applications) {
    auto [it, fresh] = applications_.try_emplace({a.card, a.number}, a.state);
    if (fresh) {
      ensure(a.state == application_state::open || !a.reason.empty(),
             [&] { return "an application that nobody made is answered: " + where; });
      ensure(a.number == 1 || applications_.count({a.card, a.number - 1}),
             [&] { return "an application is missing: " + where; });
      continue;
    }
    if (it->second == a.state) continue;
    ensure(it->second == application_state::open, [&] { return "an application is answered twice: " + where; });
    ensure(a.state == application_state::refused || (made_.first + 1 == seq && made_.second == a.card),
           [&] { return "a card was made without its number: " + where; });
    it->second = a.state;
  }
}

// -- at the end ------------------------------------------------------------------

bool sim_members::settled(std::string* why) const {
  const auto no = [&](std::string text) {
    if (why) *why = std::move(text);
    return false;
  };
  stream_reader reader(w_.nodes().at(head_office).disk);
  for (const auto& [writer, seq] : open_claims_) {
    if (erased_.count(claims_.at({writer, seq}).member)) continue;  // void for good
    if (w_.nodes().at(writer.node).outcast) continue;               // revoked: what it says is contested
    if (reader.size({writer, sub_stream::journal, {}}) <= seq) continue;
    return no("a claim of " + writer_name(writer) + " about " + name(claims_.at({writer, seq}).member) +
              " is not published");
  }
  for (const auto& [member, p] : profiles_) {
    if (erased_.count(member) || p.profile.merged_into.value != 0) continue;
    for (const auto& a : p.profile.applications)
      if (a.state == application_state::open)
        return no("an application for card " + std::to_string(a.card.value) + " waits for an answer");
  }
  return true;
}

/// Who has the card, as head office's journal says.
std::optional<account_id> sim_members::owner_of(account_id card) const {
  std::optional<account_id> out;
  for (const auto& [member, p] : profiles_) {
    if (erased_.count(member) || p.profile.merged_into.value != 0) continue;
    if (std::ranges::find(p.profile.cards, card) == p.profile.cards.end()) continue;
    ensure(!out, [&] { return "a card has two members: " + std::to_string(card.value); });
    out = member;
  }
  return out;
}

/// An answer that is later than a customer waits is kept; that there is nobody is nothing to keep. And a clock that was
/// once far ahead takes no lease.
bool sim_members::waits_too_long(node_id id, bool somebody) const {
  const auto& how = w_.how();
  constexpr tick_ms customer_waits = 3'000;
  const bool slow = 8 * how.delay_max + 2 * how.commit_max + how.hold_ms >= customer_waits - 1'000 * how.pace;
  if (!somebody && slow) return true;
  const auto& hq = w_.nodes().at(head_office);
  auto time = std::max<unix_seconds>(w_.wall(hq), hq.st ? hq.st->ledger().hq_time() : 0);
  return homes_.at(id).keys.latest >= time + how.lease_s;
}

bool sim_members::agree(std::string* why) const {
  const auto no = [&](std::string text) {
    if (why) *why = std::move(text);
    return false;
  };
  for (const auto& [at, r] : seen_) {
    auto [id, card] = at;
    const auto& n = w_.nodes().at(id);
    if (!n.st || n.outcast || n.told_off) continue;
    auto text = "node " + std::to_string(id.value) + " asked for the member of card " + std::to_string(card.value);
    auto owner = owner_of(card);
    if (!r && r.code() == errc::timeout && waits_too_long(id, owner.has_value())) continue;
    if (!r) return no(text + " was told " + std::string(errc_name(r.code())) + " " + r.error().detail);
    if (r->has_value() != owner.has_value()) return no(text + " and head office differ on whether there is one");
    if (!owner) continue;
    const auto& there = profiles_.at(*owner);
    if ((*r)->member != *owner) return no(text + " shows another member");
    if ((*r)->unpublished != 0) return no(text + " has a claim that is not published");
    if ((*r)->version != there.version || (*r)->profile != there.profile)
      return no(text + " shows version " + std::to_string((*r)->version) + " of " + name(*owner) +
                ", head office has " + std::to_string(there.version));
  }
  return true;
}

// With a line each store sees what head office has: at once, or when it asks again after its ten minutes.
void sim_members::look_again() {
  std::string why;
  for (int tries = 0; tries < rounds_max * 4 && !settled(&why); ++tries) {
    answer_applications();
    w_.step_until(w_.now() + 60'000 + 10'000 * w_.how().pace);
  }
  ensure(settled(&why), [&] { return "members after all was healed: " + why; });
  for (int round = 0; round < rounds_max; ++round) {
    for (int twice = 0; twice < 2; ++twice) {
      for (auto& [id, h] : homes_) {
        if (!h.service || !w_.nodes().at(id).st) continue;
        for (auto card : cards_of(w_))
          h.service->of_card(card, [this, id = id, card](const result<std::optional<member_view>>& r) {
            seen_.insert_or_assign({id, card}, r);
          });
      }
      w_.step_until(w_.now() + 20'000 + 4 * w_.how().hold_ms + 8 * w_.how().delay_max);
    }
    if (agree(&why)) break;
    w_.step_until(w_.now() + 10 * 60'000);
  }
  ensure(agree(&why), [&] { return "members after all was healed: " + why; });
  check_disks();
}

// Nobody that has heard of an erasure can open what is left, and no database ever had a key.
void sim_members::check_disks() const {
  for (const auto& [id, h] : homes_) {
    const auto& n = w_.nodes().at(id);
    if (!n.st || n.outcast || n.told_off) continue;
    for (auto member : erased_) {
      durable_state st(n.disk);
      auto record = member_of(st, member);
      ensure(record && record->erased, [&] { return "the erasure is not known at node " + std::to_string(id.value); });
      ensure(!h.keys.keys.count(member), [&] {
        return "node " + std::to_string(id.value) + " still has the key of " + name(member) + ", who was erased";
      });
    }
    std::vector<bytes> all = dead_keys_;
    for (const auto& [member, k] : h.keys.keys)
      all.push_back(k.first);
    auto image = n.disk.copy();
    for (auto f : {family::meta, family::state, family::entries})
      for (auto at = image.of(f).lower_bound({}); at != image.of(f).end(); at = image.of(f).next(at))
        for (const auto& k : all)
          ensure(image.of(f).value(at).find(k) == byte_view::npos,
                 [&] { return "a database has a member's key: " + std::to_string(id.value); });
  }
}

}  // namespace tally::sim
