/** What fifteen teams send: dashboards, reports, ad-hoc work, nightly builds, loads and what costs nothing. */
import { SEEDED_TEAMS } from '../../warehouse/seed-month/teams.js';
import type { EpochMs } from '../../base/time.js';
import type { Arrival, Fate } from './arrival.js';
import { Draw, Popularity, hashOf } from './draw.js';
import { dayText, planOf, textOf } from './plan.js';
import type { Literals, Plan, PlanWishes } from './plan.js';
import type { Kind, Profile, WarehouseName } from './profile.js';
import { shapeOfPlan } from './shape.js';
import type { Shape } from './shape.js';
import { DAY_MS, tablesOf } from './tables.js';
import type { Table, Tables } from './tables.js';

const HOUR_MS = 3_600_000;
const RUNS: Fate = { kind: 'runs' };
const NO_LITERALS: Literals = { lastDay: 0, days: null, values: [], limit: 100 };
/** Weekdays and weekend days; the mean over a week is 1. */
const DAY_WEIGHTS = { weekday: 1.25, weekend: 0.375 };
const RECENT_SHAPES_MAX = 40;
const BUILDING_TEAMS = ['platform', 'finance', 'risk', 'data-science', 'logistics', 'ml', 'growth'];

/** A shape with the plan that writes its text. */
interface Template {
  readonly plan: Plan;
  readonly shape: Shape;
  readonly prefix: string;
  readonly suffix: string;
}

interface Tile {
  readonly template: Template;
  readonly literals: Literals;
}

interface Dashboard {
  readonly team: string;
  readonly tiles: readonly Tile[];
  readonly everyMs: number;
}

interface Report {
  readonly team: string;
  readonly template: Template;
  /** Days that it is asked for. */
  readonly days: readonly number[];
  /** What it is asked with, the most usual first. */
  readonly askedWith: Popularity<Literals>;
  readonly isOnBoth: boolean;
}

interface Model {
  readonly template: Template;
  readonly days: number | null;
  readonly tag: string;
}

interface Loader {
  readonly team: string;
  readonly table: string;
  readonly hasDatedPath: boolean;
  readonly shape: Shape;
}

export interface Sources {
  readonly tables: Tables;
  /** Arrivals that begin on the UTC day that starts at `startsAt`, in no order. */
  day(startsAt: EpochMs): readonly Arrival[];
}

/** The sources of a history that lasts about `days` from `startsAt`. */
export function sourcesOf(profile: Profile, startsAt: EpochMs, days: number, draw: Draw): Sources {
  const teams = SEEDED_TEAMS.map(({ name }) => name);
  const tables = tablesOf(profile, teams, startsAt, days, draw.of('tables'));
  const world = new World(profile, tables, startsAt, days, draw);
  return { tables, day: (at) => world.day(at) };
}

class World {
  readonly #profile: Profile;
  readonly #tables: Tables;
  readonly #startsAt: EpochMs;
  readonly #days: number;
  readonly #draw: Draw;
  readonly #dashboards: readonly Dashboard[];
  readonly #reports: Popularity<Report>;
  readonly #models: ReadonlyMap<string, readonly Model[]>;
  readonly #loaders: readonly Loader[];
  readonly #teams: Popularity<string>;
  readonly #recent: Template[] = [];
  /** Those that are sent to the smallest warehouse. */
  readonly #recentSmall: Template[] = [];

  constructor(profile: Profile, tables: Tables, startsAt: EpochMs, days: number, draw: Draw) {
    this.#profile = profile;
    this.#tables = tables;
    this.#startsAt = startsAt;
    this.#days = days;
    this.#draw = draw;
    const busiest = [...SEEDED_TEAMS].sort((a, b) => b.weight - a.weight).map(({ name }) => name);
    this.#teams = new Popularity(busiest, 0.6);
    this.#dashboards = this.#makeDashboards(draw.of('dashboards'));
    this.#reports = this.#makeReports(draw.of('reports'));
    this.#models = this.#makeModels(draw.of('models'));
    this.#loaders = this.#makeLoaders(draw.of('loaders'));
  }

  day(startsAt: EpochMs): readonly Arrival[] {
    const weekday = new Date(startsAt).getUTCDay();
    const isWeekend = weekday === 0 || weekday === 6;
    const draw = this.#draw.of(`day ${dayText(startsAt / DAY_MS)}`);
    const count = (kind: Kind): number =>
      this.#profile.perDay *
      this.#profile.shares[kind] *
      (isWeekend ? DAY_WEIGHTS.weekend : DAY_WEIGHTS.weekday);
    return [
      ...this.#refreshes(startsAt, isWeekend, draw.of('tile')),
      ...this.#asked(startsAt, count('report'), draw.of('report')),
      ...this.#explored(startsAt, count('adhoc'), draw.of('adhoc')),
      ...this.#built(startsAt, draw.of('build')),
      ...this.#loaded(startsAt, this.#perDay('load'), draw.of('load')),
      ...this.#free(startsAt, count('free'), draw.of('free')),
    ];
  }

  #perDay(kind: Kind): number {
    return this.#profile.perDay * this.#profile.shares[kind];
  }

  #wishes(team: string, more: Partial<PlanWishes>): PlanWishes {
    return {
      tables: [...this.#tables.facts, ...(this.#tables.marts.get(team) ?? [])],
      dimensions: this.#tables.dimensions,
      windows: ['literal'],
      forms: ['aggregate', 'aggregate', 'common-table', 'ranked', 'lookup'],
      joinsMax: 2,
      quotedShare: 0.2,
      ...more,
    };
  }

  /** What a dashboard on a small warehouse reads: not the widest tables. */
  #lightFacts(): readonly Table[] {
    return this.#tables.facts.filter(
      ({ rowsAtStart, daysAtStart }) => rowsAtStart / daysAtStart < 3e6,
    );
  }

  /** A repeated shape; some of them become slower or faster at an instant. */
  #step(draw: Draw): Shape['step'] {
    if (!draw.happens(this.#profile.stepShare)) return null;
    const at = this.#startsAt + draw.between(0.2, 0.8) * this.#days * DAY_MS;
    return { at, factor: draw.happens(0.75) ? 4 : 0.25 };
  }

  #makeDashboards(draw: Draw): readonly Dashboard[] {
    const perDay = this.#perDay('tile');
    const count = Math.min(40, Math.max(3, Math.round(perDay / 120)));
    const weights = Array.from({ length: count }, (_, index) => 1 / (index + 1) ** 0.7);
    const sum = weights.reduce((all, each) => all + each, 0);
    return weights.map((weight): Dashboard => {
      const team = this.#teams.pick(draw);
      const marts = this.#tables.marts.get(team) ?? [];
      const tiles = Array.from({ length: draw.whole(3, 8) }, () => {
        const tables = draw.happens(0.7) ? marts : this.#lightFacts();
        const wishes = this.#wishes(team, {
          tables,
          windows: ['relative', 'literal'],
          forms: ['aggregate', 'aggregate', 'aggregate', 'common-table'],
          joinsMax: 1,
          quotedShare: 0.7,
        });
        const template = templateOf(planOf(wishes, draw), 'SELECT', { step: this.#step(draw) });
        return {
          template,
          literals: { ...someLiterals(template.plan, draw), days: draw.pick([1, 1, 2, 7]) },
        };
      });
      const refreshes = Math.max(1, (perDay * weight) / sum / tiles.length);
      return { team, tiles, everyMs: Math.max(120_000, Math.round((12 * HOUR_MS) / refreshes)) };
    });
  }

  #refreshes(startsAt: EpochMs, isWeekend: boolean, draw: Draw): readonly Arrival[] {
    return this.#dashboards.flatMap(({ team, tiles, everyMs }) => {
      const arrivals: Arrival[] = [];
      const every = isWeekend ? everyMs * 3 : everyMs * 0.85;
      const until = startsAt + 19 * HOUR_MS;
      for (let at = startsAt + 7 * HOUR_MS + draw.unit() * every; at < until; at += every)
        for (const { template, literals } of tiles)
          arrivals.push({
            at: Math.round(at + draw.unit() * 1_500),
            kind: 'tile',
            team,
            warehouse: 'INTERACTIVE_WH',
            fate: draw.happens(0.003) ? { kind: 'cut', share: draw.unit() } : RUNS,
            tag: '',
            next: null,
            ...sent(template, { ...literals, lastDay: startsAt / DAY_MS }),
          });
      return arrivals;
    });
  }

  #makeReports(draw: Draw): Popularity<Report> {
    const count = Math.min(300, Math.max(30, Math.round(this.#perDay('report') / 4)));
    const reports = Array.from({ length: count }, (): Report => {
      const team = this.#teams.pick(draw);
      const plan = planOf(this.#wishes(team, {}), draw);
      return {
        team,
        template: templateOf(plan, 'SELECT', { step: this.#step(draw) }),
        days: draw.happens(0.4) ? [1, 1, 1, 7, 7, 30, 90, 365] : [draw.pick([1, 7, 7, 30])],
        askedWith: new Popularity(
          Array.from({ length: draw.whole(1, 8) }, () => someLiterals(plan, draw)),
          1.2,
        ),
        isOnBoth: draw.happens(0.15),
      };
    });
    return new Popularity(reports, 1);
  }

  #asked(startsAt: EpochMs, count: number, draw: Draw): readonly Arrival[] {
    return Array.from({ length: Math.round(count) }, (): Arrival => {
      const { team, template, days, askedWith, isOnBoth } = this.#reports.pick(draw);
      const literals = {
        ...askedWith.pick(draw),
        lastDay: startsAt / DAY_MS - (draw.happens(0.75) ? 1 : draw.whole(2, 30)),
        days: draw.pick(days),
      };
      return {
        at: workingInstant(startsAt, draw),
        kind: 'report',
        team,
        warehouse: isOnBoth && draw.happens(0.4) ? 'BATCH_WH' : 'STANDARD_WH',
        fate: draw.happens(0.01) ? { kind: 'cut', share: draw.unit() } : RUNS,
        tag: '',
        next: null,
        ...sent(template, literals),
      };
    });
  }

  /** Somebody looks for something: a few statements one after the other, most of them never seen before. */
  #explored(startsAt: EpochMs, count: number, draw: Draw): readonly Arrival[] {
    const arrivals: Arrival[] = [];
    for (let left = Math.round(count); left > 0;) {
      const length = Math.min(left, draw.whole(1, 6));
      const team = this.#teams.pick(draw);
      left -= length;
      const warehouse = explorersWarehouse(team, draw);
      let next: Arrival['next'] = null;
      for (let each = 0; each < length; each += 1) {
        const arrival: Arrival = {
          ...this.#adhoc(startsAt, team, warehouse, draw),
          at: workingInstant(startsAt, draw),
          warehouse,
          next,
        };
        next = { afterMs: Math.round(2_000 + draw.exponential(45_000)), arrival };
      }
      if (next !== null) arrivals.push(next.arrival);
    }
    return arrivals;
  }

  #adhoc(
    startsAt: EpochMs,
    team: string,
    warehouse: WarehouseName,
    draw: Draw,
  ): Omit<Arrival, 'at' | 'warehouse' | 'next'> {
    const isSmall = warehouse === 'INTERACTIVE_WH';
    const recent = isSmall ? this.#recentSmall : this.#recent;
    const isNew = recent.length === 0 || draw.happens(this.#profile.newShapes);
    const template = isNew ? this.#newTemplate(team, isSmall, draw) : draw.pick(recent);
    if (isNew) recent.push(template);
    if (recent.length > RECENT_SHAPES_MAX) recent.shift();
    const literals = {
      ...someLiterals(template.plan, draw),
      lastDay: startsAt / DAY_MS - draw.whole(0, 90),
      days: draw.pick([1, 1, 3, 7, 7, 14, 30, 30, 90, 180, 365]),
    };
    const roll = draw.unit();
    const { text, ...rest } = sent(template, literals);
    if (roll < 0.04) {
      // A column that is not there: the compiler refuses it.
      const wrong = text.replace(/\bSELECT /, 'SELECT f.NO_SUCH_COLUMN, ');
      return { kind: 'adhoc', team, tag: '', fate: { kind: 'invalid' }, text: wrong, ...rest };
    }
    const fate: Fate = roll < 0.055 ? { kind: 'cut', share: draw.unit() } : RUNS;
    return { kind: 'adhoc', team, tag: '', fate, text, ...rest };
  }

  #newTemplate(team: string, isSmall: boolean, draw: Draw): Template {
    const marts = this.#tables.marts.get(team) ?? [];
    const wishes = this.#wishes(team, {
      ...(isSmall ? { tables: [...marts, ...this.#lightFacts()] } : {}),
      windows: ['literal', 'literal', 'literal', 'relative', 'none'],
      forms: ['aggregate', 'aggregate', 'aggregate', 'common-table', 'ranked', 'lookup', 'star'],
    });
    return templateOf(planOf(wishes, draw), 'SELECT', {});
  }

  #makeModels(draw: Draw): ReadonlyMap<string, readonly Model[]> {
    const perDay = this.#perDay('build');
    const weights = BUILDING_TEAMS.map((_, index) => 1 / (index + 1) ** 0.7);
    const sum = weights.reduce((all, each) => all + each, 0);
    return new Map(
      BUILDING_TEAMS.map((team, index) => {
        const count = Math.max(2, Math.round((perDay * (weights[index] ?? 0)) / sum));
        return [
          team,
          Array.from({ length: count }, (_, model) => this.#makeModel(team, model, draw)),
        ];
      }),
    );
  }

  #makeModel(team: string, index: number, draw: Draw): Model {
    const prefix = team.toUpperCase().replaceAll('-', '_');
    const target = `ANALYTICS.BUILD.${prefix}_M${index}`;
    const isIncremental = draw.happens(0.6);
    const plan = planOf(
      this.#wishes(team, {
        tables: isIncremental ? this.#tables.facts : (this.#tables.marts.get(team) ?? []),
        windows: [isIncremental ? 'literal' : 'none'],
        forms: ['aggregate', 'common-table'],
        quotedShare: 0,
      }),
      draw,
    );
    const note = `/* {"app": "dbt", "dbt_version": "1.10.4", "node_id": "model.${team.replaceAll('-', '_')}.m${index}"} */ `;
    const options = { writtenShare: draw.between(0.05, 0.4), step: this.#step(draw) };
    const tag = JSON.stringify({ app: 'dbt', model: `m${index}` });
    const days = isIncremental ? draw.pick([1, 3, 7]) : null;
    const [type, head, suffix] = buildWords(isIncremental, target, plan, draw);
    return { template: templateOf(plan, type, options, note + head, suffix), days, tag };
  }

  /** Every project at its hour of the night, by four threads, each model after the one before it. */
  #built(startsAt: EpochMs, draw: Draw): readonly Arrival[] {
    return [...this.#models].flatMap(([team, models]) => {
      const begins = startsAt + Math.round(draw.between(1, 4.5) * HOUR_MS);
      const threads = Array.from({ length: 4 }, (): Arrival['next'] => null);
      for (const [index, { template, days, tag }] of models.entries()) {
        const arrival: Arrival = {
          at: begins + (index % 4) * 250,
          kind: 'build',
          team,
          warehouse: 'BATCH_WH',
          fate: draw.happens(0.007) ? { kind: 'cut', share: draw.unit() } : RUNS,
          tag,
          next: threads[index % 4] ?? null,
          ...sent(template, {
            ...NO_LITERALS,
            values: template.plan.filters.map(() => 0),
            lastDay: startsAt / DAY_MS - 1,
            days,
          }),
        };
        threads[index % 4] = { afterMs: draw.whole(150, 900), arrival };
      }
      return threads.flatMap((thread) => (thread === null ? [] : [thread.arrival]));
    });
  }

  #makeLoaders(draw: Draw): readonly Loader[] {
    return ['EVENTS', 'ORDERS', 'TICKETS', 'SHIPMENTS', 'SCORES', 'LEDGER'].map((name): Loader => {
      const table = `ANALYTICS.RAW.${name}`;
      return {
        team: draw.pick(['platform', 'operations', 'ml']),
        table,
        hasDatedPath: draw.happens(0.5),
        shape: {
          ...bareShape(`load ${table}`, 'COPY'),
          fileBytes: draw.spread(6e9, 0.8),
          overheadMs: 900,
          sigma: draw.between(0.2, 0.35),
          workFactor: 1,
        },
      };
    });
  }

  #loaded(startsAt: EpochMs, count: number, draw: Draw): readonly Arrival[] {
    return Array.from({ length: Math.round(count) }, (): Arrival => {
      const { team, table, hasDatedPath, shape } = draw.pick(this.#loaders);
      const at = startsAt + Math.floor(draw.unit() * DAY_MS);
      const path = hasDatedPath ? `${dayText(startsAt / DAY_MS).replaceAll('-', '/')}/` : '';
      return {
        at,
        kind: 'load',
        team,
        warehouse: 'BATCH_WH',
        fate: RUNS,
        tag: '',
        next: null,
        shape,
        literals: NO_LITERALS,
        text: `COPY INTO ${table} FROM @ANALYTICS.RAW.LANDING/${path} FILE_FORMAT = (TYPE = PARQUET) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE`,
      };
    });
  }

  #free(startsAt: EpochMs, count: number, draw: Draw): readonly Arrival[] {
    return Array.from({ length: Math.round(count) }, (): Arrival => {
      const table = draw.pick(this.#tables.facts);
      const [queryType, text] = draw.pick(freeTexts(table));
      return {
        at: workingInstant(startsAt, draw),
        kind: 'free',
        team: this.#teams.pick(draw),
        warehouse: draw.pick(['INTERACTIVE_WH', 'STANDARD_WH', 'BATCH_WH']),
        fate: { kind: 'metadata' },
        tag: '',
        next: null,
        shape: bareShape(text, queryType),
        literals: NO_LITERALS,
        text,
      };
    });
  }
}

function freeTexts({ name }: Table): readonly (readonly [string, string])[] {
  return [
    ['SHOW', 'SHOW TABLES IN DATABASE ANALYTICS'],
    ['SHOW', 'show terse objects in database ANALYTICS limit 10000'],
    ['DESCRIBE', `DESCRIBE TABLE ${name}`],
    ['USE', 'USE WAREHOUSE STANDARD_WH'],
    ['ALTER_SESSION', "ALTER SESSION SET TIMEZONE = 'UTC'"],
    ['SELECT', 'SELECT 1'],
    ['SELECT', 'SELECT CURRENT_VERSION()'],
    ['SELECT', `SELECT COUNT(*) FROM ${name}`],
  ];
}

function bareShape(id: string, queryType: string): Shape {
  return {
    id,
    queryType,
    readings: [],
    writtenShare: 0,
    fileBytes: 0,
    workFactor: 1,
    overheadMs: 0,
    compileMs: 40,
    sigma: 0,
    coldFactor: 1,
    step: null,
    stoppedShare: 1,
    isReusable: false,
  };
}

/** The words around the query of a model: query type, before it, after it. */
function buildWords(
  isIncremental: boolean,
  target: string,
  plan: Plan,
  draw: Draw,
): readonly [string, string, string] {
  if (!isIncremental)
    return ['CREATE_TABLE_AS_SELECT', `CREATE OR REPLACE TABLE ${target} AS `, ''];
  if (draw.happens(0.5)) return ['INSERT', `INSERT INTO ${target} `, ''];
  const key = plan.groups[0]?.column.name ?? 'M1';
  const update = `ON t.${key} = s.${key} WHEN MATCHED THEN UPDATE SET t.M1 = s.M1`;
  const insert = `WHEN NOT MATCHED THEN INSERT (${key}, M1) VALUES (s.${key}, s.M1)`;
  return ['MERGE', `MERGE INTO ${target} t USING (`, `) s ${update} ${insert}`];
}

/** Plans of one text have one cost, whoever drew them. */
function templateOf(
  plan: Plan,
  queryType: string,
  options: Parameters<typeof shapeOfPlan>[4],
  prefix: string = '',
  suffix: string = '',
): Template {
  const literals = { lastDay: 0, days: 1, values: plan.filters.map(() => 0), limit: 1 };
  const id = prefix + textOf(plan, literals) + suffix;
  const draw = new Draw(hashOf(id));
  return { plan, prefix, suffix, shape: shapeOfPlan(id, queryType, plan, draw, options) };
}

function sent(
  { plan, shape, prefix, suffix }: Template,
  literals: Literals,
): Pick<Arrival, 'shape' | 'literals' | 'text'> {
  return { shape, literals, text: prefix + textOf(plan, literals) + suffix };
}

function someLiterals(plan: Plan, draw: Draw): Literals {
  return {
    lastDay: 0,
    days: null,
    // Mostly the common values, now and then a rare one.
    values: plan.filters.map(() => Math.min(40, Math.floor(draw.exponential(3)))),
    limit: draw.pick([100, 500, 1_000, 5_000]),
  };
}

function explorersWarehouse(team: string, draw: Draw): WarehouseName {
  const isHeavy = ['ml', 'research', 'data-science'].includes(team);
  const roll = draw.unit();
  if (roll < (isHeavy ? 0.4 : 0.05)) return 'BATCH_WH';
  return roll < 0.9 ? 'STANDARD_WH' : 'INTERACTIVE_WH';
}

function workingInstant(startsAt: EpochMs, draw: Draw): number {
  const hours = draw.pick([10, 15]) + 1.7 * draw.normal();
  return Math.round(startsAt + Math.min(23.99, Math.max(0, hours)) * HOUR_MS);
}
