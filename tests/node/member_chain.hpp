#pragma once
// Members over real nodes, for the tests of members.
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "actors/chain_fixture.hpp"
#include "ledger/member_state.hpp"
#include "node/member_carrier.hpp"
#include "node/member_worker.hpp"
#include "storage/temp_dir.hpp"
#include "sync/driver_keyslots.hpp"
#include "sync/member_desk.hpp"

namespace tally::test {

inline constexpr auto patience = std::chrono::seconds(90);

inline bytes read_all(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Files below a directory that hold these octets.
inline std::vector<std::string> files_with(const std::filesystem::path& dir, byte_view octets) {
  std::vector<std::string> out;
  for (const auto& f : std::filesystem::recursive_directory_iterator(dir))
    if (f.is_regular_file() && read_all(f.path()).find(octets) != bytes::npos) out.push_back(f.path().string());
  return out;
}

/// The key of each member in a keystore's file, as a thief of the file reads it.
inline bytes key_in(const std::filesystem::path& file, account_id member) {
  auto all = read_all(file);
  for (std::size_t at = 64; at + 64 <= all.size(); at += 64) {
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < 8; ++i)
      n = n << 8 | static_cast<std::uint8_t>(all[at + i]);
    if (n == member.value) return all.substr(at + 16, 32);
  }
  return {};
}

struct member_chain {
  temp_dir dir;
  chain c{dir.path(), 27'430};
  system_entropy random;
  std::atomic<unix_seconds> now = wall_now();
  std::atomic<std::uint64_t> numbers = 10'000;
  std::map<std::uint32_t, std::unique_ptr<member_carrier>> carriers;
  std::map<std::uint32_t, std::unique_ptr<member_service>> at;
  std::mutex mutex;
  std::vector<std::string> complaints;

  member_chain() {
    c.start_all(6);
    for (auto store : {3U, 4U})
      REQUIRE(eventually([&] {
        durable_state st(c.at(store).system->store());
        return card_of(st, c.account(0)).has_value() && c.at(store).system->snapshot()->link_up;
      }));
    for (auto node : {1U, 3U, 4U})
      start(node);
  }
  ~member_chain() { at.clear(); }

  std::filesystem::path keys(std::uint32_t node) { return c.at(node).dir / "members" / "keys.store"; }
  void start(std::uint32_t node) {
    auto opened = member_keystore::open(keys(node), node == 1 ? office_members_max : desk_members_max);
    REQUIRE(opened);
    carriers[node] = std::make_unique<member_carrier>(*c.at(node).system);
    member_parts parts{.node = *carriers[node],
                       .chain = "test",
                       .keys = std::move(*opened),
                       .worker = std::make_shared<member_worker>(),
                       .curve = c.at(node).curve,
                       .random = random,
                       .now = [this] { return now.load(); },
                       .curve_of = [this](node_id n) { return std::optional(c.at(n.value).curve.pub); },
                       .log =
                           [this](errc code, const std::string& text) {
                             std::lock_guard lock(mutex);
                             complaints.push_back(std::string(errc_name(code)) + ": " + text);
                           },
                       .allot = [this](std::function<void(result<std::uint64_t>)> told) { told(numbers++); }};
    if (node == 1) {
      auto office = member_office::start(std::move(parts));
      REQUIRE(office);
      at[node] = std::move(*office);
    } else {
      auto desk = member_desk::start(std::move(parts));
      REQUIRE(desk);
      at[node] = std::move(*desk);
    }
  }
  void stop(std::uint32_t node) {
    at.erase(node);
    c.stop(node);
  }
  void start_again(std::uint32_t node) {
    c.start(node);
    start(node);
  }
  bool linked(std::uint32_t node) {
    return eventually([&] { return c.at(node).system->snapshot()->link_up; });
  }

  template <class T, class Ask>
  result<T> wait(Ask ask) {
    auto told = std::make_shared<std::promise<result<T>>>();
    ask([told](result<T> r) { told->set_value(std::move(r)); });
    auto future = told->get_future();
    REQUIRE(future.wait_for(patience) == std::future_status::ready);
    return future.get();
  }
  result<member_view> add(std::uint32_t node, member_change m) {
    return wait<member_view>([&](auto done) { at[node]->add(m, done); });
  }
  result<member_view> edit(std::uint32_t node, account_id who, member_change m,
                           std::optional<std::uint64_t> version = {}) {
    return wait<member_view>([&](auto done) { at[node]->edit(who, version, m, 0, done); });
  }
  result<member_view> show(std::uint32_t node, account_id who) {
    return wait<member_view>([&](auto done) { at[node]->show(who, done); });
  }
  result<std::optional<member_view>> of_card(std::uint32_t node, std::size_t card) {
    return wait<std::optional<member_view>>([&](auto done) { at[node]->of_card(c.account(card), done); });
  }
  /// An answer of head office may be lost with a link that just came up.
  member_view must_show(std::uint32_t node, account_id who) {
    result<member_view> r = error{errc::timeout, ""};
    REQUIRE(eventually([&] {
      r = show(node, who);
      return r.ok();
    }));
    return *r;
  }
  std::size_t found(std::uint32_t node, std::string query) {
    auto r = wait<member_list>([&](auto done) { at[node]->find(query, done); });
    REQUIRE(r);
    return r->found.size();
  }
};

inline member_change named(std::string name) {
  member_change m;
  m.name = std::move(name);
  return m;
}

inline member_change wang(member_chain& chain) {
  auto m = named("王小明");
  m.born = birth_date{1990, 2, 28};
  m.phones = {"+8613800138000"};
  m.emails = {"xiaoming@example.com"};
  m.address = "人民路 8 号";
  m.children = {{{2015, 5, 1}, member_sex::female}};
  m.photo = "\xFF\xD8\xFF" + bytes(5'000, 'J');
  m.consents = 3 | consent_photo;
  m.cards = {chain.c.account(0), chain.c.account(1)};
  return m;
}

}  // namespace tally::test
