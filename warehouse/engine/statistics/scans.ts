/** The table scans of a statement, read from DuckDB's physical plan: which table, which columns, which filters reach it. */

export interface Scan {
  /** DuckDB's schema (`DB.S`) and table. */
  readonly schema: string;
  readonly table: string;
  /** Columns whose values are read. */
  readonly columns: readonly string[];
  /** Conjunctions in DuckDB's text; a row has to pass all of them. */
  readonly filters: readonly string[];
  /** Only counts or extremes of the whole table are asked: answered from metadata. */
  readonly isMetadata: boolean;
}

export interface PlanNode {
  readonly name: string;
  readonly children: readonly PlanNode[];
  readonly extra_info: Readonly<Record<string, string | readonly string[]>>;
}

/** The scans of a plan given as the JSON of `EXPLAIN (FORMAT json)`, in plan order; temporary tables are left out. */
export function scansOfPlan(json: string): readonly Scan[] {
  const found: Scan[] = [];
  for (const root of nodesOfPlan(json)) walk(root, [], found);
  return found;
}

/** The roots of a plan. */
export function nodesOfPlan(json: string): readonly PlanNode[] {
  return JSON.parse(json) as readonly PlanNode[];
}

function walk(node: PlanNode, above: readonly PlanNode[], found: Scan[]): void {
  const scan = scanOf(node, above);
  if (scan !== undefined) found.push(scan);
  for (const child of node.children) walk(child, [node, ...above], found);
}

/** The scan of a client's table that `node` is, under the nodes `above`, nearest first. */
export function scanOf(node: PlanNode, above: readonly PlanNode[]): Scan | undefined {
  const table = node.extra_info['Table'];
  if (typeof table !== 'string') return undefined;
  const name = /^(?:warehouse|"warehouse")\.("(?:[^"]|"")+"|[^".]+)\.("(?:[^"]|"")+"|[^".]+)$/.exec(
    table,
  );
  // Only names with a dot are a client's schemas; ours have none.
  if (name === null || !(name[1] ?? '').includes('.')) return undefined;
  const filters = [...texts(node.extra_info['Filters'])];
  let at = 0;
  // A filter that DuckDB does not push into the scan stands right above it.
  while (above[at]?.name === 'FILTER') {
    filters.push(...texts(above[at]?.extra_info['Expression']));
    at += 1;
  }
  const projected = texts(node.extra_info['Projections']).filter((column) => column !== '');
  const isMetadata = filters.length === 0 && isExtremes(above);
  const columns = new Set(projected.map(unquoted));
  for (const filter of filters) for (const column of identifiers(filter)) columns.add(column);
  return {
    schema: unquoted(name[1] ?? ''),
    table: unquoted(name[2] ?? ''),
    columns: [...columns],
    filters,
    isMetadata,
  };
}

/** Above the scan stand only plain projections and an ungrouped aggregate of counts and extremes of columns. */
function isExtremes(above: readonly PlanNode[]): boolean {
  const aggregate = above.find(({ name }) => name !== 'PROJECTION');
  if (aggregate?.name !== 'UNGROUPED_AGGREGATE') return false;
  const isPlain = above
    .slice(0, above.indexOf(aggregate))
    .every((node) =>
      texts(node.extra_info['Projections']).every((text) => /^"?\w*"?$|^#\d+$/.test(text)),
    );
  return (
    isPlain &&
    texts(aggregate.extra_info['Aggregates']).every((text) =>
      /^count_star\(\)$|^(?:min|max)\(#\d+\)$/.test(text),
    )
  );
}

function texts(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

const WORDS: ReadonlySet<string> = new Set([
  'AND',
  'OR',
  'NOT',
  'IN',
  'IS',
  'NULL',
  'BETWEEN',
  'LIKE',
  'CASE',
  'WHEN',
  'THEN',
  'ELSE',
  'END',
  'CAST',
  'AS',
  'TRUE',
  'FALSE',
  'OPTIONAL',
]);

/** Names in a filter's text that may be columns: texts, casts' types, function names and keywords are left out. */
export function identifiers(filter: string): readonly string[] {
  const bare = filter
    .replaceAll(/'(?:[^']|'')*'/g, ' ')
    .replaceAll(/ AS [A-Z][A-Z0-9_ ]*(?:\([\d, ]*\))?\)/g, ')')
    .replaceAll(/::\s*[A-Z][A-Z0-9_ ]*(?:\([\d, ]*\))?/g, ' ');
  const found = new Set<string>();
  for (const match of bare.matchAll(/"((?:[^"]|"")+)"(\s*\()?|\b([A-Za-z_]\w*)\b(\s*\()?/g)) {
    const name = match[1] ?? match[3] ?? '';
    const isCall =
      match[2] !== undefined || (match[4] !== undefined && !WORDS.has(name.toUpperCase()));
    if (!isCall && !(match[3] !== undefined && WORDS.has(name.toUpperCase()))) found.add(name);
  }
  return [...found];
}
