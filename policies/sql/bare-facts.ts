/** Facts of a statement before, beside and instead of those that the parser tells. */
import type { Tokens } from '#base/sql/lexer.js';
import { withRests } from '#base/sql/steps.js';
import type { StatementRange } from '#base/sql/splitter.js';
import type { StatementClass } from '#base/sql/statement-class.js';
import type { NameContext, StatementFacts, UnknownFact } from './facts.js';
import { qualify } from './resolve.js';
import { scanSteps } from './words/token-scan.js';
import { NO_TRAITS } from './words/traits.js';

/** Facts that say nothing. */
export function bareFacts(statementClass: StatementClass, fingerprint: string): StatementFacts {
  return {
    class: statementClass,
    opaque: false,
    fingerprint,
    literalsHash: '',
    tablesRead: [],
    tablesWritten: [],
    areas: [],
    columns: {},
    filters: [],
    readings: [],
    joins: [],
    hasSelectStar: false,
    hasCrossJoin: false,
    limit: null,
    isOrdered: false,
    isRowCount: false,
    ...NO_TRAITS,
    innerClasses: [],
    setsWarehouse: false,
    isFree: false,
    unknown: [],
  };
}

/** Where the words of a statement stand, and what its names mean. */
export interface StatementPlace {
  /** Lets others have the event loop when this text has kept it for a while. */
  readonly rest: () => Promise<void>;
  readonly tokens: Tokens;
  readonly range: StatementRange;
  readonly context: NameContext;
}

/** Facts of a text that was not understood: its class stays, tables are those that words point to. */
export async function opaqueFacts(
  bare: StatementFacts,
  { tokens, range, context, rest }: StatementPlace,
  wasTooComplex: boolean = false,
): Promise<StatementFacts> {
  const unknown: UnknownFact[] = ['tables', 'columns', 'filters'];
  if (wasTooComplex) unknown.push('too-complex');
  const found = await withRests(scanSteps(tokens, range), rest);
  const full = (names: readonly (readonly string[])[]): readonly string[] =>
    [...new Set(names.map((parts) => qualify(parts, context).name))].toSorted();
  return {
    ...bare,
    tablesRead: full(found.read),
    tablesWritten: full(found.written),
    opaque: true,
    unknown,
  };
}

/** All that a statement can hide, and what is `known` to be unknown. */
export function allUnknown(known: readonly UnknownFact[]): readonly UnknownFact[] {
  return [...new Set<UnknownFact>(['tables', 'columns', 'filters', ...known])];
}

/** `facts` with every table once, in order. */
export function withSortedTables(facts: StatementFacts): StatementFacts {
  return {
    ...facts,
    tablesRead: [...new Set(facts.tablesRead)].toSorted(),
    tablesWritten: [...new Set(facts.tablesWritten)].toSorted(),
  };
}

/** A view that reads itself is recursive: its name stands for its own rows. */
export function withoutSelf(facts: StatementFacts): StatementFacts {
  const isOther = (table: string): boolean => !facts.tablesWritten.includes(table);
  return {
    ...facts,
    tablesRead: facts.tablesRead.filter(isOther),
    columns: Object.fromEntries(Object.entries(facts.columns).filter(([table]) => isOther(table))),
    filters: facts.filters.filter(({ table }) => isOther(table)),
    readings: facts.readings.filter(({ table }) => isOther(table)),
    joins: facts.joins.filter(
      ({ leftTable, rightTable }) => isOther(leftTable) && isOther(rightTable),
    ),
  };
}
