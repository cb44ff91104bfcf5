// Goods that come back and money that is put aside, on the till page. Part of pages_test.mjs, which hands in its helpers.
import assert from 'node:assert/strict';
import { elsewhereCode } from './mock_returns.mjs';

const A = '9704000000003931';

export function returnTests({ shop, till, at, click, shows, has, swipe, sizes, fits }) {
  const receipts = () => [...shop().state.receipts.values()];
  const scan = (data) => shop().emit('receipt_code', data);

  return {
    async 'goods back: pieces of a sale to the card that paid'() {
      const page = await till();
      await swipe(A);
      await click(page, 'product-1');
      await click(page, 'product-1');
      await click(page, 'pay-card');
      await click(page, 'refund-open');
      assert.ok(await at(page, 'refund-yes').isDisabled());
      for (let i = 0; i < 3; ++i) await click(page, 'refund-more-1');
      await has(page, 'refund-line-1', 'quantity', 2);
      await click(page, 'refund-less-1');
      assert.equal(await at(page, 'refund-to-cash').count(), 0);
      await click(page, 'refund-yes');
      await shows(page, 'message', 'Given back 12.50');
      assert.deepEqual(shop().state.lastRefund.lines, [{ product: 1, quantity: 1 }]);
      assert.equal(shop().state.lastRefund.to, 'card');
      assert.equal(receipts().at(-1).reverses, receipts().at(-2).id);
    },

    async "goods back: another store's sale by its code, scanned or typed, and what is no receipt"() {
      const page = await till();
      scan({ id: '4.5f0c1a2b3c4d5e6f.9', standing: 'signed_only', error: null, code: elsewhereCode });
      await shows(page, 'refund-of', 'Store B');
      await click(page, 'refund-more-1');
      await click(page, 'refund-to-bank');
      await click(page, 'refund-yes');
      await shows(page, 'message', 'Given back 12.50');
      assert.deepEqual(
        [shop().state.lastRefund.proof, shop().state.lastRefund.receipt, shop().state.lastRefund.to],
        [elsewhereCode, undefined, 'bank'],
      );
      for (const [text, why] of [
        ['receipt 41', 'no receipt number'],
        ['4.5f0c1a2b3c4d5e6f.9', "not this store's"],
        [receipts().at(-1).id, 'No goods'],
        ['TALLYR2.forged', 'is damaged'],
      ]) {
        await at(page, 'refund-text').fill(text);
        await click(page, 'refund-find');
        await shows(page, 'error', new RegExp(why, 'i'));
      }
      await at(page, 'refund-text').fill(elsewhereCode);
      await click(page, 'refund-find');
      await shows(page, 'refund-of', 'Store B');
      await click(page, 'refund-no');
      await at(page, 'refund-dialog').waitFor({ state: 'hidden' });
    },

    async 'put aside: a basket takes it, the rest in cash; another is given back'() {
      const page = await till();
      await swipe(A);
      await at(page, 'hold-amount').fill('10');
      await click(page, 'hold-commit');
      await shows(page, 'message', 'Put aside 10.00');
      const aside = receipts().at(-1);
      assert.ok(await at(page, 'hold-capture').isDisabled());
      await swipe(A);
      await click(page, 'view-products');
      await click(page, 'product-1');
      await click(page, 'view-receipts');
      await shows(page, 'hold-capture', '2.50 in cash');
      await click(page, 'hold-capture');
      await at(page, 'hold-capture').waitFor({ state: 'detached' });
      const taken = receipts().at(-1);
      assert.deepEqual([taken.kind, taken.authorisation, taken.total], ['capture', aside.id, 1250]);
      assert.deepEqual(taken.tenders, [{ kind: 'card', amount: 1000 }, { kind: 'cash', amount: 250 }]);
      await swipe(A);
      await at(page, 'hold-amount').fill('5');
      await click(page, 'hold-commit');
      await click(page, 'hold-void');
      await shows(page, 'message', 'Given back to the card 5.00');
      assert.equal(shop().state.cards.get(A).here, 4000);
    },

    async 'goods back and put aside fit on every screen, in four languages'() {
      for (const size of sizes) {
        const page = await till(size);
        await swipe(A);
        if (size[0] < 701) await click(page, 'tab-pay');
        for (const lang of ['zh-Hans', 'zh-Hant', 'ko', 'en']) {
          await at(page, 'lang').selectOption(lang);
          await fits(page, `card with its form ${size} ${lang}`);
        }
        scan({ id: '4.5f0c1a2b3c4d5e6f.9', standing: 'held', error: null, code: elsewhereCode });
        await at(page, 'refund-dialog').waitFor();
        await fits(page, `goods back ${size}`);
        await click(page, 'refund-no');
        await page.context().close();
      }
    },
  };
}
