// The till page under a programme: quotes, packages, points, vouchers, gifts. Part of pages_test.mjs, which hands in
// its helpers; `shop()` is the mock node of the running test.
import assert from 'node:assert/strict';
import { BONUS, POINTS, shopProgramme, VISITS, VOUCHER } from './mock_programme.mjs';

const A = '9704000000003931';

export function programmeTests({ shop, till, at, click, shows, has, swipe, sizes, fits }) {
  /** A paired till of a shop with a programme, whose card A has these purses; the card is held. */
  async function member(purses = {}, more = {}, size = sizes[0]) {
    shop().state.programme = shopProgramme();
    Object.assign(shop().state.cards.get(A), { purses, ...more });
    const page = await till(size);
    await swipe(A);
    if (size[0] < 701) await click(page, 'tab-pay');
    await at(page, 'purses').waitFor();
    return page;
  }
  /** The money requests that the node carried out, oldest first. */
  const sent = () => [...shop().state.answers.values()].map(({ raw }) => JSON.parse(raw.slice(raw.indexOf('{'))));
  const card = () => shop().state.cards.get(A);
  const here = (purse) => card().purses[purse]?.here ?? 0;

  return {
    async 'programme: a package is loaded with what it gives; only those that hold are offered'() {
      const page = await member();
      await at(page, 'package-1').waitFor();
      // 2026-11-22 is a Sunday, and this card has no level.
      await at(page, 'package-3').waitFor();
      for (const other of [2, 4, 5])
        assert.equal(await at(page, `package-${other}`).count(), 0, `package ${other}`);
      await click(page, 'package-1');
      await shows(page, 'topup-commit', '200.00');
      await click(page, 'topup-commit');
      await has(page, 'card-here', 'minor', 25_000);
      await has(page, 'purse-2', 'here', 1_000);
      // Another amount is no package, even typed over one.
      await click(page, 'package-1');
      await at(page, 'topup-amount').fill('50');
      await click(page, 'topup-tender-bank', 'topup-commit');
      await has(page, 'card-here', 'minor', 30_000);
      const [first, second] = sent();
      assert.deepEqual([first.package, first.amount], [1, 20_000]);
      assert.deepEqual([second.package, second.amount, second.tender], [undefined, 5_000, 'bank']);
    },

    async 'programme: a voucher scanned beside a card goes onto it, or is used by itself'() {
      const page = await member();
      const code = (n) => `TALLYV2.mock${n}`;
      for (const n of [1, 2])
        shop().state.cards.set(code(n), {
          ...card(), number: code(n), account: 900 + n, masked: `V${900 + n}`, here: 0, card_kind: 0, level: 0,
          purses: { [VOUCHER]: { here: 1 } }, voucher: { purse: VOUCHER, units: 1, until: '2027-03-31', taken_here: 0, as_heard_here: true },
        });
      await shop().emit('voucher', { code: code(1) });
      await at(page, 'voucher-offer').waitFor();
      await shows(page, 'voucher-offer', 'off');
      await shows(page, 'voucher-offer', 'As far as this store has heard.');
      await click(page, 'voucher-onto');
      await shows(page, 'message', 'Gift: done');
      assert.equal(here(VOUCHER), 1);
      assert.deepEqual([sent()[0].card, sent()[0].to], [code(1), A]);
      await swipe(A);
      await shop().emit('voucher', { code: code(1) });
      await click(page, 'voucher-onto');
      await has(page, 'notice', 'error', 'voucher_used');
      await shop().emit('voucher', { code: code(2) });
      await click(page, 'voucher-leave');
      assert.equal(await at(page, 'voucher-offer').count(), 0);
      await shop().emit('voucher', { code: code(2) });
      await click(page, 'voucher-alone');
      await has(page, 'voucher-face', 'left', '1');
      await shows(page, 'voucher-face', 'As far as this store has heard.');
      assert.equal(await at(page, 'gift-open').count(), 0);
      assert.equal(await at(page, 'card-report-lost').count(), 0);
    },

    async 'programme: points by hand, given and taken with a reason'() {
      const page = await member({ [POINTS]: { here: 30 } });
      await click(page, 'adjust-open');
      assert.ok(await at(page, 'adjust-give').isDisabled());
      await at(page, 'adjust-units').fill('25');
      assert.ok(await at(page, 'adjust-give').isDisabled());
      await at(page, 'adjust-reason').fill('开业');
      await click(page, 'adjust-give');
      await shows(page, 'message', 'Units by hand: done');
      assert.equal(here(POINTS), 55);
      await swipe(A);
      await click(page, 'adjust-open');
      await at(page, 'adjust-units').fill('15');
      await at(page, 'adjust-reason').fill('counted twice');
      await click(page, 'adjust-take');
      await shows(page, 'message', 'Units by hand: done');
      assert.equal(here(POINTS), 40);
      const [first, second] = sent();
      assert.deepEqual([first.purse, first.units, first.reason], [POINTS, 25, '开业']);
      assert.deepEqual([second.units, second.reason], [-15, 'counted twice']);
    },

    async 'programme: points for another member, as far as there are some'() {
      const page = await member({ [POINTS]: { here: 30 } });
      const other = [...shop().state.cards.keys()].find((it) => it !== A);
      shop().state.cards.get(other).purses ??= {};
      await click(page, 'gift-open');
      await at(page, 'gift-units').fill('20');
      await at(page, 'gift-to').fill(A);
      assert.ok(await at(page, 'gift-commit').isDisabled(), 'nobody gives to himself');
      await at(page, 'gift-to').fill(other);
      await click(page, 'gift-commit');
      await shows(page, 'message', 'Gift: done');
      assert.equal(here(POINTS), 10);
      assert.equal(shop().state.cards.get(other).purses[POINTS].here, 20);
      const [asked] = sent();
      assert.deepEqual([asked.card, asked.to, asked.purse, asked.units], [A, other, POINTS, 20]);
      await swipe(A);
      await click(page, 'gift-open');
      await at(page, 'gift-units').fill('11');
      await at(page, 'gift-to').fill(other);
      await click(page, 'gift-commit');
      await at(page, 'error').waitFor();
      assert.equal(here(POINTS), 10);
    },

    async 'programme: a sale earns points, by card with gift money first, and in cash'() {
      const page = await member({ [BONUS]: { here: 1_000 } });
      await click(page, 'product-1', 'product-1');
      await has(page, 'total', 'state', 'quoted');
      await shows(page, 'earns', '15 Points');
      await shows(page, 'pay-bonus', '10.00 Gift money');
      await click(page, 'pay-card');
      await at(page, 'ticket').waitFor();
      assert.deepEqual([card().here, here(BONUS), here(POINTS)], [3_500, 0, 15]);
      await swipe(A);
      await has(page, 'purse-3', 'here', 15);
      await click(page, 'view-products', 'product-3', 'pay-cash');
      await at(page, 'receipt-9').waitFor();
      assert.deepEqual([card().here, here(POINTS)], [3_500, 21]);
      assert.equal(sent()[1].card, A);
    },

    async 'programme: points and a voucher help to pay; the total is what is left'() {
      const page = await member({ [POINTS]: { here: 2_000 }, [VOUCHER]: { here: 2 } });
      await click(page, 'product-1');
      await has(page, 'total', 'minor', 1_250);
      assert.ok(await at(page, 'use-more-4').isDisabled(), 'the voucher asks for 20.00');
      await shows(page, 'use-4', 'from 20.00 on');
      await click(page, 'product-1', 'use-more-4');
      await has(page, 'total', 'minor', 2_000);
      await has(page, 'use-4', 'minor', 500);
      // Half the basket at most.
      await click(page, 'use-most-3');
      await has(page, 'use-3', 'units', 1_250);
      await has(page, 'total', 'minor', 750);
      await click(page, 'use-less-3');
      await has(page, 'total', 'minor', 850);
      // A typed number is bounded by what may be used, and is not lost when the page hears of something else.
      await at(page, 'use-units-3').fill('99999');
      await shop().emit('link', { up: true, last_contact: 1, entries_waiting: 77, hq_cosigned_at: 1 });
      await has(page, 'status-link', 'waiting', 77);
      await at(page, 'use-units-3').press('Enter');
      await has(page, 'use-3', 'units', 1_250);
      await at(page, 'use-units-3').fill('200');
      await at(page, 'use-units-3').press('Enter');
      await has(page, 'total', 'minor', 1_800);
      // A scanner that types into this field means a product, not so many points.
      await at(page, 'use-units-3').fill(shop().state.products[2].ean);
      await at(page, 'use-units-3').press('Enter');
      await has(page, 'total', 'minor', 2_400);
      await click(page, 'remove-3');
      await has(page, 'total', 'minor', 1_800);
      await click(page, 'pay-cash');
      await at(page, 'ticket').waitFor();
      assert.deepEqual(sent()[0].uses, [
        { purse: POINTS, units: 200 },
        { purse: VOUCHER, units: 1 },
      ]);
      assert.deepEqual(sent()[0].tenders, [{ kind: 'cash', amount: 1_800 }]);
      assert.deepEqual([here(POINTS), here(VOUCHER)], [2_000 - 200 + 18, 1]);
    },

    async 'programme: gifts are bought with points and visits, alone or beside a sale'() {
      const page = await member({ [POINTS]: { here: 450 }, [VISITS]: { here: 2 } });
      await click(page, 'gift-3-3');
      await has(page, 'total', 'minor', 0);
      await shows(page, 'gift-line-3-3', '400 Points');
      assert.ok(await at(page, 'gift-3-3').isDisabled(), '50 points buy no second one');
      assert.ok(await at(page, 'pay-cash').isDisabled(), 'nothing to pay in cash');
      await click(page, 'gift-5-4', 'gift-more-5-4');
      await has(page, 'gift-line-5-4', 'quantity', 2);
      await shows(page, 'pay-card', 'Nothing to pay');
      await click(page, 'pay-card');
      await at(page, 'ticket').waitFor();
      assert.deepEqual([here(POINTS), here(VISITS), card().here], [50, 0, 5_000]);
      assert.deepEqual(sent()[0].gifts, [
        { purse: 3, product: 3, quantity: 1 },
        { purse: 5, product: 4, quantity: 2 },
      ]);
      assert.deepEqual([sent()[0].lines, sent()[0].tenders], [[], []]);
      card().purses[VISITS] = { here: 1 };
      await swipe(A);
      await click(page, 'view-products', 'gift-5-4', 'product-1', 'pay-card');
      await at(page, 'receipt-9').waitFor();
      assert.deepEqual([here(VISITS), card().here], [0, 3_750]);
    },

    async 'programme: what is left of a gift is said, and hinders nothing'() {
      const page = await member({ [POINTS]: { here: 450 }, [VISITS]: { here: 2 } });
      card().gifts = [
        { purse: POINTS, product: 3, units: 400, pieces: 1, left: 0 },
        { purse: VISITS, product: 4, units: 1, pieces: 2, left: 7 },
      ];
      await swipe(A);
      await has(page, 'gift-left-3-3', 'left', 0);
      await has(page, 'gift-left-5-4', 'left', 7);
      await shows(page, 'gift-left-3-3', 'look at the shelf');
      await click(page, 'gift-3-3', 'pay-card');
      await at(page, 'ticket').waitFor();
      assert.equal(here(POINTS), 50);
    },

    async 'programme: a card that is not good for all goods pays its part, the rest is cash'() {
      const page = await member();
      card().not_products = [2];
      await click(page, 'product-1', 'product-2');
      await shows(page, 'pay-goods', 'at most');
      assert.ok(await at(page, 'pay-card').isDisabled(), 'the card does not pay all of it');
      await click(page, 'pay-split');
      await at(page, 'ticket').waitFor();
      const [byCard, byCash] = sent()[0].tenders;
      const price = (id) => shop().state.products.find((it) => it.id === id).price;
      assert.deepEqual([byCard, byCash], [
        { kind: 'card', amount: price(1) },
        { kind: 'cash', amount: price(2) },
      ]);
    },

    async 'programme: the level, its discount by name, and what the purses say'() {
      const purses = {
        [POINTS]: {
          here: 90,
          held: 100,
          elsewhere: 40,
          owed_back: 7,
          months: [
            { month: 202610, units: 10 },
            { month: 202612, units: 30 },
            { month: 202705, units: 60 },
          ],
        },
      };
      const page = await member(purses, { level: 2 });
      await shows(page, 'card-level', 'Gold');
      await shows(page, 'purse-3', '+ 40 elsewhere');
      await shows(page, 'purse-soon-3', '30 until 2026-12-31');
      await shows(page, 'purse-owed-3', '7 owed back');
      await at(page, 'package-2').waitFor();
      await click(page, 'product-1', 'product-7');
      await has(page, 'discount-1', 'minor', 125);
      await shows(page, 'discount-1', 'Gold 10 %');
      await has(page, 'discount-7', 'minor', 55);
      await has(page, 'total', 'minor', 1_620);
      // Without the card the basket is everybody's: only the discount for all is left.
      await click(page, 'card-remove');
      await has(page, 'total', 'minor', 1_750);
      await shows(page, 'discount-7', 'Noodle week');
    },

    async 'programme: scanning does not wait for a quote; a payment asked for meanwhile is made with its figures'() {
      const page = await member({}, { level: 2 });
      shop().faults.quotes = 'slow';
      // All within the page, so that the node is surely still thinking about the first.
      const ahead = await page.evaluate(async () => {
        const of = (id) => document.querySelector(`[data-testid="${id}"]`);
        for (let n = 0; n < 12; ++n) of('product-2').click();
        await new Promise((resolve) => setTimeout(resolve));
        const shown = of('quantity-2').value;
        dispatchEvent(new KeyboardEvent('keydown', { key: 'F9' }));
        return shown;
      });
      assert.equal(ahead, '12', 'the basket is ahead of the node');
      await at(page, 'ticket').waitFor();
      assert.deepEqual(sent()[0].tenders, [{ kind: 'cash', amount: 12 * 990 - 1_188 }]);
      assert.equal(shop().counts.executed, 1);
      assert.ok(shop().counts.quotes < 12, `${shop().counts.quotes} questions for 12 scans`);
    },

    async 'programme: a payment waits for nothing worse than what it showed'() {
      const page = await member();
      await click(page, 'product-1');
      await has(page, 'total', 'state', 'quoted');
      shop().faults.quotes = 'slow';
      shop().state.products[0].price = 1_300;
      await page.evaluate(() => {
        for (const id of ['product-1', 'pay-cash']) document.querySelector(`[data-testid="${id}"]`).click();
      });
      await shows(page, 'message', 'The total has changed');
      await has(page, 'total', 'minor', 2_600);
      assert.equal(shop().counts.money, 0);
      await click(page, 'pay-cash');
      await at(page, 'ticket').waitFor();
      assert.equal(sent()[0].tenders[0].amount, 2_600);
    },

    async 'programme: a node that does not quote: it is said and asked again, nothing is sold at a wrong total'() {
      const page = await member({ [VOUCHER]: { here: 1 } }, { level: 2 });
      shop().faults.quotes = 'silent';
      await click(page, 'product-1', 'product-1');
      await at(page, 'banner-quote').waitFor();
      await has(page, 'total', 'minor', 2_500);
      // The sum of prices is what this page believes; the node does not, so nothing is recorded.
      await click(page, 'pay-cash');
      await shows(page, 'error', 'do not add up');
      assert.equal(shop().counts.executed, 0);
      shop().faults.quotes = undefined;
      await has(page, 'total', 'minor', 2_250);
      await at(page, 'banner-quote').waitFor({ state: 'detached' });
      await click(page, 'pay-cash');
      await at(page, 'ticket').waitFor();
      assert.equal(shop().counts.executed, 1);
    },

    async 'programme: a voucher that the basket cannot use any more is taken back, with the reason'() {
      const page = await member({ [VOUCHER]: { here: 1 } });
      await click(page, 'product-1', 'product-1', 'use-more-4');
      await has(page, 'total', 'minor', 2_000);
      await click(page, 'less-1');
      await shows(page, 'error', 'from 20.00 on');
      await has(page, 'use-4', 'units', 0);
      await has(page, 'total', 'minor', 1_250);
      // Another holder's card brings none of it along.
      await click(page, 'product-1', 'use-more-4');
      await has(page, 'use-4', 'units', 1);
      await has(page, 'total', 'minor', 2_000);
      await swipe('9704000000004002');
      await at(page, 'use-4').waitFor({ state: 'detached' });
      await has(page, 'total', 'minor', 2_500);
    },

    async 'programme: too few points at the sale are said in points; cards that are not loaded, or blocked'() {
      const page = await member({ [POINTS]: { here: 500 } });
      await click(page, 'product-1', 'use-more-3');
      await has(page, 'total', 'minor', 1_150);
      card().purses[POINTS].here = 30;
      await click(page, 'pay-cash');
      await shows(page, 'error', 'Not enough of Points here: 30 here, 70 short.');
      assert.equal(await at(page, 'pay-rest-cash').count(), 0);
      Object.assign(card(), { card_kind: 7, purses: {} });
      await click(page, 'basket-clear');
      await swipe(A);
      await shows(page, 'card-kind', 'Voucher card');
      await shows(page, 'topup-problem', 'not loaded');
      assert.equal(await at(page, 'package-1').count(), 0);
      // A frozen card buys nothing, so its holder pays everybody's price.
      await swipe('9704000000005555');
      await shows(page, 'card-status', 'frozen');
      await click(page, 'product-1');
      await has(page, 'total', 'minor', 1_250);
      await click(page, 'pay-cash');
      await at(page, 'ticket').waitFor();
      assert.equal(sent().at(-1).card, undefined);
    },

    async 'programme: at every size and in every language nothing runs over the edge'() {
      const all = {
        [BONUS]: { here: 12_345 },
        [POINTS]: { here: 12_345, elsewhere: 400 },
        [VOUCHER]: { here: 3 },
        [VISITS]: { here: 2 },
      };
      for (const size of sizes) {
        const page = await member(all, { level: 2 }, size);
        const phone = size[0] < 701;
        if (phone) await click(page, 'tab-products');
        await click(page, 'product-1', 'product-1', 'product-7', 'gift-5-4');
        if (phone) await click(page, 'tab-basket');
        await click(page, 'use-more-4', 'use-most-3');
        for (const language of ['ko', 'zh-Hans', 'zh-Hant', 'en']) {
          await at(page, 'lang').selectOption(language);
          for (const view of phone ? ['tab-products', 'tab-pay', 'tab-basket'] : ['view-products']) {
            await click(page, view);
            await fits(page, `${size} ${language} ${view}`);
          }
        }
        await page.context().close();
        shop().state.cards.get(A).purses = {};
      }
    },
  };
}
