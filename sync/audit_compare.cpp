// The stored projections against the fold, and keys that belong to nothing.
#include <algorithm>

#include "storage/kv_state.hpp"
#include "sync/audit_parts.hpp"
#include "sync/left_out.hpp"

namespace tally::audit_detail {
namespace {

std::string account_text(const ledger_account& a) { return account_name(a) + " " + unit_name(a.unit, {}); }

std::string cell_text(const cell_key& k) {
  static constexpr const char* names[] = {
      "?",          "card",     "medium",        "answered",  "last counter", "channel out",
      "channel in", "reversed", "business date", "node",      "limits",       "sent today",
      "held total", "adopted",  "transfer",      "contested", "rules",        "product",
      "?",          "counter",  "closed",        "revoked",   "heir"};
  auto n = static_cast<std::size_t>(k.type);
  std::string out = n < std::size(names) ? names[n] : "?";
  out += " " + std::to_string(k.a) + " " + std::to_string(k.b);
  if (k.writer != writer_id{}) out += " of " + writer_name(k.writer);
  if (k.peer != writer_id{}) out += " with " + writer_name(k.peer);
  return out;
}

std::string value_text(const cell& c) {
  auto text = std::to_string(c.n);
  if (c.data.empty()) return text;
  auto hex = to_hex(byte_view(c.data).substr(0, 16));
  return text + " and " + std::to_string(c.data.size()) + " octets " + hex + (c.data.size() > 16 ? "\xe2\x80\xa6" : "");
}

/// Sums that only say from when on a PIN is asked for, which nodes began to keep in the middle of their lives: what was
/// taken before is not in them. What was taken without a PIN is looked for in the entries (price_proofs.cpp).
bool began_later(const cell_key& k, const cell& want, const std::optional<cell>& stored) {
  if (k.type != cell_type::taken_today) return false;
  return !stored || (stored->data == want.data && stored->n >= 0 && stored->n <= want.n);
}

/// A product that is sold by the piece. A store that left some out, and has not learnt all of them again, sells none.
bool is_goods(const cell_key& k, const cell& c) {
  if (k.type != cell_type::product) return false;
  auto p = decode_product(c.data);
  return p && !p->open;
}

}  // namespace

bool auditor::certified_record(const cell_key& k, const cell& c) const {
  // Enrolment tells a node of its own line before the directory does.
  auto it = certificates_.find(node_id{static_cast<std::uint32_t>(k.a)});
  if (k.type != cell_type::node || it == certificates_.end()) return false;
  return std::any_of(it->second.begin(), it->second.end(), [&](const certificate& cert) {
    memory_state s;
    put_node(s, cert.node, {cert.role, cert.epoch, cert.parents, {}});
    return s.find(k) == c;
  });
}

void auditor::compare_key(byte_view key, byte_view value, std::uint64_t& met) {
  ++line(check_projection).count;
  if (auto a = parse_balance_key(key); a && balance_key(*a) == key) {
    auto v = decode_balance(value);
    auto want = own_.balance(*a);
    if (want != 0) ++met;
    if (v != want)
      problem(check_projection, account_text(*a), {}, std::to_string(want),
              v ? std::to_string(*v) : "bytes that are no amount");
    return;
  }
  auto k = parse_cell_key(key);
  if (!k || cell_key_bytes(*k) != key)
    return problem(check_projection, "key " + to_hex(key), {}, "a key of the projection", "bytes that are none");
  auto v = decode_cell(value);
  auto want = own_.find(*k);
  if (want) ++met;
  if (!want && v && certified_record(*k, *v)) return;
  if (v && want && began_later(*k, *want, *v)) return;
  if (v && goods_unlearned_ && is_goods(*k, *v) && (!want || is_goods(*k, *want))) return;
  if (!v || !want || !(*v == *want))
    problem(check_projection, cell_text(*k), {}, want ? value_text(*want) : "nothing",
            v ? value_text(*v) : "bytes that are no record");
}

void auditor::compare_own() {
  bytes stored;
  goods_unlearned_ = store_.get(family::meta, unlearned_goods_key, stored) == lookup::found;
  std::uint64_t met = 0, wanted = own_.raw_cells().size();
  for (const auto& [a, v] : own_.raw_balances())
    if (v != 0) ++wanted;
  for (char kind : {balance_prefix, cell_prefix}) {
    bytes p(1, kind);
    auto c = store_.scan(family::state, p);
    for (; c->valid() && c->key().substr(0, 1) == p; c->next())
      compare_key(c->key(), c->value(), met);
    if (auto s = c->state(); !s.ok()) disk_ = s.error();
  }
  if (met == wanted) return;
  auto missing = [&](const bytes& key) { return store_.get(family::state, key, stored) == lookup::absent; };
  for (const auto& [a, n] : own_.balances())
    if (missing(balance_key(a))) problem(check_projection, account_text(a), {}, std::to_string(n), "no balance");
  for (const auto& [k, n] : own_.cells())
    if (!began_later(k, n, std::nullopt) && !(goods_unlearned_ && is_goods(k, n)) && missing(cell_key_bytes(k)))
      problem(check_projection, cell_text(k), {}, value_text(n), "nothing");
}

/// Reads the checkpoints as a node does when it starts, and compares everything that came of them.
void auditor::compare_observed() {
  watched_state stored;
  if (auto s = stored.load(store_); !s.ok()) {
    if (s.code() == errc::io) disk_ = s.error();
    return problem(check_observed, writer_name(self_), {}, "checkpoints that can be read", s.error().detail);
  }
  auto differ = [&](const auto& have, const auto& want, auto name, auto text, const char* none) {
    line(check_observed).count += want.size();
    auto h = have.begin();
    auto w = want.begin();
    while (h != have.end() || w != want.end()) {
      bool only_have = w == want.end() || (h != have.end() && h->first < w->first);
      bool only_want = !only_have && (h == have.end() || w->first < h->first);
      if (only_have) {
        problem(check_observed, name(h->first), {}, none, text(h->second));
      } else if (only_want) {
        problem(check_observed, name(w->first), {}, text(w->second), none);
      } else if (!(h->second == w->second)) {
        problem(check_observed, name(w->first), {}, text(w->second), text(h->second));
      }
      if (!only_want) ++h;
      if (!only_have) ++w;
    }
  };
  differ(
      stored.balances(), seen_.balances(), account_text, [](amount v) { return std::to_string(v); }, "0");
  differ(stored.cells(), seen_.cells(), cell_text, value_text, "nothing");
}

// -- bytes that belong to nothing --------------------------------------------------

void auditor::strays() {
  for (const auto& [id, sizes] : cited_) {
    if (held(id)) continue;
    for (const auto& [size, list] : sizes)
      for (const auto& c : list) {
        if (!c.sole) {
          ++report_.heads_elsewhere;
        } else {
          problem(c.check, stream_name(id), {}, std::to_string(size) + " entries, says " + c.where,
                  "no such stream: this data is an old copy");
        }
      }
  }
  std::map<epoch_id, std::uint64_t> own;
  for (const auto& id : journals())
    if (is_own(id.writer)) own[id.writer.epoch] = size_of(id);

  // Walks from one end of a known run to the next, so that a large ledger costs a few seeks.
  bytes from;
  for (auto c = store_.scan(family::entries, from); c->valid(); c = store_.scan(family::entries, from)) {
    bytes key(c->key());
    from = key + '\0';
    byte_reader r(byte_view(key).substr(std::min<std::size_t>(1, key.size())));
    if (key[0] == 'e') {
      epoch_id epoch;
      r.fixed(epoch.value);
      auto seq = r.u64be();
      auto it = own.find(epoch);
      if (r.at_end() && it != own.end() && seq < it->second) {
        from = own_entry_key(epoch, it->second);
        continue;
      }
      problem(check_streams, "epoch " + to_hex(view_of(epoch.value)), seq, "nothing behind the head of the journal",
              "an entry");
      continue;
    }
    auto id = parse_stream_key(r.raw(17));
    if (id && held(*id) && key[0] == 't') {
      from = bytes(key.substr(0, 18)) + bytes(10, '\xff');
    } else if (id && held(*id) && key[0] == 'i' && is_own(id->writer) && id->sub != sub_stream::journal &&
               r.u64be() < size_of(*id)) {
      from = stream_index_key(*id, size_of(*id));
    } else {
      problem(key[0] == 't'   ? check_tiles
              : key[0] == 'i' ? check_sub_streams
                              : check_streams,
              id ? stream_name(*id) : "key " + to_hex(key), {}, "nothing behind the head of the stream",
              "a stray record");
    }
  }
  from.clear();
  for (auto c = store_.scan(family::segments, from); c->valid(); c = store_.scan(family::segments, from)) {
    bytes key(c->key());
    from = key + '\0';
    auto id = parse_stream_key(byte_view(key).substr(0, 17));
    byte_reader r(byte_view(key).substr(std::min<std::size_t>(17, key.size())));
    auto first = r.u64be();
    bool may = id && held(*id) && (!is_own(id->writer) || (is_given_back(*id) && first >= reader_.indexed(*id)));
    if (may && r.at_end() && first < size_of(*id)) {
      from = segment_key(*id, size_of(*id));
    } else {
      problem(check_segments, id ? stream_name(*id) : "key " + to_hex(key), first,
              "nothing behind the head of the stream", "a stray segment");
    }
  }
}

}  // namespace tally::audit_detail
