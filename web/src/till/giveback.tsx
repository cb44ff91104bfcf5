// A card that its holder gives back for good: what is paid out, what is not, and the question whether that is meant.
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { giveBackOf, paidOut, sameFigures, type GiveBack } from '../lib/giveback';
import { lang, t } from '../lib/i18n';
import { nameIn, unitsFigure } from '../lib/programme';
import type { TillInfo } from '../lib/types';
import { Money } from '../lib/ui';
import { giveBack, model } from './controller';

/** What the question shows; nothing else is asked of the node. */
const shown = signal<GiveBack | null>(null);
/** The card moved while the question was read: it is read once more. */
const moved = signal(false);
const to = signal<'cash' | 'bank'>('cash');

function held(): GiveBack | null {
  const { card, programme } = model.value;
  return card && giveBackOf(card.number, card.card, programme);
}

const mayFetch = (of: GiveBack): boolean => (of.elsewhere ?? 0) > 0 && model.value.info?.link.up === true;

function close(): void {
  shown.value = null;
  moved.value = false;
}

export function GiveBackButton() {
  const of = held();
  if (!of) return null;
  function open(): void {
    to.value = 'cash';
    shown.value = of;
  }
  return (
    <button
      type="button"
      class="button quiet"
      data-testid="giveback-open"
      disabled={model.value.outbox.phase !== 'idle'}
      onClick={open}
    >
      {t('giveback.open')}
    </button>
  );
}

/** What is paid out, and what goes with the card. */
function Figures({ of, info, fetched }: { of: GiveBack; info: TillInfo; fetched: boolean }) {
  const out = paidOut(of, fetched);
  const row = (label: string, minor: number, id: string) => (
    <div>
      <dt>{label}</dt>
      <dd>
        <Money minor={minor} unit={info.unit} testid={id} />
      </dd>
    </div>
  );
  return (
    <>
      <dl class="balances giveback-figures">
        {row(t('giveback.paid'), out.paid, 'giveback-paid')}
        {row(t('giveback.deposit'), out.deposit, 'giveback-deposit')}
        {row(t('giveback.total'), out.total, 'giveback-total')}
      </dl>
      {of.elsewhere === null && <p data-testid="giveback-unknown">{t('giveback.unknown')}</p>}
      {!fetched && (of.elsewhere ?? 0) > 0 && (
        <p class="problem" data-testid="giveback-left">
          {t('giveback.left')} <Money minor={of.elsewhere ?? 0} unit={info.unit} testid="giveback-elsewhere" />
        </p>
      )}
      {of.lost.length > 0 && (
        <p data-testid="giveback-lost">
          {t('giveback.lost')}{' '}
          {of.lost
            .map((it) => `${nameIn(it.rule.name, lang.value)} ${unitsFigure(it.rule, it.units, info.unit)}`)
            .join(', ')}
        </p>
      )}
    </>
  );
}

function Question({ of, info }: { of: GiveBack; info: TillInfo }) {
  const now = held();
  // With a line a card is given back with all that lies anywhere, or not at all.
  const fetched = mayFetch(of);
  // Another card, or none: this question is about neither.
  const gone = now?.card !== of.card;
  useEffect(() => {
    if (gone) close();
  }, [gone]);
  function commit(event: Event): void {
    event.preventDefault();
    if (!now || gone) return;
    if (!sameFigures(now, of)) {
      moved.value = true;
      shown.value = now;
      return;
    }
    const { paid, deposit } = paidOut(of, fetched);
    close();
    giveBack(paid, deposit, to.value);
  }
  return (
    <form onSubmit={commit}>
      <h2 id="giveback-title">{t('giveback.title')}</h2>
      <p class="muted">
        <span data-testid="giveback-card">{of.masked}</span> · {t('giveback.text')}
      </p>
      <Figures of={of} info={info} fetched={fetched} />
      <p class="problem" role="status" data-testid="giveback-moved">
        {moved.value ? t('giveback.moved') : ''}
      </p>
      <div class="segments" role="radiogroup" aria-label={t('refund.to')}>
        {(['cash', 'bank'] as const).map((kind) => (
          <button
            key={kind}
            type="button"
            role="radio"
            aria-checked={to.value === kind}
            data-testid={`giveback-to-${kind}`}
            onClick={() => (to.value = kind)}
          >
            {t(`refund.to_${kind}`)}
          </button>
        ))}
      </div>
      <div class="dialog-actions">
        <button type="button" class="button big" data-testid="giveback-no" onClick={close}>
          {t('reverse.no')}
        </button>
        <button class="button danger big" data-testid="giveback-yes" disabled={model.value.outbox.phase !== 'idle'}>
          {t('giveback.yes')}
        </button>
      </div>
    </form>
  );
}

export function GiveBackDialog({ info }: { info: TillInfo }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const of = shown.value;
  useEffect(() => {
    if (of && !dialog.current?.open) dialog.current?.showModal();
    else if (!of) dialog.current?.close();
  }, [of]);
  return (
    <dialog
      ref={dialog}
      class="dialog report"
      aria-labelledby="giveback-title"
      data-testid="giveback-dialog"
      onClose={close}
    >
      {of && <Question of={of} info={info} />}
    </dialog>
  );
}
