#include "storage/upgrade.hpp"

#include <algorithm>

#include "storage/entry_codec.hpp"
#include "storage/varint.hpp"

namespace tally {
namespace {

constexpr byte_view format_key = "format", self_key = "self", cursor_key = "upgrade";
constexpr std::size_t entries_per_piece = 1'000;

// Nobody said what form such data has. It is taken for ours only when each entry of the own journals can be read.
result<bool> read_through(const kv_store& store, bytes& cursor, kv_batch&) {
  auto c = store.scan(family::entries, cursor.empty() ? byte_view("e") : byte_view(cursor));
  for (std::size_t n = 0; c->valid() && c->key().substr(0, 1) == "e"; c->next()) {
    if (n++ == entries_per_piece) {
      cursor = bytes(c->key());
      return false;
    }
    if (auto e = decode_entry(c->value()); !e)
      return error{e.code() == errc::unsupported ? e.code() : errc::corrupt,
                   "an entry of this node's journal cannot be read: " + e.error().detail};
  }
  TALLY_TRY(c->state());
  return true;
}

bytes number(std::uint64_t v) {
  byte_writer w;
  w.uv(v);
  return w.take();
}

struct place {
  std::uint64_t to = 0;
  bytes cursor;
};

result<place> read_place(const kv_store& store) {
  bytes v;
  auto found = store.get(family::meta, cursor_key, v);
  if (found == lookup::failed) return error{errc::io, "the database could not be read"};
  place p;
  if (found == lookup::absent) return p;
  byte_reader r(v);
  p.to = r.uv();
  p.cursor = bytes(r.str(1'000));
  if (!r.ok() || !r.at_end()) return error{errc::corrupt, "how far the data was brought to this program's form"};
  return p;
}

}  // namespace

const std::vector<upgrade_step>& upgrade_steps() {
  static const std::vector<upgrade_step> all{
      {1, "data without a number: each entry of the own journal is read", read_through}};
  return all;
}

result<std::uint64_t> format_of(const kv_store& store, std::uint64_t newest) {
  bytes v;
  auto found = store.get(family::meta, format_key, v);
  if (found == lookup::failed) return error{errc::io, "the database could not be read"};
  if (found == lookup::absent) {
    found = store.get(family::meta, self_key, v);
    if (found == lookup::failed) return error{errc::io, "the database could not be read"};
    return found == lookup::absent ? newest : std::uint64_t{0};
  }
  byte_reader r(v);
  auto format = r.uv();
  if (!r.ok() || !r.at_end()) return error{errc::corrupt, "the number of the data's form"};
  if (format > newest)
    return error{errc::unsupported, "the data was written by a later version of Tallystick (form " +
                                        std::to_string(format) + "; this program knows forms up to " +
                                        std::to_string(newest) + "): start that version again"};
  return format;
}

result<upgrade_done> upgrade(kv_store& store, std::span<const upgrade_step> steps) {
  // What is left out is no step: it comes and goes with `link.skip`.
  auto newest = std::max(format_known, steps.empty() ? 0 : steps.back().to);
  auto format = format_of(store, newest);
  if (!format) return format.error();
  upgrade_done out{*format, *format, 0, false};
  auto at = read_place(store);
  if (!at) return at.error();
  for (const auto& step : steps) {
    if (step.to <= out.to) continue;
    if (step.to != out.to + 1)
      return error{errc::unsupported, "this program has no way from data of form " + std::to_string(out.to) +
                                          ": start a version in between first"};
    bytes cursor = at->to == step.to ? at->cursor : bytes();
    out.resumed = out.resumed || !cursor.empty();
    for (bool last = false; !last; ++out.pieces) {
      kv_batch batch;
      auto done = step.piece(store, cursor, batch);
      if (!done) return done.error();
      last = *done;
      if (last) {
        batch.put(family::meta, format_key, number(step.to));
        batch.erase(family::meta, cursor_key);
      } else {
        byte_writer w;
        w.uv(step.to);
        w.str(cursor);
        batch.put(family::meta, cursor_key, w.take());
      }
      TALLY_TRY(store.commit(batch, true));
    }
    out.to = step.to;
  }
  return out;
}

}  // namespace tally
