// Cards of plastic that members ask for, over real nodes.
#include <nlohmann/json.hpp>

#include "ledger/cards.hpp"
#include "node/admin.hpp"
#include "node/member_chain.hpp"
#include "sync/text.hpp"

using namespace tally;
using namespace tally::test;

namespace {

// A head office that is away behind a region is waited for by the store's clock, which is the test's.
result<applied_card> apply_at(member_chain& m, std::uint32_t node, std::size_t card) {
  auto told = std::make_shared<std::promise<result<applied_card>>>();
  m.at[node]->apply(m.c.account(card), "**** 9123", 0, [told](const auto& r) { told->set_value(r); });
  auto future = told->get_future();
  for (int n = 0; n < 90 && future.wait_for(std::chrono::seconds(1)) != std::future_status::ready; ++n)
    m.now += 5;
  REQUIRE(future.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
  return future.get();
}

/// Head office's administration of a chain that runs.
struct running_office {
  member_chain& m;
  admin_context context{.identity = {{"test", {}}, head_office, node_role::hq, "HQ", {}},
                        .signing = {},
                        .door_key = {},
                        .doors = {},
                        .web_address = "",
                        .random = m.random,
                        .layout = {},
                        .now = [this] { return m.now.load(); },
                        .members = m.at[1].get(),
                        .certify = {},
                        .mutex = {},
                        .next_node = 0,
                        .next_account = 0,
                        .publication = {},
                        .publication_seen = 0};

  std::pair<int, nlohmann::json> post(const std::string& path, const nlohmann::json& body) {
    auto told = std::make_shared<std::promise<std::pair<int, nlohmann::json>>>();
    auto future = told->get_future();
    handle_admin("POST", "/api/v1/admin/" + path, body.dump(), *m.c.at(1).system, context,
                 [told](int status, const std::string& text) {
                   told->set_value({status, nlohmann::json::parse(text)});
                 });
    REQUIRE(future.wait_for(patience) == std::future_status::ready);
    return future.get();
  }
};

std::string medium_text(const std::string& number) { return to_hex(medium_of("test", number)); }
bytes medium_octets(const std::string& number) { return medium_of("test", number); }

/// An application at store 3 that head office has heard of.
void ask_for_plastic(member_chain& m, std::size_t card) {
  REQUIRE(apply_at(m, 3, card));
  REQUIRE(eventually([&] {
    auto rows = m.wait<application_list>([&](auto done) { m.at[1]->applications(done); })->rows;
    return std::ranges::any_of(rows, [&](const auto& r) { return r.what.card == m.c.account(card); });
  }));
}

/// Overwrites the key of a member where it lies; what was there before comes back with it.
bytes put_key(const std::filesystem::path& file, account_id member, const bytes& octets) {
  auto all = read_all(file);
  auto key = key_in(file, member);
  REQUIRE(key.size() == 32);
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(all.find(key)));
  out.write(octets.data(), static_cast<std::streamsize>(octets.size()));
  REQUIRE(out.flush());
  return key;
}

}  // namespace

TEST_CASE("a card of plastic is asked for at stores, without a line too, and answered once", "[node][member]") {
  member_chain m;
  auto who = m.add(1, wang(m))->member;
  auto apply = [&](std::uint32_t node, std::size_t card) { return apply_at(m, node, card); };
  auto open = [&] { return m.wait<application_list>([&](auto done) { m.at[1]->applications(done); })->rows; };
  auto answer = [&](application_answer a) {
    return m.wait<member_view>([&](auto done) { m.at[1]->answer_application(a, done); });
  };
  auto state_at = [&](std::uint32_t node, std::size_t card) {
    m.now += 700;  // a store looks again
    auto v = m.show(node, who);
    const auto* a = v ? application_for(v->profile.applications, m.c.account(card)) : nullptr;
    return a ? application_state_name(a->state) : "none";
  };
  for (auto store : {3U, 4U})
    (void)m.must_show(store, who);
  CHECK(apply(3, 2).code() == errc::not_found);  // no member
  CHECK(apply(1, 0).code() == errc::not_allowed);
  CHECK(answer({m.c.account(0), {}, "no"}).code() == errc::not_found);

  // Two stores take one before they hear of each other: one is open.
  m.stop(1);
  auto first = apply(3, 0);
  REQUIRE(first);
  CHECK_FALSE(first->before);
  CHECK(apply(3, 0)->before);  // an answer that was lost
  CHECK(apply(4, 0)->application.node == node_id{4});
  CHECK(state_at(3, 0) == "open");
  m.stop(3);
  m.start_again(3);
  CHECK(state_at(3, 0) == "open");
  m.start_again(1);
  REQUIRE(eventually([&] { return m.show(1, who)->version == 3; }));
  REQUIRE(open().size() == 1);
  auto row = open().front();
  CHECK(row.what.card == m.c.account(0));
  CHECK(row.what.shown == "**** 9123");
  CHECK(row.name == "王小明");
  CHECK(row.address == "人民路 8 号");

  // Refused with a reason, asked for again, made: the new number leads to the card beside the old one.
  CHECK(answer({m.c.account(0), {}, "rtl\u202eevil"}).code() == errc::malformed);
  REQUIRE(answer({m.c.account(0), {}, "no house number"}));
  CHECK(open().empty());
  CHECK(answer({m.c.account(0), {}, "no"}).code() == errc::not_found);
  for (auto store : {3U, 4U})
    REQUIRE(eventually([&] { return m.linked(store) && state_at(store, 0) == "refused"; }));
  CHECK(m.show(3, who)->profile.applications.front().reason == "no house number");
  CHECK(apply(4, 0)->application.number == 2);
  REQUIRE(eventually([&] { return open().size() == 1; }));
  m.stop(1);
  m.start_again(1);  // the list is made anew from the profiles
  REQUIRE(open().size() == 1);
  durable_state st(m.c.at(1).system->store());
  auto version = card_of(st, m.c.account(0))->version;
  bytes fresh(16, '\x5a');
  auto taken = m.wait<member_view>([&](auto done) { m.at[1]->answer_application({m.c.account(0), fresh, ""}, done); });
  REQUIRE(taken);
  CHECK(account_of(st, fresh) == m.c.account(0));
  CHECK(card_of(st, m.c.account(0))->version == version + 1);
  CHECK(card_of(st, m.c.account(0))->status == card_status::active);
  REQUIRE(eventually([&] { return m.linked(3) && state_at(3, 0) == "made"; }));
  REQUIRE(eventually([&] {
    durable_state there(m.c.at(3).system->store());
    return account_of(there, fresh) == m.c.account(0);
  }));

  // A number that is in use, a card that is no more; what is erased is gone from the list.
  CHECK(apply(3, 0)->application.number == 3);
  CHECK(apply(3, 1)->application.number == 1);
  REQUIRE(eventually([&] { return open().size() == 2; }));
  CHECK(answer({m.c.account(1), fresh, ""}).code() == errc::key_reused);
  CHECK(open().size() == 2);
  REQUIRE(m.wait<erased_members>([&](auto done) { m.at[1]->erase(who, done); }));
  CHECK(open().empty());
  CHECK(files_with(m.dir.path(), "no house number").empty());
}

TEST_CASE("a card of plastic ends with the number beside it, and counts for no card that is blocked",
          "[node][member]") {
  member_chain m;
  auto who = m.add(1, wang(m))->member;
  for (auto store : {3U, 4U})
    (void)m.must_show(store, who);
  running_office office{m};
  const std::string plastic = "9704111122223331", fresh = "9704111122223349";
  const auto card = m.c.account(0);
  auto made = [&](const std::string& number) {
    return office.post("cards/applications/answer", {{"account", card.value}, {"medium", medium_text(number)}});
  };
  auto leads_to = [&](std::uint32_t node, const std::string& number) {
    return account_of(durable_state(m.c.at(node).system->store()), medium_octets(number)).value_or(account_id{});
  };

  // Of a card that is not in use no further number is made, and the refusal says why.
  ask_for_plastic(m, 0);
  for (const auto& [state, text] : {std::pair("lost", "reported lost"), std::pair("frozen", "frozen"),
                                    std::pair("blacklisted", "blacklisted"), std::pair("expired", "expired")}) {
    REQUIRE(office.post("card/state", {{"medium", medium_text(m.c.card(0))}, {"state", state}}).first == 200);
    auto [status, answer] = made(plastic);
    CHECK(status == 403);
    CHECK(answer["detail"].get<std::string>().find(text) != std::string::npos);
  }
  const auto today = day_of(m.now);
  REQUIRE(office.post("card/state", {{"medium", medium_text(m.c.card(0))}, {"state", "active"}, {"expires", today}})
              .first == 200);
  m.now += 2 * 86'400;
  CHECK(made(plastic).second["error"] == "not_allowed");
  m.now -= 2 * 86'400;
  REQUIRE(office.post("card/state", {{"medium", medium_text(m.c.card(0))}, {"expires", 0}}).first == 200);
  CHECK(leads_to(1, plastic) == account_id{});
  REQUIRE(made(plastic).first == 200);
  CHECK(leads_to(1, plastic) == card);
  for (auto store : {3U, 4U})
    REQUIRE(eventually([&] { return leads_to(store, plastic) == card; }));
  CHECK(m.c.top_up(3, 0, 10'000, 1).outcome.index() == 0);

  // A thief has the plastic. Its holder knows the telephone's number only.
  REQUIRE(office.post("card/state", {{"medium", medium_text(m.c.card(0))}, {"state", "lost"}}).first == 200);
  // The chain's own cards were not numbered by head office's administration.
  const auto grave = office.post("cards/reserve", {{"count", 5'000}}).second["first"].get<std::uint64_t>() + 4'999;
  auto [status, answer] = office.post(
      "card/replace", {{"medium", medium_text(m.c.card(0))}, {"replacement", medium_text(fresh)}, {"dead", grave}});
  INFO(answer.dump());
  REQUIRE(status == 200);
  CHECK(answer["state"] == "active");
  for (auto node : {1U, 3U, 4U}) {
    REQUIRE(eventually([&] { return leads_to(node, fresh) == card; }));
    REQUIRE(eventually([&] { return leads_to(node, plastic) == account_id{grave}; }));
    CHECK(leads_to(node, m.c.card(0)) == account_id{grave});
    CHECK(leads_to(node, m.c.card(1)) == m.c.account(1));
  }
  sale_command sale;
  sale.key = {3 * 64 + 1, 2, 0};
  sale.account = leads_to(3, plastic);
  sale.lines = {{product_id{1}, 1}};
  sale.card = 1'250;
  auto stolen = m.c.ask(3, sale);
  REQUIRE(std::holds_alternative<refusal>(stolen.outcome));
  CHECK(std::get<refusal>(stolen.outcome).why.code == errc::card_blocked);
  sale.key.counter = 3;
  sale.account = leads_to(3, fresh);
  CHECK(eventually([&] {
    ++sale.key.counter;
    return !std::holds_alternative<refusal>(m.c.ask(3, sale).outcome);
  }));
  CHECK(office.context.media_changing.empty());
}

TEST_CASE("a member that cannot be read keeps nobody else's application from the list", "[node][member]") {
  member_chain m;
  auto one = wang(m), two = named("Ann");
  one.cards = {m.c.account(0)};
  two.cards = {m.c.account(1)};
  auto first = m.add(1, one)->member, second = m.add(1, two)->member;
  for (auto who : {first, second})
    (void)m.must_show(3, who);
  ask_for_plastic(m, 0);
  ask_for_plastic(m, 1);
  auto list = [&] { return *m.wait<application_list>([&](auto done) { m.at[1]->applications(done); }); };
  REQUIRE(list().rows.size() == 2);
  CHECK(list().unreadable == 0);
  auto key = put_key(m.keys(1), first, bytes(32, '\x11'));
  auto now = list();
  REQUIRE(now.rows.size() == 1);
  CHECK(now.rows.front().name == "Ann");
  CHECK(now.unreadable == 1);
  {
    std::lock_guard lock(m.mutex);
    CHECK(std::ranges::any_of(m.complaints, [&](const std::string& c) {
      return c.find("account " + std::to_string(m.c.account(0).value)) != std::string::npos;
    }));
  }
  (void)put_key(m.keys(1), first, key);
}
