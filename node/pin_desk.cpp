#include "node/pin_desk.hpp"

#include "ledger/pins.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"
#include "sync/code_letter.hpp"
#include "sync/member_seal.hpp"
#include "sync/open_questions.hpp"

namespace tally {
namespace {

using typed = pin_proof::verdict;

std::string record_name(account_id account) { return "pin/" + std::to_string(account.value); }

void wipe_text(std::string& s) { wipe({reinterpret_cast<std::uint8_t*>(s.data()), s.size()}); }

}  // namespace

std::unique_ptr<pin_desk> pin_desk::start(pin_parts parts, const node_secret& secret, const pin_hasher& hasher) {
  std::unique_ptr<pin_desk> out(new pin_desk(std::move(parts), secret, hasher));
  auto* self = out.get();
  out->with_.node.on_pin_letters([self, worker = out->worker_](const letter_effect& letter) {
    (void)worker->post([self, letter] { self->take_letter(letter); });
  });
  out->worker_->start([self] { self->tick(); });
  return out;
}

pin_desk::~pin_desk() {
  with_.node.on_pin_letters({});
  worker_->stop();
}

void pin_desk::judge(account_id account, std::string pin, std::function<void(pin_proof)> done) {
  auto text = std::make_shared<std::string>(std::move(pin));
  if (worker_->post([this, account, text, done] { judge_now(account, *text, done); })) return;
  wipe_text(*text);
  done({typed::unknown, 0});
}

// Head office's answer may come between two reads, and only both sides of it together say what the PIN is.
std::optional<pin_desk::known> pin_desk::look(account_id account) const {
  durable_state st(with_.node.store());
  for (int again = 0;; ++again) {
    auto before = card_of(st, account);
    auto k = look_once(account, st);
    auto after = card_of(st, account);
    if (again == 3 || !before || !after || before->version == after->version) return k;
  }
}

std::optional<pin_desk::known> pin_desk::look_once(account_id account, const state& st) const {
  known k;
  k.self = with_.node.snapshot()->self;
  auto card = card_of(st, account);
  if (!card) return std::nullopt;
  k.pin = pin_of(st, k.self, account, *card);
  if (auto seq = own_pin(st, k.self, account, *card)) {
    k.own = std::pair(k.self, *seq);
  } else if (auto from = pin_source(st, account); from && from->first.node == k.self.node) {
    k.own = from;
  }
  return k;
}

std::optional<pin_verifier> pin_desk::find(account_id account, const known& k) const {
  pin_place at{with_.chain, account, k.pin.version};
  if (k.own) {
    auto data = stream_reader(with_.node.store()).own_entry(k.own->first, k.own->second);
    auto e = data ? decode_entry(*data) : result<entry>(data.error());
    auto v = e && e->kind == entry_kind::pin_set ? open_pin_as_writer(pepper_, at, e->blob)
                                                 : result<pin_verifier>(errc::not_found, "");
    if (v) return *v;
  }
  auto stored = with_.node.recall(record_name(account));
  auto v = stored ? open_own_pin(pepper_, at, *stored) : result<pin_verifier>(errc::not_found, "");
  return v ? std::optional(*v) : std::nullopt;
}

void pin_desk::judge_now(account_id account, std::string& pin, const std::function<void(pin_proof)>& done) {
  auto compare = [this](const pin_verifier& v, std::uint32_t version, std::string& text) {
    auto right = fits(v, text, hasher_);
    wipe_text(text);
    return right ? pin_proof{*right ? typed::right : typed::wrong, version} : pin_proof{typed::unknown, 0};
  };
  auto k = look(account);
  if (!k || !k->pin.set) {
    wipe_text(pin);
    return done({typed::unknown, 0});
  }
  if (auto v = find(account, *k)) return done(compare(*v, k->pin.version, pin));
  auto text = std::make_shared<std::string>(pin);
  wipe_text(pin);
  ask(account, k->pin.version, [compare, version = k->pin.version, text, done](std::optional<pin_verifier> v) {
    if (v) return done(compare(*v, version, *text));
    wipe_text(*text);
    done({typed::unknown, 0});
  });
}

void pin_desk::make(account_id account, std::string pin, till_key key, std::function<void(result<made>)> done) {
  auto text = std::make_shared<std::string>(std::move(pin));
  bool taken = worker_->post([this, account, text, key, done] {
    auto r = make_now(account, *text, key);
    wipe_text(*text);
    done(std::move(r));
  });
  if (taken) return;
  wipe_text(*text);
  done(error{errc::busy, "too many PINs wait"});
}

result<pin_desk::made> pin_desk::make_now(account_id account, std::string_view pin, const till_key& key) const {
  durable_state st(with_.node.store());
  auto k = look(account);
  auto office = pin_key_of(st);
  if (!k) return error{errc::unknown_card, ""};
  if (!office) return error{errc::offline, "head office's key for PINs has not come to this store yet"};
  pin_verifier v{salt_of(pepper_, account, key.terminal, key.counter), {}};
  auto hash = hasher_.hash(pin, v.salt);
  if (!hash) return error{errc::busy, "no memory to hash a PIN"};
  v.hash = *hash;
  made m;
  m.version = k->pin.version + 1;
  public_key to{};
  std::copy(office->begin(), office->end(), to.begin());
  m.sealed = seal_pin(to, pepper_, {with_.chain, account, m.version}, v, with_.random);
  m.digest = digest_of(pepper_, v);
  return m;
}

// -- questions to head office ------------------------------------------------------------

void pin_desk::ask(account_id account, std::uint32_t version, std::function<void(std::optional<pin_verifier>)> done) {
  for (auto& [id, w] : questions_)
    if (w.account == account && w.version == version && w.who.size() < questions_max)
      return w.who.push_back(std::move(done));
  auto curve = with_.curve_of(head_office);
  if (!curve || !with_.node.snapshot()->link_up || questions_.size() >= questions_max) return done(std::nullopt);
  pin_question q{draw_id(), account, version};
  with_.node.post(head_office, as_pin_letter(seal_letter(with_.curve, *curve, encode_pin_question(q), with_.random)));
  auto& w = questions_[q.id];
  w = {account, version, with_.now(), {}};
  w.who.push_back(std::move(done));
}

std::uint64_t pin_desk::draw_id() const {
  std::array<std::uint8_t, 8> octets{};
  with_.random.fill(octets);
  std::uint64_t id = 0;
  for (auto o : octets)
    id = id << 8 | o;
  return id;
}

void pin_desk::take_letter(const letter_effect& letter) {
  auto curve = letter.from == head_office ? with_.curve_of(head_office) : std::nullopt;
  auto sealed = pin_letter(letter.body);
  auto text = curve && sealed ? open_letter(with_.curve, *curve, *sealed) : std::nullopt;
  if (text && is_code_answer(*text)) return take_code(*text);
  auto a = text ? decode_pin_answer(*text) : result<pin_answer>(errc::bad_proof, "not from head office");
  if (!a) return with_.log(a.code(), "a letter about a PIN: " + a.error().detail);
  auto asked = questions_.find(a->id);
  if (asked == questions_.end()) return;  // late, or said again by somebody
  auto w = std::move(asked->second);
  questions_.erase(asked);
  std::optional<pin_verifier> v;
  if (a->code == errc::ok) v = a->verifier;
  // Nobody waits for the record: when it is lost, head office is asked again.
  if (v)
    with_.node.remember(record_name(w.account),
                        seal_own_pin(pepper_, {with_.chain, w.account, w.version}, *v, with_.random), {});
  if (!v) with_.log(a->code, "head office gives no verifier of the PIN of account " + std::to_string(w.account.value));
  for (const auto& done : w.who)
    done(v);
}

void pin_desk::tick() {
  end_late_questions(questions_, with_.now(), [](const auto& done) { done(std::nullopt); });
  end_late_questions(code_questions_, with_.now(), [](const auto& done) {
    done(error{errc::offline, "head office has not answered; a code may come all the same: have another one sent"});
  });
}

}  // namespace tally
