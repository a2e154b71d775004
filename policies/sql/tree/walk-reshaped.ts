/** Walks PIVOT, UNPIVOT and MATCH_RECOGNIZE: columns of their own over those of the source inside. */
import { bodyOf, isNode, listAt, nameOf, stringAt, type Node } from './ast.js';
import { EXPRESSION, unprunable, type Derived, type Scope, type Source } from './scope.js';
import { noteStar } from './walk-expressions.js';
import type { Walk } from './walk-record.js';

/** Keys that hold no expression over the source. */
const NO_EXPRESSIONS: ReadonlySet<string> = new Set([
  'this',
  'alias',
  'column_aliases',
  'alias_columns',
  'fields',
  'value_column',
  'name_column',
]);

/** What the clause `tag` over the sources of `inner` yields; its own expressions are walked there. */
export function reshaped(walk: Walk, tag: string, body: Node, inner: Scope): Derived {
  const { sources } = inner;
  const own = new Set(ownColumns(tag, body));
  const renamed = listAt(body, 'alias_columns').map((column) => nameOf(column) ?? '');
  for (const name of renamed) own.add(name);
  // Any column may be behind a name given by position.
  if (renamed.length > 0) noteStar(walk, sources);
  const scope = tag === 'match_recognize' ? withPatternVariables(body, inner) : inner;
  for (const field of listAt(body, 'fields')) walkField(walk, field, scope);
  for (const [key, value] of Object.entries(body))
    if (!NO_EXPRESSIONS.has(key)) walk.expression(value, scope);
  return {
    lookup: (column) => {
      // PIVOT names a column after the literal, quotes included.
      if (own.has(column) || column.startsWith("'")) return EXPRESSION;
      const found = sources.flatMap((source) => source.lookup(column));
      return tag === 'match_recognize' ? unprunable(found) : found;
    },
    columns: [],
    knows: (column) => own.has(column),
    starTables: sources.flatMap((source) => source.starTables),
  };
}

/** Columns that the clause makes. */
function ownColumns(tag: string, body: Node): readonly string[] {
  const names =
    tag === 'match_recognize'
      ? listAt(body, 'measures').map((measure) =>
          isNode(measure) ? nameOf(bodyOf(measure['this'], 'alias')?.['alias']) : undefined,
        )
      : [
          nameOf(body['value_column']),
          nameOf(body['name_column']),
          ...listAt(body, 'fields').flatMap(aliasesOf),
        ];
  return names.filter((name) => name !== undefined);
}

/** Aliases in `FOR q IN ('a' AS x, 'b' AS y)`. */
function aliasesOf(field: unknown): readonly (string | undefined)[] {
  return listAt(bodyOf(field, 'in'), 'expressions').map((item) =>
    nameOf(bodyOf(bodyOf(item, 'pivot_alias')?.['alias'], 'column')?.['name']),
  );
}

/** The column of FOR is read; of what follows IN only a query is. */
function walkField(walk: Walk, field: unknown, scope: Scope): void {
  const list = bodyOf(field, 'in');
  if (list === undefined) {
    walk.expression(field, scope);
    return;
  }
  walk.expression(list['this'], scope);
  walk.expression(list['query'], scope);
  for (const item of listAt(list, 'expressions'))
    if (bodyOf(item, 'pivot_alias') === undefined) walk.expression(item, scope);
}

const VARIABLE = /[\p{L}_][\p{L}\p{N}_$]*/gu;

/** Variables of the pattern qualify the columns of the source: `DEFINE up AS up.px > 3`. */
function withPatternVariables(body: Node, inner: Scope): Scope {
  const [source] = inner.sources;
  if (source === undefined) return inner;
  const defined = listAt(body, 'define').map((pair) =>
    Array.isArray(pair) ? nameOf(pair[0]) : '',
  );
  const used = (stringAt(body, 'pattern') ?? '').match(VARIABLE) ?? [];
  const names = new Set([...defined, ...used.map((name) => name.toUpperCase())]);
  const variables = [...names].map((name): Source => ({
    ...source,
    names: [name ?? ''],
    isAliased: true,
  }));
  return { ...inner, sources: [...inner.sources, ...variables] };
}
