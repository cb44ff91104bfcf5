// What a basket comes to and how it can be paid. Pure. With a programme the node's quote says what is due; a quote
// counts for exactly the request that it answers, so the newest basket is never paid with the figures of an older one.
import { timesExact } from './money';
import { changesPrices } from './programme';
import type { HeldCard, PayKind, TillModel } from './till';
import type { Product, Quote, Refusal, Tender } from './types';

export interface UnitUse {
  purse: number;
  units: number;
}
export interface GiftLine {
  purse: number;
  product: number;
  quantity: number;
}
interface Wish {
  uses: UnitUse[];
  gifts: GiftLine[];
}

export interface QuoteState {
  /** Moved on when the same request may be answered in another way: new rules, a top-up, a refused payment. */
  round: number;
  answered: ({ key: string; quote: Quote } & Wish) | null;
  /** The newest request that the node refused. */
  problem: { key: string; refusal: Refusal } | null;
  /** The node did not answer the last question. */
  silent: boolean;
}
export const noQuote: QuoteState = { round: 0, answered: null, problem: null, silent: false };

export type QuoteAnswer = { ok: true; body: Quote } | { ok: false; status: number; refusal: Refusal };

/**
 * plain: no programme, the sum of prices is due. quoted: the node said it. asking: its answer is under way, `due` is an
 * estimate. silent: the node does not answer, the sum of prices. refused: the node would not price this basket.
 */
export interface Bill {
  state: 'plain' | 'quoted' | 'asking' | 'silent' | 'refused';
  /** Null when nobody knows. */
  due: number | null;
  /** The most that the card pays here now. */
  cardMax: number;
  /** The most that a card of this kind may pay of it, wherever its money lies; left out: all. */
  cardGoods?: number;
  /** Only when it is of this very basket. */
  quote: Quote | null;
}

export function priceOf(products: Product[], id: number): number | null {
  return products.find((it) => it.id === id)?.price ?? null;
}

/** Sum of the prices in minor units; null when a product has no price any more or the sum is not exact. */
export function basketTotal(model: Pick<TillModel, 'basket' | 'products'>): number | null {
  let total = 0;
  for (const line of model.basket) {
    const price = priceOf(model.products, line.product);
    const amount = price === null ? null : timesExact(price, line.quantity);
    if (amount === null) return null;
    total += amount;
  }
  return Number.isSafeInteger(total) ? total : null;
}

export function isEmpty(model: Pick<TillModel, 'basket' | 'gifts'>): boolean {
  return model.basket.length === 0 && model.gifts.length === 0;
}

/** The held card, when the node would let it buy: only then prices and points may be those of its holder. */
export function memberCard(model: Pick<TillModel, 'card' | 'info' | 'programme'>): HeldCard | null {
  const { card, info } = model;
  if (!card || card.rejected || info?.blocked || !changesPrices(model.programme)) return null;
  return card.card.status === 'active' || card.card.status === 'not_known_yet' ? card : null;
}

/** The fields that a quote and its sale have in common. */
export function saleFields(model: TillModel): Record<string, unknown> {
  const list = <T>(items: T[]): T[] | undefined => (items.length > 0 ? items : undefined);
  return {
    card: memberCard(model)?.number,
    lines: model.basket.map((line) => ({ product: line.product, quantity: line.quantity })),
    uses: list(model.uses),
    gifts: list(model.gifts),
  };
}

/** What the node is to be asked; null when no quote is needed. */
export function wantedQuote(model: TillModel): { key: string; body: Record<string, unknown> } | null {
  if (!model.info || isEmpty(model) || !changesPrices(model.programme)) return null;
  const body = saleFields(model);
  return { key: JSON.stringify([model.quote.round, model.info.business_date, body]), body };
}

/** Whether there is still something to ask. */
export function quoteMissing(model: TillModel): boolean {
  const wanted = wantedQuote(model);
  const { answered, problem } = model.quote;
  return wanted !== null && wanted.key !== answered?.key && wanted.key !== problem?.key;
}

/** Money that the card has here, as far as the page knows: paid and bonus. */
function cardHere(model: TillModel): number {
  const { card, programme } = model;
  if (!card) return 0;
  const bonus = (card.card.purses ?? []).filter(
    (it) => programme?.purses.find((rule) => rule.id === it.purse)?.kind === 'bonus',
  );
  return bonus.reduce((sum, it) => sum + it.here, card.card.here);
}

/** A model never changes, and every line of a long basket asks for its bill. */
const bills = new WeakMap<TillModel, Bill>();

export function bill(model: TillModel): Bill {
  const known = bills.get(model);
  if (known) return known;
  const made = makeBill(model);
  bills.set(model, made);
  return made;
}

function makeBill(model: TillModel): Bill {
  const sum = basketTotal(model);
  const most = (due: number | null, here: number): number => Math.max(0, Math.min(due ?? 0, here));
  const wanted = wantedQuote(model);
  const here = model.card?.card.here ?? 0;
  if (!wanted) return { state: 'plain', due: sum, cardMax: most(sum, here), quote: null };
  const { answered, problem, silent } = model.quote;
  if (answered?.key === wanted.key) {
    const { due, card_max, card_goods } = answered.quote;
    const some = model.card && card_goods !== undefined ? { cardGoods: card_goods } : {};
    return { state: 'quoted', due, cardMax: model.card ? card_max : 0, ...some, quote: answered.quote };
  }
  if (problem?.key === wanted.key) return { state: 'refused', due: null, cardMax: 0, quote: null };
  if (silent) {
    // Without an answer only the prices are believed; what units would take off is not known.
    const due = model.uses.length === 0 && model.gifts.length === 0 ? sum : null;
    return { state: 'silent', due, cardMax: most(due, here), quote: null };
  }
  // As much less than the prices as in the quote before: for the moment until the answer is here.
  const less = answered && model.basket.length > 0 ? answered.quote.gross - answered.quote.due : 0;
  const due = sum === null ? null : Math.max(0, sum - Math.min(less, sum));
  return { state: 'asking', due, cardMax: most(due, cardHere(model)), quote: null };
}

/**
 * The newest quote: of this basket, or while its own is under way of the one a moment ago. For what stands beside the
 * figures, so that nothing flickers and no button goes dead between two scans.
 */
export function nearQuote(model: TillModel): Quote | null {
  const { state, quote } = bill(model);
  return quote ?? (state === 'asking' ? (model.quote.answered?.quote ?? null) : null);
}

/** How the bill is paid, or null when this way is not possible now. An empty list: nothing is left to pay. */
export function tendersFor(model: TillModel, kind: PayKind): Tender[] | null {
  if (isEmpty(model)) return null;
  const { due, cardMax, cardGoods, state } = bill(model);
  if (due === null || (due <= 0 && state === 'plain')) return null;
  if (due <= 0) return (kind === 'card') === (memberCard(model) !== null) && kind !== 'split' ? [] : null;
  if (kind === 'cash') return [{ kind: 'cash', amount: due }];
  if (!model.card || model.info?.blocked) return null;
  // Paying all by card is allowed beyond what lies here: the node then asks for what lies elsewhere.
  if (kind === 'card' && cardGoods !== undefined && cardGoods < due) return null;
  if (kind === 'card') return [{ kind: 'card', amount: due }];
  if (cardMax <= 0 || cardMax >= due) return null;
  return [
    { kind: 'card', amount: cardMax },
    { kind: 'cash', amount: due - cardMax },
  ];
}

/** Another card, no card, or another state of the rules: the same basket is asked about anew. */
export function nextRound(quote: QuoteState): QuoteState {
  return { ...quote, round: quote.round + 1 };
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** These say that the card may not buy, whatever is in the basket. */
const OF_CARD = [
  'card_blocked',
  'number_used',
  'not_here',
  'unknown_card',
  'bad_signature',
  'not_certified',
  'rolled_back',
  'epoch_closed',
  'revoked',
];

/**
 * An answer to the question `key`, which asked with the wishes of `asked`. A wish that this basket cannot use is taken
 * back: to what the node agreed to before, else altogether; the notice says why.
 */
export function onQuote(model: TillModel, key: string, asked: Wish, answer: QuoteAnswer): TillModel {
  if (answer.ok) {
    const answered = { key, quote: answer.body, uses: asked.uses, gifts: asked.gifts };
    return { ...model, quote: { ...model.quote, answered, problem: null, silent: false } };
  }
  const { refusal, status } = answer;
  if (status === 0 || status === 429 || status >= 500) return { ...model, quote: { ...model.quote, silent: true } };
  const quote = { ...model.quote, silent: false };
  if (wantedQuote(model)?.key !== key) return { ...model, quote };
  const notice: TillModel['notice'] = { tone: 'error', type: 'refusal', refusal };
  if (OF_CARD.includes(refusal.error) && model.card)
    return { ...model, quote, notice, card: { ...model.card, rejected: true }, uses: [], gifts: [] };
  if (asked.uses.length > 0 || asked.gifts.length > 0) {
    const { answered } = model.quote;
    const before = answered && !same([answered.uses, answered.gifts], [asked.uses, asked.gifts]) ? answered : null;
    return { ...model, quote, notice, uses: before?.uses ?? [], gifts: before?.gifts ?? [] };
  }
  return { ...model, quote: { ...quote, problem: { key, refusal } }, notice };
}
