#include <functional>
#include <iostream>

#include "devices/luhn.hpp"
#include "ledger/card_sale.hpp"
#include "ledger/cards.hpp"
#include "node/cmd.hpp"
#include "node/code_picture.hpp"
#include "node/identity.hpp"
#include "node/office.hpp"
#include "node/reason.hpp"
#include "sync/card_qr.hpp"
#include "sync/driver_keyfile.hpp"
#include "sync/entropy_sodium.hpp"

namespace tally::cmd {
namespace {

struct card_options {
  std::string data, card, state, prefix, expires, pin;
  std::uint32_t kind = 0;
  std::uint64_t account = 0;
  std::string picture, top_up, pay_out, reference, tender, adjust, reason;
  std::uint32_t package = 0, purse = 0;
  bool replace = false, code = false, void_codes = false, owing = false, left_over = false;
  application_options applied;
};

/// Flags that say a state in an operator's word.
struct state_flag {
  const char *flag, *state, *help;
};
constexpr state_flag state_flags[] = {
    {"--freeze", "frozen", "no store takes it until --unfreeze"},
    {"--unfreeze", "active", "it is in use again"},
    {"--lost", "lost", "its holder reported it lost"},
    {"--blacklist", "blacklisted", "no store takes it; the chain's own word"},
    {"--cancel", "cancelled", "for good"},
    {"--returned", "returned", "its holder gave it back, for good"},
};

int run_replace(const card_options& o, const node_identity& id, const admin_client& hq) {
  system_entropy random;
  auto made = replace_card(hq, id.believes.chain, o.card, o.prefix.empty() ? o.card.substr(0, 4) : o.prefix, random,
                           [](const std::string& number) -> status {
                             std::cout << number << std::endl;
                             return std::cout ? done() : status(error{errc::io, "the new number could not be written"});
                           });
  if (!made) return fail(made.error());
  std::cerr << "That is the card's number now (account " << made->card.account.value
            << "). All that it holds is under it; each store refuses the old number from when it hears of this.\n";
  return exit_ok;
}

/// A code for its holder's telephone. Head office knows of it before it is shown.
int run_code(const card_options& o, const node_identity& id, const admin_client& hq) {
  if (!o.picture.empty() && std::filesystem::exists(o.picture))
    return fail(exit_usage, o.picture + " is there already; name a new file");
  auto key = read_signing_key(data_layout{o.data}.signing_key());
  if (!key) return fail(key.error());
  auto drawn = draw_card_code(hq, id.believes.chain, o.card);
  if (!drawn) return fail(drawn.error());
  const auto shown = mask_number(o.card);  // "**** 9123"
  const ed25519_signer signer(std::move(*key));
  const card_code code{drawn->card.account, shown.size() == 9 ? shown.substr(5) : std::string(), drawn->serial};
  const auto text = make_card_code(signer, id.believes.chain, code);
  if (!o.picture.empty()) {
    auto picture = qr_svg(text);
    if (!picture) return fail(picture.error());
    if (auto ok = write_private_file(o.picture, *picture); !ok) return fail(ok.error());
  }
  std::cout << text << std::endl;
  std::cerr << "That is code " << drawn->serial << " of the card (account " << code.account.value
            << "): whoever shows it pays with the card. --void-codes ends it, and --replace.\n";
  return exit_ok;
}

int run_void_codes(const card_options& o, const node_identity& id, const admin_client& hq) {
  auto ended = void_card_codes(hq, id.believes.chain, o.card);
  if (!ended) return fail(ended.error());
  if (*ended == 0) std::cout << "No such code leads to the card.\n";
  if (*ended == 1) std::cout << "1 code of the card does not count any more; the one printed on it does.\n";
  if (*ended > 1) std::cout << *ended << " codes of the card do not count any more; the one printed on it does.\n";
  if (*ended > 0) std::cout << "Each store refuses them from when it hears of that.\n";
  return exit_ok;
}

/// Books a payment in or out, once for its reference. `what` is said of the card behind the sum.
int run_payment(const card_options& o, const std::string& option, const std::string& sum, const admin_client& hq,
                const std::function<result<bool>(amount)>& book, const std::string& what) {
  if (o.reference.empty())
    return fail(exit_usage, "--reference says which payment it is, so that the same one is booked once");
  if (!is_reason(o.reference) || o.reference.front() == ' ' || o.reference.back() == ' ' ||
      o.reference.size() > reference_max)
    return fail(exit_usage, "--reference is text of at most " + std::to_string(reference_max) +
                                " octets in one line, without spaces around it");
  auto state = hq.get("status");
  if (!state) return fail(state.error());
  auto unit = state->value("unit", nlohmann::json::object());
  auto value = parse_amount(sum, unit.value("exponent", 2));
  if (!value || *value <= 0) return fail(exit_usage, option + " is an amount, as 50.00");
  auto before = book(*value);
  if (!before && (before.code() == errc::malformed || before.code() == errc::timeout))
    return fail(exit_offline,
                "head office's node gave no whole answer: it is not known whether the payment was booked. Run "
                "this again with the same reference; it is booked once");
  if (!before) return fail(before.error());
  std::cout << (*before ? "That payment was booked before: " : "Booked: ")
            << format_amount(*value, unit.value("exponent", 2)) << " " << unit.value("code", "CNY") << " " << what
            << ".\n";
  return exit_ok;
}

/// A payment that came to head office.
int run_top_up(const card_options& o, const node_identity& id, const admin_client& hq) {
  if (o.tender == "cash") return fail(exit_usage, "--tender of --top-up is online or transfer");
  const std::string tender = o.tender.empty() ? "online" : o.tender;
  return run_payment(
      o, "--top-up", o.top_up, hq,
      [&](amount value) {
        return top_up_card(hq, id.believes.chain, o.card, {value, tender, o.reference, o.package});
      },
      "onto " + mask_number(o.card) + ". Every store that reaches head office can take it");
}

/// The card as messages name it.
std::string shown_name(const card_options& o) {
  return o.card.empty() ? "account " + std::to_string(o.account) : mask_number(o.card);
}

/// What is left on a card that was given back.
int run_pay_out(const card_options& o, const node_identity& id, const admin_client& hq) {
  const std::string tender = o.tender.empty() ? "transfer" : o.tender;
  return run_payment(
      o, "--pay-out", o.pay_out, hq,
      [&](amount value) {
        return pay_out_card(hq, id.believes.chain, {o.card, {o.account}}, {value, tender, o.reference, 0});
      },
      "of " + shown_name(o) + " paid out (" + tender + ")");
}

/// Units by hand.
int run_adjust(const card_options& o, const node_identity& id, const admin_client& hq) {
  if (o.reference.empty() || o.reason.empty() || o.purse == 0)
    return fail(exit_usage,
                "--adjust needs --purse (which units), --reason (why) and --reference (done once for each)");
  auto done = adjust_card(hq, id.believes.chain, o.card, {o.adjust, o.purse, o.reason, o.reference});
  if (!done && done.code() == errc::timeout)
    return fail(exit_offline,
                "head office's node gave no whole answer: it is not known whether it was done. Run this again with "
                "the same reference; it is done once");
  if (!done) return fail(done.error());
  const bool taken = o.adjust.starts_with('-');
  std::cout << (done->before ? "That was done before: " : "Done: ") << (taken ? o.adjust.substr(1) : o.adjust) << " of "
            << done->purse << (taken ? " taken from " : " given to ") << mask_number(o.card) << ".\n";
  return exit_ok;
}

/// A list of accounts with a sum each, and what is said of it.
struct account_list {
  const char *path, *field, *column, *none, *what, *after;  ///< "N `what` SUM in all. `after`"
};
constexpr account_list owing_list{"cards/owing", "owes",
                                  "OWES",        "No card owes anything, as far as head office has heard.",
                                  "cards owe",   "What a card is given next, at any store, pays it."};
constexpr account_list left_over_list{"cards/left-over",
                                      "left",
                                      "LEFT",
                                      "Nothing lies at head office of a card that was given back or cancelled.",
                                      "cards that were given back or cancelled hold",
                                      "Pay it out with --account … --pay-out. What lies at a store comes here when "
                                      "nobody has used it there for a while."};

int list_accounts(const admin_client& hq, const account_list& of) {
  auto found = hq.get(of.path);
  if (!found) return fail(found.error());
  auto state = hq.get("status");
  if (!state) return fail(state.error());
  auto unit = state->value("unit", nlohmann::json::object());
  auto text = [&](amount v) { return format_amount(v, unit.value("exponent", 2)); };
  auto count = found->value("count", std::size_t{0});
  if (count == 0) {
    std::cout << of.none << "\n";
    return exit_ok;
  }
  std::vector<std::vector<std::string>> rows{{"ACCOUNT", of.column}};
  const auto list = found->value("cards", nlohmann::json::array());
  for (const auto& c : list)
    rows.push_back({std::to_string(c.value("account", std::uint64_t{0})), text(c.value(of.field, amount{0}))});
  std::cout << table(rows);
  if (count > list.size()) std::cout << "… and " << count - list.size() << " more.\n";
  std::cout << count << " " << of.what << " " << text(found->value("sum", amount{0})) << " "
            << unit.value("code", "CNY") << " in all. " << of.after << "\n";
  return exit_ok;
}

/// What leads nowhere any more is no card: the operator is led to the one that took its place.
int tell_replaced(const card_answer& card) {
  std::cout
      << "This number does not count any more: the card was replaced, and its holder has a new number. Ask for the "
         "new card.\n";
  if (card.account_now.value != 0)
    std::cout << "All that it held is at account " << card.account_now.value << ": tallystick card --account "
              << card.account_now.value << "\n";
  return exit_ok;
}

int run_card(const card_options& o) {
  if (o.applied.list) return run_applications(o.applied, o.data, o.prefix, o.reason);
  if (!o.prefix.empty() && !o.replace) return fail(exit_usage, "--prefix belongs to --replace or --made");
  if (!o.reason.empty() && o.adjust.empty()) return fail(exit_usage, "--reason belongs to --adjust or --refuse");
  auto id = read_identity(o.data);
  if (!id) return fail(id.error());
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  if (o.owing) return list_accounts(*hq, owing_list);
  if (o.left_over) return list_accounts(*hq, left_over_list);
  if (o.card.empty() && o.account == 0)
    return fail(
        exit_usage,
        "--card says which card, or --account; --owing lists those that owe, --left-over those that were given back "
        "and hold money, --applications what members ask for");
  if (!o.reference.empty() && o.top_up.empty() && o.adjust.empty() && o.pay_out.empty())
    return fail(exit_usage, "--reference belongs to --top-up, --pay-out or --adjust");
  if (!o.tender.empty() && o.top_up.empty() && o.pay_out.empty())
    return fail(exit_usage, "--tender belongs to --top-up or --pay-out");
  if (!o.top_up.empty()) return run_top_up(o, *id, *hq);
  if (!o.pay_out.empty()) return run_pay_out(o, *id, *hq);
  if (!o.adjust.empty()) return run_adjust(o, *id, *hq);
  if (o.replace) return run_replace(o, *id, *hq);
  if (o.code) return run_code(o, *id, *hq);
  if (o.void_codes) return run_void_codes(o, *id, *hq);
  card_change change{o.state, {}, {}};
  if (!o.expires.empty()) {
    change.expires = o.expires == "never" ? std::optional<std::uint32_t>(0) : day_from(o.expires);
    if (!change.expires || (*change.expires == 0 && o.expires != "never"))
      return fail(exit_usage, "--expires is a date to come, as 2027-12-31, or never");
  }
  if (o.kind != 0) change.kind = o.kind;
  change.pin = o.pin;
  bool changes = !o.state.empty() || change.expires || change.kind || !o.pin.empty();
  const card_name name{o.card, {o.account}};
  auto card =
      changes ? change_card(*hq, id->believes.chain, name, change) : look_up_card(*hq, id->believes.chain, name);
  if (!card) return fail(card.error());
  if (card->replaced) return tell_replaced(*card);
  std::cout << "The card is " << card->state << " (account " << card->account.value << ", kind " << card->kind
            << ", version " << card->version << " of its state";
  if (card->expires != 0) std::cout << ", good until " << date_text(card->expires);
  std::cout << (card->pin ? ", with a PIN" : "") << ").\n";
  if ((card->state == "returned" || card->state == "cancelled") && card->here > 0) {
    auto shown = hq->get("status");
    if (!shown) return fail(shown.error());
    auto unit = shown->value("unit", nlohmann::json::object());
    std::cout << "At head office lie " << format_amount(card->here, unit.value("exponent", 2)) << " "
              << unit.value("code", "CNY") << " of it: --pay-out pays them to its holder.\n";
  }
  if (o.pin == "reset")
    std::cout << "Its PIN counts nowhere from when a store hears of this. Any store can then set a new one.\n";
  if (o.pin == "unlock") std::cout << "Each store allows fresh tries of its PIN from when it hears of this.\n";
  if (!o.state.empty() && o.state != "active")
    std::cout
        << "Each store refuses it from when it hears of that; one without a line goes on taking it until then, for "
           "value that lies there.\n";
  return exit_ok;
}

void keep_applications_apart(CLI::App& c) {
  auto* applications = c.get_option("--applications");
  for (const char* other :
       {"--state", "--expires", "--kind", "--reset-pin", "--unlock-pin", "--replace", "--code", "--picture",
        "--void-codes", "--top-up", "--pay-out", "--adjust", "--purse", "--reference", "--tender", "--package"})
    applications->excludes(other);
  for (const auto& f : state_flags)
    applications->excludes(f.flag);
}

void keep_pay_out_apart(CLI::App& c) {
  auto* out = c.get_option("--pay-out");
  for (const char* other : {"--owing", "--left-over", "--state", "--expires", "--kind", "--reset-pin", "--unlock-pin",
                            "--replace", "--code", "--void-codes", "--top-up", "--adjust"})
    out->excludes(other);
  for (const auto& f : state_flags)
    out->excludes(f.flag);
}

constexpr const char* card_examples =
    "A card that is not active neither pays nor is loaded; what lies on it stays. Cancelled and returned are for "
    "good,\n"
    "everything else can be taken back with --unfreeze. What is left on a card that is gone --pay-out pays.\n"
    "Examples:\n  tallystick card --data /srv/tally --card 9704000000151464\n"
    "  tallystick card --data /srv/tally --account 1017\n"
    "  tallystick card --data /srv/tally --owing\n"
    "  tallystick card --data /srv/tally --left-over\n"
    "  tallystick card --data /srv/tally --applications --csv > applications.csv\n"
    "  tallystick card --data /srv/tally --applications --made 1017 --made 1044 --prefix 9704 > printer.csv\n"
    "  tallystick card --data /srv/tally --applications --refuse 1018 --reason \"no address\"\n"
    "  tallystick card --data /srv/tally --card 9704000000151464 --top-up 50.00 --reference shop-20261127-0042\n"
    "  tallystick card --data /srv/tally --card 9704000000151464 --adjust -30 --purse 3 --reason \"entered twice\" "
    "--reference call-118\n"
    "  tallystick card --data /srv/tally --card 9704000000151464 --returned\n"
    "  tallystick card --data /srv/tally --card 9704000000151464 --pay-out 12.00 --reference bank-0815\n"
    "  tallystick card --data /srv/tally --card 9704000000151464 --freeze\n"
    "  tallystick card --data /srv/tally --card 9704000000151464 --expires 2027-12-31 --kind 2\n"
    "  tallystick card --data /srv/tally --card 9704000000151464 --replace\n"
    "  tallystick card --data /srv/tally --card 9704000000151464 --code --picture telephone.svg";

}  // namespace

void add_card(CLI::App& app, int& status) {
  auto o = std::make_shared<card_options>();
  auto* c = app.add_subcommand("card", "Head office: show a card's state, freeze it, report it lost, cancel it");
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  auto* number = c->add_option("--card", o->card, "the number on the card");
  auto* account = c->add_option("--account", o->account, "or its account, where nobody has the number any more")
                      ->excludes(number)
                      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{INT64_MAX}));
  c->add_flag("--owing", o->owing, "list the cards that owe money after sales at risk, instead")->excludes(number);
  c->add_flag("--left-over", o->left_over, "list the cards that were given back and hold money still, instead")
      ->excludes(number)
      ->excludes("--owing");
  add_applications(*c, o->applied);
  auto* state =
      c->add_option("--state", o->state, "what it is from now on; without it the state is shown")
          ->check(CLI::IsMember(std::vector<std::string>(card_status_names.begin(), card_status_names.end())));
  for (const auto& f : state_flags)
    c->add_flag_callback(
         f.flag, [o, to = f.state] { o->state = to; }, f.help)
        ->excludes(state);
  c->add_option("--expires", o->expires, "last day on which it is good, as 2027-12-31, or never");
  c->add_option("--kind", o->kind, "it is of this [[card_kind]] from now on: an anonymous card becomes a named one")
      ->check(CLI::Range(1, 100));
  auto* reset = c->add_flag_callback(
      "--reset-pin", [o] { o->pin = "reset"; }, "its PIN was forgotten: a till sets a new one, without the old");
  c->add_flag_callback(
       "--unlock-pin", [o] { o->pin = "unlock"; }, "allow fresh tries where too many wrong PINs were typed")
      ->excludes(reset);
  auto* replace = c->add_flag("--replace", o->replace, "draw a new number for it; the old one is refused");
  replace->excludes("--state")->excludes("--reset-pin")->excludes("--unlock-pin");
  c->add_option("--prefix", o->prefix, "first digits of the new number, 1 to 8; else the first four of the old one");
  auto* code = c->add_flag("--code", o->code, "draw a QR code that leads to it, as for its holder's telephone")
                   ->excludes(replace)
                   ->excludes(state);
  c->add_option("--picture", o->picture, "write the code as an SVG picture, too")->needs(code);
  c->add_flag("--void-codes", o->void_codes, "none of the codes drawn with --code counts any more: a telephone is lost")
      ->excludes(replace)
      ->excludes(state)
      ->excludes(code);
  auto* top_up = c->add_option("--top-up", o->top_up, "book a payment that came to head office onto it, as 50.00")
                     ->excludes(replace)
                     ->excludes(state)
                     ->excludes(code);
  for (const char* other :
       {"--owing", "--left-over", "--expires", "--kind", "--reset-pin", "--unlock-pin", "--void-codes"})
    top_up->excludes(other);
  for (const auto& f : state_flags)
    top_up->excludes(f.flag);
  c->add_option("--pay-out", o->pay_out, "pay out what is left on a card that was given back or cancelled, as 50.00");
  auto* adjust = c->add_option("--adjust", o->adjust, "give units by hand, as 300, or take them, as -300")
                     ->excludes(top_up)
                     ->excludes(replace)
                     ->excludes(state)
                     ->excludes(code);
  for (const char* other :
       {"--owing", "--left-over", "--expires", "--kind", "--reset-pin", "--unlock-pin", "--void-codes"})
    adjust->excludes(other);
  for (const auto& f : state_flags)
    adjust->excludes(f.flag);
  c->add_option("--purse", o->purse, "of which [[purse]] of the rules")->needs(adjust)->check(CLI::Range(2, 255));
  c->add_option("--reason", o->reason, "why; it is in the books for ever; of --refuse: the member may read it");
  c->add_option("--reference", o->reference, "the payment's own number, or the change's; it is booked once");
  c->add_option("--tender", o->tender, "how it was paid: online or transfer; of --pay-out transfer, online or cash")
      ->check(CLI::IsMember(std::vector<std::string>{"online", "transfer", "cash"}));
  c->add_option("--package", o->package, "the [[package]] of the rules that was bought")->needs(top_up);
  // These need the number itself.
  for (const char* other :
       {"--owing", "--left-over", "--replace", "--code", "--void-codes", "--top-up", "--adjust", "--applications"})
    account->excludes(other);
  keep_applications_apart(*c);
  keep_pay_out_apart(*c);
  c->footer(card_examples);
  c->callback([o, &status] { status = run_card(*o); });
}

}  // namespace tally::cmd
