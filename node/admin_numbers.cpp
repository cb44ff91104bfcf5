// Numbers that head office draws, of nodes and of accounts: none twice.
#include <algorithm>

#include "ledger/money.hpp"
#include "node/admin_internal.hpp"
#include "node/office.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"
#include "sync/station_facts.hpp"

namespace tally::admin {
namespace {

constexpr std::string_view next_account_key = "cards.next_account";
constexpr std::string_view numbered_in_key = "cards.numbered_in";  // the life of head office that drew them last
constexpr std::uint64_t numbers_lost_max = 1'000;

std::uint64_t recalled_number(const node_facade& node, std::string_view key) {
  auto v = node.recall(key);
  if (!v) return 0;
  byte_reader r(*v);
  auto n = r.uv();
  return r.at_end() ? n : 0;
}

/// Of cards or members that are known here; 0: none. Reads all of them.
std::uint64_t newest_number(const kv_store& store, cell_type type) {
  std::uint64_t out = 0;
  const bytes prefix{cell_prefix, static_cast<char>(type)};
  for (auto c = store.scan(family::state, prefix); c->valid() && c->key().starts_with(prefix); c->next())
    if (auto k = parse_cell_key(c->key())) out = std::max(out, k->a);
  return out;
}

}  // namespace

bytes number_record(std::uint64_t n) {
  byte_writer w;
  w.uv(n);
  return w.take();
}

std::uint32_t take_node_number(node_facade& node, admin_context& context) {
  if (context.next_node == 0) {
    context.next_node = static_cast<std::uint32_t>(recalled_number(node, next_node_key));
    context.next_node = std::max(context.next_node, head_office.value + 1);
    auto now = node.snapshot();
    for (const auto& r : now->below)
      context.next_node = std::max(context.next_node, r.node.value + 1);
  }
  return context.next_node++;
}

std::uint64_t next_account(node_facade& node, admin_context& context) {
  // On a backup others may know of later ones: those are drawn that follow when it goes on.
  if (node.snapshot()->rebuilding) return std::max<std::uint64_t>(1, recalled_number(node, next_account_key));
  if (context.next_account == 0) {
    auto next = std::max<std::uint64_t>(1, recalled_number(node, next_account_key));
    // Numbers that were drawn behind a backup and published nowhere are not drawn again for others.
    const auto self = node.snapshot()->self;
    const bytes life(view_of(self.epoch.value));
    stream_reader reader(node.store());
    auto first = reader.own_entry(self, 0);
    auto opened = first ? decode_entry(*first) : result<entry>(first.error());
    if (opened && opened->head && node.recall(numbered_in_key) != life) {
      for (auto type : {cell_type::card, cell_type::member})
        next = std::max(next, newest_number(node.store(), type) + 1);
      next += numbers_lost_max;
      node.remember(std::string(next_account_key), number_record(next), {});
      node.remember(std::string(numbered_in_key), life, {});
    }
    context.next_account = next;
  }
  return context.next_account;
}

void reserve_cards(call c) {
  auto count = number_in(c.in, "count", 1, admin_cards_reserve_max);
  if (!count) return c.refuse(count.error());
  if (c.node.snapshot()->rebuilding) return c.refuse({errc::rolled_back, std::string(rebuilding_text)});
  std::string prefix;
  if (c.in.contains("prefix")) {
    auto text = text_in(c.in, "prefix", 8);
    if (!text) return c.refuse(text.error());
    if (!card_number(*text, 0, 0)) return c.refuse({errc::malformed, "prefix is 1 to 8 digits"});
    prefix = *text;
  }
  std::unique_lock lock(c.context.mutex);
  auto first = next_account(c.node, c.context);
  if (auto last = first + static_cast<std::uint64_t>(*count) - 1; !prefix.empty() && !card_number(prefix, last, 0))
    return c.refuse({errc::full, "the serial numbers " + std::to_string(first) + " to " + std::to_string(last) +
                                     " do not fit into 16 digits behind prefix " + prefix +
                                     "; take fewer cards or a shorter prefix. No card was made"});
  c.context.next_account = first + static_cast<std::uint64_t>(*count);
  auto next = number_record(c.context.next_account);
  lock.unlock();
  c.node.remember(std::string(next_account_key), next, [respond = c.respond, first](bool ok) {
    if (!ok) return respond(503, error_json({errc::io, "the account numbers could not be reserved"}));
    respond(200, json{{"first", first}}.dump());
  });
}

void allot_account(node_facade& node, admin_context& context, std::function<void(result<std::uint64_t>)> done) {
  if (node.snapshot()->rebuilding) return done(error{errc::rolled_back, std::string(rebuilding_text)});
  std::unique_lock lock(context.mutex);
  auto number = next_account(node, context);
  context.next_account = number + 1;
  auto next = number_record(number + 1);
  lock.unlock();
  node.remember(std::string(next_account_key), next, [done = std::move(done), number](bool ok) {
    ok ? done(number) : done(error{errc::io, "the number could not be reserved"});
  });
}

}  // namespace tally::admin
