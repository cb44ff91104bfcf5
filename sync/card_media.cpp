#include "sync/card_media.hpp"

#include "storage/kv_state.hpp"

namespace tally {
namespace {

bytes media_prefix() { return {cell_prefix, static_cast<char>(cell_type::medium)}; }

bytes medium_in(const cell_key& k) {
  bytes out;
  for (auto half : {k.a, k.b})
    for (int shift = 56; shift >= 0; shift -= 8)
      out.push_back(static_cast<char>(half >> shift & 0xFF));
  return out;
}

}  // namespace

media_search::media_search(account_id account) : account_(account), at_(media_prefix()) {}

result<bool> media_search::step(const kv_store& store, std::size_t most) {
  const auto prefix = media_prefix();
  auto c = store.scan(family::state, at_);
  for (; c->valid() && c->key().starts_with(prefix) && most > 0; c->next(), --most) {
    auto k = parse_cell_key(c->key());
    auto v = k ? decode_cell(c->value()) : std::nullopt;
    // One that cannot be read may be the one that is looked for.
    if (!v) return error{errc::corrupt, "the account of a card's number"};
    if (static_cast<std::uint64_t>(v->n) == account_.value) found_.push_back(medium_in(*k));
  }
  if (auto ok = c->state(); !ok) return ok.error();
  if (!c->valid() || !c->key().starts_with(prefix)) return false;
  at_ = bytes(c->key());
  return true;
}

}  // namespace tally
