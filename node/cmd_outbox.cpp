#include <iostream>

#include "ledger/money.hpp"
#include "node/admin.hpp"
#include "node/admin_client.hpp"
#include "node/cmd.hpp"

namespace tally::cmd {
namespace {

struct outbox_options {
  std::string data;
  std::size_t take = 0;
  std::vector<std::uint64_t> delivered;
};

const nlohmann::json* messages_in(const nlohmann::json& a) {
  auto list = a.find("messages");
  return list != a.end() && list->is_array() ? &*list : nullptr;
}

int strange() { return fail(error{errc::malformed, "the node's answer is not of this version"}); }

int show(const admin_client& hq) {
  auto a = hq.get("outbox");
  if (!a) return fail(a.error());
  const auto* list = messages_in(*a);
  if (!list) return strange();
  auto now = a->value("now", std::int64_t{0});
  std::vector<std::vector<std::string>> rows{
      {"id", "kind", "store", "account", "telephone", "code", "asked", "good for", ""}};
  for (const auto& m : *list)
    rows.push_back({std::to_string(m.value("id", std::uint64_t{0})), m.value("kind", std::string()),
                    m.value("store", 0U) == 0 ? "-" : std::to_string(m.value("store", 0U)),
                    std::to_string(m.value("account", std::uint64_t{0})),
                    m.value("ends_in", std::string()).empty() ? "-" : "…" + m.value("ends_in", std::string()),
                    m.value("kind", std::string()) == "code" ? "******" : "-",
                    std::to_string(std::max<std::int64_t>(now - m.value("at", now), 0)) + " s ago",
                    std::to_string(std::max<std::int64_t>(m.value("expires", now) - now, 0)) + " s",
                    m.value("taken", std::int64_t{0}) == 0 ? "waits" : "taken"});
  if (rows.size() == 1) {
    std::cout << "Nothing waits to be delivered.\n";
  } else {
    std::cout << table(rows);
  }
  return exit_ok;
}

// One line for each message, flushed: whoever reads them may stop in the middle.
int take(const admin_client& hq, std::size_t max) {
  auto a = hq.post("outbox/take", {{"max", max}});
  if (!a) return fail(a.error());
  const auto* list = messages_in(*a);
  if (!list) return strange();
  for (const auto& m : *list)
    std::cout << m.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
  return exit_ok;
}

int run_outbox(const outbox_options& o) {
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  if (o.take == 0 && o.delivered.empty()) return show(*hq);
  // First what is over: then it is not handed out again.
  for (auto id : o.delivered)
    if (auto a = hq->post("outbox/done", {{"id", id}}); !a) return fail(a.error());
  return o.take == 0 ? exit_ok : take(*hq, o.take);
}

}  // namespace

void add_outbox(CLI::App& app, int& status) {
  auto o = std::make_shared<outbox_options>();
  auto* c = app.add_subcommand("outbox",
                               "Head office: one-time codes, vouchers and notices that wait to be sent to telephones");
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  c->add_option("--take", o->take, "hand out at most so many messages, one a line, as JSON")
      ->check(CLI::Range(std::size_t{1}, outbox_take_max));
  c->add_option("--done", o->delivered, "these were delivered, or never will be: they are forgotten");
  c->footer(
      "A program of your own delivers: it takes messages, sends each \"text\" to its \"telephone\", and says so with\n"
      "--done and the \"id\". What it took and did not say so comes again after a minute, until it expires: so each\n"
      "comes at least once, and twice after a crash.\n"
      "Examples:\n  tallystick outbox --data /srv/tally\n"
      "  tallystick outbox --data /srv/tally --take 20\n"
      "  tallystick outbox --data /srv/tally --done 218000017 218000018");
  c->callback([o, &status] { status = run_outbox(*o); });
}

}  // namespace tally::cmd
