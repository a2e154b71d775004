/** From what the programs of one client reported to the cells of its rows. */
import { isDeepStrictEqual } from 'node:util';
import type { Case, Seen } from './case.js';
import { CASES } from './cases.js';
import type { Client } from './clients.js';
import { runProgram, tail, type Program } from './programs.js';
import type { Side, Sides, Way } from './sides.js';
import { startTap } from './tap.js';

export type Cell =
  | { readonly kind: 'pass' }
  | { readonly kind: 'fail'; readonly why: string }
  /** Known: it is meant to, and no failure. */
  | { readonly kind: 'differs'; readonly why: string; readonly isKnown: boolean }
  | { readonly kind: 'skipped'; readonly why: string };

export interface Outcome {
  readonly client: Client;
  readonly title: string;
  /** Whether it has a row in the table of the plain pair: the case can run there. */
  readonly isOfTable: boolean;
  readonly direct: Cell;
  readonly proxied: Cell;
  /** Of the ways that were run. */
  readonly ways: ReadonlyMap<Way, Cell>;
}

type Report =
  | { readonly kind: 'seen'; readonly seen: Seen }
  | { readonly kind: 'failed' | 'unreached'; readonly why: string };

// Drivers read configuration in the user's home, proxies of the environment, and the zone and character set of the machine.
// They also ask the cloud's own addresses what machine this is, which nobody here answers.
const SURROUNDINGS = {
  NO_PROXY: '127.0.0.1',
  TZ: 'Etc/UTC',
  LC_ALL: 'C.UTF-8',
  SNOWFLAKE_DISABLE_PLATFORM_DETECTION: 'true',
};

/**
 * All sides, at most three at once: the program asks each the same, and is killed after the client's limit. A side's
 * answer must be right, and, where the direct one was asked too, equal to that. A usual run asks tools that are slow to
 * start less on the ways.
 */
export async function outcomes(
  client: Client,
  program: Program,
  sides: Sides,
  home: string,
  isUsual = false,
): Promise<readonly Outcome[]> {
  const whyNot = (each: Case, side: Side): string | null =>
    client.without[each.name] ??
    whyNotOn(each, side.name) ??
    (isUsual ? tooDear(client, each, side) : null);
  const run = (side: Side): Promise<Reports> => {
    const cases = casesOf(client).filter((each) => whyNot(each, side) === null);
    return reports(program, side, cases, home, client.limitMs);
  };
  const [direct, ...others] = await inTurn(3, [
    () => run(sides.direct),
    ...[sides.proxied, ...sides.ways.values()].map((side) => () => run(side)),
  ]);
  const [proxied, ...ways] = others;
  return casesOf(client).map((each) => {
    const onDirect = direct?.get(each.name);
    const cell = (side: Side, found: Reports | undefined): Cell => {
      const why = whyNot(each, side);
      if (why !== null) return { kind: 'skipped', why };
      const report = found?.get(each.name);
      const judgement = judged(each, side, report);
      return side.name === 'direct' ? judgement : compared(judgement, each, side, onDirect, report);
    };
    return {
      client,
      title: each.title,
      isOfTable: !each.onlyIssued,
      direct: cell(sides.direct, direct),
      proxied: cell(sides.proxied, proxied),
      ways: new Map([...sides.ways].map(([way, side], at) => [way, cell(side, ways[at])])),
    };
  });
}

/** Every case of a client that cannot run here. */
export function skippedOutcomes(
  client: Client,
  why: string,
  ways: readonly Way[] = [],
): readonly Outcome[] {
  const cell: Cell = { kind: 'skipped', why };
  return casesOf(client).map(({ title, onlyIssued }) => ({
    client,
    title,
    isOfTable: !onlyIssued,
    direct: cell,
    proxied: cell,
    ways: new Map(ways.map((way) => [way, cell])),
  }));
}

/** Runs tasks in their order, so many at once; their results in the same order. */
async function inTurn<T>(atOnce: number, tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  const queue = tasks.entries();
  const worker = async (): Promise<void> => {
    for (const [at, task] of queue) results[at] = await task();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

function casesOf(client: Client): readonly Case[] {
  return CASES.filter((each) =>
    each.client === null ? !client.hasOwnCases : each.client === client.name,
  );
}

/** Null: the side runs the case. */
function whyNotOn(each: Case, side: Side['name']): string | null {
  if (side === 'direct') return each.notDirect;
  return each.onlyIssued && side !== 'terminated' && side !== 'combined'
    ? 'only where Tollgate issued the credentials'
    : null;
}

/** What a usual run leaves to one of all ways. */
function tooDear({ usual }: Client, { name }: Case, side: Side): string | null {
  const isPlain = side.name === 'direct' || side.name === 'proxied';
  return isPlain || usual === null || usual.includes(name) ? null : 'asked with --ways all';
}

function judged(each: Case, side: Side, report: Report | undefined): Cell {
  if (report === undefined) return { kind: 'fail', why: 'the program said nothing about it' };
  switch (report.kind) {
    case 'failed':
      return { kind: 'fail', why: report.why };
    case 'unreached':
      return { kind: 'skipped', why: report.why };
    case 'seen':
      try {
        each.check(report.seen, side);
        return { kind: 'pass' };
      } catch (thrown) {
        const message = thrown instanceof Error ? thrown.message : String(thrown);
        return { kind: 'fail', why: `${message}\nseen: ${JSON.stringify(report.seen)}` };
      }
  }
}

function compared(
  cell: Cell,
  each: Case,
  side: Side,
  direct: Report | undefined,
  other: Report | undefined,
): Cell {
  if (cell.kind !== 'pass' || direct?.kind !== 'seen' || other?.kind !== 'seen') return cell;
  const [wanted, found] = [direct, other].map(({ seen }) => withoutKeys(seen, each.notCompared));
  if (isDeepStrictEqual(wanted, found)) return cell;
  if (side.credentials.issued !== undefined && each.differsIssued !== null)
    return { kind: 'differs', why: each.differsIssued, isKnown: true };
  const why = `direct:  ${JSON.stringify(wanted)}\nproxied: ${JSON.stringify(found)}`;
  return { kind: 'differs', why, isKnown: false };
}

function withoutKeys(seen: Seen, keys: readonly string[]): Seen {
  if (keys.length === 0 || typeof seen !== 'object' || seen === null) return seen;
  return Object.fromEntries(Object.entries(seen).filter(([key]) => !keys.includes(key)));
}

type Reports = ReadonlyMap<string, Report>;

async function reports(
  program: Program,
  side: Side,
  cases: readonly Case[],
  home: string,
  limitMs: number,
): Promise<Reports> {
  const tap = await startTap(side);
  const options = { side: side.name, port: String(tap.port), control: tap.controlUrl };
  const ending = await runProgram(
    {
      ...program,
      args: [...program.args, ...settings(options, side, cases)],
      environment: {
        ...program.environment,
        ...SURROUNDINGS,
        ...side.encryption?.environment,
        HOME: home,
      },
    },
    limitMs,
  );
  await tap.stop();
  if (ending.kind === 'absent') throw new Error(`${program.command} cannot be started`);
  const found = new Map<string, Report>();
  for (const line of ending.stdout.split('\n').filter((text) => text.startsWith('{"case"'))) {
    const said = JSON.parse(line) as { case: string; seen?: Seen; error?: string };
    const { error } = said;
    found.set(
      said.case,
      error === undefined ? { kind: 'seen', seen: said.seen } : { kind: 'failed', why: error },
    );
  }
  const missing = cases.filter(({ name }) => !found.has(name));
  const end =
    ending.kind === 'late'
      ? `no end within ${limitMs / 1000} s`
      : `the program ended with ${ending.code}`;
  missing.forEach(({ name }, at) =>
    found.set(
      name,
      at === 0
        ? { kind: 'failed', why: `${end}: ${tail(ending.stderr, 12)}` }
        : { kind: 'unreached', why: 'an earlier case did not end' },
    ),
  );
  return found;
}

function settings(
  own: Readonly<Record<string, string>>,
  { account, credentials, encryption }: Side,
  cases: readonly Case[],
): readonly string[] {
  const { user, password, issued } = credentials;
  const options = {
    ...own,
    host: '127.0.0.1',
    protocol: encryption === null ? 'http' : 'https',
    account,
    user,
    password,
    database: 'ANALYTICS',
    schema: 'TPCH',
    ...(issued === undefined ? {} : { token: issued.token, 'key-file': issued.keyFile }),
  };
  const asked = cases.flatMap(({ name, ask }) => [`--${ask.kind}`, `${name}=${ask.text}`]);
  return [...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]), ...asked];
}
