#include <iostream>

#include "ledger/cards.hpp"
#include "ledger/money.hpp"
#include "node/admin_client.hpp"
#include "node/cmd.hpp"

namespace tally::cmd {
namespace {

using json = nlohmann::json;

std::string traffic(const json& t) {
  auto mb = [](std::uint64_t octets) {
    auto tenths = octets / 100'000;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
  };
  auto budget = t.value("budget", std::uint64_t{0});
  auto waits = t.value("waits_ms", std::int64_t{0}) / 1'000;
  return mb(t.value("octets", std::uint64_t{0})) + (budget > 0 ? " of " + mb(budget) : std::string()) + " MB" +
         (waits > 0 ? "; sales wait up to " + std::to_string(waits) + " s for others" : std::string());
}

class status_view {
public:
  explicit status_view(const json& s) : s_(s), now_(s.value("now", std::int64_t{0})) {
    auto unit = s.value("unit", json::object());
    code_ = unit.value("code", "CNY");
    exponent_ = unit.value("exponent", 2);
  }

  std::string own() const {
    auto role = s_.value("role", "");
    auto entries = s_.value("entries", std::uint64_t{0});
    auto cosigned = s_.value("hq_cosigned", std::uint64_t{0});
    std::vector<std::vector<std::string>> rows{
        {"node", std::to_string(s_.value("node", 0U)) + " \"" + s_.value("name", "") + "\", " + role + " of chain " +
                     s_.value("chain", "")},
        {"page", "http://" + s_.value("web", "")},
        {"entries", std::to_string(entries)},
        {"rules", "version " + std::to_string(s_.value("rules_version", std::uint64_t{0}))},
        {"business date", s_.value("business_date", "")}};
    if (role != "hq") {
      auto over = s_.value("link_over", 0U), parent = s_.value("parent", 0U);
      const auto why = s_.value("link_up", false) ? std::string() : s_.value("link_why", std::string());
      rows.push_back(
          {"link to parent",
           std::string(s_.value("link_up", false) ? "up" : "down") + (why.empty() ? why : " (" + why + ")") +
               ", last contact " + ago(s_.value("last_contact", std::int64_t{0}), now_) +
               (over == parent ? ""
                               : "; node " + std::to_string(parent) + " is silent, this is head office in its place")});
      rows.push_back({"traffic this month", traffic(s_.value("traffic", json::object()))});
      rows.push_back({"at head office", std::to_string(cosigned) + " entries, " +
                                            ago(s_.value("hq_cosigned_at", std::int64_t{0}), now_) + "; " +
                                            std::to_string(entries - std::min(entries, cosigned)) + " wait"});
    }
    if (role != "hq")
      rows.push_back(
          {"unused value sent up", money("swept", s_) + " in " + std::to_string(s_.value("sweeps", std::uint64_t{0})) +
                                       " sends since the start; " + money("sweeps_on_way", s_) + " on the way"});
    if (role == "store") {
      rows.push_back({"card value here", money("held", s_)});
      rows.push_back({"top-up quota left", money("quota_left", s_)});
      const auto left_out = s_.value("left_out", std::uint64_t{0});
      const bool skips = s_.value("skips_goods", false), to_learn = s_.value("goods_to_learn", false);
      const auto lacks = std::to_string(left_out) + " entries are left out";
      if (skips) {
        rows.push_back({"goods by the piece", "not sold here; " + lacks + " (link.skip)"});
      } else if (to_learn) {
        rows.push_back({"goods by the piece", "not sold by the piece: still to be learnt; " + lacks});
      } else if (left_out != 0) {
        rows.push_back({"goods by the piece", "sold; " + lacks + ", which a head office that was cut off lost"});
      }
      const auto devices = s_.value("devices", json::object());  // outlives the loop over its items
      for (const auto& [device, state] : devices.items())
        rows.push_back({device, state.is_string() ? state.get<std::string>() : ""});
    }
    rows.push_back({"certificate", certificate_text(s_.value("certified_until", std::int64_t{0})) +
                                       (s_.value("waits_for_keys", false) ? "; new keys wait for theirs" : "")});
    auto stopped = s_.value("stopped", json(nullptr));
    if (stopped.is_string())
      rows.push_back(
          {"STOPPED", "no card value moves" +
                          std::string(stopped == "revoked" ? ", and nothing at all when it is retired: " : ": ") +
                          stopped.get<std::string>()});
    if (s_.value("silenced", false)) rows.push_back({"NOT HEEDED", std::string(silenced_text)});
    if (auto r = s_.value("rebuilding", json(nullptr)); r.is_object()) rows.push_back({"ON A BACKUP", rebuilding(r)});
    if (auto u = s_.value("unsure", json(nullptr)); u.is_object())
      rows.push_back({"JUST STARTED",
                      "no rights move before node " + numbers(u, "waits_for") + " has shown that this is no old copy"});
    if (auto m = s_.value("mirror", json(nullptr)); m.is_object()) rows.push_back({"mirror", mirror(m)});
    const auto behind = s_.value("left_behind", json(nullptr));  // outlives the loop over its items
    for (const auto& b : behind.is_array() ? behind : json::array())
      rows.push_back({"LEFT BEHIND",
                      std::to_string(b.value("of_tills", std::uint64_t{0})) + " entries of tills, from " +
                          std::to_string(b.value("from", std::uint64_t{0})) + " on of " +
                          b.value("journal", std::string()) +
                          (b.value("retired", false)
                               ? ": behind the end of its books, they count for nothing. Stop this node; 'tallystick "
                                 "rescue' puts them onto a stick, and head office lists them as cases"
                               : ": nobody acknowledged them, head office may not have them. Stop this node; "
                                 "'tallystick rescue' writes them down for the books")});
    if (s_.value("disk_low", false)) rows.push_back({"DISK", "nearly full: no new business"});
    return fold_lines(table(rows));
  }

  // Two tables, as one of all columns is wider than a terminal.
  std::string below() const {
    auto list = s_.value("below", json::array());
    if (list.empty()) return "";
    std::vector<std::vector<std::string>> who{{"NODE", "NAME", "ROLE", "PARENT", "ENTRIES", "STATE"}};
    std::vector<std::vector<std::string>> value{
        {"NODE", "HELD " + code_, "QUOTA " + code_, "EXPOSURE " + code_, "CONTESTED", "CERTIFIED"}};
    for (const auto& r : list) {
      auto node = std::to_string(r.value("node", 0U));
      who.push_back({node, short_name(r.value("name", "")), r.value("role", ""), std::to_string(r.value("parent", 0U)),
                     std::to_string(r.value("entries", std::uint64_t{0})), state_of(r)});
      value.push_back({node, plain("held", r), plain("quota", r), plain("exposure", r),
                       std::to_string(r.value("contested", std::uint64_t{0})),
                       std::to_string(days_left(r.value("certified_until", std::int64_t{0}))) + " days"});
    }
    return "\n" + fold_lines(table(who)) + "\n" + fold_lines(table(value));
  }

private:
  std::string state_of(const json& r) const {
    std::string out = r.value("revoked", false) ? "revoked" : r.value("forked", false) ? "TWO MACHINES" : "";
    if (out.empty() && r.value("quarantined", false)) out = "QUARANTINED";
    if (r.value("doubt", amount{0}) != 0) out += (out.empty() ? "" : ", ") + money("doubt", r) + " in doubt";
    return out.empty() ? "-" : out;
  }
  static std::string numbers(const json& r, const char* name) {
    std::string nodes;
    for (const auto& n : r.value(name, json::array()))
      nodes += (nodes.empty() ? "" : ", ") + std::to_string(n.get<std::uint32_t>());
    return nodes;
  }
  static std::string mirror(const json& m) {
    auto behind = m.value("behind", std::uint64_t{0});
    auto text = m.value("path", std::string()) + ", " + std::to_string((m.value("bytes", std::uint64_t{0}) >> 10) + 1) +
                " KiB" +
                (behind == 0 ? std::string(", up to date")
                             : ", BEHIND by " + std::to_string(behind) + " entries for " +
                                   std::to_string(m.value("behind_s", std::int64_t{0})) + " s");
    if (m.value("same_disk", false)) text += "; it lies on the data's own disk, and is lost with it";
    auto error = m.value("error", json(nullptr));
    return error.is_string() ? text + "; NOT WRITTEN: " + error.get<std::string>() : text;
  }
  static std::string rebuilding(const json& r) {
    auto waits = numbers(r, "silent"), newer = numbers(r, "newer");
    return std::to_string(r.value("given_back", std::uint64_t{0})) + " entries given back" +
           (r.value("later", 0) == 0 ? "" : ", also of what a later restore began") +
           (waits.empty() ? "" : "; waits for node " + waits + " ('restore --without')") +
           (newer.empty() ? "" : "; node " + newer + " knows of a later restore, and has not given it back yet") +
           (r.value("lacking", json::array()).empty()
                ? ""
                : "; node " + numbers(r, "lacking") + " left goods out (link.skip) and cannot give them back");
  }
  std::int64_t days_left(std::int64_t until) const { return std::max<std::int64_t>(until - now_, 0) / 86'400; }
  std::string certificate_text(std::int64_t until) const {
    if (until <= now_) return "ENDED; the node asks for the next one when its link is up";
    auto days = days_left(until);
    return (days < 30 ? "ENDS IN " : "ends in ") + std::to_string(days) + " days, renewed by itself";
  }
  std::string plain(const char* name, const json& in) const {
    return format_amount(in.value(name, amount{0}), exponent_);
  }
  std::string money(const char* name, const json& in) const { return plain(name, in) + " " + code_; }
  /// As much of a name as leaves room for the other columns; Chinese and Korean characters take two.
  static std::string short_name(const std::string& name) {
    constexpr std::size_t columns_max = 28;
    std::size_t columns = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
      auto octet = static_cast<unsigned char>(name[i]);
      if ((octet & 0xC0) == 0x80) continue;
      columns += octet >= 0xE1 ? 2 : 1;
      if (columns > columns_max) return name.substr(0, i) + "…";
    }
    return name;
  }

  const json& s_;
  std::int64_t now_;
  std::string code_;
  int exponent_ = 2;
};

int run_status(const std::string& data, bool raw) {
  auto node = admin_client::open(data);
  if (!node) return fail(node.error());
  auto s = node->get("status");
  if (!s) return fail(s.error());
  if (raw) {
    std::cout << s->dump(2) << "\n";
    return exit_ok;
  }
  status_view view(*s);
  std::cout << view.own() << view.below();
  return exit_ok;
}

}  // namespace

void add_status(CLI::App& app, int& status) {
  auto data = std::make_shared<std::string>();
  auto raw = std::make_shared<bool>(false);
  auto* c = app.add_subcommand("status", "Show how the node on a data directory is doing");
  c->add_option("--data", *data, "data directory; its node must run")->required();
  c->add_flag("--json", *raw, "as JSON");
  c->footer("Example:\n  tallystick status --data /srv/tally");
  c->callback([data, raw, &status] { status = run_status(*data, *raw); });
}

}  // namespace tally::cmd
