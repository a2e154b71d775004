/** Reads conditions: filters of columns by constants, and which sources a condition joins. */
import { bodyOf, columnPath, isNode, listAt, tagged, type Node } from './ast.js';
import { MIRRORED, type Comparison, type FilterOperator } from '../facts.js';
import {
  bothEnds,
  comparedEnds,
  eitherEnds,
  type Ends,
  endsOf,
  filterValue,
  type FilterValue,
  literalEnds,
  NO_ENDS,
  ofTruncated,
} from './filter-ends.js';
import { constantValue, likeRange, underCasts } from './literals.js';
import type { ColumnReference, RawFilter } from './raw-facts.js';
import { resolveColumn, type Resolution, type Scope, type Source } from './scope.js';
import type { Walk, WalkRecord } from './walk-record.js';

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  eq: '=',
  neq: '<>',
  lt: '<',
  lte: '<=',
  gt: '>',
  gte: '>=',
  null_safe_eq: '=',
};

/**
 * Notes the filters of a WHERE, ON or MERGE condition and walks all of it. Only filters of sources in `cut` count:
 * those whose rows the condition can leave out.
 */
export function walkCondition(
  walk: Walk,
  condition: unknown,
  scope: Scope,
  cut: readonly Source[] = scope.sources,
): void {
  if (condition === null || condition === undefined) return;
  const outer = cut.length < scope.sources.length ? cut : undefined;
  const { record } = walk;
  for (const { filter } of filtersOf(condition, { scope, cut: outer, record }))
    record.filter(filter);
  for (const part of conjuncts(condition)) noteJoin(walk, part, scope);
  walk.expression(condition, scope);
}

/** Notes a comparison between columns of two sources. */
function noteJoin(walk: Walk, part: unknown, scope: Scope): void {
  const node = tagged(part);
  const operator = node === undefined ? undefined : COMPARISONS[node.tag];
  if (node === undefined || operator === undefined) return;
  const left = columnOf(node.body['left'], scope);
  const right = columnOf(node.body['right'], scope);
  if (left === undefined || right === undefined || left.source === right.source) return;
  walk.record.join({ left: left.reference, right: right.reference, operator });
}

/** The plain column that `value` is, when exactly one source can hold it. */
function columnOf(
  value: unknown,
  scope: Scope,
): { readonly reference: ColumnReference; readonly source: Source } | undefined {
  const inner = bodyOf(value, 'paren')?.['this'];
  if (inner !== undefined) return columnOf(inner, scope);
  const path = columnPath(value);
  const found = path === undefined ? undefined : resolveColumn(scope, path, false);
  const [source, ...others] = found?.sources ?? [];
  if (found === undefined || source === undefined || others.length > 0) return undefined;
  return { reference: found.reference, source };
}

/** The parts of a condition joined by AND. */
export function conjuncts(condition: unknown): readonly unknown[] {
  const found: unknown[] = [];
  const open: unknown[] = [condition];
  while (open.length > 0) {
    const next = open.pop();
    const and = bodyOf(next, 'and');
    const inner = and === undefined ? bodyOf(next, 'paren')?.['this'] : undefined;
    if (and !== undefined) open.push(and['right'], and['left']);
    else if (inner !== undefined) open.push(inner);
    else if (next !== undefined) found.push(next);
  }
  return found;
}

/** Where filters are looked for; without `cut` every source counts, also those around the scope. */
interface FilterScope {
  readonly scope: Scope;
  readonly cut: readonly Source[] | undefined;
  readonly record: WalkRecord;
}

/** A filter, and the sources that its column can be of: two aliases of one table are two sources. */
interface SourceFilter {
  readonly filter: RawFilter;
  readonly sources: readonly Source[];
}

function filtersOf(condition: unknown, scope: FilterScope): readonly SourceFilter[] {
  return conjuncts(condition).flatMap((part) => {
    const or = bodyOf(part, 'or');
    if (or !== undefined)
      return common(filtersOf(or['left'], scope), filtersOf(or['right'], scope), scope.record);
    const filter = filterOf(part, scope);
    return filter === undefined ? [] : [filter];
  });
}

function isOfSame(one: SourceFilter, other: SourceFilter): boolean {
  return (
    one.sources.length === other.sources.length &&
    one.sources.every((source, at) => source === other.sources[at]) &&
    JSON.stringify(one.filter.reference) === JSON.stringify(other.filter.reference)
  );
}

/** Under OR a filter counts when both branches filter the column; its range is the union of theirs. */
function common(
  left: readonly SourceFilter[],
  right: readonly SourceFilter[],
  record: WalkRecord,
): readonly SourceFilter[] {
  const found: SourceFilter[] = [];
  for (const one of left) {
    if (found.some((done) => isOfSame(done, one))) continue;
    const first = left.filter((other) => isOfSame(one, other)).map(({ filter }) => filter);
    const second = right.filter((other) => isOfSame(one, other)).map(({ filter }) => filter);
    if (second.length > 0 && [...first, ...second].some(({ pattern }) => pattern !== null))
      record.hasFilterByValues = true;
    const filter = second.length === 0 ? undefined : eitherOf(first, second);
    if (filter !== undefined) found.push({ filter, sources: one.sources });
  }
  return found;
}

function eitherOf(
  first: readonly RawFilter[],
  second: readonly RawFilter[],
): RawFilter | undefined {
  const reference = first[0]?.reference;
  if (reference === undefined) return undefined;
  const ends = eitherEnds(bothEnds(first), bothEnds(second));
  const all = [...first, ...second];
  const isPoints = all.every(({ operator }) => operator === '=' || operator === 'in');
  const isOneBound = all.every(({ operator }) => operator === all[0]?.operator);
  const operator = isPoints
    ? 'in'
    : (rangeOperator(ends) ?? (isOneBound ? all[0]?.operator : undefined));
  return operator === undefined
    ? undefined
    : { reference, operator, ...ends, pattern: null, isMerged: true };
}

function rangeOperator(ends: Ends): FilterOperator | undefined {
  const hasHigh = ends.high !== null || ends.relativeHigh !== null;
  if (ends.low !== null || ends.relativeLow !== null) return hasHigh ? 'between' : '>=';
  return hasHigh ? '<=' : undefined;
}

interface ColumnFilter extends Ends {
  readonly column: unknown;
  readonly operator: FilterOperator;
  /** The pattern of LIKE that the bounds are read from. */
  readonly pattern?: string;
  /** The bounds are read from more than one literal. */
  readonly isEscaped?: boolean;
}

function filterOf(part: unknown, scope: FilterScope): SourceFilter | undefined {
  const read = readFilter(part);
  const found = read === undefined ? undefined : ofTruncated(read);
  const resolved = found === undefined ? undefined : filteredColumn(found.column, scope);
  if (read === undefined || found === undefined || resolved === undefined) return undefined;
  const { pattern = null, isEscaped } = read;
  if (isEscaped === true) scope.record.hasFilterByValues = true;
  const { operator, low, high, relativeLow, relativeHigh, terms } = found;
  const ends = { low, high, relativeLow, relativeHigh, terms };
  const { reference, sources } = resolved;
  return { filter: { reference, operator, ...ends, pattern, isMerged: false }, sources };
}

function filteredColumn(value: unknown, { scope, cut }: FilterScope): Resolution | undefined {
  const path = columnPath(underCasts(value));
  const found = path === undefined ? undefined : resolveColumn(scope, path, false);
  if (found === undefined) return undefined;
  if (cut !== undefined && !found.sources.every((source) => cut.includes(source))) return undefined;
  const { levels } = found.reference;
  return levels.some((level) => level.some((targets) => targets.length > 0)) ? found : undefined;
}

function readFilter(part: unknown): ColumnFilter | undefined {
  const node = tagged(part);
  if (node === undefined) return undefined;
  const { tag, body } = node;
  const comparison = COMPARISONS[tag];
  if (comparison !== undefined) return readComparison(comparison, body);
  switch (tag) {
    case 'between': {
      const [low, high] = [filterValue(body['low']), filterValue(body['high'])];
      if (low === undefined || high === undefined || body['not'] === true) return undefined;
      return { column: body['this'], operator: 'between', ...endsOf([low], [high]) };
    }
    case 'in':
      return readIn(body);
    case 'like':
    case 'i_like':
      return readLike(tag, body);
    case 'is_null':
      return body['not'] === true
        ? undefined
        : { column: body['this'], operator: 'is', ...NO_ENDS };
    case 'is_true':
    case 'is_false': {
      const value = tag === 'is_true' ? 'TRUE' : 'FALSE';
      return body['not'] === true
        ? undefined
        : { column: body['this'], operator: 'is', ...literalEnds(value, value) };
    }
    case 'not':
      return readNegation(body);
  }
  return undefined;
}

function readComparison(operator: Comparison, body: Node): ColumnFilter | undefined {
  const right = filterValue(body['right']);
  if (right !== undefined)
    return { column: body['left'], operator, ...comparedEnds(operator, right) };
  const left = filterValue(body['left']);
  if (left === undefined) return undefined;
  const mirrored = MIRRORED[operator];
  return { column: body['right'], operator: mirrored, ...comparedEnds(mirrored, left) };
}

function readIn(body: Node): ColumnFilter | undefined {
  const items = listAt(body, 'expressions');
  if (body['not'] === true || isNode(body['query']) || items.length === 0) return undefined;
  const values: FilterValue[] = [];
  for (const item of items) {
    const value = filterValue(item);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return { column: body['this'], operator: 'in', ...endsOf(values, values) };
}

/** LIKE accepts a range of texts; ILIKE accepts none. */
function readLike(tag: string, body: Node): ColumnFilter | undefined {
  const pattern = constantValue(body['right']);
  if (pattern === undefined || body['not'] === true) return undefined;
  const escape = isNode(body['escape']) ? constantValue(body['escape']) : '';
  const isReadable = tag === 'like' && pattern !== null && typeof escape === 'string';
  if (!isReadable) return { column: body['left'], operator: 'like', ...NO_ENDS };
  const range = likeRange(pattern, escape);
  return {
    column: body['left'],
    operator: 'like',
    ...literalEnds(range.low, range.high),
    ...(escape === '' ? { pattern } : { isEscaped: true }),
  };
}

function readNegation(body: Node): ColumnFilter | undefined {
  const parts = conjuncts(body['this']);
  const inner = tagged(parts[0]);
  if (parts.length !== 1 || inner?.tag !== 'eq') return undefined;
  return readComparison('<>', inner.body);
}

/**
 * Joins the components of sources that a condition compares, and returns how many comparisons it could not place
 * because an unqualified name fits several sources: each of them may join two components.
 */
export function joinComponents(condition: unknown, scope: Scope): number {
  let jokers = 0;
  for (const part of conjuncts(condition)) {
    const node = tagged(part);
    const sides = node === undefined ? [] : [node.body['left'], node.body['right']];
    const found = sides.map((side) => sourcesUnder(side, scope));
    const [left = [], right = []] = found;
    if (left.length === 0 || right.length === 0) continue;
    if (left.length > 1 || right.length > 1) jokers += 1;
    else mergeComponents(scope.sources, left[0], right[0]);
  }
  return jokers;
}

/** Sources of the scope that the columns under `value` can be of. */
export function sourcesUnder(value: unknown, scope: Scope): readonly Source[] {
  if (Array.isArray(value)) return value.flatMap((item) => sourcesUnder(item, scope));
  if (!isNode(value)) return [];
  const path = columnPath(value);
  if (path === undefined)
    return Object.values(value).flatMap((inner) => sourcesUnder(inner, scope));
  const sources = resolveColumn(scope, path, false)?.sources ?? [];
  return sources.filter((source) => scope.sources.includes(source));
}

function mergeComponents(
  sources: readonly Source[],
  left: Source | undefined,
  right: Source | undefined,
): void {
  if (left === undefined || right === undefined) return;
  const from = right.component;
  for (const source of sources) if (source.component === from) source.component = left.component;
}
