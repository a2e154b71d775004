/**
 * What Snowflake's own EXPLAIN says that a statement would read. It compiles only, so it is an upper bound: pruning at
 * run time, LIMIT and filters that come from joins are not in it.
 */
import { z } from 'zod';

export interface ExplainBound {
  readonly bytes: number;
  readonly partitions: { readonly assigned: number; readonly total: number };
}

/** Longest plan that is read; one of some hundred operators has a tenth of it. */
const TEXT_MAX = 512 * 1024;

const count = z.int().nonnegative();
const plan = z.object({
  GlobalStats: z.object({
    partitionsTotal: count,
    partitionsAssigned: count,
    bytesAssigned: count,
  }),
});

/**
 * Reads the answer of `EXPLAIN USING JSON` (Snowflake, "EXPLAIN": member GlobalStats). Total: undefined for text that is
 * no such plan, and for a plan without a partition, which says nothing of what is read (external files, functions that
 * make rows).
 */
export function parseExplain(text: string): ExplainBound | undefined {
  if (text.length > TEXT_MAX) return undefined;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  const read = plan.safeParse(document);
  if (!read.success) return undefined;
  const { partitionsTotal, partitionsAssigned, bytesAssigned } = read.data.GlobalStats;
  if (partitionsTotal === 0 || partitionsAssigned > partitionsTotal) return undefined;
  return {
    bytes: bytesAssigned,
    partitions: { assigned: partitionsAssigned, total: partitionsTotal },
  };
}
