/** What the demo's teams do in a month: when, on which warehouse, by which client, how much. */

/** How a team spreads its statements over the day. */
export type Rhythm = 'office' | 'late' | 'global';

export interface SeededTeam {
  readonly name: string;
  /** Part of all statements that people of the team write, relative to the others'. */
  readonly weight: number;
  readonly rhythm: Rhythm;
  /** What reading usually takes, in bytes, on STANDARD_WH. */
  readonly medianBytes: number;
  /** The team looks at dashboards on INTERACTIVE_WH. */
  readonly hasDashboards: boolean;
  /** Models that its dbt project builds every night on BATCH_WH; 0 for none. */
  readonly models: number;
  /** The client of its people, as it names itself in its tag. */
  readonly client: 'snowsight' | 'python' | 'node' | 'jdbc' | 'tableau';
}

const GB = 1_000_000_000;

/** Fifteen teams of the demo's names. */
export const SEEDED_TEAMS: readonly SeededTeam[] = [
  team('marketing', 9, 'office', 3 * GB, { hasDashboards: true, client: 'tableau' }),
  team('sales', 8, 'office', 2 * GB, { hasDashboards: true, client: 'tableau' }),
  team('finance', 6, 'office', 4 * GB, { hasDashboards: true, models: 12, client: 'jdbc' }),
  team('product', 8, 'office', 5 * GB, { hasDashboards: true }),
  team('growth', 7, 'office', 6 * GB, { client: 'python' }),
  team('support', 5, 'global', 1 * GB, { hasDashboards: true }),
  team('operations', 6, 'global', 2 * GB, { hasDashboards: true, client: 'jdbc' }),
  team('logistics', 5, 'global', 3 * GB, { models: 8 }),
  team('risk', 5, 'office', 8 * GB, { models: 10, client: 'python' }),
  team('legal', 1, 'office', 1 * GB, {}),
  team('people', 2, 'office', 1 * GB, {}),
  team('platform', 4, 'late', 2 * GB, { models: 40, client: 'node' }),
  team('research', 6, 'late', 20 * GB, { client: 'python' }),
  team('ml', 7, 'late', 30 * GB, { models: 6, client: 'python' }),
  team('data-science', 8, 'late', 12 * GB, { models: 10, client: 'python' }),
];

function team(
  name: string,
  weight: number,
  rhythm: Rhythm,
  medianBytes: number,
  rest: Partial<Pick<SeededTeam, 'hasDashboards' | 'models' | 'client'>>,
): SeededTeam {
  return {
    name,
    weight,
    rhythm,
    medianBytes,
    hasDashboards: false,
    models: 0,
    client: 'snowsight',
    ...rest,
  };
}

/** Login of a team's analyst, as the demo has it. */
export function analystOf(team: string): string {
  return `${team}_analyst`.toUpperCase();
}
