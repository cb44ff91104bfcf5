// Buttons that act on the demo's real processes and devices. Shown only when the node says that there is a demo.
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { t, tOr } from '../lib/i18n';
import type { DemoState, NetworkNode } from '../lib/types';
import { Icon, Ticket } from '../lib/ui';
import { demo, demoCards, demoDo, demoProducts, now, readPrinter, type PrinterView } from './controller';

const PAPERS = ['ok', 'low', 'out', 'cover_open', 'offline'] as const;
/** Which store's tickets are unfolded. */
const openTickets = signal<number | null>(null);

function Feed({ node }: { node: number }) {
  const [card, setCard] = useState('');
  const [ean, setEan] = useState('');
  const chosenCard = card || (demoCards.value[0]?.number ?? '');
  const chosenEan = ean || (demoProducts.value[0]?.ean ?? '');
  return (
    <>
      <div class="demo-pair">
        <select
          aria-label={t('demo.card')}
          data-testid={`demo-card-${node}`}
          value={chosenCard}
          onChange={(event) => setCard(event.currentTarget.value)}
        >
          {demoCards.value.map((it) => (
            <option key={it.number} value={it.number}>
              {it.masked}
            </option>
          ))}
        </select>
        <button
          class="button"
          data-testid={`demo-swipe-${node}`}
          onClick={() => void demoDo(`/demo/nodes/${node}/swipe`, { card: chosenCard })}
        >
          <Icon name="card" />
          {t('demo.swipe')}
        </button>
      </div>
      <div class="demo-pair">
        {demoProducts.value.length > 0 ? (
          <select
            aria-label={t('demo.ean')}
            data-testid={`demo-ean-${node}`}
            value={chosenEan}
            onChange={(event) => setEan(event.currentTarget.value)}
          >
            {demoProducts.value.map((it) => (
              <option key={it.ean} value={it.ean}>
                {it.name}
              </option>
            ))}
          </select>
        ) : (
          <input
            aria-label={t('demo.ean')}
            placeholder={t('demo.ean')}
            data-testid={`demo-ean-${node}`}
            inputMode="numeric"
            value={ean}
            onInput={(event) => setEan(event.currentTarget.value)}
          />
        )}
        <button
          class="button"
          data-testid={`demo-scan-${node}`}
          disabled={chosenEan === ''}
          onClick={() => void demoDo(`/demo/nodes/${node}/scan`, { ean: chosenEan })}
        >
          <Icon name="scan" />
          {t('demo.scan')}
        </button>
      </div>
    </>
  );
}

function Plugs({ node, state }: { node: number; state: DemoState }) {
  const mine = state.devices.filter((it) => it.node === node);
  return (
    <div class="demo-plugs">
      {mine.map((it) => {
        const device =
          it.kind === 'reader' || it.kind === 'scanner' || it.kind === 'printer' ? t(`status.${it.kind}`) : it.kind;
        return (
          <button
            key={it.kind}
            class="button"
            aria-pressed={!it.plugged}
            data-testid={`demo-plug-${node}-${it.kind}`}
            onClick={() => void demoDo(`/demo/nodes/${node}/${it.plugged ? 'unplug' : 'plug'}`, { kind: it.kind })}
          >
            {t(it.plugged ? 'demo.unplug' : 'demo.plug', { device })}
          </button>
        );
      })}
    </div>
  );
}

function PrinterBox({ node }: { node: NetworkNode }) {
  const [view, setView] = useState<PrinterView | null>(null);
  const open = openTickets.value === node.node;
  const tick = Math.floor(now.value / 2);
  useEffect(() => {
    let gone = false;
    void readPrinter(node.node).then((it) => !gone && it && setView(it));
    return () => {
      gone = true;
    };
  }, [tick, node.node]);
  return (
    <>
      <div class="demo-pair">
        <select
          aria-label={t('demo.paper')}
          data-testid={`demo-paper-${node.node}`}
          value={view?.paper ?? 'ok'}
          onChange={(event) => {
            const paper = event.currentTarget.value;
            setView(view && { ...view, paper });
            void demoDo(`/demo/nodes/${node.node}/printer`, { paper });
          }}
        >
          {PAPERS.map((it) => (
            <option key={it} value={it}>
              {t(`demo.paper.${it}`)}
            </option>
          ))}
        </select>
        <button
          class="button"
          aria-expanded={open}
          aria-pressed={open}
          data-testid={`demo-tickets-${node.node}`}
          onClick={() => (openTickets.value = open ? null : node.node)}
        >
          <Icon name="receipt" />
          {t('demo.tickets')} {view ? view.tickets.length : ''}
        </button>
      </div>
      {open && (
        <aside
          class="demo-tickets"
          data-testid={`demo-ticket-list-${node.node}`}
          aria-label={`${t('demo.tickets')}: ${node.name}`}
        >
          <header>
            <h2>
              {t('demo.tickets')}: {node.name}
            </h2>
            <button
              class="icon-button"
              aria-label={t('notice.close')}
              data-testid="demo-tickets-close"
              onClick={() => (openTickets.value = null)}
            >
              <Icon name="close" />
            </button>
          </header>
          {!view || view.tickets.length === 0 ? (
            <p class="muted pad">{t('demo.tickets_none')}</p>
          ) : (
            view.tickets.slice(0, 20).map((it, at) => <Ticket key={`${at}-${it.length}`} text={it.split('\n')} />)
          )}
        </aside>
      )}
    </>
  );
}

export function NodeDemo({ node }: { node: NetworkNode }) {
  const state = demo.value;
  const mine = state?.nodes.find((it) => it.node === node.node);
  if (!state || !mine) return null;
  const link = state.links.find((it) => it.child === node.node);
  return (
    <div class="demo" role="group" aria-label={`${t('demo.title')}: ${node.name}`}>
      <div class="demo-pair even">
        {link && (
          <button
            class={`button ${link.cut ? 'primary' : 'danger'}`}
            data-testid={`demo-link-${node.node}`}
            data-cut={link.cut}
            onClick={() => void demoDo(`/demo/links/${node.node}/${link.cut ? 'heal' : 'cut'}`)}
          >
            <Icon name={link.cut ? 'link' : 'unlink'} />
            {t(link.cut ? 'demo.heal' : 'demo.cut')}
          </button>
        )}
        <button
          class={`button ${mine.running ? 'danger' : 'primary'}`}
          data-testid={`demo-power-${node.node}`}
          data-running={mine.running}
          onClick={() => void demoDo(`/demo/nodes/${node.node}/${mine.running ? 'kill' : 'restart'}`)}
        >
          {t(mine.running ? 'demo.kill' : 'demo.restart')}
        </button>
      </div>
      {node.role === 'store' && (
        <>
          <Feed node={node.node} />
          <Plugs node={node.node} state={state} />
          <PrinterBox node={node} />
        </>
      )}
      <a
        class="button quiet"
        target="_blank"
        rel="noopener"
        data-testid={`demo-open-${node.node}`}
        href={mine.till ?? mine.url}
      >
        {t(node.role === 'store' ? 'demo.open_till' : 'demo.open_page')} ↗
      </a>
    </div>
  );
}

export function demoWord(why: string): string {
  return tOr('error.', why);
}
