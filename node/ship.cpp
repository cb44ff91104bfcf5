#include "node/ship.hpp"

#include <chrono>
#include <fstream>
#include <iostream>

#include "node/admin_client.hpp"
#include "node/log_data.hpp"
#include "node/public_files.hpp"
#include "node/ship_take.hpp"
#include "node/stick.hpp"
#include "node/terminal.hpp"
#include "sync/entropy_sodium.hpp"
#include "sync/entry_walk.hpp"
#include "sync/hledger.hpp"
#include "sync/left_behind.hpp"

namespace tally {
namespace fs = std::filesystem;
namespace {

unix_seconds wall_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

carrier_parts parts_of(const log_data& d) {
  return {d.store(), d.certificates(),  d.key(),       d.identity().believes.chain,
          d.self(),  d.identity().role, d.older_keys()};
}

result<node_id> parent_of(const log_data& d) {
  auto own = d.certificates().find(d.identity().node);
  if (!own) return error{errc::not_certified, "this node's own certificate is not in its data"};
  if ((*own)->parents.empty())
    return error{errc::not_allowed, "head office has no parent; name the node that the stick is for with --for"};
  return (*own)->parents.front();
}

/// A running node's own cosignatures over the journals from below that it holds.
result<std::vector<cosign_message>> fresh_cosignatures(const log_data& d, node_id receiver, const admin_client& node) {
  auto list = stream_reader(d.store()).list();
  if (!list) return list.error();
  std::vector<message> asks;
  for (const auto& id : *list)
    if (id.sub == sub_stream::journal && id.writer.node != d.identity().node &&
        (id.writer.node == receiver || is_above(d.certificates(), receiver, id.writer.node)))
      asks.emplace_back(have_message{id, 0});
  std::vector<cosign_message> out;
  while (!asks.empty()) {
    auto n = std::min(asks.size(), carried_max);
    auto answer = carry_to(node, std::vector<message>(asks.end() - static_cast<std::ptrdiff_t>(n), asks.end()));
    asks.resize(asks.size() - n);
    if (!answer) return answer.error();
    out.insert(out.end(), answer->cosigned.begin(), answer->cosigned.end());
  }
  return out;
}

void tell_rows(const shipment& s) {
  for (const auto& r : s.rows()) {
    if (r.from == r.size || !r.proved) continue;
    std::cout << "  " << stream_name(r.stream) << ": entries " << r.from << " to " << r.size - 1 << "\n";
  }
}

/// Plans and writes one shipment; `cosigned` were given for it.
result<shipment> write_one(const log_data& d, const fs::path& stick, node_id to, bool everything,
                           const std::vector<cosign_message>& cosigned) {
  const auto& chain = d.identity().believes.chain;
  auto wants = everything ? wanted_from{} : wants_on(stick, chain, to, d.identity().node);
  std::array<std::uint8_t, 8> id{};
  system_entropy().fill(id);
  auto parts = parts_of(d);
  if (everything)
    if (auto list = stream_reader(d.store()).list())
      for (const auto& stream : *list)
        wants[stream] = 0;
  auto s = shipment::plan(parts, to, wants, cosigned, id, wall_now());
  if (!s) return s.error();
  TALLY_TRY(write_shipment(stick, *s, chain, d.identity().node, to, {}));
  return s;
}

/// A plain-text journal on the stick, for people: `only` of some journals, else of all.
status leave_for_the_books(const log_data& d, const fs::path& stick, const std::string& name,
                           const std::map<stream_id, std::uint64_t>& only = {}) {
  auto file = stick / (name + "-" + std::to_string(d.identity().node.value) + ".journal");
  fs::path fresh = file.string() + ".new";
  std::error_code ec;
  fs::remove(fresh, ec);  // never through a link that somebody left there
  std::ofstream out(fresh, std::ios::out | std::ios::trunc | std::ios::binary);
  if (!out) return error{errc::io, "cannot write " + file.string()};
  auto sum = export_hledger(d.store(), out, only);
  out.close();
  if (!sum) return sum.error();
  if (out) fs::rename(fresh, file, ec);
  if (!out || ec) return error{errc::io, "cannot write " + file.string()};
  TALLY_TRY(sync_files(stick));
  std::cerr << "tallystick: they stand in " << file.string() << ", for the books; no node takes them.\n";
  return done();
}

std::string count_of(std::uint64_t n) { return n == 1 ? "1 entry" : std::to_string(n) + " entries"; }

/// What the shipment leaves out of lives that went astray is somebody's sale all the same.
status leave_behind(const log_data& d, const fs::path& stick) {
  auto list = left_behind_of(d.store(), d.identity().node);
  if (!list) return list.error();
  std::map<stream_id, std::uint64_t> only;
  for (const auto& b : *list) {
    if (b.retired) {
      std::cerr << "tallystick: " << stream_name(b.journal) << ": its entries " << b.from << " to " << b.size - 1
                << ", " << b.of_tills << (b.of_tills == 1 ? " of a till" : " of tills")
                << ", lie behind the end of its books: what of them travels, head office lists as cases.\n";
      continue;
    }
    only[b.journal] = b.from;
    std::cerr << "tallystick: " << stream_name(b.journal) << ": of its entries " << b.from << " to " << b.size - 1
              << ", " << b.of_tills << (b.of_tills == 1 ? " of a till" : " of tills")
              << ", nobody acknowledged any: head office has only those that it lists under the same id.\n";
  }
  return only.empty() ? done() : leave_for_the_books(d, stick, "left-behind", only);
}

int ship_out(const log_data& d, const ship_options& o, bool rescue) {
  // Not made here: where a stick is not mounted, all would go onto the disk beside it.
  if (std::error_code ec; !fs::is_directory(o.stick, ec))
    return cmd::fail({errc::not_found, o.stick.string() + " is no directory: is the stick mounted?"});
  node_id to{o.node};
  if (o.node == 0) {
    auto parent = parent_of(d);
    if (!parent) return cmd::fail(parent.error());
    to = *parent;
  }
  std::vector<cosign_message> cosigned;
  bool down = is_above(d.certificates(), d.identity().node, to);
  if (down && !rescue) {
    auto node = d.node_runs() ? admin_client::open(o.data) : result<admin_client>(errc::offline);
    auto fresh = node ? fresh_cosignatures(d, to, *node) : result<std::vector<cosign_message>>(node.error());
    if (fresh) {
      cosigned = std::move(*fresh);
    } else {
      std::cerr
          << "tallystick: this node's own cosignatures do not travel with it, because the node does not run or does "
             "not answer.\n";
    }
  }
  auto s = write_one(d, o.stick, to, o.everything, cosigned);
  if (!s) return cmd::fail(s.error());
  std::cout << "For node " << to.value << " on " << o.stick.string() << ": " << count_of(s->entries()) << "\n";
  tell_rows(*s);
  for (const auto& id : s->astray())
    std::cerr << "tallystick: " << stream_name(id)
              << " went on from an old copy, or ends before what its parent knows, and stays behind: other nodes "
                 "may know other entries under that name.\n";
  int outcome = cmd::exit_ok;
  for (const auto& r : s->rows()) {
    if (r.proved) continue;
    outcome = cmd::exit_refused;
    std::cerr << "tallystick: " << stream_name(r.stream) << ": entries " << r.from << " to " << r.size - 1
              << " stay behind: nobody can prove them without this node's signing key ("
              << (d.key() ? "the one of that epoch is not among its keys" : d.no_key()) << ").\n";
  }
  // Own entries without a proof: what the books need, and what head office may rule on.
  if (outcome != cmd::exit_ok && rescue)
    if (auto ok = leave_for_the_books(d, o.stick, "unproved"); !ok) return cmd::fail(ok.error());
  if (rescue)
    if (auto ok = leave_behind(d, o.stick); !ok) return cmd::fail(ok.error());
  return outcome;
}

}  // namespace

int cmd_ship_to(const ship_options& o) {
  auto d = log_data::open(o.data, o.key_file);
  if (!d) return cmd::fail(d.error());
  return ship_out(**d, o, false);
}

int cmd_rescue(const ship_options& o) {
  if (node_runs(o.data))
    return cmd::fail(
        {errc::not_allowed, "the node on " + o.data.string() + " runs: it is not dead; use 'tallystick ship'"});
  auto d = log_data::open(o.data, o.key_file);
  if (!d) return cmd::fail(d.error());
  std::cout << "Node " << (*d)->identity().node.value << " (" << (*d)->identity().name << "), epoch "
            << to_hex(view_of((*d)->self().epoch.value)) << ": its journal has "
            << count_of(stream_reader((*d)->store()).size({(*d)->self(), sub_stream::journal, {}})) << "\n";
  return ship_out(**d, o, true);
}

int cmd_ship_from(const ship_options& o) {
  auto node = admin_client::open(o.data);
  if (!node) return cmd::fail(node.error());
  auto d = log_data::open(o.data, o.key_file);
  if (!d) return cmd::fail(d.error());
  auto all = shipments_on(o.stick, (*d)->identity().believes.chain);
  if (!all) return cmd::fail(all.error());
  auto self = (*d)->identity().node;
  std::vector<stick_shipment> ours;
  std::string others;
  for (auto& s : *all) {
    // What is for head office is taken by whoever is on the way there: a mirror is for both.
    bool passes = s.to == head_office && is_above((*d)->certificates(), self, s.from);
    bool meant = (s.to == self || passes) && (o.node == 0 || s.from.value == o.node);
    if (meant) {
      ours.push_back(std::move(s));
    } else {
      others += (others.empty() ? "" : ", ") + s.dir.filename().string();
    }
  }
  if (ours.empty())
    return cmd::fail({errc::not_found, o.stick.string() + " has nothing for node " + std::to_string(self.value) +
                                           (others.empty() ? "" : "; it carries " + others)});
  int outcome = cmd::exit_ok;
  for (const auto& s : ours) {
    auto taken = take_shipment(*node, s, (*d)->certificates(), **d);
    if (!taken) {
      outcome = std::max(outcome, cmd::fail(taken.error()));
      continue;
    }
    if (taken->refused) outcome = std::max(outcome, cmd::exit_refused);
    if (!o.answer || !taken->any) continue;
    // What was taken is durable by now, so a fresh look at the data shows it.
    auto now = log_data::open(o.data, o.key_file);
    auto answer = now ? write_one(**now, o.stick, s.from, false, taken->cosigned) : result<shipment>(now.error());
    if (!answer) {
      std::cerr << "tallystick: the answer for node " << s.from.value
                << " could not be written, so nothing goes back with "
                << "this stick: " << answer.error().detail << "\n";
      outcome = std::max(outcome, cmd::exit_refused);
      continue;
    }
    std::cout << "Answer for node " << s.from.value << ": " << taken->cosigned.size()
              << (taken->cosigned.size() == 1 ? " cosignature, " : " cosignatures, ") << count_of(answer->entries())
              << "\n";
    tell_rows(*answer);
  }
  return outcome;
}

}  // namespace tally
