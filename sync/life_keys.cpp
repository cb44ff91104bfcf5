#include "sync/life_keys.hpp"

#include <algorithm>

#include "ledger/closing.hpp"
#include "ledger/state.hpp"

namespace tally {
namespace {

constexpr int lives_max = 64;

/// Serial of the certificate that the epoch, or the nearest before it which one names, began with; none: nobody can
/// tell.
std::optional<std::uint64_t> began_with(const std::vector<const certificate*>& all, const state& journals, node_id node,
                                        std::optional<epoch_id> epoch) {
  for (int i = 0; i < lives_max && epoch; ++i) {
    auto named = std::ranges::find(all, *epoch, [](const certificate* c) { return c->epoch; });
    if (named != all.end()) return (*named)->serial;
    auto h = heritage_of(journals, {node, *epoch});
    epoch = h ? std::optional(h->before) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::vector<public_key> keys_of_life(const certificate_book& book, const state& journals, const state& directory,
                                     const stream_id& id, const entry* first) {
  const auto& w = id.writer;
  auto keys = book.keys_for(w);
  auto all = book.all_of(w.node);  // by serial
  if (std::ranges::any_of(all, [&](const certificate* c) { return c->epoch == w.epoch; })) return keys;
  const auto record = node_of(directory, w.node);
  const bool told = (record && record->epoch == w.epoch) || closing_of(directory, w);
  std::optional<std::uint64_t> since;
  if (id.sub == sub_stream::journal) {
    std::optional<epoch_id> before;
    if (first && first->kind == entry_kind::open_epoch && first->head) {
      before = first->head->stream.writer.epoch;
    } else if (auto h = heritage_of(journals, w)) {
      before = h->before;
    }
    since = began_with(all, journals, w.node, before);
  }
  // It began under keys that may have been revoked since, and they sign its end as well: that comes late, off a disk or
  // by a region that was dark. What of it counts is decided elsewhere.
  if (since || told) keys = keys_of_held(book, w);
  if (keys.size() < 2 || (told && id.sub != sub_stream::journal)) return keys;
  const auto newest = all.back()->signing;
  std::erase_if(keys, [&](const public_key& k) {
    if (!since) return k != newest;
    return std::ranges::none_of(all, [&](const certificate* c) { return c->signing == k && c->serial >= *since; });
  });
  return keys;
}

std::vector<public_key> keys_of_held(const certificate_book& book, const writer_id& writer) {
  const auto all = book.all_of(writer.node);  // by serial
  if (std::ranges::any_of(all, [&](const certificate* c) { return c->epoch == writer.epoch; }))
    return book.keys_for(writer);
  std::vector<public_key> keys;
  for (auto it = all.rbegin(); it != all.rend(); ++it)
    if (std::ranges::find(keys, (*it)->signing) == keys.end()) keys.push_back((*it)->signing);
  return keys;
}

}  // namespace tally
