// One-time codes at a store: asked for, and judged.
#include "node/pin_desk.hpp"
#include "sync/code_letter.hpp"
#include "sync/member_seal.hpp"
#include "sync/open_questions.hpp"

namespace tally {
namespace {

error no_code(const code_answer& a) {
  switch (a.code) {
    case errc::not_found: return {errc::code_required, "head office knows no telephone of this card's member"};
    case errc::busy:
      return {errc::busy, "as many codes as may be were sent for this card, or for this store: again in " +
                              std::to_string(a.seconds / 60 + 1) + " minutes"};
    case errc::full: return {errc::busy, "head office's outbox of codes is full: see that messages are delivered"};
    default: return {a.code, "head office sends no code"};
  }
}

}  // namespace

void pin_desk::send_code(account_id account, amount up_to, std::function<void(result<sent>)> done) {
  auto shared = std::make_shared<std::function<void(result<sent>)>>(std::move(done));
  if (!worker_->post([this, account, up_to, shared] { send_now(account, up_to, *shared); }))
    (*shared)(error{errc::busy, "too many requests for codes wait"});
}

void pin_desk::send_now(account_id account, amount up_to, std::function<void(result<sent>)> done) {
  for (auto& [id, w] : code_questions_)
    if (w.account == account && w.up_to == up_to && w.who.size() < questions_max)
      return w.who.push_back(std::move(done));
  auto curve = with_.curve_of(head_office);
  if (!curve || !with_.node.snapshot()->link_up)
    return done(error{errc::offline, "codes come from head office, and there is no line to it now"});
  if (code_questions_.size() >= questions_max) return done(error{errc::busy, "too many requests for codes wait"});
  code_question q{draw_id(), account, up_to};
  with_.node.post(head_office, as_pin_letter(seal_letter(with_.curve, *curve, encode_code_question(q), with_.random)));
  auto& w = code_questions_[q.id];
  w = {account, up_to, with_.now(), {}};
  w.who.push_back(std::move(done));
}

void pin_desk::take_code(byte_view text) {
  auto a = decode_code_answer(text);
  if (!a) return with_.log(a.code(), "a letter about a code: " + a.error().detail);
  auto asked = code_questions_.find(a->id);
  if (asked == code_questions_.end()) return;  // late, or said again by somebody
  auto w = std::move(asked->second);
  code_questions_.erase(asked);
  auto r = result<sent>(no_code(*a));
  if (a->code == errc::ok) {
    // From when it was asked for, by this node's clock: head office's may be another.
    bool kept = codes_.put(w.account, a->number, w.up_to, w.since + a->seconds, a->verifier, with_.now());
    r = kept ? result<sent>(sent{a->ends_in, a->seconds, w.up_to})
             : result<sent>(error{errc::busy, "too many codes wait at this store"});
  }
  for (const auto& done : w.who)
    done(r);
}

void pin_desk::judge_code(account_id account, std::string typed, till_key key, std::function<void(code_proof)> done) {
  auto judge = [this, account, typed = std::move(typed), key, done] {
    done(codes_.judge(account, typed, key, with_.now(),
                      [this](const pin_verifier& v, std::string_view text) { return fits(v, text, hasher_); }));
  };
  if (!worker_->post(std::move(judge))) done({code_proof::verdict::unknown, 0, 0, 0, 0});
}

}  // namespace tally
