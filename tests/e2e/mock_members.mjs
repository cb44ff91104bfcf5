// Members of the mock node: the calls of docs/http-api.md under /api/v1/members, and of a card.

/** `state.members` is a map of members by number; `state.memberTrouble` is a refusal of the call of a card. */
export function memberCall(state, { ok, refuse }, method, path, body, query) {
  if (!state.members) return null;
  const all = [...state.members.values()];
  const account = (card) => state.cards.get(card)?.account;
  if (path === '/api/v1/cards/member') {
    if (state.memberTrouble) return refuse(503, state.memberTrouble);
    return ok({ member: all.find((it) => it.accounts.includes(account(body.card))) ?? null });
  }
  if (path === '/api/v1/members' && method === 'GET') {
    const wanted = query.get('query');
    const hits = all.filter((it) => it.name.includes(wanted) || it.phones.some((phone) => phone.endsWith(wanted)));
    return ok({ members: hits.map(({ photo: _, ...it }) => it), more: false });
  }
  if (path === '/api/v1/cards/applications') {
    const of = account(body.card);
    const member = all.find((it) => it.accounts.includes(of));
    if (!member) return refuse(404, 'not_found');
    if (state.memberTrouble) return refuse(503, state.memberTrouble);
    const known = member.applications.find((it) => it.account === of);
    if (known?.state === 'open') return ok({ application: known, before: true });
    const application = {
      account: of, card: `**** ${body.card.slice(-4)}`, state: 'open', since: '2026-11-27', answered: null, store: 3, reason: '',
    };
    member.applications = [...member.applications.filter((it) => it.account !== of), application];
    return ok({ application, before: false });
  }
  const change = (member) => {
    const { card: _, version: __, ...said } = body;
    if (said.name?.includes('!')) return refuse(400, 'malformed', { detail: 'name: text' });
    Object.assign(member, said, { unpublished: member.unpublished + 1 });
    state.members.set(member.member, member);
    state.memberSaid = said;
    return ok(member);
  };
  if (path === '/api/v1/members') return change(blankMember(all.length + 1201, [account(body.card)]));
  const number = /^\/api\/v1\/members\/(\d+)$/.exec(path);
  const member = number && state.members.get(Number(number[1]));
  if (!number) return null;
  if (!member) return refuse(404, 'not_found');
  return method === 'GET' ? ok(member) : change(member);
}

export const blankMember = (member, accounts = []) => ({
  member,
  version: 1,
  name: '',
  birthday: '',
  phones: [],
  emails: [],
  address: '',
  children: [],
  consents: [],
  accounts,
  applications: [],
  merged_into: null,
  photo: '',
  unpublished: 0,
  lease_until: 1_797_947_355,
});
