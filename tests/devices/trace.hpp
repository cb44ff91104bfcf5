#pragma once
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "devices/barcode.hpp"
#include "devices/mixed.hpp"
#include "devices/track.hpp"

namespace tally::test {

/// "card 2 9704…", "product …", "misread …": an event as the trace files write it.
inline std::string to_text(const reader_event& e) {
  if (const auto* c = std::get_if<card_read>(&e)) return "card " + std::to_string(c->source_track) + " " + c->number;
  if (const auto* p = std::get_if<product_scanned>(&e)) return "product " + p->ean;
  if (const auto* c = std::get_if<card_code_scanned>(&e)) return "code " + c->text;
  if (const auto* v = std::get_if<voucher_scanned>(&e)) return "voucher " + v->code;
  if (const auto* r = std::get_if<receipt_scanned>(&e)) return "receipt " + r->text;
  if (const auto* c = std::get_if<chip_read>(&e))
    return "chip " + std::string(chip_type_name(c->type)) + " " + c->medium + (c->uid.empty() ? "" : " uid " + c->uid);
  if (std::holds_alternative<chip_removed>(e)) return "removed";
  return "misread " + std::string(misread_name(std::get<misread>(e).reason));
}

inline std::vector<std::string> to_texts(const reader_events& events) {
  std::vector<std::string> out;
  for (const auto& e : events)
    out.push_back(to_text(e));
  return out;
}

struct trace_step {
  tick_ms at = 0;
  std::string data;  // empty: a tick
};

/// Steps and the events they must give together.
struct trace_case {
  int line = 0;
  std::vector<trace_step> steps;
  std::vector<std::string> expected;
};

struct trace {
  std::string machine;
  track_options track;
  barcode_options barcode;
  std::vector<trace_case> cases;
};

inline std::string unescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out.push_back(text[i]);
      continue;
    }
    const char kind = text.at(++i);
    if (kind == 'r') out.push_back('\r');
    if (kind == 'n') out.push_back('\n');
    if (kind == '\\') out.push_back('\\');
    if (kind == 'x') {
      out.push_back(static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16)));
      i += 2;
    }
  }
  return out;
}

inline void read_option(trace& t, std::istringstream& words) {
  std::string name;
  std::string value;
  words >> name >> value;
  if (name == "lrc") t.track.lrc_sent = true;
  if (name == "luhn") t.track.luhn_required = true;
  if (name == "prefix") t.barcode.card_prefixes.push_back(value);
  if (name == "suffix" && value == "crlf") t.barcode.suffix = scan_suffix::crlf;
}

inline trace read_trace(const std::filesystem::path& file) {
  trace t;
  std::ifstream in(file);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word.empty() || word == "#") continue;
    if (word == "machine") {
      words >> t.machine;
    } else if (word == "option") {
      read_option(t, words);
    } else if (word.front() == '@') {
      if (t.cases.empty() || !t.cases.back().expected.empty()) t.cases.push_back({number, {}, {}});
      const auto space = line.find(' ');
      const std::string data = space == line.npos ? "" : unescape(line.substr(space + 1));
      t.cases.back().steps.push_back({std::stoll(word.substr(1)), data});
    } else if (word == "=") {
      t.cases.back().expected.push_back(line.substr(2));
    }
  }
  return t;
}

/// Runs one case, byte by byte if asked.
template <class Machine>
std::vector<std::string> run_case(Machine& m, const trace_case& c, bool bytewise) {
  std::vector<std::string> got;
  const auto add = [&](const reader_events& events) {
    for (const auto& e : events)
      got.push_back(to_text(e));
  };
  for (const auto& s : c.steps) {
    if (s.data.empty()) {
      add(m.tick(s.at));
    } else if (!bytewise) {
      add(m.feed(s.data, s.at));
    } else {
      for (const char b : s.data)
        add(m.feed({&b, 1}, s.at));
    }
  }
  if (got.empty()) got.emplace_back("nothing");
  return got;
}

}  // namespace tally::test
