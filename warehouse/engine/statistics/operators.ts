/** The operators of a plan in Snowflake's names (page "EXPLAIN"), from DuckDB's physical plan: what stands above each scan. */
import type { PlannedOperator } from '../engine.js';
import { nodesOfPlan, scanOf, type PlanNode } from './scans.js';

const NAMES: Readonly<Record<string, string>> = {
  TOP_N: 'SortWithLimit',
  ORDER_BY: 'Sort',
  LIMIT: 'Limit',
  STREAMING_LIMIT: 'Limit',
  LIMIT_PERCENT: 'Limit',
  FILTER: 'Filter',
  HASH_GROUP_BY: 'Aggregate',
  PERFECT_HASH_GROUP_BY: 'Aggregate',
  UNGROUPED_AGGREGATE: 'Aggregate',
  PARTITIONED_AGGREGATE: 'Aggregate',
  SIMPLE_AGGREGATE: 'Aggregate',
  WINDOW: 'WindowFunction',
  STREAMING_WINDOW: 'WindowFunction',
  UNION: 'UnionAll',
  CROSS_PRODUCT: 'CartesianJoin',
  CTE: 'WithClause',
  RECURSIVE_CTE: 'RecursiveWithClause',
  UNNEST: 'Flatten',
  STREAMING_SAMPLE: 'SampleRows',
  RESERVOIR_SAMPLE: 'SampleRows',
  DUMMY_SCAN: 'ValuesClause',
  COLUMN_DATA_SCAN: 'ValuesClause',
  EMPTY_RESULT: 'ValuesClause',
};
const JOINS: Readonly<Record<string, string>> = {
  INNER: 'InnerJoin',
  LEFT: 'LeftOuterJoin',
  RIGHT: 'RightOuterJoin',
  OUTER: 'FullOuterJoin',
  FULL: 'FullOuterJoin',
  SEMI: 'SemiJoin',
  ANTI: 'AntiJoin',
};

/** Operators in plan order, parents before children; projections and what Snowflake has no operator for are passed over. */
export function operatorsOfPlan(json: string): readonly PlannedOperator[] {
  const found: PlannedOperator[] = [];
  let scans = 0;
  const walk = (node: PlanNode, above: readonly PlanNode[], parent: number): void => {
    const isScan = scanOf(node, above) !== undefined;
    const operation = isScan ? 'TableScan' : nameOf(node);
    let next = parent;
    // A filter right above a scan is shown with the scan.
    const isOwnFilter = node.name === 'FILTER' && isScanOf(node, above);
    if (operation !== undefined && !isOwnFilter) {
      next = found.length;
      const expressions = isScan ? [] : expressionsOf(node);
      found.push({ operation, parent, expressions, ...(isScan ? { scan: scans++ } : {}) });
    }
    for (const child of node.children) walk(child, [node, ...above], next);
  };
  for (const root of nodesOfPlan(json)) walk(root, [], -1);
  return found;
}

function isScanOf(node: PlanNode, above: readonly PlanNode[]): boolean {
  const child = node.children[0];
  return (
    node.children.length === 1 &&
    child !== undefined &&
    (child.name === 'FILTER'
      ? isScanOf(child, [node, ...above])
      : scanOf(child, [node, ...above]) !== undefined)
  );
}

function nameOf(node: PlanNode): string | undefined {
  if (!node.name.endsWith('_JOIN')) return NAMES[node.name];
  const kind = node.extra_info['Join Type'];
  const word = typeof kind === 'string' ? (kind.split(/[\s_]/)[0] ?? '').toUpperCase() : '';
  return JOINS[word] ?? 'Join';
}

const SHOWN = [
  'Conditions',
  'Condition',
  'Expression',
  'Order By',
  'Groups',
  'Aggregates',
] as const;

/** Expressions without references to columns by number, which say nothing to a reader. */
function expressionsOf(node: PlanNode): readonly string[] {
  return SHOWN.flatMap((key) => {
    const value = node.extra_info[key];
    return value === undefined ? [] : typeof value === 'string' ? [value] : value;
  }).filter((text) => text !== '' && !/#\d|\btg_/i.test(text));
}
