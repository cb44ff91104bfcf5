// Entries waiting over the last minutes, as collected while this page is open.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { lang, t } from '../lib/i18n';
import type { NetworkNode } from '../lib/types';
import { columns, type Sample } from './state';

const COLOURS = ['#0f5a72', '#c76b12', '#6a4fa3', '#1a7443', '#b02a5b', '#4d6a00', '#2a5fc1', '#7a4a2b'];
const HEIGHT = 250;

const pad = (n: number): string => String(n).padStart(2, '0');

function clock(at: number): string {
  const date = new Date(at * 1000);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

function make(root: HTMLElement, nodes: NetworkNode[], data: uPlot.AlignedData): uPlot {
  return new uPlot(
    {
      width: root.clientWidth,
      height: HEIGHT,
      cursor: { drag: { x: false, y: false } },
      legend: { live: false },
      scales: { y: { range: (_chart, _low, high) => [0, Math.max(4, Math.ceil((high ?? 0) * 1.15))] } },
      axes: [
        {
          // A single moment has no span: uPlot would write it five times.
          values: (chart, splits) => splits.map((at) => ((chart.data[0]?.length ?? 0) < 2 ? '' : clock(at))),
          space: 90,
          stroke: '#566a74',
          grid: { stroke: '#e8eef0' },
          ticks: { show: false },
        },
        {
          stroke: '#566a74',
          grid: { stroke: '#e8eef0' },
          ticks: { show: false },
          size: 48,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 10000, 100000],
        },
      ],
      series: [
        { value: (_chart, at) => (at === null || at === undefined ? '' : clock(at)) },
        ...nodes.map((node, at) => ({
          label: node.name,
          stroke: COLOURS[at % COLOURS.length] ?? '#000',
          width: 2.5,
          points: { show: false },
        })),
      ],
    },
    data,
    root,
  );
}

export function WaitingChart({ nodes, history }: { nodes: NetworkNode[]; history: Sample[] }) {
  const root = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const names = nodes.map((it) => `${it.node}:${it.name}`).join('|') + lang.value;
  const data = columns(
    history,
    nodes.map((it) => it.node),
  ) as uPlot.AlignedData;

  useEffect(() => {
    const element = root.current;
    if (!element) return;
    const made = make(element, nodes, data);
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [names]);
  useEffect(() => chart.current?.setData(data), [history]);

  return (
    <div>
      <div class="chart" ref={root} data-testid="chart" data-samples={history.length} />
      {history.length < 3 && <p class="muted small">{t('net.chart_none')}</p>}
    </div>
  );
}
