// Gifts on the shelf: what is there was counted, or more came. Only for products that the rules give for units.
import { useEffect, useRef } from 'preact/hooks';
import { signal } from '@preact/signals';
import { call } from '../lib/api';
import { lang, t } from '../lib/i18n';
import { nameOf } from '../lib/till';
import { piecesOf } from '../lib/shelf';
import type { Refusal, Shelf, ShelfLine, TillInfo } from '../lib/types';
import { Icon } from '../lib/ui';
import { dispatch, model, sayShelf } from './controller';
import { refusalText } from './messages';

type How = 'counted' | 'delivered';
const shelf = signal<Shelf['pieces'] | null>(null);
const how = signal<How>('counted');
/** What is typed, by product. */
const typed = signal<Record<number, string>>({});
const problem = signal<Refusal | null>(null);
/** Sent and not answered: nothing is changed before it is. */
const waits = signal(false);
const busy = signal(false);

function close(): void {
  shelf.value = null;
}

async function read(): Promise<void> {
  const answer = await call<Shelf>('GET', '/api/v1/stock');
  if (!answer.ok) return dispatch({ type: 'refused', refusal: answer.refusal });
  if (!waits.value) typed.value = {};
  problem.value = null;
  shelf.value = answer.body.pieces;
}

async function say(lines: ShelfLine[]): Promise<void> {
  if (busy.value) return;
  busy.value = true;
  const answer = await sayShelf(how.value, lines);
  busy.value = false;
  if (!answer) return;
  waits.value = !answer.ok && (answer.status === 0 || answer.status === 429 || answer.refusal.retry === 'same_counter');
  problem.value = answer.ok ? null : answer.refusal;
  if (!answer.ok) return;
  typed.value = {};
  shelf.value = answer.body.pieces;
  dispatch({ type: 'notice', notice: { tone: 'ok', type: 'text', key: 'shelf.done' } });
}

/** Nothing where no purse gives gifts. */
export function ShelfButton() {
  const gifts = (model.value.programme?.purses ?? []).some((it) => it.gifts.length > 0);
  if (!gifts) return null;
  return (
    <button class="button" data-testid="shelf-open" onClick={() => void read()}>
      <Icon name="gift" />
      {t('shelf.open')}
    </button>
  );
}

function Row({ product, left }: { product: number; left: number | null }) {
  const found = model.value.products.find((it) => it.id === product);
  const name = found ? nameOf(found, lang.value) : `#${product}`;
  const value = typed.value[product] ?? '';
  const bad = value !== '' && piecesOf(value, how.value) === null;
  return (
    <li>
      <label class="card-entry">
        <span>
          {name}{' '}
          <small class="muted" data-testid={`shelf-left-${product}`} data-left={left ?? ''}>
            {left === null ? t('shelf.never') : t('gifts.left', { n: String(left) })}
          </small>
        </span>
        <input
          data-testid={`shelf-pieces-${product}`}
          inputMode="numeric"
          autocomplete="off"
          size={8}
          aria-label={t('shelf.pieces', { name })}
          aria-invalid={bad}
          disabled={waits.value}
          value={value}
          onInput={(event) => (typed.value = { ...typed.value, [product]: event.currentTarget.value })}
        />
      </label>
    </li>
  );
}

export function ShelfDialog({ info }: { info: TillInfo }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const list = shelf.value;
  useEffect(() => {
    if (list && !dialog.current?.open) dialog.current?.showModal();
    else if (!list) dialog.current?.close();
  }, [list]);
  const lines: ShelfLine[] = [];
  let bad = false;
  for (const { product } of list ?? []) {
    const text = typed.value[product] ?? '';
    const pieces = text.trim() === '' ? undefined : piecesOf(text, how.value);
    if (pieces === null) bad = true;
    else if (pieces !== undefined) lines.push({ product, pieces });
  }
  const ready = (waits.value || (!bad && lines.length > 0)) && !busy.value;
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="shelf-title" data-testid="shelf-dialog" onClose={close}>
      {list && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (ready) void say(lines);
          }}
        >
          <h2 id="shelf-title">{t('shelf.title')}</h2>
          <div class="report-choice">
            {(['counted', 'delivered'] as const).map((it) => (
              <button
                key={it}
                type="button"
                class={`button ${how.value === it ? 'primary' : ''}`}
                data-testid={`shelf-${it}`}
                aria-pressed={how.value === it}
                disabled={waits.value}
                onClick={() => (how.value = it)}
              >
                {t(`shelf.${it}`)}
              </button>
            ))}
          </div>
          <ul>
            {list.map((it) => (
              <Row key={it.product} product={it.product} left={it.left} />
            ))}
          </ul>
          {problem.value && (
            <p role="alert" data-testid="shelf-problem" data-error={problem.value.error}>
              {waits.value ? t('shelf.unanswered') : refusalText(problem.value, info)}
            </p>
          )}
          <div class="dialog-actions">
            <button type="button" class="button big" data-testid="shelf-close" onClick={close}>
              {t('report.close')}
            </button>
            <button class="button primary big" data-testid="shelf-commit" disabled={!ready}>
              {waits.value ? t('shelf.again') : t('shelf.commit')}
            </button>
          </div>
        </form>
      )}
    </dialog>
  );
}
