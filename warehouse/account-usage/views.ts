/**
 * The account's views: tables of the engine that are brought up to the event log just before a statement that names
 * them. ACCOUNT_USAGE and ORGANIZATION_USAGE are for ACCOUNTADMIN; INFORMATION_SCHEMA.QUERY_HISTORY shows other roles
 * their own statements.
 */
import { createHash } from 'node:crypto';
import type { Clock, EpochMs } from '#base/time.js';
import type { Engine } from '../engine/engine.js';
import type { EventLog } from '../metering/event-log.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Session } from '../identity/sessions.js';
import { readTokens } from '../statement/tokens.js';
import type { Token } from '../statement/tokens.js';
import { AttributionTable, LiveHistoryTable, QueryHistoryTable } from './history-tables.js';
import {
  HISTORY_SCHEMA,
  WAREHOUSE_FUNCTIONS,
  historyReferences,
  withHistoryTable,
} from './history-references.js';
import type { Viewing } from './latencies.js';
import { DAY_MS } from './hours.js';
import { ComparedTable } from './provided-tables.js';
import { queryHasher } from './query-hash.js';
import { LIVE_QUERY_HISTORY } from './query-rows.js';
import { ATTRIBUTION_VIEW, QUERY_HISTORY_VIEW, VIEWS } from './view-definitions.js';
import type { ViewDefinition, ViewSources } from './view-definitions.js';

const ADMIN_SCHEMAS = ['ACCOUNT_USAGE', 'ORGANIZATION_USAGE'] as const;
const MENTIONS = /_HISTORY|_USAGE|_SHEET|_DAILY|SESSIONS/i;
const DATABASE = 'SNOWFLAKE';
/** Of one user each; the one that was longest unused is made anew when it is asked for again. */
const LIVE_TABLES_MAX = 1_000;

export interface Views {
  /** Creates the views, empty, so that they can be listed and described. */
  create(): Promise<void>;
  /**
   * Fills the views that `sql` names and returns the text to run: references to
   * INFORMATION_SCHEMA.QUERY_HISTORY lead to the rows that `session` may see. Undefined: not authorized.
   */
  prepare(sql: string, session: Session): Promise<string | undefined>;
}

export interface ViewWorld {
  readonly clock: Clock;
  readonly engine: Engine;
  readonly events: EventLog;
  readonly fleet: Fleet;
  /** Of the documented latencies: 0 shows everything at once, 1 as late as Snowflake may be. */
  readonly latencyScale: number;
}

export function createViews(world: ViewWorld): Views {
  const filler = new ViewFiller(world);
  let last: Promise<void> = Promise.resolve();
  /** One refresh at a time: two statements must not amend a table over each other. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };

  return {
    create: () =>
      inTurn(async () => {
        for (const { schema, name, columns } of [QUERY_HISTORY_VIEW, ATTRIBUTION_VIEW, ...VIEWS])
          await world.engine.replaceTable(DATABASE, schema, name, columns, []);
      }),
    async prepare(sql, session) {
      if (!MENTIONS.test(sql)) return sql;
      const tokens = readTokens(sql);
      const isAdmin = session.role === 'ACCOUNTADMIN';
      const names = namesIn(tokens);
      const schemas = ADMIN_SCHEMAS.filter(
        (schema) => names.has(schema) || session.schema === schema,
      );
      const references = historyReferences(tokens);
      const warehouseFunctions = references.filter(({ name }) => WAREHOUSE_FUNCTIONS.has(name));
      const isReserved =
        schemas.length > 0 ||
        warehouseFunctions.length > 0 ||
        names.has(HISTORY_SCHEMA) ||
        session.schema === HISTORY_SCHEMA;
      if (isReserved && !isAdmin) return undefined;
      if (isReserved) world.fleet.settle();
      for (const schema of schemas) await inTurn(() => filler.fill(schema, names));
      for (const { name } of warehouseFunctions) await inTurn(() => filler.fillFunction(name));
      if (references.length === warehouseFunctions.length) return sql;
      const user = isAdmin ? undefined : session.user.name;
      await inTurn(() => filler.fillLive(user));
      return withHistoryTable(sql, references, liveTableName(user), session);
    },
  };
}

class ViewFiller {
  readonly #world: ViewWorld;
  readonly #hashesOf = queryHasher();
  readonly #queries: QueryHistoryTable;
  readonly #attribution: AttributionTable;
  readonly #compared = new Map<string, ComparedTable>();
  #storage: { readonly day: number; readonly tables: ViewSources['tables'] } | undefined;
  readonly #live = new Map<string, LiveHistoryTable>();

  constructor(world: ViewWorld) {
    this.#world = world;
    this.#queries = new QueryHistoryTable(world.engine, world.events, this.#hashesOf);
    this.#attribution = new AttributionTable(world.engine, world.events, this.#hashesOf);
  }

  /** Brings the views of `schema` that are among `names` up to now. */
  async fill(schema: string, names: ReadonlySet<string>): Promise<void> {
    const viewing = this.#viewing(this.#world.latencyScale);
    if (schema === QUERY_HISTORY_VIEW.schema && names.has(QUERY_HISTORY_VIEW.name))
      await this.#queries.refresh(viewing);
    const views = VIEWS.filter((view) => view.schema === schema && names.has(view.name));
    const isAttributed = schema === ATTRIBUTION_VIEW.schema && names.has(ATTRIBUTION_VIEW.name);
    if (views.length === 0 && !isAttributed) return;
    await this.#attribution.refresh(viewing);
    if (views.length === 0) return;
    const sources = await this.#sources(viewing, views);
    for (const view of views) await this.#show(view.schema, view, sources);
  }

  /** What TABLE(INFORMATION_SCHEMA.WAREHOUSE_…_HISTORY(…)) reads: the view without delay. */
  async fillFunction(name: string): Promise<void> {
    const view = VIEWS.find((one) => one.schema === 'ACCOUNT_USAGE' && one.name === name);
    if (view === undefined) return;
    await this.#attribution.refresh(this.#viewing(this.#world.latencyScale));
    await this.#show(HISTORY_SCHEMA, view, await this.#sources(this.#viewing(0), [view]));
  }

  /** The query history without delay, of one user or of all. */
  async fillLive(user: string | undefined): Promise<void> {
    const name = liveTableName(user);
    const { engine, events, clock } = this.#world;
    const table =
      this.#live.get(name) ??
      new LiveHistoryTable(
        engine,
        events,
        { schema: HISTORY_SCHEMA, name, columns: LIVE_QUERY_HISTORY },
        user,
        this.#hashesOf,
      );
    this.#live.delete(name);
    this.#live.set(name, table);
    for (const oldest of this.#live.keys()) {
      if (this.#live.size <= LIVE_TABLES_MAX) break;
      this.#live.delete(oldest);
    }
    await table.refresh(clock.now());
  }

  #viewing(latencyScale: number): Viewing {
    return { now: this.#world.clock.now(), latencyScale };
  }

  async #sources(viewing: Viewing, views: readonly ViewDefinition[]): Promise<ViewSources> {
    const { book } = this.#attribution;
    const isOfStorage = views.some(({ name }) => name.includes('STORAGE'));
    return {
      viewing,
      book,
      metered: {
        warehouseEvents: this.#world.events.warehouseEvents(),
        cloudServices: book.cloudServices,
        attributed: book.provisional().byHour,
      },
      tables: isOfStorage ? await this.#tablesOfDay(viewing.now) : [],
    };
  }

  /** One look a day: the views of storage tell of the same bytes, as Snowflake's do, in whatever order they are read. */
  async #tablesOfDay(now: EpochMs): Promise<ViewSources['tables']> {
    const day = Math.floor(now / DAY_MS);
    if (this.#storage?.day !== day)
      this.#storage = { day, tables: await this.#world.engine.tables(null, null) };
    return this.#storage.tables;
  }

  async #show(schema: string, view: ViewDefinition, sources: ViewSources): Promise<void> {
    const { name, columns, orderBy } = view;
    const key = `${schema}.${name}`;
    const table =
      this.#compared.get(key) ??
      new ComparedTable(this.#world.engine, { schema, name, columns }, orderBy);
    this.#compared.set(key, table);
    await table.show(view.rows(sources));
  }
}

/** Every name of the text, and the parts of names in strings, which IDENTIFIER and TABLE may turn into names. */
function namesIn(tokens: readonly Token[]): ReadonlySet<string> {
  return new Set(
    tokens.flatMap((token) =>
      token.kind === 'string' && /^[\w$".]{1,200}$/.test(token.value)
        ? token.value.toUpperCase().replaceAll('"', '').split('.')
        : [token.kind === 'string' ? '' : token.value],
    ),
  );
}

/** One table a user, so that nobody reads the rows of another; undefined: the one of all users. */
function liveTableName(user: string | undefined): string {
  if (user === undefined) return 'QUERY_HISTORY_ALL';
  return `QUERY_HISTORY_${createHash('sha256').update(user).digest('hex').slice(0, 16).toUpperCase()}`;
}
