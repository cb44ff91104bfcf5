// What the shop's programme means for the screen: names, figures, what a card may use now. Pure. What a basket costs is
// never computed here: the node's quote says it.
import { formatMinor } from './money';
import type { Card, CardPurse, Condition, Names, PackageRule, Programme, PurseRule, Quote, Unit } from './types';

/** Money that was paid in: the purse that each card has. */
export const PAID = 1;

export function nameIn(names: Names, language: string): string {
  return names[language] ?? names['en'] ?? Object.values(names)[0] ?? '';
}

/** Whether what a basket costs can differ from the sum of its prices. */
export function changesPrices(programme: Programme | null): programme is Programme {
  if (programme === null) return false;
  const someGoods = programme.card_kinds.some((it) => it.only_products ?? it.not_products);
  return someGoods || programme.purses.length > 0 || programme.discounts.length > 0;
}

export function purseRule(programme: Programme | null, id: number): PurseRule | undefined {
  return programme?.purses.find((it) => it.id === id);
}

export function cardPurse(card: Card | undefined, id: number): CardPurse | undefined {
  return card?.purses?.find((it) => it.purse === id);
}

/** Units of a purse as a figure: bonus is money, all others are counted. */
export function unitsFigure(rule: PurseRule | undefined, units: number, unit: Unit): string {
  return formatMinor(units, rule?.kind === 'bonus' ? unit.exponent : 0);
}

/** "10.00 Gift money", "200 Points", "1 × 5.00 off". */
export function unitsText(rule: PurseRule | undefined, units: number, unit: Unit, language: string): string {
  const figure = unitsFigure(rule, units, unit);
  if (!rule) return figure;
  const pieces = rule.kind === 'voucher' || rule.kind === 'visits';
  return `${figure} ${pieces ? '× ' : ''}${nameIn(rule.name, language)}`;
}

/** Sums of several, by purse: "41 Points, 1 × 5.00 off". */
export function unitsList(
  programme: Programme | null,
  list: { purse: number; units: number }[],
  unit: Unit,
  language: string,
): string {
  const sums = new Map<number, number>();
  for (const it of list) sums.set(it.purse, (sums.get(it.purse) ?? 0) + it.units);
  return [...sums].map(([id, units]) => unitsText(purseRule(programme, id), units, unit, language)).join(', ');
}

/** Bit 0 is Monday. */
function weekdayBit(date: string): number {
  const day = new Date(`${date}T00:00:00Z`).getUTCDay();
  return 1 << ((day + 6) % 7);
}

/** Whether a rule holds for a card (null: none) on a business date; its products and total apart. */
export function holds(rule: Condition, card: Card | null, date: string): boolean {
  const asks = (list: number[] | undefined, value: number | undefined): boolean =>
    !list || list.length === 0 || (card !== null && list.includes(value ?? 0));
  if (!asks(rule.levels, card?.level) || !asks(rule.card_kinds, card?.card_kind)) return false;
  if (rule.birthday && !card?.birthday) return false;
  if (rule.from && date < rule.from) return false;
  if (rule.until && date > rule.until) return false;
  return !rule.weekdays || (rule.weekdays & weekdayBit(date)) !== 0;
}

/** Whether the card's kind has this purse. */
export function hasPurse(programme: Programme, card: Card | null, purse: number): boolean {
  const kind = programme.card_kinds.find((it) => it.id === card?.card_kind);
  return !kind?.purses || kind.purses.length === 0 || kind.purses.includes(purse);
}

export function mayTopUp(programme: Programme | null, card: Card | null): boolean {
  return programme?.card_kinds.find((it) => it.id === card?.card_kind)?.top_up ?? true;
}

/** Whether cards of this kind are a person's. */
export function isNamed(programme: Programme | null, card: Card | null): boolean {
  return programme?.card_kinds.find((it) => it.id === card?.card_kind)?.named ?? false;
}

/** The packages that the till offers, each with what this card would get. */
export function packagesFor(programme: Programme | null, card: Card | null, date: string): PackageRule[] {
  if (!programme || !mayTopUp(programme, card)) return [];
  return programme.packages
    .filter((it) => holds(it, card, date))
    .map((it) => ({ ...it, gives: it.gives.filter((gift) => hasPurse(programme, card, gift.purse)) }));
}

export interface GiftOffer {
  purse: number;
  product: number;
  /** Of the purse, for one piece. */
  units: number;
  /** On the shelf, as far as the store has counted; below zero is none. */
  left?: number;
}
/** What the card's units can buy by the piece, with what lies here or elsewhere. */
export function giftsFor(programme: Programme | null, card: Card | null): GiftOffer[] {
  if (!programme || !card) return [];
  return programme.purses.flatMap((rule) => {
    const has = cardPurse(card, rule.id);
    const most = (has?.here ?? 0) + (has?.elsewhere ?? 0);
    return rule.gifts
      .filter((it) => it.units <= most && hasPurse(programme, card, rule.id))
      .map((it) => {
        const offer = { purse: rule.id, product: it.product, units: it.units };
        const left = card.gifts?.find((gift) => gift.purse === rule.id && gift.product === it.product)?.left;
        return left === undefined ? offer : { ...offer, left: Math.max(0, left) };
      });
  });
}

/**
 * Purses that can take something off a basket at the till's wish, in the order of the rules; those in use stay,
 * whatever is left in them. Bonus needs no wish.
 */
export function usablePurses(
  programme: Programme | null,
  card: Card | null,
  uses: { purse: number }[] = [],
): PurseRule[] {
  if (!programme || !card) return [];
  const inUse = (id: number): boolean => uses.some((it) => it.purse === id);
  return programme.purses.filter(
    (it) =>
      (it.kind === 'voucher' || (it.kind !== 'bonus' && (it.rate_units ?? 0) > 0)) &&
      hasPurse(programme, card, it.id) &&
      (inUse(it.id) || (cardPurse(card, it.id)?.here ?? 0) + (cardPurse(card, it.id)?.elsewhere ?? 0) > 0),
  );
}

// -- how many -------------------------------------------------------------------------------------

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Units pay money only in steps that come out in whole minor units. */
export function unitStep(rule: PurseRule): number {
  if (rule.kind === 'voucher' || !rule.rate_units || !rule.rate_money) return 1;
  return rule.rate_units / gcd(rule.rate_units, rule.rate_money);
}

/** What + and − move: a voucher, or as many points as the rules name beside their worth. */
export function buttonStep(rule: PurseRule): number {
  return rule.kind === 'voucher' ? 1 : (rule.rate_units ?? 1);
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/**
 * The most units that can help to pay this basket, of `available` ones. The figures come from a quote of the same
 * basket, whatever was used in it. An estimate for buttons: the node decides.
 */
export function mostUnits(rule: PurseRule, quote: Quote, available: number): number {
  const own = quote.uses.find((it) => it.purse === rule.id)?.amount ?? 0;
  const room = BigInt((quote.card_goods ?? quote.due) + own);
  const after = BigInt(quote.gross - quote.discount);
  if (rule.kind === 'voucher') {
    if (room <= 0n || after < BigInt(rule.min_total ?? 0)) return 0;
    if (rule.off_basis_points) return Math.min(1, available);
    const off = BigInt(rule.off ?? 1);
    return Number(least((room + off - 1n) / off, BigInt(available)));
  }
  if (!rule.rate_units || !rule.rate_money) return 0;
  const money = least((after * BigInt(rule.share_basis_points ?? 10_000)) / 10_000n, room);
  const units = least((money * BigInt(rule.rate_units)) / BigInt(rule.rate_money), BigInt(available));
  const step = BigInt(unitStep(rule));
  return Number(units < 0n ? 0n : units - (units % step));
}

// -- dates ----------------------------------------------------------------------------------------

const monthNumber = (date: string): number => Number(date.slice(0, 4)) * 100 + Number(date.slice(5, 7));
const following = (month: number): number => (month % 100 === 12 ? month + 89 : month + 1);

function lastDay(month: number): string {
  const [year, of] = [Math.floor(month / 100), month % 100];
  const day = new Date(Date.UTC(year, of, 0)).getUTCDate();
  return `${year}-${String(of).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

/** The next units that expire, when that is this month or the next; the date is their last. */
export function expiresSoon(
  rule: PurseRule,
  has: CardPurse,
  today: string,
): { units: number; date: string } | null {
  if (!rule.expires_months) return null;
  // What has expired still lies here until it is written off: the oldest, and no longer spendable.
  let gone = has.held - has.here;
  for (const it of [...has.months].sort((a, b) => a.month - b.month)) {
    const units = it.units - Math.min(gone, it.units);
    gone -= it.units - units;
    if (units <= 0 || it.month === 0) continue;
    return it.month <= following(monthNumber(today)) ? { units, date: lastDay(it.month) } : null;
  }
  return null;
}

/** The next part of what comes month by month. */
export function opensNext(rule: PurseRule, has: CardPurse, today: string): { units: number; date: string } | null {
  if (!rule.opens_months) return null;
  const next = has.months
    .filter((it) => it.month > monthNumber(today) && it.units > 0)
    .sort((a, b) => a.month - b.month)[0];
  if (!next) return null;
  return {
    units: next.units,
    date: `${Math.floor(next.month / 100)}-${String(next.month % 100).padStart(2, '0')}-01`,
  };
}
