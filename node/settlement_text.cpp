#include "node/settlement_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ledger/entry.hpp"

namespace tally {
namespace {

constexpr std::size_t name_columns = 15, sum_columns = 13;

class writer {
public:
  explicit writer(const settlement_report& r) : r_(r) {}

  std::string text() {
    out_ = "Settlement of " + date_text(r_.first_day) + " to " + date_text(r_.last_day) + ", in " +
           (r_.currency.empty() ? "minor units" : r_.currency) + "\n";
    for (const auto& [owner, owes] : r_.owners)
      if (has_lines(owner)) block(owner, owes);
    close();
    return std::move(out_);
  }

private:
  std::string money(amount v) const { return format_amount(v, r_.exponent); }

  static bool shown(const settlement_line& l) {
    return l.role != node_role::hq || l.owes != 0 || !l.sums.empty() || l.before.owes != 0;
  }
  bool has_lines(std::uint32_t owner) const {
    return std::ranges::any_of(r_.nodes, [&](const auto& n) { return n.second.owner == owner && shown(n.second); });
  }

  void row(std::string name, const std::vector<std::string>& cells) {
    std::size_t wide = 0, at = 0;  // characters, not octets
    for (; at < name.size(); ++at) {
      if ((static_cast<unsigned char>(name[at]) & 0xC0) == 0x80) continue;
      if (wide == name_columns - 1) break;
      ++wide;
    }
    name.resize(at);
    out_ += name + std::string(name_columns - wide, ' ');
    for (const auto& c : cells)
      out_ += std::string(c.size() + 1 < sum_columns ? sum_columns - c.size() : 1, ' ') + c;
    out_ += "\n";
  }

  void block(std::uint32_t owner, amount owes) {
    out_ += "\nOwner " + std::to_string(owner) +
            (owes == 0  ? ": even with the scheme"
             : owes > 0 ? ": owes the scheme " + money(owes)
                        : ": is owed " + money(-owes)) +
            "\n";
    row("NODE", {"BEFORE", "LOADED", "SPENT", "UNITS", "RULED", "OWES"});
    for (const auto& [node, l] : r_.nodes) {
      if (l.owner != owner || !shown(l)) continue;
      // What came back and what was handed out go with what they undo, so that the columns add up.
      row(std::to_string(node.value) + " " + l.name,
          {money(l.before.owes), money(l.sums.loaded - l.sums.paid_out), money(l.sums.returned - l.sums.spent),
           money(l.period.given - l.period.redeemed), money(l.sums.ruled), money(l.owes)});
      if (l.heard_until < r_.last_day)
        out_ += l.heard_until == 0 ? "  nothing was heard of it yet\n"
                                   : "  nothing newer was heard of it than " + date_text(l.heard_until) + "\n";
    }
  }

  void close() {
    out_ += "\nThe scheme holds " + money(r_.pool) + " for what lies on cards: " + money(r_.money) + " of money, " +
            money(r_.units) + " of units.\n";
    if (r_.folded)
      out_ += agrees(r_) ? "The node's own books say the same of the money.\n"
                         : "The node's own books say " + money(r_.on_cards) + " of money: run 'tallystick audit'.\n";
    amount kept = 0;
    bool fits = r_.units_now != INT64_MIN && checked_add(r_.units, -r_.units_now, kept) && kept != INT64_MIN;
    if (r_.revalued && fits && kept != 0)
      out_ += "At the rates of the last day these units come to " + money(r_.units_now) +
              ": as rates changed, the scheme " + (kept > 0 ? "keeps " : "lacks ") + money(kept > 0 ? kept : -kept) +
              ".\n";
    rates();
    if (r_.contested != 0)
      out_ += std::to_string(r_.contested) + " contested entries give their writers nothing (" + money(r_.aside) +
              " of money is set aside); see 'tallystick cases'.\n";
    if (r_.role != node_role::hq) out_ += "This is what this node has heard of, not the whole chain.\n";
  }

  void rates() {
    if (r_.priced_by.empty()) return;
    out_ += r_.priced_by.size() == 1 ? "Units are priced by the rules of version "
                                     : "Units are priced by the rules in force on each day: version ";
    out_ += std::to_string(r_.priced_by.front().second);
    for (std::size_t i = 1; i < r_.priced_by.size(); ++i)
      out_ += (i % 3 == 0 ? ",\n  from " : ", from ") + date_text(r_.priced_by[i].first) + " version " +
              std::to_string(r_.priced_by[i].second);
    out_ += ".\n";
  }

  const settlement_report& r_;
  std::string out_;
};

/// A field of RFC 4180. One that a spreadsheet would take for a formula is led by an apostrophe.
std::string field(std::string text) {
  if (!text.empty() && std::string_view("=+-@\t").find(text.front()) != std::string_view::npos) text.insert(0, "'");
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string out = "\"";
  for (char c : text)
    out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

nlohmann::json units_json(const clearing_sums& s) {
  auto out = nlohmann::json::array();
  for (const auto& [unit, u] : s.beside)
    out.push_back({{"purse", base_of(unit)}, {"given", u.given}, {"redeemed", u.redeemed}, {"expired", u.expired}});
  return out;
}

}  // namespace

std::string settlement_text(const settlement_report& r) { return writer(r).text(); }

std::string settlement_csv(const settlement_report& r) {
  std::string out =
      "owner,node,name,currency,before,loaded,paid_out,spent,returned,units_given,units_redeemed,ruled,owes,heard_"
      "until\r\n";
  auto money = [&](amount v) { return format_amount(v, r.exponent); };
  for (const auto& [node, l] : r.nodes) {
    out += std::to_string(l.owner) + "," + std::to_string(node.value) + "," + field(l.name) + "," + field(r.currency);
    for (auto v : {l.before.owes, l.sums.loaded, l.sums.paid_out, l.sums.spent, l.sums.returned, l.period.given,
                   l.period.redeemed, l.sums.ruled, l.owes})
      out += "," + money(v);
    out += "," + (l.heard_until == 0 ? std::string() : date_text(l.heard_until)) + "\r\n";
  }
  return out;
}

std::string settlement_json(const settlement_report& r) {
  auto nodes = nlohmann::json::array(), owners = nlohmann::json::array();
  for (const auto& [node, l] : r.nodes)
    nodes.push_back({{"node", node.value},
                     {"name", l.name},
                     {"owner", l.owner},
                     {"before", l.before.owes},
                     {"loaded", l.sums.loaded},
                     {"paid_out", l.sums.paid_out},
                     {"spent", l.sums.spent},
                     {"returned", l.sums.returned},
                     {"units", units_json(l.sums)},
                     {"units_given", l.period.given},
                     {"units_redeemed", l.period.redeemed},
                     {"ruled", l.sums.ruled},
                     {"owes", l.owes},
                     {"heard_until", l.heard_until == 0 ? "" : date_text(l.heard_until)}});
  for (const auto& [owner, owes] : r.owners)
    owners.push_back({{"owner", owner}, {"owes", owes}});
  auto priced_by = nlohmann::json::array();
  for (const auto& [day, version] : r.priced_by)
    priced_by.push_back({{"from", date_text(day)}, {"version", version}});
  nlohmann::json out{{"from", date_text(r.first_day)},
                     {"until", date_text(r.last_day)},
                     {"currency", r.currency},
                     {"exponent", r.exponent},
                     {"rules_version", r.rules_version},
                     {"priced_by", std::move(priced_by)},
                     {"owners", std::move(owners)},
                     {"nodes", std::move(nodes)},
                     {"pool", r.pool},
                     {"money", r.money},
                     {"units", r.units},
                     {"units_now", r.units_now},
                     {"on_cards", r.on_cards},
                     {"entries", r.entries},
                     {"contested", r.contested},
                     {"later", r.later}};
  if (r.folded) out["agrees"] = agrees(r);
  return out.dump(2) + "\n";
}

}  // namespace tally
