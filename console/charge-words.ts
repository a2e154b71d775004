/** Kinds of charges and of drivers, in the words that bills on paper have for them (`billing/bills/charge-words.ts`). */

export const KIND_WORDS: Readonly<Record<string, string>> = {
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

export const DRIVER_WORDS: Readonly<Record<string, string>> = {
  dashboard: 'Dashboard',
  dag: 'Workflow',
  model: 'dbt model',
  workload: 'Workload',
  user: 'Person',
  shape: 'Shape',
};

/** What a kind is called; one that this page is too old to know, by itself. */
export function kindText(kind: string): string {
  return KIND_WORDS[kind] ?? kind;
}

export function driverText(kind: string): string {
  return DRIVER_WORDS[kind] ?? kind;
}

/** What a row of costs without a key is called: of nobody, or of none of what was asked by. */
export function withoutKey(by: string): string {
  return by === 'team' || by === 'principal' || by === 'user' ? 'of nobody' : `no ${by}`;
}
