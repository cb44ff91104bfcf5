// Sales without a basket, on the till page. Part of pages_test.mjs, which hands in its helpers.
import assert from 'node:assert/strict';

export function amountTests({ shop, till, at, click, shows, has, sizes, fits }) {
  const opened = async (...args) => {
    const { products } = shop().state;
    if (!products.some((it) => it.id === 90))
      products.push({ ...products[0], id: 90, ean: '', price: 1, open: true, name: { ...products[0].name, en: 'Sundries' } });
    return till(...args);
  };
  const type = async (page, text) => at(page, 'open-amount-field').fill(text);

  return {
    async 'an amount is typed and is one line; a second one adds to it'() {
      const page = await opened();
      await shows(page, 'product-90', 'Amount');
      await click(page, 'product-90');
      assert.ok(await at(page, 'open-amount-add').isDisabled());
      await type(page, '12.345');
      await shows(page, 'open-amount-problem', 'Too many digits');
      await type(page, '12.34');
      await at(page, 'open-amount-field').press('Enter');
      await has(page, 'total', 'minor', 1_234);
      await shows(page, 'basket-count', '1');
      await at(page, 'open-amount').waitFor({ state: 'detached' });
      await click(page, 'product-90');
      await type(page, '99999999999');
      assert.ok(await at(page, 'open-amount-add').isDisabled());
      await click(page, 'open-amount-cancel');
      await click(page, 'product-90');
      await type(page, '0.66');
      await click(page, 'open-amount-add', 'product-1');
      await has(page, 'total', 'minor', 1_300 + 1_250);
      await shows(page, 'basket-count', '2');
      await at(page, 'quantity-90').fill('20');
      await at(page, 'quantity-90').press('Enter');
      await has(page, 'total', 'minor', 2_000 + 1_250);
      await click(page, 'pay-cash');
      await at(page, 'ticket').waitFor();
      const [sale] = [...shop().state.receipts.values()].slice(-1);
      assert.deepEqual(sale.lines.map((it) => [it.product, it.quantity, it.amount]), [[90, 2_000, 2_000], [1, 1, 1_250]]);
    },

    async 'a part of an amount comes back'() {
      const page = await opened();
      await click(page, 'product-90');
      await type(page, '30');
      await click(page, 'open-amount-add', 'pay-cash', 'refund-open');
      await at(page, 'refund-amount-90').fill('12.5');
      await at(page, 'refund-amount-90').press('Enter');
      await shows(page, 'refund-line-90', '12.50 / 30.00');
      await click(page, 'refund-to-cash', 'refund-yes');
      await shows(page, 'message', 'Given back 12.50');
      assert.deepEqual(shop().state.lastRefund.lines, [{ product: 90, quantity: 1_250 }]);
    },

    async 'an amount fits on every screen, in four languages'() {
      for (const size of sizes) {
        const page = await opened(size);
        for (const lang of ['en', 'zh-Hans', 'zh-Hant', 'ko']) {
          await at(page, 'lang').selectOption(lang);
          await click(page, 'product-90');
          await type(page, '12.345');
          await fits(page, `an amount ${size} ${lang}`);
          await type(page, '12.34');
          await click(page, 'open-amount-add');
        }
        await page.context().close();
      }
    },
  };
}
