/**
 * What would make a priced statement cheaper, each way priced by the path's own steps: the statement with its missing
 * filters written in, and `SELECT *` without the column that weighs most. Nothing that cannot be priced is advised.
 */
import { compareAmounts } from '#base/units.js';
import type { Basis } from '#policies/estimate/estimate.js';
import type { TableStatistics } from '#policies/estimate/table-statistics.js';
import type { StatementFacts } from '#policies/sql/facts.js';
import { analyse } from './analyse.js';
import { estimate } from './estimate.js';
import type { Parts } from './parts.js';
import type { Estimated } from './stages.js';
import type { CheaperWays, ColumnAdvice, SuggestedRewrite } from './surface/explain-input.js';
import type { MissingFilter } from './surface/rewrite.js';

/** Filters that one suggestion adds, and tables whose columns are looked at. */
const FILTERS_MAX = 4;
const TABLES_MAX = 4;
/** A column that weighs less is not worth a line. */
const SHARE_MIN = 0.05;

const SCANNED: ReadonlySet<Basis> = new Set<Basis>(['TABLE_STATS', 'EXPLAIN_BOUND']);

const NOTHING: CheaperWays = { columns: [], rewrite: null };

/** The ways of a text of one statement; a text of several has the advice of its estimates alone. */
export async function cheaperWays(parts: Parts, statement: Estimated): Promise<CheaperWays> {
  const [facts, ...more] = statement.facts.statements;
  if (facts === undefined || more.length > 0 || statement.isFree) return NOTHING;
  return {
    columns: columnAdvice(parts, statement, facts),
    rewrite: await suggestedRewrite(parts, statement),
  };
}

async function suggestedRewrite(
  parts: Parts,
  statement: Estimated,
): Promise<SuggestedRewrite | null> {
  const tables = parts.statistics.statisticsOf(statement.identity.account);
  const filters = statement.estimate.advice.flatMap(({ table, column }): MissingFilter[] => {
    const last = /^(\d{4}-\d{2}-\d{2})(.*)$/.exec(tables.table(table)?.high ?? '');
    const day = last?.[1];
    return day === undefined ? [] : [{ table, column, day, hasTime: last?.[2] !== '' }];
  });
  if (filters.length === 0 || filters.length > FILTERS_MAX) return null;
  const sqlText = await parts.surface.withFilters(statement.query.sqlText, filters);
  if (sqlText === null) return null;
  const again = { ...statement, query: { ...statement.query, sqlText } };
  const priced = estimate(parts, await analyse(parts, again), null, statement.placement.warehouse);
  if (priced.kind === 'refused') return null;
  const { expectedCredits, highCredits, basis } = priced.statement.estimate;
  // What the analysis does not take for cheaper was not understood, whatever the grammar says.
  const isCheaper = compareAmounts(expectedCredits, statement.estimate.expectedCredits) < 0;
  return isCheaper && basis !== 'GUESS' ? { sqlText, expectedCredits, highCredits } : null;
}

/** Only beside an estimate of what is scanned: what a shape has used does not say which of its columns it was. */
function columnAdvice(
  parts: Parts,
  statement: Estimated,
  facts: StatementFacts,
): readonly ColumnAdvice[] {
  const { estimate: before } = statement;
  if (!facts.hasSelectStar || !SCANNED.has(before.basis)) return [];
  const tables = parts.statistics.statisticsOf(statement.identity.account);
  const starred = Object.keys(facts.columns)
    .filter((table) => facts.columns[table]?.includes('*') === true)
    .slice(0, TABLES_MAX);
  return starred.flatMap((table): ColumnAdvice[] => {
    const heaviest = heaviestColumn(tables.table(table));
    if (heaviest === undefined || heaviest.share < SHARE_MIN) return [];
    const { column, share, others } = heaviest;
    // No shape has this fingerprint: the price is the statistics' alone.
    const without = { ...facts, fingerprint: '', columns: { ...facts.columns, [table]: others } };
    const asked = { ...statement, facts: { ...statement.facts, statements: [without] } };
    const priced = estimate(parts, asked, null, statement.placement.warehouse);
    if (priced.kind === 'refused') return [];
    const after = priced.statement.estimate;
    const isCheaper = compareAmounts(after.expectedCredits, before.expectedCredits) < 0;
    if (after.basis !== 'TABLE_STATS' || !isCheaper) return [];
    const { expectedCredits: creditsAfter } = after;
    return [{ table, column, share, columnCount: others.length + 1, creditsAfter }];
  });
}

function heaviestColumn(
  table: TableStatistics | undefined,
):
  | { readonly column: string; readonly share: number; readonly others: readonly string[] }
  | undefined {
  const shares = Object.entries(table?.columns ?? {}).flatMap(([column, share]) =>
    share === undefined ? [] : [{ column, share }],
  );
  if (shares.length < 2) return undefined;
  const heaviest = shares.reduce((most, each) => (each.share > most.share ? each : most));
  const others = shares.map(({ column }) => column).filter((name) => name !== heaviest.column);
  return { ...heaviest, others };
}
