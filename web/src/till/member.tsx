// The member behind the card, and the search for one.
import { useState } from 'preact/hooks';
import { t, tOr } from '../lib/i18n';
import { applicationFor, phoneTail } from '../lib/member';
import { isNamed } from '../lib/programme';
import type { Member } from '../lib/types';
import { Icon } from '../lib/ui';
import { model } from './controller';
import { applyForCard, cardMember, editing, findMembers, found, openMember } from './member_state';

/** The card of plastic that the member asks for: asked twice, since one tap is soon made. */
function ApplicationRow({ number, account, member }: { number: string; account: number; member: Member }) {
  const [sure, setSure] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const known = applicationFor(member, account);
  async function apply(): Promise<void> {
    if (!sure) return setSure(true);
    setBusy(true);
    const refusal = await applyForCard(number);
    setProblem(refusal ? tOr('error.', refusal.error) : '');
    setBusy(false);
    setSure(false);
  }
  return (
    <p class="member-row" data-testid="card-application" data-state={known?.state ?? 'none'}>
      {known && (
        <small>
          {t(`apply.${known.state}`, { since: known.since, day: known.answered ?? '', reason: tOr('apply.reason.', known.reason) })}
        </small>
      )}
      {problem && <small data-testid="apply-problem">{problem}</small>}
      {known?.state !== 'open' && (
        <button class="button" data-testid="card-apply" disabled={busy} onClick={() => void apply()}>
          {t(sure ? 'apply.sure' : 'apply.ask')}
        </button>
      )}
    </p>
  );
}

export function MemberRow({ number, account }: { number: string; account: number }) {
  const held = cardMember.value;
  const member = held?.number === number && held.state === 'known' ? held.member : null;
  return (
    <>
      <MemberName number={number} />
      {member?.accounts.includes(account) && (
        <ApplicationRow key={account} number={number} account={account} member={member} />
      )}
    </>
  );
}

function MemberName({ number }: { number: string }) {
  const held = cardMember.value;
  if (!held || held.number !== number || held.state === 'unsupported') return null;
  if (held.state !== 'known') {
    return (
      <p class="member-row muted" data-testid="card-member" data-state={held.state} aria-live="polite">
        {t(`member.${held.state}`)}
      </p>
    );
  }
  const { member } = held;
  const named = isNamed(model.value.programme, model.value.card?.card ?? null);
  return (
    <p
      class="member-row"
      data-testid="card-member"
      data-state={member ? 'member' : 'none'}
      data-member={member?.member}
    >
      <strong>{member ? member.name || t('member.title') : t(named ? 'member.none_named' : 'member.none')}</strong>
      {member?.birthday && <small class="muted">{member.birthday}</small>}
      {member && member.unpublished > 0 && <small class="badge">{t('member.pending')}</small>}
      <button
        class="button"
        data-testid="member-edit"
        onClick={() => (editing.value = { member, card: member ? null : number })}
      >
        {t(member ? 'member.edit' : 'member.add')}
      </button>
    </p>
  );
}

function Hit({ member }: { member: Member }) {
  return (
    <li>
      <button
        class="member-hit"
        data-testid={`member-hit-${member.member}`}
        onClick={() => void openMember(member.member)}
      >
        <strong>{member.name}</strong>
        <small class="muted">{[member.birthday, phoneTail(member)].filter(Boolean).join(' · ')}</small>
        <small class="muted">{t('member.cards', { n: member.accounts.length })}</small>
      </button>
    </li>
  );
}

export function MemberSearch() {
  const [query, setQuery] = useState('');
  const [problem, setProblem] = useState('');
  const list = found.value;
  async function search(event: Event): Promise<void> {
    event.preventDefault();
    const refusal = await findMembers(query);
    setProblem(refusal ? tOr('error.', refusal.error) : '');
  }
  return (
    <form class="member-search" role="search" onSubmit={(event) => void search(event)}>
      <input
        data-testid="member-query"
        type="search"
        autocomplete="off"
        spellcheck={false}
        maxLength={60}
        aria-label={t('member.search')}
        placeholder={t('member.search')}
        value={query}
        onInput={(event) => setQuery(event.currentTarget.value)}
      />
      <button class="button" data-testid="member-find" aria-label={t('member.search')}>
        <Icon name="search" />
      </button>
      {problem && <small data-testid="member-problem">{problem}</small>}
      {list && (
        <ul class="member-hits" data-testid="member-hits" data-count={list.members.length}>
          {list.members.map((it) => (
            <Hit key={it.member} member={it} />
          ))}
          {list.members.length === 0 && <li class="muted">{t('member.nobody')}</li>}
          {list.more && <li class="muted">{t('member.more')}</li>}
        </ul>
      )}
    </form>
  );
}
