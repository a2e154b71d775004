/**
 * Facts of one statement from the parser's tree: a walk that knows Snowflake's scopes. Statements that write are
 * read here, queries and sources in the files beside it.
 */
import {
  bodyOf,
  isAllColumns,
  isNoColumn,
  isNode,
  listAt,
  nameOf,
  nodeAt,
  stringAt,
  tableParts,
  tagged,
  type Node,
  literalParts,
} from './ast.js';
import { limitOf } from './literals.js';
import type { RawFacts } from './raw-facts.js';
import { isRowCount } from './row-count.js';
import { besideScope, childScope, type Scope, type Source } from './scope.js';
import { walkCondition } from './walk-conditions.js';
import { QUERY_TAGS, walkExpression } from './walk-expressions.js';
import { fetchAfter, walkQuery, walkWith } from './walk-queries.js';
import { WalkRecord, type Walk } from './walk-record.js';
import { addSource, isProduct, tableSource, targetNaming, walkFrom } from './walk-sources.js';

/**
 * Facts of the statement whose tree is `statement`; undefined when the parser took a part of it for mere text. Throws
 * only where the tree is deeper than the stack.
 */
export function walkStatement(statement: unknown): RawFacts | undefined {
  const record = new WalkRecord();
  const walk: Walk = {
    record,
    query: (value, scope) => walkQuery(walk, value, scope),
    expression: (value, scope, isAliasFirst = false) =>
      walkExpression(walk, value, scope, isAliasFirst),
  };
  const node = tagged(statement);
  if (node === undefined) return record.facts('raw');
  const { tag, body } = node;
  const scope = childScope(null);
  const isWritten = walkWriting(walk, tag, body, scope);
  if (!isWritten) walk.query(statement, scope);
  if (QUERY_TAGS.has(tag)) record.limit = outerLimit(tag, body);
  record.isOrdered = isOrdered(body);
  record.isRowCount = isRowCount(tag, body);
  return record.hasUnread ? undefined : record.facts(tag);
}

/** Whether a query has an ORDER BY, also one in nothing but brackets. */
function isOrdered(body: Node): boolean {
  if (isNode(body['order_by'])) return true;
  const inner = tagged(body['this']);
  return inner !== undefined && QUERY_TAGS.has(inner.tag) && isOrdered(inner.body);
}

/** LIMIT, TOP or FETCH of a query, also of one in nothing but brackets. */
function outerLimit(tag: string, body: Node): number | null {
  const own = body['limit'] ?? body['top'] ?? body['fetch'] ?? fetchAfter(tag, body);
  if (isNode(own) || tag !== 'subquery') return limitOf(own);
  const inner = tagged(body['this']);
  return inner === undefined ? null : outerLimit(inner.tag, inner.body);
}

/** Walks a statement that writes; false when `tag` is none. */
function walkWriting(walk: Walk, tag: string, body: Node, scope: Scope): boolean {
  switch (tag) {
    case 'insert':
      walkInsert(walk, body, scope);
      return true;
    case 'multitable_inserts':
      walkMultitableInsert(walk, body, scope);
      return true;
    case 'update':
      walkUpdate(walk, body, scope);
      return true;
    case 'delete':
      walkDelete(walk, body, scope);
      return true;
    case 'merge':
      walkMerge(walk, body, scope);
      return true;
    case 'copy':
      walkCopy(walk, body, scope);
      return true;
    case 'create_table':
    case 'create_view':
    case 'drop_table':
    case 'drop_view':
    case 'alter_table':
    case 'alter_view':
    case 'truncate':
      walkDefinition(walk, body, scope);
      return true;
  }
  return false;
}

/**
 * The table that `value` names, as a written source; undefined when its name is dynamic. `use` is `update` where the
 * statement looks for the rows that it changes.
 */
function target(
  walk: Walk,
  value: unknown,
  body: Node,
  scope: Scope,
  use: 'write' | 'update',
): Source | undefined {
  const named = tagged(value);
  if (named?.tag === 'alias') return target(walk, named.body['this'], named.body, scope, use);
  const inner = isNode(value) ? (nodeAt(value, 'table') ?? value) : undefined;
  const call = bodyOf(value, 'function');
  const parts = call === undefined ? inner && tableParts(inner) : literalParts(call);
  if (parts === undefined) {
    if (isNode(value) && !isEmptyTarget(value)) walk.record.hasDynamicName = true;
    return undefined;
  }
  const source = tableSource(walk, parts, use, targetNaming(body), 1);
  scope.sources.push(source);
  return source;
}

/** A stage or address, not a table. */
function isEmptyTarget(value: Node): boolean {
  return bodyOf(value, 'literal') !== undefined || bodyOf(value, 'stage_reference') !== undefined;
}

/** Notes the columns an INSERT or UPDATE list names, all of them in `source`. */
function noteColumns(walk: Walk, source: Source | undefined, columns: readonly unknown[]): void {
  for (const column of columns) {
    const own = nameOf(column);
    // `SET x.a = …` comes as one name with a dot in it.
    const isDotted = isNode(column) && column['quoted'] !== true;
    const name =
      (isDotted ? own?.split('.').at(-1) : own) ??
      nameOf(bodyOf(column, 'identifier')) ??
      nameOf(bodyOf(column, 'column')?.['name']);
    if (name !== undefined && source !== undefined && !isNoColumn(name)) {
      const touched = isAllColumns(name) ? '*' : name;
      walk.record.reference({ levels: [source.lookup(touched)], isAlias: false });
    }
  }
}

function walkInsert(walk: Walk, body: Node, scope: Scope): void {
  const source = target(walk, body['table'], body, scope, 'write');
  noteColumns(walk, source, listAt(body, 'columns'));
  const inner = childScope(null);
  walkWith(walk, body['with'], inner);
  if (isNode(body['query'])) walk.query(body['query'], inner);
  walk.expression(body['values'], inner);
}

/** `INSERT ALL|FIRST … SELECT`: conditions and values read what the query yields. */
function walkMultitableInsert(walk: Walk, body: Node, scope: Scope): void {
  const inner = childScope(null);
  walkWith(walk, body['with'], inner);
  addSource(walk, body['source'], inner, 0);
  for (const item of listAt(body, 'expressions')) {
    const branch = bodyOf(item, 'conditional_insert');
    walk.expression(branch?.['expression'], inner);
    const insert = bodyOf(branch?.['this'], 'insert') ?? bodyOf(item, 'insert');
    if (insert === undefined) {
      walk.expression(item, inner);
      continue;
    }
    const source = target(walk, insert['table'], insert, scope, 'write');
    noteColumns(walk, source, listAt(insert, 'columns'));
    walk.expression(insert['values'], inner);
  }
}

function walkUpdate(walk: Walk, body: Node, scope: Scope): void {
  walkWith(walk, body['with'], scope);
  const source = target(walk, body['table'], body, scope, 'update');
  const from = [
    ...listAt(nodeAt(body, 'from_clause'), 'expressions'),
    ...listAt(body, 'extra_tables'),
  ];
  walkFrom(walk, from, [...listAt(body, 'table_joins'), ...listAt(body, 'from_joins')], scope);
  for (const pair of listAt(body, 'set')) {
    if (!Array.isArray(pair)) {
      walk.expression(pair, scope);
      continue;
    }
    noteColumns(walk, source, pair.slice(0, 1));
    walk.expression(pair.slice(1), scope);
  }
  walkWhere(walk, body, scope, from.length);
}

function walkDelete(walk: Walk, body: Node, scope: Scope): void {
  walkWith(walk, body['with'], scope);
  target(walk, body['table'], body, scope, 'update');
  const using = listAt(body, 'using');
  walkFrom(walk, using, listAt(body, 'joins'), scope);
  walkWhere(walk, body, scope, using.length);
}

function walkWhere(walk: Walk, body: Node, scope: Scope, others: number): void {
  const where = nodeAt(body, 'where_clause')?.['this'];
  // The target starts in the component of the first source: only those after it can form a product.
  if (others > 1 && isProduct(where, scope)) walk.record.hasCrossJoin = true;
  walkCondition(walk, where, scope);
}

function walkMerge(walk: Walk, body: Node, scope: Scope): void {
  walkWith(walk, body['with_'] ?? body['with'], scope);
  const source = target(walk, body['this'], body, scope, 'update');
  addSource(walk, body['using'], scope, 1);
  walkCondition(walk, body['on'], scope);
  const whens = bodyOf(body['whens'], 'whens') ?? nodeAt(body, 'whens');
  for (const item of listAt(whens, 'expressions')) {
    const when = bodyOf(item, 'when');
    walk.expression(when?.['condition'], scope);
    const action = listAt(bodyOf(when?.['then'], 'tuple'), 'expressions');
    // The values of an INSERT branch can only come from the source.
    const isInsert = stringAt(bodyOf(action[0], 'var'), 'this') === 'INSERT';
    const sources = isInsert ? scope.sources.filter((other) => other !== source) : scope.sources;
    const inner: Scope = { ...scope, sources };
    for (const part of action) {
      const values = listAt(bodyOf(part, 'tuple'), 'expressions');
      noteColumns(
        walk,
        source,
        values.filter((value) => bodyOf(value, 'identifier') !== undefined),
      );
      for (const value of values) walkAssignment(walk, value, source, inner);
    }
  }
}

/** `SET a = b.c`: the left side is the target's even without a qualifier. */
function walkAssignment(
  walk: Walk,
  value: unknown,
  source: Source | undefined,
  scope: Scope,
): void {
  const assignment = bodyOf(value, 'eq');
  const left = assignment?.['left'];
  const column = bodyOf(left, 'column')?.['name'] ?? bodyOf(left, 'identifier');
  if (assignment === undefined || column === undefined) {
    walk.expression(value, scope);
    return;
  }
  noteColumns(walk, source, [column]);
  walk.expression(assignment['right'], scope);
}

/** `COPY INTO`: a table is written, or read into a stage; an unqualified one comes as a column. */
function walkCopy(walk: Walk, body: Node, scope: Scope): void {
  // A column list wraps the table.
  const listed = bodyOf(body['this'], 'schema');
  const source = target(walk, listed?.['this'] ?? body['this'], body, scope, 'write');
  noteColumns(walk, source, listAt(listed, 'expressions'));
  for (const file of listAt(body, 'files')) {
    const inner = besideScope(scope);
    const column = bodyOf(file, 'column');
    const table = bodyOf(file, 'table');
    const name = nameOf(column?.['name']);
    const parts =
      table === undefined ? (name === undefined ? undefined : [name]) : tableParts(table);
    if (parts !== undefined && source === undefined) {
      const number = walk.record.table(parts, 'read');
      walk.record.star(number);
    } else if (!isNode(file) || !isEmptyTarget(file)) walk.query(file, inner);
  }
}

const READ_KEYS: ReadonlySet<string> = new Set(['clone_source', 'constraints']);
const NAME_KEYS: ReadonlySet<string> = new Set([
  'name',
  'names',
  'table',
  'actions',
  'extra_tables',
]);

/** CREATE, ALTER, DROP, TRUNCATE: names are written; what they are defined by is read. */
function walkDefinition(walk: Walk, body: Node, scope: Scope): void {
  walkWith(walk, body['with'] ?? body['with_cte'], scope);
  for (const [key, value] of Object.entries(body)) {
    if (NAME_KEYS.has(key)) noteWritten(walk, value);
    else if (READ_KEYS.has(key)) walk.expression(value, scope);
    else if (key === 'as_select' || key === 'query') walk.query(value, scope);
  }
}

function noteWritten(walk: Walk, value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) noteWritten(walk, item);
    return;
  }
  if (!isNode(value)) return;
  const parts = tableParts(value);
  if (parts !== undefined) {
    walk.record.table(parts, 'write');
    return;
  }
  const call = bodyOf(value, 'function');
  const named = call === undefined ? undefined : literalParts(call);
  if (named !== undefined) walk.record.table(named, 'write');
  else if (call !== undefined) walk.record.hasDynamicName = true;
  else for (const inner of Object.values(value)) noteWritten(walk, inner);
}
