// PINs at tills: what customers type, and how it is judged. The hash is the digits themselves.
#include "ledger/pins.hpp"
#include "sim/world.hpp"
#include "storage/entry_codec.hpp"

namespace tally::sim {
namespace {

/// What stands in place of a sealed verifier.
bytes sealed_digits(std::uint32_t digits) { return "digits " + std::to_string(digits); }
std::optional<std::uint32_t> digits_in(const bytes& blob) {
  if (blob.rfind("digits ", 0) != 0) return std::nullopt;
  return static_cast<std::uint32_t>(std::stoul(blob.substr(7)));
}

amount money_of_request(const sale_command& c) { return c.card; }
amount money_of_request(const authorise_command& c) { return c.value; }
amount money_of_request(const gift_command& c) { return c.purse == points_purse ? 0 : c.units; }
amount money_of_request(const hand_back_command& c) { return c.paid + c.deposit; }

}  // namespace

// From the store's own journal, from what head office gave it before, or from head office while a way there is up.
std::optional<std::uint32_t> world::digits_known(sim_node& n, account_id account) {
  auto& ledger = n.st->ledger();
  const auto& st = ledger.st();
  auto card = card_of(st, account);
  if (!card) return std::nullopt;
  auto pin = pin_of(st, ledger.self(), account, *card);
  if (!pin.set) return std::nullopt;
  if (auto seq = own_pin(st, ledger.self(), account, *card)) {
    auto e = ledger.find_entry(*seq);
    return e ? digits_in(e->blob) : std::nullopt;
  }
  auto key = std::pair(account.value, pin.version);
  if (auto it = n.digits.find(key); it != n.digits.end()) return it->second;
  auto from = pin_source(st, account);
  auto parent = n.st->parent();
  if (!from || !parent || n.st->neighbours_up().count(*parent) == 0) return std::nullopt;
  auto journal = oracle_.journals().find(from->first);
  if (journal == oracle_.journals().end() || from->second >= journal->second.size()) return std::nullopt;
  auto e = decode_entry(journal->second[static_cast<std::size_t>(from->second)]);
  if (!e || e->kind != entry_kind::pin_set || e->account != account) return std::nullopt;
  auto digits = digits_in(e->blob);
  if (digits) n.digits.emplace(key, *digits);
  return digits;
}

pin_proof world::type_pin(sim_node& n, account_id account) {
  using verdict = pin_proof::verdict;
  auto known = digits_known(n, account);
  if (!known) return {verdict::unknown, 0};
  const auto& ledger = n.st->ledger();
  auto pin = pin_of(ledger.st(), ledger.self(), account, *card_of(ledger.st(), account));
  // Sometimes the finger slips, sometimes a thief tries.
  auto typed = dice_.chance(150) ? static_cast<std::uint32_t>(dice_.below(10'000)) : *known;
  return {typed == *known ? verdict::right : verdict::wrong, pin.version};
}

std::optional<till_command> world::think_pin(sim_node& n, const till_key& k, account_id card) {
  const auto& ledger = n.st->ledger();
  auto record = card_of(ledger.st(), card);
  if (!record) return std::nullopt;
  auto pin = pin_of(ledger.st(), ledger.self(), card, *record);
  pin_command c{k, card, {}, pin.version + 1, {}, {}};
  if (pin.set) c.pin = type_pin(n, card);
  auto digits = static_cast<std::uint32_t>(dice_.below(10'000));
  c.sealed = sealed_digits(digits);
  c.digest = bytes(8, static_cast<char>(digits % 251)) + bytes(8, static_cast<char>(k.counter % 251));
  return c;
}

// Most people type their PIN when it is asked for, and some when it is not.
void world::show_pin(sim_node& n, const till& t, till_command& command) {
  if (!plan_.pins || t.must_fail || key_of(command).counter <= t.counter) return;
  std::visit(
      [&](auto& c) {
        using asked = std::decay_t<decltype(c)>;
        if constexpr (std::is_same_v<asked, reverse_command>) {
          auto e = n.st->ledger().find_entry(c.seq);
          if (e && e->kind == entry_kind::top_up && dice_.chance(600)) c.pin = type_pin(n, e->account);
        } else if constexpr (requires { c.pin; } && !std::is_same_v<asked, pin_command>) {
          if (c.account.value != 0 && dice_.chance(600)) c.pin = type_pin(n, c.account);
          if constexpr (requires { c.code; }) {
            auto money = money_of_request(c);
            if (c.account.value != 0 && money > code_above && dice_.chance(900))
              c.code = type_code(n, c.account, money, c.key);
          }
        }
      },
      command);
}

// What a person reads on a telephone. Head office's outbox is as durable as its answer; the store's box is not.
code_proof world::type_code(sim_node& n, account_id account, amount money, const till_key& key) {
  auto now = wall(n);
  auto parent = n.st->parent();
  bool line = parent && n.st->neighbours_up().count(*parent) != 0 && nodes_.at(head_office).st;
  if (line && dice_.chance(700)) {
    auto& office = nodes_.at(head_office);
    (void)codes_.office.look(wall(office));
    if (!codes_.office.may_send(wall(office), n.id, account)) {
      auto code = std::to_string(100'000 + dice_.below(900'000));
      auto m = codes_.office.next(wall(office), n.id, account, dice_.bits(), money, "42", code);
      (void)codes_.office.add(m);
      pin_verifier v;
      std::copy(code.begin(), code.end(), v.hash.begin());
      ensure(codes_.at[n.id].put(account, m.number, m.up_to, now + 300, v, now),
             "more codes wait than a store has cards");
      codes_.texts[{n.id, account}] = code;
    }
  }
  auto text = codes_.texts.find({n.id, account});
  if (text == codes_.texts.end()) return {};
  auto typed = dice_.chance(150) ? std::to_string(100'000 + dice_.below(900'000)) : text->second;
  return codes_.at[n.id].judge(account, typed, key, now, [](const pin_verifier& v, std::string_view digits) {
    return std::optional(std::equal(digits.begin(), digits.end(), v.hash.begin()));
  });
}

// Head office takes a PIN away, or allows fresh tries.
entry world::pin_decree(account_id account) {
  const auto& st = nodes_.at(head_office).st->ledger().st();
  auto card = card_of(st, account).value_or(card_record{});
  auto pin = card.pin;
  if (pin.set && dice_.chance(600)) {
    ++pin.refills;
  } else {
    ++pin.version;
    pin.set = false;
  }
  entry e;
  e.kind = entry_kind::card_state;
  e.account = account;
  e.status = card_status::active;
  e.account_version = 2 + static_cast<std::uint64_t>(now_);
  e.pin = pin;
  return e;
}

}  // namespace tally::sim
