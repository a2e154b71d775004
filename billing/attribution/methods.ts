/** The methods by which an hour can be allocated, by name. */
import { attributed } from './attributed.js';
import { elapsedShare } from './elapsed-share.js';
import { perQuery } from './per-query.js';
import { sweep } from './sweep.js';
import type { AllocationMethod, WarehouseHour } from './warehouse-hour.js';

export const METHODS: Readonly<Record<AllocationMethod['name'], AllocationMethod>> = {
  sweep,
  elapsedShare,
  attributed,
  perQuery,
};

/**
 * Snowflake's own figures where the hour has them, because nobody disputes those; else the sweep. An hour whose
 * attributed column is still empty is allocated by the sweep until the figures come. An adaptive warehouse has no clusters
 * to sweep: each statement has its own figure there.
 */
export function methodFor(hour: WarehouseHour): AllocationMethod {
  if (hour.queryCredits !== null) return perQuery;
  return hour.attributedCredits === null ? sweep : attributed;
}
