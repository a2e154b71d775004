/**
 * `npm run test:suites [-- <suite>[=<folder>] …]`: the drivers' own public test-suites, every case against the embedded
 * warehouse and through the proxy. Sources are never part of this repository: Go's come with the go command, the Node
 * driver's repository is named (`node=<folder>`, or TOLLGATE_SUITE_NODE). Without arguments both run, and
 * docs/driver-suites.md is written when both did. `--raw <file>` keeps what the suites said of each failure.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT, cacheFolder } from '../places.js';
import { serveSystem } from '../system.js';
import { suitesDocument, sideLines, type SuiteResult } from './document.js';
import { goSuite } from './go-suite.js';
import { nodeSuite } from './node-suite.js';
import type { PreparedSuite, Seen, Side, Suite } from './suite.js';

async function main(args: readonly string[]): Promise<number> {
  const rawAt = args.indexOf('--raw');
  const raw = rawAt < 0 ? null : (args[rawAt + 1] ?? null);
  const names = args.filter((_, at) => rawAt < 0 || (at !== rawAt && at !== rawAt + 1));
  const folder = (name: string): string | null => {
    const given = names.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
    const found = given ?? process.env[`TOLLGATE_SUITE_${name.toUpperCase()}`] ?? null;
    return found === null ? null : path.resolve(found);
  };
  const known = [nodeSuite(folder('node')), goSuite(folder('go'))];
  const asked = names.map((each) => each.split('=')[0]);
  const unknown = asked.filter((name) => !known.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    console.error(`no such suite: ${unknown.join(', ')}`);
    return 2;
  }
  const results: SuiteResult[] = [];
  for (const suite of known.filter(({ name }) => asked.length === 0 || asked.includes(name))) {
    const result = await tried(suite, (seen) => {
      if (raw !== null) appendFileSync(raw, `${JSON.stringify(seen)}\n`);
    });
    if (result !== null) results.push(result);
  }
  if (results.length === known.length) {
    writeFileSync(path.join(ROOT, 'docs', 'driver-suites.md'), suitesDocument(results));
  } else {
    console.log('docs/driver-suites.md stays as it is: not every suite ran');
  }
  return 0;
}

async function tried(suite: Suite, keep: (seen: unknown) => void): Promise<SuiteResult | null> {
  const prepared = await suite.prepare(cacheFolder());
  if (prepared.kind === 'absent') {
    console.log(`${suite.title}: skipped: ${prepared.why}`);
    return null;
  }
  const direct = await side(suite, prepared, 'direct');
  keep({ suite: suite.title, side: 'direct', seen: direct });
  const proxied = await side(suite, prepared, 'proxied');
  keep({ suite: suite.title, side: 'proxied', seen: proxied });
  return { title: suite.title, apart: prepared.apart, direct, proxied };
}

/** Each side has a system of its own, so that neither meets what the other left. */
async function side(
  suite: Suite,
  prepared: PreparedSuite,
  name: Side['name'],
): Promise<readonly Seen[]> {
  const system = await serveSystem();
  const home = mkdtempSync(path.join(tmpdir(), 'tollgate-suites-home-'));
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
