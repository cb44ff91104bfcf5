// Small parts that both pages use.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { LANGS, lang, setLang, t, type Lang } from './i18n';
import { formatMinor } from './money';
import type { Unit } from './types';

export function LangSwitch() {
  return (
    <label class="lang">
      <span class="sr-only">{t('app.language')}</span>
      <select
        data-testid="lang"
        value={lang.value}
        onChange={(event) => setLang(event.currentTarget.value as Lang)}
      >
        {LANGS.map((it) => (
          <option key={it.id} value={it.id} lang={it.id}>
            {it.name}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Money({
  minor,
  unit,
  code = false,
  testid,
}: {
  /** Null: not known. */
  minor: number | null;
  unit: Unit;
  code?: boolean;
  testid?: string;
}) {
  return (
    <span class="money" data-testid={testid} data-minor={minor}>
      {minor === null ? '—' : formatMinor(minor, unit.exponent)}
      {code ? <small> {unit.code}</small> : null}
    </span>
  );
}

/**
 * A number that is typed and counts when it is left or Enter is pressed. What is being typed is the field's own, so that
 * an event of the node that draws the page anew does not take it away; Enter leaves it, so that the next scan finds its
 * own way. Plain digits of any keyboard reach `commit`.
 */
export function NumberField({
  value,
  label,
  testid,
  disabled,
  commit,
}: {
  value: number | string;
  label: string;
  testid: string;
  disabled: boolean;
  commit: (text: string) => void;
}) {
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <input
      aria-label={label}
      data-testid={testid}
      inputMode="numeric"
      autocomplete="off"
      value={typed ?? value}
      disabled={disabled}
      onFocus={(event) => event.currentTarget.select()}
      onInput={(event) => setTyped(event.currentTarget.value)}
      onBlur={() => setTyped(null)}
      onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
      onChange={(event) => {
        setTyped(null);
        commit(event.currentTarget.value.normalize('NFKC').trim());
      }}
    />
  );
}

/** East Asian wide characters take two columns on the printer. */
const WIDE = new RegExp(
  '[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\u33ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uac00-\\ud7a3' +
    '\\uf900-\\ufaff\\ufe30-\\ufe4f\\uff00-\\uff60\\uffe0-\\uffe6]',
);

function ticketLine(line: string): ComponentChildren {
  if (!WIDE.test(line)) return line;
  return [...line].map((char) => (WIDE.test(char) ? <span class="wide">{char}</span> : char));
}

/** A ticket just as it is printed, 42 columns, on paper. What stands under the text are its children. */
export function Ticket({ text, testid, children }: { text: string[]; testid?: string; children?: ComponentChildren }) {
  return (
    <div class="ticket">
      <pre data-testid={testid} tabIndex={0}>
        {text.map((line, at) => (
          <div key={at}>{line === '' ? '\u00a0' : ticketLine(line)}</div>
        ))}
      </pre>
      {children}
    </div>
  );
}

const PATHS: Record<string, string> = {
  link: 'M9 15l6-6M10.5 6.5l1-1a5 5 0 017 7l-1 1M13.5 17.5l-1 1a5 5 0 01-7-7l1-1',
  unlink: 'M10.5 6.5l1-1a5 5 0 017 7l-1 1M13.5 17.5l-1 1a5 5 0 01-7-7l1-1M4 4l16 16',
  printer: 'M7 9V4h10v5M7 17H4v-8h16v8h-3M7 14h10v6H7z',
  card: 'M3 6h18v12H3zM3 10h18',
  scan: 'M4 7V4h4M20 7V4h-4M4 17v3h4M20 17v3h-4M8 8v8M12 8v8M16 8v8',
  search: 'M10.5 4a6.5 6.5 0 110 13 6.5 6.5 0 010-13zM15.5 15.5L20 20',
  close: 'M6 6l12 12M18 6L6 18',
  cash: 'M3 7h18v10H3zM12 9.5a2.5 2.5 0 110 5 2.5 2.5 0 010-5zM6 12h.01M18 12h.01',
  split: 'M12 20v-7M12 13L6 7M12 13l6-6M6 11V7h4M14 7h4v4',
  basket: 'M4 9h16l-2 11H6zM8 9l4-6 4 6',
  receipt: 'M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6',
  grid: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  quota: 'M4 20V10M10 20V4M16 20v-7M21 20H3',
  gift: 'M4 9h16v4H4zM6 13h12v7H6zM12 9v11M12 9C9 9 7 7.5 8 5.5S12 6 12 9zM12 9c3 0 5-1.5 4-3.5S12 6 12 9z',
  undo: 'M9 7L4 12l5 5M4 12h10a6 6 0 010 8h-3',
};

export function Icon({ name }: { name: keyof typeof PATHS & string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.8"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
