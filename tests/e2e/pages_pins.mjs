// PINs on the till page. Part of pages_test.mjs, which hands in its helpers.
import assert from 'node:assert/strict';

const A = '9704000000003931';

export function pinTests({ shop, till, at, click, shows, has, swipe, sizes, fits }) {
  /** Cards of kind 7: no PIN up to 20.00. */
  function withPins(pin) {
    const { state } = shop();
    state.programme.card_kinds = [
      { id: 7, name: { en: 'Card' }, top_up: true, per_day: null, pin_above: 2000, pin_above_day: null },
    ];
    Object.assign(state.cards.get(A), { card_kind: 7, pin });
  }
  const card = () => shop().state.cards.get(A);
  const stored = (page) => page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));

  return {
    async 'PIN: chosen beside the card, then typed when a sale asks for it'() {
      withPins(undefined);
      const page = await till();
      await swipe(A);
      await click(page, 'product-1');
      await click(page, 'product-1');
      await click(page, 'pay-card');
      await shows(page, 'error', 'has none yet');
      assert.equal(await at(page, 'pin-asked').count(), 0, 'there is no PIN to type');
      await click(page, 'pin-open');
      assert.equal(await at(page, 'pin-old').count(), 0);
      await at(page, 'pin-new').fill('4711');
      await at(page, 'pin-again').fill('4712');
      assert.ok(await at(page, 'pin-set').isDisabled());
      await at(page, 'pin-again').fill('4711');
      await click(page, 'pin-set');
      await shows(page, 'message', 'The PIN is set');
      assert.equal(card().pin, '4711');
      await click(page, 'pay-card');
      await has(page, 'notice', 'error', 'pin_required');
      await shows(page, 'pin-without', '20.00');
      assert.ok(await at(page, 'pin-commit').isDisabled());
      // Another basket is another sale: what was refused is not asked for again.
      await click(page, 'more-1');
      await at(page, 'pin-asked').waitFor({ state: 'detached' });
      await click(page, 'less-1');
      await click(page, 'pay-card');
      await at(page, 'pin-typed').fill('4711');
      assert.equal(await at(page, 'pin-typed').getAttribute('type'), 'password');
      await click(page, 'pin-commit');
      await shows(page, 'message', 'Paid 25.00');
      assert.ok(!(await stored(page)).includes('4711'), 'the browser keeps no PIN');
    },

    async 'PIN: wrong ones say how many tries are left, and lock'() {
      withPins('4711');
      const page = await till();
      await swipe(A);
      await click(page, 'product-1');
      await click(page, 'product-1');
      await click(page, 'pay-card');
      for (const left of [2, 1]) {
        await at(page, 'pin-typed').fill('0000');
        await click(page, 'pin-commit');
        await shows(page, 'error', `${left} tries are left`);
      }
      await at(page, 'pin-typed').fill('0000');
      await click(page, 'pin-commit');
      await shows(page, 'error', '0 tries are left');
      assert.equal(await at(page, 'pin-asked').count(), 0);
      await click(page, 'pay-card');
      await has(page, 'notice', 'error', 'pin_locked');
      // What goes without it, and the rest in cash.
      await shows(page, 'pin-rest-cash', '20.00');
      await click(page, 'pin-rest-cash');
      await shows(page, 'message', 'Paid 25.00');
      assert.deepEqual([...shop().state.receipts.values()].at(-1).tenders, [
        { kind: 'card', amount: 2000 },
        { kind: 'cash', amount: 500 },
      ]);
    },

    async 'PIN: a top-up is reversed with it, whatever card is at the till'() {
      withPins('4711');
      const page = await till();
      await swipe(A);
      await at(page, 'card-masked').waitFor();
      await at(page, 'topup-amount').fill('10');
      await click(page, 'topup-commit');
      await shows(page, 'message', '10.00');
      await click(page, 'card-remove', 'view-receipts', 'reverse-last', 'reverse-yes');
      await has(page, 'notice', 'error', 'pin_required');
      await at(page, 'pin-typed').fill('4711');
      await click(page, 'pin-commit');
      await has(page, 'notice', 'tone', 'ok');
      assert.equal([...shop().state.receipts.values()].at(-1).kind, 'reversal');
    },

    async 'PIN: changed with the old one'() {
      withPins('4711');
      const page = await till();
      await swipe(A);
      await click(page, 'pin-open');
      for (const [field, text] of [['pin-old', '9999'], ['pin-new', '2580'], ['pin-again', '2580']])
        await at(page, field).fill(text);
      await click(page, 'pin-set');
      await shows(page, 'pin-problem', '2 tries are left');
      assert.equal(await at(page, 'pin-new').inputValue(), '', 'nothing typed is kept');
      for (const [field, text] of [['pin-old', '4711'], ['pin-new', '2580'], ['pin-again', '2580']])
        await at(page, field).fill(text);
      for (const size of sizes) {
        await page.setViewportSize({ width: size[0], height: size[1] });
        await fits(page, `PIN at ${size[0]}`);
      }
      await page.setViewportSize({ width: sizes[0][0], height: sizes[0][1] });
      await click(page, 'pin-set');
      await at(page, 'pin-form').waitFor({ state: 'detached' });
      assert.equal(card().pin, '2580');
    },

    async 'PIN: a store that cannot check one says so'() {
      withPins('4711');
      shop().state.judgesNoPins = true;
      const page = await till();
      await swipe(A);
      await click(page, 'product-1');
      await click(page, 'product-1');
      await click(page, 'pay-card');
      await shows(page, 'error', 'only with its PIN');
      await at(page, 'pin-typed').fill('4711');
      await click(page, 'pin-commit');
      await shows(page, 'error', 'cannot check');
      await at(page, 'lang').selectOption('ko');
      await shows(page, 'error', '비밀번호를 확인할 수');
      await click(page, 'pin-rest-cash');
      await has(page, 'last-here', 'minor', 3000);
    },

    async 'PIN: a lost answer is asked for again with it, and it is on no disk meanwhile'() {
      withPins('4711');
      const page = await till();
      await swipe(A);
      await click(page, 'product-1');
      await click(page, 'product-1');
      await click(page, 'pay-card');
      await at(page, 'pin-typed').fill('4711');
      shop().faults.lasting = 'lose_answer';
      await click(page, 'pin-commit');
      await at(page, 'banner-unanswered').waitFor();
      const kept = await stored(page);
      assert.ok(kept.includes('/api/v1/sales'), 'the request is kept');
      assert.ok(!kept.includes('4711'), 'its PIN is not');
      shop().faults.lasting = undefined;
      await shows(page, 'message', '25.00');
      assert.equal(shop().counts.executed, 1);
    },
  };
}
