/**
 * How much a statement reads, by statistics: tables are micro-partitions with a least and a greatest value in each
 * column; a scan is assigned the partitions its filters leave, times the bytes of the columns it reads.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { PlannedOperator, PlannedScan, ScanProfile } from '../engine.js';
import { EVENTS_BYTES, EVENTS_PARTITIONS, EVENTS_ROWS, EVENTS_SHARES } from '../world/events.js';
import type { FullName } from '../sql/resolve.js';
import { operatorsOfPlan } from './operators.js';
import { identifiers, scansOfPlan, type Scan } from './scans.js';
import { statedFilters } from './stated-filters.js';
import { splitOutside, withoutBrackets, zoneTest, type Extremes } from './zone-tests.js';

export const ROWS_PER_PARTITION = 8192;
const PROVIDED_DATABASE = 'SNOWFLAKE.';
const EVENTS_KEY = 'EVENT_DATE';
const EVENTS_TIME = 'EVENT_TS';
const TABLES_MAX = 2000;

/** A scan with what it is assigned. */
export interface AssignedScan {
  readonly scan: Scan;
  readonly partitionsAssigned: number;
  readonly partitionsTotal: number;
  readonly bytesAssigned: number;
  readonly rowsAssigned: number;
}

interface TableStatistics {
  readonly rows: number;
  readonly partitions: number;
  /** Bytes of one row's value by column. */
  readonly widths: ReadonlyMap<string, number>;
}

export class Statistics {
  readonly #service: DuckDBConnection;
  readonly #hasEvents: boolean;
  readonly #widths = new Map<string, ReadonlyMap<string, number>>();
  #version = 0;
  readonly #zones = new Map<string, { readonly version: number; readonly name: string }>();

  constructor(service: DuckDBConnection, hasEvents: boolean) {
    this.#service = service;
    this.#hasEvents = hasEvents;
  }

  /** Raised by every statement that wrote or defined something. */
  get version(): number {
    return this.#version;
  }

  /** Forgets what a statement that wrote or defined may have changed. */
  changed(): void {
    this.#version += 1;
    this.#widths.clear();
  }

  /** The scans of `duckSql` with their partitions after pruning; `connection` sees the session's own tables. */
  async scansOf(connection: DuckDBConnection, duckSql: string): Promise<readonly AssignedScan[]> {
    const json = await planJson(connection, duckSql);
    const scans = json === undefined ? [] : scansOfPlan(json);
    const events = scans.filter((scan) => this.#isEvents(scan));
    const stated = events.length === 1 ? await statedFilters(connection, duckSql, EVENTS) : [];
    const assigned: AssignedScan[] = [];
    for (const scan of scans) assigned.push(await this.#assign(connection, scan, stated));
    return assigned;
  }

  /** The operators of `duckSql`'s plan; their scans are those of `scansOf`, in the same order. */
  async operatorsOf(
    connection: DuckDBConnection,
    duckSql: string,
  ): Promise<readonly PlannedOperator[]> {
    const json = await planJson(connection, duckSql);
    return json === undefined ? [] : operatorsOfPlan(json);
  }

  /** The sum of scans as the profile of a run that wrote `bytesWritten`. */
  profile(scans: readonly AssignedScan[], bytesWritten: number): ScanProfile {
    const sum = (of: (scan: AssignedScan) => number): number =>
      scans.reduce((total, each) => total + of(each), 0);
    return {
      bytesScanned: sum((each) => each.bytesAssigned),
      partitionsScanned: sum((each) => each.partitionsAssigned),
      partitionsTotal: sum((each) => each.partitionsTotal),
      rowsScanned: sum((each) => each.rowsAssigned),
      bytesWritten,
    };
  }

  /** Scans and, assigned nothing, the tables of a statement whose filters no row can pass: DuckDB plans no scan of them. */
  async withEmpty(
    connection: DuckDBConnection,
    scans: readonly AssignedScan[],
    tables: readonly FullName[],
  ): Promise<readonly AssignedScan[]> {
    if (scans.length > 0) return scans;
    const empty: AssignedScan[] = [];
    for (const { database, schema, name } of tables) {
      const scan: Scan = {
        schema: `${database}.${schema}`,
        table: name,
        columns: [],
        filters: ['false'],
        isMetadata: true,
      };
      const widths = await this.#widthsOf(connection, scan.schema, name);
      const isTable =
        widths.size > 0 && schema !== 'INFORMATION_SCHEMA' && database !== 'SNOWFLAKE';
      if (isTable) empty.push(await this.#assign(connection, scan, []));
    }
    return empty;
  }

  /** Scans as EXPLAIN shows them. */
  planned(scans: readonly AssignedScan[]): readonly PlannedScan[] {
    return scans.map(({ scan, partitionsAssigned, partitionsTotal, bytesAssigned }) => ({
      table: `${scan.schema}.${scan.table}`,
      columns: scan.columns,
      filters: scan.filters,
      partitionsAssigned,
      partitionsTotal,
      bytesAssigned,
    }));
  }

  /** Bytes that `rows` rows of a table take. */
  async bytesOf(
    connection: DuckDBConnection,
    schema: string,
    table: string,
    rows: number,
  ): Promise<number> {
    const widths = await this.#widthsOf(connection, schema, table);
    return [...widths.values()].reduce((total, width) => total + width, 0) * rows;
  }

  async #assign(
    connection: DuckDBConnection,
    scan: Scan,
    stated: readonly string[],
  ): Promise<AssignedScan> {
    if (this.#isEvents(scan)) return this.#assignEvents(connection, scan, stated);
    // What the server provides is small and changes all the time: reading it is metadata work, without a warehouse.
    if (scan.schema.startsWith(PROVIDED_DATABASE))
      return { scan, partitionsAssigned: 0, partitionsTotal: 0, bytesAssigned: 0, rowsAssigned: 0 };
    const table = await this.#tableOf(connection, scan);
    const columns = scan.columns.filter((column) => table.widths.has(column));
    const partitions = scan.isMetadata ? 0 : await this.#partitionsLeft(scan, table);
    const rows = Math.min(table.rows, partitions * ROWS_PER_PARTITION);
    const width = columns.reduce((total, column) => total + (table.widths.get(column) ?? 0), 0);
    return {
      scan: { ...scan, columns },
      partitionsAssigned: partitions,
      partitionsTotal: table.partitions,
      bytesAssigned: Math.round(rows * width),
      rowsAssigned: rows,
    };
  }

  #isEvents(scan: Scan): boolean {
    return this.#hasEvents && scan.schema === EVENTS.schema && scan.table === EVENTS.table;
  }

  async #assignEvents(
    connection: DuckDBConnection,
    scan: Scan,
    stated: readonly string[],
  ): Promise<AssignedScan> {
    const columns = scan.columns.filter((column) => EVENTS_SHARES[column] !== undefined);
    const partitions = scan.isMetadata
      ? 0
      : await this.#eventPartitions(connection, [...scan.filters, ...stated]);
    const share = columns.reduce((total, column) => total + (EVENTS_SHARES[column] ?? 0), 0);
    const ofAll = (whole: number, millionths: number): number =>
      Number(
        (BigInt(whole) * BigInt(millionths) * BigInt(partitions)) /
          (1_000_000n * BigInt(EVENTS_PARTITIONS)),
      );
    return {
      scan: { ...scan, columns },
      partitionsAssigned: partitions,
      partitionsTotal: EVENTS_PARTITIONS,
      bytesAssigned: ofAll(EVENTS_BYTES, share),
      rowsAssigned: ofAll(EVENTS_ROWS, 1_000_000),
    };
  }

  /** Filters over the key alone are evaluated on the list of days, so exactly the days they keep are assigned. */
  async #eventPartitions(
    connection: DuckDBConnection,
    filters: readonly string[],
  ): Promise<number> {
    const keyed = conjuncts(filters).filter((filter) => {
      const names = identifiers(filter);
      return names.length > 0 && names.every((name) => name === EVENTS_KEY);
    });
    keyed.push(
      ...conjuncts(filters)
        .map((filter) => zoneTest(filter, dayExtremes))
        .filter((test) => test !== 'true'),
    );
    const whole = await this.#daysLeft(connection, keyed);
    if (whole !== undefined) return whole;
    // The plan's text of a filter is not always SQL; what cannot be evaluated prunes nothing.
    const usable: string[] = [];
    for (const filter of keyed)
      if ((await this.#daysLeft(connection, [filter])) !== undefined) usable.push(filter);
    return (await this.#daysLeft(connection, usable)) ?? EVENTS_PARTITIONS;
  }

  async #daysLeft(
    connection: DuckDBConnection,
    filters: readonly string[],
  ): Promise<number | undefined> {
    const where =
      filters.length === 0 ? 'true' : filters.map((filter) => `(${filter})`).join(' AND ');
    try {
      const left = await connection.runAndReadAll(
        `SELECT coalesce(sum(partitions), 0)::DOUBLE FROM tollgate.event_days WHERE ${where}`,
      );
      return left.getRows()[0]?.[0] as number;
    } catch {
      return undefined;
    }
  }

  async #tableOf(connection: DuckDBConnection, scan: Scan): Promise<TableStatistics> {
    const widths = await this.#widthsOf(connection, scan.schema, scan.table);
    const counted = await connection.runAndReadAll(
      `SELECT count(*)::DOUBLE FROM "${scan.schema}"."${scan.table}"`,
    );
    const rows = counted.getRows()[0]?.[0] as number;
    return { rows, partitions: Math.ceil(rows / ROWS_PER_PARTITION), widths };
  }

  async #widthsOf(
    connection: DuckDBConnection,
    schema: string,
    table: string,
  ): Promise<ReadonlyMap<string, number>> {
    const key = `${schema}.${table}`;
    const known = this.#widths.get(key);
    if (known !== undefined) return known;
    const [database = '', name = ''] = schema.split('.');
    const found = await connection.runAndReadAll(
      `SELECT column_name, width::DOUBLE FROM tollgate.all_columns
       WHERE table_database = '${database.replaceAll("'", "''")}' AND table_schema = '${name.replaceAll("'", "''")}' AND table_name = '${table.replaceAll("'", "''")}'`,
    );
    const widths = new Map(found.getRows().map((row) => [row[0] as string, row[1] as number]));
    if (this.#widths.size >= TABLES_MAX) this.#widths.clear();
    this.#widths.set(key, widths);
    return widths;
  }

  /** Partitions whose extremes the filters of the form `column operator constant` do not exclude. */
  async #partitionsLeft(scan: Scan, table: TableStatistics): Promise<number> {
    const tests =
      table.partitions < 2
        ? []
        : conjuncts(scan.filters)
            .map((filter) =>
              zoneTest(filter, (column) =>
                table.widths.has(column) ? storedExtremes(column) : undefined,
              ),
            )
            .filter((test) => test !== 'true');
    if (tests.length === 0) return table.partitions;
    try {
      const zones = await this.#zonesOf(scan, table);
      const left = await this.#service.runAndReadAll(
        `SELECT count(*)::DOUBLE FROM ${zones} WHERE ${tests.join(' AND ')}`,
      );
      return Math.min(left.getRows()[0]?.[0] as number, table.partitions);
    } catch {
      // A table of an open transaction, or a constant of another type: nothing is known, so nothing is pruned.
      return table.partitions;
    }
  }

  /** The extremes of each run of 8,192 rows, made once for each version of the data. */
  async #zonesOf(scan: Scan, table: TableStatistics): Promise<string> {
    const key = `${scan.schema}.${scan.table}`;
    const known = this.#zones.get(key);
    if (known?.version === this.#version) return known.name;
    const name = `temp.main."zones ${key}"`;
    const extremes = [...table.widths.keys()].map(
      (column) =>
        `min("${column}") AS "${column}<", max("${column}") AS "${column}>", count(*) > count("${column}") AS "${column}?"`,
    );
    await this.#service.run(
      `CREATE OR REPLACE TEMP TABLE "zones ${key}" AS SELECT rowid // ${ROWS_PER_PARTITION} AS zone, ${extremes.join(', ')} FROM "${scan.schema}"."${scan.table}" GROUP BY zone`,
    );
    this.#zones.set(key, { version: this.#version, name });
    return name;
  }
}

async function planJson(
  connection: DuckDBConnection,
  duckSql: string,
): Promise<string | undefined> {
  const explained = await connection.runAndReadAll(`EXPLAIN (FORMAT json) ${duckSql}`);
  const json = explained.getRows()[0]?.[1];
  return typeof json === 'string' && json.startsWith('[') ? json : undefined;
}

/** Splits conjunctions at their outermost AND; DuckDB joins the bounds of one column so. */
export function conjuncts(filters: readonly string[]): readonly string[] {
  return filters.flatMap((filter) => {
    const bare = withoutBrackets(filter.trim());
    const parts = splitOutside(bare, 'AND');
    return parts.length === 1 && parts[0] === bare ? parts : conjuncts(parts);
  });
}

/** The extremes of a column in the table of zones. */
function storedExtremes(column: string): Extremes {
  return {
    least: `"${column}<"`,
    greatest: `"${column}>"`,
    someNull: `"${column}?"`,
    someValue: `"${column}<" IS NOT NULL`,
  };
}

const DAY_START = 'CAST("EVENT_DATE" AS TIMESTAMP)';
/** Of a day's partitions: its instants begin with the day and end before the next. */
const TIME_OF_DAY = {
  least: DAY_START,
  greatest: `${DAY_START} + to_microseconds(86399999999)`,
} as const;

const EVENTS = {
  schema: 'ANALYTICS.WEB',
  table: 'EVENTS',
  key: EVENTS_KEY,
  ranged: { [EVENTS_TIME]: TIME_OF_DAY },
} as const;

/** No event is without a day or a time. */
function dayExtremes(column: string): Extremes | undefined {
  const never = { someNull: 'false', someValue: 'true' };
  if (column === EVENTS_KEY) return { least: '"EVENT_DATE"', greatest: '"EVENT_DATE"', ...never };
  return column === EVENTS_TIME ? { ...TIME_OF_DAY, ...never } : undefined;
}
