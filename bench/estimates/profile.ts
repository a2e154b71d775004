/** What a generated history is made of: which kinds of statements, how many at once, how much changes while it runs. */

/** Where statements come from. */
export const KINDS = ['tile', 'report', 'adhoc', 'build', 'load', 'free', 'stream'] as const;
export type Kind = (typeof KINDS)[number];

export const PROFILE_NAMES = ['uncontended', 'shared', 'unseen', 'drift', 'individual'] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];

export interface Profile {
  readonly name: ProfileName;
  /** Statements of a day, in the mean. */
  readonly perDay: number;
  /** Share of the statements by kind; they sum to 1. What is not named does not come. */
  readonly shares: Readonly<Partial<Record<Kind, number>>>;
  /** Statements in flight that the clients of a warehouse allow themselves; drawn anew every three hours. */
  readonly streams: readonly number[];
  /** Share of ad-hoc statements whose shape nobody sent before. */
  readonly newShapes: number;
  /** Least and greatest growth of a table in a week. */
  readonly weeklyGrowth: readonly [number, number];
  /** Share of the repeated shapes that take four times as long, or a quarter, from an instant on. */
  readonly stepShare: number;
  readonly reclusteredTables: number;
}

const DAILY_MIX = { tile: 0.4, report: 0.29, adhoc: 0.07, build: 0.11, load: 0.04, free: 0.09 };

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  uncontended: {
    name: 'uncontended',
    perDay: 1_000,
    shares: DAILY_MIX,
    streams: [1],
    newShapes: 0.7,
    weeklyGrowth: [0.005, 0.03],
    stepShare: 0.03,
    reclusteredTables: 1,
  },
  shared: {
    name: 'shared',
    perDay: 12_000,
    shares: { ...DAILY_MIX, adhoc: 0.05, report: 0.31 },
    streams: [2, 4, 8, 16, 32],
    newShapes: 0.7,
    weeklyGrowth: [0.005, 0.03],
    stepShare: 0.03,
    reclusteredTables: 1,
  },
  unseen: {
    name: 'unseen',
    perDay: 2_000,
    shares: { tile: 0.05, report: 0.1, adhoc: 0.75, build: 0.03, load: 0.02, free: 0.05 },
    streams: [1, 2, 4],
    newShapes: 0.93,
    weeklyGrowth: [0.005, 0.03],
    stepShare: 0,
    reclusteredTables: 0,
  },
  drift: {
    name: 'drift',
    perDay: 1_000,
    shares: DAILY_MIX,
    streams: [1, 2, 4],
    newShapes: 0.7,
    weeklyGrowth: [0.03, 0.1],
    stepShare: 0.2,
    reclusteredTables: 2,
  },
  individual: {
    name: 'individual',
    perDay: 2_000,
    shares: { stream: 1 },
    streams: [1],
    newShapes: 0,
    weeklyGrowth: [0, 0],
    stepShare: 0,
    reclusteredTables: 0,
  },
};

/** Warehouses of the demo account: servers of a cluster, credits an hour, clusters, statements at full speed at once. */
export const WAREHOUSES = [
  {
    name: 'INTERACTIVE_WH',
    label: 'X-Small',
    nodes: 1,
    creditsPerHour: 1,
    clustersMax: 1,
    fullSpeed: 1,
  },
  {
    name: 'STANDARD_WH',
    label: 'Medium',
    nodes: 4,
    creditsPerHour: 4,
    clustersMax: 2,
    fullSpeed: 1.5,
  },
  {
    name: 'BATCH_WH',
    label: 'X-Large',
    nodes: 16,
    creditsPerHour: 16,
    clustersMax: 1,
    fullSpeed: 1,
  },
] as const;
export type WarehouseName = (typeof WAREHOUSES)[number]['name'];
export type WarehouseModel = (typeof WAREHOUSES)[number];

/** Statements that a cluster takes at once; others wait (MAX_CONCURRENCY_LEVEL). */
export const CONCURRENCY_MAX = 8;
