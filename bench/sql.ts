/**
 * `sql`: time of a statement in each reader of SQL, ours and others', over the same generated statements in one run,
 * and what texts made to be slow cost. Every reader sees every statement once, in an order drawn anew for each.
 */
import { lex } from '#base/sql/lexer.js';
import { splitStatements } from '#base/sql/splitter.js';
import { classifyStatement } from '#base/sql/statement-class.js';
import { createAnalyser, type CountingAnalyser } from '#policies/sql/analyser.js';
import type { Catalogue } from '#policies/sql/facts.js';
import { fingerprintOfShapes, shapeOf } from '#policies/sql/fingerprint.js';
import { Dialect, parse as parseWithPolyglot } from '@polyglot-sql/sdk';
import grammar from 'node-sql-parser/build/snowflake.js';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { cpuMsOfAllThreads, machineBusyMs, voidForOthers } from './processes.js';
import { hostileTexts } from './sql-hostile.js';
import { generatedShapes } from './sql-statements.js';
import { ascending, quantile, seededRandom, shuffled } from './statistics.js';

export interface SqlOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly log: (line: string) => void;
}

export interface SqlRow {
  readonly name: string;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  /** Processor time of the whole process for a statement, workers included; other processes do not lengthen it. */
  readonly cpuUs: number;
  readonly statements: number;
  /** Not understood: opaque, refused or thrown. */
  readonly refused: number;
}

export interface HostileRow {
  readonly name: string;
  readonly length: number;
  /** Milliseconds from the text to its facts. */
  readonly factsMs: number;
  /** Longest time in which the event loop did not turn meanwhile. */
  readonly stallMs: number;
  /** Null where the reader cannot be stopped and so was not asked. */
  readonly polyglotMs: number | null;
  readonly nodeSqlParserMs: number | null;
}

export interface SqlReport {
  readonly options: Omit<SqlOptions, 'log'>;
  readonly rows: readonly SqlRow[];
  readonly hostile: readonly HostileRow[];
  readonly meanLength: number;
  /** Share of the statements of a seen fingerprint that were in fact answered without the parser. */
  readonly sharedPercent: number;
  /** Worst turn of the loop while unseen statements are analysed, and while the same loop does nothing. */
  readonly stallMs: number;
  readonly idleStallMs: number;
  readonly voidReasons: readonly string[];
}

const STATEMENTS_A_ROUND = 200;
const WARM_UP_STATEMENTS = 300;
const SESSION = { database: 'ANALYTICS', schema: 'MART' };
const NO_CATALOGUE: Catalogue = { version: 'none', columnsOf: () => undefined };

/** True when the statement was understood. */
type Reader = (sql: string) => boolean | Promise<boolean>;

function lexAndFingerprint(sql: string): boolean {
  const tokens = lex(sql);
  const shapes = splitStatements(tokens).map((range) => {
    classifyStatement(tokens, range);
    return shapeOf(tokens, range).text;
  });
  return fingerprintOfShapes(shapes).hash.length > 0;
}

function factsWith(analyser: CountingAnalyser): Reader {
  return async (sql) => {
    const { statements } = await analyser.analyse(sql, SESSION, NO_CATALOGUE);
    return statements.every(({ opaque }) => !opaque);
  };
}

function polyglot(sql: string): boolean {
  return parseWithPolyglot(sql, Dialect.Snowflake).success;
}

const parser = new grammar.Parser();

function nodeSqlParser(sql: string): boolean {
  try {
    parser.parse(sql, { database: 'snowflake' });
    return true;
  } catch {
    return false;
  }
}

class Measurements {
  readonly #times = new Map<string, number[]>();
  readonly #refused = new Map<string, number>();
  readonly #cpuUs = new Map<string, number>();

  /** Adds the texts one after another, and what they cost together. */
  async addAll(name: string, reader: Reader, texts: readonly string[]): Promise<void> {
    const before = process.cpuUsage();
    for (const text of texts) await this.add(name, reader, text);
    const { user, system } = process.cpuUsage(before);
    this.#cpuUs.set(name, (this.#cpuUs.get(name) ?? 0) + user + system);
  }

  async add(name: string, reader: Reader, sql: string): Promise<void> {
    const from = performance.now();
    const isUnderstood = await reader(sql);
    const us = (performance.now() - from) * 1_000;
    const times = this.#times.get(name) ?? [];
    this.#times.set(name, times);
    times.push(us);
    if (!isUnderstood) this.#refused.set(name, (this.#refused.get(name) ?? 0) + 1);
  }

  rows(): readonly SqlRow[] {
    return [...this.#times].map(([name, times]) => {
      const sorted = ascending(times);
      return {
        name,
        p50Us: quantile(sorted, 0.5),
        p99Us: quantile(sorted, 0.99),
        maxUs: quantile(sorted, 1),
        cpuUs: (this.#cpuUs.get(name) ?? NaN) / times.length,
        statements: times.length,
        refused: this.#refused.get(name) ?? 0,
      };
    });
  }
}

/** Runs all readers; the analyser is the one of the proxy, with its default limits and worker. */
export async function runSql(options: SqlOptions): Promise<SqlReport> {
  const analyser = createAnalyser();
  const startedAt = performance.now();
  const [busyBefore, ownBefore] = [machineBusyMs(), cpuMsOfAllThreads(process.pid)];
  try {
    await warmUp(analyser, options.seed);
    const measured = await measureRounds(analyser, options);
    const hostile = await measureHostile(analyser, options);
    const seconds = (performance.now() - startedAt) / 1_000;
    const others =
      (machineBusyMs() - busyBefore - (cpuMsOfAllThreads(process.pid) - ownBefore)) /
      1_000 /
      seconds;
    return {
      options: { rounds: options.rounds, seed: options.seed },
      ...measured,
      hostile,
      voidReasons: voidForOthers(others),
    };
  } finally {
    await analyser.stop();
  }
}

async function warmUp(analyser: CountingAnalyser, seed: number): Promise<void> {
  const facts = factsWith(analyser);
  for (const shape of generatedShapes(WARM_UP_STATEMENTS, seed + 7_777)) {
    const sql = shape.text(0);
    for (const reader of [lexAndFingerprint, facts, polyglot, nodeSqlParser]) await reader(sql);
  }
}

async function measureRounds(
  analyser: CountingAnalyser,
  { rounds, seed, log }: SqlOptions,
): Promise<Pick<SqlReport, 'rows' | 'meanLength' | 'sharedPercent' | 'stallMs' | 'idleStallMs'>> {
  const random = seededRandom(seed);
  const facts = factsWith(analyser);
  const measurements = new Measurements();
  const shapes = generatedShapes(rounds * STATEMENTS_A_ROUND, seed);
  const stalls: number[] = [];
  let length = 0;
  let shared = 0;
  for (let round = 0; round < rounds; round += 1) {
    const ours = shapes.slice(round * STATEMENTS_A_ROUND, (round + 1) * STATEMENTS_A_ROUND);
    const texts = ours.map((shape) => shape.text(0));
    length += texts.reduce((sum, text) => sum + text.length, 0);
    const unseen: readonly [string, Reader][] = [
      ['lexer, class and fingerprint, unseen', lexAndFingerprint],
      ['polyglot parse, in this thread', polyglot],
      ['node-sql-parser parse, in this thread', nodeSqlParser],
      ['full facts, unseen', facts],
    ];
    for (const [name, reader] of shuffled(unseen, random)) {
      const work = (): Promise<void> => measurements.addAll(name, reader, shuffled(texts, random));
      if (reader === facts) stalls.push(await stallDuring(work));
      else await work();
    }
    const hits = analyser.counts().fingerprintHits;
    const others = shuffled(ours, random).map((shape) => shape.text(1));
    await measurements.addAll('facts, same fingerprint seen', facts, others);
    shared += analyser.counts().fingerprintHits - hits;
    await measurements.addAll('facts, exact text seen', facts, shuffled(texts, random));
    log(`sql: round ${round + 1} of ${rounds}`);
  }
  return {
    rows: measurements.rows(),
    meanLength: length / shapes.length,
    sharedPercent: (100 * shared) / shapes.length,
    stallMs: Math.max(...stalls),
    idleStallMs: await stallDuring(() => idle(IDLE_MS)),
  };
}

const IDLE_MS = 3_000;

async function idle(ms: number): Promise<void> {
  for (const from = performance.now(); performance.now() - from < ms;) await setImmediate();
}

/** Longest time in milliseconds in which the loop did not turn while `work` ran. */
async function stallDuring(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await setImmediate();
  await work();
  await new Promise((resolve) => setTimeout(resolve, 2));
  delay.disable();
  return delay.max / 1e6;
}

async function measureHostile(
  analyser: CountingAnalyser,
  { log }: SqlOptions,
): Promise<readonly HostileRow[]> {
  const rows: HostileRow[] = [];
  for (const { name, sql, isForPeers } of hostileTexts()) {
    log(`sql: ${name}, ${sql.length} characters`);
    let factsMs = 0;
    const stallMs = await stallDuring(async () => {
      factsMs = await msOf(() => analyser.analyse(sql, SESSION, NO_CATALOGUE));
    });
    rows.push({
      name,
      length: sql.length,
      factsMs,
      stallMs,
      polyglotMs: isForPeers ? await msOf(() => polyglot(sql)) : null,
      nodeSqlParserMs: isForPeers ? await msOf(() => nodeSqlParser(sql)) : null,
    });
  }
  return rows;
}

async function msOf(work: () => unknown): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}
