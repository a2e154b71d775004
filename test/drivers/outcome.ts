/** From what the programs of one client reported to the cells of its rows. */
import { isDeepStrictEqual } from 'node:util';
import { CASES, type Case, type Seen } from './cases.js';
import type { Client } from './clients.js';
import { runProgram, tail, type Program } from './programs.js';

export type Cell =
  | { readonly kind: 'pass' }
  | { readonly kind: 'fail' | 'differs'; readonly why: string }
  | { readonly kind: 'skipped'; readonly why: string };

export interface Outcome {
  readonly client: Client;
  readonly title: string;
  readonly direct: Cell;
  readonly proxied: Cell;
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

/** Both sides at once: the program asks the warehouse and the proxy the same; each is killed after the client's limit. */
export async function outcomes(
  client: Client,
  program: Program,
  ports: { readonly proxyPort: number; readonly warehousePort: number },
  home: string,
): Promise<readonly Outcome[]> {
  const own = casesOf(client).filter(({ name }) => client.without[name] === undefined);
  const onDirect = own.filter(({ notDirect }) => notDirect === null);
  const [direct, proxied] = await Promise.all([
    reports(program, ports.warehousePort, onDirect, home, client.limitMs),
    reports(program, ports.proxyPort, own, home, client.limitMs),
  ]);
  return casesOf(client).map((each) => {
    const absent = client.without[each.name];
    const skipped = (why: string): Cell => ({ kind: 'skipped', why });
    if (absent !== undefined) {
      return { client, title: each.title, direct: skipped(absent), proxied: skipped(absent) };
    }
    const onProxy = proxied.get(each.name);
    if (each.notDirect !== null) {
      const cell = judged(each, onProxy);
      return { client, title: each.title, direct: skipped(each.notDirect), proxied: cell };
    }
    const onWarehouse = direct.get(each.name);
    return {
      client,
      title: each.title,
      direct: judged(each, onWarehouse),
      proxied: compared(judged(each, onProxy), onWarehouse, onProxy),
    };
  });
}

/** Every case of a client that cannot run here. */
export function skippedOutcomes(client: Client, why: string): readonly Outcome[] {
  const cell: Cell = { kind: 'skipped', why };
  return casesOf(client).map(({ title }) => ({ client, title, direct: cell, proxied: cell }));
}

function casesOf(client: Client): readonly Case[] {
  return CASES.filter((each) =>
    each.client === null ? !client.hasOwnCases : each.client === client.name,
  );
}

function judged(each: Case, report: Report | undefined): Cell {
  if (report === undefined) return { kind: 'fail', why: 'the program said nothing about it' };
  switch (report.kind) {
    case 'failed':
      return { kind: 'fail', why: report.why };
    case 'unreached':
      return { kind: 'skipped', why: report.why };
    case 'seen':
      try {
        each.check(report.seen);
        return { kind: 'pass' };
      } catch (thrown) {
        const message = thrown instanceof Error ? thrown.message : String(thrown);
        return { kind: 'fail', why: `${message}\nseen: ${JSON.stringify(report.seen)}` };
      }
  }
}

function compared(cell: Cell, direct: Report | undefined, proxied: Report | undefined): Cell {
  if (cell.kind !== 'pass' || direct?.kind !== 'seen' || proxied?.kind !== 'seen') return cell;
  if (isDeepStrictEqual(direct.seen, proxied.seen)) return cell;
  const why = `direct:  ${JSON.stringify(direct.seen)}\nproxied: ${JSON.stringify(proxied.seen)}`;
  return { kind: 'differs', why };
}

async function reports(
  program: Program,
  port: number,
  cases: readonly Case[],
  home: string,
  limitMs: number,
): Promise<ReadonlyMap<string, Report>> {
  const ending = await runProgram(
    {
      ...program,
      args: [...program.args, ...settings(port, cases)],
      environment: { ...program.environment, ...SURROUNDINGS, HOME: home },
    },
    limitMs,
  );
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

function settings(port: number, cases: readonly Case[]): readonly string[] {
  const options = {
    host: '127.0.0.1',
    port: String(port),
    protocol: 'http',
    account: 'demo',
    user: 'marketing_analyst',
    password: 'demo',
    database: 'ANALYTICS',
    schema: 'TPCH',
  };
  const asked = cases.flatMap(({ name, ask }) =>
    ask.kind === 'steps' ? ['--steps', name] : [`--${ask.kind}`, `${name}=${ask.text}`],
  );
  return [...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]), ...asked];
}
