import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bill, memberCard, quoteMissing, tendersFor, wantedQuote } from '../src/lib/bill.ts';
import { initialModel, reduce } from '../src/lib/till.ts';

const products = [
  { id: 1, ean: '4006381333931', name: { en: 'Bread' }, price: 1_250, tax: 'A' },
  { id: 2, ean: '0012345678905', name: { en: 'Tea' }, price: 600, tax: 'A' },
];
const info = {
  node: 3,
  terminal: 201,
  business_date: '2026-11-22',
  unit: { code: 'CNY', exponent: 2 },
  blocked: null,
  link: { up: true, entries_waiting: 0 },
  devices: {},
};
const programme = {
  version: 1,
  spend_first: 'bonus',
  purses: [
    { id: 2, name: { en: 'Gift money' }, kind: 'bonus', gifts: [] },
    {
      id: 3,
      name: { en: 'Points' },
      kind: 'points',
      rate_units: 100,
      rate_money: 100,
      gifts: [{ product: 2, units: 400 }],
    },
  ],
  levels: [],
  card_kinds: [],
  discounts: [],
  packages: [],
};
const purse = (id, here, elsewhere = null) => ({ purse: id, here, held: here, elsewhere, months: [] });
const card = {
  number: '9704',
  card: {
    account: 17,
    masked: '**** 3931',
    status: 'active',
    here: 1_000,
    elsewhere: 500,
    elsewhere_as_of: 1,
    purses: [purse(2, 100), purse(3, 500, 300)],
  },
};
const play = (model, ...events) => events.reduce(reduce, model);
const shop = play(
  initialModel,
  { type: 'info', info },
  { type: 'products', products },
  { type: 'programme', programme },
);
const add = (product) => ({ type: 'add', product });
const hold = { type: 'card', card };
const quote = (more) => ({
  lines: [],
  gross: 1_250,
  discount: 0,
  uses: [],
  gifts: [],
  due: 1_250,
  bonus: [],
  card_max: 1_100,
  earned: [],
  ...more,
});
/** The answer to what the model asks now. */
const answer = (model, answered) => ({
  type: 'quote',
  key: wantedQuote(model).key,
  uses: model.uses,
  gifts: model.gifts,
  answer: answered,
});
const priced = (model, more) => reduce(model, answer(model, { ok: true, body: quote(more) }));
const refuse = (model, error, status = 409) =>
  reduce(model, answer(model, { ok: false, status, refusal: { error } }));
const use = (units) => ({ type: 'use', purse: 3, units });
const gift = (quantity) => ({ type: 'gift', purse: 3, product: 2, quantity });

test('without a programme nothing is asked, and the sum of prices is due', () => {
  for (const none of [null, { ...programme, purses: [] }]) {
    const model = play(shop, { type: 'programme', programme: none }, add(1), hold);
    assert.equal(wantedQuote(model), null);
    assert.equal(memberCard(model), null);
    assert.deepEqual(bill(model), { state: 'plain', due: 1_250, cardMax: 1_000, quote: null });
  }
  assert.equal(wantedQuote(shop), null, 'an empty basket');
});

test('a card that is good for a part of the goods pays that part, and the rest is cash', () => {
  const model = priced(play(shop, add(1), hold), { due: 1_250, card_max: 400, card_goods: 400 });
  assert.equal(bill(model).cardGoods, 400);
  assert.equal(tendersFor(model, 'card'), null);
  assert.deepEqual(tendersFor(model, 'split'), [
    { kind: 'card', amount: 400 },
    { kind: 'cash', amount: 850 },
  ]);
  assert.deepEqual(tendersFor(model, 'cash'), [{ kind: 'cash', amount: 1_250 }]);
  const none = priced(play(shop, add(1), hold), { card_max: 0, card_goods: 0 });
  assert.equal(tendersFor(none, 'card'), null);
  assert.equal(tendersFor(none, 'split'), null);
});

test('a quote counts for the very basket, card, wishes and date that it answers', () => {
  const model = priced(play(shop, add(1), hold), { due: 1_200 });
  assert.equal(bill(model).state, 'quoted');
  assert.deepEqual(tendersFor(model, 'cash'), [{ kind: 'cash', amount: 1_200 }]);
  assert.deepEqual(tendersFor(model, 'card'), [{ kind: 'card', amount: 1_200 }]);
  assert.deepEqual(tendersFor(model, 'split'), [
    { kind: 'card', amount: 1_100 },
    { kind: 'cash', amount: 100 },
  ]);
  for (const event of [
    add(2),
    { type: 'card', card: null },
    use(100),
    gift(1),
    { type: 'info', info: { ...info, business_date: '2026-11-23' } },
    { type: 'programme', programme },
    { type: 'card_read', card: card.card },
    { type: 'refused', refusal: { error: 'bad_tender' } },
  ]) {
    const next = reduce(model, event);
    assert.equal(bill(next).state, 'asking', event.type);
    assert.ok(quoteMissing(next));
    // An answer to the old question changes nothing about that.
    const late = reduce(next, answer(model, { ok: true, body: quote({ due: 1 }) }));
    assert.equal(bill(late).state, 'asking', event.type);
  }
  assert.ok(!quoteMissing(model));
});

test('while a quote is under way the total is an estimate, as much below the prices as before', () => {
  const model = play(priced(play(shop, add(1)), { gross: 1_250, due: 1_125 }), add(2));
  assert.deepEqual([bill(model).state, bill(model).due], ['asking', 1_725]);
});

test('a payment waits for the quote under way, and is made when it is no dearer than was shown', () => {
  const asked = play(shop, add(1), { type: 'pay_wish', wish: { kind: 'cash', shown: 1_250 } });
  assert.ok(priced(asked, { due: 1_250 }).payWish);
  assert.ok(priced(asked, { due: 1_000 }).payWish);
  const dearer = priced(asked, { due: 1_251 });
  assert.equal(dearer.payWish, null);
  assert.equal(dearer.notice.key, 'quote.changed');
  assert.equal(refuse(asked, 'unknown_product').payWish, null);
  assert.equal(refuse(asked, 'unreachable', 0).notice.key, 'quote.silent');
  // The basket stays what it is meanwhile, and another card ends it.
  assert.equal(reduce(asked, add(2)).basket.length, 1);
  assert.equal(reduce(asked, hold).payWish, null);
});

test('a silent node: the sum of prices, but nothing that only it can know', () => {
  const model = refuse(play(shop, add(1), hold), 'unreachable', 0);
  assert.deepEqual([bill(model).state, bill(model).due], ['silent', 1_250]);
  assert.ok(quoteMissing(model), 'it is asked again');
  assert.equal(bill(reduce(model, add(1))).due, 2_500);
  assert.equal(bill(reduce(model, use(100))).due, null);
  assert.equal(tendersFor(reduce(model, use(100)), 'cash'), null);
  assert.equal(bill(priced(model)).state, 'quoted');
  assert.equal(bill(refuse(play(shop, add(1)), 'busy', 429)).state, 'silent');
});

test('a wish that cannot be used goes back to the one before, else altogether', () => {
  const before = priced(play(shop, add(1), hold, use(100)));
  const more = refuse(play(before, use(200)), 'not_applicable');
  assert.deepEqual(more.uses, [{ purse: 3, units: 100 }]);
  assert.equal(more.notice.refusal.error, 'not_applicable');
  const less = refuse(play(before, add(2)), 'not_applicable');
  assert.deepEqual(less.uses, []);
  // Refused without any wish: it is the basket, and is not asked again and again.
  const bad = refuse(less, 'unknown_product');
  assert.equal(bill(bad).state, 'refused');
  assert.equal(tendersFor(bad, 'cash'), null);
  assert.ok(!quoteMissing(bad));
});

test('a card that may not buy is out of the price until it is read again', () => {
  const model = refuse(play(shop, add(1), hold, use(100)), 'card_blocked');
  assert.equal(memberCard(model), null);
  assert.deepEqual([model.uses, wantedQuote(model).body.card], [[], undefined]);
  assert.ok(memberCard(reduce(model, hold)));
  const frozen = { ...card, card: { ...card.card, status: 'frozen' } };
  assert.equal(memberCard(play(shop, { type: 'card', card: frozen })), null);
  assert.equal(memberCard(play(shop, hold, { type: 'patch', info: { blocked: 'full' } })), null);
});

test('units are bounded by what lies here, and over the line elsewhere, less the gifts', () => {
  const model = play(shop, add(1), hold);
  assert.deepEqual(reduce(model, use(9_999)).uses, [{ purse: 3, units: 800 }]);
  assert.deepEqual(play(model, gift(1), use(9_999)).uses, [{ purse: 3, units: 400 }]);
  assert.deepEqual(play(model, use(700), gift(1)).uses, [{ purse: 3, units: 400 }]);
  assert.deepEqual(play(model, gift(2), gift(3)).gifts, [{ purse: 3, product: 2, quantity: 2 }]);
  const cut = play(model, { type: 'patch', info: { link: { up: false } } });
  assert.deepEqual(reduce(cut, use(9_999)).uses, [{ purse: 3, units: 500 }]);
  assert.deepEqual(play(model, use(100), use(0)).uses, []);
  assert.deepEqual(play(shop, add(1), use(100), gift(1)).uses, []);
});

test('wishes go with the card and with the basket', () => {
  const model = play(shop, add(1), hold, use(100), gift(1));
  const other = { number: '9705', card: { ...card.card, account: 18 } };
  for (const event of [{ type: 'card', card: other }, { type: 'card', card: null }, { type: 'clear_basket' }]) {
    const next = reduce(model, event);
    assert.deepEqual([next.uses, next.gifts], [[], []], event.type);
  }
  // The same card again keeps them; the last line taken out leaves only the gifts.
  assert.equal(reduce(model, hold).uses.length, 1);
  const bare = reduce(model, { type: 'quantity', product: 1, quantity: 0 });
  assert.deepEqual([bare.uses.length, bare.gifts.length], [0, 1]);
});

test('gifts alone: nothing to pay, by the card', () => {
  const model = priced(play(shop, hold, gift(1)), { gross: 0, due: 0, card_max: 0 });
  assert.deepEqual(tendersFor(model, 'card'), []);
  assert.equal(tendersFor(model, 'cash'), null);
  assert.equal(tendersFor(model, 'split'), null);
});

test('too few units: the purse is corrected, not the money', () => {
  const model = play(shop, add(1), hold, {
    type: 'refused',
    refusal: { error: 'insufficient', purse: 3, here: 30, short: 70 },
  });
  assert.equal(model.card.card.here, 1_000);
  assert.equal(model.card.card.purses.find((it) => it.purse === 3).here, 30);
});
