/** Walks expressions: columns, subqueries wherever they stand, dynamic names, and table references of any shape. */
import {
  bodyOf,
  columnPath,
  isAllColumns,
  isNoColumn,
  isNode,
  listAt,
  nameOf,
  literalParts,
  partsOfText,
  stringAt,
  tableParts,
  type Node,
} from './ast.js';
import {
  childScope,
  EXPRESSION,
  resolveColumn,
  type Resolution,
  type Scope,
  type Source,
} from './scope.js';
import type { Walk } from './walk-record.js';

/** Tags of queries. */
export const QUERY_TAGS: ReadonlySet<string> = new Set([
  'select',
  'union',
  'intersect',
  'except',
  'subquery',
]);

/** `$1`, `t.$1`: positions of a stage's files or of the result before. */
const POSITION = /^\$\d+$/;

/** Date and time parts that the parser takes for columns when they are arguments. */
const DATE_PARTS: ReadonlySet<string> = new Set(
  (
    'YEAR YEARS Y YY YYY YYYY QUARTER QUARTERS Q QTR MONTH MONTHS MM MON WEEK WEEKS W WK WEEKISO DAY DAYS D DD ' +
    'DAYOFWEEK DAYOFWEEKISO DAYOFYEAR DOW DOY HOUR HOURS H HH HR MINUTE MINUTES M MI MIN SECOND SECONDS S SEC ' +
    'MILLISECOND MILLISECONDS MS MICROSECOND US NANOSECOND NS EPOCH_SECOND'
  ).split(' '),
);
/** Where a call takes a date part that may come as a column; elsewhere `d` and `s` are columns. */
const DATE_PART_POSITIONS: Readonly<Record<string, number>> = {
  DATEADD: 0,
  DATEDIFF: 0,
  DATE_PART: 0,
  DATE_TRUNC: 0,
  TIMEADD: 0,
  TIMEDIFF: 0,
  TIMESTAMPADD: 0,
  TIMESTAMPDIFF: 0,
  LAST_DAY: 1,
  TRUNC: 1,
  TIME_SLICE: 2,
};

/** Where a node stands in the text, and the comments around it: of half the tree's objects there is nothing to walk. */
export const PLACES: ReadonlySet<string> = new Set([
  'span',
  'trailing_comments',
  'leading_comments',
  'pre_alias_comments',
  'comments',
]);

/** Walks anything under `value`. */
export function walkExpression(
  walk: Walk,
  value: unknown,
  scope: Scope,
  isAliasFirst: boolean,
): void {
  if (Array.isArray(value)) {
    for (const item of value) walkExpression(walk, item, scope, isAliasFirst);
    return;
  }
  if (!isNode(value)) return;
  const path = columnPath(value);
  if (path !== undefined) {
    resolvePath(walk, path, scope, isAliasFirst);
    return;
  }
  const parts = tableParts(value);
  if (parts !== undefined) {
    walk.record.table(parts, 'read');
    return;
  }
  for (const key in value) {
    const inner = value[key];
    if (inner === null || typeof inner !== 'object' || PLACES.has(key)) continue;
    if (QUERY_TAGS.has(key) && isNode(inner)) walk.query({ [key]: inner }, scope);
    else if (!isNode(inner) || !walkSpecial(walk, key, inner, scope, isAliasFirst)) {
      walkExpression(walk, inner, scope, isAliasFirst);
    }
  }
}

/** Resolves and notes a column path; undefined when nothing in sight can hold it. */
export function resolvePath(
  walk: Walk,
  path: readonly string[],
  scope: Scope,
  isAliasFirst: boolean,
): Resolution | undefined {
  const last = path.at(-1) ?? '';
  if (POSITION.test(last) || isNoColumn(last)) return undefined;
  // `SET a = DEFAULT`
  if (path.length === 1 && last === 'DEFAULT') return undefined;
  if (isAllColumns(last)) {
    noteStar(walk, scope.sources);
    return undefined;
  }
  const found = resolveColumn(scope, path, isAliasFirst);
  if (found === undefined) {
    // `seq.NEXTVAL` is no column of anything.
    if (path.length > 1 && last === 'NEXTVAL') return undefined;
    walk.record.hasUnresolvedColumn = true;
    return undefined;
  }
  walk.record.reference(found.reference);
  return found;
}

/** Nodes that are not walked child by child; false when `key` is none of them. */
function walkSpecial(
  walk: Walk,
  key: string,
  body: Node,
  scope: Scope,
  isAliasFirst: boolean,
): boolean {
  switch (key) {
    case 'function':
    case 'aggregate_function':
      return walkCall(walk, body, scope, isAliasFirst);
    case 'method_call':
      // A dotted name before a bracket is a function of a schema: Snowflake has no methods of columns.
      if (columnPath(body['this']) === undefined) return false;
      walkExpression(walk, body['args'], scope, isAliasFirst);
      return true;
    case 'named_argument':
      walkExpression(walk, body['value'], scope, isAliasFirst);
      return true;
    case 'lambda': {
      const inner = childScope(scope);
      const names = listAt(body, 'parameters').map((parameter) => nameOf(parameter) ?? '');
      for (const name of names) {
        inner.sources.push({
          names: [name],
          isAliased: true,
          lookup: (column) => (column === name ? EXPRESSION : []),
          knows: (column) => column === name,
          starTables: [],
          component: 0,
        });
      }
      walkExpression(walk, body['body'], inner, isAliasFirst);
      return true;
    }
    case 'star':
      noteStar(walk, starSources(body, scope));
      return true;
    case 'raw':
    case 'command':
      walk.record.hasUnread = true;
      return true;
    case 'stage_reference':
    case 'data_type':
      return true;
    case 'exists':
      walkExists(walk, body, scope);
      return true;
    case 'semantic_view':
      walkSemanticView(walk, body);
      return true;
  }
  return false;
}

/** Sources that a star stands for: those of its qualifier, or all of the scope. */
export function starSources(star: Node, scope: Scope): readonly Source[] {
  // `s.t.*` comes as one name with dots in it.
  const qualifier = nameOf(star['table'])?.split('.').at(-1);
  if (qualifier === undefined) return scope.sources;
  return scope.sources.filter((source) => source.names.at(-1) === qualifier);
}

/** Notes every column of the tables behind `sources`. */
export function noteStar(walk: Walk, sources: readonly Source[]): void {
  for (const source of sources) {
    for (const table of source.starTables) {
      walk.record.star(table);
    }
  }
}

/** `SELECT *` under EXISTS reads no column. */
function walkExists(walk: Walk, body: Node, scope: Scope): void {
  const select = bodyOf(body['this'], 'select');
  if (select === undefined) {
    walk.expression(body['this'], scope);
    return;
  }
  const items = listAt(select, 'expressions').filter((item) => bodyOf(item, 'star') === undefined);
  walk.query({ select: { ...select, expressions: items } }, scope);
}

/** The object of SEMANTIC_VIEW comes as a column. */
function walkSemanticView(walk: Walk, body: Node): void {
  const parts =
    columnPath(body['this']) ?? (isNode(body['this']) ? tableParts(body['this']) : undefined);
  if (parts === undefined) walk.record.hasDynamicName = true;
  else {
    const table = walk.record.table(parts, 'read');
    walk.record.star(table);
  }
}

/** `f(TABLE(t))` hands a whole table over, `f(TABLE(q))` a query. */
function walkTableArgument(walk: Walk, argument: unknown, scope: Scope): void {
  const text = stringAt(bodyOf(argument, 'literal'), 'value');
  const parts = text === undefined ? columnPath(argument) : partsOfText(text);
  if (parts !== undefined) {
    const table = walk.record.table(parts, 'read');
    walk.record.star(table);
  } else if (
    bodyOf(argument, 'parameter') !== undefined ||
    bodyOf(argument, 'placeholder') !== undefined
  )
    walk.record.hasDynamicName = true;
  else walk.expression(argument, scope);
}

function walkCall(walk: Walk, body: Node, scope: Scope, isAliasFirst: boolean): boolean {
  const name = (stringAt(body, 'name') ?? '').toUpperCase();
  if (name === 'IDENTIFIER') {
    const parts = literalParts(body);
    // In an expression it can name columns only: no table hides behind it.
    if (parts === undefined) walk.record.hasDynamicColumn = true;
    else resolvePath(walk, parts, scope, isAliasFirst);
    return true;
  }
  if (name === 'TABLE') {
    walkTableArgument(walk, listAt(body, 'args')[0], scope);
    return true;
  }
  const partAt = DATE_PART_POSITIONS[name];
  if (partAt !== undefined) {
    for (const [position, argument] of listAt(body, 'args').entries()) {
      const path = position === partAt ? columnPath(argument) : undefined;
      const isPart = path?.length === 1 && DATE_PARTS.has(path[0] ?? '');
      if (!isPart) walkExpression(walk, argument, scope, isAliasFirst);
    }
    return true;
  }
  return false;
}
