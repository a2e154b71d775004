/** Checks between the parts of a control document: ids are unique, and names that refer to something find it. */
import { foldName } from '../rules/glob.js';
import {
  type ControlProblem,
  formatPath,
  problemAt,
  problemOfKey,
  type Segments,
} from './problem.js';
import { entriesOf, isRecord, type RawEntry, type RawParts, textOf, textsOf } from './raw-parts.js';

/** Ids and names that stand twice, and names that lead nowhere, in document order per part. */
export function findReferenceProblems(parts: RawParts): readonly ControlProblem[] {
  return [...duplicates(parts), ...danglingReferences(parts)];
}

function duplicates(parts: RawParts): readonly ControlProblem[] {
  const nodes: RawEntry[] = [
    ...(parts.organisationId === undefined
      ? []
      : [{ segments: ['organisation'], fields: { id: parts.organisationId } }]),
    ...parts.departments,
    ...parts.teams,
    ...parts.principals,
  ];
  const serviceUsers = parts.accounts.map(serviceUsersOf);
  return [
    ...twice(nodes, 'id', 'organisation, department, team or principal'),
    ...twice(parts.accounts, 'id', 'account'),
    ...serviceUsers.flatMap((users) => twice(users, 'team', 'service user')),
    ...serviceUsers.flatMap((users) => twice(users, 'snowflakeUser', 'service user')),
    ...twice(parts.networks, 'id', 'network'),
    ...twice(parts.channels, 'id', 'channel'),
    ...parts.principals.flatMap((entry) =>
      twice(entriesOf(entry.fields, 'claimKeys', entry.segments), 'id', 'claim key'),
    ),
    ...twice(parts.budgets, 'id', 'budget'),
    ...twice(parts.tiers, 'id', 'tier'),
    // A warehouse has one tier, or which limits hold would depend on the order of the document.
    ...twice(parts.tiers, 'warehouse', 'tier'),
    ...parts.tiers.flatMap((entry) => twice(tierTeamsOf(entry), 'team', 'entry of the team')),
    ...twice(parts.warehouses, 'name', 'warehouse'),
    ...twice(parts.runRates, 'id', 'run rate'),
    ...twice(parts.idlePolicies, 'id', 'idle policy'),
    ...twice(parts.sharedCosts, 'id', 'shared cost'),
    ...twice(parts.breakGlass, 'id', 'break-glass'),
    ...twice(
      [...parts.access, ...parts.presets, ...parts.rules],
      'id',
      'access list, preset or rule',
    ),
  ];
}

function serviceUsersOf(account: RawEntry): readonly RawEntry[] {
  return entriesOf(account.fields, 'serviceUsers', account.segments);
}

function tierTeamsOf(tier: RawEntry): readonly RawEntry[] {
  return entriesOf(tier.fields, 'teams', tier.segments);
}

function administratorsOf(tier: RawEntry): readonly RawEntry[] {
  const fields = tier.fields['administrators'];
  return isRecord(fields) ? [{ segments: [...tier.segments, 'administrators'], fields }] : [];
}

function twice(entries: readonly RawEntry[], key: string, what: string): readonly ControlProblem[] {
  const first = new Map<string, Segments>();
  return entries.flatMap((entry) => {
    const value = textOf(entry.fields[key]);
    if (value === undefined) return [];
    const folded = foldName(value);
    const segments = [...entry.segments, key];
    const earlier = first.get(folded);
    if (earlier === undefined) {
      first.set(folded, segments);
      return [];
    }
    const rule = `"${value.slice(0, 80)}" is taken by the ${what} at ${formatPath(earlier)}`;
    return [problemAt(segments, rule, 'give each its own')];
  });
}

type Fold = (text: string) => string;
const asWritten: Fold = (text) => text;

function danglingReferences(parts: RawParts): readonly ControlProblem[] {
  const departments = namesOf(parts.departments, 'id');
  const teams = namesOf(parts.teams, 'id');
  const tiers = namesOf(parts.tiers, 'id');
  const principals = namesOf(parts.principals, 'id');
  const channels = namesOf(parts.channels, 'id');
  const payers = new Set([...teams, ...departments, parts.organisationId ?? '']);
  const nodes = new Set([...payers, ...principals]);
  const warehouses = namesOf(parts.warehouses, 'name', foldName);
  const matches = parts.mapping.flatMap(matchOf);
  return [
    ...refer(parts.teams, 'department', departments, 'department'),
    ...parts.teams.flatMap((entry) => referEach(entry, 'channels', channels, 'channel')),
    ...parts.accounts.flatMap((entry) => refer(serviceUsersOf(entry), 'team', teams, 'team')),
    ...refer(parts.principals, 'team', teams, 'team'),
    ...refer(matches, 'account', namesOf(parts.accounts, 'id'), 'account'),
    ...refer(matches, 'network', namesOf(parts.networks, 'id'), 'network'),
    ...refer(parts.mapping, 'team', teams, 'team'),
    ...refer(parts.mapping, 'principal', principals, 'principal'),
    ...refer(parts.budgets, 'node', nodes, 'organisation, department, team or principal'),
    ...refer(parts.budgets, 'tier', tiers, 'tier'),
    ...refer(parts.tiers, 'warehouse', warehouses, 'warehouse', foldName),
    ...refer(parts.idlePolicies, 'platformTeam', teams, 'team'),
    ...refer(parts.warehouseOwners, 'team', teams, 'team'),
    ...refer(parts.sharedCosts, 'team', teams, 'team'),
    ...parts.sharedCosts.flatMap((entry) => [
      ...referEach(entry, 'teams', teams, 'team'),
      ...refer(entriesOf(entry.fields, 'percents', entry.segments), 'team', teams, 'team'),
    ]),
    ...refer(parts.bookings, 'node', payers, 'organisation, department or team'),
    ...refer(parts.closing, 'roundingTeam', teams, 'team'),
    ...parts.runRates.flatMap((entry) => referEach(entry, 'teams', teams, 'team')),
    ...parts.runRates.flatMap((entry) => referEach(entry, 'tiers', tiers, 'tier')),
    ...parts.breakGlass.flatMap((entry) => referEach(entry, 'principals', principals, 'principal')),
    ...parts.tiers.flatMap((entry) => refer(tierTeamsOf(entry), 'team', teams, 'team')),
    ...parts.tiers
      .flatMap(administratorsOf)
      .flatMap((entry) => referEach(entry, 'principals', principals, 'principal')),
    ...unknownName(parts.defaultTier, ['defaultTier'], tiers, 'tier'),
    ...[...parts.access, ...parts.access.flatMap(exceptOf)].flatMap((entry) => [
      ...referEach(entry, 'teams', teams, 'team'),
      ...referEach(entry, 'departments', departments, 'department'),
      ...referEach(entry, 'principals', principals, 'principal'),
    ]),
    ...[...parts.access, ...parts.presets, ...parts.rules].flatMap((entry) =>
      referKeys(entry, 'modes', teams),
    ),
    ...[...parts.presets, ...parts.rules].flatMap((entry) =>
      referEach(entry, 'teams', teams, 'team'),
    ),
    ...refer(parts.rules, 'tier', tiers, 'tier'),
  ];
}

function namesOf(
  entries: readonly RawEntry[],
  key: string,
  fold: Fold = asWritten,
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const entry of entries) {
    const value = textOf(entry.fields[key]);
    if (value !== undefined) names.add(fold(value));
  }
  return names;
}

function matchOf(entry: RawEntry): readonly RawEntry[] {
  const match = entry.fields['match'];
  return isRecord(match) ? [{ segments: [...entry.segments, 'match'], fields: match }] : [];
}

function exceptOf(entry: RawEntry): readonly RawEntry[] {
  const except = entry.fields['except'];
  return isRecord(except) ? [{ segments: [...entry.segments, 'except'], fields: except }] : [];
}

/** Teams that stand as keys. */
function referKeys(
  entry: RawEntry,
  key: string,
  teams: ReadonlySet<string>,
): readonly ControlProblem[] {
  const modes = entry.fields[key];
  if (!isRecord(modes)) return [];
  return Object.keys(modes)
    .filter((team) => !teams.has(team))
    .map((team) =>
      problemOfKey(
        [...entry.segments, key, team],
        'is no team of this document',
        'add it, or name one that exists',
      ),
    );
}

function refer(
  entries: readonly RawEntry[],
  key: string,
  known: ReadonlySet<string>,
  what: string,
  fold: Fold = asWritten,
): readonly ControlProblem[] {
  return entries.flatMap((entry) =>
    unknownName(entry.fields[key], [...entry.segments, key], known, what, fold),
  );
}

function referEach(
  entry: RawEntry,
  key: string,
  known: ReadonlySet<string>,
  what: string,
): readonly ControlProblem[] {
  return textsOf(entry, key).flatMap(({ segments, text }) =>
    unknownName(text, segments, known, what),
  );
}

function unknownName(
  value: unknown,
  segments: Segments,
  known: ReadonlySet<string>,
  what: string,
  fold: Fold = asWritten,
): readonly ControlProblem[] {
  const text = textOf(value);
  if (text === undefined || known.has(fold(text))) return [];
  const rule = `"${text.slice(0, 80)}" is no ${what} of this document`;
  return [problemAt(segments, rule, 'add it, or name one that exists')];
}
