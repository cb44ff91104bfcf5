// Goods that come back and money that is put aside, at the mock node: those calls of docs/http-api.md.

/** Receipts of another store, by the text of their code. */
export const elsewhereCode = 'TALLYR2.elsewhere';

export function returnCalls(state, { ok, refuse, record }) {
  const cardOf = (account) => [...state.cards.values()].find((it) => it.account === account);
  function refund(terminal, body) {
    const was = body.proof === elsewhereCode ? { id: '4.5f0c1a2b3c4d5e6f.9', lines: [{ product: 1, name: 'White loaf', price: 1250, quantity: 2, tax: 'A' }] }
      : state.receipts.get(body.receipt);
    if (!was) return refuse(404, 'not_found');
    const lines = body.lines.map((it) => ({ ...was.lines.find((of) => of.product === it.product), quantity: it.quantity }));
    const total = lines.reduce((sum, it) => sum + it.price * it.quantity, 0);
    const card = body.to === 'card' ? cardOf(was.account) : undefined;
    if (card) card.here += total;
    const tenders = body.to === 'card' ? [] : [{ kind: body.to, amount: total }];
    state.lastRefund = body;
    return ok(record(terminal, body.counter, 'refund', card ?? null, lines, total, tenders, was.id));
  }
  function authorise(terminal, body) {
    const card = state.cards.get(body.card);
    if (card.here < body.amount) return refuse(409, 'insufficient', { here: card.here, elsewhere: card.elsewhere, short: body.amount - card.here });
    card.here -= body.amount;
    return ok(record(terminal, body.counter, 'authorisation', card, [], body.amount, [{ kind: 'card', amount: body.amount }]));
  }
  /** `taken` of it, the rest goes back. */
  function end(terminal, body, kind, taken, lines, total, tenders) {
    const was = state.receipts.get(body.authorisation);
    if (!was || was.ended) return refuse(was ? 409 : 404, was ? 'already_reversed' : 'not_found');
    if (taken > was.total) return refuse(409, 'bad_amount');
    was.ended = true;
    const card = cardOf(was.account);
    card.here += was.total - taken;
    const receipt = record(terminal, body.counter, kind, card, lines, total, tenders);
    receipt.authorisation = was.id;
    return ok(receipt);
  }
  function capture(terminal, body) {
    const price = (id) => state.products.find((it) => it.id === id).price;
    const total = body.lines.reduce((sum, it) => sum + price(it.product) * it.quantity, 0);
    const sum = body.tenders.reduce((all, it) => all + it.amount, 0);
    if (sum !== total) return refuse(409, 'bad_tender');
    const taken = body.tenders.filter((it) => it.kind === 'card').reduce((all, it) => all + it.amount, 0);
    return end(terminal, body, 'capture', taken, [], total, body.tenders);
  }
  const giveBack = (terminal, body) => end(terminal, body, 'void', 0, [], state.receipts.get(body.authorisation)?.total ?? 0, []);
  function adjust(terminal, body) {
    const card = state.cards.get(body.card);
    const purse = (card.purses[body.purse] ??= { here: 0 });
    if (purse.here + body.units < 0)
      return refuse(409, 'insufficient', { here: purse.here, elsewhere: null, short: -body.units - purse.here, purse: body.purse });
    purse.here += body.units;
    return ok({ ...record(terminal, body.counter, 'adjustment', card, [], 0, []), reason: body.reason });
  }
  function give(terminal, body) {
    const [from, to] = [state.cards.get(body.card), state.cards.get(body.to)];
    if (!to) return refuse(409, 'unknown_card');
    // The code of a voucher says itself what it gives.
    const { purse: id, units } = { purse: from.voucher?.purse, units: from.voucher?.units, ...body };
    if (from.voucher?.taken_here) return refuse(409, 'voucher_used');
    const purse = (card) => (card.purses[id] ??= { here: 0 });
    if (purse(from).here < units)
      return refuse(409, 'insufficient', { here: purse(from).here, elsewhere: null, short: units - purse(from).here, purse: id });
    purse(from).here -= units;
    purse(to).here += units;
    if (from.voucher) from.voucher.taken_here = units;
    return ok(record(terminal, body.counter, 'gift', from, [], 0, []));
  }
  return {
    '/api/v1/transfers': give,
    '/api/v1/adjustments': adjust,
    '/api/v1/refunds': refund,
    '/api/v1/authorisations': authorise,
    '/api/v1/captures': capture,
    '/api/v1/voids': giveBack,
  };
}

/** What the check of a receipt's code says. */
export function checkCall({ ok, refuse }, body) {
  if (body.code !== elsewhereCode) return refuse(409, 'bad_signature');
  const entry = { kind: 'sale', paid: 2500, account: null, by_card: false, lines: [{ product: 1, quantity: 2 }] };
  return ok({ id: '4.5f0c1a2b3c4d5e6f.9', standing: 'signed_only', node: 4, store: 'Store B', entries: 0, hq_cosigned_at: null, entry });
}
