/** Facts of several statements as those of one: of a script, of a chain, of a definition and the query in it. */
import type { Filter, StatementFacts } from './facts.js';

function distinct(filters: readonly Filter[]): readonly Filter[] {
  return [...new Map(filters.map((filter) => [JSON.stringify(filter), filter])).values()];
}

/** The facts `own` of the statement around, and all that `inner` says; classes of the inner ones are listed. */
export function merged(own: StatementFacts, inner: readonly StatementFacts[]): StatementFacts {
  const every = [own, ...inner];
  const all = (pick: (facts: StatementFacts) => readonly string[]): readonly string[] =>
    [...new Set(every.flatMap(pick))].toSorted();
  const tables = all((facts) => Object.keys(facts.columns));
  const [only] = inner.length === 1 ? inner : [];
  return {
    ...own,
    opaque: every.some((facts) => facts.opaque),
    tablesRead: all((facts) => facts.tablesRead),
    tablesWritten: all((facts) => facts.tablesWritten),
    areas: every.flatMap((facts) => facts.areas),
    columns: Object.fromEntries(
      tables.map((table) => [table, all((facts) => facts.columns[table] ?? [])]),
    ),
    filters: distinct(every.flatMap((facts) => facts.filters)),
    readings: every.flatMap((facts) => facts.readings),
    joins: every.flatMap((facts) => facts.joins),
    hasSelectStar: every.some((facts) => facts.hasSelectStar),
    hasCrossJoin: every.some((facts) => facts.hasCrossJoin),
    limit: only?.limit ?? null,
    functions: all((facts) => facts.functions),
    stages: [...new Set(every.flatMap((facts) => facts.stages))],
    hasAggregation: every.some((facts) => facts.hasAggregation),
    hasWindowFunction: every.some((facts) => facts.hasWindowFunction),
    hasTimeTravel: every.some((facts) => facts.hasTimeTravel),
    hasSample: every.some((facts) => facts.hasSample),
    innerClasses: inner.flatMap((facts) => [facts.class, ...facts.innerClasses]),
    setsWarehouse: every.some((facts) => facts.setsWarehouse),
    isFree: inner.every((facts) => facts.isFree),
    unknown: [...new Set(every.flatMap((facts) => facts.unknown))],
  };
}
