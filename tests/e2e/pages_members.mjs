// Members on the till page. Part of pages_test.mjs, which hands in its helpers; `shop()` is the mock node of the running test.
import assert from 'node:assert/strict';
import { blankMember } from './mock_members.mjs';

const A = '9704000000003931';
/** One dot, as a PNG. */
const DOT =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

export function memberTests({ shop, till, at, click, shows, has, swipe, sizes, fits }) {
  const account = () => shop().state.cards.get(A).account;
  function people(...list) {
    shop().state.members = new Map(list.map((it) => [it.member, { ...blankMember(it.member), ...it }]));
  }
  const wang = (more = {}) => ({
    member: 1201,
    name: '王小明',
    birthday: '1990-02-28',
    phones: ['13800138000'],
    consents: ['sms', 'photo'],
    accounts: [account()],
    photo: DOT,
    ...more,
  });
  /** What the browser keeps for this page. */
  const kept = (page) => page.evaluate(() => JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }));

  return {
    async 'member: the name stands with the card, only what was changed is sent, and nothing stays in the browser'() {
      people(wang());
      const page = await till();
      await swipe(A);
      await has(page, 'card-member', 'member', 1201);
      await shows(page, 'card-member', '王小明');
      await click(page, 'member-edit');
      await at(page, 'member-photo').waitFor();
      assert.equal(await at(page, 'member-phones').inputValue(), '13800138000');
      await at(page, 'member-phones').fill('13800138000\n 010 5550 1234 ');
      await at(page, 'member-children').fill('2015-05-01 f');
      await at(page, 'member-consent-email').check();
      await click(page, 'member-save');
      await shows(page, 'notice', 'Saved');
      assert.deepEqual(shop().state.memberSaid, {
        phones: ['13800138000', '010 5550 1234'],
        children: [{ birthday: '2015-05-01', sex: 'female' }],
        consents: ['sms', 'photo', 'email'],
      });
      await shows(page, 'card-member', 'Not at head office yet');
      const held = await kept(page);
      for (const secret of ['王小明', '13800138000', '1990-02-28', '5550']) assert.ok(!held.includes(secret), secret);
    },

    async 'member: a card of plastic is asked for, twice over by hand, and what came of it is shown'() {
      people(wang());
      const page = await till();
      await swipe(A);
      await has(page, 'card-application', 'state', 'none');
      await click(page, 'card-apply');
      assert.equal(shop().state.members.get(1201).applications.length, 0, 'one tap asks for nothing');
      shop().state.memberTrouble = 'busy';
      await click(page, 'card-apply');
      await shows(page, 'apply-problem', 'busy');
      shop().state.memberTrouble = null;
      await click(page, 'card-apply');
      await click(page, 'card-apply');
      await has(page, 'card-application', 'state', 'open');
      await shows(page, 'card-application', 'since 2026-11-27');
      await at(page, 'card-apply').waitFor({ state: 'hidden' });
      const asked = shop().state.members.get(1201).applications[0];
      assert.equal(asked.account, account());
      // Head office answers; the next look at the card says so, and it can be asked for again.
      Object.assign(asked, { state: 'refused', answered: '2026-11-28', reason: '<b>no</b> address' });
      await swipe(A);
      await has(page, 'card-application', 'state', 'refused');
      await shows(page, 'card-application', '<b>no</b> address');
      await click(page, 'card-apply');
      await click(page, 'card-apply');
      await has(page, 'card-application', 'state', 'open');
      Object.assign(shop().state.members.get(1201).applications[0], { state: 'made', answered: '2026-11-29' });
      for (const size of sizes) {
        const page = await till(size);
        await swipe(A);
        if (size[0] < 701) await click(page, 'tab-pay');
        await has(page, 'card-application', 'state', 'made');
        for (const lang of ['zh-Hans', 'zh-Hant', 'ko', 'en']) {
          await at(page, 'lang').selectOption(lang);
          await fits(page, `application ${size} ${lang}`);
        }
        await shows(page, 'card-application', 'made on 2026-11-29');
        await page.context().close();
      }
    },

    async 'member: a refusal keeps the form, a name full of markup is only text'() {
      people(wang({ name: '<img src=x onerror=alert(1)>' }));
      const page = await till();
      await swipe(A);
      await shows(page, 'card-member', '<img src=x onerror=alert(1)>');
      assert.equal(await at(page, 'card-member').locator('img').count(), 0);
      await click(page, 'member-edit');
      await at(page, 'member-name').fill('no!');
      await click(page, 'member-save');
      await shows(page, 'member-form-problem', 'name: text');
      assert.equal(await at(page, 'member-name').inputValue(), 'no!');
      await at(page, 'member-file').setInputFiles({ name: 'a.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg/>') });
      await shows(page, 'member-form-problem', 'JPEG');
      await click(page, 'member-close');
      await at(page, 'member-dialog').waitFor({ state: 'hidden' });
    },

    async 'member: a card without one gets one; without a line the page says so'() {
      people();
      const page = await till();
      await swipe(A);
      await has(page, 'card-member', 'state', 'none');
      await click(page, 'member-edit');
      await at(page, 'member-name').fill('김철수');
      await at(page, 'member-birthday').fill('--02-28');
      await click(page, 'member-save');
      await shows(page, 'card-member', '김철수');
      assert.deepEqual(shop().state.memberSaid, { name: '김철수', birthday: '--02-28' });
      for (const [trouble, state] of [['offline', 'away'], ['timeout', 'unanswered']]) {
        shop().state.memberTrouble = trouble;
        await swipe(A);
        await has(page, 'card-member', 'state', state);
      }
    },

    async 'member: found by part of a name or last digits, in four languages, on every screen'() {
      people(wang(), wang({ member: 1202, name: '李小明', phones: ['13900139000'], accounts: [] }));
      for (const size of sizes) {
        const page = await till(size);
        if (size[0] < 701) await click(page, 'tab-pay');
        await at(page, 'member-query').fill('小明');
        await click(page, 'member-find');
        await has(page, 'member-hits', 'count', 2);
        await at(page, 'member-query').fill('9000');
        await click(page, 'member-find');
        await has(page, 'member-hits', 'count', 1);
        for (const lang of ['zh-Hans', 'zh-Hant', 'ko', 'en']) {
          await at(page, 'lang').selectOption(lang);
          await fits(page, `member search ${size} ${lang}`);
        }
        await click(page, 'member-hit-1202');
        await at(page, 'member-dialog').waitFor();
        assert.equal(await at(page, 'member-name').inputValue(), '李小明');
        await fits(page, `member form ${size}`);
        await page.context().close();
      }
    },
  };
}
