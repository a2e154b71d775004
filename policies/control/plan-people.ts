/** Sentences about who is who: departments, teams, accounts, networks, channels, principals and the mapping. */
import type {
  AccountDocument,
  BudgetDocument,
  ChannelDocument,
  DepartmentDocument,
  MappingDocument,
  NetworkDocument,
  PrincipalDocument,
  TeamDocument,
} from './document.js';
import {
  arrow,
  limitOf,
  limitText,
  listChange,
  listText,
  type PlanContext,
  type Sentence,
  valueText,
  type Words,
} from './plan-words.js';
import { addCredits, NO_CREDITS, subtractCredits } from '#base/units.js';

export const DEPARTMENT_WORDS: Words<DepartmentDocument> = {
  subject: ({ id }) => `department ${id}`,
  added: () => 'new',
  removed: () => 'removed',
  changed: (before, after) => `name ${arrow(before.name, after.name)}`,
};

export const TEAM_WORDS: Words<TeamDocument> = {
  subject: ({ id }) => `team ${id}`,
  added: (team, { budgetsAfter, price }) =>
    withBudgets(`new in ${team.department}`, budgetsAfter.get(team.id) ?? [], price),
  removed: (team, { budgetsBefore, price }) => {
    const budgets = budgetsBefore.get(team.id) ?? [];
    const { text, credits } = withBudgets(`removed from ${team.department}`, budgets, price);
    return { text, credits: credits === null ? null : subtractCredits(NO_CREDITS, credits) };
  },
  changed: (before, after, field) => {
    switch (field) {
      case 'name':
        return `name ${arrow(before.name, after.name)}`;
      case 'department':
        return `department ${arrow(before.department, after.department)}; the budgets of ${after.department} count what it runs from now on`;
      case 'costCentre':
        return `cost centre ${arrow(before.costCentre, after.costCentre)}`;
      case 'owner':
        return `owner ${arrow(before.owner, after.owner)}`;
      case 'channels':
        return `channels: ${listChange(before.channels, after.channels)}`;
      default:
        return null;
    }
  },
};

function withBudgets(
  head: string,
  budgets: readonly BudgetDocument[],
  price: PlanContext['price'],
): Sentence {
  if (budgets.length === 0) return { text: `${head}, without a budget of its own`, credits: null };
  const named = budgets.map(
    (budget) => `${budget.id} of ${limitText(budget, price)}, ${budget.hard ? 'hard' : 'soft'}`,
  );
  const limits = budgets.flatMap((budget) => limitOf(budget) ?? []);
  return {
    text: `${head}, with budget ${listText(named, 3)}`,
    credits: limits.length === 0 ? null : limits.reduce((sum, each) => addCredits(sum, each)),
  };
}

export const ACCOUNT_WORDS: Words<AccountDocument> = {
  subject: ({ id }) => `account ${id}`,
  added: ({ upstream, signIn }) => `new, upstream ${upstream}, sign-in ${signIn ?? 'passthrough'}`,
  removed: () => 'removed: nobody signs in there from now on',
  changed: (before, after, field) => {
    switch (field) {
      case 'upstream':
        return `upstream ${arrow(before.upstream, after.upstream)}`;
      case 'signIn':
        return `sign-in ${arrow(before.signIn ?? 'passthrough', after.signIn ?? 'passthrough')}`;
      case 'serviceUsers':
        return `service users: ${listChange(serviceUsersOf(before), serviceUsersOf(after))}`;
      default:
        return null;
    }
  },
};

function serviceUsersOf(account: AccountDocument): readonly string[] {
  return (account.serviceUsers ?? []).map((each) => `${each.snowflakeUser} of ${each.team}`);
}

export const NETWORK_WORDS: Words<NetworkDocument> = {
  subject: ({ id }) => `network ${id}`,
  added: ({ cidrs }) => `new: ${listText(cidrs)}`,
  removed: ({ cidrs }) => `removed; it was ${listText(cidrs)}`,
  changed: (before, after) => listChange(before.cidrs, after.cidrs),
};

export const CHANNEL_WORDS: Words<ChannelDocument> = {
  subject: ({ id }) => `channel ${id}`,
  added: ({ kind, target }) => `new: ${kind} to ${target}`,
  removed: ({ kind, target }) => `removed; it was ${kind} to ${target}`,
  changed: (before, after, field) =>
    field === 'kind'
      ? arrow(before.kind, after.kind)
      : `target ${arrow(before.target, after.target)}`,
};

export const PRINCIPAL_WORDS: Words<PrincipalDocument> = {
  subject: ({ id }) => `principal ${id}`,
  added: ({ kind, team, shared }) => `new ${shared ? 'shared ' : ''}${kind} in team ${team}`,
  removed: ({ team }) => `removed from team ${team}`,
  changed: (before, after, field) => {
    switch (field) {
      case 'team':
        return `moves from team ${before.team} to ${after.team}, which pays for it from now on`;
      case 'status':
        return after.status === 'suspended'
          ? 'active → suspended: its statements are refused from now on'
          : 'suspended → active';
      case 'shared':
        return after.shared
          ? 'may act for others by a signed claim from now on'
          : 'may not act for others any more';
      case 'claimKeys':
        return `claim keys: ${listChange(keysOf(before), keysOf(after))}`;
      case 'kind':
        return arrow(before.kind, after.kind);
      case 'owner':
        return `owner ${arrow(before.owner, after.owner)}`;
      default:
        return null;
    }
  },
};

/** A key whose material changes under the same id comes and goes. */
function keysOf({ claimKeys = [] }: PrincipalDocument): readonly string[] {
  return claimKeys.map(
    ({ id, algorithm, publicKey }) =>
      `${id} (${algorithm}, …${publicKey.replace(/\s|-----END PUBLIC KEY-----/g, '').slice(-8)})`,
  );
}

/** `user SALES_* of demo, role LOADER`. */
export function matchText({ match }: MappingDocument): string {
  const parts = [
    ...(match.snowflakeUser === undefined ? [] : [`user ${match.snowflakeUser}`]),
    ...(match.role === undefined ? [] : [`role ${match.role}`]),
    ...(match.network === undefined ? [] : [`network ${match.network}`]),
  ];
  const account = match.account === undefined ? '' : ` of ${match.account}`;
  return `${parts.length === 0 ? 'everybody' : parts.join(', ')}${account}`;
}

function targetText(entry: MappingDocument): string {
  return entry.principal === undefined
    ? `team ${valueText(entry.team)}`
    : `principal ${entry.principal}`;
}

export const MAPPING_WORDS: Words<MappingDocument> = {
  subject: (entry) => `mapping of ${matchText(entry)}`,
  added: (entry) => `new: it leads to ${targetText(entry)}`,
  removed: (entry) => `removed; it led to ${targetText(entry)}`,
  changed: (before, after, field) => {
    // A target that changes its kind changes two fields; one sentence says it.
    if (field !== 'principal' && field !== 'team') return null;
    if (field === 'team' && (before.principal ?? after.principal) !== undefined) return null;
    return `leads to ${targetText(after)} instead of ${targetText(before)}`;
  },
};
