#include "sync/left_behind.hpp"

#include "ledger/closing.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "sync/entry_walk.hpp"
#include "sync/station_facts.hpp"

namespace tally {
namespace {

/// What was known when that life ended, and the cosignatures that came since.
std::uint64_t held_by_any(const stream_reader& reader, const stream_id& id) {
  const auto& store = reader.store();
  std::uint64_t size = 0;
  for (const auto& mark : {astray_key(id.writer), short_key(id.writer)})
    if (bytes v; store.get(family::meta, mark, v) == lookup::found && !v.empty())
      size = std::max(size, byte_reader(v).uv());
  byte_writer key;
  key.u8('c');
  key.raw(stream_key(id));
  for (auto c = store.scan(family::meta, key.view()); c->valid() && c->key().starts_with(key.view()); c->next()) {
    auto m = decode_message(c->value());
    const auto* sign = m ? std::get_if<cosign_message>(&*m) : nullptr;
    if (sign) size = std::max(size, held_by(reader, id, *sign));
  }
  return size;
}

}  // namespace

std::uint64_t held_by(const stream_reader& reader, const stream_id& own, const std::optional<cosign_message>& by) {
  if (!by || by->stream != own || by->size > reader.size(own)) return 0;
  auto root = root_at(by->size, reader.nodes(own, own.writer));
  return root && *root == by->root ? by->size : 0;
}

result<std::vector<left_behind>> left_behind_of(const kv_store& store, node_id self) {
  stream_reader reader(store);
  auto now = reader.self();
  if (!now) return now.error();
  auto list = reader.list();
  if (!list) return list.error();
  std::vector<left_behind> out;
  durable_state known(store);
  for (const auto& id : *list) {
    if (id.sub != sub_stream::journal || id.writer.node != self) continue;
    const auto ended = retired_at(known, id.writer);
    const bool astray = went_astray(store, id.writer) || was_cut_short(store, id.writer);
    if (!ended && (!astray || id.writer == *now)) continue;
    left_behind b{id, ended ? *ended : held_by_any(reader, id), reader.size(id), 0, ended.has_value()};
    if (b.from >= b.size) continue;
    entry_walk walk(store, id, self, b.from, b.size);
    while (auto item = walk.next())
      if (auto e = decode_entry(item->data); e && e->terminal != 0) ++b.of_tills;
    if (const auto& d = walk.damage())
      return error{d->code, stream_name(id) + " entry " + std::to_string(d->at) + ": expected " + d->expected +
                                ", found " + d->found};
    if (b.of_tills != 0) out.push_back(b);
  }
  if (known.read_failed()) return error{errc::io, "the directory"};
  return out;
}

}  // namespace tally
