#include "node/metrics.hpp"

#include <algorithm>

#include "node/mirror_stick.hpp"
#include "sync/reexecution.hpp"

namespace tally {
namespace {

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out.append("# HELP tallystick_").append(name).append(" ").append(help).append("\n");
  out.append("# TYPE tallystick_").append(name).append(" ").append(type).append("\n");
}

void sample(std::string& out, std::string_view name, std::string_view labels, std::string_view value) {
  out.append("tallystick_").append(name).append(labels).append(" ").append(value).append("\n");
}

template <class T>
void single(std::string& out, std::string_view name, std::string_view type, std::string_view help, T value) {
  head(out, name, type, help);
  sample(out, name, "", std::to_string(value));
}

std::string label_text(std::string_view v) {
  std::string out;
  for (char c : v) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n') {
      out += "\\n";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace

std::string node_metrics::text(const node_snapshot& node, std::string_view name, const reexecution_report* recomputed,
                               const card_sums* owing, const live_mirror* mirror) const {
  std::string out;
  out.reserve(4096);
  head(out, "node_info", "gauge", "Which node this is; always 1.");
  sample(out, "node_info",
         "{node=\"" + std::to_string(node.self.node.value) + "\",role=\"" + std::string(role_name(node.role)) +
             "\",name=\"" + label_text(name) + "\"}",
         "1");
  single(out, "journal_entries_total", "counter", "Durable entries of this node's journal in its current epoch.",
         node.entries);
  if (node.role != node_role::hq) {
    auto waiting = node.entries - std::min<std::uint64_t>(node.entries, node.hq_cosigned);
    single(out, "entries_waiting", "gauge", "Durable entries that head office has not acknowledged.", waiting);
    single(out, "link_up", "gauge", "Whether the link to the parent is up.", node.link_up ? 1 : 0);
    single(out, "link_last_contact_timestamp_seconds", "gauge", "When the parent was last heard of; 0: never.",
           node.last_contact);
    single(out, "link_month_octets", "gauge", "Octets to and from the parent in this month, down to IP, estimated.",
           node.traffic.used);
    single(out, "link_batch_seconds", "gauge", "How long sales wait for others to travel with.",
           static_cast<double>(node.traffic.holds.hold_ms) / 1'000);
    single(out, "swept_minor_total", "counter", "Unused card value sent up to the parent, in minor units.", node.swept);
    single(out, "sweeps_total", "counter", "Sends of unused card value to the parent.", node.sweeps);
    single(out, "sweeps_on_way_minor", "gauge", "Of it, what the parent has not acknowledged, in minor units.",
           node.sweeps_on_way);
    single(out, "directory_entries_left_out", "gauge",
           "Entries of head office's directory that this node does not have (link.skip).", node.left_out);
    single(out, "goods_to_learn", "gauge", "Whether goods wait to be learnt, and none is sold.", node.goods_to_learn);
  }
  single(out, "held_minor", "gauge", "Card value that may be spent at this node, in minor units.", node.held);
  if (node.role != node_role::hq)  // head office's own is the source of all quotas
    single(out, "topup_quota_left_minor", "gauge", "Top-ups that this node may still take, in minor units.",
           node.quota_left);
  if (owing) {
    single(out, "cards_owing", "gauge", "Cards that owe money, in this node's own books.", owing->count);
    single(out, "cards_owing_minor", "gauge", "What they owe, in minor units.", owing->sum);
  }
  single(out, "card_value_stopped", "gauge", "Whether card value is stopped at this node.",
         node.stopped != errc::ok ? 1 : 0);
  single(out, "on_backup", "gauge", "Whether head office waits for what it had published, on a backup.",
         node.rebuilding ? 1 : 0);
  if (node.role == node_role::region)
    single(out, "unsure", "gauge", "Whether it moves no rights since its start: it may be an old copy.",
           node.sure ? 0 : 1);
  single(out, "disk_low", "gauge", "Whether the disk reserve is reached.", node.disk_low ? 1 : 0);
  head(out, "child_link_up", "gauge", "Whether the link from a child is up.");
  for (const auto& c : node.children)
    sample(out, "child_link_up", "{node=\"" + std::to_string(c.node.value) + "\"}", c.up ? "1" : "0");
  if (recomputed) {
    const auto& c = recomputed->counted;
    single(out, "recomputed_entries_total", "counter", "Entries of all journals that were priced again.", c.entries);
    single(out, "recomputed_behind", "gauge", "Entries held here that were not priced again yet.", c.behind);
    single(out, "recomputed_differences_open", "gauge", "Of these figures those that nobody acknowledged.",
           c.differences - c.acknowledged);
    single(out, "recomputed_differences_total", "counter", "Figures that are not those of the rules.", c.differences);
  }
  if (mirror) {
    auto m = mirror->now();
    single(out, "mirror_bytes", "gauge", "Octets of the mirror on the second disk.", m->report.bytes);
    single(out, "mirror_behind_entries", "gauge", "Entries of the journal that are not on it.",
           node.entries - std::min<std::uint64_t>(m->report.held, node.entries));
    auto since = m->report.behind_since;
    single(out, "mirror_behind_seconds", "gauge", "For how long the oldest of them has been missing.",
           since ? static_cast<double>(mirror->tick() - *since) / 1'000 : 0.0);
    single(out, "mirror_failing", "gauge", "Whether it could not be written when it was last tried.",
           m->report.code == errc::ok ? 0 : 1);
  }
  single(out, "alarms_total", "counter", "Alarms raised since the start.", alarms_.load());
  head(out, "refusals_total", "counter", "Refused requests of tills since the start, by reason.");
  for (std::size_t i = 0; i < by_reason_.size(); ++i)
    if (auto n = by_reason_[i].load())
      sample(out, "refusals_total", "{reason=\"" + std::string(errc_name(static_cast<errc>(i))) + "\"}",
             std::to_string(n));
  head(out, "http_requests_total", "counter", "Answered HTTP requests since the start, by status code.");
  for (std::size_t i = 0; i < by_status_.size(); ++i)
    if (auto n = by_status_[i].load())
      sample(out, "http_requests_total", "{code=\"" + std::to_string(i) + "\"}", std::to_string(n));
  single(out, "http_connections", "gauge", "Open HTTP connections.", connections.load());
  single(out, "event_streams", "gauge", "Open event streams.", streams.load());
  return out;
}

}  // namespace tally
