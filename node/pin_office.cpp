#include "node/pin_office.hpp"

#include "ledger/pins.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"
#include "sync/code_letter.hpp"
#include "sync/driver_keyfile.hpp"
#include "sync/member_seal.hpp"

namespace tally {

result<std::unique_ptr<pin_office>> pin_office::start(pin_parts parts, const std::filesystem::path& key_file) {
  auto key = read_curve_key(key_file);
  if (!key && key.code() == errc::not_found) {
    auto fresh = make_curve_key(parts.random);
    TALLY_TRY(write_key_file(key_file, fresh));
    key = std::move(fresh);
  }
  if (!key) return key.error();
  std::unique_ptr<pin_office> out(new pin_office(std::move(parts), std::move(*key)));
  auto* self = out.get();
  out->with_.node.on_pin_letters([self, worker = out->worker_](const letter_effect& letter) {
    (void)worker->post([self, letter] { self->answer_letter(letter); });
  });
  out->worker_->start([] {});
  out->publish_key();
  return out;
}

pin_office::~pin_office() {
  with_.node.on_pin_letters({});
  worker_->stop();
}

void pin_office::on_code_questions(std::function<void(node_id, bytes)> taker) {
  worker_->post_answer([this, taker = std::move(taker)] { codes_ = taker; });
}

// A key that was lost is not made good by this one: PINs that were sealed for it must be chosen anew.
void pin_office::publish_key() {
  durable_state st(with_.node.store());
  auto known = pin_key_of(st);
  if (known && view_of(*known) == view_of(key_.pub)) return;
  if (known)
    with_.log(
        errc::bad_config,
        "the key for PINs is another one than the directory tells of: PINs that were set before can be given to no "
        "further store, and have to be reset");
  entry e;
  e.kind = entry_kind::publish;
  e.topic = publish_topic::pin_key;
  e.blob = view_of(key_.pub);
  with_.node.facts({e}, [log = with_.log](const facts_answer& a) {
    if (a.code != errc::ok) log(a.code, "the key for PINs could not be published: " + a.detail);
  });
}

void pin_office::answer_letter(const letter_effect& letter) {
  auto curve = with_.curve_of(letter.from);
  auto sealed = pin_letter(letter.body);
  auto text = curve && sealed ? open_letter(with_.curve, *curve, *sealed) : std::nullopt;
  if (text && is_code_question(*text)) {
    if (codes_) codes_(letter.from, *text);
    return;
  }
  auto q = text ? decode_pin_question(*text) : result<pin_question>(errc::bad_proof, "not from a store");
  if (!q)
    return with_.log(q.code(),
                     "a letter about a PIN from node " + std::to_string(letter.from.value) + ": " + q.error().detail);
  auto plain = encode_pin_answer(answer_of(letter.from, *q));
  with_.node.post(letter.from, as_pin_letter(seal_letter(with_.curve, *curve, plain, with_.random)));
  wipe({reinterpret_cast<std::uint8_t*>(plain.data()), plain.size()});
}

pin_answer pin_office::answer_of(node_id from, const pin_question& q) {
  auto today = day_of(with_.now());
  if (today != day_) given_today_.clear();
  day_ = today;
  auto& given = given_today_[from];
  if (given >= verifiers_a_day_max) {
    with_.log(errc::busy, "node " + std::to_string(from.value) + " has asked for " +
                              std::to_string(verifiers_a_day_max) + " verifiers of PINs today and gets no more");
    return {q.id, errc::busy};
  }
  auto v = verifier_of(q);
  if (!v) {
    with_.log(v.code(), "the PIN of account " + std::to_string(q.account.value) + ": " + v.error().detail);
    return {q.id, errc::not_found};
  }
  ++given;
  return {q.id, errc::ok, *v};
}

result<pin_verifier> pin_office::verifier_of(const pin_question& q) const {
  durable_state st(with_.node.store());
  auto card = card_of(st, q.account);
  auto from = pin_source(st, q.account);
  if (!card || !from || !card->pin.set || card->pin.version != q.version)
    return error{errc::not_found, "there is no such PIN"};
  auto data = stream_reader(with_.node.store())
                  .entry_of({from->first, sub_stream::journal, {}}, from->second, with_.node.snapshot()->self);
  if (!data) return data.error();
  auto e = decode_entry(*data);
  if (!e) return e.error();
  if (e->kind != entry_kind::pin_set || e->account != q.account) return error{errc::corrupt, "the entry that set it"};
  return open_pin_as_office(key_, {with_.chain, q.account, q.version}, e->blob);
}

}  // namespace tally
