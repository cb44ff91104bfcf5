// Loading a card: the packages of the rules, the usual bank notes, any other amount.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { lang, t } from '../lib/i18n';
import { formatMinor, parseAmount, topUpPresets } from '../lib/money';
import { mayTopUp, nameIn, packagesFor, unitsList } from '../lib/programme';
import type { PackageRule, TillInfo } from '../lib/types';
import { model, topUp } from './controller';

const typedAmount = signal('');
/** The package whose amount stands in the field; any other amount is a top-up without one. */
const chosen = signal<number | null>(null);
const tender = signal<'cash' | 'bank'>('cash');

function choose(amount: string, pack: number | null = null): void {
  typedAmount.value = amount;
  chosen.value = pack;
}

/** A button of the rules: pay so much, get that besides. */
function Package({ pack, info }: { pack: PackageRule; info: TillInfo }) {
  const given = unitsList(model.value.programme, pack.gives, info.unit, lang.value);
  return (
    <button
      type="button"
      class="button package"
      data-testid={`package-${pack.id}`}
      data-minor={pack.pay}
      aria-pressed={chosen.value === pack.id}
      onClick={() => choose(formatMinor(pack.pay, info.unit.exponent).replace(/,/g, ''), pack.id)}
    >
      <strong>{nameIn(pack.name, lang.value)}</strong>
      <small>{given === '' ? '' : `+ ${given}`}</small>
    </button>
  );
}

export function TopUp({ info }: { info: TillInfo }) {
  const { exponent } = info.unit;
  const { programme, card } = model.value;
  const parsed = parseAmount(typedAmount.value, exponent);
  const packages = packagesFor(programme, card?.card ?? null, info.business_date);
  const pack = packages.find((it) => it.id === chosen.value);
  const loads = mayTopUp(programme, card?.card ?? null);
  const ready =
    loads && parsed.ok && model.value.card !== null && model.value.outbox.phase === 'idle' && !info.blocked;
  const held = model.value.card !== null;
  // An amount meant for one card must not wait for the next one.
  useEffect(() => {
    if (!held) choose('');
  }, [held]);
  const problem = parsed.ok || parsed.why === 'empty' ? '' : t(`amount.bad.${parsed.why}`);
  function commit(event: Event): void {
    event.preventDefault();
    if (!parsed.ok || !ready) return;
    const package_id = pack && pack.pay === parsed.minor ? pack.id : undefined;
    choose('');
    topUp(parsed.minor, tender.value, package_id);
  }
  return (
    <form class="panel topup" aria-label={t('topup.title')} onSubmit={commit}>
      <header class="panel-head">
        <h2>{t('topup.title')}</h2>
        <div class="segments" role="radiogroup" aria-label={t('topup.tender')}>
          {(['cash', 'bank'] as const).map((kind) => (
            <button
              key={kind}
              type="button"
              role="radio"
              aria-checked={tender.value === kind}
              data-testid={`topup-tender-${kind}`}
              onClick={() => (tender.value = kind)}
            >
              {t(`topup.${kind}`)}
            </button>
          ))}
        </div>
      </header>
      {packages.length > 0 && (
        <div class="packages" role="group" aria-label={t('topup.packages')}>
          {packages.map((it) => (
            <Package key={it.id} pack={it} info={info} />
          ))}
        </div>
      )}
      <div class="presets">
        {topUpPresets(exponent).map((minor) => {
          const plain = formatMinor(minor, exponent).replace(/,/g, '');
          const short = plain.replace(/\.0+$/, '');
          return (
            <button
              key={minor}
              type="button"
              class="button"
              data-testid={`topup-${short}`}
              aria-pressed={typedAmount.value === plain && !pack}
              onClick={() => choose(plain)}
            >
              {short}
            </button>
          );
        })}
        <input
          data-testid="topup-amount"
          inputMode="decimal"
          autocomplete="off"
          aria-label={t('topup.amount')}
          placeholder={t('topup.amount')}
          aria-invalid={problem !== ''}
          aria-describedby="topup-problem"
          value={typedAmount.value}
          onInput={(event) => choose(event.currentTarget.value)}
        />
        <button class="button primary" data-testid="topup-commit" disabled={!ready}>
          {!model.value.card
            ? t('pay.no_card')
            : parsed.ok
              ? t('topup.commit', { amount: formatMinor(parsed.minor, exponent) })
              : t('topup.choose')}
        </button>
      </div>
      <p class="problem" id="topup-problem" role="alert" data-testid="topup-problem">
        {loads ? problem : t('topup.not_loaded')}
      </p>
    </form>
  );
}
