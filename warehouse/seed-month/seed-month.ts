/**
 * The event log of one past month of the demo's account: fifteen teams at work, a loader and an analyst who never met
 * the proxy. Nothing is waited for and nothing is random: month, seed, teams and count decide every byte.
 *
 * Nothing of a seeded month reaches into its neighbours, except a minimum charge: every statement ends and every
 * warehouse is suspended before the month is over.
 */
import { Fault } from '#base/errors.js';
import { must } from '#base/assert.js';
import { tryParseMonth } from '#base/time.js';
import type { EpochMs, Period } from '#base/time.js';
import type { EventRecord, StatementEnded, WarehouseEvent } from '../metering/events.js';
import { FREE_STATEMENT_MS, modelDuration } from '../fleet/duration.js';
import { NODES } from '../fleet/rates.js';
import { arrivalsOf, atLastMinute } from './arrivals.js';
import type { Arrival, SeededWarehouseName } from './arrivals.js';
import { chanceFrom } from './random.js';
import type { Chance } from './random.js';
import { SeededWarehouse } from './seeded-warehouse.js';
import type { Ran, SeededDefinition } from './seeded-warehouse.js';
import { SEEDED_TEAMS } from './teams.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DEFAULT_STATEMENTS_PER_DAY = 1_500;
const STATEMENTS_PER_DAY_MAX = 50_000;
/** Statements that would end later do not arrive. */
const QUIET_BEFORE_END_MS = 600_000;
const PARTITION_BYTES = 16_000_000;
const ROW_BYTES = 120;
const CACHE_SHARES = [0, 0, 0.3, 0.6, 0.95] as const;

export interface SeedOptions {
  /** `yyyy-mm`. */
  readonly month: string;
  readonly seed: string;
  /** Names of demo teams; all fifteen when left out. */
  readonly teams?: readonly string[];
  /** Of a working day, about; 1,500 when left out. */
  readonly statementsPerDay?: number;
}

/**
 * The events of the month in order of time.
 *
 * @throws Fault for what is no month, for a team that the demo has not, and for a count that is not from 1 to 50,000.
 */
export function seedMonth(options: SeedOptions): Iterable<EventRecord> {
  const { month, seed, teams, statementsPerDay = DEFAULT_STATEMENTS_PER_DAY } = options;
  const period = tryParseMonth(month);
  if (period === undefined) throw new Fault('internal', `'${month}' is not a month yyyy-mm`);
  const isCount =
    Number.isSafeInteger(statementsPerDay) &&
    statementsPerDay >= 1 &&
    statementsPerDay <= STATEMENTS_PER_DAY_MAX;
  if (!isCount)
    throw new Fault('internal', `statements a day are from 1 to ${STATEMENTS_PER_DAY_MAX}`);
  const unknown = teams?.find((name) => !SEEDED_TEAMS.some((team) => team.name === name));
  if (unknown !== undefined) throw new Fault('internal', `the demo has no team '${unknown}'`);
  return new SeededMonth(period, `${seed}/${month}`, teams, statementsPerDay).records();
}

class SeededMonth {
  readonly #period: Period;
  readonly #chance: Chance;
  readonly #teams: typeof SEEDED_TEAMS;
  readonly #statements: number;
  readonly #warehouses: ReadonlyMap<SeededWarehouseName, SeededWarehouse>;
  /** Not yet given out, because something earlier may still come. */
  #pending: EventRecord[] = [];

  constructor(
    period: Period,
    seed: string,
    teams: readonly string[] | undefined,
    statements: number,
  ) {
    this.#period = period;
    this.#chance = chanceFrom(seed);
    this.#teams = SEEDED_TEAMS.filter(({ name }) => teams?.includes(name) ?? true);
    this.#statements = statements;
    const emit = (event: WarehouseEvent): void => void this.#pending.push(event);
    this.#warehouses = new Map(
      definitionsOf(period).map((definition) => [
        definition.name,
        new SeededWarehouse(definition, this.#chance.of(definition.name), emit),
      ]),
    );
  }

  *records(): Generator<EventRecord> {
    const { startsAt, endsAt } = this.#period;
    const closesAt = endsAt - QUIET_BEFORE_END_MS / 2;
    const loading = this.#warehouse('LOADING_WH');
    loading.note(startsAt, 'CREATED');
    for (let day = startsAt; day < endsAt; day += DAY_MS) {
      const plan = {
        startsAt: day,
        teams: this.#teams,
        statements: this.#statements,
        hasRunaway: day === startsAt + 11 * DAY_MS,
        isFirstOfMonth: day === startsAt,
      };
      const chance = this.#chance.of(`day ${(day - startsAt) / DAY_MS}`);
      // A build that begins late in the day is cut off at midnight; what has begun runs on.
      const until = Math.min(day + DAY_MS, endsAt - QUIET_BEFORE_END_MS);
      for (const arrival of arrivalsOf(plan, chance))
        if (arrival.at < until) this.#play(arrival, chance, closesAt);
      for (const warehouse of this.#warehouses.values()) warehouse.settle(until);
      yield* this.#ready(until);
    }
    const [team] = this.#teams;
    for (const [name, warehouse] of this.#warehouses)
      if (name !== 'BATCH_WH') warehouse.close(closesAt);
    loading.note(closesAt + 1, 'DROPPED');
    if (team !== undefined)
      this.#play(atLastMinute(endsAt, team), this.#chance.of('end'), endsAt - 1);
    this.#warehouse('BATCH_WH').close(endsAt - 1);
    yield* this.#ready(Infinity);
  }

  #warehouse(name: SeededWarehouseName): SeededWarehouse {
    return must(this.#warehouses.get(name), `a seeded warehouse ${name}`);
  }

  /** What is pending before `until`, in order of time. */
  #ready(until: EpochMs): readonly EventRecord[] {
    const ordered = this.#pending.map((record, index) => ({ record, index }));
    ordered.sort((a, b) => a.record.at - b.record.at || a.index - b.index);
    this.#pending = ordered.flatMap(({ record }) => (record.at >= until ? [record] : []));
    return ordered.flatMap(({ record }) => (record.at < until ? [record] : []));
  }

  #play(arrival: Arrival, chance: Chance, endsBefore: EpochMs): void {
    const { at, sql, fate, warehouse: name } = arrival;
    const usesWarehouse = name !== null && fate.kind !== 'invalid';
    const bytes = arrival.readBytes + arrival.writtenBytes;
    const ran = usesWarehouse
      ? this.#warehouse(name).run(
          at,
          (size) => modelDuration(sql, at, bytes, NODES[size]),
          endsBefore,
          'share' in fate ? fate.share : 1,
        )
      : undefined;
    if (usesWarehouse && ran === undefined) return;
    const id = chance.uuid();
    this.#pending.push(
      {
        type: 'started',
        at,
        id,
        text: sql,
        queryType: arrival.queryType,
        tag: tagOf(arrival, chance),
        user: arrival.user,
        role: arrival.role,
        sessionId: this.#sessionId(arrival),
        database: 'ANALYTICS',
        schema: 'PUBLIC',
        ...(arrival.isClientGenerated ? { isClientGenerated: true } : {}),
      },
      ran === undefined
        ? { ...freeEnd(arrival, id, chance) }
        : {
            ...ranEnd(arrival, id, must(name, 'a statement that ran has a warehouse'), ran, chance),
          },
    );
  }

  /** One number for each user, day and kind of session; the sessions of the living are numbered from later instants. */
  #sessionId({ at, user, session }: Arrival): number {
    const day = Math.floor((at - this.#period.startsAt) / DAY_MS);
    let hash = 7;
    for (let index = 0; index < user.length; index += 1)
      hash = (hash * 31 + user.charCodeAt(index)) % 99_991;
    return (this.#period.startsAt + day) * 1_000_000 + hash * 10 + session;
  }
}

function definitionsOf({ startsAt }: Period): readonly (SeededDefinition & {
  readonly name: SeededWarehouseName;
})[] {
  const at = (day: number, hour: number): EpochMs => startsAt + day * DAY_MS + hour * HOUR_MS;
  const plain = { clustersMax: 1, concurrency: 8, autoSuspendSeconds: 60, resizes: [] };
  return [
    { ...plain, name: 'INTERACTIVE_WH', size: 'XSMALL', clustersMax: 3 },
    {
      ...plain,
      name: 'STANDARD_WH',
      size: 'MEDIUM',
      concurrency: 16,
      // The end of a quarter is worked off on a larger one; later somebody tries a smaller one.
      resizes: [
        { at: at(2, 9), size: 'LARGE' },
        { at: at(3, 18.25), size: 'MEDIUM' },
        { at: at(16, 14.1), size: 'SMALL' },
        { at: at(16, 15.6), size: 'MEDIUM' },
      ],
    },
    { ...plain, name: 'BATCH_WH', size: 'XLARGE' },
    { ...plain, name: 'LOADING_WH', size: 'XSMALL', autoSuspendSeconds: 300 },
  ];
}

/** The proxy's tag with the client's own key in it; what went around it has none. */
function tagOf({ at, via }: Arrival, chance: Chance): string {
  if (via === null) return '';
  return JSON.stringify({
    tg: chance.ticketId(at),
    team: via.team,
    tier: via.tier,
    src: 'driver',
    app: via.client,
  });
}

const NOTHING_RAN = {
  warehouse: null,
  size: null,
  cluster: null,
  executionMs: 0,
  queuedMs: 0,
  bytesScanned: 0,
  bytesWritten: 0,
  partitionsScanned: 0,
  partitionsTotal: 0,
} as const;

function freeEnd(arrival: Arrival, id: string, chance: Chance): StatementEnded {
  const compileMs = chance.whole(FREE_STATEMENT_MS, 90);
  const isInvalid = arrival.fate.kind === 'invalid';
  return {
    type: 'ended',
    at: arrival.at + compileMs,
    id,
    status: isInvalid ? 'FAIL' : 'SUCCESS',
    runningSince: arrival.at,
    compileMs,
    ...NOTHING_RAN,
    rowsProduced: isInvalid ? 0 : chance.whole(1, 500),
    errorCode: isInvalid ? '002003' : null,
    errorMessage: isInvalid
      ? "SQL compilation error:\nObject 'EVENTS_OLD' does not exist or not authorized."
      : null,
  };
}

function ranEnd(
  arrival: Arrival,
  id: string,
  warehouse: string,
  ran: Ran,
  chance: Chance,
): StatementEnded {
  const { fate, queryType } = arrival;
  const isDone = fate.kind === 'succeeds';
  const share = 'share' in fate ? fate.share : 1;
  const bytesScanned = Math.round(arrival.readBytes * share);
  const partitionsScanned = Math.ceil(bytesScanned / PARTITION_BYTES);
  const changed = isDone ? Math.round(arrival.writtenBytes / ROW_BYTES) : 0;
  const isMerge = queryType === 'MERGE';
  const isLarge = arrival.readBytes > 200_000_000_000;
  return {
    type: 'ended',
    at: ran.endedAt,
    id,
    status: isDone ? 'SUCCESS' : 'FAIL',
    warehouse,
    size: ran.size,
    cluster: ran.cluster,
    runningSince: ran.runningSince,
    compileMs: ran.compileMs,
    executionMs: ran.executionMs,
    queuedMs: ran.queuedMs,
    ...(ran.provisioningMs > 0 ? { provisioningMs: ran.provisioningMs } : {}),
    bytesScanned,
    bytesWritten: isDone ? arrival.writtenBytes : 0,
    partitionsScanned,
    partitionsTotal: partitionsScanned + chance.whole(0, 4000),
    rowsProduced: isDone ? (changed > 0 ? 1 : chance.whole(1, 20_000)) : 0,
    ...(changed > 0 ? { rowsInserted: isMerge ? Math.ceil(changed / 3) : changed } : {}),
    ...(changed > 0 && isMerge ? { rowsUpdated: changed - Math.ceil(changed / 3) } : {}),
    ...(isLarge ? { spilledLocalBytes: Math.round(bytesScanned * 0.2) } : {}),
    cachedBytes: Math.round(bytesScanned * chance.pick(CACHE_SHARES)),
    ...endingOf(fate.kind),
  };
}

function endingOf(
  kind: Arrival['fate']['kind'],
): Pick<StatementEnded, 'errorCode' | 'errorMessage'> {
  switch (kind) {
    case 'succeeds':
    case 'invalid':
      return { errorCode: null, errorMessage: null };
    case 'cancelled':
      return { errorCode: '000604', errorMessage: 'SQL execution canceled' };
    case 'timed-out':
      return {
        errorCode: '000630',
        errorMessage: 'Statement reached its statement or warehouse timeout and was canceled.',
      };
  }
}
