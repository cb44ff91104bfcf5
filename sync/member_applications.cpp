// Cards of plastic that members ask for: taken at a store, answered at head office (ledger/card_application.hpp).
#include "ledger/cards.hpp"
#include "storage/kv_state.hpp"
#include "sync/member_desk.hpp"

namespace tally {
namespace {

/// A further medium of the card, which stays what it is: the node that writes it says what that is.
entry further_medium(account_id card, std::uint32_t kind, bytes medium) {
  entry e;
  e.kind = entry_kind::map_media;
  e.account = card;
  e.medium = std::move(medium);
  e.card_kind = kind;
  return e;
}

}  // namespace

// What head office answered meanwhile is asked for first: an application of before its answer is the same one to it.
void member_desk::apply(account_id card, std::string shown, std::uint32_t terminal, answer<applied_card> done) {
  of_card(card, [this, card, shown = std::move(shown), terminal, done](const result<found>& r) {
    // On the worker's thread, as every answer.
    if (!r) return done(r.error());
    if (!*r)
      return done(error{errc::not_found, "this card has no member yet: add the member with name and address first"});
    auto member = (*r)->member;
    auto go_on = [this, member, card, shown, terminal, done] { apply_now(member, card, shown, terminal, done); };
    if (!with_.node.standing().link_up) return go_on();
    ask({.id = 0, .card = {}, .member = member, .version = (*r)->version},
        [go_on](const result<found>&) { go_on(); });  // late, or not at all: as without a line
  });
}

void member_desk::apply_now(account_id member, account_id card, const std::string& shown, std::uint32_t terminal,
                            const answer<applied_card>& done) {
  auto v = view(member);
  if (!v) return done(v.error());
  const auto& profile = v->profile;
  // What a break between making the member and writing the name leaves; adding it again goes on from there.
  if (profile.name.empty())
    return done(
        error{errc::not_found, "this card's member has no name yet: add the member with name and address first"});
  if (const auto* open = application_for(profile.applications, card); open && open->state == application_state::open)
    return done(applied_card{*open, true});
  auto a = apply_for_card(profile.applications, profile.cards, card, with_.node.standing().self.node,
                          day_of(with_.now()), shown);
  if (!a) return done(a.error());
  member_change c;
  c.applications = {*a};
  edit_now(member, std::nullopt, c, terminal, [a = *a, done](const result<member_view>& written) {
    written ? done(applied_card{a, false}) : done(written.error());
  });
}

void member_office::applications(answer<application_list> done) {
  worker_->ask<answer<application_list>>(std::move(done), [this](const answer<application_list>& told) {
    application_list out;
    for (const auto& open : open_applications_.list()) {
      auto v = view(open.member);
      if (!v) {
        ++out.unreadable;
        with_.log(v.code(), "the application for the card of account " + std::to_string(open.card.value) +
                                " is open and cannot be shown: " + v.error().detail);
        continue;
      }
      const auto* a = application_for(v->profile.applications, open.card);
      if (a) out.rows.push_back({open.member, *a, v->profile.name, v->profile.address});
    }
    told(std::move(out));
  });
}

void member_office::answer_application(application_answer a, answer<member_view> done) {
  worker_->ask<answer<member_view>>(std::move(done),
                                    [this, a = std::move(a)](const answer<member_view>& told) { answer_now(a, told); });
}

void member_office::answer_now(const application_answer& a, const answer<member_view>& done) {
  auto member = open_applications_.member_of(a.card);
  if (!member) return done(error{errc::not_found, "no application for this card is open"});
  auto now = view(*member);
  if (!now) return done(now.error());
  if (writing_.count(*member)) return done(error{errc::busy, "this member is being changed"});
  auto said = answered_application(now->profile.applications, a.card, a.reason, today());
  if (!said) return done(said.error());
  std::vector<entry> first;
  if (said->state == application_state::made) {
    durable_state st(with_.node.store());
    auto card = card_of(st, a.card);
    if (!card) return done(error{errc::unknown_card, "head office has issued no such card"});
    auto standing = card->expires != 0 && today() > card->expires ? card_status::expired : card->status;
    if (standing != card_status::active)
      return done(error{errc::not_allowed, "this card is " + standing_text(standing, card->expires) +
                                               ": a number for it would be none that pays; refuse the application, or "
                                               "put the card in order first"});
    if (account_of(st, a.medium)) return done(error{errc::key_reused, "the new number is in use"});
    first.push_back(further_medium(a.card, card->kind, a.medium));
  }
  auto to = now->profile;
  member_change c;
  c.applications = {*said};
  apply_change(to, c);
  publish(*member, std::move(to), std::nullopt, done, std::move(first));
}

void member_office::media_of(account_id card, answer<std::vector<bytes>> done) {
  worker_->ask<answer<std::vector<bytes>>>(std::move(done), [this, card](const answer<std::vector<bytes>>& told) {
    look_on(std::make_shared<media_search>(card), told);
  });
}

void member_office::look_on(const std::shared_ptr<media_search>& search, const answer<std::vector<bytes>>& done) {
  auto more = search->step(with_.node.store(), media_of_step);
  if (!more) return done(more.error());
  if (!*more) return done(search->found());
  worker_->post_answer([this, search, done] { look_on(search, done); });
}

}  // namespace tally
