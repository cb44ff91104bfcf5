#include "ledger/closing.hpp"

#include <algorithm>

namespace tally {
namespace {

// An epoch chain longer than this is no honest one; the walk over it must end.
constexpr int successors_max = 1'000;
constexpr node_id head_office_node{1};

cell_key key(cell_type t, const writer_id& w) { return {.type = t, .a = 0, .b = 0, .writer = w, .peer = {}}; }

void add_number(bytes& out, std::uint64_t v, int octets) {
  for (int i = 0; i < octets; ++i)
    out += static_cast<char>(v >> (8 * i) & 255);
}
std::uint64_t take_number(byte_view& in, std::size_t octets) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < octets; ++i)
    v |= static_cast<std::uint64_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  in.remove_prefix(octets);
  return v;
}
template <std::size_t N>
void take_octets(byte_view& in, std::array<std::uint8_t, N>& out) {
  for (std::size_t i = 0; i < N; ++i)
    out[i] = static_cast<std::uint8_t>(in[i]);
  in.remove_prefix(N);
}

constexpr std::size_t closing_octets = 32 + 8 + 8 + 4, heritage_octets = 8;

}  // namespace

std::optional<closing> closing_of(const state& s, const writer_id& w) {
  auto c = s.find(key(cell_type::closed, w));
  if (!c || c->data.size() != closing_octets) return std::nullopt;
  closing out;
  byte_view in = c->data;
  out.size = static_cast<std::uint64_t>(c->n);
  take_octets(in, out.root);
  take_octets(in, out.successor.value);
  out.proven = take_number(in, 8);
  out.day = static_cast<std::uint32_t>(take_number(in, 4));
  return out;
}

void put_closing(state& s, const writer_id& w, const closing& c) {
  cell out{static_cast<std::int64_t>(c.size), {}};
  out.data += view_of(c.root);
  out.data += view_of(c.successor.value);
  add_number(out.data, c.proven, 8);
  add_number(out.data, c.day, 4);
  s.put(key(cell_type::closed, w), std::move(out));
  auto record = node_of(s, w.node);
  if (!record) return;
  if (record->epoch == epoch_id{}) record->epoch = w.epoch;  // closed before, with nobody to follow
  certify_node(s, w.node, std::move(*record));
}

std::optional<revoking> revoking_of(const state& s, const writer_id& w) {
  auto c = s.find(key(cell_type::revoked, w));
  if (!c || c->data.size() != 8) return std::nullopt;
  byte_view in = c->data;
  return revoking{static_cast<std::uint64_t>(c->n), take_number(in, 8)};
}
void put_revoking(state& s, const writer_id& w, const revoking& r) {
  cell c{static_cast<std::int64_t>(r.size), {}};
  add_number(c.data, r.serial, 8);
  s.put(key(cell_type::revoked, w), std::move(c));
}

std::optional<std::uint64_t> retired_at(const state& s, const writer_id& w) {
  auto revoked = revoking_of(s, w);
  auto closed = closing_of(s, w);
  if (!revoked || !closed || !closed->complete() || revoked->size != closed->size) return std::nullopt;
  return closed->size;
}

std::optional<ruling_outcome> ruling_of(const state& s, const writer_id& w, sequence seq) {
  auto c = s.find({.type = cell_type::ruled, .a = seq, .b = 0, .writer = w, .peer = {}});
  if (!c) return std::nullopt;
  return static_cast<ruling_outcome>(c->n);
}
void put_ruling(state& s, const writer_id& w, sequence seq, ruling_outcome outcome) {
  if (ruling_of(s, w, seq)) return;
  s.put({.type = cell_type::ruled, .a = seq, .b = 0, .writer = w, .peer = {}},
        {static_cast<std::int64_t>(outcome), {}});
}

std::optional<heritage> heritage_of(const state& s, const writer_id& w) {
  auto c = s.find(key(cell_type::heir, w));
  if (!c || c->data.size() != heritage_octets) return std::nullopt;
  heritage h;
  byte_view in = c->data;
  take_octets(in, h.before.value);
  h.proven = static_cast<std::uint64_t>(c->n);
  return h;
}
void put_heritage(state& s, const writer_id& w, const heritage& h) {
  s.put(key(cell_type::heir, w), {static_cast<std::int64_t>(h.proven), bytes(view_of(h.before.value))});
}

void certify_node(state& s, node_id node, node_record r) {
  for (int i = 0; i < successors_max; ++i) {
    auto c = closing_of(s, {node, r.epoch});
    if (!c) break;
    r.epoch = c->successor;
  }
  if (auto before = node_of(s, node)) {
    // New keys begin an epoch, and the one that is open stays the current one until head office closes it.
    bool open = before->epoch != epoch_id{} && !closing_of(s, {node, before->epoch});
    if (open) r.epoch = before->epoch;
    r.former = before->former;
    for (auto p : before->parents)
      if (std::find(r.parents.begin(), r.parents.end(), p) == r.parents.end() &&
          std::find(r.former.begin(), r.former.end(), p) == r.former.end())
        r.former.push_back(p);
  }
  put_node(s, node, r);
}

bool are_neighbours(const state& directory, node_id from, node_id to) {
  if (from == head_office_node) return true;
  auto names = [&](node_id child, node_id parent) {
    auto record = node_of(directory, child);
    if (!record) return false;
    auto in = [&](const std::vector<node_id>& list) {
      return std::find(list.begin(), list.end(), parent) != list.end();
    };
    return in(record->parents) || in(record->former);
  };
  return names(from, to) || names(to, from);
}

bool takes_no_more(const state& directory, const writer_id& sender, node_id receiver) {
  if (receiver == head_office_node || !closing_of(directory, sender)) return false;
  auto record = node_of(directory, sender.node);
  if (!record) return false;
  return record->role != node_role::store ||
         std::find(record->former.begin(), record->former.end(), receiver) != record->former.end();
}

cell_key withheld_key(const writer_id& from, const writer_id& to, std::uint64_t channel) {
  return {.type = cell_type::transfer, .a = channel, .b = 2, .writer = from, .peer = to};
}

}  // namespace tally
