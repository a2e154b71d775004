/**
 * `npm run test:drivers [-- [--ways all|none|<way>,…] [--cases <case>,…] <client> …]`: starts the system, asks every client the same
 * directly, through the proxy and by other ways through it, prints what each saw and writes docs/compatibility.md; its
 * section about the ways only with `--ways all`. Exit code 1 when a case failed or differs. With names of clients or cases
 * only these run and the document stays as it is.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CASES } from './cases.js';
import { clients, type Client } from './clients.js';
import { outcomes, skippedOutcomes, type Outcome } from './outcome.js';
import { ROOT, cacheFolder } from './places.js';
import { compatibilityDocument, terminalLines, totals } from './report.js';
import { WAYS, type Way } from './sides.js';
import { serveSystem, type ServedSystem } from './system.js';

/** One way that crosses all others, because every change is to be shown it and time is short. */
const USUAL: readonly Way[] = ['combined'];

const NOT_ASKED = 'it was not asked for';

interface Wanted {
  readonly clients: readonly Client[];
  readonly isEverybody: boolean;
  readonly ways: readonly Way[];
  /** Every case of every way. */
  readonly isThorough: boolean;
}

/** What the command line asks for, or what is wrong with it. */
function wantedBy(args: readonly string[]): Wanted | string {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { ways: { type: 'string' }, cases: { type: 'string' } },
  });
  const known = clients();
  const unknown = positionals.filter((name) => !known.some((client) => client.name === name));
  if (unknown.length > 0) return `no such client: ${unknown.join(', ')}`;
  const cases = values.cases?.split(',') ?? CASES.map(({ name }) => name);
  const strange = cases.filter((name) => !CASES.some((each) => each.name === name));
  if (strange.length > 0) return `no such case: ${strange.join(', ')}`;
  const notAsked = CASES.filter(({ name }) => !cases.includes(name));
  const named = values.ways?.split(',') ?? USUAL;
  const ways = values.ways === 'all' ? WAYS : WAYS.filter((way) => named.includes(way));
  const isNone = values.ways === 'none';
  if (!isNone && values.ways !== 'all' && ways.length !== named.length)
    return `--ways takes all, none, or of these with commas between: ${WAYS.join(', ')}`;
  return {
    clients: known
      .filter(({ name }) => positionals.length === 0 || positionals.includes(name))
      .map((client) => ({
        ...client,
        without: {
          ...client.without,
          ...Object.fromEntries(notAsked.map(({ name }) => [name, NOT_ASKED])),
        },
      })),
    isEverybody: positionals.length === 0 && notAsked.length === 0,
    ways: isNone ? [] : ways,
    isThorough: values.ways !== undefined,
  };
}

async function main(args: readonly string[]): Promise<number> {
  const wanted = wantedBy(args);
  if (typeof wanted === 'string') {
    console.error(wanted);
    return 2;
  }
  const system = await serveSystem(wanted.ways);
  const home = mkdtempSync(path.join(tmpdir(), 'tollgate-drivers-home-'));
  const stop = (): void => void finish(system, home).then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const all: Outcome[] = [];
  try {
    for (const client of wanted.clients)
      all.push(...(await tried(client, system, home, !wanted.isThorough)));
    for (const line of system.troubles().slice(0, 20)) console.log(`tollgate logged: ${line}`);
  } finally {
    await finish(system, home);
  }
  if (wanted.isEverybody) {
    const file = path.join(ROOT, 'docs', 'compatibility.md');
    const written = existsSync(file) ? readFileSync(file, 'utf8') : '';
    writeFileSync(file, compatibilityDocument(all, written));
  }
  const { passed, failed, skipped } = totals(all);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 ? 0 : 1;
}

async function tried(
  client: Client,
  system: ServedSystem,
  home: string,
  isUsual: boolean,
): Promise<readonly Outcome[]> {
  const { sides } = system;
  const startedAt = performance.now();
  const prepared = await client.prepare(cacheFolder());
  const preparedAt = performance.now();
  if (prepared.kind === 'skipped') {
    console.log(`${client.name} ${client.version}: skipped: ${prepared.why}`);
    for (const line of prepared.detail.split('\n')) console.log(`  ${line}`);
    return skippedOutcomes(client, prepared.why, [...sides.ways.keys()]);
  }
  const found = await outcomes(client, prepared.program, sides, home, isUsual);
  const seconds = (from: number, to: number): string => `${((to - from) / 1000).toFixed(1)} s`;
  console.log(
    `${client.name} ${client.version} (prepared in ${seconds(startedAt, preparedAt)}, ran in ${seconds(preparedAt, performance.now())})`,
  );
  console.log(`  direct, proxied${[...sides.ways.keys()].map((way) => `, ${way}`).join('')}`);
  const asked = found.filter(
    ({ proxied }) => proxied.kind !== 'skipped' || proxied.why !== NOT_ASKED,
  );
  for (const line of terminalLines(asked)) console.log(line);
  console.log('');
  return found;
}

async function finish(system: ServedSystem, home: string): Promise<void> {
  await system.stop();
  rmSync(home, { recursive: true, force: true });
}

process.exitCode = await main(process.argv.slice(2)).catch((thrown: unknown) => {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  return 1;
});
