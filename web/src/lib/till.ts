// What the till knows and how it changes. Pure: no clock, no network, no storage. The controller carries events in.
import { timesExact } from './money';
import type { OutboxState } from './outbox';
import type { Card, Product, Receipt, Refusal, Tender, TillInfo } from './types';

export const LINES_MAX = 200;
export const QUANTITY_MAX = 9_999;
export const RECEIPTS_MAX = 50;

export interface BasketLine {
  product: number;
  quantity: number;
}
export interface HeldCard {
  number: string;
  card: Card;
}
export interface LastCard {
  masked: string;
  here: number;
  elsewhere: number | null;
  elsewhere_as_of: number | null;
}
export type View = 'products' | 'basket' | 'pay' | 'receipts';
export type PayKind = 'card' | 'cash' | 'split';

export type Notice =
  | { tone: 'ok' | 'info' | 'error'; type: 'text'; key: string; params?: Record<string, string | number> }
  | { tone: 'error'; type: 'refusal'; refusal: Refusal }
  | { tone: 'ok'; type: 'receipt'; receipt: Receipt; recovered: boolean };

export interface TillModel {
  phase: 'loading' | 'unpaired' | 'ready';
  info: TillInfo | null;
  /** The node answers, and its events come: only then are swipes, scans and devices as they are shown. */
  reachable: boolean;
  listening: boolean;
  products: Product[];
  basket: BasketLine[];
  card: HeldCard | null;
  looking: boolean;
  lastCard: LastCard | null;
  receipts: Receipt[];
  prints: Record<string, string>;
  selected: string | null;
  view: View;
  notice: Notice | null;
  outbox: OutboxState;
}

export const initialModel: TillModel = {
  phase: 'loading',
  info: null,
  reachable: true,
  listening: true,
  products: [],
  basket: [],
  card: null,
  looking: false,
  lastCard: null,
  receipts: [],
  prints: {},
  selected: null,
  view: 'products',
  notice: null,
  outbox: { phase: 'idle' },
};

export type TillEvent =
  | { type: 'unpaired' }
  | { type: 'info'; info: TillInfo }
  | { type: 'unreachable' }
  | { type: 'listening'; listening: boolean }
  | { type: 'products'; products: Product[] }
  | { type: 'add'; product: number }
  | { type: 'quantity'; product: number; quantity: number }
  | { type: 'clear_basket' }
  | { type: 'looking'; looking: boolean }
  | { type: 'card'; card: HeldCard | null }
  | { type: 'outbox'; outbox: OutboxState }
  | { type: 'done'; receipt: Receipt; recovered: boolean }
  | { type: 'refused'; refusal: Refusal }
  | { type: 'receipt'; receipt: Receipt }
  | { type: 'receipts'; receipts: Receipt[] }
  | { type: 'print'; receipt: string; state: string }
  | { type: 'select'; receipt: string | null }
  | { type: 'view'; view: View }
  | { type: 'notice'; notice: Notice | null }
  | { type: 'patch'; info: Partial<TillInfo> };

// -- reading --------------------------------------------------------------------------------------

export function priceOf(products: Product[], id: number): number | null {
  return products.find((it) => it.id === id)?.price ?? null;
}

/** Total of the basket in minor units; null when a product has no price any more or the sum is not exact. */
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

export function connected(model: Pick<TillModel, 'reachable' | 'listening'>): boolean {
  return model.reachable && model.listening;
}

export function basketLocked(model: Pick<TillModel, 'outbox'>): boolean {
  return model.outbox.phase === 'sending' || model.outbox.phase === 'waiting';
}

/** How the total is paid, or null when this way is not possible now. */
export function tendersFor(model: TillModel, kind: PayKind): Tender[] | null {
  const total = basketTotal(model);
  if (total === null || total <= 0) return null;
  if (kind === 'cash') return [{ kind: 'cash', amount: total }];
  if (!model.card || model.info?.blocked) return null;
  // Paying all by card is allowed beyond `here`: the node then asks for what lies elsewhere.
  if (kind === 'card') return [{ kind: 'card', amount: total }];
  const here = model.card.card.here;
  if (here <= 0 || here >= total) return null;
  return [
    { kind: 'card', amount: here },
    { kind: 'cash', amount: total - here },
  ];
}

export function findByEan(products: Product[], text: string): Product | null {
  const digits = text.normalize('NFKC').trim();
  if (!/^[0-9]{8,14}$/.test(digits)) return null;
  // A 12-digit UPC-A is the same article as the EAN-13 with a zero in front.
  const strip = (ean: string): string => ean.replace(/^0+/, '');
  return products.find((it) => it.ean === digits) ?? products.find((it) => strip(it.ean) === strip(digits)) ?? null;
}

export function nameOf(product: Product, language: string): string {
  return product.name[language] ?? product.name['en'] ?? Object.values(product.name)[0] ?? `#${product.id}`;
}

/** Products whose name in any language, or whose barcode, contains every word of the search. */
export function searchProducts(products: Product[], text: string): Product[] {
  const words = text.normalize('NFKC').toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return products;
  return products.filter((it) => {
    const hay = [it.ean, ...Object.values(it.name)].join('\n').toLowerCase();
    return words.every((word) => hay.includes(word));
  });
}

export function lastReversible(model: Pick<TillModel, 'receipts'>): Receipt | null {
  const newest = model.receipts[0];
  return newest && newest.kind !== 'reversal' && !newest.reversed_by ? newest : null;
}

/** Digits of a typed card number, with a full stop before those of a scratch-off card, or null. Spaces and dashes are for people. */
export function cardNumber(text: string): string | null {
  const digits = text.normalize('NFKC').replace(/[\s-]/g, '');
  return /^[0-9]{8,19}(\.[0-9]{8})?$/.test(digits) ? digits : null;
}

// -- changing -------------------------------------------------------------------------------------

const textNotice = (tone: 'info' | 'error', key: string): Notice => ({ tone, type: 'text', key });

function withQuantity(model: TillModel, product: number, quantity: number): TillModel {
  if (basketLocked(model)) return { ...model, notice: textNotice('info', 'basket.locked') };
  const known = model.basket.some((line) => line.product === product);
  if (quantity > QUANTITY_MAX || (!known && model.basket.length >= LINES_MAX)) {
    return { ...model, notice: textNotice('info', 'basket.full') };
  }
  const basket = known
    ? model.basket
        .map((line) => (line.product === product ? { product, quantity } : line))
        .filter((line) => line.quantity > 0)
    : [...model.basket, { product, quantity }];
  return { ...model, basket, notice: null };
}

function add(model: TillModel, product: number): TillModel {
  const quantity = (model.basket.find((line) => line.product === product)?.quantity ?? 0) + 1;
  const next = withQuantity(model, product, quantity);
  // The next customer's goods bring the products back in front of the last ticket.
  return next.view === 'receipts' ? { ...next, view: 'products' } : next;
}

function upsert(model: TillModel, receipt: Receipt): Receipt[] {
  const others = model.receipts
    .filter((it) => it.id !== receipt.id)
    .map((it) => (it.id === receipt.reverses ? { ...it, reversed_by: receipt.id } : it));
  const known = model.receipts.findIndex((it) => it.id === receipt.id);
  others.splice(Math.max(known, 0), 0, receipt);
  return others.slice(0, RECEIPTS_MAX);
}

function done(model: TillModel, receipt: Receipt, recovered: boolean): TillModel {
  const lastCard =
    receipt.masked !== null && receipt.here !== null
      ? {
          masked: receipt.masked,
          here: receipt.here,
          elsewhere: receipt.elsewhere,
          elsewhere_as_of: receipt.elsewhere_as_of,
        }
      : null;
  let card = model.card;
  if (card && receipt.account === card.card.account && receipt.here !== null) {
    card = {
      ...card,
      card: {
        ...card.card,
        here: receipt.here,
        elsewhere: receipt.elsewhere,
        elsewhere_as_of: receipt.elsewhere_as_of,
      },
    };
  }
  const next: TillModel = {
    ...model,
    card,
    lastCard: lastCard ?? model.lastCard,
    receipts: upsert(model, receipt),
    selected: receipt.id,
    notice: { tone: 'ok', type: 'receipt', receipt, recovered },
  };
  if (receipt.kind !== 'sale') return receipt.kind === 'reversal' ? { ...next, view: 'receipts' } : next;
  // After a sale the card goes back to its holder, so that the next customer cannot pay with it.
  return { ...next, basket: [], card: null, view: 'receipts' };
}

function refused(model: TillModel, refusal: Refusal): TillModel {
  const notice: Notice = { tone: 'error', type: 'refusal', refusal };
  if (refusal.error !== 'insufficient' || refusal.here === undefined || !model.card) return { ...model, notice };
  const card = {
    ...model.card,
    card: { ...model.card.card, here: refusal.here, elsewhere: refusal.elsewhere ?? model.card.card.elsewhere },
  };
  return { ...model, card, notice };
}

export function reduce(model: TillModel, event: TillEvent): TillModel {
  switch (event.type) {
    case 'unpaired':
      return { ...model, phase: 'unpaired', card: null };
    case 'info':
      return { ...model, phase: 'ready', info: event.info, reachable: true };
    case 'unreachable':
      return { ...model, reachable: false };
    case 'listening':
      return { ...model, listening: event.listening };
    case 'products':
      return { ...model, products: event.products };
    case 'add':
      return add(model, event.product);
    case 'quantity':
      return withQuantity(model, event.product, event.quantity);
    case 'clear_basket':
      return basketLocked(model) ? model : { ...model, basket: [], notice: null };
    case 'looking':
      return { ...model, looking: event.looking };
    case 'card':
      return { ...model, card: event.card, looking: false, notice: event.card ? null : model.notice };
    case 'outbox':
      return { ...model, outbox: event.outbox };
    case 'done':
      return done(model, event.receipt, event.recovered);
    case 'refused':
      return refused(model, event.refusal);
    case 'receipt':
      return { ...model, receipts: upsert(model, event.receipt) };
    case 'receipts':
      return { ...model, receipts: event.receipts.slice(0, RECEIPTS_MAX) };
    case 'print':
      return { ...model, prints: { ...model.prints, [event.receipt]: event.state } };
    case 'select':
      return { ...model, selected: event.receipt };
    case 'view':
      return { ...model, view: event.view };
    case 'notice':
      return { ...model, notice: event.notice };
    case 'patch':
      return model.info ? { ...model, info: { ...model.info, ...event.info } } : model;
  }
}
