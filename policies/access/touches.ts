/**
 * What a statement touches, as access lists see it: one entry for each class, action, table and column. What the facts
 * do not know is said as `any`, never left out. Views, functions and procedures are not looked into: the object named
 * in the text is the one that is touched.
 */
import type { Area, StatementClass, StatementFacts } from '../sql/facts.js';
import { type NameParts, tryParseName } from './pattern.js';

export const ACCESS_ACTIONS = ['read', 'write'] as const;
export type AccessAction = (typeof ACCESS_ACTIONS)[number];

export interface TouchedObject {
  readonly action: AccessAction | 'any';
  /** Database, schema and table, fewer for whatever is in a database or schema; `any`: could be any; null: none. */
  readonly table: NameParts | 'any' | null;
  /** A column; `*`: all of them, or which ones is not known; null: none, as in `count(*)`. */
  readonly column: string | null;
}

export interface Touches {
  /** Of the statement and of those inside it; `any`: what is inside cannot be seen. */
  readonly classes: readonly (StatementClass | 'any')[];
  readonly objects: readonly TouchedObject[];
}

/** What a statement touches. Total. */
export function touchesOf(facts: StatementFacts): Touches {
  const classes = [...new Set<StatementClass | 'any'>([facts.class, ...facts.innerClasses])];
  const objects = [
    ...facts.tablesRead.flatMap((table) => touched(facts, table, 'read')),
    ...facts.tablesWritten.flatMap((table) => touched(facts, table, 'write')),
    ...facts.areas.map(touchedArea),
    ...unseen(facts),
  ];
  return {
    classes: facts.opaque ? [...classes, 'any'] : classes,
    objects:
      objects.length === 0 ? [{ action: actionOf(facts), table: null, column: null }] : objects,
  };
}

function touched(
  facts: StatementFacts,
  name: string,
  action: AccessAction,
): readonly TouchedObject[] {
  const table = tryParseName(name);
  // A name that the session does not complete is unknown, and stands among what is not seen.
  if (table?.length !== 3) return [];
  const listed = facts.columns[name] ?? [];
  if (facts.unknown.includes('columns') || listed.includes('*'))
    return [{ action, table, column: '*' }];
  if (listed.length > 0) return listed.map((column) => ({ action, table, column }));
  // A query without columns counts rows; a definition, a load or a TRUNCATE without them is about the whole table.
  const isCount = action === 'read' && READS.has(facts.class);
  return [{ action, table, column: isCount ? null : '*' }];
}

function touchedArea({ action, database, schema }: Area): TouchedObject {
  return { action, table: schema === null ? [database] : [database, schema], column: '*' };
}

const READS: ReadonlySet<StatementClass> = new Set<StatementClass>(['query', 'metadata']);
const TOUCHES_NOTHING: ReadonlySet<StatementClass> = new Set<StatementClass>([
  'session',
  'transaction',
  'metadata',
  'file',
]);

/** What could be touched beside the tables that are known. */
function unseen(facts: StatementFacts): readonly TouchedObject[] {
  const isHidden =
    facts.opaque ||
    (facts.unknown.includes('tables') && !areAllInAreas(facts)) ||
    facts.unknown.includes('dynamic-name') ||
    !hasFullNames(facts);
  // Definitions of other objects: what they have to do with tables is not read.
  const isWhole =
    facts.class === 'ddl' &&
    facts.areas.length === 0 &&
    facts.tablesRead.length === 0 &&
    facts.tablesWritten.length === 0;
  if (!isHidden && !isWhole) return [];
  const isReading = facts.class === 'query' && !facts.opaque;
  return [{ action: isReading ? 'read' : 'any', table: 'any', column: '*' }];
}

/** Whether the tables that are not listed are those of areas that are: nothing inside, no name that is missing. */
function areAllInAreas({ areas, innerClasses }: StatementFacts): boolean {
  return areas.length > 0 && innerClasses.length === 0;
}

function hasFullNames({ tablesRead, tablesWritten }: StatementFacts): boolean {
  return [...tablesRead, ...tablesWritten].every((name) => tryParseName(name)?.length === 3);
}

/** Of a statement that touches no table. */
function actionOf(facts: StatementFacts): TouchedObject['action'] {
  if (facts.class === 'query') return 'read';
  return TOUCHES_NOTHING.has(facts.class) ? 'read' : 'any';
}
