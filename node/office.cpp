#include "node/office.hpp"

#include "ledger/money.hpp"

#include <algorithm>
#include <set>
#include <span>

#include "devices/chip.hpp"
#include "devices/luhn.hpp"
#include "node/admin.hpp"
#include "storage/entry_codec.hpp"
#include "sync/medium.hpp"
#include "sync/text.hpp"

namespace tally {
namespace {

using json = nlohmann::json;

constexpr std::size_t number_digits = 16;
constexpr std::size_t publish_bytes_max = 40'000;  // of base 64 in one call; a body may have 64 KiB
error strange() { return {errc::malformed, "the node's answer is not of this version"}; }

template <class T>
std::optional<T> member(const json& j, const char* name) {
  auto it = j.find(name);
  if (it == j.end()) return std::nullopt;
  if constexpr (std::is_same_v<T, std::string>) {
    if (!it->is_string()) return std::nullopt;
  } else if (!it->is_number_integer()) {
    return std::nullopt;
  }
  return it->template get<T>();
}

json limits_json(const node_limits& l) {
  return {{"ceiling", l.ceiling},
          {"daily_inflow", l.daily_inflow},
          {"quota", l.quota_target},
          {"daily_quota", l.daily_quota}};
}

/// 0 to 9999, evenly.
unsigned four_digits(entropy& random) {
  for (;;) {
    std::array<std::uint8_t, 2> o{};
    random.fill(o);
    unsigned v = static_cast<unsigned>(o[0]) << 8 | o[1];
    if (v < 60'000) return v % 10'000;
  }
}

std::string covered_digits(entropy& random) {
  std::string out;
  while (out.size() < scratch_digits) {
    const auto four = std::to_string(10'000 + four_digits(random));
    out += four.substr(1);
  }
  return out;
}

result<catalogue> published_catalogue(const json& j) {
  catalogue out;
  auto decode = [](const json& item, auto read) {
    auto octets = item.is_string() ? from_base64(item.get_ref<const std::string&>(), blob_max) : std::nullopt;
    return octets ? read(*octets) : decltype(read(bytes{}))(strange());
  };
  if (!j.contains("products") || !j["products"].is_array() || !j.contains("rules")) return strange();
  if (!j["rules"].is_null()) {
    auto r = decode(j["rules"], decode_rules);
    if (!r) return r.error();
    out.add(std::move(*r));
  }
  for (const auto& item : j["products"]) {
    auto p = decode(item, decode_product);
    if (!p) return p.error();
    out.add(std::move(*p));
  }
  return out;
}

}  // namespace

result<invite_answer> invite_node(const admin_client& hq, const invite_request& r) {
  auto a = hq.post("invite", {{"name", r.name},
                              {"replaces", r.replaces.value},
                              {"role", role_name(r.role)},
                              {"parent", r.parent.value},
                              {"limits", limits_json(r.limits)},
                              {"hours", r.hours},
                              {"owner", r.owner},
                              {"doors", r.doors}});
  if (!a) return a.error();
  auto node = member<std::uint32_t>(*a, "node");
  auto token = member<std::string>(*a, "token");
  auto expires = member<std::int64_t>(*a, "expires");
  if (!node || !token || !expires) return strange();
  return invite_answer{node_id{*node}, *token, *expires, a->value("name_taken", false)};
}

result<std::size_t> cancel_invitations(const admin_client& hq, node_id node) {
  auto a = hq.post("invitations/cancel", {{"node", node.value}});
  if (!a) return a.error();
  auto n = member<std::size_t>(*a, "cancelled");
  if (!n) return strange();
  return *n;
}

status revoke_node(const admin_client& hq, node_id node) {
  auto a = hq.post("revoke", {{"node", node.value}});
  if (!a) return a.error();
  return done();
}

status close_node_epoch(const admin_client& hq, node_id node) {
  auto a = hq.post("close-epoch", {{"node", node.value}});
  if (!a) return a.error();
  return done();
}

status retire_node(const admin_client& hq, node_id node) {
  auto a = hq.post("retire", {{"node", node.value}});
  if (!a) return a.error();
  return done();
}

status move_node(const admin_client& hq, node_id node, node_id parent) {
  auto a = hq.post("move", {{"node", node.value}, {"parent", parent.value}});
  if (!a) return a.error();
  return done();
}

status set_node_limits(const admin_client& hq, node_id node, const node_limits& limits) {
  auto body = limits_json(limits);
  body["node"] = node.value;
  auto a = hq.post("limits", body);
  if (!a) return a.error();
  return done();
}

json named(const std::string& chain, const card_name& card) {
  if (card.number.empty()) return json::object({{"account", card.account.value}});
  return json::object({{"medium", to_hex(medium_of(chain, card.number))}});
}

namespace {
card_answer card_in(const nlohmann::json& a) {
  return {{a.value("account", std::uint64_t{0})},
          a.value("state", std::string{}),
          a.value("version", std::uint64_t{0}),
          a.value("kind", std::uint32_t{0}),
          a.value("expires", std::uint32_t{0}),
          a.value("pin", false),
          a.value("replaced", false),
          {a.value("account_now", std::uint64_t{0})},
          a.value("here", amount{0})};
}

result<card_answer> card_call(const admin_client& hq, const char* path, const nlohmann::json& body) {
  auto a = hq.post(path, body);
  if (!a) return a.error();
  return card_in(*a);
}
}  // namespace

result<card_answer> look_up_card(const admin_client& hq, const std::string& chain, const card_name& card) {
  return card_call(hq, "card", named(chain, card));
}

result<card_answer> change_card(const admin_client& hq, const std::string& chain, const card_name& card,
                                const card_change& change) {
  auto body = named(chain, card);
  if (!change.state.empty()) body["state"] = change.state;
  if (change.expires) body["expires"] = *change.expires;
  if (change.kind) body["kind"] = *change.kind;
  if (!change.pin.empty()) body["pin"] = change.pin;
  return card_call(hq, "card/state", body);
}

result<adjusted_card> adjust_card(const admin_client& hq, const std::string& chain, const std::string& number,
                                  const card_adjustment& by_hand) {
  auto a = hq.post("card/adjust", {{"medium", to_hex(medium_of(chain, number))},
                                   {"units", by_hand.units},
                                   {"purse", by_hand.purse},
                                   {"reason", by_hand.reason},
                                   {"reference", by_hand.reference}});
  if (!a) return a.error();
  auto before = a->find("booked_before"), name = a->find("name");
  if (before == a->end() || !before->is_boolean() || name == a->end() || !name->is_string()) return strange();
  return adjusted_card{before->get<bool>(), name->get<std::string>()};
}

result<std::vector<card_run>> list_runs(const admin_client& hq) {
  auto a = hq.get("cards/batches");
  if (!a) return a.error();
  auto list = a->find("batches");
  if (list == a->end() || !list->is_array()) return strange();
  std::vector<card_run> out;
  for (const auto& b : *list)
    out.push_back({b.value("first", std::uint64_t{0}),
                   b.value("count", std::uint64_t{0}),
                   b.value("kind", std::uint32_t{0}),
                   b.value("name", std::string{}),
                   {b.value("node", std::uint32_t{0})},
                   b.value("closed", false),
                   b.value("called_back", false)});
  return out;
}

status allot_run(const admin_client& hq, const card_run& run) {
  auto a = hq.post(
      "cards/allot",
      {{"first", run.first}, {"count", run.count}, {"kind", run.kind}, {"name", run.name}, {"node", run.node.value}});
  if (!a) return a.error();
  return done();
}

result<std::uint64_t> recall_run(const admin_client& hq, std::uint64_t first) {
  auto a = hq.post("cards/recall", {{"first", first}});
  if (!a) return a.error();
  auto left = member<std::uint64_t>(*a, "left");
  if (!left) return strange();
  return *left;
}

result<undone_claims> undo_node_claims(const admin_client& hq, node_id node, std::uint64_t from, bool and_later) {
  auto a = hq.post("cards/claims/undo", {{"node", node.value}, {"from", from}, {"and_later", and_later}});
  if (!a) return a.error();
  auto n = member<std::size_t>(*a, "undone"), pins = member<std::size_t>(*a, "pins");
  if (!n || !pins) return strange();
  return undone_claims{*n, *pins};
}

namespace {

/// A number of nobody's, and the serial number that head office keeps for it.
struct drawn_number {
  std::string number;
  std::uint64_t serial{};
};
result<drawn_number> draw_number(const admin_client& hq, const std::string& prefix, entropy& random) {
  auto reserved = hq.post("cards/reserve", {{"count", 1}, {"prefix", prefix}});
  if (!reserved) return reserved.error();
  auto first = member<std::uint64_t>(*reserved, "first");
  auto number = first ? card_number(prefix, *first, four_digits(random)) : std::nullopt;
  if (!number) return strange();
  return drawn_number{std::move(*number), *first};
}

}  // namespace

result<replaced_card> replace_card(const admin_client& hq, const std::string& chain, const std::string& number,
                                   const std::string& prefix, entropy& random,
                                   const std::function<status(const std::string&)>& made) {
  auto may = card_call(hq, "card/replace", {{"medium", to_hex(medium_of(chain, number))}, {"check", true}});
  if (!may) return may.error();
  auto fresh = draw_number(hq, prefix, random);
  if (!fresh) return fresh.error();
  TALLY_TRY(made(fresh->number));
  auto a = card_call(hq, "card/replace",
                     {{"medium", to_hex(medium_of(chain, number))},
                      {"replacement", to_hex(medium_of(chain, fresh->number))},
                      {"dead", fresh->serial}});
  if (!a) return a.error();
  return replaced_card{std::move(fresh->number), std::move(*a)};
}

result<applied_list> list_applications(const admin_client& hq) {
  auto a = hq.get("cards/applications");
  if (!a) return a.error();
  auto list = a->find("applications");
  if (list == a->end() || !list->is_array()) return strange();
  applied_list out;
  out.unreadable = a->value("unreadable", std::size_t{0});
  for (const auto& r : *list) {
    auto account = member<std::uint64_t>(r, "account"), who = member<std::uint64_t>(r, "member");
    auto store = member<std::uint32_t>(r, "store");
    if (!account || !who || !store) return strange();
    out.rows.push_back({{*account},
                        {*who},
                        {*store},
                        r.value("since", ""),
                        r.value("card", ""),
                        r.value("name", ""),
                        r.value("address", "")});
  }
  return out;
}

result<std::string> make_applied_card(const admin_client& hq, const std::string& chain, account_id account,
                                      const std::string& prefix, entropy& random,
                                      const std::function<status(const std::string&)>& made) {
  auto fresh = draw_number(hq, prefix, random);
  if (!fresh) return fresh.error();
  TALLY_TRY(made(fresh->number));
  auto a = hq.post("cards/applications/answer",
                   {{"account", account.value}, {"medium", to_hex(medium_of(chain, fresh->number))}});
  if (!a) return a.error();
  return std::move(fresh->number);
}

bool outcome_unknown(errc code) {
  return code == errc::timeout || code == errc::malformed || code == errc::io || code == errc::internal;
}

status refuse_application(const admin_client& hq, account_id account, const std::string& reason) {
  auto a = hq.post("cards/applications/answer", {{"account", account.value}, {"reason", reason}});
  if (!a) return a.error();
  return done();
}

result<drawn_code> draw_card_code(const admin_client& hq, const std::string& chain, const std::string& number) {
  auto a = hq.post("card/code", {{"medium", to_hex(medium_of(chain, number))}});
  if (!a) return a.error();
  auto serial = member<std::uint32_t>(*a, "serial");
  if (!serial) return strange();
  return drawn_code{card_in(*a), *serial};
}

result<std::size_t> void_card_codes(const admin_client& hq, const std::string& chain, const std::string& number) {
  auto reserved = hq.post("cards/reserve", {{"count", 1}});
  if (!reserved) return reserved.error();
  auto dead = member<std::uint64_t>(*reserved, "first");
  if (!dead) return strange();
  auto a = hq.post("card/codes/void", {{"medium", to_hex(medium_of(chain, number))}, {"dead", *dead}});
  if (!a) return a.error();
  auto n = member<std::size_t>(*a, "voided");
  if (!n) return strange();
  return *n;
}

result<publish_answer> publish_list(const admin_client& hq, const price_list& list, entropy& random,
                                    const progress& tell) {
  auto now = hq.get("catalogue");
  if (!now) return now.error();
  auto newest = member<std::uint64_t>(*now, "version");
  auto published = published_catalogue(*now);
  if (!published) return published.error();
  if (!newest) return strange();

  publish_answer out{*newest + 1, 0};
  auto rules = list.rules;
  rules.version = out.version;
  auto changes = changed_products(*published, list, out.version);
  out.written = changes.size();
  std::array<std::uint8_t, 8> id{};
  random.fill(id);
  json call{{"version", out.version}, {"publication", to_hex(view_of(id))}, {"rules", to_base64(encode_rules(rules))}};
  std::size_t next = 0;
  do {
    json batch = json::array();
    for (std::size_t octets = 0; next < changes.size() && octets < publish_bytes_max; ++next) {
      batch.push_back(to_base64(encode_product(changes[next])));
      octets += batch.back().get_ref<const std::string&>().size();
    }
    call["products"] = std::move(batch);
    call["last"] = next == changes.size();
    if (auto a = hq.post("publish", call); !a) return a.error();
    if (tell) tell(next, changes.size());
  } while (next < changes.size());
  return out;
}

std::optional<std::string> card_number(std::string_view prefix, std::uint64_t serial, unsigned random4) {
  auto text = std::to_string(serial);
  auto secret = std::to_string(random4);
  if (prefix.empty() || prefix.size() > 8 || !all_digits(prefix) || secret.size() > 4) return std::nullopt;
  auto room = number_digits - prefix.size() - 5;
  if (text.size() > room) return std::nullopt;
  std::string n(prefix);
  n += std::string(room - text.size(), '0') + text + std::string(4 - secret.size(), '0') + secret;
  auto check = luhn_digit(n);
  if (!check) return std::nullopt;
  return n + *check;
}

result<std::vector<std::string>> parse_uids(std::string_view text) {
  std::vector<std::string> out;
  std::set<std::string> seen;
  for (std::size_t line = 1; !text.empty(); ++line) {
    auto end = text.find('\n');
    auto row = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    row = row.substr(0, row.find('#'));
    std::string medium = "uid:";
    for (char c : row)
      if (c != ':' && c != ' ' && c != '\t' && c != '\r')
        medium += static_cast<char>(c >= 'a' && c <= 'f' ? c - 32 : c);
    if (medium.size() == 4) continue;
    auto bad = [&](const char* why) { return error{errc::malformed, "line " + std::to_string(line) + ": " + why}; };
    if (!is_uid_medium(medium)) return bad("a UID is 4 to 10 octets in hexadecimal, as 04:A1:B2:C3:D4:E5:80");
    if (medium.size() == 12 && medium.starts_with("uid:08"))
      return bad("this UID was drawn at random (a phone, a passport); it will never come again");
    if (!seen.insert(medium).second) return bad("this UID stands in the list twice");
    if (out.size() == admin_cards_reserve_max) return bad("too many");
    out.push_back(std::move(medium));
  }
  if (out.empty()) return error{errc::malformed, "there is no UID in the list"};
  return out;
}

namespace {

/// One batch with accounts that follow each other: how many of the cards are new.
result<std::size_t> map_cards(const admin_client& hq, const card_order& order, std::span<const issued_card> cards) {
  json media = json::array();
  for (const auto& c : cards)
    media.push_back(to_hex(medium_of(order.chain, c.number)));
  json body{{"first", cards.front().account}, {"kind", order.kind}, {"media", media}};
  if (order.stock) body["state"] = "stock";
  if (order.expires) body["expires"] = *order.expires;
  auto a = hq.post("cards/map", body);
  if (!a) return a.error();
  auto written = member<std::size_t>(*a, "written");
  if (!written) return strange();
  return *written;
}

}  // namespace

result<std::size_t> resume_cards(const admin_client& hq, const card_order& order, const std::vector<issued_card>& list,
                                 const progress& tell) {
  std::size_t made = 0;
  for (std::size_t at = 0; at < list.size();) {
    std::size_t n = 1;
    while (n < admin_cards_batch_max && at + n < list.size() && list[at + n].account == list[at].account + n)
      ++n;
    auto batch = map_cards(hq, order, std::span(list).subspan(at, n));
    if (!batch) return batch.error();
    made += *batch;
    at += n;
    if (tell) tell(at, list.size());
  }
  return made;
}

status issue_cards(const admin_client& hq, const card_order& order, entropy& random,
                   const std::function<status(const std::vector<issued_card>&)>& batch_made, const progress& tell,
                   std::uint64_t* first_account) {
  if (order.count == 0 || order.count > admin_cards_reserve_max)
    return error{errc::malformed, "the number of cards is 1 to " + std::to_string(admin_cards_reserve_max)};
  json wanted{{"count", order.count}};
  if (order.uids.empty()) wanted["prefix"] = order.prefix;
  auto reserved = hq.post("cards/reserve", wanted);
  if (!reserved) return reserved.error();
  auto first = member<std::uint64_t>(*reserved, "first");
  if (!first) return strange();
  if (order.uids.empty() && !card_number(order.prefix, *first + order.count - 1, 0)) return strange();
  if (first_account) *first_account = *first;
  for (std::size_t at = 0; at < order.count;) {
    auto n = std::min(admin_cards_batch_max, order.count - at);
    std::vector<issued_card> cards;
    for (std::size_t i = 0; i < n; ++i) {
      auto account = *first + at + i;
      auto number = order.uids.empty() ? *card_number(order.prefix, account, four_digits(random)) : order.uids[at + i];
      if (order.scratch) number += "." + covered_digits(random);
      cards.push_back({std::move(number), account});
    }
    TALLY_TRY(batch_made(cards));
    auto made = map_cards(hq, order, cards);
    if (!made) return made.error();
    at += n;
    if (tell) tell(at, order.count);
  }
  return done();
}

result<std::string> pairing_code(const admin_client& node) {
  auto a = node.post("pair", json::object());
  if (!a) return a.error();
  auto code = member<std::string>(*a, "code");
  if (!code) return strange();
  return *code;
}

}  // namespace tally
