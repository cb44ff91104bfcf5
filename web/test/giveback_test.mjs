import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giveBackOf, paidOut, sameFigures } from '../src/lib/giveback.ts';
import { readStored } from '../src/lib/outbox.ts';

const card = { masked: '**** 3931', status: 'active', here: 5_000, elsewhere: 2_000, deposit_here: 1_500 };
const programme = { purses: [{ id: 1, kind: 'paid' }, { id: 4, kind: 'points' }, { id: 5, kind: 'bonus' }] };

test('paid money and deposit are paid out, units are lost', () => {
  const purses = [
    { purse: 1, here: 5_000, held: 5_000, elsewhere: 2_000, months: [] },
    { purse: 4, here: 3, held: 3, elsewhere: 4, months: [] },
    { purse: 5, here: 0, held: 0, elsewhere: null, months: [] },
  ];
  const of = giveBackOf('9704', { ...card, purses }, programme);
  assert.deepEqual(paidOut(of, false), { paid: 5_000, deposit: 1_500, total: 6_500 });
  assert.deepEqual(paidOut(of, true), { paid: 7_000, deposit: 1_500, total: 8_500 });
  assert.deepEqual(of.lost.map((it) => [it.rule.id, it.units]), [[4, 7]]);
});

test('what was never told of elsewhere is not asked for', () => {
  const of = giveBackOf('9704', { ...card, elsewhere: null, deposit_here: undefined }, null);
  assert.deepEqual(paidOut(of, true), { paid: 5_000, deposit: 0, total: 5_000 });
});

test('no store takes back what is blocked, for sale, a voucher or in debt', () => {
  const bad = [{ status: 'frozen' }, { status: 'returned' }, { status: 'not_known_yet' }, { owes: 1 }];
  for (const it of [...bad, { for_sale: { price: 0, deposit: 0 } }, { voucher: {} }])
    assert.equal(giveBackOf('9704', { ...card, ...it }, null), null, JSON.stringify(it));
  assert.ok(giveBackOf('9704', { ...card, status: 'expired' }, null), 'what expired is still the holder\'s');
});

test('figures that moved are seen', () => {
  const of = giveBackOf('9704', card, null);
  assert.ok(sameFigures(of, { ...of }));
  for (const it of [{ paid: 4_999 }, { deposit: 0 }, { elsewhere: null }, { card: '9705' }])
    assert.ok(!sameFigures(of, { ...of, ...it }), JSON.stringify(it));
});

test('a return that was under way is read again after a reload', () => {
  const path = '/api/v1/cards/returns';
  const kept = { v: 1, terminal: 201, counter: 8, kind: 'card_return', path, body: '{}', amount: 1 };
  assert.deepEqual(readStored(JSON.stringify(kept)), kept);
});
