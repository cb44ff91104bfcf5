// Goods that come back: of a sale of this store, or of any store's by the code on its receipt.
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { call } from '../lib/api';
import { lang, t } from '../lib/i18n';
import {
  receiptWanted,
  refundFields,
  returnOfCheck,
  returnOfReceipt,
  type CheckedSale,
  type ReturnSource,
  type ReturnTo,
} from '../lib/returns';
import { formatMinor, parseAmount } from '../lib/money';
import { nameOf } from '../lib/till';
import type { Receipt } from '../lib/types';
import { Icon, NumberField } from '../lib/ui';
import { dispatch, model, onReceiptElsewhere, refund } from './controller';

const source = signal<ReturnSource | null>(null);
const pieces = signal<Record<number, number>>({});
const to = signal<ReturnTo>('cash');
const typed = signal('');
/** Only the newest question counts. */
let round = 0;

export function askRefund(of: ReturnSource | null): void {
  if (!of) return dispatch({ type: 'notice', notice: { tone: 'error', type: 'text', key: 'refund.no_sale' } });
  pieces.value = {};
  to.value = of.to[0] ?? 'cash';
  source.value = of;
}

/** The sale that a code proves. */
export async function askRefundByCode(code: string): Promise<void> {
  const mine = ++round;
  const answer = await call<CheckedSale>('POST', '/api/v1/receipts/check', { code });
  if (mine !== round) return;
  if (answer.ok) askRefund(returnOfCheck(answer.body, code));
  else dispatch({ type: 'refused', refusal: answer.refusal });
}

onReceiptElsewhere((code) => void askRefundByCode(code));

async function askRefundById(id: string): Promise<void> {
  const mine = ++round;
  const answer = await call<Receipt>('GET', `/api/v1/receipts/${encodeURIComponent(id)}`);
  if (mine !== round) return;
  if (answer.ok) askRefund(returnOfReceipt(answer.body));
  else if (answer.status === 404)
    dispatch({ type: 'notice', notice: { tone: 'error', type: 'text', key: 'refund.need_code' } });
  else dispatch({ type: 'refused', refusal: answer.refusal });
}

export function RefundEntry() {
  function submit(event: Event): void {
    event.preventDefault();
    const wanted = receiptWanted(typed.value);
    if (!wanted) return dispatch({ type: 'notice', notice: { tone: 'error', type: 'text', key: 'refund.bad_text' } });
    typed.value = '';
    void ('code' in wanted ? askRefundByCode(wanted.code) : askRefundById(wanted.id));
  }
  return (
    <form class="card-entry" onSubmit={submit}>
      <input
        data-testid="refund-text"
        autocomplete="off"
        maxLength={440}
        aria-label={t('refund.text')}
        placeholder={t('refund.text')}
        value={typed.value}
        onInput={(event) => (typed.value = event.currentTarget.value)}
      />
      <button class="button" data-testid="refund-find">
        {t('refund.open')}
      </button>
    </form>
  );
}

export function RefundButton({ receipt }: { receipt: Receipt }) {
  const of = returnOfReceipt(receipt);
  if (!of) return null;
  return (
    <button
      class="button"
      data-testid="refund-open"
      disabled={model.value.outbox.phase !== 'idle'}
      onClick={() => askRefund(of)}
    >
      <Icon name="undo" />
      {t('refund.open')}
    </button>
  );
}

function Line({ line }: { line: ReturnSource['lines'][number] }) {
  const product = model.value.products.find((it) => it.id === line.product);
  const name = line.name ?? (product ? nameOf(product, lang.value) : `#${line.product}`);
  const open = product?.open === true;
  const exponent = model.value.info?.unit.exponent ?? 2;
  const money = (minor: number): string => formatMinor(minor, exponent);
  const step = open ? line.quantity : 1;
  const n = pieces.value[line.product] ?? 0;
  const put = (to: number) =>
    (pieces.value = { ...pieces.value, [line.product]: Math.max(0, Math.min(line.quantity, to)) });
  return (
    <li class="refund-line" data-testid={`refund-line-${line.product}`} data-quantity={n}>
      <span>{name}</span>
      <button type="button" class="button" aria-label="−" data-testid={`refund-less-${line.product}`} onClick={() => put(n - step)}>
        −
      </button>
      {open ? (
        <NumberField
          value={money(n).replace(/,/g, '')}
          label={t('basket.amount', { name })}
          testid={`refund-amount-${line.product}`}
          disabled={false}
          commit={(text) => {
            const typed = parseAmount(text, exponent);
            put(typed.ok ? typed.minor : 0);
          }}
        />
      ) : null}
      <strong class="money">
        {open ? money(n) : n} / {open ? money(line.quantity) : line.quantity}
      </strong>
      <button type="button" class="button" aria-label="+" data-testid={`refund-more-${line.product}`} onClick={() => put(n + step)}>
        +
      </button>
    </li>
  );
}

export function RefundDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const of = source.value;
  useEffect(() => {
    if (of && !dialog.current?.open) dialog.current?.showModal();
    else if (!of) dialog.current?.close();
  }, [of]);
  const fields = of && refundFields(of, pieces.value, to.value);
  function commit(event: Event): void {
    event.preventDefault();
    source.value = null;
    if (fields) refund(fields);
  }
  return (
    <dialog
      ref={dialog}
      class="dialog report"
      aria-labelledby="refund-title"
      data-testid="refund-dialog"
      onClose={() => (source.value = null)}
    >
      {of && (
        <form onSubmit={commit}>
          <h2 id="refund-title">{t('refund.title')}</h2>
          <p class="muted" data-testid="refund-of">
            {of.store ? t('refund.elsewhere', { store: of.store }) : ''} {of.id}
          </p>
          <ul class="refund-lines">
            {of.lines.map((it) => (
              <Line key={it.product} line={it} />
            ))}
          </ul>
          <div class="segments" role="radiogroup" aria-label={t('refund.to')}>
            {of.to.map((kind) => (
              <button
                key={kind}
                type="button"
                role="radio"
                aria-checked={to.value === kind}
                data-testid={`refund-to-${kind}`}
                onClick={() => (to.value = kind)}
              >
                {t(`refund.to_${kind}`)}
              </button>
            ))}
          </div>
          <div class="dialog-actions">
            <button type="button" class="button big" data-testid="refund-no" onClick={() => (source.value = null)}>
              {t('reverse.no')}
            </button>
            <button class="button danger big" data-testid="refund-yes" disabled={!fields}>
              {t('refund.yes')}
            </button>
          </div>
        </form>
      )}
    </dialog>
  );
}
