// Vouchers with codes: what one promises, and where it goes when a card is held.
import { lang, t } from '../lib/i18n';
import { formatMinor } from '../lib/money';
import { nameIn, PAID, unitsFigure } from '../lib/programme';
import type { Card, TillInfo } from '../lib/types';
import { lookUp, model, offered, redeemOnto } from './controller';

/** "5.00 off × 2", or the sum of a gift certificate. */
function promise(face: NonNullable<Card['voucher']>, info: TillInfo): string {
  const left = Math.max(face.units - face.taken_here, 0);
  if (face.purse === PAID) return `${formatMinor(left, info.unit.exponent)} ${info.unit.code}`;
  const rule = model.value.programme?.purses.find((it) => it.id === face.purse);
  return rule ? `${nameIn(rule.name, lang.value)} × ${unitsFigure(rule, left, info.unit)}` : String(left);
}

/** Of a voucher that is held as a card. */
export function VoucherFace({ card, info }: { card: Card; info: TillInfo }) {
  if (!card.voucher) return null;
  return (
    <p class="voucher-face" data-testid="voucher-face" data-left={card.voucher.units - card.voucher.taken_here}>
      {t('voucher.promises', { what: promise(card.voucher, info) })}
      {card.voucher.as_heard_here && <small class="muted"> {t('voucher.heard')}</small>}
      {card.voucher.until && <small class="muted"> {t('card.until', { date: card.voucher.until })}</small>}
    </p>
  );
}

/** Of a voucher that was scanned beside a card. */
export function VoucherOffer({ info }: { info: TillInfo }) {
  const it = offered.value;
  const { outbox } = model.value;
  if (!it?.card.voucher) return null;
  const busy = outbox.phase !== 'idle' || Boolean(info.blocked);
  function use(onto: boolean): void {
    const { number } = it!;
    offered.value = null;
    if (onto) redeemOnto(number);
    else void lookUp(number);
  }
  return (
    <div class="voucher-offer" role="group" aria-label={t('voucher.title')} data-testid="voucher-offer">
      <span>
        {t('voucher.promises', { what: promise(it.card.voucher, info) })}
        {it.card.voucher.as_heard_here && <small class="muted"> {t('voucher.heard')}</small>}
      </span>
      <button class="button" data-testid="voucher-onto" disabled={busy} onClick={() => use(true)}>
        {t('voucher.onto')}
      </button>
      <button class="button quiet" data-testid="voucher-alone" disabled={busy} onClick={() => use(false)}>
        {t('voucher.alone')}
      </button>
      <button class="button quiet" data-testid="voucher-leave" onClick={() => (offered.value = null)}>
        {t('voucher.leave')}
      </button>
    </div>
  );
}
