// The picture of the tree: one box per node, one line per link, told apart by colour, dash and word.
import { t, tOr } from '../lib/i18n';
import type { DemoState, NetworkNode } from '../lib/types';
import { layout, type Placed } from './state';

const BOX = { width: 172, height: 64, gapX: 28, gapY: 66, pad: 10 };

function center(at: Placed): { x: number; y: number } {
  return {
    x: BOX.pad + at.x * (BOX.width + BOX.gapX) + BOX.width / 2,
    y: BOX.pad + at.depth * (BOX.height + BOX.gapY),
  };
}

function Link({ at, cut }: { at: Placed; cut: boolean }) {
  if (!at.up) return null;
  const [from, to] = [center(at.up), center(at)];
  const [top, bottom] = [from.y + BOX.height, to.y];
  const middle = (top + bottom) / 2;
  const word = cut ? t('link.cut') : t(`link.${at.node.link}`);
  const waiting = at.node.entries_waiting ? ` · ${at.node.entries_waiting}` : '';
  const width = Math.max(52, [...(word + waiting)].length * 9 + 22);
  return (
    <g class={`tree-link ${at.node.link} ${cut ? 'cut' : ''}`} data-testid={`tree-link-${at.node.node}`}>
      <path d={`M${from.x} ${top} C${from.x} ${middle + 8} ${to.x} ${middle - 8} ${to.x} ${bottom}`} />
      <rect x={to.x - width / 2} y={bottom - 37} width={width} height="24" rx="12" />
      <text x={to.x} y={bottom - 20}>
        {word}
        {waiting}
      </text>
    </g>
  );
}

export function Tree({ nodes, demo }: { nodes: NetworkNode[]; demo: DemoState | null }) {
  const { placed, width, depth } = layout(nodes);
  const w = width * (BOX.width + BOX.gapX) - BOX.gapX + 2 * BOX.pad;
  const h = depth * (BOX.height + BOX.gapY) - BOX.gapY + 2 * BOX.pad;
  const isCut = (node: number) => demo?.links.some((it) => it.child === node && it.cut) ?? false;
  const isDead = (node: number) => demo?.nodes.some((it) => it.node === node && !it.running) ?? false;
  return (
    <div class="tree-scroll">
      <svg
        class="tree"
        viewBox={`0 0 ${w} ${h}`}
        width={w}
        height={h}
        role="img"
        aria-label={t('net.tree_label')}
        data-testid="tree"
      >
        {placed.map((at) => (
          <Link key={at.node.node} at={at} cut={isCut(at.node.node)} />
        ))}
        {placed.map((at) => {
          const { x, y } = center(at);
          return (
            <g key={at.node.node} class={`tree-node ${at.node.role} ${isDead(at.node.node) ? 'dead' : ''}`}>
              <rect x={x - BOX.width / 2} y={y} width={BOX.width} height={BOX.height} rx="12" />
              <text class="tree-name" x={x} y={y + 28}>
                {at.node.name}
              </text>
              <text class="tree-role" x={x} y={y + 48}>
                {isDead(at.node.node) ? t('demo.stopped') : tOr('role.', at.node.role)}
              </text>
            </g>
          );
        })}
      </svg>
    </div>
  );
}
