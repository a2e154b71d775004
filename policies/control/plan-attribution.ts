/** Sentences about who bears idle time and shared services. */
import type {
  IdlePolicyDocument,
  SharedCostDocument,
  WarehouseOwnerDocument,
} from './attribution-documents.js';
import { arrow, listChange, listText, type Words } from './plan-words.js';

const PARTS = ['idle', 'resumeMinute', 'shortQuery'] as const;

export const IDLE_POLICY_WORDS: Words<IdlePolicyDocument> = {
  subject: ({ id }) => `idle policy ${id}`,
  added: (entry) =>
    `new: idle time of ${ofWhich(entry)} is borne by ${policyText(entry)} from ${entry.effectiveFrom} on; hours since then are shared out anew`,
  removed: (entry) =>
    `removed; idle time of ${ofWhich(entry)} was borne by ${policyText(entry)} from ${entry.effectiveFrom} on`,
  changed: (before, after, field) => {
    switch (field) {
      case 'warehouse':
      case 'effectiveFrom':
      case 'policy':
      case 'idle':
      case 'resumeMinute':
      case 'shortQuery':
      case 'platformTeam':
        return `${field} ${arrow(before[field], after[field])}; hours from ${after.effectiveFrom} on are shared out anew`;
      default:
        return null;
    }
  },
};

export const WAREHOUSE_OWNER_WORDS: Words<WarehouseOwnerDocument> = {
  subject: ({ warehouse }) => `owner of warehouse ${warehouse}`,
  added: ({ team }) => `new: ${team}`,
  removed: ({ team }) => `removed; it was ${team}`,
  changed: (before, after, field) =>
    field === 'team' ? `${arrow(before.team, after.team)}` : null,
};

export const SHARED_COST_WORDS: Words<SharedCostDocument> = {
  subject: ({ id }) => `shared cost ${id}`,
  added: (entry) => `new: ${sharedText(entry)}`,
  removed: (entry) => `removed; it was: ${sharedText(entry)}`,
  changed: (before, after, field) => {
    switch (field) {
      case 'service':
      case 'entity':
      case 'effectiveFrom':
      case 'by':
      case 'team':
        return `${field} ${arrow(before[field], after[field])}`;
      case 'teams':
        return `teams: ${listChange(before.teams, after.teams)}`;
      case 'percents':
        return `percents ${arrow(percentText(before), percentText(after))}`;
      default:
        return null;
    }
  },
};

function ofWhich({ warehouse }: IdlePolicyDocument): string {
  return warehouse === undefined
    ? 'every warehouse without a policy of its own'
    : `warehouse ${warehouse}`;
}

function policyText(entry: IdlePolicyDocument): string {
  const others = PARTS.flatMap((part) =>
    entry[part] === undefined ? [] : [`${part} by ${entry[part]}`],
  );
  const platform =
    entry.platformTeam === undefined ? [] : [`the platform is ${entry.platformTeam}`];
  return [entry.policy, ...others, ...platform].join(', ');
}

function percentText({ percents = [] }: SharedCostDocument): string {
  return listText(
    percents.map(({ team, percent }) => `${percent} % ${team}`),
    20,
  );
}

function sharedText(entry: SharedCostDocument): string {
  const what = entry.entity === undefined ? entry.service : `${entry.service} of ${entry.entity}`;
  const from = entry.effectiveFrom === undefined ? '' : ` from ${entry.effectiveFrom} on`;
  const teams = entry.teams === undefined ? 'every team' : listText(entry.teams);
  const whom = {
    team: entry.team ?? '',
    central: `${entry.team ?? ''}, centrally`,
    percent: percentText(entry),
    even: `${teams}, alike`,
    direct: `${teams}, by what they ran that day`,
  }[entry.by];
  return `${what} is borne by ${whom}${from}`;
}
