// Gifts on the shelf of the mock node, as docs/http-api.md has them. `state.shelf` holds pieces by product.

const giftsOf = (state) =>
  [...new Set(state.programme.purses.flatMap((it) => it.gifts.map((gift) => gift.product)))].sort((a, b) => a - b);

export function shelfCall(state, { ok, refuse }, method, terminal, body, seen) {
  state.shelf ??= new Map();
  const pieces = () => giftsOf(state).map((product) => ({ product, left: state.shelf.get(product) ?? null }));
  if (method === 'GET') return ok({ pieces: pieces() });
  const next = state.counters.get(terminal);
  const answer = (repeated) => ({ pieces: pieces(), repeated, next_counter: state.counters.get(terminal), seen: seen() });
  const key = JSON.stringify([terminal, body.counter]);
  state.shelfSaid ??= new Map();
  const before = state.shelfSaid.get(key);
  if (before) return before === JSON.stringify(body) ? ok(answer(true)) : refuse(409, 'key_reused', { next_counter: next });
  const lines = body.counted ?? body.delivered;
  for (const { product, pieces: n } of lines) {
    if (!giftsOf(state).includes(product)) return refuse(409, 'not_applicable', { next_counter: next });
    if (body.delivered && n < 0 && !state.shelf.has(product))
      return refuse(409, 'not_applicable', {
        detail: `product ${product} was never counted here: count its pieces first`, next_counter: next,
      });
  }
  for (const { product, pieces: n } of lines)
    state.shelf.set(product, body.counted ? n : (state.shelf.get(product) ?? 0) + n);
  state.shelfSaid.set(key, JSON.stringify(body));
  state.counters.set(terminal, body.counter + 1);
  return ok(answer(false));
}
