#include <iostream>

#include "node/cmd.hpp"
#include "node/identity.hpp"
#include "node/office.hpp"

namespace tally::cmd {
namespace {

struct card_options {
  std::string data, card, state;
};

int run_card(const card_options& o) {
  auto id = read_identity(o.data);
  if (!id) return fail(id.error());
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
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
  c->footer(
      "A card that is not active neither pays nor is loaded; what lies on it stays. Cancelled is for good, everything\n"
      "else can be taken back with '--state active'.\n"
      "Examples:\n  tallystick card --data /srv/tally --card 9704000000151464\n"
      "  tallystick card --data /srv/tally --card 9704000000151464 --state frozen");
  c->callback([o, &status] { status = run_card(*o); });
}

}  // namespace tally::cmd
