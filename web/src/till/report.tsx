// The day in sums, as it is printed: this till or all of them, today or a day before.
import { useEffect, useRef } from 'preact/hooks';
import { signal } from '@preact/signals';
import { call } from '../lib/api';
import { t } from '../lib/i18n';
import type { DayReport, TillInfo } from '../lib/types';
import { Icon, Ticket } from '../lib/ui';
import { dispatch } from './controller';

interface Asked {
  date: string;
  all: boolean;
}
const asked = signal<Asked | null>(null);
const report = signal<DayReport | null>(null);
/** Only the newest question counts. */
let round = 0;

const pathOf = (it: Asked, info: TillInfo): string =>
  `/api/v1/reports/${it.date}/${it.all ? 'all' : info.terminal}`;

async function ask(it: Asked, info: TillInfo): Promise<void> {
  const mine = ++round;
  asked.value = it;
  const answer = await call<DayReport>('GET', pathOf(it, info));
  if (mine !== round || !asked.value) return;
  if (answer.ok) report.value = answer.body;
  else {
    report.value = null;
    dispatch({ type: 'refused', refusal: answer.refusal });
  }
}

async function print(it: Asked, info: TillInfo): Promise<void> {
  const answer = await call<DayReport>('POST', `${pathOf(it, info)}/print`, {});
  if (!answer.ok) return dispatch({ type: 'refused', refusal: answer.refusal });
  report.value = answer.body;
  const key = answer.body.copy ? 'report.copy_sent' : 'report.sent';
  dispatch({ type: 'notice', notice: { tone: 'ok', type: 'text', key } });
}

export function askReport(info: TillInfo): void {
  report.value = null;
  void ask({ date: info.business_date, all: true }, info);
}

function close(): void {
  ++round;
  asked.value = null;
}

export function ReportDialog({ info }: { info: TillInfo }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const it = asked.value;
  useEffect(() => {
    if (it && !dialog.current?.open) dialog.current?.showModal();
    else if (!it) dialog.current?.close();
  }, [it]);
  return (
    <dialog
      ref={dialog}
      class="dialog report"
      aria-labelledby="report-title"
      data-testid="report-dialog"
      onClose={close}
    >
      {it && (
        <>
          <h2 id="report-title">{t('report.title')}</h2>
          <div class="report-choice">
            <label>
              {t('report.date')}
              <input
                type="date"
                data-testid="report-date"
                value={it.date}
                max={info.business_date}
                onChange={(e) => e.currentTarget.value && void ask({ ...it, date: e.currentTarget.value }, info)}
              />
            </label>
            <label>
              <input
                type="checkbox"
                data-testid="report-all"
                checked={it.all}
                onChange={(e) => void ask({ ...it, all: e.currentTarget.checked }, info)}
              />
              {t('report.all')}
            </label>
          </div>
          {report.value && <Ticket text={report.value.text} testid="report-text" />}
          <div class="dialog-actions">
            <button type="button" class="button big" data-testid="report-close" onClick={close}>
              {t('report.close')}
            </button>
            <button
              type="button"
              class="button primary big"
              data-testid="report-print"
              disabled={!report.value}
              onClick={() => void print(it, info)}
            >
              <Icon name="printer" />
              {t('report.print')}
            </button>
          </div>
        </>
      )}
    </dialog>
  );
}
