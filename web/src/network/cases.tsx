// Contested entries that head office has not ruled about, one row each.
import { t, tOr } from '../lib/i18n';
import type { CaseList, Unit } from '../lib/types';
import { Money } from '../lib/ui';

const COLUMNS = ['case', 'name', 'date', 'entry', 'why'] as const;

export function Cases({ list, unit }: { list: CaseList; unit: Unit }) {
  const more = list.open - list.cases.length;
  return (
    <section class="panel table-panel">
      <h2 id="cases-title">{t('net.cases', { n: list.open })}</h2>
      <div class="table-scroll" tabIndex={0} role="region" aria-labelledby="cases-title">
        <table data-testid="cases" data-open={list.open}>
          <thead>
            <tr>
              {COLUMNS.map((it) => (
                <th key={it} scope="col">
                  {t(it === 'name' ? 'net.name' : `case.${it}`)}
                </th>
              ))}
              <th scope="col" class="number">
                {t('case.value')}
              </th>
            </tr>
          </thead>
          <tbody>
            {list.cases.map((it) => (
              <tr key={it.id} data-testid={`case-${it.id}`} data-why={it.why}>
                <th scope="row">
                  <code>{it.id}</code>
                </th>
                <td>{it.name ?? it.node}</td>
                <td>{it.business_date ?? '—'}</td>
                <td>{tOr('entry.', it.kind)}</td>
                <td>{tOr('error.', it.why)}</td>
                <td class="number">
                  <Money minor={it.value ?? null} unit={unit} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="muted small pad-panel">
        {more > 0 ? `${t('case.more', { n: more })} ` : ''}
        {t('case.note')}
      </p>
    </section>
  );
}

/** What head office found when it priced entries again: nothing is shown while all fits. */
export function Differences({ of }: { of: NonNullable<CaseList['recomputed']> }) {
  if (of.differences === 0) return null;
  return (
    <section class="panel table-panel">
      <h2 id="differences-title">{t('recomputed.title', { n: of.differences })}</h2>
      <div class="table-scroll" tabIndex={0} role="region" aria-labelledby="differences-title">
        <table data-testid="differences" data-open={of.differences}>
          <thead>
            <tr>
              <th scope="col">{t('case.case')}</th>
              <th scope="col">{t('net.name')}</th>
              <th scope="col">{t('case.date')}</th>
              <th scope="col">{t('case.entry')}</th>
              <th scope="col">{t('recomputed.expected')}</th>
              <th scope="col">{t('recomputed.found')}</th>
            </tr>
          </thead>
          <tbody>
            {of.first.map((it, row) => (
              <tr key={row} data-testid={`difference-${it.id}`}>
                <th scope="row">
                  <code>{it.id}</code>
                </th>
                <td>{it.name ?? it.node}</td>
                <td>{it.business_date ?? '—'}</td>
                <td>{tOr('entry.', it.kind)}</td>
                <td>{it.expected}</td>
                <td>{it.found}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="muted small pad-panel">
        {of.differences > of.first.length ? `${t('case.more', { n: of.differences - of.first.length })} ` : ''}
        {t('recomputed.progress', { n: of.entries, behind: of.behind })} {t('recomputed.note')}
      </p>
    </section>
  );
}
