// The member behind the card, and the search for one.
import { useState } from 'preact/hooks';
import { t, tOr } from '../lib/i18n';
import { phoneTail } from '../lib/member';
import type { Member } from '../lib/types';
import { Icon } from '../lib/ui';
import { cardMember, editing, findMembers, found, openMember } from './member_state';

export function MemberRow({ number }: { number: string }) {
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
  return (
    <p
      class="member-row"
      data-testid="card-member"
      data-state={member ? 'member' : 'none'}
      data-member={member?.member}
    >
      <strong>{member ? member.name || t('member.title') : t('member.none')}</strong>
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
