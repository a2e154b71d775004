/**
 * The true cost of statements: what a shape reads and writes, at which throughput, with what noise, and how that
 * changes. Nothing here is shared with `policies/estimate`, so that the estimator cannot be right by construction.
 */
import type { EpochMs } from '../../base/time.js';
import { hashOf } from './draw.js';
import type { Draw } from './draw.js';
import { columnsTouched } from './plan.js';
import type { Literals, Plan } from './plan.js';
import { readShare, rowsAt } from './tables.js';
import type { Table } from './tables.js';

/** Bytes that one server reads and works through in a second, before what the operators of a shape add. */
const BYTES_PER_SECOND_AND_NODE = 150_000_000;
/** Twice the servers are not quite twice as fast. */
const SCALING = 0.95;
/** Writing costs more than reading. */
const WRITING = 2.5;
const PARTITION_BYTES = 16_000_000;

interface Reading {
  readonly table: Table;
  /** Compressed bytes a row in the columns touched. */
  readonly width: number;
  /** Its date is what the window of the statement filters. */
  readonly isWindowed: boolean;
}

export interface Shape {
  /** Tells shapes apart; stands for what the parameterised hash is made of. */
  readonly id: string;
  readonly queryType: string;
  readonly readings: readonly Reading[];
  /** Bytes written per byte read. */
  readonly writtenShare: number;
  /** Bytes that do not come from a table: files that are loaded. */
  readonly fileBytes: number;
  /** Operators, and what nobody can see in the text. */
  readonly workFactor: number;
  readonly overheadMs: number;
  readonly compileMs: number;
  /** Spread of the logarithm of the work from run to run. */
  readonly sigma: number;
  /** Some runs find most of what they need already there, and take a part of the time; null: none. */
  readonly quick: { readonly share: number; readonly factor: number } | null;
  /** Reading it anew after the warehouse was suspended takes this much longer. */
  readonly coldFactor: number;
  /** From an instant on it takes so many times as long. */
  readonly step: { readonly at: EpochMs; readonly factor: number } | null;
  /** Share that is read before a LIMIT stops it. */
  readonly stoppedShare: number;
  /** The same text may be answered from its last result. */
  readonly isReusable: boolean;
}

/** What the text of a reading statement tells of its cost, and what it does not. */
export function shapeOfPlan(
  id: string,
  queryType: string,
  plan: Plan,
  draw: Draw,
  options: { readonly writtenShare?: number; readonly step?: Shape['step'] } = {},
): Shape {
  const tables = [plan.table, ...plan.joins.map(({ table }) => table)];
  const touched = columnsTouched(plan);
  const distinct = plan.measures.filter(({ function: name }) => name.includes('DISTINCT')).length;
  const operators =
    1.2 ** plan.joins.length *
    1.35 ** distinct *
    1.04 ** plan.measures.length *
    (plan.form === 'ranked' ? 1.4 : 1) *
    (plan.isOrdered ? 1.05 : 1);
  return {
    id,
    queryType,
    readings: tables.map((table, index) => ({
      table,
      width: (touched[index] ?? []).reduce((sum, column) => sum + column.width, 0),
      isWindowed: index === 0 && plan.window !== 'none',
    })),
    writtenShare: options.writtenShare ?? 0,
    fileBytes: 0,
    workFactor: operators * draw.spread(1, 0.35),
    overheadMs: draw.spread(250, 0.4),
    compileMs: draw.spread(90 + 60 * plan.joins.length, 0.4),
    sigma: draw.between(0.1, 0.35),
    quick: null,
    coldFactor: draw.between(1.2, 2),
    step: options.step ?? null,
    stoppedShare: plan.form === 'star' && plan.isLimited ? draw.between(0.01, 0.2) : 1,
    isReusable: queryType === 'SELECT' && draw.happens(0.7),
  };
}

export interface Work {
  /** Compressed bytes that it takes from tables. */
  readonly bytesScanned: number;
  /** Milliseconds on a cluster of its own. */
  readonly workMs: number;
  /** Factor of this run alone, which nobody can know before. */
  readonly noise: number;
}

/**
 * The work of one run.
 * @param isCold whether the warehouse has not read a table since it was resumed.
 */
export function workOf(
  shape: Shape,
  literals: Literals,
  at: EpochMs,
  nodes: number,
  isCold: (table: Table) => boolean,
  draw: Draw,
): Work {
  let scanned = 0;
  let weighted = 0;
  for (const { table, width, isWindowed } of shape.readings) {
    const whole = rowsAt(table, at) * width;
    const wanted = whole * readShare(table, isWindowed ? literals.days : null, at);
    const bytes = Math.min(whole, Math.max(wanted, PARTITION_BYTES / 4)) * shape.stoppedShare;
    scanned += bytes;
    weighted += bytes * (isCold(table) ? shape.coldFactor : 1);
  }
  const bytes = weighted * (1 + WRITING * shape.writtenShare) + shape.fileBytes * WRITING;
  const throughput = BYTES_PER_SECOND_AND_NODE * nodes ** SCALING;
  const stepped = shape.step !== null && at >= shape.step.at ? shape.step.factor : 1;
  const own = (bytes / throughput) * 1000 * shape.workFactor * literalsFactor(shape, literals);
  const isQuick = shape.quick !== null && draw.happens(shape.quick.share);
  const noise = Math.exp(shape.sigma * draw.normal()) * (isQuick ? (shape.quick?.factor ?? 1) : 1);
  return {
    bytesScanned: Math.round(scanned),
    workMs: Math.max(5, (shape.overheadMs + own) * stepped * noise),
    noise,
  };
}

/** Common values of a filter leave more rows to work on than rare ones, and some literals are just slow. */
function literalsFactor(shape: Shape, { values }: Literals): number {
  let factor = 1;
  for (const value of values)
    factor *= (0.75 + 0.6 / (1 + value)) * (0.92 + 0.16 * hashUnit(shape.id, value));
  return factor;
}

function hashUnit(id: string, value: number): number {
  return hashOf(id, value) / 4_294_967_296;
}
