/**
 * What is kept of a judged text, so that a later document can judge it again: its facts without literals, and what the
 * decision took from outside the text. A condition cannot see more of a statement than is kept here.
 */
import { z } from 'zod';
import { type Credits, formatAmount, parseCredits } from '#base/units.js';
import { BASES, type Estimate } from '../estimate/estimate.js';
import {
  FILTER_OPERATORS,
  STATEMENT_CLASSES,
  type StatementFacts,
  UNKNOWN_FACTS,
} from '../sql/facts.js';
import type { JudgedPart } from './decision-context.js';
import { type TableSizes, tableSizes } from './table-sizes.js';
import { STAGE_LOCATIONS, type StageLocation } from './stage-location.js';

/** Longest record that is kept, in characters. */
export const RECORD_LENGTH_MAX = 32_768;

const names = z.array(z.string());
const filter = z.object({
  table: z.string(),
  column: z.string(),
  operator: z.enum(FILTER_OPERATORS),
});
const statement = z.object({
  class: z.enum(STATEMENT_CLASSES),
  opaque: z.boolean(),
  fingerprint: z.string(),
  tablesRead: names,
  tablesWritten: names,
  /** Records from before there were areas have none. */
  areas: z
    .array(
      z.object({
        action: z.enum(['read', 'write']),
        database: z.string(),
        schema: z.string().nullable(),
      }),
    )
    .default([]),
  columns: z.record(z.string(), names),
  filters: z.array(filter),
  readings: z.array(z.object({ table: z.string(), filters: z.array(filter) })),
  joins: z.array(
    z.object({
      leftTable: z.string(),
      leftColumn: z.string(),
      operator: z.enum(['=', '<>', '<', '<=', '>', '>=']),
      rightTable: z.string(),
      rightColumn: z.string(),
    }),
  ),
  hasSelectStar: z.boolean(),
  hasCrossJoin: z.boolean(),
  hasLimit: z.boolean(),
  isRowCount: z.boolean(),
  isOrdered: z.boolean(),
  functions: names,
  stages: names,
  hasAggregation: z.boolean(),
  hasWindowFunction: z.boolean(),
  hasTimeTravel: z.boolean(),
  hasSample: z.boolean(),
  innerClasses: z.array(z.enum(STATEMENT_CLASSES)),
  setsWarehouse: z.boolean(),
  isFree: z.boolean(),
  unknown: z.array(z.enum(UNKNOWN_FACTS)),
});
const record = z.object({ statements: z.array(statement) });
type Statement = z.infer<typeof statement>;

/** What a decision took from outside the text. */
export interface PastContext {
  readonly client: string;
  /** It chose to wait for the off-peak hours, also where they were at once; absent: it did not. */
  readonly isOffPeak?: boolean;
  /** One entry a statement. */
  readonly parts: readonly {
    readonly location: StageLocation;
    /** Amounts are decimal strings. */
    readonly estimate: {
      readonly basis: Estimate['basis'];
      readonly low: string;
      readonly expected: string;
      readonly high: string;
      readonly seconds: number;
      readonly bytes: number | null;
    };
    /** Clustering columns that were not filtered: table and column. */
    readonly missing: readonly (readonly [table: string, column: string])[];
    readonly steers: readonly string[];
    readonly sizes: TableSizes;
  }[];
}

const context: z.ZodType<PastContext> = z.object({
  client: z.string(),
  isOffPeak: z.boolean().exactOptional(),
  parts: z.array(
    z.object({
      location: z.enum(STAGE_LOCATIONS),
      estimate: z.object({
        basis: z.enum(BASES),
        low: z.string(),
        expected: z.string(),
        high: z.string(),
        seconds: z.number(),
        bytes: z.number().nullable(),
      }),
      missing: z.array(z.tuple([z.string(), z.string()])),
      steers: names,
      sizes: z.object({
        bytes: z.record(z.string(), z.number()),
        columns: z.record(z.string(), z.number()),
        fullScans: names,
      }),
    }),
  ),
});

/** The record of a text; undefined when it is too long to be kept. */
export function toPastRecord(statements: readonly StatementFacts[]): string | undefined {
  const text = JSON.stringify({ statements: statements.map(toStatement) });
  return text.length > RECORD_LENGTH_MAX ? undefined : text;
}

function toStatement(facts: StatementFacts): Statement {
  const { literalsHash: _literals, limit, filters, readings, stages, ...rest } = facts;
  const bare = (list: StatementFacts['filters']): Statement['filters'] =>
    list.map(({ table, column, operator }) => ({ table, column, operator }));
  return {
    ...rest,
    tablesRead: [...facts.tablesRead],
    tablesWritten: [...facts.tablesWritten],
    areas: [...facts.areas],
    columns: Object.fromEntries(
      Object.entries(facts.columns).map(([table, columns]) => [table, [...columns]]),
    ),
    joins: [...facts.joins],
    functions: [...facts.functions],
    innerClasses: [...facts.innerClasses],
    unknown: [...facts.unknown],
    filters: bare(filters),
    readings: readings.map((each) => ({ table: each.table, filters: bare(each.filters) })),
    hasLimit: limit !== null,
    // An address outside the account is a literal, and may carry a secret.
    stages: stages.map((stage) => (stage.startsWith('@') ? stage : withoutAddress(stage))),
  };
}

/** `s3://` of `s3://bucket/path`. */
function withoutAddress(stage: string): string {
  return `${stage.split('//', 1)[0] ?? ''}//`;
}

/** What is kept beside the record. */
export function toPastContext(
  client: string,
  parts: readonly JudgedPart[],
  isOffPeak: boolean,
): PastContext {
  return {
    client,
    ...(isOffPeak ? { isOffPeak } : {}),
    parts: parts.map(({ facts, estimate, location, steers = [], sizes = tableSizes(facts) }) => ({
      location,
      steers,
      sizes,
      missing: estimate.advice.map(({ table, column }) => [table, column]),
      estimate: {
        basis: estimate.basis,
        low: formatAmount(estimate.lowCredits),
        expected: formatAmount(estimate.expectedCredits),
        high: formatAmount(estimate.highCredits),
        seconds: estimate.expectedSeconds,
        bytes: estimate.bytes,
      },
    })),
  };
}

/** The facts of a record; undefined when it is none that this program wrote. */
export function tryReadRecord(raw: unknown): readonly StatementFacts[] | undefined {
  const parsed = record.safeParse(raw);
  if (!parsed.success) return undefined;
  const open = (list: Statement['filters']): StatementFacts['filters'] =>
    list.map((each) => ({ ...each, low: null, high: null }));
  return parsed.data.statements.map(({ hasLimit, filters, readings, ...rest }) => ({
    ...rest,
    literalsHash: '',
    limit: hasLimit ? 1 : null,
    filters: open(filters),
    readings: readings.map((each) => ({ table: each.table, filters: open(each.filters) })),
  }));
}

/** Facts with what stood beside them; undefined when the two do not belong together. */
export function tryReadParts(
  statements: readonly StatementFacts[],
  raw: unknown,
): { readonly client: string; readonly parts: readonly JudgedPart[] } | undefined {
  const parsed = context.safeParse(raw);
  if (!parsed.success || parsed.data.parts.length !== statements.length) return undefined;
  const parts = parsed.data.parts.flatMap((part, index): JudgedPart[] => {
    const facts = statements[index];
    if (facts === undefined) return [];
    const { location, steers, sizes } = part;
    return [{ facts, location, steers, sizes, estimate: toEstimate(part) }];
  });
  return { client: parsed.data.client, parts };
}

function toEstimate({ estimate, missing }: PastContext['parts'][number]): Estimate {
  return pastEstimate({
    ...estimate,
    low: parseCredits(estimate.low),
    expected: parseCredits(estimate.expected),
    high: parseCredits(estimate.high),
    missing,
  });
}

/** What is known of an estimate that was made once. */
export interface PastAmounts {
  readonly basis: Estimate['basis'];
  readonly low: Credits;
  readonly expected: Credits;
  readonly high: Credits;
  readonly seconds: number;
  readonly bytes: number | null;
  readonly missing?: PastContext['parts'][number]['missing'];
}

/** An estimate as it was; nothing is learnt from it. */
export function pastEstimate(amounts: PastAmounts): Estimate {
  return {
    basis: amounts.basis,
    lowCredits: amounts.low,
    expectedCredits: amounts.expected,
    highCredits: amounts.high,
    expectedSeconds: amounts.seconds,
    expectedElapsedSeconds: amounts.seconds,
    bytes: amounts.bytes,
    partitions: null,
    advice: (amounts.missing ?? []).map(([table, column]) => ({
      table,
      column,
      range: '',
      creditsAfter: amounts.low,
    })),
    shape: null,
    believed: null,
  };
}
