// Texts of the pages in four languages. The language is remembered per browser.
import { signal } from '@preact/signals';
import en from '../i18n/en.json';
import ko from '../i18n/ko.json';
import zhHans from '../i18n/zh-Hans.json';
import zhHant from '../i18n/zh-Hant.json';

export type Lang = 'en' | 'zh-Hans' | 'zh-Hant' | 'ko';
export type Key = keyof typeof en;
export type Params = Record<string, string | number>;

export const LANGS: { id: Lang; name: string }[] = [
  { id: 'en', name: 'English' },
  { id: 'zh-Hans', name: '简体中文' },
  { id: 'zh-Hant', name: '繁體中文' },
  { id: 'ko', name: '한국어' },
];

const texts: Record<Lang, Record<string, string>> = { en, ko, 'zh-Hans': zhHans, 'zh-Hant': zhHant };
const STORED = 'tally.lang';

export const lang = signal<Lang>('en');

/** The best of our languages for what a browser asks for: "zh-TW" gives traditional Chinese. */
export function pickLang(wanted: readonly string[]): Lang {
  for (const tag of wanted) {
    const low = tag.toLowerCase();
    if (low.startsWith('zh')) return /hant|-tw|-hk|-mo/.test(low) ? 'zh-Hant' : 'zh-Hans';
    if (low.startsWith('ko')) return 'ko';
    if (low.startsWith('en')) return 'en';
  }
  return 'en';
}

export function hasKey(key: string): key is Key {
  return Object.hasOwn(en, key);
}

/** Text of a key; `{name}` is replaced by its parameter. */
export function translate(language: Lang, key: Key, params: Params = {}): string {
  const text = texts[language][key] ?? texts.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole));
}

export const t = (key: Key, params?: Params): string => translate(lang.value, key, params);

/**
 * Text of `prefix + rest` when there is one, else the bare word: a node newer than this page may know more
 * states.
 */
export function tOr(prefix: string, rest: string): string {
  const key = prefix + rest;
  return hasKey(key) ? t(key) : rest;
}

export function setLang(next: Lang): void {
  lang.value = next;
  document.documentElement.lang = next;
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // A browser without storage asks again next time.
  }
}

export function initLang(): void {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(STORED);
  } catch {
    stored = null;
  }
  const known = LANGS.find((it) => it.id === stored);
  lang.value = known ? known.id : pickLang(navigator.languages);
  document.documentElement.lang = lang.value;
}

/** Age of a moment in words; null is "never". Both in seconds. */
export function ageText(moment: number | null, now: number): string {
  if (moment === null || moment <= 0) return t('age.never');
  const age = Math.max(0, Math.floor(now - moment));
  if (age < 3) return t('age.now');
  if (age < 100) return t('age.seconds', { n: age });
  if (age < 6_000) return t('age.minutes', { n: Math.floor(age / 60) });
  if (age < 172_800) return t('age.hours', { n: Math.floor(age / 3_600) });
  return t('age.days', { n: Math.floor(age / 86_400) });
}

const pad = (n: number): string => String(n).padStart(2, '0');

/** "14:05" today, "2026-11-22 14:05" on another day: the same in every language, as on the ticket. */
export function timeText(stamp: number, now: number): string {
  const at = new Date(stamp * 1000);
  const clock = `${pad(at.getHours())}:${pad(at.getMinutes())}`;
  const sameDay = at.toDateString() === new Date(now * 1000).toDateString();
  return sameDay ? clock : `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${clock}`;
}
