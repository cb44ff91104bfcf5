#include "node/backup.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "devices/driver_fd.hpp"
#include "storage/rocks_kv.hpp"
#include "storage/streams.hpp"
#include "sync/certificate.hpp"
#include "sync/station_facts.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t batch_octets = std::size_t{1} << 20;
constexpr int kept_max = 1'000;

struct figures {
  std::uint64_t records = 0, octets = 0;
};

// The bar needs an end; reading keys alone is a small part of the work.
result<std::uint64_t> count_records(const kv_store& from) {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < family_count; ++i) {
    if (static_cast<family>(i) == family::spool) continue;
    auto c = from.scan(static_cast<family>(i), {});
    for (; c->valid(); c->next())
      ++n;
    TALLY_TRY(c->state());
  }
  return n;
}

result<figures> copy_records(const kv_store& from, kv_store& to, const backup_progress& tell) {
  figures f;
  auto total = count_records(from);
  if (!total) return total.error();
  kv_batch batch;
  for (std::size_t i = 0; i < family_count; ++i) {
    auto where = static_cast<family>(i);
    if (where == family::spool) continue;
    auto c = from.scan(where, {});
    for (; c->valid(); c->next()) {
      batch.put(where, c->key(), c->value());
      f.octets += c->key().size() + c->value().size();
      ++f.records;
      if (batch.octets() < batch_octets) continue;
      TALLY_TRY(to.commit(batch, false));
      batch.clear();
      if (tell) tell(f.records, *total);
    }
    TALLY_TRY(c->state());
  }
  mark_as_copy(batch);
  TALLY_TRY(to.commit(batch, true));
  if (tell) tell(f.records, *total);
  return f;
}

/// A new database with all records; nothing of it is left when it cannot be made.
status copy_into(const fs::path& dir, const kv_store& from, backup_figures& out, const backup_progress& tell) {
  auto made = [&]() -> result<figures> {
    auto target = open_rocks(dir, {.create = true});
    if (!target) return target.error();
    return copy_records(from, **target, tell);
  }();
  if (!made) {
    std::error_code ignored;
    fs::remove_all(dir, ignored);
    return made.error();
  }
  out.records = made->records;
  out.octets = made->octets;
  return done();
}

result<backup_figures> describe(const kv_store& store, const node_identity& identity) {
  stream_reader reader(store);
  auto self = reader.self();
  if (!self) return self.error();
  if (self->node != identity.node) return error{errc::corrupt, "the database is not this node's"};
  return backup_figures{identity, *self, reader.size({*self, sub_stream::journal, {}}), 0, 0};
}

status make_directory(const fs::path& dir) {
  if (::mkdir(dir.c_str(), 0700) == 0 || errno == EEXIST) return done();
  return error{errc::io, os_error("cannot create " + dir.string(), errno)};
}

/// Whether a database went through this life of its node before its present one.
bool lived_before(const kv_store& store, const writer_id& self, const writer_id& then) {
  constexpr int lives_max = 1'000;  // ends a walk over damaged data
  stream_reader reader(store);
  if (reader.own_entry(then, 0)) return true;
  // Of a life that was lost with a disk there is no entry here: the first one of the next life names it.
  auto at = self;
  for (int n = 0; n < lives_max; ++n) {
    auto data = reader.own_entry(at, 0);
    if (!data) return false;
    auto first = decode_entry(*data);
    if (!first || !first->head || first->head->stream.writer.node != self.node) return false;
    at = first->head->stream.writer;
    if (at == then) return true;
  }
  return false;
}

/// What is there that a restore would put aside.
struct present_data {
  writer_id self;
  std::uint64_t entries = 0;
  bool later_life = false;  ///< than the backup's
};

/// The database of a data directory whose node must stand still, if it can be read.
result<std::optional<present_data>> look_at(const data_layout& at, const node_identity& identity,
                                            const writer_id& kept) {
  std::error_code ignored;
  if (!fs::exists(at.db() / "CURRENT", ignored)) return std::optional<present_data>();
  auto store = open_rocks(at.db(), {});
  if (!store && store.error().code == errc::locked)
    return error{errc::locked, "the node on " + at.root.string() + " runs; stop it first"};
  if (!store) return std::optional<present_data>();  // damaged: that is what backups are for
  auto known = describe(**store, identity);
  if (!known) return std::optional<present_data>();
  return std::optional(
      present_data{known->self, known->entries, known->self != kept && lived_before(**store, known->self, kept)});
}

/// Sound data that is newer than the backup is better than it.
status not_newer(const present_data& there, const backup_figures& kept) {
  if (there.later_life)
    return error{errc::not_allowed,
                 "the database that is there can be read and is of a later life of this node than the backup: epoch " +
                     to_hex(view_of(there.self.epoch.value)) + ", " + std::to_string(there.entries) +
                     " entries, came after epoch " + to_hex(view_of(kept.self.epoch.value)) +
                     ", of which the backup has " + std::to_string(kept.entries) +
                     ": start the node on what it has, or say --even-if-longer"};
  if (there.entries <= kept.entries) return done();
  return error{errc::not_allowed, "the database that is there can be read and has " + std::to_string(there.entries) +
                                      " entries, the backup " + std::to_string(kept.entries) +
                                      ": start the node on what it has, or say --even-if-longer"};
}

result<fs::path> keep_aside(const data_layout& at) {
  std::error_code bad;
  if (!fs::exists(at.db(), bad)) return fs::path();
  for (int n = 1; n <= kept_max; ++n) {
    auto aside = at.root / ("db.before-" + std::to_string(n));
    if (fs::exists(aside, bad)) continue;
    fs::rename(at.db(), aside, bad);
    if (bad) return error{errc::io, "cannot keep the old database as " + aside.string() + ": " + bad.message()};
    return aside;
  }
  return error{errc::full,
               "too many databases of earlier restores lie in " + at.root.string() + "; remove db.before-*"};
}

bool knows_others(const kv_store& store) {
  const auto first = certificate_key(node_id{head_office.value + 1}, 0);
  auto c = store.scan(family::meta, first);
  return c->valid() && c->key().starts_with(first.substr(0, 1));
}

status mark_in(const fs::path& db, const std::vector<node_id>& without) {
  auto store = open_rocks(db, {});
  if (!store) return store.error();
  if (!is_copy(**store))
    return error{errc::not_allowed, "the database is no backup, or head office has gone on from it already"};
  kv_batch batch;
  mark_as_copy(batch, without);
  return (*store)->commit(batch, true);
}

}  // namespace

status go_on_without(const fs::path& data, const std::vector<node_id>& without) {
  auto there = read_identity(data);
  if (!there) return there.error();
  if (there->role != node_role::hq)
    return error{errc::not_allowed, "--without is for head office: it alone asks the nodes below"};
  return mark_in(data_layout{data}.db(), without);
}

result<backup_figures> write_backup(const fs::path& data, const fs::path& to, const backup_progress& tell) {
  auto identity = read_identity(data);
  if (!identity) return identity.error();
  std::error_code bad;
  if (fs::exists(to, bad) && !fs::is_empty(to, bad))
    return error{errc::not_allowed, to.string() + " is not empty; say a new directory"};
  auto store = open_rocks(data_layout{data}.db(), {.read_only = true});
  if (!store) return store.error();
  auto out = describe(**store, *identity);
  if (!out) return out.error();
  TALLY_TRY(make_directory(to));
  data_layout copy{to};
  TALLY_TRY(copy_into(copy.db(), **store, *out, tell));
  TALLY_TRY(write_identity(to, *identity));
  TALLY_TRY(sync_folder(to));
  return out;
}

result<backup_figures> restore_backup(const fs::path& from, const fs::path& data, bool even_if_longer,
                                      const std::vector<node_id>& without, const backup_progress& tell) {
  if (std::error_code ec; fs::equivalent(from, data, ec))
    return error{errc::not_allowed, "the backup is the data directory itself"};
  auto there = read_identity(data), kept = read_identity(from);
  if (!there) return there.error();
  if (!kept) return kept.error();
  if (there->node != kept->node || there->believes.chain != kept->believes.chain ||
      there->believes.root != kept->believes.root)
    return error{errc::not_allowed, "the backup is of node " + std::to_string(kept->node.value) + " of chain " +
                                        kept->believes.chain + ", the data directory of node " +
                                        std::to_string(there->node.value) + " of chain " + there->believes.chain};
  if (there->role != node_role::hq && !without.empty())
    return error{errc::not_allowed, "--without is for head office: it alone asks the nodes below"};
  data_layout at{data};
  auto store = open_rocks(data_layout{from}.db(), {.read_only = true});
  if (!store) return store.error();
  auto out = describe(**store, *kept);
  if (!out) return out.error();
  if (there->role == node_role::hq && !knows_others(**store))
    return error{errc::not_allowed,
                 "the backup is from before the first node was enrolled: it knows nobody whom it "
                 "could ask for what head office published since"};
  auto present = look_at(at, *there, out->self);
  if (!present) return present.error();
  if (*present && !even_if_longer) TALLY_TRY(not_newer(**present, *out));
  auto draft = at.root / "db.restoring";
  std::error_code bad;
  fs::remove_all(draft, bad);
  TALLY_TRY(copy_into(draft, **store, *out, tell));
  if (!without.empty()) TALLY_TRY(mark_in(draft, without));
  auto aside = keep_aside(at);
  if (!aside) return aside.error();
  fs::rename(draft, at.db(), bad);
  if (bad) return error{errc::io, "cannot put the database in its place: " + bad.message()};
  TALLY_TRY(sync_folder(data));
  return out;
}

}  // namespace tally
