// A sale that a card pays in part, on the till page. Part of pages_test.mjs, which hands in its helpers.
import assert from 'node:assert/strict';

const A = '9704000000003931';

export function partTests({ shop, till, at, click, shows, has, swipe, sizes, fits }) {
  const card = () => shop().state.cards.get(A);
  const last = () => [...shop().state.receipts.values()].at(-1);
  /** Two loaves, 25.00, and 9.00 on the card. */
  async function short(page) {
    Object.assign(card(), { here: 900, elsewhere: 0 });
    await swipe(A);
    await click(page, 'product-1');
    await click(page, 'product-1');
    await click(page, 'pay-card');
    await has(page, 'notice', 'error', 'insufficient');
    await click(page, 'pay-part');
    await shows(page, 'message', 'The card pays 9.00. Still to be paid: 16.00');
    assert.equal(card().here, 0, 'it is put aside');
  }

  return {
    async 'part: the card pays what it has, a bank card the rest, and both are one sale'() {
      const page = await till();
      await short(page);
      for (const size of sizes) {
        await page.setViewportSize({ width: size[0], height: size[1] });
        await fits(page, `part at ${size[0]}`);
      }
      await page.setViewportSize({ width: sizes[0][0], height: sizes[0][1] });
      await click(page, 'part-bank');
      await shows(page, 'message', '25.00');
      assert.equal(last().kind, 'capture');
      assert.deepEqual(last().tenders, [
        { kind: 'card', amount: 900 },
        { kind: 'bank', amount: 1600 },
      ]);
      assert.equal(await at(page, 'part-cash').count(), 0);
    },

    async 'part: nothing is paid after all'() {
      const page = await till();
      await short(page);
      await click(page, 'part-void');
      await shows(page, 'message', '9.00');
      assert.equal(last().kind, 'void');
      assert.equal(card().here, 900);
    },

    async 'part: another basket is not paid with it, and it goes back'() {
      const page = await till();
      await short(page);
      await at(page, 'lang').selectOption('ko');
      await shows(page, 'part-cash', '나머지 현금: 16.00');
      await at(page, 'lang').selectOption('en');
      // Another basket is no part of this sale; its receipt still gives the money back.
      await click(page, 'more-1');
      await at(page, 'part-cash').waitFor({ state: 'detached' });
      await click(page, 'hold-void');
      await shows(page, 'message', '9.00');
      assert.equal(last().kind, 'void');
      assert.equal(card().here, 900);
    },
  };
}
