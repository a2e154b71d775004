/**
 * `npm run test:drivers [-- <client> …]`: starts the system, asks every client the same directly and through the proxy,
 * prints what each saw and writes docs/compatibility.md. Exit code 1 when a case failed or differs. With names of
 * clients only these run and the document stays as it is.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clients, type Client } from './clients.js';
import { outcomes, skippedOutcomes, type Outcome } from './outcome.js';
import { ROOT, cacheFolder } from './places.js';
import { compatibilityDocument, terminalLines, totals } from './report.js';
import { serveSystem, type ServedSystem } from './system.js';

async function main(wanted: readonly string[]): Promise<number> {
  const known = clients();
  const chosen = known.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const unknown = wanted.filter((name) => !known.some((client) => client.name === name));
  if (unknown.length > 0) {
    console.error(`no such client: ${unknown.join(', ')}`);
    return 2;
  }
  const system = await serveSystem();
  const home = mkdtempSync(path.join(tmpdir(), 'tollgate-drivers-home-'));
  const stop = (): void => void finish(system, home).then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const all: Outcome[] = [];
  try {
    for (const client of chosen) all.push(...(await tried(client, system, home)));
    for (const line of system.troubles().slice(0, 20)) console.log(`tollgate logged: ${line}`);
  } finally {
    await finish(system, home);
  }
  if (wanted.length === 0) {
    writeFileSync(path.join(ROOT, 'docs', 'compatibility.md'), compatibilityDocument(all));
  }
  const { passed, failed, skipped } = totals(all);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 ? 0 : 1;
}

async function tried(
  client: Client,
  system: ServedSystem,
  home: string,
): Promise<readonly Outcome[]> {
  const startedAt = performance.now();
  const prepared = await client.prepare(cacheFolder());
  const preparedAt = performance.now();
  if (prepared.kind === 'skipped') {
    console.log(`${client.name} ${client.version}: skipped: ${prepared.why}`);
    for (const line of prepared.detail.split('\n')) console.log(`  ${line}`);
    return skippedOutcomes(client, prepared.why);
  }
  const found = await outcomes(client, prepared.program, system, home);
  const seconds = (from: number, to: number): string => `${((to - from) / 1000).toFixed(1)} s`;
  console.log(
    `${client.name} ${client.version} (prepared in ${seconds(startedAt, preparedAt)}, ran in ${seconds(preparedAt, performance.now())})`,
  );
  for (const line of terminalLines(found)) console.log(line);
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
