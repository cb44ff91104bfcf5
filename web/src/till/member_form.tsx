// The form of a member: only what was changed is said to the node.
import { useEffect, useRef, useState } from 'preact/hooks';
import { t, tOr, type Key } from '../lib/i18n';
import { CONSENTS, PHOTO_MAX, draftOf, type MemberDraft } from '../lib/member';
import type { Refusal } from '../lib/types';
import { dispatch } from './controller';
import { editing, saveMember } from './member_state';

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

/** On a canvas: no address of it exists that anything could fetch or keep. */
function Photo({ base64 }: { base64: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!base64) return;
    let gone = false;
    createImageBitmap(new Blob([bytesOf(base64)]))
      .then((picture) => {
        const to = canvas.current;
        if (!to || gone) return;
        const scale = Math.min(1, 160 / Math.max(picture.width, picture.height));
        to.width = picture.width * scale;
        to.height = picture.height * scale;
        to.getContext('2d')?.drawImage(picture, 0, 0, to.width, to.height);
      })
      .catch(() => undefined); // a picture that cannot be drawn is shown as nothing
    return () => {
      gone = true;
    };
  }, [base64]);
  return base64 ? <canvas ref={canvas} data-testid="member-photo" aria-label={t('member.photo')} /> : null;
}

/** Base 64 of a picture that a profile may hold, else null. */
async function pictureOf(file: File): Promise<string | null> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const known = [
    [0xff, 0xd8, 0xff],
    [0x89, 0x50, 0x4e, 0x47],
    [0x52, 0x49, 0x46, 0x46],
  ].some((head) => head.every((it, at) => bytes[at] === it));
  if (!known || bytes.length > PHOTO_MAX) return null;
  let text = '';
  for (const it of bytes) text += String.fromCharCode(it);
  return btoa(text);
}

type Field = 'name' | 'birthday' | 'phones' | 'emails' | 'address' | 'children';
const FIELDS: { field: Field; rows: number }[] = [
  { field: 'name', rows: 1 },
  { field: 'birthday', rows: 1 },
  { field: 'phones', rows: 2 },
  { field: 'emails', rows: 2 },
  { field: 'address', rows: 3 },
  { field: 'children', rows: 2 },
];

function Entry({ field, rows, value, set }: { field: Field; rows: number; value: string; set: (v: string) => void }) {
  const common = {
    'data-testid': `member-${field}`,
    autocomplete: 'off',
    value,
    onInput: (event: { currentTarget: { value: string } }) => set(event.currentTarget.value),
  } as const;
  return (
    <label class="member-field">
      <span>{t(`member.${field}`)}</span>
      {rows === 1 ? <input maxLength={120} {...common} /> : <textarea rows={rows} maxLength={400} {...common} />}
    </label>
  );
}

function problemText(refusal: Refusal): string {
  if (refusal.error === 'gap') return t('member.changed');
  const text = tOr('error.', refusal.error);
  return refusal.detail ? `${text} (${refusal.detail})` : text;
}

function Form() {
  const form = editing.value;
  const [draft, setDraft] = useState<MemberDraft>(draftOf(form?.member ?? null));
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  if (!form) return null;
  const change = (part: Partial<MemberDraft>) => setDraft({ ...draft, ...part });

  async function save(event: Event): Promise<void> {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    const refusal = await saveMember(draft);
    setBusy(false);
    if (refusal) return setProblem(problemText(refusal));
    dispatch({ type: 'notice', notice: { tone: 'ok', type: 'text', key: 'member.saved' } });
  }
  async function choose(event: { currentTarget: HTMLInputElement }): Promise<void> {
    const file = event.currentTarget.files?.[0];
    if (!file) return;
    const photo = await pictureOf(file);
    setProblem(photo === null ? t('member.bad_photo') : '');
    if (photo !== null) change({ photo });
  }
  return (
    <form onSubmit={(event) => void save(event)}>
      <h2 id="member-title">{t(form.member ? 'member.title' : 'member.add')}</h2>
      {FIELDS.map((it) => (
        <Entry key={it.field} {...it} value={draft[it.field]} set={(v) => change({ [it.field]: v })} />
      ))}
      <fieldset class="member-consents">
        <legend>{t('member.consents')}</legend>
        {CONSENTS.map((it) => (
          <label key={it}>
            <input
              type="checkbox"
              data-testid={`member-consent-${it}`}
              checked={draft.consents.includes(it)}
              onChange={(event) =>
                change({
                  consents: event.currentTarget.checked
                    ? [...draft.consents, it]
                    : draft.consents.filter((other) => other !== it),
                })
              }
            />
            {t(`member.consent.${it}` as Key)}
          </label>
        ))}
      </fieldset>
      <label class="member-field">
        <span>{t('member.photo')}</span>
        <input
          type="file"
          accept="image/jpeg,image/png,image/webp"
          data-testid="member-file"
          disabled={!draft.consents.includes('photo')}
          onChange={(event) => void choose(event)}
        />
      </label>
      <Photo base64={draft.consents.includes('photo') ? (draft.photo ?? form.member?.photo ?? '') : ''} />
      {problem && (
        <p class="problem" role="alert" data-testid="member-form-problem">
          {problem}
        </p>
      )}
      <div class="dialog-actions">
        <button type="button" class="button big" data-testid="member-close" onClick={() => (editing.value = null)}>
          {t('member.close')}
        </button>
        <button type="submit" class="button primary big" data-testid="member-save" disabled={busy}>
          {t('member.save')}
        </button>
      </div>
    </form>
  );
}

export function MemberDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const form = editing.value;
  useEffect(() => {
    if (form && !dialog.current?.open) dialog.current?.showModal();
    else if (!form) dialog.current?.close();
  }, [form]);
  return (
    <dialog
      ref={dialog}
      class="dialog member-dialog"
      aria-labelledby="member-title"
      data-testid="member-dialog"
      onClose={() => (editing.value = null)}
    >
      {form && <Form key={form.member?.member ?? 'new'} />}
    </dialog>
  );
}
