// One-time codes on the till page. Part of pages_test.mjs, which hands in its helpers.
import assert from 'node:assert/strict';

const A = '9704000000003931';

export function codeTests({ shop, till, at, click, shows, has, swipe, sizes, fits }) {
  /** Cards of kind 7: no code up to 20.00. */
  function withCodes(pin) {
    const { state } = shop();
    state.programme.card_kinds = [
      {
        id: 7,
        name: { en: 'Card' },
        top_up: true,
        per_day: null,
        pin_above: pin === undefined ? null : 1500,
        pin_above_day: null,
        code_above: 2000,
      },
    ];
    Object.assign(state.cards.get(A), { card_kind: 7, pin });
  }
  const stored = (page) => page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  async function refused(page) {
    await swipe(A);
    await click(page, 'product-1');
    await click(page, 'product-1');
    await click(page, 'pay-card');
  }

  return {
    async 'code: sent when a sale asks for one, then typed'() {
      withCodes();
      const page = await till();
      await refused(page);
      await has(page, 'notice', 'error', 'code_required');
      await shows(page, 'error', 'one-time code');
      await shows(page, 'code-without', '20.00');
      assert.equal(await at(page, 'code-typed').count(), 0, 'there is nothing to type yet');
      await click(page, 'code-send');
      await shows(page, 'code-sent', 'ends in 42');
      await shows(page, 'code-sent', '5 minutes');
      assert.equal(shop().state.code.up_to, 2500);
      for (const size of sizes) {
        await page.setViewportSize({ width: size[0], height: size[1] });
        await fits(page, `code at ${size[0]}`);
      }
      await page.setViewportSize({ width: sizes[0][0], height: sizes[0][1] });
      assert.ok(await at(page, 'code-commit').isDisabled());
      await at(page, 'code-typed').fill('000000');
      await click(page, 'code-commit');
      await shows(page, 'error', '2 tries are left');
      await at(page, 'code-typed').fill('100001');
      await click(page, 'code-commit');
      await shows(page, 'message', 'Paid 25.00');
      assert.ok(!(await stored(page)).includes('100001'), 'the browser keeps no code');
    },

    async 'code: the third wrong one is the last, and another is sent'() {
      withCodes();
      const page = await till();
      await refused(page);
      await click(page, 'code-send');
      for (const left of [2, 1]) {
        await at(page, 'code-typed').fill('000000');
        await click(page, 'code-commit');
        await shows(page, 'error', `${left} tries are left`);
      }
      await at(page, 'code-typed').fill('000000');
      await click(page, 'code-commit');
      await shows(page, 'error', 'for the third time');
      await click(page, 'code-send');
      await at(page, 'code-typed').fill('100002');
      await click(page, 'code-commit');
      await shows(page, 'message', 'Paid 25.00');
      assert.equal(shop().state.codesSent, 2);
    },

    async 'code: beside the PIN, which is typed with it'() {
      withCodes('4711');
      const page = await till();
      await refused(page);
      await at(page, 'pin-typed').fill('4711');
      await click(page, 'pin-commit');
      await has(page, 'notice', 'error', 'code_required');
      await click(page, 'code-send');
      await at(page, 'code-pin').fill('4711');
      await at(page, 'code-typed').fill('100001');
      await click(page, 'code-commit');
      await shows(page, 'message', 'Paid 25.00');
      const kept = await stored(page);
      assert.ok(!kept.includes('4711') && !kept.includes('100001'));
    },

    async 'code: none can be sent, and what goes without one is paid'() {
      withCodes();
      shop().state.sendsNoCodes = 'offline';
      const page = await till();
      await refused(page);
      await click(page, 'code-send');
      await shows(page, 'code-sent', 'does not answer');
      shop().state.sendsNoCodes = 'code_required';
      await click(page, 'code-send');
      await shows(page, 'code-sent', 'no telephone');
      await at(page, 'lang').selectOption('zh-Hans');
      await shows(page, 'code-sent', '没有此卡会员的手机号码');
      await click(page, 'pin-rest-cash');
      await has(page, 'last-here', 'minor', 3000);
    },
  };
}
