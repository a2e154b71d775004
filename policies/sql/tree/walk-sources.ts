/** Walks FROM clauses: tables, subqueries, table functions, joins, pivots, stages. */
import {
  bodyOf,
  isNode,
  listAt,
  literalParts,
  nameOf,
  nodeAt,
  stringAt,
  tableParts,
  tagged,
  type Node,
} from './ast.js';
import {
  besideScope,
  childScope,
  EXPRESSION,
  findCte,
  NOTHING,
  tableless,
  renamed,
  type Derived,
  type Scope,
  type Source,
} from './scope.js';
import { joinComponents, sourcesUnder, walkCondition } from './walk-conditions.js';
import { noteStar } from './walk-expressions.js';
import type { ColumnReference } from './raw-facts.js';
import type { Walk } from './walk-record.js';
import { reshaped } from './walk-reshaped.js';

/** Columns of table functions that have some of their own. */
const FUNCTION_COLUMNS: Readonly<Record<string, ReadonlySet<string>>> = {
  FLATTEN: new Set('SEQ KEY PATH INDEX VALUE THIS'.split(' ')),
  SPLIT_TO_TABLE: new Set(['SEQ', 'INDEX', 'VALUE']),
  STRTOK_SPLIT_TO_TABLE: new Set(['SEQ', 'INDEX', 'VALUE']),
};
/** Columns of VALUES without a list of names. */
const VALUES_COLUMN = /^COLUMN\d+$/;

/** Adds the sources of FROM and its joins to `scope`, walks their conditions, and tells cross joins. */
export function walkFrom(
  walk: Walk,
  from: readonly unknown[],
  joins: readonly unknown[],
  scope: Scope,
): void {
  let component = 0;
  let last = scope.sources.length;
  for (const item of from) {
    if (!isLateral(item)) component += 1;
    last = scope.sources.length;
    addSource(walk, item, scope, component);
  }
  walkJoins(walk, joins, scope, component, last);
}

/** Walks joins to the sources from number `joinedTo` on; `first` is the component of those. */
function walkJoins(
  walk: Walk,
  joins: readonly unknown[],
  scope: Scope,
  first: number,
  joinedTo: number,
): void {
  let component = first;
  let free = 1_000 + scope.sources.length;
  for (const join of joins) {
    if (!isNode(join)) continue;
    const kind = stringAt(join, 'kind') ?? '';
    const isBound = isLateral(join['this']) || /natural|asof/i.test(kind);
    if (/natural/i.test(kind)) walk.record.hasUnresolvedColumn = true;
    if (kind === 'Cross' && !isBound) walk.record.hasCrossJoin = true;
    const before = scope.sources.length;
    const own = isBound ? component : (free += 1);
    addSource(walk, join['this'], scope, own);
    if (isTied(join, scope, before)) {
      component = scope.sources[joinedTo]?.component ?? component;
      for (const source of scope.sources.slice(before)) source.component = component;
    } else component = own;
    noteUsing(walk, listAt(join, 'using'), scope, joinedTo, before);
    walkCondition(walk, join['on'], scope, cutBy(kind, scope, before));
    walk.expression(join['match_condition'], scope);
  }
}

/** Whether the condition of a join speaks of both sides, so that no product is formed. */
function isTied(join: Node, scope: Scope, joinedFrom: number): boolean {
  if (listAt(join, 'using').length > 0) return true;
  const sources = sourcesUnder(join['on'], scope);
  const joined = scope.sources.slice(joinedFrom);
  const before = scope.sources.slice(0, joinedFrom);
  return (
    sources.some((source) => joined.includes(source)) &&
    sources.some((source) => before.includes(source))
  );
}

/**
 * Sources whose rows a condition of the join can cut: an outer join keeps every row of its outer side, whatever the
 * condition says of it.
 */
function cutBy(kind: string, scope: Scope, joinedFrom: number): readonly Source[] {
  if (/full/i.test(kind)) return [];
  if (/left/i.test(kind)) return scope.sources.slice(joinedFrom);
  return /right/i.test(kind) ? scope.sources.slice(0, joinedFrom) : scope.sources;
}

/** USING names a column of the joined source, and of the one before it that can be told to hold it. */
function noteUsing(
  walk: Walk,
  columns: readonly unknown[],
  scope: Scope,
  joinedTo: number,
  joinedFrom: number,
): void {
  for (const column of columns) {
    const name = nameOf(column);
    if (name === undefined) continue;
    const isSure = joinedFrom === joinedTo + 1 || scope.shared.has(name);
    if (!isSure) walk.record.hasUnresolvedColumn = true;
    const sources = [
      ...scope.sources.slice(joinedFrom),
      ...(isSure ? scope.sources.slice(joinedTo, joinedTo + 1) : []),
    ];
    if (isSure) scope.shared.add(name);
    const [joined, first] = sources.map((source): ColumnReference => {
      const reference = { levels: [source.lookup(name)], isAlias: false };
      walk.record.reference(reference);
      return reference;
    });
    if (joined !== undefined && first !== undefined)
      walk.record.join({ left: first, right: joined, operator: '=' });
  }
}

/** True when more components of sources remain than `where` can join: their product is formed. */
export function isProduct(where: unknown, scope: Scope): boolean {
  if (new Set(scope.sources.map((source) => source.component)).size < 2) return false;
  const jokers = joinComponents(where, scope);
  return new Set(scope.sources.map((source) => source.component)).size - jokers > 1;
}

/** Functions, VALUES and lateral subqueries multiply rows only within their row. */
function isLateral(item: unknown): boolean {
  const node = tagged(item);
  if (node === undefined) return false;
  const { tag, body } = node;
  if (tag === 'alias') return isLateral(body['this']);
  if (tag === 'function') return literalParts(body) === undefined;
  return tag === 'lateral' || tag === 'values' || (tag === 'subquery' && body['lateral'] === true);
}

interface Naming {
  readonly alias: string | undefined;
  readonly columns: readonly string[];
}

function namingOf(body: Node, outer: Naming | undefined): Naming {
  const alias = body['alias'];
  const own = typeof alias === 'string' ? alias.toUpperCase() : nameOf(alias);
  const columns = listAt(body, 'column_aliases').map((name) => nameOf(name) ?? '');
  return {
    alias: outer?.alias ?? own,
    columns: outer !== undefined && outer.columns.length > 0 ? outer.columns : columns,
  };
}

/** Adds what `item` of a FROM clause names; `outer` is the alias given around it. */
export function addSource(
  walk: Walk,
  item: unknown,
  scope: Scope,
  component: number,
  outer?: Naming,
): void {
  const node = tagged(item);
  const table = node === undefined ? (isNode(item) ? item : undefined) : node.body;
  const parts = table === undefined ? undefined : tableParts(table);
  if (table !== undefined && parts !== undefined) {
    addTable(walk, table, parts, scope, component, outer);
    return;
  }
  if (node === undefined) {
    walk.expression(item, scope);
    return;
  }
  const { tag, body } = node;
  const naming = namingOf(body, outer);
  switch (tag) {
    case 'alias':
      addSource(walk, body['this'], scope, component, naming);
      return;
    case 'subquery': {
      const around = body['lateral'] === true ? scope : besideScope(scope);
      push(scope, naming, walk.query(item, around), component);
      return;
    }
    case 'paren':
      addSource(walk, body['this'], scope, component, outer);
      return;
    case 'joined_table': {
      const joinedTo = scope.sources.length;
      addSource(walk, body['left'], scope, component);
      walkJoins(walk, listAt(body, 'joins'), scope, component, joinedTo);
      return;
    }
    case 'pivot':
    case 'unpivot':
    case 'match_recognize':
      addReshaped(walk, tag, body, scope, component, naming);
      return;
    case 'function':
      addFunction(walk, body, scope, component, naming);
      return;
    case 'lateral': {
      const call = bodyOf(body['this'], 'function');
      if (call !== undefined) addFunction(walk, call, scope, component, naming);
      else addSource(walk, body['this'], scope, component, naming);
      return;
    }
    case 'values':
      walk.expression(body['expressions'], scope);
      push(scope, naming, tableless(isValuesColumn), component);
      return;
    case 'select':
    case 'union':
    case 'intersect':
    case 'except':
      push(scope, naming, walk.query(item, besideScope(scope)), component);
      return;
  }
  if (isNode(body['this']) && tag !== 'semantic_view')
    addReshaped(walk, tag, body, scope, component, naming);
  else {
    walk.expression(item, scope);
    push(scope, naming, NOTHING, component);
  }
}

function isValuesColumn(column: string): boolean {
  return VALUES_COLUMN.test(column);
}

function addTable(
  walk: Walk,
  body: Node,
  parts: readonly string[],
  scope: Scope,
  component: number,
  outer: Naming | undefined,
): void {
  const naming = namingOf(body, outer);
  const cte = parts.length === 1 ? findCte(scope, parts[0] ?? '') : undefined;
  // Time travel, samples and change clauses hold expressions of their own.
  for (const key of ['when', 'table_sample', 'changes', 'partitions'])
    walk.expression(body[key], scope);
  if (cte !== undefined)
    push(scope, { ...naming, alias: naming.alias ?? parts[0] }, cte, component);
  else scope.sources.push(tableSource(walk, parts, 'read', naming, component));
}

/** A source for the table `parts`: read, written, or read and written as by UPDATE. */
export function tableSource(
  walk: Walk,
  parts: readonly string[],
  use: 'read' | 'write' | 'update',
  naming: Naming | undefined,
  component: number,
): Source {
  const table = walk.record.table(parts, use === 'read' ? 'read' : 'write');
  const reading = use === 'write' ? -1 : walk.record.reading(table);
  const source: Source = {
    names: naming?.alias === undefined ? parts : [naming.alias],
    isAliased: naming?.alias !== undefined,
    lookup: (column) =>
      naming?.columns.includes(column) === true ? EXPRESSION : [[[table, column, true, reading]]],
    knows: (column) => naming?.columns.includes(column) === true,
    starTables: [table],
    component,
  };
  // New names for columns whose order is not known here: any column may be behind them.
  if (naming !== undefined && naming.columns.length > 0) noteStar(walk, [source]);
  return source;
}

function push(scope: Scope, naming: Naming, derived: Derived, component: number): void {
  const named = renamed(derived, naming.columns);
  scope.sources.push({
    names: naming.alias === undefined ? [] : [naming.alias],
    isAliased: true,
    lookup: (column) => named.lookup(column),
    knows: (column) => named.knows(column),
    starTables: named.starTables,
    component,
  });
}

/** PIVOT, UNPIVOT, MATCH_RECOGNIZE and the like: their own columns over those of the source inside. */
function addReshaped(
  walk: Walk,
  tag: string,
  body: Node,
  scope: Scope,
  component: number,
  naming: Naming,
): void {
  const inner = childScope(besideScope(scope));
  addSource(walk, body['this'], inner, 0);
  push(scope, naming, reshaped(walk, tag, body, inner), component);
}

/** `IDENTIFIER('t')` and `TABLE('t')` name tables; every other call is a table function. */
function addFunction(
  walk: Walk,
  body: Node,
  scope: Scope,
  component: number,
  naming: Naming,
): void {
  const name = (stringAt(body, 'name') ?? '').toUpperCase();
  const argument = listAt(body, 'args')[0];
  const isCall = ['function', 'method_call', 'alias'].some(
    (tag) => bodyOf(argument, tag) !== undefined,
  );
  if (name === 'IDENTIFIER' || (name === 'TABLE' && !isCall)) {
    const parts = literalParts(body);
    if (parts === undefined) {
      walk.record.hasDynamicName = true;
      push(scope, naming, NOTHING, component);
    } else addTable(walk, { schema: null }, parts, scope, component, naming);
    return;
  }
  const called = (stringAt(bodyOf(argument, 'function'), 'name') ?? name).toUpperCase();
  // GETNEXTVAL is handed a sequence, by name.
  if (called !== 'GETNEXTVAL') walk.expression(listAt(body, 'args'), scope);
  const columns = FUNCTION_COLUMNS[called];
  push(
    scope,
    naming,
    tableless((column) => columns?.has(column) === true),
    component,
  );
}

/** The alias a target of DML carries. */
export function targetNaming(body: Node): Naming {
  const table = nodeAt(body, 'table') ?? nodeAt(body, 'this');
  const inner = bodyOf(table, 'table') ?? table;
  const own = namingOf(body, undefined);
  return own.alias === undefined && inner !== undefined ? namingOf(inner, undefined) : own;
}
