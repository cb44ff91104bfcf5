// A card that is given back for good, on the till page. Part of pages_test.mjs, which hands in its helpers.
import assert from 'node:assert/strict';

const A = '9704000000003931';
const FROZEN = '9704000000005555';

export function giveBackTests({ shop, till, at, click, shows, has, swipe, sizes, fits }) {
  const card = () => shop().state.cards.get(A);
  const last = () => [...shop().state.receipts.values()].at(-1);
  /** 50.00 here, 20.00 elsewhere, and a deposit of 20.00. */
  async function opened(size) {
    card().deposit_here = 2_000;
    const page = await till(size);
    await swipe(A);
    if (size && size[0] < 600) await click(page, 'tab-pay');
    await click(page, 'giveback-open');
    await has(page, 'giveback-deposit', 'minor', 2_000);
    return page;
  }

  return {
    async 'give back: deposit and paid money are paid out, with what is fetched, and the card is ended'() {
      const page = await opened();
      await has(page, 'giveback-paid', 'minor', 7_000);
      await has(page, 'giveback-total', 'minor', 9_000);
      await click(page, 'giveback-no');
      assert.equal(shop().state.receipts.size, 0, 'nothing before it is confirmed');
      await click(page, 'giveback-open', 'giveback-to-bank', 'giveback-yes');
      await shows(page, 'message', 'Paid out: 90.00');
      await has(page, 'notice', 'tone', 'ok');
      assert.deepEqual([last().kind, last().loaded, last().deposit], ['card_return', 7_000, 2_000]);
      assert.deepEqual(last().tenders, [{ kind: 'bank', amount: 9_000 }]);
      await shows(page, 'card-status', 'given back');
      await at(page, 'giveback-open').waitFor({ state: 'detached' });
    },

    async 'give back: without a line what lies elsewhere is said, and stays there'() {
      shop().state.nodes[2].cut = true;
      const page = await opened();
      await has(page, 'giveback-elsewhere', 'minor', 2_000);
      await has(page, 'giveback-total', 'minor', 7_000);
      await click(page, 'giveback-yes');
      await shows(page, 'message', 'Paid out: 70.00');
      assert.deepEqual([last().loaded, card().elsewhere], [5_000, 2_000]);
    },

    async 'give back: less than all of it is refused in words, and the figures are read again'() {
      const page = await opened();
      card().here += 500;
      await click(page, 'giveback-yes');
      await shows(page, 'error', 'all that is on the card');
      assert.equal(shop().state.receipts.size, 0);
      await click(page, 'giveback-open', 'giveback-yes');
      await shows(page, 'message', 'Paid out: 95.00');
    },

    async 'give back: what cannot be fetched is refused in words, and nothing is paid'() {
      const page = await opened();
      card().elsewhere = 0;
      await click(page, 'giveback-yes');
      await shows(page, 'error', 'could not be fetched');
      assert.equal(shop().state.receipts.size, 0);
      await has(page, 'card-elsewhere', 'minor', 0);
      await click(page, 'giveback-open', 'giveback-yes');
      await shows(page, 'message', 'Paid out: 70.00');
    },

    async 'give back: a lost answer pays out once'() {
      const page = await opened();
      shop().faults.push('lose_answer');
      await click(page, 'giveback-yes');
      await at(page, 'notice').filter({ hasText: '90.00' }).waitFor();
      assert.equal(shop().counts.executed, 1);
      assert.equal(card().here, 0);
    },

    async 'give back: PIN and code are asked for as a sale does'() {
      const { state } = shop();
      const kind = { id: 7, name: { en: 'Card' }, top_up: true, per_day: null, pin_above: 2_000, pin_above_day: null };
      state.programme.card_kinds = [{ ...kind, code_above: 3_000 }];
      Object.assign(card(), { card_kind: 7, pin: '4711' });
      const page = await opened();
      await click(page, 'giveback-yes');
      await has(page, 'notice', 'error', 'pin_required');
      await at(page, 'pin-typed').fill('4711');
      await click(page, 'pin-commit');
      await has(page, 'notice', 'error', 'code_required');
      await click(page, 'code-send');
      await at(page, 'code-typed').fill('100001');
      await at(page, 'code-pin').fill('4711');
      await click(page, 'code-commit');
      await shows(page, 'message', 'Paid out: 90.00');
      assert.equal(state.code, undefined, 'the code is used');
    },

    async 'give back: cards that no store takes back'() {
      const page = await opened();
      shop().state.lends = true;
      await click(page, 'giveback-yes');
      await shows(page, 'error', 'Head office does');
      await click(page, 'card-remove');
      await swipe(FROZEN);
      await shows(page, 'card-status', 'frozen');
      assert.equal(await at(page, 'giveback-open').count(), 0);
    },

    async 'give back: the question fits on every screen, in four languages'() {
      for (const size of sizes) {
        const page = await opened(size);
        const words = { en: 'Deposit', 'zh-Hans': '押金', 'zh-Hant': '押金', ko: '보증금' };
        for (const [lang, word] of Object.entries(words)) {
          await click(page, 'giveback-no');
          await at(page, 'lang').selectOption(lang);
          await click(page, 'giveback-open');
          await shows(page, 'giveback-dialog', word);
          await fits(page, `${lang} at ${size[0]}`);
          const wide = await at(page, 'giveback-dialog').evaluate((it) => it.scrollWidth > it.clientWidth);
          assert.ok(!wide, `${lang} at ${size[0]}`);
        }
      }
    },
  };
}
