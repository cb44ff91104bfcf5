// Gifts counted on the till page, and a card that owes. Part of pages_test.mjs, which hands in its helpers.
import assert from 'node:assert/strict';
import { shopProgramme } from './mock_programme.mjs';

const A = '9704000000003931';

export function shelfTests({ shop, till, at, click, shows, has, swipe, sizes, fits }) {
  /** A paired till of a shop whose points buy product 3 and visits product 4; its shelf is open. */
  async function shelf() {
    shop().state.programme = shopProgramme();
    const page = await till();
    await click(page, 'view-receipts', 'shelf-open');
    await at(page, 'shelf-dialog').waitFor();
    return page;
  }
  const left = (product) => shop().state.shelf.get(product);

  return {
    async 'shelf: gifts are counted, more come, and what is there is shown'() {
      const page = await shelf();
      await shows(page, 'shelf-left-3', 'never counted');
      assert.ok(await at(page, 'shelf-commit').isDisabled(), 'nothing is typed');
      await at(page, 'shelf-pieces-3').fill('12');
      await click(page, 'shelf-commit');
      await shows(page, 'shelf-left-3', '12');
      assert.deepEqual([left(3), left(4)], [12, undefined], 'the other was not said');
      await click(page, 'shelf-delivered');
      await at(page, 'shelf-pieces-3').fill('-2');
      await at(page, 'shelf-pieces-4').fill('5');
      await click(page, 'shelf-commit');
      await has(page, 'shelf-left-3', 'left', '10');
      await has(page, 'shelf-left-4', 'left', '5');
      await click(page, 'shelf-close');
      await shows(page, 'message', 'The shelf is recorded.');
      // The till goes on with the next number.
      await click(page, 'view-products', 'product-1', 'pay-cash');
      await at(page, 'ticket').waitFor();
    },

    async 'shelf: what is no count is not sent, and a refusal is said in words'() {
      const page = await shelf();
      for (const text of ['-1', '1.5', 'x', '1000001', '12345678']) {
        await at(page, 'shelf-pieces-3').fill(text);
        assert.ok(await at(page, 'shelf-commit').isDisabled(), text);
      }
      await at(page, 'shelf-pieces-3').fill('0');
      assert.ok(await at(page, 'shelf-commit').isEnabled(), 'none are there');
      await click(page, 'shelf-delivered');
      assert.ok(await at(page, 'shelf-commit').isDisabled(), 'none came');
      await at(page, 'shelf-pieces-3').fill('-3');
      await click(page, 'shelf-commit');
      await has(page, 'shelf-problem', 'error', 'not_applicable');
      await shows(page, 'shelf-problem', 'count its pieces first');
      assert.equal(left(3), undefined);
    },

    async 'shelf: four languages, on every screen'() {
      const page = await shelf();
      await click(page, 'shelf-close');
      for (const [lang, words] of [['zh-Hans', '货架上的礼品'], ['zh-Hant', '貨架上的禮品'], ['ko', '진열대의 사은품'], ['en', 'Gifts on the shelf']]) {
        await at(page, 'lang').selectOption(lang);
        await click(page, 'shelf-open');
        await shows(page, 'shelf-dialog', words);
        for (const size of sizes) {
          await page.setViewportSize({ width: size[0], height: size[1] });
          await fits(page, `shelf in ${lang} at ${size[0]}`);
        }
        await page.setViewportSize({ width: sizes[0][0], height: sizes[0][1] });
        await click(page, 'shelf-close');
      }
    },

    async 'a card that owes says so, in four languages'() {
      const page = await till();
      shop().state.cards.get(A).owes = 1_200;
      await swipe(A);
      await has(page, 'card-owes', 'minor', 1_200);
      for (const [lang, words] of [['zh-Hans', '欠款 12.00'], ['zh-Hant', '欠款 12.00'], ['ko', '미납 12.00'], ['en', 'owes 12.00']]) {
        await at(page, 'lang').selectOption(lang);
        await shows(page, 'card-owes', words);
      }
    },
  };
}
