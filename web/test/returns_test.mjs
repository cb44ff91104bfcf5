import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captureTenders, isOpenHold, receiptWanted, refundFields, restTenders, returnOfCheck, returnOfReceipt } from '../src/lib/returns.ts';
import { initialModel, reduce } from '../src/lib/till.ts';

const ID = '3.5f0c1a2b3c4d5e6f.41';
const line = (product, quantity, more) => ({ product, name: `p${product}`, quantity, price: 100, amount: 100, tax: 'A', ...more });
const sale = (more) => ({
  id: ID,
  kind: 'sale',
  account: 17,
  lines: [line(1, 2), line(2, 1), line(1, 1), line(9, 1, { purse: 3 })],
  tenders: [{ kind: 'card', amount: 300 }],
  reversed_by: null,
  total: 300,
  ...more,
});

test('goods of a sale come back by product, to where money came from', () => {
  const own = returnOfReceipt(sale());
  assert.deepEqual(own.lines.map((it) => [it.product, it.quantity]), [[1, 3], [2, 1]]);
  assert.deepEqual(own.to, ['card']);
  assert.deepEqual(returnOfReceipt(sale({ account: null, tenders: [{ kind: 'bank', amount: 1 }] })).to, ['cash', 'bank']);
  assert.equal(returnOfReceipt(sale({ kind: 'top_up' })), null);
  assert.equal(returnOfReceipt(sale({ reversed_by: ID })), null);
  assert.equal(returnOfReceipt(sale({ lines: [line(9, 1, { purse: 3 })] })), null);
});

test('of a sale of another store what its code proves', () => {
  const check = (more, entry) => ({
    id: ID,
    standing: 'signed_only',
    store: 'Store B',
    entry: { kind: 'sale', by_card: false, lines: [{ product: 1, quantity: 2 }], ...entry },
    ...more,
  });
  assert.deepEqual(returnOfCheck(check(), 'TALLYR2.x').to, ['cash', 'bank']);
  assert.deepEqual(returnOfCheck(check({}, { by_card: true }), 'TALLYR2.x').to, ['card']);
  for (const standing of ['other_history', 'revoked']) assert.equal(returnOfCheck(check({ standing }), 'TALLYR2.x'), null);
  assert.equal(returnOfCheck(check({ entry: null }), 'TALLYR2.x'), null);
  assert.equal(returnOfCheck(check({}, { kind: 'top_up' }), 'TALLYR2.x'), null);
});

test('a request names what comes back and nothing else', () => {
  const own = returnOfReceipt(sale());
  assert.deepEqual(refundFields(own, { 1: 2, 7: 4 }, 'card'), { receipt: ID, lines: [{ product: 1, quantity: 2 }], to: 'card' });
  assert.deepEqual(refundFields(own, { 2: 9 }, 'card').lines, [{ product: 2, quantity: 1 }]);
  assert.equal(refundFields(own, {}, 'card'), null);
  assert.equal(refundFields(own, { 1: 1 }, 'cash'), null);
  assert.equal(refundFields({ ...own, proof: 'TALLYR2.x' }, { 1: 1 }, 'card').proof, 'TALLYR2.x');
  assert.equal(refundFields({ ...own, proof: 'TALLYR2.x' }, { 1: 1 }, 'card').receipt, undefined);
});

test('what a hand or a scanner says', () => {
  assert.deepEqual(receiptWanted(` ${ID} `), { id: ID });
  assert.deepEqual(receiptWanted('TALLYR2.abc/+='), { code: 'TALLYR2.abc/+=' });
  for (const bad of ['', '41', 'TALLYR2.', '3.5F0C1A2B3C4D5E6F.41', 'TALLYR2.a b', `x${ID}`]) assert.equal(receiptWanted(bad), null);
});

test('a basket takes what was put aside, the rest is paid in cash', () => {
  const info = { node: 3, terminal: 201, unit: { code: 'CNY', exponent: 2 }, blocked: null, link: { up: true }, devices: {} };
  const card = { number: '9704', card: { account: 17, status: 'active', here: 0, elsewhere: 0, elsewhere_as_of: 1 } };
  const hold = { id: ID, kind: 'authorisation', account: 17, total: 500 };
  const play = (...events) => events.reduce(reduce, initialModel);
  const ready = [{ type: 'info', info }, { type: 'products', products: [{ id: 1, ean: '', name: {}, price: 400, tax: 'A' }] }];
  const basket = (n) => play(...ready, { type: 'card', card }, ...Array(n).fill({ type: 'add', product: 1 }));
  assert.deepEqual(captureTenders(basket(1), hold), [{ kind: 'card', amount: 400 }]);
  assert.deepEqual(captureTenders(basket(2), hold), [{ kind: 'card', amount: 500 }, { kind: 'cash', amount: 300 }]);
  assert.equal(captureTenders(basket(0), hold), null);
  assert.equal(captureTenders(basket(1), { ...hold, account: 18 }), null);
  assert.equal(captureTenders(play(...ready, { type: 'add', product: 1 }), hold), null);
  // What was approved in part is paid as it was approved, and no other basket is.
  const part = { ...hold, remainder: 300 };
  assert.deepEqual(restTenders(basket(2), part, 'bank'), [{ kind: 'card', amount: 500 }, { kind: 'bank', amount: 300 }]);
  for (const other of [basket(1), basket(3), basket(0)]) assert.equal(restTenders(other, part, 'cash'), null);
  assert.equal(restTenders(basket(2), hold, 'cash'), null);
  assert.ok(isOpenHold(hold, [hold]));
  assert.ok(!isOpenHold(hold, [hold, { id: 'x', kind: 'void', authorisation: ID }]));
  const after = reduce(basket(1), { type: 'done', receipt: { ...hold, id: 'c', kind: 'capture', masked: null, here: 100, authorisation: ID }, recovered: false });
  assert.deepEqual([after.basket, after.card, after.view], [[], null, 'receipts']);
});
