// What the till knows and how it changes. Pure: no clock, no network, no storage. The controller carries events in.
import {
  bill,
  memberCard,
  nextRound,
  noQuote,
  onQuote,
  type GiftLine,
  type QuoteAnswer,
  type QuoteState,
  type UnitUse,
} from './bill';
import type { OutboxState } from './outbox';
import { nameIn } from './programme';
import type { Card, Product, Programme, Receipt, Refusal, TillInfo } from './types';

export const LINES_MAX = 200;
export const QUANTITY_MAX = 9_999;
/** Of a product that is sold by amount, in minor units. */
export const OPEN_MAX = 1_000_000_000;
export const GIFTS_MAX = 50;
export const RECEIPTS_MAX = 50;

export interface BasketLine {
  product: number;
  quantity: number;
}
export interface HeldCard {
  number: string;
  card: Card;
  /** The node would not price a basket with it: it is out of the price until it is read again. */
  rejected?: boolean;
}
export interface LastCard {
  masked: string;
  here: number;
  elsewhere: number | null;
  elsewhere_as_of: number | null;
}
export type View = 'products' | 'basket' | 'pay' | 'receipts';
export type PayKind = 'card' | 'cash' | 'split';
/** A payment that waits for the quote under way: what the screen showed as due when it was asked for. */
export interface PayWish {
  kind: PayKind;
  shown: number;
}

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
  programme: Programme | null;
  basket: BasketLine[];
  /** Units of the card that are to help paying, and pieces that they buy. */
  uses: UnitUse[];
  gifts: GiftLine[];
  /** A product whose amount is being typed. */
  asking: number | null;
  quote: QuoteState;
  payWish: PayWish | null;
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
  programme: null,
  basket: [],
  uses: [],
  gifts: [],
  asking: null,
  quote: noQuote,
  payWish: null,
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
  | { type: 'programme'; programme: Programme | null }
  /** `pieces`: of a product that is sold by amount, the sum; without it the page asks. */
  | { type: 'add'; product: number; pieces?: number }
  | { type: 'asking'; product: number | null }
  | { type: 'quantity'; product: number; quantity: number }
  | { type: 'clear_basket' }
  | { type: 'use'; purse: number; units: number }
  | { type: 'gift'; purse: number; product: number; quantity: number }
  | { type: 'quote'; key: string; uses: UnitUse[]; gifts: GiftLine[]; answer: QuoteAnswer }
  | { type: 'pay_wish'; wish: PayWish | null }
  | { type: 'looking'; looking: boolean }
  | { type: 'card'; card: HeldCard | null }
  /** The held card, read again. */
  | { type: 'card_read'; card: Card }
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

export function connected(model: Pick<TillModel, 'reachable' | 'listening'>): boolean {
  return model.reachable && model.listening;
}

export function basketLocked(model: Pick<TillModel, 'outbox' | 'payWish'>): boolean {
  return model.payWish !== null || model.outbox.phase === 'sending' || model.outbox.phase === 'waiting';
}

/** Units of a purse that gifts in the basket take. */
export function giftUnits(model: Pick<TillModel, 'gifts' | 'programme'>, purse: number): number {
  const prices = model.programme?.purses.find((it) => it.id === purse)?.gifts ?? [];
  return model.gifts
    .filter((it) => it.purse === purse)
    .reduce((sum, it) => sum + it.quantity * (prices.find((row) => row.product === it.product)?.units ?? 0), 0);
}

/**
 * Units of a purse that are still free to help paying, less the gifts: what can be spent here, and with `pulled` also
 * what the node would ask for over the line.
 */
export function freeUnits(
  model: Pick<TillModel, 'card' | 'gifts' | 'info' | 'programme'>,
  purse: number,
  pulled = false,
): number {
  const has = model.card?.card.purses?.find((it) => it.purse === purse);
  const elsewhere = pulled && model.info?.link.up ? (has?.elsewhere ?? 0) : 0;
  return Math.max(0, (has?.here ?? 0) + elsewhere - giftUnits(model, purse));
}

export function findByEan(products: Product[], text: string): Product | null {
  const digits = text.normalize('NFKC').trim();
  if (!/^[0-9]{8,14}$/.test(digits)) return null;
  // A 12-digit UPC-A is the same article as the EAN-13 with a zero in front.
  const strip = (ean: string): string => ean.replace(/^0+/, '');
  return products.find((it) => it.ean === digits) ?? products.find((it) => strip(it.ean) === strip(digits)) ?? null;
}

export function nameOf(product: Product, language: string): string {
  return nameIn(product.name, language) || `#${product.id}`;
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

/** Only what was sold or loaded is undone, once; more is for the node to refuse. */
export function isReversible(receipt: Receipt): boolean {
  return ['sale', 'top_up', 'capture', 'gift'].includes(receipt.kind) && !receipt.reversed_by;
}

export function lastReversible(model: Pick<TillModel, 'receipts'>): Receipt | null {
  const newest = model.receipts[0];
  return newest && isReversible(newest) ? newest : null;
}

/** Digits of a typed card number, with a full stop before those of a scratch-off card, or null. Spaces and dashes are for people. */
export function cardNumber(text: string): string | null {
  // A scanner that types: the code on a card or a voucher, as it is.
  const code = text.trim();
  if (/^TALLY[CV][12]\.[\w-]{1,152}$/.test(code)) return code;
  const digits = text.normalize('NFKC').replace(/[\s-]/g, '');
  return /^[0-9]{8,19}(\.[0-9]{8})?$/.test(digits) ? digits : null;
}

/** Sold by amount. */
export function isOpen(products: Product[], id: number): boolean {
  return products.find((it) => it.id === id)?.open === true;
}

/** How many things are in the basket; an amount is one. */
export function basketCount({ basket, gifts, products }: Pick<TillModel, 'basket' | 'gifts' | 'products'>): number {
  const goods = basket.reduce((sum, line) => sum + (isOpen(products, line.product) ? 1 : line.quantity), 0);
  return gifts.reduce((sum, line) => sum + line.quantity, goods);
}

// -- changing -------------------------------------------------------------------------------------

const textNotice = (tone: 'info' | 'error', key: string): Notice => ({ tone, type: 'text', key });

function withQuantity(model: TillModel, product: number, quantity: number): TillModel {
  if (basketLocked(model)) return { ...model, notice: textNotice('info', 'basket.locked') };
  const known = model.basket.some((line) => line.product === product);
  const most = isOpen(model.products, product) ? OPEN_MAX : QUANTITY_MAX;
  if (quantity > most || (!known && model.basket.length >= LINES_MAX)) {
    return { ...model, notice: textNotice('info', 'basket.full') };
  }
  const basket = known
    ? model.basket
        .map((line) => (line.product === product ? { product, quantity } : line))
        .filter((line) => line.quantity > 0)
    : [...model.basket, { product, quantity }];
  // Units help to pay goods: without goods there is nothing that they could pay.
  const uses = basket.length === 0 ? [] : model.uses;
  return { ...model, basket, uses, notice: null };
}

function withUse(model: TillModel, purse: number, units: number): TillModel {
  if (basketLocked(model)) return { ...model, notice: textNotice('info', 'basket.locked') };
  const others = model.uses.filter((it) => it.purse !== purse);
  const most = Math.min(units, freeUnits(model, purse, true));
  if (most <= 0) return { ...model, uses: others, notice: null };
  const uses = [...others, { purse, units: most }].sort((a, b) => a.purse - b.purse);
  return memberCard(model) ? { ...model, uses, notice: null } : model;
}

function withGift(model: TillModel, purse: number, product: number, quantity: number): TillModel {
  if (basketLocked(model)) return { ...model, notice: textNotice('info', 'basket.locked') };
  if (!memberCard(model)) return model;
  const isIt = (it: GiftLine): boolean => it.purse === purse && it.product === product;
  const known = model.gifts.some(isIt);
  if (quantity > QUANTITY_MAX || (!known && model.gifts.length >= GIFTS_MAX))
    return { ...model, notice: textNotice('info', 'basket.full') };
  const gifts = known
    ? model.gifts.map((it) => (isIt(it) ? { ...it, quantity } : it)).filter((it) => it.quantity > 0)
    : [...model.gifts, { purse, product, quantity }];
  const next = { ...model, gifts, notice: null };
  const before = model.gifts.find(isIt)?.quantity ?? 0;
  if (quantity > before && giftUnits(next, purse) > freeUnits({ ...model, gifts: [] }, purse, true)) return model;
  // What gifts take is no longer free to pay money.
  const uses = model.uses
    .map((it) => ({ ...it, units: Math.min(it.units, freeUnits(next, it.purse, true)) }))
    .filter((it) => it.units > 0);
  return { ...next, uses: uses.every((it, at) => it.units === model.uses[at]?.units) ? model.uses : uses };
}

/** Another holder's card: what the last one was to use goes with it. */
function withCard(model: TillModel, card: HeldCard | null): TillModel {
  const notice = card ? null : model.notice;
  const stays = card !== null && card.card.account === model.card?.card.account;
  const next = { ...model, card, looking: false, notice, payWish: null };
  return stays ? { ...next, quote: nextRound(model.quote) } : { ...next, uses: [], gifts: [] };
}

function add(model: TillModel, product: number, pieces?: number): TillModel {
  if (pieces === undefined && isOpen(model.products, product)) return { ...model, asking: product, view: 'products' };
  const quantity = (model.basket.find((line) => line.product === product)?.quantity ?? 0) + (pieces ?? 1);
  const next = { ...withQuantity(model, product, quantity), asking: null };
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
    quote: nextRound(model.quote),
    notice: { tone: 'ok', type: 'receipt', receipt, recovered },
  };
  // A card that was reported is taken out; one that was sold is read again, with what it is now.
  if (receipt.kind === 'card_report' || receipt.kind === 'card_sale') return { ...next, card: null, view: 'receipts' };
  if (receipt.kind !== 'sale' && receipt.kind !== 'capture')
    return ['reversal', 'refund', 'authorisation', 'void', 'adjustment', 'gift'].includes(receipt.kind) ? { ...next, view: 'receipts' } : next;
  // After a sale the card goes back to its holder, so that the next customer cannot pay with it.
  return { ...next, basket: [], uses: [], gifts: [], card: null, view: 'receipts' };
}

function refused(model: TillModel, refusal: Refusal): TillModel {
  const notice: Notice = { tone: 'error', type: 'refusal', refusal };
  // Whatever was refused: the next payment is made of what the node says then.
  const next: TillModel = { ...model, notice, payWish: null, quote: nextRound(model.quote) };
  if (refusal.error !== 'insufficient' || refusal.here === undefined || !model.card) return next;
  const { here } = refusal;
  const before = model.card.card;
  const card: Card = refusal.purse
    ? { ...before, purses: before.purses?.map((it) => (it.purse === refusal.purse ? { ...it, here } : it)) }
    : { ...before, here, elsewhere: refusal.elsewhere ?? before.elsewhere };
  return { ...next, card: { ...model.card, card } };
}

function quoted(model: TillModel, event: TillEvent & { type: 'quote' }): TillModel {
  const next = onQuote(model, event.key, event, event.answer);
  const { state, due } = bill(next);
  const wish = model.payWish;
  if (!wish || state === 'asking') return next;
  // Less than was shown is paid as it was asked for; more, or a figure that is not the node's, is looked at again.
  if (state === 'quoted' && due !== null && due <= wish.shown) return next;
  const notice = next.notice ?? textNotice('info', state === 'quoted' ? 'quote.changed' : 'quote.silent');
  return { ...next, payWish: null, notice };
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
    case 'programme':
      return { ...model, programme: event.programme, quote: nextRound(model.quote) };
    case 'add':
      return add(model, event.product, event.pieces);
    case 'asking':
      return { ...model, asking: event.product };
    case 'quantity':
      return withQuantity(model, event.product, event.quantity);
    case 'clear_basket':
      return basketLocked(model) ? model : { ...model, basket: [], uses: [], gifts: [], notice: null };
    case 'use':
      return withUse(model, event.purse, event.units);
    case 'gift':
      return withGift(model, event.purse, event.product, event.quantity);
    case 'quote':
      return quoted(model, event);
    case 'pay_wish':
      return { ...model, payWish: event.wish };
    case 'looking':
      return { ...model, looking: event.looking };
    case 'card':
      return withCard(model, event.card);
    case 'card_read':
      return model.card
        ? { ...model, card: { ...model.card, card: event.card }, quote: nextRound(model.quote) }
        : model;
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
