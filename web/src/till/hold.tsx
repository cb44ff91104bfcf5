// Money of a card that is put aside: the form beside the card, and what its receipt offers.
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { t } from '../lib/i18n';
import { formatMinor, parseAmount } from '../lib/money';
import { captureTenders, isOpenHold } from '../lib/returns';
import type { Receipt, TillInfo } from '../lib/types';
import { authorise, capture, model, voidHold } from './controller';

const typed = signal('');

/** `more` stands beside it. */
export function HoldForm({ info, more }: { info: TillInfo; more: ComponentChildren }) {
  const { card, outbox } = model.value;
  const parsed = parseAmount(typed.value, info.unit.exponent);
  const ready = card?.card.status === 'active' && outbox.phase === 'idle' && parsed.ok && !info.blocked;
  function submit(event: Event): void {
    event.preventDefault();
    if (!parsed.ok || !ready) return;
    typed.value = '';
    authorise(parsed.minor);
  }
  return (
    <form class="card-entry" onSubmit={submit}>
      <input
        data-testid="hold-amount"
        inputMode="decimal"
        autocomplete="off"
        aria-label={t('hold.amount')}
        placeholder={t('hold.amount')}
        value={typed.value}
        onInput={(event) => (typed.value = event.currentTarget.value)}
      />
      <button class="button" data-testid="hold-commit" disabled={!ready}>
        {t('hold.commit')}
      </button>
      {more}
    </form>
  );
}

/** Capture by the basket that is open at the till, or give it back. */
export function HoldActions({ receipt, info }: { receipt: Receipt; info: TillInfo }) {
  const { receipts, outbox } = model.value;
  if (!isOpenHold(receipt, receipts)) return null;
  const idle = outbox.phase === 'idle';
  const tenders = captureTenders(model.value, receipt);
  const cash = tenders?.find((it) => it.kind === 'cash');
  return (
    <>
      <button
        class="button primary"
        data-testid="hold-capture"
        disabled={!tenders || !idle}
        onClick={() => tenders && capture(receipt, tenders)}
      >
        {cash
          ? t('hold.capture_cash', { cash: formatMinor(cash.amount, info.unit.exponent) })
          : t('hold.capture')}
      </button>
      <button class="button danger" data-testid="hold-void" disabled={!idle} onClick={() => voidHold(receipt)}>
        {t('hold.void')}
      </button>
      {!tenders && <p class="muted hold-hint">{t('hold.hint')}</p>}
    </>
  );
}
