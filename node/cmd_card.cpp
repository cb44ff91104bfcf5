#include <iostream>

#include "node/cmd.hpp"
#include "node/identity.hpp"
#include "node/office.hpp"
#include "sync/entropy_sodium.hpp"

namespace tally::cmd {
namespace {

struct card_options {
  std::string data, card, state, prefix;
  bool replace = false;
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

int run_card(const card_options& o) {
  auto id = read_identity(o.data);
  if (!id) return fail(id.error());
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  if (o.replace) return run_replace(o, *id, *hq);
  auto card = o.state.empty() ? look_up_card(*hq, id->believes.chain, o.card)
                              : set_card_state(*hq, id->believes.chain, o.card, o.state);
  if (!card) return fail(card.error());
  std::cout << "The card is " << card->state << " (account " << card->account.value << ", version " << card->version
            << " of its state).\n";
  if (!o.state.empty() && o.state != "active")
    std::cout
        << "Each store refuses it from when it hears of that; one without a line goes on taking it until then, for "
           "value that lies there.\n";
  return exit_ok;
}

}  // namespace

void add_card(CLI::App& app, int& status) {
  auto o = std::make_shared<card_options>();
  auto* c = app.add_subcommand("card", "Head office: show a card's state, freeze it, report it lost, cancel it");
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  c->add_option("--card", o->card, "the number on the card")->required();
  c->add_option("--state", o->state, "what it is from now on; without it the state is shown")
      ->check(CLI::IsMember(std::vector<std::string>(card_status_names.begin(), card_status_names.end())));
  auto* replace = c->add_flag("--replace", o->replace, "draw a new number for it; the old one is refused");
  replace->excludes("--state");
  c->add_option("--prefix", o->prefix, "first digits of the new number, 1 to 8; else the first four of the old one")
      ->needs(replace);
  c->footer(
      "A card that is not active neither pays nor is loaded; what lies on it stays. Cancelled is for good, everything\n"
      "else can be taken back with '--state active'.\n"
      "Examples:\n  tallystick card --data /srv/tally --card 9704000000151464\n"
      "  tallystick card --data /srv/tally --card 9704000000151464 --state frozen\n"
      "  tallystick card --data /srv/tally --card 9704000000151464 --replace");
  c->callback([o, &status] { status = run_card(*o); });
}

}  // namespace tally::cmd
