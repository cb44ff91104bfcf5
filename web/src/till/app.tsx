// The till's frame: head with the state of everything, banners, the three columns, the phone's bottom bar, the
// keys.
import { useEffect } from 'preact/hooks';
import { t, tOr } from '../lib/i18n';
import { formatMinor } from '../lib/money';
import { Pairing } from '../lib/pairing';
import { bill } from '../lib/bill';
import { basketCount, connected, type View } from '../lib/till';
import type { Device, Devices, TillInfo } from '../lib/types';
import { Icon, LangSwitch } from '../lib/ui';
import { Basket } from './basket';
import { dispatch, model, pair, pay } from './controller';
import { MemberDialog } from './member_form';
import { Banners, NoticeBar } from './messages';
import { pairProblem } from './pair_problem';
import { PayColumn } from './pay';
import { Products } from './products';
import { Receipts, ReverseDialog } from './receipts';
import { GiveBackDialog } from './giveback';
import { RefundDialog } from './refund';
import { ReportDialog } from './report';
import { ShelfDialog } from './shelf';

function DeviceChip({ kind, device }: { kind: keyof Devices; device: Device | undefined }) {
  if (!device?.configured) return null;
  const asks = ['paper_low', 'waiting_for_card', 'card_waits'].includes(device.state);
  const tone = device.state === 'ready' ? 'good' : asks ? 'warn' : 'bad';
  return (
    <span class={`chip ${tone}`} data-testid={`status-${kind}`} data-state={device.state}>
      <Icon name={kind === 'printer' ? 'printer' : kind === 'reader' || kind === 'chip' ? 'card' : 'scan'} />
      <span>
        {t(`status.${kind}`)}
        <small>{tOr('state.', device.state)}</small>
      </span>
    </span>
  );
}

function LinkChip({ info }: { info: TillInfo }) {
  const reachable = connected(model.value);
  const state = !reachable ? 'node_down' : info.link.up ? 'link_up' : 'link_down';
  const tone = !reachable ? 'bad' : info.link.up ? 'good' : 'calm';
  return (
    <span
      class={`chip ${tone}`}
      data-testid="status-link"
      data-state={state}
      data-waiting={info.link.entries_waiting}
    >
      <Icon name={state === 'link_up' ? 'link' : 'unlink'} />
      <span>
        {t(`status.${state}`)}
        <small>{t('status.waiting', { n: info.link.entries_waiting })}</small>
      </span>
    </span>
  );
}

function Head({ info }: { info: TillInfo }) {
  return (
    <header class="head">
      <img src="/assets/icon.svg" alt="" width="36" height="36" />
      <div class="head-name">
        <h1 data-testid="store-name">{info.store}</h1>
        <span>
          {t('till.terminal', { n: info.terminal })} · <time data-testid="business-date">{info.business_date}</time>
        </span>
      </div>
      <div class="chips">
        <LinkChip info={info} />
        <DeviceChip kind="printer" device={info.devices.printer} />
        <DeviceChip kind="reader" device={info.devices.reader} />
        <DeviceChip kind="scanner" device={info.devices.scanner} />
        <DeviceChip kind="chip" device={info.devices.chip} />
        <DeviceChip kind="wedge" device={info.devices.wedge} />
        <DeviceChip kind="display" device={info.devices.display} />
        <DeviceChip kind="rewriter" device={info.devices.rewriter} />
        {info.topup_quota_left !== null && (
          <span class="chip" data-testid="status-quota" data-minor={info.topup_quota_left}>
            <Icon name="quota" />
            <span>
              {t('status.quota')}
              <small>{formatMinor(info.topup_quota_left, info.unit.exponent)}</small>
            </span>
          </span>
        )}
      </div>
      <LangSwitch />
    </header>
  );
}

const TABS: {
  view: View;
  icon: 'grid' | 'basket' | 'card' | 'receipt';
  key: 'products.title' | 'basket.title' | 'pay.total' | 'receipts.title';
}[] = [
  { view: 'products', icon: 'grid', key: 'products.title' },
  { view: 'basket', icon: 'basket', key: 'basket.title' },
  { view: 'pay', icon: 'card', key: 'pay.total' },
  { view: 'receipts', icon: 'receipt', key: 'receipts.title' },
];

/**
 * On a wide screen only products and receipts take turns; on a phone all four views do, and the total stays
 * in sight.
 */
function Tabs({ info, phone }: { info: TillInfo; phone: boolean }) {
  const { view } = model.value;
  const { due: total } = bill(model.value);
  const count = basketCount(model.value);
  const shown = phone ? TABS : TABS.filter((it) => it.view === 'products' || it.view === 'receipts');
  const current = phone || view === 'receipts' ? view : 'products';
  return (
    <nav class={phone ? 'bottom-bar' : 'tabs'}>
      {shown.map((it) => (
        <button
          key={it.view}
          aria-current={current === it.view ? 'page' : undefined}
          data-testid={`${phone ? 'tab' : 'view'}-${it.view}`}
          onClick={() => dispatch({ type: 'view', view: it.view })}
        >
          <Icon name={it.icon} />
          {phone && it.view === 'pay' ? (
            <strong class="bar-total">{total === null ? '?' : formatMinor(total, info.unit.exponent)}</strong>
          ) : (
            <span>
              {t(it.key)}
              {it.view === 'basket' && count > 0 ? ` ${count}` : ''}
            </span>
          )}
        </button>
      ))}
    </nav>
  );
}

function focusOn(id: string, view: View): void {
  dispatch({ type: 'view', view });
  // The field may appear only with the new view, which is rendered in a microtask: before the next key, where a frame
  // could come after it and the digits of a fast hand would go into the field that had the focus.
  queueMicrotask(() => document.getElementById(id)?.focus());
}

const KEYS: Record<string, () => void> = {
  F2: () => focusOn('search', 'products'),
  F4: () => {
    dispatch({ type: 'card', card: null });
    focusOn('card-number', model.value.view === 'receipts' ? 'receipts' : 'pay');
  },
  F8: () => pay('card'),
  F9: () => pay('cash'),
  F10: () => pay('split'),
};

function onKey(event: KeyboardEvent): void {
  if (event.altKey || event.ctrlKey || event.metaKey || event.repeat || document.querySelector('dialog[open]'))
    return;
  const action = KEYS[event.key];
  if (action) {
    event.preventDefault();
    action();
  } else if (event.key === 'Escape') {
    dispatch({ type: 'notice', notice: null });
    dispatch({ type: 'view', view: 'products' });
  } else if (
    /^[0-9]$/.test(event.key) &&
    !(event.target instanceof HTMLInputElement) &&
    model.value.view !== 'receipts'
  ) {
    // A scanner that types like a keyboard finds its way to the search box, wherever the last touch was.
    document.getElementById('search')?.focus();
  }
}

function Till({ info }: { info: TillInfo }) {
  useEffect(() => {
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const { view } = model.value;
  return (
    <div class="till" data-view={view} data-testid="till" data-busy={model.value.outbox.phase}>
      <Head info={info} />
      <Banners info={info} />
      <main class="columns">
        <Basket info={info} />
        <div class="middle">
          <Tabs info={info} phone={false} />
          {view === 'receipts' ? <Receipts info={info} /> : <Products info={info} />}
        </div>
        <PayColumn info={info} />
      </main>
      <NoticeBar info={info} />
      <Tabs info={info} phone />
      <ReverseDialog info={info} />
      <RefundDialog />
      <GiveBackDialog info={info} />
      <ReportDialog info={info} />
      <ShelfDialog info={info} />
      <MemberDialog />
    </div>
  );
}

export function App() {
  const { phase, info } = model.value;
  if (phase === 'unpaired') return <Pairing pair={pair} first={pairProblem.value} />;
  if (!info)
    return (
      <main class="pairing">
        <p class="muted" role="status" data-testid="loading">
          {t('till.loading')}
        </p>
      </main>
    );
  return <Till info={info} />;
}
