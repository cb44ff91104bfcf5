#include "node/tills.hpp"

#include <algorithm>
#include <deque>
#include <shared_mutex>

#include "storage/varint.hpp"

namespace tally {
namespace {

constexpr std::string_view record_key = "till/book";
constexpr std::size_t token_octets_max = 128;  // longer text is no token and is not hashed

struct open_code {
  secret_hash hash{};
  unix_seconds expiry{};
  std::uint32_t index{};  ///< of the till that is paired again; 0: a new one
};
struct paired_till {
  std::uint32_t index{};
  secret_hash token{};
  unix_seconds paired_at{};
};
struct till_record {
  std::vector<open_code> codes;
  std::vector<paired_till> tills;

  const paired_till* find(std::uint32_t index) const {
    for (const auto& t : tills)
      if (t.index == index) return &t;
    return nullptr;
  }
  std::optional<std::uint32_t> free_index() const {
    for (std::uint32_t i = 1; i <= tills::index_max; ++i)
      if (!find(i)) return i;
    return std::nullopt;
  }
  void forget_expired(unix_seconds now) {
    // A clock that was set back must not make a code live longer than its time.
    std::erase_if(codes, [&](const open_code& c) { return now >= c.expiry || now < c.expiry - tills::code_life; });
  }
};

bytes encode(const till_record& r) {
  byte_writer w;
  w.uv(1);
  w.uv(r.codes.size());
  for (const auto& c : r.codes) {
    w.fixed(c.hash);
    w.sv(c.expiry);
    w.uv(c.index);
  }
  w.uv(r.tills.size());
  for (const auto& t : r.tills) {
    w.uv(t.index);
    w.fixed(t.token);
    w.sv(t.paired_at);
  }
  return w.take();
}

result<till_record> decode(byte_view data) {
  byte_reader in(data);
  till_record r;
  if (in.uv() != 1) in.fail();
  r.codes.resize(static_cast<std::size_t>(in.uv(tills::codes_max)));
  for (auto& c : r.codes) {
    in.fixed(c.hash);
    c.expiry = in.sv();
    c.index = static_cast<std::uint32_t>(in.uv(tills::index_max));
  }
  r.tills.resize(static_cast<std::size_t>(in.uv(tills::index_max)));
  for (auto& t : r.tills) {
    t.index = static_cast<std::uint32_t>(in.uv(tills::index_max));
    in.fixed(t.token);
    t.paired_at = in.sv();
    if (t.index == 0) in.fail();
  }
  if (!in.at_end()) return error{errc::corrupt, "the record of paired tills"};
  return r;
}

bool same(const secret_hash& a, const secret_hash& b) { return equal_constant_time(view_of(a), view_of(b)); }

}  // namespace

struct tills::inner : std::enable_shared_from_this<tills::inner> {
  node_facade& node;
  node_id self;
  const node_secret& secret;
  entropy& random;
  mutable std::shared_mutex mutex;
  till_record record;
  bool writing = false;
  struct wrong_code {
    tick_ms at;
    std::string from;
  };
  std::deque<wrong_code> wrong;  // of the last minute, at most wrong_total_max
  std::function<void(const std::string&)> locked_out;

  inner(node_facade& n, node_id s, const node_secret& k, entropy& r) : node(n), self(s), secret(k), random(r) {}

  std::uint32_t terminal(std::uint32_t index) const { return self.value * 64 + index; }

  /// REQUIRES: `writing` was set by the caller. The new record counts once it is durable.
  void write(till_record next, std::function<void(bool)> then) {
    auto data = encode(next);
    node.remember(std::string(record_key), std::move(data),
                  [me = shared_from_this(), next = std::move(next), then = std::move(then)](bool ok) {
                    {
                      std::unique_lock lock(me->mutex);
                      if (ok) me->record = next;
                      me->writing = false;
                    }
                    then(ok);
                  });
  }

  result<std::pair<till_record, new_code>> prepare_code(std::optional<std::uint32_t> wanted, moment now) {
    std::unique_lock lock(mutex);
    if (writing) return error{errc::busy, "a till is being paired"};
    till_record next = record;
    next.forget_expired(now.wall);
    std::uint32_t index = 0;
    if (wanted) {
      index = *wanted - self.value * 64;
      if (*wanted < self.value * 64 || !next.find(index)) return error{errc::not_found, "no such till here"};
    } else if (!next.free_index()) {
      return error{errc::over_ceiling, "all 63 tills of this node are paired: pair one of them again by its number"};
    }
    if (next.codes.size() >= codes_max) return error{errc::full, "10 pairing codes are open: use one, or wait"};
    new_code made{"", now.wall + code_life};
    for (;;) {
      made.code = make_pairing_code(random);
      auto hash = hash_pairing_code(secret, made.code);
      invariant(hash.has_value(), "a code that was just made has a hash");
      if (std::any_of(next.codes.begin(), next.codes.end(), [&](const auto& c) { return c.hash == *hash; })) continue;
      next.codes.push_back({*hash, made.expiry, index});
      break;
    }
    writing = true;
    return std::pair{std::move(next), std::move(made)};
  }

  std::size_t wrong_from(const std::string& from) const {
    return static_cast<std::size_t>(std::ranges::count(wrong, from, &wrong_code::from));
  }
  /// What pairing was closed by with the newest wrong code; empty when it was not.
  std::string note_wrong(const std::string& from, moment now) {
    wrong.push_back({now.tick, from});
    if (wrong.size() == wrong_total_max)
      return std::to_string(wrong_total_max) + " wrong pairing codes within a minute: pairing is closed for everyone";
    if (wrong_from(from) == wrong_max)
      return std::to_string(wrong_max) + " wrong pairing codes within a minute from " + from + ": closed for it";
    return {};
  }

  result<std::pair<till_record, pairing>> prepare_pairing(std::string_view code, const std::string& from, moment now,
                                                          std::string& closed) {
    std::unique_lock lock(mutex);
    while (!wrong.empty() && now.tick - wrong.front().at >= wrong_window_ms)
      wrong.pop_front();
    if (wrong.size() >= wrong_total_max || wrong_from(from) >= wrong_max)
      return error{errc::busy, "too many wrong codes: wait a minute"};
    if (writing) return error{errc::busy, "another till is being paired"};
    till_record next = record;
    next.forget_expired(now.wall);
    auto hash = hash_pairing_code(secret, code);
    auto it =
        hash ? std::find_if(next.codes.begin(), next.codes.end(), [&](const auto& c) { return same(c.hash, *hash); })
             : next.codes.end();
    if (it == next.codes.end()) {
      closed = note_wrong(from, now);
      return error{errc::bad_token, "the pairing code is wrong, used or older than 10 minutes"};
    }
    auto index = it->index != 0 ? std::optional(it->index) : next.free_index();
    next.codes.erase(it);
    if (!index) return error{errc::over_ceiling, "all 63 tills of this node are paired"};
    pairing made{terminal(*index), make_bearer_token(random)};
    std::erase_if(next.tills, [&](const paired_till& t) { return t.index == *index; });
    next.tills.push_back({*index, hash_bearer_token(made.token), now.wall});
    writing = true;
    return std::pair{std::move(next), std::move(made)};
  }
};

tills::tills(node_facade& node, node_id self, const node_secret& secret, entropy& random)
    : inner_(std::make_shared<inner>(node, self, secret, random)) {}

status tills::load() {
  if (inner_->self.value >= (1u << 26))
    return error{errc::unsupported, "node numbers above 67108863 have no terminals"};
  auto data = inner_->node.recall(record_key);
  if (!data) return tally::done();
  auto record = decode(*data);
  if (!record) return record.error();
  std::unique_lock lock(inner_->mutex);
  inner_->record = std::move(*record);
  return tally::done();
}

void tills::make_code(std::optional<std::uint32_t> terminal, moment now,
                      std::function<void(const result<new_code>&)> done) {
  auto prepared = inner_->prepare_code(terminal, now);
  if (!prepared) return done(prepared.error());
  inner_->write(std::move(prepared->first), [made = std::move(prepared->second), done = std::move(done)](bool ok) {
    done(ok ? result<new_code>(made) : result<new_code>(errc::io));
  });
}

void tills::on_lock_out(std::function<void(const std::string&)> told) { inner_->locked_out = std::move(told); }

void tills::pair(std::string_view code, const std::string& from, moment now,
                 std::function<void(const result<pairing>&)> done) {
  std::string closed;
  auto prepared = inner_->prepare_pairing(code, from, now, closed);
  if (!closed.empty() && inner_->locked_out) inner_->locked_out(closed);
  if (!prepared) return done(prepared.error());
  inner_->write(std::move(prepared->first), [made = std::move(prepared->second), done = std::move(done)](bool ok) {
    done(ok ? result<pairing>(made) : result<pairing>(errc::io));
  });
}

std::optional<std::uint32_t> tills::terminal_of(std::string_view token) const {
  if (token.empty() || token.size() > token_octets_max) return std::nullopt;
  auto hash = hash_bearer_token(token);
  std::shared_lock lock(inner_->mutex);
  for (const auto& t : inner_->record.tills)
    if (same(t.token, hash)) return inner_->terminal(t.index);
  return std::nullopt;
}

std::vector<tills::till> tills::list() const {
  std::shared_lock lock(inner_->mutex);
  std::vector<till> out;
  for (const auto& t : inner_->record.tills)
    out.push_back({inner_->terminal(t.index), t.paired_at});
  std::sort(out.begin(), out.end(), [](const till& a, const till& b) { return a.terminal < b.terminal; });
  return out;
}

}  // namespace tally
