/** What conditions of rules see of a statement, from its facts, its estimate and who asks. */
import type { Estimate } from '../estimate/estimate.js';
import type { Join, StatementFacts } from '../sql/facts.js';
import type { ConditionInput } from './condition.js';
import type { DecisionContext } from './decision-context.js';
import { tableSizes } from './table-sizes.js';

/** Columns that every reading of their table filters: one reading without the filter reads all of it. */
function filteredColumns(facts: StatementFacts): readonly string[] {
  const columns = new Set(
    facts.filters.map(({ table, column }) => JSON.stringify([table, column])),
  );
  return [...columns].flatMap((key) => {
    const found = facts.filters.find(
      ({ table, column }) => JSON.stringify([table, column]) === key,
    );
    if (found === undefined) return [];
    const isEverywhere = facts.readings.every(
      ({ table, filters }) =>
        table !== found.table || filters.some(({ column }) => column === found.column),
    );
    return isEverywhere ? [`${found.table}.${found.column}`] : [];
  });
}

/** Everything that a condition can ask of a statement. */
export function conditionInput(
  facts: StatementFacts,
  estimate: Estimate,
  context: DecisionContext,
): ConditionInput {
  const sizes = context.sizes ?? tableSizes(facts);
  return {
    statement: {
      class: facts.class,
      opaque: facts.opaque,
      tablesRead: facts.tablesRead,
      tablesWritten: facts.tablesWritten,
      columns: Object.entries(facts.columns).flatMap(([table, columns]) =>
        columns.map((column) => `${table}.${column}`),
      ),
      filtered: filteredColumns(facts),
      selectStar: facts.hasSelectStar,
      crossJoin: facts.hasCrossJoin,
      hasLimit: facts.limit !== null,
      unknown: facts.unknown,
      location: context.location,
      functions: facts.functions,
      stages: facts.stages,
      joins: facts.joins.map(joinText),
      innerClasses: facts.innerClasses,
      aggregation: facts.hasAggregation,
      window: facts.hasWindowFunction,
      timeTravel: facts.hasTimeTravel,
      sample: facts.hasSample,
      steers: context.steers ?? [],
      fullScans: sizes.fullScans,
    },
    estimate: {
      basis: estimate.basis,
      expectedCredits: estimate.expectedCredits,
      highCredits: estimate.highCredits,
      expectedSeconds: estimate.expectedSeconds,
      bytes: BigInt(Math.round(estimate.bytes ?? -1)),
      tableBytes: wholeNumbers(sizes.bytes),
      columnCounts: wholeNumbers(sizes.columns),
      missingFilters: estimate.advice.map((advice) => `${advice.table}.${advice.column}`),
    },
    caller: {
      account: context.account,
      principal: context.principal.id,
      kind: context.principal.kind,
      shared: context.principal.shared,
      via: context.via?.id ?? '',
      team: context.team.id,
      department: context.team.department,
      client: context.client,
      workload: context.workload ?? '',
      role: context.role ?? '',
    },
    tier: context.tier.id,
    warehouse: context.warehouse,
    now: new Date(context.at),
  };
}

/** `DB.SCHEMA.TABLE.COLUMN = DB.SCHEMA.OTHER.COLUMN`, as conditions of rules see a join. */
export function joinText(join: Join): string {
  return `${join.leftTable}.${join.leftColumn} ${join.operator} ${join.rightTable}.${join.rightColumn}`;
}

function wholeNumbers(numbers: Readonly<Record<string, number>>): Readonly<Record<string, bigint>> {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, number]) => [name, BigInt(Math.round(number))]),
  );
}
