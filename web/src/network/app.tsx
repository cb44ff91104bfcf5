import { ageText, t, tOr } from '../lib/i18n';
import { formatMinor } from '../lib/money';
import { Pairing } from '../lib/pairing';
import type { Network, NetworkNode, Unit } from '../lib/types';
import { LangSwitch, Money } from '../lib/ui';
import { Cases, Differences } from './cases';
import { WaitingChart } from './chart';
import {
  cases,
  demo,
  demoProblem,
  demoReachable,
  failures,
  history,
  now,
  pair,
  picture,
  pictureAt,
  unpaired,
} from './controller';
import { demoWord, NodeDemo } from './demo';
import { percent } from './state';
import { Tree } from './tree';

const LINK_TONES = { up: 'good', down: 'bad', never: 'warn' } as const;

function LinkBadge({ node }: { node: NetworkNode }) {
  if (node.parent === null || node.parent === 0) return <span class="muted">—</span>;
  return (
    <span
      class={`badge ${LINK_TONES[node.link] ?? 'warn'}`}
      data-testid={`link-${node.node}`}
      data-link={node.link}
    >
      {tOr('link.', node.link)}
      {node.link_over !== null && node.link_over !== node.parent ? ` ${t('net.around', { n: node.link_over })}` : ''}
    </span>
  );
}

/**
 * Ages are counted on the node's clock, moved on by the age of the picture: two machines' clocks need not
 * agree.
 */
function nodeNow(net: Network): number {
  return net.now + Math.max(0, now.value - (pictureAt.value ?? now.value));
}

/**
 * A bar that is read as a number by those who cannot see it. Its length is set through the DOM, which a
 * strict CSP allows.
 */
function Bar({ part, whole, label, tone = '' }: { part: number; whole: number; label: string; tone?: string }) {
  const share = percent(part, whole);
  return (
    <svg
      class={`bar ${tone}`}
      viewBox="0 0 100 4"
      preserveAspectRatio="none"
      role="img"
      aria-label={`${label}: ${share}%`}
    >
      <rect class="bar-ground" width="100" height="4" />
      <rect class="bar-fill" width={share} height="4" />
    </svg>
  );
}

function Figure({
  label,
  children,
  testid,
}: {
  label: string;
  children: preact.ComponentChildren;
  testid?: string;
}) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd data-testid={testid}>{children}</dd>
    </div>
  );
}

const waitingText = (node: NetworkNode): string =>
  node.entries_waiting === null ? t('net.unknown') : String(node.entries_waiting);
const inTransit = (node: NetworkNode, unit: Unit) => <Money minor={node.in_transit} unit={unit} />;

function NodeCard({ node, net }: { node: NetworkNode; net: Network }) {
  const parent = net.nodes.find((it) => it.node === node.parent);
  const { unit } = net;
  return (
    <article class={`panel node ${node.link}`} data-testid={`node-${node.node}`}>
      <header>
        <div>
          <h3>{node.name}</h3>
          <p class="muted small">
            {tOr('role.', node.role)} · {node.node}
            {parent ? ` · ${t('net.parent')}: ${parent.name}` : ''}
          </p>
        </div>
        {parent && (
          <div class="node-link">
            <LinkBadge node={node} />
            <span class="muted small">{ageText(node.last_contact, nodeNow(net))}</span>
          </div>
        )}
      </header>
      {node.alarm && (
        <p class="banner bad" role="alert">
          {t('net.alarm', { why: tOr('error.', node.alarm) })}
        </p>
      )}
      <dl class="figures">
        <Figure label={t('net.waiting')} testid={`waiting-${node.node}`}>
          {waitingText(node)}
        </Figure>
        <Figure label={t('net.held')}>
          <Money minor={node.held} unit={unit} />
        </Figure>
        <Figure label={t('net.in_transit')}>{inTransit(node, unit)}</Figure>
        <Figure label={t('net.quota')}>
          <Money minor={node.quota_outstanding} unit={unit} />
        </Figure>
      </dl>
      {node.parent !== null && node.exposure !== null && (
        <div class="exposure">
          <div>
            <span class="muted">{t('net.exposure')}</span>
            <strong>
              <Money minor={node.exposure} unit={unit} testid={`exposure-${node.node}`} />
            </strong>
          </div>
          <Bar part={node.exposure} whole={net.total_exposure} label={t('net.exposure')} />
          <div class="small muted">
            <span>{t('net.share', { n: percent(node.exposure, net.total_exposure) })}</span>
            <span>
              {t('net.ceiling')} {node.ceiling === null ? '—' : formatMinor(node.ceiling, unit.exponent)}
            </span>
          </div>
        </div>
      )}
      <NodeDemo node={node} />
    </article>
  );
}

function Table({ net }: { net: Network }) {
  const { unit } = net;
  const at = nodeNow(net);
  return (
    <section class="panel table-panel">
      <h2 id="table-title">{t('net.table')}</h2>
      <div class="table-scroll" tabIndex={0} role="region" aria-labelledby="table-title">
        <table data-testid="table">
          <thead>
            <tr>
              {(['name', 'role', 'parent', 'link', 'last_contact'] as const).map((it) => (
                <th key={it} scope="col">
                  {t(`net.${it}`)}
                </th>
              ))}
              {(
                ['entries', 'waiting', 'held', 'in_transit', 'quota', 'ceiling', 'exposure', 'in_doubt', 'contested', 'certified'] as const
              ).map((it) => (
                <th key={it} scope="col" class="number">
                  {t(`net.${it}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {net.nodes.map((node) => (
              <tr key={node.node} data-testid={`row-${node.node}`}>
                <th scope="row">{node.name}</th>
                <td>{tOr('role.', node.role)}</td>
                <td>{net.nodes.find((it) => it.node === node.parent)?.name ?? '—'}</td>
                <td>
                  <LinkBadge node={node} />
                </td>
                <td>{node.parent ? ageText(node.last_contact, at) : '—'}</td>
                <td class="number">{node.entries ?? '—'}</td>
                <td class="number">{waitingText(node)}</td>
                <td class="number">
                  <Money minor={node.held} unit={unit} />
                </td>
                <td class="number">{inTransit(node, unit)}</td>
                <td class="number">
                  <Money minor={node.quota_outstanding} unit={unit} />
                </td>
                <td class="number">
                  <Money minor={node.ceiling} unit={unit} />
                </td>
                <td class="number">
                  <Money minor={node.exposure} unit={unit} />
                </td>
                <td class={`number ${node.in_doubt ? 'bad' : ''}`}>
                  <Money minor={node.in_doubt} unit={unit} />
                </td>
                <td class={`number ${node.contested ? 'bad' : ''}`}>{node.contested ?? '—'}</td>
                <CertifiedCell until={node.certified_until} now={at} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Days until the node's certificate ends; it is renewed by itself long before. */
function CertifiedCell({ until, now }: { until: number | null; now: number }) {
  if (until === null) return <td class="number">—</td>;
  const days = Math.max(0, Math.floor((until - now) / 86_400));
  return (
    <td class={`number ${days < 30 ? 'bad' : ''}`} data-days={days}>
      {days}
    </td>
  );
}

function Summary({ net }: { net: Network }) {
  const below = net.nodes.filter((it) => it.parent !== null && it.parent !== 0);
  const down = below.filter((it) => it.link !== 'up').length;
  const waiting = below.reduce((sum, it) => sum + (it.entries_waiting ?? 0), 0);
  return (
    <section class="summary">
      <div class="panel summary-main">
        <span>{t('net.total_exposure')}</span>
        <strong data-testid="total-exposure" data-minor={net.total_exposure}>
          {formatMinor(net.total_exposure, net.unit.exponent)} <small>{net.unit.code}</small>
        </strong>
        <span class="muted small">{t('net.exposure_days', { n: net.exposure_days })}</span>
      </div>
      <div class="panel">
        <span>{t('net.nodes')}</span>
        <strong>{net.nodes.length}</strong>
      </div>
      <div class={`panel ${down > 0 ? 'attention' : ''}`}>
        <span>{t('net.links_down')}</span>
        <strong data-testid="links-down">{down}</strong>
      </div>
      <div class={`panel ${waiting > 0 ? 'attention' : ''}`}>
        <span>{t('net.all_waiting')}</span>
        <strong data-testid="all-waiting">{waiting}</strong>
      </div>
    </section>
  );
}

function Freshness() {
  const stale = failures.value > 0;
  const age = ageText(pictureAt.value, now.value);
  return (
    <span
      class={`badge ${stale ? 'warn' : 'good'}`}
      role="status"
      data-testid="freshness"
      data-failures={failures.value}
    >
      {t(stale ? 'net.stale' : 'net.fresh', { age })}
    </span>
  );
}

export function App() {
  if (unpaired.value && !picture.value) return <Pairing pair={pair} />;
  const net = picture.value;
  return (
    <div class="network">
      <header class="head">
        <img src="/assets/icon.svg" alt="" width="36" height="36" />
        <h1>{t('net.title')}</h1>
        <Freshness />
        <LangSwitch />
      </header>
      {net && (
        <main>
          <Summary net={net} />
          <div class="pictures">
            <section class="panel pad-panel">
              <h2>{t('net.tree')}</h2>
              <Tree nodes={net.nodes} demo={demo.value} />
            </section>
            <section class="panel pad-panel">
              <h2>{t('net.chart')}</h2>
              <WaitingChart nodes={net.nodes.filter((it) => it.parent)} history={history.value} />
            </section>
          </div>
          {net.demo && (
            <p
              class={`banner ${demoReachable.value && !demoProblem.value ? 'calm' : 'warn'}`}
              role="status"
              data-testid="demo-banner"
            >
              {!demoReachable.value
                ? t('demo.unreachable')
                : demoProblem.value
                  ? t('demo.failed', { why: demoWord(demoProblem.value) })
                  : t('demo.text')}
            </p>
          )}
          <section class="nodes" aria-label={t('net.nodes')}>
            {net.nodes.map((it) => (
              <NodeCard key={it.node} node={it} net={net} />
            ))}
          </section>
          {cases.value && cases.value.open > 0 && <Cases list={cases.value} unit={net.unit} />}
          {cases.value?.recomputed && <Differences of={cases.value.recomputed} />}
          <Table net={net} />
        </main>
      )}
    </div>
  );
}
