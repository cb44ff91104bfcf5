// What a card that comes back for good pays out, and what is lost with it. Pure.
import { cardPurse, PAID } from './programme';
import type { Card, Programme, PurseRule } from './types';

export interface GiveBack {
  /** The card, as its number was read. */
  card: string;
  masked: string;
  /** Paid money that lies here, and the deposit that does. */
  paid: number;
  deposit: number;
  /** Paid money elsewhere, as far as this store knows; null: it was never told. */
  elsewhere: number | null;
  /** Bonus, points and vouchers: nobody pays them out. */
  lost: { rule: PurseRule; units: number }[];
}

/** Null: a card that no store takes back, as one that is blocked or lies here to be sold. */
export function giveBackOf(number: string, card: Card, programme: Programme | null): GiveBack | null {
  if (card.voucher || card.for_sale || card.owes || !['active', 'expired'].includes(card.status)) return null;
  const lost = (programme?.purses ?? []).flatMap((rule) => {
    const has = rule.id === PAID ? undefined : cardPurse(card, rule.id);
    const units = (has?.held ?? 0) + (has?.elsewhere ?? 0);
    return units > 0 ? [{ rule, units }] : [];
  });
  const { masked, here: paid, elsewhere, deposit_here: deposit = 0 } = card;
  return { card: number, masked, paid, deposit, elsewhere, lost };
}

/** Paid money and deposit, as they are asked for. `fetched`: with what lies elsewhere, which the node then fetches. */
export function paidOut(of: GiveBack, fetched: boolean): { paid: number; deposit: number; total: number } {
  const paid = of.paid + (fetched ? (of.elsewhere ?? 0) : 0);
  return { paid, deposit: of.deposit, total: paid + of.deposit };
}

export function sameFigures(a: GiveBack, b: GiveBack): boolean {
  const figures = ({ card, paid, deposit, elsewhere, lost }: GiveBack) =>
    JSON.stringify([card, paid, deposit, elsewhere, lost.map((it) => [it.rule.id, it.units])]);
  return figures(a) === figures(b);
}
