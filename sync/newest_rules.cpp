#include "sync/newest_rules.hpp"

#include "storage/entry_codec.hpp"
#include "sync/entry_walk.hpp"

namespace tally {

namespace {

status each_rules(const stream_reader& reader, node_id self, const std::function<void(rules_record)>& visit) {
  auto streams = reader.list();
  if (!streams) return streams.error();
  for (const auto& id : *streams) {
    if (id.sub != sub_stream::directory) continue;
    TALLY_TRY(each_entry(reader, id, self, [&](sequence, byte_view data) {
      if (peek_kind(data) != entry_kind::publish) return done();
      auto e = decode_entry(data);
      if (!e || e->topic != publish_topic::rules) return done();
      if (auto rules = decode_rules(e->blob)) visit(std::move(*rules));
      return done();
    }));
  }
  return done();
}

}  // namespace

result<std::optional<rules_record>> newest_rules(const stream_reader& reader, node_id self) {
  std::optional<rules_record> out;
  TALLY_TRY(each_rules(reader, self, [&](rules_record r) {
    if (!out || r.version >= out->version) out = std::move(r);
  }));
  return out;
}

result<catalogue> all_rules(const stream_reader& reader, node_id self) {
  catalogue out;
  TALLY_TRY(each_rules(reader, self, [&](rules_record r) { out.add(std::move(r)); }));
  return out;
}

}  // namespace tally
