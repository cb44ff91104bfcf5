import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  buttonStep,
  expiresSoon,
  giftsFor,
  holds,
  mayTopUp,
  mostUnits,
  opensNext,
  packagesFor,
  unitsList,
  unitStep,
  unitsText,
  usablePurses,
} from '../src/lib/programme.ts';

const unit = { code: 'CNY', exponent: 2 };
const bonus = { id: 2, name: { en: 'Gift money', ko: '보너스' }, kind: 'bonus', gifts: [] };
const points = {
  id: 3,
  name: { en: 'Points' },
  kind: 'points',
  expires_months: 12,
  rate_units: 100,
  rate_money: 100,
  share_basis_points: 5_000,
  gifts: [
    { product: 5, units: 400 },
    { product: 12, units: 1_500 },
  ],
};
const voucher = { id: 4, name: { en: '5.00 off' }, kind: 'voucher', off: 500, min_total: 5_000, gifts: [] };
const programme = {
  version: 1,
  spend_first: 'bonus',
  purses: [bonus, points, voucher],
  levels: [],
  card_kinds: [{ id: 1, name: { en: 'Gift card' }, purses: [2], top_up: false, per_day: null }],
  discounts: [],
  packages: [
    {
      id: 1,
      name: { en: 'all' },
      pay: 100,
      gives: [
        { purse: 2, units: 10 },
        { purse: 3, units: 5 },
      ],
    },
    { id: 2, name: { en: 'gold' }, pay: 100, gives: [], levels: [2] },
    { id: 3, name: { en: 'weekend' }, pay: 100, gives: [], weekdays: 0b1100000 },
    { id: 4, name: { en: 'December' }, pay: 100, gives: [], from: '2026-12-01', until: '2026-12-31' },
  ],
};
const card = (purses, more) => ({
  account: 17,
  purses: Object.entries(purses).map(([purse, it]) => ({
    purse: Number(purse),
    held: it.here,
    elsewhere: null,
    months: [],
    ...it,
  })),
  ...more,
});
const quote = (more) => ({
  lines: [],
  gross: 10_000,
  discount: 0,
  uses: [],
  gifts: [],
  due: 10_000,
  bonus: [],
  earned: [],
  ...more,
});

test('units are written as what they are', () => {
  assert.equal(unitsText(bonus, 1_050, unit, 'ko'), '10.50 보너스');
  assert.equal(unitsText(points, 12_345, unit, 'ko'), '12,345 Points');
  assert.equal(unitsText(voucher, 2, unit, 'en'), '2 × 5.00 off');
  // One purse in several months is one figure.
  const earned = [
    { purse: 3, units: 20 },
    { purse: 3, units: 21 },
    { purse: 4, units: 1 },
  ];
  assert.equal(unitsList(programme, earned, unit, 'en'), '41 Points, 1 × 5.00 off');
  assert.equal(unitsList(programme, [], unit, 'en'), '');
});

test('rules hold for level, kind, date and weekday', () => {
  const gold = card({}, { level: 2, card_kind: 1 });
  assert.ok(holds({}, null, '2026-11-22'));
  assert.ok(holds({ levels: [1, 2] }, gold, '2026-11-22'));
  assert.ok(!holds({ levels: [1, 2] }, null, '2026-11-22'));
  assert.ok(!holds({ levels: [1] }, gold, '2026-11-22'));
  assert.ok(holds({ card_kinds: [1] }, gold, '2026-11-22'));
  assert.ok(!holds({ card_kinds: [1] }, card({}), '2026-11-22'));
  // 2026-11-22 is a Sunday, both dates are included.
  assert.ok(holds({ weekdays: 64, from: '2026-11-22', until: '2026-11-22' }, null, '2026-11-22'));
  assert.ok(!holds({ weekdays: 1 }, null, '2026-11-22'));
  assert.ok(holds({ weekdays: 1 }, null, '2026-11-23'));
  assert.ok(!holds({ from: '2026-11-23' }, null, '2026-11-22'));
  assert.ok(!holds({ until: '2026-11-21' }, null, '2026-11-22'));
});

test('the till offers the packages that hold, with what this card can have', () => {
  const ids = (held, date) => packagesFor(programme, held, date).map((it) => it.id);
  assert.deepEqual(ids(null, '2026-11-23'), [1]);
  assert.deepEqual(ids(card({}, { level: 2 }), '2026-11-22'), [1, 2, 3]);
  assert.deepEqual(ids(null, '2026-12-01'), [1, 4]);
  assert.deepEqual(packagesFor(null, null, '2026-12-01'), []);
  const gift = card({}, { card_kind: 1 });
  assert.equal(mayTopUp(programme, gift), false);
  assert.deepEqual(ids(gift, '2026-11-23'), []);
  const loaded = { ...programme, card_kinds: [{ ...programme.card_kinds[0], top_up: true }] };
  assert.deepEqual(packagesFor(loaded, gift, '2026-11-23')[0].gives, [{ purse: 2, units: 10 }]);
});

test('gifts are offered when the units are here or elsewhere', () => {
  const offered = (held) => giftsFor(programme, held).map((it) => it.product);
  assert.deepEqual(offered(card({ 3: { here: 399 } })), []);
  assert.deepEqual(offered(card({ 3: { here: 399, elsewhere: 1 } })), [5]);
  assert.deepEqual(offered(card({ 3: { here: 1_500 } })), [5, 12]);
  assert.deepEqual(offered(null), []);
  // What is left on the shelf is said beside the offer, and hinders nothing.
  const gifts = [
    { purse: 3, product: 5, units: 400, pieces: 3, left: -2 },
    { purse: 3, product: 12, units: 1_500, pieces: 1 },
  ];
  const left = giftsFor(programme, card({ 3: { here: 1_500 } }, { gifts })).map((it) => it.left);
  assert.deepEqual(left, [0, undefined]);
  assert.deepEqual(
    usablePurses(programme, card({ 2: { here: 100 }, 3: { here: 1 }, 4: { here: 0 } })).map((it) => it.id),
    [3],
  );
  assert.deepEqual(
    usablePurses(programme, card({ 3: { here: 0 } }), [{ purse: 3 }]).map((it) => it.id),
    [3],
  );
});

test('the most points: by share, by what is due, by what there is, in whole minor units', () => {
  assert.equal(mostUnits(points, quote(), 9_999), 5_000);
  assert.equal(mostUnits(points, quote(), 321), 321);
  assert.equal(mostUnits(points, quote({ card_goods: 700 }), 9_999), 700);
  assert.equal(mostUnits(points, quote({ discount: 1_000, due: 9_000 }), 9_999), 4_500);
  // A voucher took most of it; what the points themselves took counts back in.
  assert.equal(mostUnits(points, quote({ due: 100, uses: [{ purse: 4, units: 1, amount: 9_900 }] }), 9_999), 100);
  assert.equal(
    mostUnits(points, quote({ due: 7_000, uses: [{ purse: 3, units: 3_000, amount: 3_000 }] }), 9_999),
    5_000,
  );
  // 3 points are 2 cents: only every third one comes out even.
  const odd = { ...points, rate_units: 150, rate_money: 100, share_basis_points: undefined };
  assert.equal(unitStep(odd), 3);
  assert.equal(buttonStep(odd), 150);
  assert.equal(mostUnits(odd, quote({ gross: 101, due: 101 }), 9_999), 150);
  assert.equal(mostUnits(odd, quote(), 100), 99);
  assert.equal(mostUnits({ ...points, rate_units: undefined }, quote(), 9_999), 0);
  // Sums whose product is beyond the exact integers.
  assert.equal(
    mostUnits(points, quote({ gross: 999_999_999_999_999, due: 999_999_999_999_999 }), 1e15),
    499_999_999_999_999,
  );
});

test('the most vouchers: from a total on, and none that would take nothing off', () => {
  assert.equal(mostUnits(voucher, quote({ gross: 4_999, due: 4_999 }), 9), 0);
  assert.equal(mostUnits(voucher, quote({ gross: 5_100, due: 5_100 }), 99), 11);
  assert.equal(mostUnits(voucher, quote(), 3), 3);
  assert.equal(mostUnits(voucher, quote({ due: 0, uses: [{ purse: 3, units: 1, amount: 10_000 }] }), 3), 0);
  assert.equal(mostUnits({ ...voucher, off: undefined, off_basis_points: 1_000 }, quote(), 3), 1);
});

test('what expires soon, without what has expired', () => {
  const has = (more) => ({ purse: 3, here: 90, held: 90, elsewhere: null, months: [], ...more });
  const months = [
    { month: 202701, units: 60 },
    { month: 202612, units: 30 },
  ];
  assert.deepEqual(expiresSoon(points, has({ months }), '2026-12-05'), { units: 30, date: '2026-12-31' });
  assert.deepEqual(expiresSoon(points, has({ months }), '2026-11-22'), { units: 30, date: '2026-12-31' });
  assert.equal(expiresSoon(points, has({ months }), '2026-10-31'), null);
  // Ten of October still lie here, and can be spent no more.
  const late = has({ held: 100, months: [{ month: 202610, units: 10 }, ...months] });
  assert.deepEqual(expiresSoon(points, late, '2026-12-05'), { units: 30, date: '2026-12-31' });
  assert.deepEqual(expiresSoon(points, has({ months: [{ month: 202802, units: 1 }] }), '2028-02-01'), {
    units: 1,
    date: '2028-02-29',
  });
  assert.equal(expiresSoon(voucher, has({ months }), '2026-12-05'), null);
  assert.equal(expiresSoon(points, has({ months: [{ month: 0, units: 5 }] }), '2026-12-05'), null);
});

test('what opens later', () => {
  const monthly = { ...bonus, opens_months: 3 };
  const has = {
    purse: 2,
    here: 10,
    held: 30,
    elsewhere: 0,
    months: [
      { month: 202701, units: 10 },
      { month: 202611, units: 10 },
      { month: 202612, units: 10 },
    ],
  };
  assert.deepEqual(opensNext(monthly, has, '2026-11-22'), { units: 10, date: '2026-12-01' });
  assert.equal(opensNext(monthly, has, '2027-01-01'), null);
  assert.equal(opensNext(bonus, has, '2026-11-22'), null);
});
