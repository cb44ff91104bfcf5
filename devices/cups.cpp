#include "devices/cups.hpp"

#include <algorithm>
#include <charconv>

namespace tally {

namespace {

constexpr int printer_stopped = 5;                                // RFC 8011: 3 idle, 4 processing, 5 stopped
constexpr int job_held = 4, job_canceled = 7, job_completed = 9;  // 8 aborted
constexpr std::size_t title_max = 127, name_max = 127;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_max && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

}  // namespace

printer_state cups_printer_state(int state, const std::vector<std::string>& reasons) {
  const auto says = [&](std::string_view what) {
    return std::any_of(reasons.begin(), reasons.end(), [&](const std::string& r) {
      return std::string_view(r).starts_with(what) && !r.ends_with("-report");
    });
  };
  if (says("cover-open") || says("door-open") || says("interlock-open")) return printer_state::cover_open;
  if (says("media-empty") || says("media-needed")) return printer_state::paper_out;
  if (says("fuser-over-temp") || says("thermal")) return printer_state::overheated;
  if (says("media-jam") || says("cutter")) return printer_state::error;
  if (says("offline") || says("connecting-to-device") || says("timed-out") || says("shutdown"))
    return printer_state::offline;
  if (state == printer_stopped || says("paused")) return printer_state::offline;
  if (says("media-low")) return printer_state::paper_low;
  return printer_state::ready;
}

cups_queue judge_cups_queue(int state, const std::vector<std::string>& reasons, bool accepting) {
  cups_queue out{cups_printer_state(state, reasons), state == printer_stopped, accepting};
  const bool prints = out.state == printer_state::ready || out.state == printer_state::paper_low;
  if (!accepting && prints) out.state = printer_state::offline;
  return out;
}

cups_job judge_cups_job(const cups_job_facts& facts, std::string_view title) {
  if (!facts.name.empty() && facts.name != title) return cups_job::failed;
  if (facts.state == job_completed) return cups_job::printed;
  if (facts.state >= job_canceled) return cups_job::failed;
  if (!facts.listed) return cups_job::stuck;
  return facts.state == job_held && facts.hold_until == "no-hold" ? cups_job::stuck : cups_job::waiting;
}

std::string cups_title(std::string_view receipt, std::uint64_t ticket, std::uint32_t attempt) {
  std::string out = "tallystick " + std::to_string(ticket) + "." + std::to_string(attempt) + " ";
  for (const char c : receipt.substr(0, title_max - std::min(title_max, out.size())))
    out.push_back(c >= 0x20 && c < 0x7F ? c : '?');
  return out;
}

std::optional<cups_name> parse_cups_name(std::string_view text) {
  cups_name out;
  const auto at = text.find('@');
  out.queue = text.substr(0, at);
  if (!is_name(out.queue)) return std::nullopt;
  if (at == text.npos) return out;
  auto server = text.substr(at + 1);
  if (const auto colon = server.rfind(':'); colon != server.npos) {
    const auto port = server.substr(colon + 1);
    const auto [end, bad] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (bad != std::errc{} || end != port.data() + port.size() || out.port < 1 || out.port > 65'535)
      return std::nullopt;
    server = server.substr(0, colon);
  }
  if (!is_name(server)) return std::nullopt;
  out.server = server;
  return out;
}

}  // namespace tally
