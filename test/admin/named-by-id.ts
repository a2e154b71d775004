/** Ways to name what is of another team, for requests that must not tell that it is there. */
import type { Operation } from './operations.js';

export type Named = Readonly<Record<string, string>>;

/** What stands for a thing that nobody has: another id of the same kind. */
function missingTwin(id: string): string {
  if (/^[0-9a-f-]{36}$/.test(id)) return id.replace(/.{6}$/, 'abcdef');
  return /^\d+$/.test(id) ? '987654' : id.replace(/^[a-z]+/, 'nosuch');
}

/** Each way in which the operation can name one of the things, beside its twin. */
export function namedIn(
  operation: Operation,
  things: Readonly<Record<string, readonly string[]>>,
): readonly (readonly [Named, Named])[] {
  const places = [
    ...operation.pathParameters.map((name) => ['path', name] as const),
    ...operation.queryParameters.map((name) => ['query', name] as const),
    ...Object.keys(operation.example ?? {}).map((name) => ['body', name] as const),
  ];
  return places.flatMap(([place, name]) =>
    (things[name] ?? []).map((id) => [
      { [`${place} ${name}`]: id },
      { [`${place} ${name}`]: missingTwin(id) },
    ]),
  ) as readonly (readonly [Named, Named])[];
}

/** What a lead may try in each place: own ids and those of the other team, none of which has the marker in it. */
export function tries(theirs: string, mine: string): Readonly<Record<string, readonly string[]>> {
  const teams = ['sales', 'marketing', 'SALES', 'sales ', '*', '%', ''];
  const dimensions = [
    'team',
    'principal',
    'user',
    'shape',
    'workload',
    'query',
    'warehouse',
    'day',
  ];
  return {
    team: teams,
    budget: ['sales-monthly', 'marketing-monthly', 'sales'],
    principal: ['sales_analyst', 'marketing_analyst', '*'],
    by: dimensions,
    id: [theirs, mine, 'sales-monthly'],
    ticket: [theirs, mine],
    account: ['demo'],
    version: ['1', '2'],
    month: ['2026-10'],
    warehouse: ['STANDARD_WH', 'standard_wh', '*'],
    hour: ['2026-10-15T10:00:00Z'],
    from: ['2026-10-01', '2026-10-15T10:00:00Z'],
    to: ['2026-11-01'],
    format: ['json', 'csv', 'pdf'],
    limit: ['1', '1000'],
    rows: ['1', '1000'],
    state: ['SETTLED', 'VOID', 'open'],
  };
}
