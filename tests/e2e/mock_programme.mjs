// The programme of the mock node: rules like those of config/demo-rules.toml, and what a basket costs under them.
// Written anew from docs/programme.md, so that pages are not tested against their own arithmetic.

export const noProgramme = () => ({
  version: 3,
  spend_first: 'bonus',
  purses: [],
  levels: [],
  card_kinds: [],
  discounts: [],
  packages: [],
});

export const [BONUS, POINTS, VOUCHER, VISITS] = [2, 3, 4, 5];

const names = (en, hans, hant, ko) => ({ en, 'zh-Hans': hans, 'zh-Hant': hant, ko });

export const shopProgramme = () => ({
  ...noProgramme(),
  purses: [
    { id: BONUS, name: names('Gift money', '赠金', '贈金', '보너스 금액'), kind: 'bonus', gifts: [] },
    {
      id: POINTS,
      name: names('Points', '积分', '點數', '포인트'),
      kind: 'points',
      expires_months: 12,
      rate_units: 100,
      rate_money: 100,
      share_basis_points: 5_000,
      manual_per_day: 500,
      gift_per_day: 200,
      gifts: [{ product: 3, units: 400 }],
    },
    {
      id: VOUCHER,
      name: names('5.00 off', '5元优惠券', '5元折價券', '5위안 할인권'),
      kind: 'voucher',
      off: 500,
      min_total: 2_000,
      gifts: [],
    },
    {
      id: VISITS,
      name: names('Coffee pass', '咖啡次卡', '咖啡次卡', '커피 이용권'),
      kind: 'visits',
      gifts: [{ product: 4, units: 1 }],
    },
  ],
  levels: [{ id: 2, name: names('Gold', '金卡', '金卡', '골드'), spend: 500_000, months: 12 }],
  card_kinds: [{ id: 7, name: names('Voucher card', '券卡', '券卡', '교환 카드'), top_up: false, per_day: null }],
  discounts: [
    { id: 1, name: names('Gold 10 %', '金卡九折', '金卡九折', '골드 10 %'), basis_points: 1_000, levels: [2] },
    { id: 2, name: names('Noodle week', '面条周', '麵條週', '라면 주간'), off: 50, products: [7] },
  ],
  packages: [
    {
      id: 1,
      name: names('200 + 10', '充200送10', '儲200送10', '200 + 10'),
      pay: 20_000,
      gives: [{ purse: BONUS, units: 1_000 }],
    },
    {
      id: 2,
      name: names('Gold 500', '金卡500', '金卡500', '골드 500'),
      pay: 50_000,
      gives: [{ purse: BONUS, units: 9_000 }],
      levels: [2],
    },
    {
      id: 3,
      name: names('Sunday 100', '周日100', '週日100', '일요일 100'),
      pay: 10_000,
      gives: [{ purse: POINTS, units: 50 }],
      weekdays: 64,
    },
    {
      id: 4,
      name: names('Weekday 100', '平日100', '平日100', '평일 100'),
      pay: 10_000,
      gives: [{ purse: POINTS, units: 60 }],
      weekdays: 31,
    },
    {
      id: 5,
      name: names('Last year', '去年', '去年', '작년'),
      pay: 10_000,
      gives: [{ purse: POINTS, units: 70 }],
      until: '2025-12-31',
    },
  ],
});

const no = (error, detail) => ({ problem: { error, detail } });
const units = (card, purse) => card?.purses?.[purse]?.here ?? 0;

/** What the programme makes of a basket: `{quote}` or `{problem: {error, detail}}`. */
export function priceMock(state, card, body) {
  const rules = state.programme;
  const lines = [];
  for (const line of body.lines ?? []) {
    const product = state.products.find((it) => it.id === line.product || it.ean === line.ean);
    if (!product) return no('unknown_product');
    const gross = product.price * line.quantity;
    let best = { discount: 0, rule: null };
    for (const rule of rules.discounts) {
      if (rule.levels && !rule.levels.includes(card?.level ?? 0)) continue;
      if (rule.products && !rule.products.includes(product.id)) continue;
      const discount = rule.off ? rule.off * line.quantity : Math.round((gross * rule.basis_points) / 10_000);
      if (discount > best.discount) best = { discount, rule: rule.id };
    }
    lines.push({
      product: product.id,
      quantity: line.quantity,
      price: product.price,
      gross,
      ...best,
      net: gross - best.discount,
    });
  }
  const gross = lines.reduce((sum, it) => sum + it.gross, 0);
  const discount = lines.reduce((sum, it) => sum + it.discount, 0);
  let due = gross - discount;
  const uses = [];
  for (const use of [...(body.uses ?? [])].sort((a, b) =>
    a.purse === VOUCHER ? -1 : b.purse === VOUCHER ? 1 : 0,
  )) {
    const rule = rules.purses.find((it) => it.id === use.purse);
    if (!card || !rule) return no('not_applicable', 'units of a purse need a card');
    let amount;
    if (rule.kind === 'voucher') {
      if (due < rule.min_total) return no('not_applicable', '5.00 off: from 20.00 on');
      if (rule.off * (use.units - 1) >= due) return no('not_applicable', '5.00 off: more than this basket can use');
      amount = Math.min(rule.off * use.units, due);
    } else {
      amount = (use.units * rule.rate_money) / rule.rate_units;
      if (amount > Math.min(due, Math.floor(((gross - discount) * rule.share_basis_points) / 10_000)))
        return no('not_applicable', 'Points: more than they may pay of this basket');
    }
    due -= amount;
    uses.push({ ...use, amount });
  }
  const gifts = [];
  for (const gift of body.gifts ?? []) {
    const each = rules.purses.find((it) => it.id === gift.purse)?.gifts.find((it) => it.product === gift.product);
    if (!card || !each) return no('not_applicable', 'a gift needs a card');
    gifts.push({ purse: gift.purse, units: each.units * gift.quantity, amount: 0 });
  }
  // A kind of card that is not good for these goods pays for none of them.
  const goods = lines.reduce((sum, it) => sum + (card?.not_products?.includes(it.product) ? 0 : it.net), 0);
  const bonus = Math.min(due, goods, units(card, BONUS));
  const earned =
    card && due - bonus >= 100 ? [{ purse: POINTS, units: Math.floor((due - bonus) / 100), month: 202711 }] : [];
  return {
    quote: {
      lines,
      gross,
      discount,
      uses,
      gifts,
      due,
      bonus: bonus > 0 ? [{ purse: BONUS, units: bonus, amount: bonus }] : [],
      card_max: card ? Math.min(due, goods, bonus + card.here) : 0,
      ...(card && goods < due ? { card_goods: goods } : {}),
      tax: [],
      earned,
    },
  };
}

const move = (card, purse, n) => {
  card.purses ??= {};
  card.purses[purse] = { here: units(card, purse) + n };
};

/** Takes and gives what a sale does to the card's purses. Answers a refusal, or the money that the paid purse pays. */
export function settleMock(card, quote, byCard) {
  for (const it of [...quote.uses, ...quote.gifts])
    if (units(card, it.purse) < it.units)
      return {
        refusal: {
          here: units(card, it.purse),
          short: it.units - units(card, it.purse),
          purse: it.purse,
          elsewhere: 0,
        },
      };
  const bonus = Math.min(byCard, units(card, BONUS));
  if (byCard - bonus > card.here)
    return {
      refusal: { here: card.here, elsewhere: card.elsewhere, short: byCard - bonus - card.here, pulled: 0 },
    };
  for (const it of [...quote.uses, ...quote.gifts]) move(card, it.purse, -it.units);
  move(card, BONUS, -bonus);
  const earned = Math.floor((quote.due - bonus) / 100);
  if (earned > 0) move(card, POINTS, earned);
  card.here -= byCard - bonus;
  return { earned, bonus };
}

/** What a top-up gives besides; null when there is no such package. */
export function packageMock(state, card, number, amount) {
  const pack = state.programme.packages.find((it) => it.id === number);
  if (!pack || pack.pay !== amount) return null;
  for (const it of pack.gives) move(card, it.purse, it.units);
  return pack;
}

/** The rows of purses of a card's answer. */
export const pursesOf = (state, card) =>
  state.programme.purses.map(({ id }) => {
    const { here = 0, held, elsewhere = 0, months = [], owed_back } = card.purses?.[id] ?? {};
    return { purse: id, here, held: held ?? here, elsewhere, months, ...(owed_back ? { owed_back } : {}) };
  });

/** A day report as far as the page reads it; `asked` is date, till and maybe "/print". */
export function dayReportMock(state, [, date, till, toPaper], print) {
  const all = [...state.receipts.values()];
  const sum = all.filter((it) => it.kind === 'sale').reduce((n, it) => n + it.total, 0);
  const text = ['DAY REPORT, SO FAR', `${date}, ${till}`, `sales  ${all.length} x  ${(sum / 100).toFixed(2)}`];
  const id = `day.${date}.${till}.${all.length}`;
  const answer = { id, date, till: till === 'all' ? null : Number(till), so_far: true, text };
  if (!toPaper) return answer;
  const copy = state.reported === id;
  state.reported = id;
  print(id, copy ? ['** COPY **', ...text] : text);
  return { ...answer, queued: true, copy };
}
