/**
 * Checks between the parts of a control document: ids are unique, names that refer to something refer to something
 * that exists, dates of one thing do not overlap, conditions compile. It reads the raw document leniently, so that a
 * document with a wrong shape gets its reference problems in the same answer.
 */
import { compareAmounts, tryParseCredits } from '#base/units.js';
import { createConditionCompiler } from '../rules/condition.js';
import { foldName } from '../rules/glob.js';
import { tryParseInstant } from './instant.js';
import { type ControlProblem, formatPath } from './problem.js';
import { serviceUserProblems } from './service-users.js';
import { tryParseWarehouseSize } from './sizes.js';

interface Entry {
  readonly path: readonly PropertyKey[];
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Every reference problem of `raw`, in document order per part; empty when there is none. */
export function findReferenceProblems(raw: unknown): readonly ControlProblem[] {
  const parts = readParts(raw);
  return [
    ...duplicates(parts),
    ...danglingReferences(parts),
    ...serviceUserProblems(parts.accounts, parts.teams),
    ...mappingTargets(parts.mapping),
    ...weekStarts(parts.budgets),
    ...doubleTiers(parts.tiers),
    ...sameKeyTwice(parts.rates, ['kind', 'generation', 'size', 'effectiveFrom'], 'rate'),
    ...sameKeyTwice(parts.prices, ['creditKind', 'effectiveFrom'], 'price'),
    ...endedBeforeBegun(parts.prices),
    ...holdsAboveCeiling(parts.tiers),
    ...conditions(parts.rules),
  ];
}

const PART_NAMES = [
  'departments',
  'teams',
  'accounts',
  'networks',
  'channels',
  'principals',
  'mapping',
  'budgets',
  'tiers',
  'warehouses',
  'rates',
  'prices',
  'rules',
] as const;
type Parts = Readonly<Record<(typeof PART_NAMES)[number], readonly Entry[]>> & {
  readonly organisationId: string | undefined;
  readonly defaultTier: unknown;
};

function readParts(raw: unknown): Parts {
  const root = isRecord(raw) ? raw : {};
  const organisation = root['organisation'];
  const lists = Object.fromEntries(
    PART_NAMES.map((part) => [part, entriesOf(root, part)]),
  ) as Record<(typeof PART_NAMES)[number], readonly Entry[]>;
  return {
    ...lists,
    organisationId: isRecord(organisation) ? textOf(organisation['id']) : undefined,
    defaultTier: root['defaultTier'],
  };
}

function entriesOf(root: Readonly<Record<string, unknown>>, part: string): readonly Entry[] {
  const values = root[part];
  if (!Array.isArray(values)) return [];
  return values.flatMap((fields: unknown, index) =>
    isRecord(fields) ? [{ path: [part, index], fields }] : [],
  );
}

function duplicates(parts: Parts): readonly ControlProblem[] {
  const nodes: Entry[] = [
    ...(parts.organisationId === undefined
      ? []
      : [{ path: ['organisation'], fields: { id: parts.organisationId } }]),
    ...parts.departments,
    ...parts.teams,
    ...parts.principals,
  ];
  return [
    ...twice(nodes, 'id', 'organisation, department, team or principal'),
    ...twice(parts.accounts, 'id', 'account'),
    ...twice(parts.networks, 'id', 'network'),
    ...twice(parts.channels, 'id', 'channel'),
    ...twice(parts.budgets, 'id', 'budget'),
    ...twice(parts.tiers, 'id', 'tier'),
    ...twice(parts.warehouses, 'name', 'warehouse'),
    ...twice(parts.rules, 'id', 'rule'),
  ];
}

function twice(entries: readonly Entry[], key: string, what: string): readonly ControlProblem[] {
  const first = new Map<string, string>();
  return entries.flatMap((entry) => {
    const value = textOf(entry.fields[key]);
    if (value === undefined) return [];
    const folded = foldName(value);
    const path = formatPath([...entry.path, key]);
    const earlier = first.get(folded);
    if (earlier === undefined) {
      first.set(folded, path);
      return [];
    }
    return [
      { path, rule: `"${value}" names another ${what} at ${earlier}`, wayOut: 'give each its own' },
    ];
  });
}

function danglingReferences(parts: Parts): readonly ControlProblem[] {
  const ids = (entries: readonly Entry[]): Set<string> =>
    new Set(entries.flatMap((entry) => textOf(entry.fields['id']) ?? []));
  const departments = ids(parts.departments);
  const teams = ids(parts.teams);
  const tiers = ids(parts.tiers);
  const principals = ids(parts.principals);
  const nodes = new Set([...teams, ...departments, ...principals, parts.organisationId ?? '']);
  const warehouses = new Set(
    parts.warehouses.flatMap((entry) => {
      const value = textOf(entry.fields['name']);
      return value === undefined ? [] : [foldName(value)];
    }),
  );
  const refer = (
    entries: readonly Entry[],
    key: string,
    known: ReadonlySet<string>,
    what: string,
    fold: (text: string) => string = (text) => text,
  ): readonly ControlProblem[] =>
    entries.flatMap((entry) =>
      unknownName(entry.fields[key], [...entry.path, key], known, what, fold),
    );
  return [
    ...refer(parts.teams, 'department', departments, 'department'),
    ...refer(parts.principals, 'team', teams, 'team'),
    ...refer(parts.mapping, 'team', teams, 'team'),
    ...refer(parts.mapping, 'principal', principals, 'principal'),
    ...refer(parts.budgets, 'node', nodes, 'organisation, department, team or principal'),
    ...refer(parts.budgets, 'tier', tiers, 'tier'),
    ...refer(parts.tiers, 'warehouse', warehouses, 'warehouse', foldName),
    ...refer(parts.rules, 'tier', tiers, 'tier'),
    ...unknownName(parts.defaultTier, ['defaultTier'], tiers, 'tier'),
    ...parts.rules.flatMap((entry) => teamsOfRule(entry, teams)),
    ...parts.mapping.flatMap((entry) => accountOfMapping(entry, ids(parts.accounts))),
  ];
}

function teamsOfRule(entry: Entry, teams: ReadonlySet<string>): readonly ControlProblem[] {
  const named = entry.fields['teams'];
  if (!Array.isArray(named)) return [];
  return named.flatMap((team: unknown, index) =>
    unknownName(team, [...entry.path, 'teams', index], teams, 'team'),
  );
}

function accountOfMapping(entry: Entry, accounts: ReadonlySet<string>): readonly ControlProblem[] {
  const match = entry.fields['match'];
  if (!isRecord(match)) return [];
  return unknownName(match['account'], [...entry.path, 'match', 'account'], accounts, 'account');
}

function unknownName(
  value: unknown,
  path: readonly PropertyKey[],
  known: ReadonlySet<string>,
  what: string,
  fold: (text: string) => string = (text) => text,
): readonly ControlProblem[] {
  const text = textOf(value);
  if (text === undefined || known.has(fold(text))) return [];
  return [
    {
      path: formatPath(path),
      rule: `"${text}" is no ${what} of this document`,
      wayOut: `add the ${what}, or name one that exists`,
    },
  ];
}

function mappingTargets(entries: readonly Entry[]): readonly ControlProblem[] {
  return entries.flatMap(({ path, fields }) =>
    (fields['principal'] === undefined) === (fields['team'] === undefined)
      ? [
          {
            path: formatPath(path),
            rule: 'must lead to either a principal or a team',
            wayOut: 'give exactly one of principal and team',
          },
        ]
      : [],
  );
}

function weekStarts(entries: readonly Entry[]): readonly ControlProblem[] {
  return entries.flatMap(({ path, fields }) => {
    const period = fields['period'];
    if (!isRecord(period) || period['weekStartsOn'] === undefined || period['kind'] === 'week')
      return [];
    return [
      {
        path: formatPath([...path, 'period', 'weekStartsOn']),
        rule: 'means something only for a period of kind week',
        wayOut: 'remove it, or set kind to week',
      },
    ];
  });
}

/** A warehouse has one tier, or which limits hold would depend on the order of the document. */
function doubleTiers(entries: readonly Entry[]): readonly ControlProblem[] {
  return twice(entries, 'warehouse', "tier's warehouse");
}

function sameKeyTwice(
  entries: readonly Entry[],
  keys: readonly string[],
  what: string,
): readonly ControlProblem[] {
  const first = new Map<string, string>();
  return entries.flatMap((entry) => {
    const key = keys.map((name) => canonical(name, entry.fields[name])).join('|');
    const path = formatPath(entry.path);
    const earlier = first.get(key);
    if (earlier === undefined) {
      first.set(key, path);
      return [];
    }
    return [
      {
        path,
        rule: `is a second ${what} for the same ${keys.join(', ')} as ${earlier}`,
        wayOut: 'remove one, or give them different effectiveFrom dates',
      },
    ];
  });
}

/** One spelling for what means the same: sizes have several, and so have instants. */
function canonical(key: string, value: unknown): string {
  const text = String(value);
  if (key === 'size') return tryParseWarehouseSize(text) ?? text;
  if (key === 'effectiveFrom') return String(tryParseInstant(text) ?? text);
  return foldName(text);
}

function endedBeforeBegun(entries: readonly Entry[]): readonly ControlProblem[] {
  return entries.flatMap(({ path, fields }) => {
    const from = textOf(fields['effectiveFrom']);
    const to = textOf(fields['effectiveTo']);
    if (from === undefined || to === undefined || Date.parse(from) < Date.parse(to)) return [];
    return [
      {
        path: formatPath([...path, 'effectiveTo']),
        rule: 'must be later than effectiveFrom',
        wayOut: 'correct one of the two dates',
      },
    ];
  });
}

function holdsAboveCeiling(entries: readonly Entry[]): readonly ControlProblem[] {
  return entries.flatMap(({ path, fields }) => {
    const ceiling = tryParseCredits(textOf(fields['ceilingCredits']) ?? '');
    if (ceiling === undefined) return [];
    return ['guessHoldCredits', 'guessExpectedCredits'].flatMap((key) => {
      const amount = tryParseCredits(textOf(fields[key]) ?? '');
      return amount !== undefined && compareAmounts(amount, ceiling) > 0
        ? [
            {
              path: formatPath([...path, key]),
              rule: `must not be above the ceiling of ${String(fields['ceilingCredits'])} credits`,
              wayOut: 'lower it, or raise ceilingCredits',
            },
          ]
        : [];
    });
  });
}

function conditions(entries: readonly Entry[]): readonly ControlProblem[] {
  if (entries.length === 0) return [];
  const compiler = createConditionCompiler();
  return entries.flatMap(({ path, fields }) => {
    const text = textOf(fields['when']);
    if (text === undefined || text === '') return [];
    const result = compiler.compile(text);
    if (result.ok) return [];
    return [
      {
        path: formatPath([...path, 'when']),
        rule: result.problem,
        wayOut: 'write a condition over statement, estimate, caller, tier, warehouse and now',
      },
    ];
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
