/** What kinds of charges, drivers and states of a month are called on paper, in every output alike. */
import type { ChargeKind, Driver, MonthState } from './billed-month.js';

export const KIND_WORDS: Readonly<Record<ChargeKind, string>> = {
  direct: 'Own statements',
  resumeMinute: 'Warehouse start-up',
  idle: 'Idle warehouse time',
  shortQuery: 'Very short statements',
  bypass: 'Ran outside Tollgate',
  unexplained: 'Not explained by Snowflake',
  cloudServices: 'Cloud services',
  cloudServicesAdjustment: 'Cloud services adjustment',
  acceleration: 'Query acceleration',
  service: 'Serverless and AI services',
  storage: 'Storage',
  transfer: 'Data transfer',
  variance: "Between Snowflake's figures",
  correction: 'Late corrections',
  adjustment: 'Adjustments and credit notes',
  rounding: 'Rounding to the invoice',
};

/** How a state is stamped on a bill, and the sentence that goes with it while the figures are not final. */
export const STATE_WORDS: Readonly<
  Record<MonthState, { readonly stamp: string; readonly warning: string | null }>
> = {
  open: {
    stamp: 'Provisional',
    warning: 'The month is open and its figures still change.',
  },
  softClosed: {
    stamp: 'Draft',
    warning: 'The month is frozen, not closed: not to be booked yet.',
  },
  inReview: {
    stamp: 'In review',
    warning: 'The month is not closed: not to be booked yet.',
  },
  approved: {
    stamp: 'Approved',
    warning: 'The month is not closed: not to be booked yet.',
  },
  closed: { stamp: 'Closed', warning: null },
  superseded: {
    stamp: 'Superseded',
    warning: 'A later version of this bill was issued.',
  },
};

/** What a driver is, on pages and sheets. */
export const DRIVER_WORDS: Readonly<Record<Driver['kind'], string>> = {
  dashboard: 'Dashboard',
  dag: 'Workflow',
  model: 'dbt model',
  workload: 'Workload',
  user: 'Person',
  shape: 'Shape',
};

/** Status as scripts read it: an open month is `provisional`. */
export function statusOf(state: MonthState): string {
  return state === 'open' ? 'provisional' : state;
}
