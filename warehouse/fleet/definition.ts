/** What an administrator sets of a warehouse: its properties, their defaults and limits, and how they are kept. */
import { z } from 'zod';
import type { EpochMs } from '#base/time.js';
import type { WarehouseMake } from './rates.js';
import { STANDARD_MAKE, WAREHOUSE_SIZES, compareSizes } from './rates.js';
import type { WarehouseSize } from './rates.js';
import { idOfName } from './warehouse-id.js';

export const SCALING_POLICIES = ['STANDARD', 'ECONOMY'] as const;
export type ScalingPolicy = (typeof SCALING_POLICIES)[number];

export interface WarehouseDefinition {
  /** Survives a rename. */
  readonly id: number;
  readonly name: string;
  readonly size: WarehouseSize;
  readonly make: WarehouseMake;
  /** 0 = never. */
  readonly autoSuspendSeconds: number;
  readonly autoResume: boolean;
  readonly clustersMin: number;
  readonly clustersMax: number;
  readonly scalingPolicy: ScalingPolicy;
  /** Statements at once on one cluster. */
  readonly maxConcurrency: number;
  /** 0 = none. */
  readonly statementTimeoutSeconds: number;
  /** 0 = none. */
  readonly queuedTimeoutSeconds: number;
  /** Kept and shown; nothing is accelerated here. */
  readonly hasQueryAcceleration: boolean;
  readonly accelerationScaleMax: number;
  readonly comment: string;
  readonly createdAtMs: EpochMs;
  readonly updatedAtMs: EpochMs;
}

/**
 * Most clusters by size. Source: Snowflake, "Multi-cluster warehouses", upper limit on number of clusters.
 */
export const CLUSTERS_MAX: Readonly<Record<WarehouseSize, number>> = {
  XSMALL: 300,
  SMALL: 300,
  MEDIUM: 300,
  LARGE: 160,
  XLARGE: 80,
  XXLARGE: 40,
  XXXLARGE: 20,
  X4LARGE: 10,
  X5LARGE: 10,
  X6LARGE: 10,
};

/** `MAX_CONCURRENCY_LEVEL` beyond this has no use here. */
export const CONCURRENCY_MAX = 1000;
/** Source: Snowflake, parameter STATEMENT_TIMEOUT_IN_SECONDS: seven days. */
export const TIMEOUT_SECONDS_MAX = 604_800;
/** Source: Snowflake, CREATE WAREHOUSE, QUERY_ACCELERATION_MAX_SCALE_FACTOR. */
export const ACCELERATION_SCALE_MAX = 100;
export const COMMENT_LENGTH_MAX = 1000;

/**
 * A warehouse created without any property. Source: Snowflake, CREATE WAREHOUSE: X-Small, auto-suspend after 600 s,
 * one cluster, eight statements at once, no time-out below the session's. The generation is 1: Snowflake's pages
 * differ about the default, and a caller that wants 2 says so.
 *
 * @param id its number, see `warehouse-id.ts`.
 */
export function defaultDefinition(
  name: string,
  createdAtMs: EpochMs,
  id: number = idOfName(name),
): WarehouseDefinition {
  return {
    id,
    name,
    size: 'XSMALL',
    make: STANDARD_MAKE,
    autoSuspendSeconds: 600,
    autoResume: true,
    clustersMin: 1,
    clustersMax: 1,
    scalingPolicy: 'STANDARD',
    maxConcurrency: 8,
    statementTimeoutSeconds: 0,
    queuedTimeoutSeconds: 0,
    hasQueryAcceleration: false,
    accelerationScaleMax: 8,
    comment: '',
    createdAtMs,
    updatedAtMs: createdAtMs,
  };
}

const make = z.object({
  kind: z.enum(['STANDARD', 'SNOWPARK-OPTIMIZED', 'INTERACTIVE']),
  generation: z.union([z.literal(1), z.literal(2)]),
  resourceConstraint: z.string().nullable(),
});

const stored = z.object({
  id: z.number().int().min(0).optional(),
  name: z.string().min(1),
  size: z.enum(WAREHOUSE_SIZES),
  make: make.optional(),
  autoSuspendSeconds: z.number().int().min(0),
  autoResume: z.boolean(),
  clustersMin: z.number().int().min(1).optional(),
  clustersMax: z.number().int().min(1).optional(),
  scalingPolicy: z.enum(SCALING_POLICIES).optional(),
  maxConcurrency: z.number().int().min(1).max(CONCURRENCY_MAX),
  statementTimeoutSeconds: z.number().int().min(0),
  queuedTimeoutSeconds: z.number().int().min(0).optional(),
  hasQueryAcceleration: z.boolean().optional(),
  accelerationScaleMax: z.number().int().min(0).max(ACCELERATION_SCALE_MAX).optional(),
  comment: z.string(),
  createdAtMs: z.number().int(),
  updatedAtMs: z.number().int().optional(),
});

/**
 * Reads the definitions that a file keeps. What a file of an earlier format lacks has the value of
 * {@link defaultDefinition}; a missing number is that of the name, which the views have always shown.
 *
 * @returns undefined when `source` is no list of definitions.
 */
export function tryReadDefinitions(source: unknown): readonly WarehouseDefinition[] | undefined {
  const parsed = z.array(stored).safeParse(source);
  if (!parsed.success) return undefined;
  return parsed.data.map((one) => {
    const fallback = defaultDefinition(one.name, one.createdAtMs);
    return {
      id: one.id ?? fallback.id,
      name: one.name,
      size: one.size,
      make: one.make ?? fallback.make,
      autoSuspendSeconds: one.autoSuspendSeconds,
      autoResume: one.autoResume,
      clustersMin: one.clustersMin ?? fallback.clustersMin,
      clustersMax: one.clustersMax ?? fallback.clustersMax,
      scalingPolicy: one.scalingPolicy ?? fallback.scalingPolicy,
      maxConcurrency: one.maxConcurrency,
      statementTimeoutSeconds: one.statementTimeoutSeconds,
      queuedTimeoutSeconds: one.queuedTimeoutSeconds ?? fallback.queuedTimeoutSeconds,
      hasQueryAcceleration: one.hasQueryAcceleration ?? fallback.hasQueryAcceleration,
      accelerationScaleMax: one.accelerationScaleMax ?? fallback.accelerationScaleMax,
      comment: one.comment,
      createdAtMs: one.createdAtMs,
      updatedAtMs: one.updatedAtMs ?? one.createdAtMs,
    };
  });
}

/** Whether two makes are the same in every part. */
export function isSameMake(a: WarehouseMake, b: WarehouseMake): boolean {
  return (
    a.kind === b.kind &&
    a.generation === b.generation &&
    a.resourceConstraint === b.resourceConstraint
  );
}

/**
 * Whether a change takes new servers beside the old ones, so that both are billed until the statements on the old ones
 * have ended: another type, generation or resource constraint, or a step from 5X-Large or 6X-Large to less.
 * Source: Snowflake, ALTER WAREHOUSE and "Working with warehouses".
 */
export function isReplacement(before: WarehouseDefinition, after: WarehouseDefinition): boolean {
  if (!isSameMake(before.make, after.make)) return true;
  return compareSizes(before.size, 'X4LARGE') > 0 && compareSizes(after.size, 'X4LARGE') <= 0;
}
