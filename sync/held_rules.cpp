#include "sync/held_rules.hpp"

#include <algorithm>

#include "storage/entry_codec.hpp"
#include "sync/entry_walk.hpp"

namespace tally {

result<catalogue> held_rules(const stream_reader& reader, node_id self,
                             std::map<std::uint64_t, std::uint32_t>* published) {
  auto streams = reader.list();
  if (!streams) return streams.error();
  catalogue out;
  for (const auto& id : *streams) {
    if (id.sub != sub_stream::directory) continue;
    TALLY_TRY(each_entry(reader, id, self, [&](sequence, byte_view data) {
      if (peek_kind(data) != entry_kind::publish) return done();
      auto e = decode_entry(data);
      if (!e || e->topic != publish_topic::rules) return done();
      auto rules = decode_rules(e->blob);
      if (!rules) return done();
      if (published) {  // what a lost life had published may stand in the next one's directory too: the first counts
        auto [it, fresh] = published->try_emplace(rules->version, e->business_date);
        it->second = std::min(it->second, e->business_date);
      }
      out.add(std::move(*rules));
      return done();
    }));
  }
  return out;
}

}  // namespace tally
