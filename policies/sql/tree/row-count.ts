/** Whether a query asks for nothing but how many rows a table has, which Snowflake keeps beside the table. */
import { isNode, listAt, tagged, type Node } from './ast.js';

const QUERY_KEYS: ReadonlySet<string> = new Set(['expressions', 'from', 'limit']);
const COUNT_KEYS: ReadonlySet<string> = new Set(['star', 'original_name']);
const TABLE_KEYS: ReadonlySet<string> = new Set(
  'name schema catalog alias alias_explicit_as'.split(' '),
);

/**
 * True for `SELECT COUNT(*) FROM t`, also with an alias or LIMIT. Anything else in the query, whatever the parser calls it,
 * makes it false: a filter, a sample, an earlier state of the table.
 */
export function isRowCount(tag: string, body: Node): boolean {
  if (tag !== 'select' || !hasOnly(body, QUERY_KEYS)) return false;
  const items = listAt(body, 'expressions');
  const from = body['from'];
  const sources = isNode(from) ? listAt(from, 'expressions') : [];
  const source = tagged(sources[0]);
  return (
    items.length > 0 &&
    items.every(isStarCount) &&
    sources.length === 1 &&
    source?.tag === 'table' &&
    hasOnly(source.body, TABLE_KEYS)
  );
}

function isStarCount(item: unknown): boolean {
  const node = tagged(item);
  if (node?.tag === 'alias') return isStarCount(node.body['this']);
  return node?.tag === 'count' && node.body['star'] === true && hasOnly(node.body, COUNT_KEYS);
}

/** Whether nothing but `keys` says anything. */
function hasOnly(body: Node, keys: ReadonlySet<string>): boolean {
  return Object.entries(body).every(([key, value]) => keys.has(key) || isNothing(value));
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return true;
  return Array.isArray(value) && value.length === 0;
}
