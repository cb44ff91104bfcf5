#pragma once
// What the tests of the audit share: one traded chain, and copies of its stores that can be spoiled.
#include <catch2/catch.hpp>

#include <algorithm>

#include "sync/audit_chain.hpp"
#include "sync/entry_walk.hpp"

namespace tally::test {

/// The chain with its history: made once, never changed by a test.
inline audit_chain& traded() {
  static auto chain = [] {
    auto c = std::make_unique<audit_chain>();
    c->history();
    return c;
  }();
  return *chain;
}

inline std::string text_of(const audit_report& r) {
  std::string out;
  for (const auto& l : r.lines)
    for (const auto& p : l.problems)
      out += l.check + ": " + p.where + (p.seq ? " " + std::to_string(*p.seq) : "") + ": expected " + p.expected +
             ", found " + p.found + "\n";
  return out;
}

/// The problems of one line; the report must exist.
inline std::vector<audit_problem> problems(const result<audit_report>& r, std::string_view check) {
  REQUIRE(r.ok());
  CHECK_FALSE(r->ok());
  INFO(text_of(*r));
  const auto* l = r->line(check);
  REQUIRE(l);
  return l->problems;
}

inline bool names(const std::vector<audit_problem>& list, const std::string& where, std::optional<sequence> seq) {
  return std::any_of(list.begin(), list.end(),
                     [&](const audit_problem& p) { return p.where == where && p.seq == seq && p.expected != p.found; });
}

/// A copy of a node's store that can be spoiled.
struct copy {
  memory_kv store;
  explicit copy(std::uint32_t id) : store(traded().node(id).store.image()) {}
  bytes get(family f, const bytes& key) const {
    bytes v;
    REQUIRE(store.get(f, key, v) == lookup::found);
    return v;
  }
  void put(family f, bytes key, bytes value) {
    kv_batch b;
    b.put(f, std::move(key), std::move(value));
    REQUIRE(store.commit(b, true).ok());
  }
  void erase(family f, bytes key) {
    kv_batch b;
    b.erase(f, std::move(key));
    REQUIRE(store.commit(b, true).ok());
  }
  result<audit_report> check() const { return traded().check(store); }
  std::vector<segment> segments(const stream_id& id) const {
    std::vector<segment> out;
    for (auto c = store.scan(family::segments, stream_key(id)); c->valid() && c->key().substr(0, 17) == stream_key(id);
         c->next())
      out.push_back(*decode_segment(c->value()));
    return out;
  }
};

inline stream_id journal_of(std::uint32_t id) { return traded().node(id).journal(); }
inline std::string name_of(std::uint32_t id) { return stream_name(journal_of(id)); }
inline bytes flip(bytes v, std::size_t at) {
  v[at] = static_cast<char>(v[at] ^ 1);
  return v;
}

}  // namespace tally::test
