// Who comes to a till or to head office about members, and what they want.
#include "sim/members.hpp"
#include "sim/world.hpp"
#include "sync/medium.hpp"

namespace tally::sim {
namespace {

std::string digits_of(std::uint64_t n, std::size_t width) {
  auto t = std::to_string(n);
  return std::string(width - std::min(width, t.size()), '0') + t;
}

}  // namespace

/// What a person may be told whose wish was a good one.
bool sim_members::refused(errc code) const {
  switch (code) {
    case errc::offline:
    case errc::timeout:
    case errc::busy:
    case errc::gap:
    case errc::not_found:
    case errc::not_allowed:
    case errc::unknown_card:
    case errc::rolled_back:
    case errc::full:
    case errc::key_reused:
    case errc::revoked:
    case errc::wrong_epoch:
    case errc::too_many_claims:
    case errc::epoch_closed: return true;
    default: return false;
  }
}

void sim_members::open() {
  open_ = true;
  for (const auto& [id, n] : w_.nodes())
    if (n.role == node_role::store) next_visit(w_.nodes_.at(id));
  next_wish();
}

account_id sim_members::some_card() {
  auto all = cards_of(w_);
  return all[static_cast<std::size_t>(dice_.below(all.size()))];
}

/// A living one that was not merged away.
std::optional<account_id> sim_members::some_member() {
  std::vector<account_id> all;
  for (const auto& [member, p] : profiles_)
    if (!erased_.count(member)) all.push_back(member);
  if (all.empty()) return std::nullopt;
  return all[static_cast<std::size_t>(dice_.below(all.size()))];
}

member_change sim_members::some_change(bool all) {
  member_change c;
  auto wants = [&] { return all || dice_.chance(300); };
  if (wants()) c.name = "Person " + std::to_string(++names_);
  if (wants()) c.phones = std::vector<std::string>{"+86138" + digits_of(dice_.below(40), 8)};
  if (wants()) c.address = "Street " + std::to_string(++names_);
  if (wants()) c.emails = std::vector<std::string>{"p" + std::to_string(dice_.below(1'000)) + "@example.org"};
  if (wants())
    c.born = birth_date{static_cast<std::uint16_t>(1950 + dice_.below(50)),
                        static_cast<std::uint8_t>(1 + dice_.below(12)), static_cast<std::uint8_t>(1 + dice_.below(28))};
  if (c.empty()) c.consents = static_cast<std::uint32_t>(dice_.below(consents_all + 1));
  return c;
}

// -- at a till -------------------------------------------------------------------

void sim_members::next_visit(sim_node& n) {
  w_.at(w_.how().members_every / 2 + dice_.between(0, w_.how().members_every), [this, &n] {
    if (!open_ || !w_.trading_) return;
    // Nobody is served on an old copy of a disk before the link or a till has told it so.
    const bool copy = n.id == w_.restored() && w_.how().restore != restore_kind::forked && n.st &&
                      n.st->ledger().self().epoch == n.cert.epoch;
    if (n.st && !copy && homes_.count(n.id) && home(n.id).service) visit(n);
    next_visit(n);
  });
}

void sim_members::visit(sim_node& n) {
  auto& desk = *home(n.id).service;
  auto heard = [this, id = n.id](const char* what, errc code, const std::string& text) {
    ensure(refused(code), [&] {
      return std::string(what) + " at node " + std::to_string(id.value) + " was answered " +
             std::string(errc_name(code)) + " " + text;
    });
  };
  auto told = [heard](const char* what) {
    return [heard, what](const auto& r) {
      if (!r) heard(what, r.code(), r.error().detail);
    };
  };
  const auto what = dice_.below(1'000);
  if (what < 250) return desk.of_card(some_card(), told("a card's member"));
  if (what < 450) {
    auto c = some_change(true);
    c.cards = std::vector<account_id>{some_card()};
    return desk.add(c, told("a new member"));
  }
  if (what < 600) {
    auto card = some_card();
    return desk.apply(card, "**** 1234", n.id.value * 100, [this, heard, card](const result<applied_card>& r) {
      if (!r) return heard("an application", r.code(), r.error().detail);
      ensure(r->application.card == card && r->application.state == application_state::open,
             "an application for another card, or one that is answered, was taken");
      ++w_.counted_.applied;
    });
  }
  const auto& keys = home(n.id).keys.keys;
  if (keys.empty()) return desk.of_card(some_card(), told("a card's member"));
  auto it = keys.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(dice_.below(keys.size())));
  if (what < 900) {
    auto c = some_change(false);
    return desk.edit(it->first, std::nullopt, c, n.id.value * 100, [this, heard, c](const result<member_view>& r) {
      if (r) return void(++w_.counted_.members_changed);
      // A break between making a member and naming it leaves one that is named first.
      if (r.code() == errc::malformed && !c.name) return;
      heard("a changed profile", r.code(), r.error().detail);
    });
  }
  auto found = profiles_.find(it->first);
  if (found == profiles_.end() || found->second.profile.phones.empty()) return;
  desk.find(found->second.profile.phones.front(), told("a search"));
}

// -- at head office --------------------------------------------------------------

void sim_members::next_wish() {
  w_.at(w_.how().members_every + dice_.between(0, 2 * w_.how().members_every), [this] {
    const auto& hq = w_.nodes().at(head_office);
    if (hq.st && office()) w_.trading_&& open_ ? wish() : answer_applications();
    next_wish();
  });
}

void sim_members::answer_applications() {
  office()->applications([this](const result<application_list>& r) {
    ensure(r.ok() && r->unreadable == 0, "an open application cannot be shown");
    for (const auto& row : r->rows) {
      application_answer a;
      a.card = row.what.card;
      if (dice_.chance(300))
        a.reason = "no photo";
      else
        a.medium = medium_of(world::chain, "made " + std::to_string(++media_));
      office()->answer_application(a, [this, card = a.card](const result<member_view>& told) {
        if (told) return void(++w_.counted_.applications_answered);
        // A card that is blocked gets no other number: it is refused.
        if (told.code() == errc::not_allowed && office())
          return office()->answer_application({card, {}, "blocked"}, [](const result<member_view>&) {});
        ensure(refused(told.code()), [&] { return "head office's answer to an application: " + told.error().detail; });
      });
    }
  });
}

void sim_members::wish() {
  const auto what = dice_.below(1'000);
  auto told = [this](const char* name, auto count) {
    return [this, name, count](const auto& r) {
      if (r) return void(++(w_.counted_.*count));
      ensure(refused(r.code()), [&] { return std::string(name) + " at head office: " + r.error().detail; });
    };
  };
  if (what < 350) return answer_applications();
  if (what < 500) {
    auto c = some_change(true);
    c.cards = std::vector<account_id>{some_card()};
    return office()->add(c, told("a new member", &tally_of_run::members_changed));
  }
  auto member = some_member();
  if (!member) return;
  if (what < 700)
    return office()->edit(*member, std::nullopt, some_change(false), 0,
                          told("a changed profile", &tally_of_run::members_changed));
  if (what < 850)
    return office()->merge(*some_member(), *member, [this](const result<member_view>& r) {
      if (r) return void(++w_.counted_.merged);
      ensure(refused(r.code()) || r.code() == errc::malformed, [&] { return "a merge: " + r.error().detail; });
    });
  if (what < 920) return office()->erase(*member, told("an erasure", &tally_of_run::members_erased));
  office()->duplicates([](const auto& r) { ensure(r.ok(), "members that may be one person are not found"); });
}

}  // namespace tally::sim
