/** The statements that arrive on one day of a seeded month, before it is known how they run. */
import type { EpochMs } from '#base/time.js';
import type { Chance } from './random.js';
import { analystOf } from './teams.js';
import type { Rhythm, SeededTeam } from './teams.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const GB = 1_000_000_000;

export type SeededWarehouseName = 'INTERACTIVE_WH' | 'STANDARD_WH' | 'BATCH_WH' | 'LOADING_WH';

/** How a statement ends. */
export type Fate =
  | { readonly kind: 'succeeds' }
  /** Refused by the compiler: uses no warehouse. */
  | { readonly kind: 'invalid' }
  /** Ended after this part of its execution. */
  | { readonly kind: 'cancelled' | 'timed-out'; readonly share: number };

export interface Arrival {
  readonly at: EpochMs;
  readonly user: string;
  readonly role: string;
  /** Through the proxy, and so with its tag; null for traffic that never met it. */
  readonly via: { readonly team: string; readonly tier: string; readonly client: string } | null;
  /** Numbers the sessions of a user's day. */
  readonly session: number;
  readonly sql: string;
  readonly queryType: string;
  /** Null: answered from metadata or an earlier result, without a warehouse. */
  readonly warehouse: SeededWarehouseName | null;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly isClientGenerated: boolean;
  readonly fate: Fate;
}

/** What a day is made for. */
export interface DayPlan {
  readonly startsAt: EpochMs;
  readonly teams: readonly SeededTeam[];
  /** Statements of a working day, about. */
  readonly statements: number;
  /** The statement that nobody stops until its timeout starts on this day. */
  readonly hasRunaway: boolean;
  readonly isFirstOfMonth: boolean;
}

/** The refresh at nine of a working day, and how many tiles it has at least: more than one cluster takes at once. */
const RUSH_REFRESH = 12;
const RUSH_TILES = 20;
const SUCCEEDS: Fate = { kind: 'succeeds' };

/** Arrivals of one day, by time. */
export function arrivalsOf(plan: DayPlan, chance: Chance): readonly Arrival[] {
  const weekday = new Date(plan.startsAt).getUTCDay();
  const isWeekend = weekday === 0 || weekday === 6;
  const count = Math.round(plan.statements * (isWeekend ? 0.15 : 1));
  const arrivals = [
    ...people(plan, Math.round(count * 0.5), chance.of('people')),
    ...dashboards(plan, Math.round(count * 0.35), isWeekend, chance.of('dashboards')),
    ...nightlyBuilds(plan, count * 0.15, chance.of('builds')),
    ...loading(plan, chance.of('loading')),
    ...direct(plan, isWeekend ? 0 : 6, chance.of('direct')),
    ...(plan.hasRunaway ? [runaway(plan)] : []),
    ...(plan.isFirstOfMonth ? atMidnight(plan) : []),
  ];
  return arrivals.filter(({ at }) => at >= plan.startsAt).sort((a, b) => a.at - b.at);
}

/** Instants within the day, as people of a rhythm work. */
function instantOf(startsAt: EpochMs, rhythm: Rhythm, chance: Chance): EpochMs {
  const centre = { office: chance.pick([10, 15]), late: chance.pick([12, 19]), global: 12 }[rhythm];
  const hours = chance.normal(centre, rhythm === 'global' ? 5 : 1.7);
  const wrapped = ((hours % 24) + 24) % 24;
  return startsAt + Math.min(DAY_MS - 1, Math.floor(wrapped * HOUR_MS));
}

function personal(
  team: SeededTeam,
  tier: string,
  client: string,
): Pick<Arrival, 'user' | 'role' | 'via'> {
  return {
    user: analystOf(team.name),
    role: `${team.name.toUpperCase().replaceAll('-', '_')}_ROLE`,
    via: { team: team.name, tier, client },
  };
}

/** Ad-hoc work: reading of all sizes, repeats from the result cache, mistakes, second thoughts. */
function people(plan: DayPlan, count: number, chance: Chance): readonly Arrival[] {
  const total = plan.teams.reduce((sum, { weight }) => sum + weight, 0);
  return plan.teams.flatMap((team) => {
    const own = Math.round((count * team.weight) / Math.max(1, total));
    return Array.from({ length: own }, (): Arrival => {
      const at = instantOf(plan.startsAt, team.rhythm, chance);
      const roll = chance.unit();
      const isCached = roll < 0.12;
      const isTiny = roll >= 0.12 && roll < 0.24;
      const bytes = isTiny ? chance.whole(1_000, 900_000) : chance.spread(team.medianBytes, 1.1);
      return {
        at,
        ...personal(team, 'standard', team.client),
        session: chance.whole(0, 3),
        sql: readingSql(at, team.name, chance),
        queryType: 'SELECT',
        warehouse: isCached ? null : 'STANDARD_WH',
        readBytes: Math.round(Math.min(bytes, 2000 * GB)),
        writtenBytes: 0,
        isClientGenerated: false,
        fate: isCached ? SUCCEEDS : fateOf(chance),
      };
    });
  });
}

function fateOf(chance: Chance): Fate {
  const roll = chance.unit();
  if (roll < 0.02) return { kind: 'invalid' };
  if (roll < 0.035) return { kind: 'cancelled', share: 0.2 + 0.7 * chance.unit() };
  return SUCCEEDS;
}

/** Dashboards refresh all their tiles at once, every quarter of an hour of the working day. */
function dashboards(
  plan: DayPlan,
  count: number,
  isWeekend: boolean,
  chance: Chance,
): readonly Arrival[] {
  const viewers = plan.teams.filter(({ hasDashboards }) => hasDashboards);
  const [first, ...others] = viewers;
  if (first === undefined) return [];
  const fromHour = isWeekend ? 9 : 6;
  const refreshes = isWeekend ? 12 : 48;
  const tiles = Math.max(1, Math.round(count / refreshes));
  return Array.from({ length: refreshes }, (_, index) => {
    const at = plan.startsAt + fromHour * HOUR_MS + index * 15 * MINUTE_MS + chance.whole(0, 9000);
    // At nine everybody looks at once.
    const isRush = !isWeekend && index === RUSH_REFRESH;
    return Array.from({ length: isRush ? Math.max(tiles, RUSH_TILES) : tiles }, (): Arrival => {
      const team = chance.pick([first, ...others]);
      return {
        at: at + chance.whole(0, 1500),
        ...personal(team, 'interactive', 'tableau'),
        session: 4,
        sql: tileSql(at, chance.whole(1, 12)),
        queryType: 'SELECT',
        warehouse: chance.happens(0.25) ? null : 'INTERACTIVE_WH',
        readBytes: Math.round(chance.spread(0.6 * GB, 0.8)),
        writtenBytes: 0,
        isClientGenerated: false,
        fate: chance.happens(0.004) ? { kind: 'invalid' } : SUCCEEDS,
      };
    });
  }).flat();
}

/** dbt: every project at its time of the night, four threads, questions to the catalogue in between. */
function nightlyBuilds(plan: DayPlan, count: number, chance: Chance): readonly Arrival[] {
  const projects = plan.teams.filter(({ models }) => models > 0);
  const total = projects.reduce((sum, { models }) => sum + models, 0);
  return projects.flatMap((team, index) => {
    // Some begin before midnight of the next day and end behind it.
    const startsAt = plan.startsAt + (((2 + index * 4) % 24) + 0.9 * chance.unit()) * HOUR_MS;
    const models = Math.max(1, Math.round((count * team.models) / Math.max(1, total)));
    return Array.from({ length: models }, (_, model): readonly Arrival[] => {
      const at = Math.floor(startsAt + Math.floor(model / 4) * 9_000 + chance.whole(0, 3_000));
      const base = { ...personal(team, 'batch', 'dbt'), session: 5 + (model % 4) };
      const bytes = Math.round(Math.min(chance.spread(12 * GB, 1), 900 * GB));
      const kind = chance.pick(['CREATE_TABLE_AS_SELECT', 'MERGE', 'INSERT']);
      const ask: Arrival = {
        ...base,
        at,
        sql: `show terse objects in database ANALYTICS limit 10000`,
        queryType: 'SHOW',
        warehouse: null,
        readBytes: 0,
        writtenBytes: 0,
        isClientGenerated: true,
        fate: SUCCEEDS,
      };
      const build: Arrival = {
        ...base,
        at: at + chance.whole(150, 900),
        sql: buildSql(kind, team.name, model),
        queryType: kind,
        warehouse: 'BATCH_WH',
        readBytes: bytes,
        writtenBytes: Math.round(bytes * 0.08),
        isClientGenerated: false,
        fate: chance.happens(0.01) ? { kind: 'invalid' } : SUCCEEDS,
      };
      return chance.happens(0.2) ? [ask, build] : [build];
    }).flat();
  });
}

/** A loader that logs in directly, every hour of every day. */
function loading(plan: DayPlan, chance: Chance): readonly Arrival[] {
  return Array.from({ length: 24 }, (_, hour) =>
    Array.from({ length: chance.whole(1, 4) }, (__, part): Arrival => {
      const bytes = Math.round(chance.spread(0.4 * GB, 0.7));
      const at = plan.startsAt + hour * HOUR_MS + chance.whole(0, 4 * MINUTE_MS) + part * 20_000;
      return {
        at,
        user: 'FIVETRAN_SVC',
        role: 'LOADER_ROLE',
        via: null,
        session: 0,
        sql: `MERGE INTO ANALYTICS.RAW.EVENTS_${part} t USING ANALYTICS.STAGING.BATCH_${part} s ON t.ID = s.ID WHEN MATCHED THEN UPDATE SET PAYLOAD = s.PAYLOAD WHEN NOT MATCHED THEN INSERT (ID, PAYLOAD) VALUES (s.ID, s.PAYLOAD)`,
        queryType: 'MERGE',
        warehouse: 'LOADING_WH',
        readBytes: bytes,
        writtenBytes: Math.round(bytes / 2),
        isClientGenerated: false,
        fate: SUCCEEDS,
      };
    }),
  ).flat();
}

/** An analyst who has the account's address and goes around the proxy. */
function direct(plan: DayPlan, count: number, chance: Chance): readonly Arrival[] {
  const [team] = plan.teams;
  if (team === undefined) return [];
  return Array.from({ length: count }, (): Arrival => {
    const at = instantOf(plan.startsAt, 'office', chance);
    return {
      at,
      ...personal(team, 'standard', 'snowsight'),
      via: null,
      session: 9,
      sql: readingSql(at, team.name, chance),
      queryType: 'SELECT',
      warehouse: 'STANDARD_WH',
      readBytes: Math.round(chance.spread(4 * GB, 1)),
      writtenBytes: 0,
      isClientGenerated: false,
      fate: SUCCEEDS,
    };
  });
}

/** A join without a condition, sent in the evening and ended by its timeout after midnight. */
function runaway(plan: DayPlan): Arrival {
  const team = plan.teams.find(({ name }) => name === 'research') ?? plan.teams[0];
  const at = plan.startsAt + 22 * HOUR_MS + 17 * MINUTE_MS;
  const who =
    team === undefined
      ? { user: 'FIVETRAN_SVC', role: 'LOADER_ROLE', via: null }
      : personal(team, 'batch', 'python');
  return {
    at,
    ...who,
    session: 6,
    sql: 'SELECT COUNT(*) FROM ANALYTICS.WEB.EVENTS a, ANALYTICS.WEB.EVENTS b WHERE a.URL LIKE b.URL',
    queryType: 'SELECT',
    warehouse: 'BATCH_WH',
    readBytes: 60_000 * GB,
    writtenBytes: 0,
    isClientGenerated: false,
    fate: { kind: 'timed-out', share: 0.6 },
  };
}

/** The first instant of the month. */
function atMidnight(plan: DayPlan): readonly Arrival[] {
  const team = plan.teams.find(({ hasDashboards }) => hasDashboards) ?? plan.teams[0];
  if (team === undefined) return [];
  return [
    {
      at: plan.startsAt,
      ...personal(team, 'interactive', 'tableau'),
      session: 4,
      sql: tileSql(plan.startsAt, 1),
      queryType: 'SELECT',
      warehouse: 'INTERACTIVE_WH',
      readBytes: GB,
      writtenBytes: 0,
      isClientGenerated: false,
      fate: SUCCEEDS,
    },
  ];
}

/** The last seconds of the month: a start whose minimum charge reaches into the next. */
export function atLastMinute(endsAt: EpochMs, team: SeededTeam): Arrival {
  return {
    at: endsAt - 40_000,
    ...personal(team, 'batch', 'dbt'),
    session: 8,
    sql: buildSql('INSERT', team.name, 0),
    queryType: 'INSERT',
    warehouse: 'BATCH_WH',
    readBytes: 10 * GB,
    writtenBytes: GB,
    isClientGenerated: false,
    fate: SUCCEEDS,
  };
}

function dateText(at: EpochMs): string {
  return new Date(at).toISOString().slice(0, 10);
}

function readingSql(at: EpochMs, team: string, chance: Chance): string {
  const since = dateText(at - chance.whole(1, 30) * DAY_MS);
  return chance.pick([
    `SELECT EVENT_DATE, COUNT(DISTINCT USER_ID) AS USERS FROM ANALYTICS.WEB.EVENTS WHERE EVENT_DATE >= '${since}' GROUP BY 1 ORDER BY 1`,
    `SELECT C_MKTSEGMENT, SUM(O_TOTALPRICE) AS REVENUE FROM ANALYTICS.TPCH.ORDERS JOIN ANALYTICS.TPCH.CUSTOMER ON C_CUSTKEY = O_CUSTKEY WHERE O_ORDERDATE >= '${since}' GROUP BY 1`,
    `SELECT * FROM ANALYTICS.TPCH.LINEITEM WHERE L_SHIPDATE BETWEEN '${since}' AND '${dateText(at)}' LIMIT ${chance.pick([100, 1000, 5000])}`,
    `SELECT URL, COUNT(*) AS HITS FROM ANALYTICS.WEB.EVENTS WHERE EVENT_DATE = '${since}' AND COUNTRY = '${chance.pick(['DE', 'FR', 'US', 'JP'])}' GROUP BY 1 -- ${team}`,
  ]);
}

function tileSql(at: EpochMs, tile: number): string {
  return `SELECT DATE_TRUNC('hour', EVENT_TIME) AS H, COUNT(*) AS N FROM ANALYTICS.WEB.EVENTS WHERE EVENT_DATE = '${dateText(at)}' AND TILE = ${tile} GROUP BY 1`;
}

function buildSql(kind: string, team: string, model: number): string {
  const table = `ANALYTICS.MARTS.${team.toUpperCase().replaceAll('-', '_')}_${model}`;
  const source = `SELECT USER_ID, EVENT_DATE, COUNT(*) AS N FROM ANALYTICS.WEB.EVENTS GROUP BY 1, 2`;
  switch (kind) {
    case 'MERGE':
      return `MERGE INTO ${table} t USING (${source}) s ON t.USER_ID = s.USER_ID WHEN MATCHED THEN UPDATE SET N = s.N WHEN NOT MATCHED THEN INSERT (USER_ID, N) VALUES (s.USER_ID, s.N)`;
    case 'INSERT':
      return `INSERT INTO ${table} ${source}`;
    default:
      return `CREATE OR REPLACE TABLE ${table} AS ${source}`;
  }
}
