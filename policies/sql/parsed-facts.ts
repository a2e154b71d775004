/** Facts of one statement from the parser's tree of it. */
import type { StatementClass, StatementHead } from '#base/sql/statement-class.js';
import { opaqueFacts, type StatementPlace } from './bare-facts.js';
import type { Catalogue, StatementFacts, UnknownFact } from './facts.js';
import { boundFilters, resolveNames } from './resolve.js';
import type { ShapeFacts, ShapeLiterals } from './shape-outcome.js';
import type { ParseOutcome } from './tree/raw-facts.js';
import { callsOnlyCheap, hasNoSource } from './words/free.js';
import { namesByPosition } from './words/positions.js';
import type { TokenList } from './words/token-list.js';

/** What became of a statement, and how its literals decide on its facts where those of its shape are shared. */
export type ShapedOutcome = ParseOutcome & { readonly literals?: ShapeLiterals };

/** What such facts are made with. */
export interface ParseInput extends StatementPlace {
  readonly catalogue: Catalogue;
  /** Parses the statement of `list`; the outcome is refused when the budget of the request text is used up. */
  readonly parse: (list: TokenList) => Promise<ShapedOutcome>;
}

/** Tops of the parser's tree that fit each class: another one means it read something else than Snowflake would. */
const TOPS: Readonly<Partial<Record<StatementClass, ReadonlySet<string>>>> = {
  query: new Set([
    'select',
    'union',
    'intersect',
    'except',
    'subquery',
    'paren',
    'values',
    'set_statement',
  ]),
  dml: new Set(['insert', 'multitable_inserts', 'update', 'delete', 'merge']),
};

export interface ParsedFacts {
  readonly facts: StatementFacts;
  /** What other statements of the shape need beside them. */
  readonly shared?: Omit<ShapeFacts, 'facts'>;
}

/** Facts of a statement that goes to the parser as it is, on top of `bare`. Rejects only if `input.parse` does. */
export async function parsedFacts(
  input: ParseInput,
  list: TokenList,
  head: StatementHead,
  bare: StatementFacts,
): Promise<ParsedFacts> {
  const outcome = await input.parse(list);
  if (outcome.kind !== 'parsed') {
    // No parser had the time: what has no place for a table is free all the same.
    const isUnseen = outcome.kind === 'unavailable' || isTooComplex(outcome);
    if (isUnseen && head.class === 'query' && hasNoSource(input.tokens, input.range))
      return { facts: { ...bare, isFree: true } };
    return { facts: await opaqueFacts(bare, input, isTooComplex(outcome)) };
  }
  const { facts: raw, literals } = outcome;
  const hasTarget = raw.hasDynamicName || raw.tables.some(({ isWritten }) => isWritten);
  // What writes without a target was read wrongly.
  if (TOPS[head.class]?.has(raw.top) === false || (head.class === 'dml' && !hasTarget))
    return { facts: await opaqueFacts(bare, input) };
  const resolved = resolveNames(raw, input.context, input.catalogue);
  const readsTables = raw.tables.some(({ isWritten }) => !isWritten);
  const named = namesByPosition(input.tokens, input.range, readsTables)
    ? { ...resolved, unknown: [...new Set<UnknownFact>([...resolved.unknown, 'columns'])] }
    : resolved;
  const isTableless = raw.tables.length === 0 && !raw.hasDynamicName;
  const facts: StatementFacts = {
    ...bare,
    ...named,
    ...boundFilters(named, raw.filters),
    opaque: raw.hasDynamicName,
    hasSelectStar: raw.hasSelectStar,
    hasCrossJoin: raw.hasCrossJoin,
    limit: raw.limit,
    isOrdered: raw.isOrdered,
    isRowCount: raw.isRowCount,
    isFree: bare.class !== 'dml' && isTableless && callsOnlyCheap(input.tokens, input.range),
  };
  return literals === undefined ? { facts } : { facts, shared: { named, literals } };
}

function isTooComplex(outcome: ParseOutcome): boolean {
  return outcome.kind === 'refused' && outcome.isTooComplex;
}
