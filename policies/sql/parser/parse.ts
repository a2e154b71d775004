/** One text through the parser and the walker. Runs in the worker. */
import type { ParseOutcome } from '../tree/raw-facts.js';
import { walkStatement } from '../tree/walker.js';

/** The parser's entry, handed in because loading it is slow and asynchronous. */
export type Parse = (sql: string) => {
  readonly success: boolean;
  readonly ast?: unknown;
  readonly error?: string | undefined;
};

/** Nodes that succeed without being understood. */
const OPAQUE_TOPS: ReadonlySet<string> = new Set(['command', 'raw', 'execute', 'call']);

/**
 * Facts of `sql`, which must be one statement. `refused` when the parser refuses, succeeds without understanding, or
 * sees another number of statements; its guards on depth and length make it too complex. Throws when the parser's
 * instance is broken: the worker must then be discarded.
 */
export function parseStatement(parse: Parse, sql: string): ParseOutcome {
  const result = parse(sql);
  const trees = result.ast;
  if (!result.success || !Array.isArray(trees) || trees.length !== 1) {
    return { kind: 'refused', isTooComplex: result.error?.includes('E_GUARD_') === true };
  }
  const facts = walkStatement(trees[0]);
  return facts === undefined || OPAQUE_TOPS.has(facts.top)
    ? { kind: 'refused', isTooComplex: false }
    : { kind: 'parsed', facts };
}
