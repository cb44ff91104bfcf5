// Head office and its stores: their claims are published, their questions for keys answered.
#include <algorithm>

#include "ledger/member_state.hpp"
#include "storage/kv_state.hpp"
#include "sync/member_office.hpp"

namespace tally {
namespace {

constexpr std::size_t claims_at_once = 64, void_claims_max = 10'000;

}  // namespace

void member_office::tick() {
  if (auto day = today(); day != lease_day_) {
    lease_day_ = day;
    leases_today_.clear();
  }
  tell_birthdays();
  if (asked_claims_) return;
  asked_claims_ = true;
  with_.node.open_claims(cursor_, claims_at_once, [this, worker = worker_](std::vector<claim_at> list) {
    worker->post_answer([this, list = std::move(list)] { take_claims(list); });
  });
}

void member_office::take_claims(const std::vector<claim_at>& list) {
  asked_claims_ = false;
  if (cursor_ == claim_place{}) held_back_.clear();
  cursor_ = list.size() < claims_at_once ? claim_place{} : claim_place{list.back().writer, list.back().seq};
  for (const auto& c : list)
    if (!void_claims_.count({c.writer, c.seq})) take_claim(c);
}

// Field by field over what is published now, in the order in which head office learnt of the claims. A claim that does
// not open, or says what no store may say, changes nothing and is logged once.
void member_office::take_claim(const claim_at& c) {
  auto refuse = [&](const error& why) {
    if (void_claims_.size() < void_claims_max) void_claims_.insert({c.writer, c.seq});
    with_.log(why.code, "claim " + std::to_string(c.seq) + " of node " + std::to_string(c.writer.node.value) +
                            " about member " + std::to_string(c.claim.account.value) + ": " + why.detail);
  };
  auto member = survivor_of(c.claim.account);
  if (!member || held_back_.count(*member)) return;  // erased meanwhile, or behind one that waits
  if (writing_.count(*member)) {
    held_back_.insert(*member);
    return;
  }
  auto key = keys_->find(c.claim.account);
  auto now = view(*member);
  if (!key || !now) return;
  auto change = open_member(*key, {with_.chain, c.claim.account, c.writer, c.claim.serial}, c.claim.blob);
  if (!change) return refuse(change.error());
  if (change->cards || change->merged_into) return refuse({errc::not_entitled, "cards are head office's to give"});
  if (auto fits = check_member(*change, today()); !fits) return refuse(fits.error());
  auto to = now->profile;
  card_applications coming;
  if (change->applications) {
    auto fresh = claimed_applications(to.applications, to.cards, *change->applications, c.writer.node, today());
    if (!fresh) return refuse(fresh.error());
    open_applications_.bound(*fresh, today());
    coming = *fresh;
    open_applications_.expect(coming);
    change->applications = std::move(*fresh);
  }
  apply_change(to, *change);
  publish(*member, to, cause{c.writer, c.seq}, [this, c, coming](const result<member_view>& r) {
    open_applications_.arrived(coming);
    if (!r)
      with_.log(r.code(), "a claim about member " + std::to_string(c.claim.account.value) + ": " + r.error().detail);
  });
}

void member_office::answer_letter(const letter_effect& letter) {
  auto curve = with_.curve_of(letter.from);
  auto text = curve ? open_letter(with_.curve, *curve, letter.body) : std::nullopt;
  auto q = text ? decode_question(*text) : result<lease_question>(errc::bad_proof, "not from that node");
  if (!q) return with_.log(q.code(), "a letter of node " + std::to_string(letter.from.value) + ": " + q.error().detail);
  auto refuse = [&](errc code) { send_answer(letter.from, {.id = q->id, .code = code}); };
  auto member = q->member.value != 0 ? q->member : index_.by_card(q->card).value_or(account_id{});
  if (member.value == 0 && !q->open) return refuse(errc::ok);
  // A stolen store reads no more in a day than this, and makes no more members.
  if (leases_today_[letter.from] >= leases_a_day_max) {
    with_.log(errc::busy, "node " + std::to_string(letter.from.value) + " asked for too many members today");
    return refuse(errc::busy);
  }
  ++leases_today_[letter.from];
  if (member.value != 0) return answer_lease(letter.from, *q, member);
  member_change c;
  c.cards = {q->card};
  add_now(c, [this, to = letter.from, question = *q](const result<member_view>& made) {
    if (made) return answer_lease(to, question, made->member);
    send_answer(to, {.id = question.id, .code = made.code()});
  });
}

void member_office::answer_lease(node_id to, const lease_question& q, account_id asked) {
  auto refuse = [&](errc code) { send_answer(to, {.id = q.id, .code = code}); };
  auto member = survivor_of(asked);
  if (!member) return refuse(errc::not_found);
  auto blob = sealed(*member);
  auto key = keys_->find(*member);
  auto held = keys_->look(*member);
  if (!blob || !key || !held) return refuse(errc::corrupt);
  lease_answer a;
  a.id = q.id;
  a.member = *member;
  a.version = members_.at(*member).version;
  // Stores count from the latest time that head office ever signed. When its clock was ahead once and was put right,
  // leases from before that time would be over for them as they come.
  a.now = std::max<unix_seconds>(with_.now(), with_.node.standing().hq_time);
  a.until = a.now + with_.lease_s;
  // Known before it leaves: an erasure can say until when a dark store may have the key.
  if (auto kept = keys_->put(*member, *key, std::max(held->until, a.until)); !kept) return refuse(kept.code());
  durable_state st(with_.node.store());
  if (auto store = node_of(st, to)) a.published = claims_published(st, {to, store->epoch}, *member);
  std::copy_n(key->data(), a.key.size(), a.key.begin());
  if (q.version != a.version || q.member != *member) a.blob = std::move(*blob);
  send_answer(to, a);
  wipe(a.key);
}

void member_office::send_answer(node_id to, const lease_answer& a) {
  auto curve = with_.curve_of(to);
  if (!curve) return;
  auto text = encode_answer(a);
  with_.node.post(to, seal_letter(with_.curve, *curve, text, with_.random));
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

}  // namespace tally
