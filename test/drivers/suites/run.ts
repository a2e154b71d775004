/**
 * `npm run test:suites [-- <suite>[=<folder>] …]`: the drivers' own public test-suites, every case against the embedded
 * warehouse and through the proxy. Sources are never part of this repository: Go's come with the go command, the Node
 * driver's repository is named (`node=<folder>`, or TOLLGATE_SUITE_NODE). Without names both run;
 * docs/driver-suites.md is written when both did. `--keep <file>` adds what was said of every case to a file, and
 * `--from <file>` writes the document from such files and runs nothing.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, cacheFolder } from '../places.js';
import { startServed } from '../served.js';
import { suitesDocument, sideLines, type SuiteResult } from './document.js';
import { goSuite } from './go-suite.js';
import { keep, kept } from './kept.js';
import { nodeSuite } from './node-suite.js';
import type { PreparedSuite, Seen, Side, Suite } from './suite.js';

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { keep: { type: 'string' }, from: { type: 'string', multiple: true } },
  });
  const known = suites(positionals);
  const asked = positionals.map((each) => each.split('=')[0]);
  const unknown = asked.filter((name) => !known.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    console.error(`no such suite: ${unknown.join(', ')}`);
    return 2;
  }
  if (values.from !== undefined) {
    const titles = known.map(({ title }) => title);
    return written(kept(values.from, titles), known);
  }
  const results: SuiteResult[] = [];
  for (const suite of known.filter(({ name }) => asked.length === 0 || asked.includes(name))) {
    const result = await tried(suite);
    if (result === null) continue;
    results.push(result);
    if (values.keep !== undefined) keep(values.keep, result);
  }
  return written(results, known);
}

function suites(positionals: readonly string[]): readonly Suite[] {
  const folder = (name: string): string | null => {
    const given = positionals.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
    const found = given ?? process.env[`TOLLGATE_SUITE_${name.toUpperCase()}`] ?? null;
    return found === null ? null : path.resolve(found);
  };
  return [nodeSuite(folder('node')), goSuite(folder('go'))];
}

function written(results: readonly SuiteResult[], known: readonly Suite[]): number {
  if (results.length < known.length) {
    console.log('docs/driver-suites.md stays as it is: not every suite ran');
  } else {
    writeFileSync(path.join(ROOT, 'docs', 'driver-suites.md'), suitesDocument(results));
  }
  return 0;
}

async function tried(suite: Suite): Promise<SuiteResult | null> {
  const prepared = await suite.prepare(cacheFolder());
  if (prepared.kind === 'absent') {
    console.log(`${suite.title}: skipped: ${prepared.why}`);
    return null;
  }
  const [direct, proxied] = await Promise.all([
    onSide(suite, prepared, 'direct'),
    onSide(suite, prepared, 'proxied'),
  ]);
  return { title: suite.title, apart: prepared.apart, direct, proxied };
}

const ROLES = ['proxy', 'admin', 'worker', 'warehouse'] as const;

/** Each side has a system of its own, so that neither meets what the other left; both run at once. */
async function onSide(
  suite: Suite,
  prepared: PreparedSuite,
  name: Side['name'],
): Promise<readonly Seen[]> {
  const home = mkdtempSync(path.join(tmpdir(), 'tollgate-suites-home-'));
  const system = await startServed(path.join(home, 'served'), ROLES, {});
  const finish = async (): Promise<void> => {
    await system.stop();
    rmSync(home, { recursive: true, force: true });
  };
  const stop = (): void => void finish().then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const startedAt = performance.now();
    const port = name === 'direct' ? system.warehousePort : system.proxyPort;
    const seen = await prepared.run({ name, port, home });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    console.log(`${suite.title}, ${name}: ${sideLines(seen)} in ${seconds} s`);
    for (const line of system.troubles().slice(0, 20)) console.log(`tollgate logged: ${line}`);
    return seen;
  } finally {
    process.removeListener('SIGINT', stop).removeListener('SIGTERM', stop);
    await finish();
  }
}

process.exitCode = await main(process.argv.slice(2)).catch((thrown: unknown) => {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  return 1;
});
