/** Walks queries: SELECT clause by clause, set operations, WITH. */
import { bodyOf, columnPath, isNode, listAt, nameOf, nodeAt, tagged, type Node } from './ast.js';
import type { Alternative } from './raw-facts.js';
import {
  childScope,
  combined,
  EXPRESSION,
  NOTHING,
  remembered,
  renamed,
  resolveColumn,
  tableless,
  unprunable,
  type Derived,
  type Scope,
  type Source,
} from './scope.js';
import { walkCondition } from './walk-conditions.js';
import { noteStar, PLACES, QUERY_TAGS, starSources } from './walk-expressions.js';
import type { Walk } from './walk-record.js';
import { isProduct, walkFrom } from './walk-sources.js';

/** A CTE that its own body may name: it yields what the first branch of its UNION yields. */
interface SelfReference {
  current: Derived;
}

/** Walks the query `value` and tells what it yields; whatever is no query is walked as an expression. */
export function walkQuery(walk: Walk, value: unknown, scope: Scope, self?: SelfReference): Derived {
  const node = tagged(value);
  if (node === undefined) {
    walk.expression(value, scope);
    return NOTHING;
  }
  const { tag, body } = node;
  switch (tag) {
    case 'select':
      return walkSelect(walk, body, scope);
    case 'union':
    case 'intersect':
    case 'except':
      return walkSetOperation(walk, node, scope, self);
    case 'subquery':
    case 'paren':
      return walkBracketed(walk, body, scope, self);
  }
  walk.expression(value, scope);
  return NOTHING;
}

/** Adds the CTEs of a WITH clause to `scope`, each seeing those before it. */
export function walkWith(walk: Walk, clause: unknown, scope: Scope): void {
  if (!isNode(clause)) return;
  for (const cte of listAt(clause, 'ctes')) {
    if (!isNode(cte)) continue;
    const name = nameOf(cte['alias']) ?? '';
    const columns = listAt(cte, 'columns').map((column) => nameOf(column) ?? '');
    const inner = childScope(scope);
    const self: SelfReference = { current: NOTHING };
    // Snowflake lets a CTE name itself with RECURSIVE, and without it when its body is a UNION.
    if (clause['recursive'] === true || isUnion(cte['this'])) {
      inner.ctes.set(name, {
        lookup: (column) => renamed(self.current, columns).lookup(column),
        columns,
        knows: (column) => columns.includes(column) || self.current.knows(column),
        starTables: [],
      });
    }
    scope.ctes.set(name, renamed(walkQuery(walk, cte['this'], inner, self), columns));
  }
}

function isUnion(value: unknown): boolean {
  const inner = bodyOf(value, 'subquery') ?? bodyOf(value, 'paren');
  return inner === undefined ? bodyOf(value, 'union') !== undefined : isUnion(inner['this']);
}

const BRACKET_KEYS: ReadonlySet<string> = new Set(['this', 'alias', 'column_aliases', 'with']);

function walkBracketed(walk: Walk, body: Node, outer: Scope, self?: SelfReference): Derived {
  const scope = childScope(outer);
  walkWith(walk, body['with'], scope);
  const derived = walkQuery(walk, body['this'], scope, self);
  scope.sources.push(sourceOf(derived));
  for (const [key, value] of Object.entries(body)) {
    if (!BRACKET_KEYS.has(key)) walk.expression(value, scope, true);
  }
  return isNode(body['limit']) || isNode(body['offset']) ? withoutPruning(derived) : derived;
}

function walkSetOperation(
  walk: Walk,
  { tag, body }: { readonly tag: string; readonly body: Node },
  outer: Scope,
  self?: SelfReference,
): Derived {
  const scope = childScope(outer);
  walkWith(walk, body['with'], scope);
  const left = walkQuery(walk, body['left'], scope, self);
  if (self !== undefined) self.current = left;
  const right = walkQuery(walk, body['right'], scope);
  const derived: Derived = {
    lookup: remembered((column) => {
      const at = body['by_name'] === true ? -1 : left.columns.indexOf(column);
      const other = at === -1 ? column : (right.columns[at] ?? column);
      return combined(left.lookup(column), right.lookup(other));
    }),
    columns: left.columns,
    knows: (column) => left.knows(column),
    starTables: [...new Set([...left.starTables, ...right.starTables])],
  };
  const inner = childScope(outer);
  inner.sources.push(sourceOf(derived));
  for (const [key, value] of Object.entries(body)) {
    if (key !== 'left' && key !== 'right' && key !== 'with') walk.expression(value, inner, true);
  }
  const isCut =
    isNode(body['limit']) || isNode(body['offset']) || fetchAfter(tag, body) !== undefined;
  return isCut ? withoutPruning(derived) : derived;
}

const SET_TAGS: ReadonlySet<string> = new Set(['union', 'intersect', 'except']);

/** FETCH after a set operation, which the parser gives to the last SELECT of it. */
export function fetchAfter(tag: string, body: Node): Node | undefined {
  if (!SET_TAGS.has(tag)) return undefined;
  const last = tagged(body['right']);
  if (last === undefined) return undefined;
  return last.tag === 'select' ? nodeAt(last.body, 'fetch') : fetchAfter(last.tag, last.body);
}

/** Clauses of SELECT where an alias of its list wins over a column. */
const ALIAS_FIRST: ReadonlySet<string> = new Set([
  'group_by',
  'having',
  'qualify',
  'order_by',
  'sort_by',
]);
const WALKED_APART: ReadonlySet<string> = new Set([
  'from',
  'joins',
  'with',
  'expressions',
  'where_clause',
  'into',
]);

function walkSelect(walk: Walk, body: Node, outer: Scope): Derived {
  const scope = childScope(outer);
  walkWith(walk, body['with'], scope);
  walkFrom(walk, listAt(nodeAt(body, 'from'), 'expressions'), listAt(body, 'joins'), scope);
  if (isNode(body['connect'])) scope.sources.push(levelSource());
  const where = nodeAt(body, 'where_clause')?.['this'];
  if (isProduct(where, scope)) walk.record.hasCrossJoin = true;
  const derived = walkList(walk, listAt(body, 'expressions'), scope);
  walkCondition(walk, where, scope);
  for (const [key, value] of Object.entries(body)) {
    if (WALKED_APART.has(key)) continue;
    const clause = key === 'order_by' ? withoutAll(value) : value;
    walk.expression(clause, scope, ALIAS_FIRST.has(key));
  }
  const isCut = ['limit', 'top', 'fetch', 'offset', 'qualify', 'connect', 'sample'].some((key) =>
    isNode(body[key]),
  );
  return isCut || holdsWindow(body['expressions']) ? withoutPruning(derived) : derived;
}

/** Walks the select list and tells its columns; aliases join the scope as they are defined. */
function walkList(walk: Walk, items: readonly unknown[], scope: Scope): Derived {
  const known = new Map<string, readonly Alternative[]>();
  const stars: Source[] = [];
  const columns: string[] = [];
  for (const item of items) {
    const star = bodyOf(item, 'star');
    if (star !== undefined) {
      const sources = starSources(star, scope);
      walk.record.hasSelectStar = true;
      noteStar(walk, sources);
      walk.expression(star['replace'], scope);
      stars.push(...sources);
      for (const [from, to] of renamesOf(star)) {
        known.set(
          to,
          sources.flatMap((source) => source.lookup(from)),
        );
      }
      continue;
    }
    walk.expression(item, scope);
    const alias = bodyOf(item, 'alias');
    const path = columnPath(alias === undefined ? item : alias['this']);
    const name = alias === undefined ? path?.at(-1) : nameOf(alias['alias']);
    const readings =
      path === undefined ? undefined : resolveColumn(scope, path, false)?.reference.levels[0];
    const value = readings ?? EXPRESSION;
    if (stars.length === 0) columns.push(name ?? '');
    if (name === undefined) continue;
    known.set(name, value);
    if (alias !== undefined) scope.aliases.set(name, value);
  }
  return {
    lookup: remembered(
      (column) => known.get(column) ?? stars.flatMap((source) => source.lookup(column)),
    ),
    columns,
    knows: (column) => known.has(column) || stars.some((source) => source.knows(column)),
    starTables: [...new Set(stars.flatMap((source) => source.starTables))],
  };
}

function renamesOf(star: Node): readonly (readonly [from: string, to: string])[] {
  return listAt(star, 'rename').flatMap((pair) => {
    const [from, to] = Array.isArray(pair) ? [nameOf(pair[0]), nameOf(pair[1])] : [];
    return from === undefined || to === undefined ? [] : [[from, to] as const];
  });
}

/** Whether the list itself has a window function; one of a query inside it cuts that query's rows only. */
function holdsWindow(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsWindow);
  if (!isNode(value)) return false;
  for (const key in value) {
    const inner = value[key];
    if (inner === null || typeof inner !== 'object') continue;
    if (QUERY_TAGS.has(key) || PLACES.has(key)) continue;
    if (key === 'window_function' || holdsWindow(inner)) return true;
  }
  return false;
}

function withoutPruning(derived: Derived): Derived {
  return {
    columns: derived.columns,
    starTables: derived.starTables,
    knows: (column) => derived.knows(column),
    lookup: (column) => unprunable(derived.lookup(column)),
  };
}

/** LEVEL of CONNECT BY is no column of a table. */
function levelSource(): Source {
  const isLevel = (column: string): boolean => column === 'LEVEL';
  return { names: [], isAliased: true, component: 1, ...tableless(isLevel) };
}

/** `ORDER BY ALL` comes as a column of that name, which no unquoted column can have. */
function withoutAll(orderBy: unknown): unknown {
  if (!isNode(orderBy)) return orderBy;
  const items = listAt(orderBy, 'expressions').filter((item) => {
    const name = isNode(item) ? bodyOf(item['this'], 'column')?.['name'] : undefined;
    return !(isNode(name) && name['quoted'] !== true && nameOf(name) === 'ALL');
  });
  return { ...orderBy, expressions: items };
}

/** What ORDER BY around a query sees of it. */
function sourceOf(derived: Derived): Source {
  return {
    names: [],
    isAliased: true,
    lookup: (column) => derived.lookup(column),
    knows: (column) => derived.knows(column),
    starTables: derived.starTables,
    component: 0,
  };
}
