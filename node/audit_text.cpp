#include "node/audit_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ledger/accounts.hpp"

namespace tally {
namespace {

constexpr std::size_t columns = 80;

std::string_view meaning(std::string_view check) {
  static constexpr std::pair<std::string_view, std::string_view> list[] = {
      {"identity", "this node and its journal"},         {"certificates", "signed under the root key"},
      {"streams", "entries whose log gives its root"},   {"tiles", "stored hashes of 256 entries"},
      {"segments", "signatures of other writers"},       {"sub-streams", "copies that match their journal"},
      {"cosignatures", "signed by parents, same root"},  {"cited heads", "heads that entries name"},
      {"entries", "one spelling, all fields in bounds"}, {"entitlement", "written by whom may write it"},
      {"balance", "sums to zero, no right below zero"},  {"transfers", "both halves say the same"},
      {"prices", "totals and taxes, computed again"},    {"projection", "stored balances and facts"},
      {"observed fold", "what was seen of other nodes"}, {"totals", "loaded, spent, held add up"},
  };
  for (const auto& [name, text] : list)
    if (name == check) return text;
  return "";
}

std::string right(std::string text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}
std::string left(std::string text, std::size_t width) {
  return text.size() < width ? text + std::string(width - text.size(), ' ') : text;
}

/// Breaks `text` at spaces, or within a word that is too long; further lines are indented as the first one's text.
std::string wrapped(std::string_view lead, std::string_view text) {
  std::string out, line(lead);
  const std::string indent(lead.size(), ' ');
  while (!text.empty()) {
    auto room = columns - line.size();
    if (text.size() <= room) {
      line += text;
      break;
    }
    auto cut = text.rfind(' ', room);
    bool space = cut != text.npos && cut > 0;
    if (!space) cut = room;
    // Never between the octets of one character.
    while (!space && cut > 1 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80)
      --cut;
    out += line + std::string(text.substr(0, cut)) + "\n";
    text.remove_prefix(cut + (space ? 1 : 0));
    line = indent;
  }
  return out + line + "\n";
}

class writer {
public:
  writer(const audit_report& r, std::string_view chain) : r_(r), chain_(chain) {}

  std::string text(bool quiet) {
    if (!quiet) {
      head();
      checks();
    }
    problems();
    if (!quiet) {
      totals();
      transit();
      notes();
    }
    verdict();
    return std::move(out_);
  }

private:
  std::string unit(unit_id u) const { return unit_name(u, r_.currency); }
  std::string money(amount v, unit_id u) const {
    return format_amount(v, base_of(u) == base_of(main_unit) ? r_.exponent : 0) + " " + unit(u);
  }

  void head() {
    out_ += wrapped("", "Audit of node " + std::to_string(r_.self.node.value) + " (" + std::string(role_name(r_.role)) +
                            ") of chain " + std::string(chain_) + ", epoch " + to_hex(view_of(r_.self.epoch.value)));
    out_ += std::to_string(r_.entries) + " entries in the journals held here, " + std::to_string(r_.streams) +
            " streams\n\n";
  }

  void checks() {
    out_ += left("CHECK", 14) + right("COUNT", 10) + "  " + left("RESULT", 15) + "WHAT WAS CHECKED\n";
    for (const auto& l : r_.lines) {
      std::string verdict = l.failed == 1   ? "1 PROBLEM"
                            : l.failed != 0 ? std::to_string(l.failed) + " PROBLEMS"
                            : l.count == 0  ? "nothing here"
                                            : "holds";
      out_ += left(l.check, 14) + right(std::to_string(l.count), 10) + "  " + left(verdict, 15) +
              std::string(meaning(l.check)) + "\n";
    }
  }

  void problems() {
    for (const auto& l : r_.lines) {
      if (l.failed == 0) continue;
      out_ += "\n";
      for (const auto& p : l.problems) {
        out_ += wrapped("", l.check + ": " + p.where + (p.seq ? ", entry " + std::to_string(*p.seq) : ""));
        out_ += wrapped("  expected  ", p.expected) + wrapped("  found     ", p.found);
      }
      if (l.failed > l.problems.size())
        out_ += l.check + ": and " + std::to_string(l.failed - l.problems.size()) + " more\n";
    }
  }

  void totals() {
    for (const auto& t : r_.totals) {
      out_ += "\nTOTALS OF " + unit(t.unit) + "\n";
      row("loaded", t.loaded, t.unit);
      if (t.received != 0) row("received from elsewhere, net", t.received, t.unit);
      row("spent", t.spent, t.unit);
      row("held", t.held, t.unit);
      row("in transit", t.moving, t.unit);
      row("quota granted", t.quota_granted, t.unit);
      row("quota used", t.quota_used, t.unit);
      row("quota left", t.quota_left, t.unit);
      row("quota in transit", t.quota_moving, t.unit);
    }
  }
  void row(std::string name, amount v, unit_id u) { out_ += left(std::move(name), 30) + right(money(v, u), 28) + "\n"; }

  void transit() {
    constexpr std::size_t shown = 10;
    if (r_.in_transit_count == 0) return;
    out_ += "\nON THE WAY (oldest first)\n";
    for (std::size_t i = 0; i < std::min(shown, r_.in_transit.size()); ++i) {
      const auto& t = r_.in_transit[i];
      std::string what;
      for (const auto& [u, v] : t.amounts)
        what += (what.empty() ? "" : ", ") + money(v, u);
      out_ += wrapped("  ", std::to_string(t.days) + (t.days == 1 ? " day: " : " days: ") + what + " from node " +
                                std::to_string(t.from.node.value) + " to node " + std::to_string(t.to.node.value) +
                                ", number " + std::to_string(t.number) +
                                (t.account.value != 0 ? ", account " + std::to_string(t.account.value) : ""));
    }
    if (r_.in_transit_count > shown) out_ += "  and " + std::to_string(r_.in_transit_count - shown) + " more\n";
  }

  void notes() {
    out_ += "\n";
    if (r_.unsigned_tail != 0 && r_.role != node_role::hq)
      out_ += wrapped(
          "", "The newest " + std::to_string(r_.unsigned_tail) +
                  " entries of this node's journal are not cosigned by a parent yet: nobody else can vouch for them.");
    if (r_.back_due != 0)
      out_ += wrapped("", "Units of " + std::to_string(r_.back_due) +
                              " purses expired only because of where they lay and were not given back: head office "
                              "does so when its node runs, of what it has heard since it counts them.");
    if (r_.ruled != 0)
      out_ += wrapped("", std::to_string(r_.ruled) +
                              " contested entries are none of these problems: head office has ruled about them.");
    if (r_.unknown_kinds != 0)
      out_ += wrapped(
          "", std::to_string(r_.unknown_kinds) +
                  " entries are of kinds that this version does not know: they are kept and give nobody anything.");
    if (r_.left_out != 0)
      out_ +=
          wrapped("", std::to_string(r_.left_out) +
                          " entries of head office's directory are left out of this store's copy (link.skip): goods "
                          "sold by the piece. Their hashes are under head office's signature; what they say is not "
                          "checked here.");
    if (r_.heads_elsewhere != 0)
      out_ += wrapped("", std::to_string(r_.heads_elsewhere) +
                              " heads that entries name belong to streams that are not held here.");
  }

  void verdict() {
    std::uint64_t failed = 0, problems = 0;
    for (const auto& l : r_.lines) {
      failed += l.failed != 0 ? 1 : 0;
      problems += l.failed;
    }
    out_ += failed == 0 ? "All checks hold.\n"
                        : "\nNOT IN ORDER: " + std::to_string(problems) + (problems == 1 ? " problem" : " problems") +
                              " in " + std::to_string(failed) + " of " + std::to_string(r_.lines.size()) + " checks.\n";
  }

  const audit_report& r_;
  std::string_view chain_;
  std::string out_;
};

}  // namespace

std::string audit_text(const audit_report& report, std::string_view chain, bool quiet) {
  return writer(report, chain).text(quiet);
}

std::string audit_json(const audit_report& r, std::string_view chain) {
  using json = nlohmann::json;
  auto unit = [&](unit_id u) { return unit_name(u, r.currency); };
  json out{{"ok", r.ok()},
           {"chain", chain},
           {"node", r.self.node.value},
           {"epoch", to_hex(view_of(r.self.epoch.value))},
           {"role", role_name(r.role)},
           {"today", date_text(std::min(r.today, 1'000'000U))},
           {"currency", r.currency},
           {"exponent", r.exponent},
           {"streams", r.streams},
           {"entries", r.entries},
           {"ruled", r.ruled},
           {"back_due", r.back_due},
           {"unknown_kinds", r.unknown_kinds},
           {"heads_elsewhere", r.heads_elsewhere},
           {"left_out", r.left_out},
           {"not_cosigned", r.unsigned_tail},
           {"checks", json::array()},
           {"totals", json::array()},
           {"in_transit", json::array()},
           {"in_transit_count", r.in_transit_count}};
  for (const auto& l : r.lines) {
    json problems = json::array();
    for (const auto& p : l.problems)
      problems.push_back({{"where", p.where},
                          {"entry", p.seq ? json(*p.seq) : json(nullptr)},
                          {"expected", p.expected},
                          {"found", p.found}});
    out["checks"].push_back({{"check", l.check}, {"count", l.count}, {"failed", l.failed}, {"problems", problems}});
  }
  for (const auto& t : r.totals)
    out["totals"].push_back({{"unit", unit(t.unit)},
                             {"loaded", t.loaded},
                             {"received", t.received},
                             {"spent", t.spent},
                             {"held", t.held},
                             {"moving", t.moving},
                             {"quota_granted", t.quota_granted},
                             {"quota_used", t.quota_used},
                             {"quota_left", t.quota_left},
                             {"quota_moving", t.quota_moving}});
  for (const auto& t : r.in_transit) {
    json amounts = json::array();
    for (const auto& [u, v] : t.amounts)
      amounts.push_back({{"unit", unit(u)}, {"amount", v}});
    out["in_transit"].push_back({{"from", t.from.node.value},
                                 {"to", t.to.node.value},
                                 {"number", t.number},
                                 {"account", t.account.value},
                                 {"days", t.days},
                                 {"amounts", amounts}});
  }
  // Damaged text becomes replacement characters, never an exception.
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace tally
