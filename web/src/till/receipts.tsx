import { useEffect, useRef } from 'preact/hooks';
import { signal } from '@preact/signals';
import { t, timeText, tOr } from '../lib/i18n';
import { formatMinor } from '../lib/money';
import { isReversible, lastReversible } from '../lib/till';
import type { Receipt, TillInfo } from '../lib/types';
import { Icon, Ticket } from '../lib/ui';
import { dispatch, model, now, printCopy, reverse } from './controller';
import { ProofCode } from './proof';
import { HoldActions } from './hold';
import { RefundButton, RefundEntry } from './refund';
import { askReport } from './report';
import { ShelfButton } from './shelf';

/** The receipt whose reversal waits for a yes. */
const asking = signal<Receipt | null>(null);

export function askReverse(receipt: Receipt): void {
  asking.value = receipt;
}

function Row({ receipt, selected }: { receipt: Receipt; selected: boolean }) {
  return (
    <li>
      <button
        class={`receipt-row ${receipt.kind}`}
        aria-pressed={selected}
        data-testid={`receipt-${receipt.counter}`}
        data-id={receipt.id}
        onClick={() => dispatch({ type: 'select', receipt: receipt.id })}
      >
        <span>
          <strong>{t(`kind.${receipt.kind}`)}</strong>{' '}
          <span class="muted">{timeText(receipt.stamp, now.value)}</span>
        </span>
        <span class="money">{formatMinor(receipt.total, receipt.unit.exponent)}</span>
        <span class="muted small">
          {receipt.masked ?? t('tender.cash')}
          {receipt.reversed_by ? ` · ${t('receipts.reversed')}` : ''}
        </span>
        <span class="muted small">
          {model.value.prints[receipt.id] ? tOr('print.', model.value.prints[receipt.id] ?? '') : ''}
        </span>
      </button>
    </li>
  );
}

export function Receipts({ info }: { info: TillInfo }) {
  const { receipts, selected, outbox } = model.value;
  const shown = receipts.find((it) => it.id === selected) ?? receipts[0];
  const last = lastReversible(model.value);
  const idle = outbox.phase === 'idle';
  const mayReverse = shown && isReversible(shown);
  return (
    <section class="panel receipts" aria-label={t('receipts.title')} data-testid="receipts">
      <div class="receipt-list">
        {receipts.length === 0 && (
          <div class="empty">
            <Icon name="receipt" />
            <p>{t('receipts.empty')}</p>
          </div>
        )}
        <ul>
          {receipts.map((it) => (
            <Row key={it.id} receipt={it} selected={it.id === shown?.id} />
          ))}
        </ul>
        <button
          class="button danger"
          data-testid="reverse-last"
          disabled={!last || !idle}
          onClick={() => last && askReverse(last)}
        >
          <Icon name="undo" />
          {t('receipts.reverse_last')}
        </button>
        <button class="button" data-testid="report-open" onClick={() => askReport(info)}>
          <Icon name="receipt" />
          {t('report.open')}
        </button>
        <ShelfButton />
        <RefundEntry />
      </div>
      {shown && (
        <div class="receipt-view" data-testid="receipt-view" data-id={shown.id} data-here={shown.here ?? ''}>
          <Ticket text={shown.text} testid="ticket">
            <ProofCode receipt={shown} />
          </Ticket>
          <div class="receipt-actions">
            <button class="button" data-testid="print-copy" onClick={() => void printCopy(shown)}>
              <Icon name="printer" />
              {t('receipts.copy')}
            </button>
            <button
              class="button danger"
              data-testid="reverse-this"
              disabled={!mayReverse || !idle}
              onClick={() => askReverse(shown)}
            >
              {t('receipts.reverse')}
            </button>
            <RefundButton receipt={shown} />
            <HoldActions receipt={shown} info={info} />
            <button
              class="button primary"
              data-testid="next-customer"
              onClick={() => dispatch({ type: 'view', view: 'products' })}
            >
              {t('receipts.next')}
            </button>
          </div>
        </div>
      )}
    </section>
  );
}

export function ReverseDialog({ info }: { info: TillInfo }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const receipt = asking.value;
  useEffect(() => {
    if (receipt && !dialog.current?.open) dialog.current?.showModal();
    else if (!receipt) dialog.current?.close();
  }, [receipt]);
  const cash =
    receipt && receipt.tenders.filter((it) => it.kind === 'cash').reduce((sum, it) => sum + it.amount, 0);
  const text = (minor: number) => formatMinor(minor, info.unit.exponent);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="reverse-title"
      data-testid="reverse-dialog"
      onClose={() => (asking.value = null)}
    >
      {receipt && (
        <form method="dialog" onSubmit={() => reverse(receipt)}>
          <h2 id="reverse-title">{t('reverse.title')}</h2>
          <p>
            {t('reverse.text', {
              what: t(`kind.${receipt.kind}`),
              amount: text(receipt.total),
              time: timeText(receipt.stamp, now.value),
            })}
          </p>
          {cash ? <p class="total-like">{t('reverse.cash', { amount: text(cash) })}</p> : null}
          <div class="dialog-actions">
            <button type="button" class="button big" data-testid="reverse-no" onClick={() => (asking.value = null)}>
              {t('reverse.no')}
            </button>
            <button type="submit" class="button danger big" data-testid="reverse-yes">
              {t('reverse.yes')}
            </button>
          </div>
        </form>
      )}
    </dialog>
  );
}
