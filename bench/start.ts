/**
 * `start`: how long a proxy takes from its exec to ready on a Postgres that runs, and how much memory it has with sessions
 * that do nothing, beside the bare relay in the same rounds. The parser is a thread of the proxy and counts as its memory.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { residentBytes, voidForOthers, type Child } from './processes.js';
import { othersBusyMs } from './reserve.js';
import { median } from './statistics.js';
import { passThrough, startProgram } from './targets.js';
import { launchProxy, login, startLedger, type Launched, type LedgerServer } from './tollgate.js';

/** Idle sessions of a proxy. */
const SESSIONS = 10_000;
const SIGN_INS_AT_ONCE = 16;
/** What sessions left behind is collected by then. */
const IDLE_MS = 20_000;
const READY_MS_MAX = 60_000;
const LOOK_MS = 5;

export interface StartOptions {
  readonly rounds: number;
  readonly log: (line: string) => void;
}

export interface StartRow {
  readonly name: string;
  /** Medians of the rounds. */
  readonly readyMs: number;
  readonly readyMiB: number;
  /** With idle sessions; null: not asked. */
  readonly idleMiB: number | null;
}

export interface StartReport {
  readonly rounds: number;
  readonly sessions: number;
  readonly rows: readonly StartRow[];
  readonly voidReasons: readonly string[];
}

interface Started {
  readonly readyMs: number;
  readonly readyMiB: number;
}

/** Runs it. Throws where a proxy does not become ready or a session is refused. */
export async function runStart(options: StartOptions): Promise<StartReport> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tollgate-bench-data-'));
  const origin = await startProgram('./load/origin.js', null, {});
  const stops: (() => Promise<void>)[] = [() => origin.child.stop()];
  try {
    const ledger = await startLedger(dataDir);
    stops.push(() => ledger.stop());
    const [proxies, relays]: [Started[], Started[]] = [[], []];
    const [busyBefore, startedAt] = [othersBusyMs(), performance.now()];
    for (let round = 1; round <= options.rounds; round += 1) {
      options.log(`round ${round} of ${options.rounds}`);
      relays.push(await relayOnce(origin.port));
      const { launched, ...started } = await launch(ledger, join(dataDir, 'proxy'), origin.port);
      proxies.push(started);
      await launched.child.stop();
    }
    const others = (othersBusyMs() - busyBefore) / (performance.now() - startedAt);
    options.log(`${SESSIONS} sessions`);
    const idleMiB = await withSessions(ledger, join(dataDir, 'proxy'), origin.port);
    return {
      rounds: options.rounds,
      sessions: SESSIONS,
      rows: [
        rowOf('pass-through (Node)', relays, null),
        rowOf('tollgate, `--role proxy`', proxies, idleMiB),
      ],
      voidReasons: voidForOthers(others),
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function relayOnce(originPort: number): Promise<Started> {
  const startedAt = performance.now();
  const relay = await passThrough(originPort, false);
  const readyMs = performance.now() - startedAt;
  const readyMiB = mebibytes(relay.pid ?? -1);
  await relay.stop();
  return { readyMs, readyMiB };
}

async function launch(
  ledger: LedgerServer,
  dataDir: string,
  originPort: number,
): Promise<Started & { readonly launched: Launched }> {
  const startedAt = performance.now();
  const launched = await launchProxy(ledger, dataDir, originPort, false);
  await untilReady(launched.readyUrl, launched.child);
  return {
    readyMs: performance.now() - startedAt,
    readyMiB: mebibytes(launched.child.pid),
    launched,
  };
}

async function untilReady(url: string, child: Child): Promise<void> {
  const until = performance.now() + READY_MS_MAX;
  while (performance.now() < until && !child.hasEnded()) {
    const status = await fetch(url).then(
      (reply) => reply.status,
      () => undefined,
    );
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error(`the proxy did not become ready: ${child.output().slice(-600)}`);
}

async function withSessions(
  ledger: LedgerServer,
  dataDir: string,
  originPort: number,
): Promise<number> {
  const { launched } = await launch(ledger, dataDir, originPort);
  try {
    let left = SESSIONS;
    await Promise.all(
      Array.from({ length: SIGN_INS_AT_ONCE }, async () => {
        while (left > 0) {
          left -= 1;
          const session = await login(launched.proxyPort);
          if ('why' in session) throw new Error(`a sign-in was refused: ${session.why}`);
        }
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    return mebibytes(launched.child.pid);
  } finally {
    await launched.child.stop();
  }
}

const mebibytes = (pid: number): number => residentBytes(pid) / 1024 / 1024;

function rowOf(name: string, started: readonly Started[], idleMiB: number | null): StartRow {
  return {
    name,
    readyMs: median(started.map(({ readyMs }) => readyMs)),
    readyMiB: median(started.map(({ readyMiB }) => readyMiB)),
    idleMiB,
  };
}
