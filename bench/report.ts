/** Tables of the results, for the terminal and for `docs/benchmarks.md` between its markers. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release } from 'node:os';
import { dirname } from 'node:path';
import type { LatencyReport } from './latency.js';
import type { LoopReport } from './loop.js';
import type { StartReport } from './start.js';
import type { ReserveReport, ReserveWork } from './reserve.js';
import type { SqlReport } from './sql.js';
import type { Interval } from './statistics.js';
import type { StreamReport } from './stream.js';
import type { ThroughputReport } from './throughput.js';

export const fixed = (value: number | null, digits: number): string =>
  value === null || Number.isNaN(value) ? '–' : value.toFixed(digits);
const range = (value: Interval | null, digits: number): string =>
  value === null
    ? '–'
    : `${fixed(value.median, digits)} (${fixed(value.low, digits)}–${fixed(value.high, digits)})`;

export function machine(): string {
  const { length } = cpus();
  return `${length} × ${cpus()[0]?.model ?? 'unknown'}, ${platform()} ${release()} ${arch()}, Node ${process.versions.node}`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function failureLines(
  rows: readonly {
    readonly name: string;
    readonly failures: number;
    readonly firstFailure: string | null;
  }[],
): string[] {
  return rows
    .filter((row) => row.failures > 0)
    .map(
      (row) =>
        `- FAIL: ${row.failures} requests of ${row.name} were not answered with success (${row.firstFailure ?? ''})`,
    );
}

function validity(voidReasons: readonly string[]): string {
  return voidReasons.length === 0
    ? 'Valid run.'
    : `**Void, not to be quoted:** ${voidReasons.join('; ')}.`;
}

/** Markdown of a run of reservations and settlements; a ledger that is wrong has no figures. */
export function reserveText(report: ReserveReport): string {
  if (report.failures.length > 0)
    return [
      'FAIL: the ledger is wrong after the run.',
      ...report.failures.map((why) => `- ${why}`),
    ].join('\n');
  const perSecond = (work: ReserveWork): number =>
    report.rows.find((row) => row.work === work)?.perSecond ?? NaN;
  const ofCopies = report.rows.findIndex(({ work }) => work === 'settlements');
  const peerOf = (index: number): ReserveWork =>
    index < ofCopies ? 'UPDATE of one row' : 'COPY into charge';
  const rows = report.rows.map((row, index) => [
    row.work,
    fixed(row.perSecond, 0),
    fixed(row.p50Ms, 1),
    fixed(row.p99Ms, 1),
    fixed(row.perSecond / perSecond(peerOf(index)), 2),
  ]);
  const ofBare = perSecond('settlements') / perSecond('COPY into a bare table');
  return [
    `${validity(report.voidReasons)} ${report.rounds} rounds of ${report.seconds} s, medians; ${machine()}; four ledgers with four connections and 250 callers each. Invariants and amounts held afterwards; overspend 0. Settlements of COPY into a bare table: ${fixed(ofBare, 2)}.`,
    '',
    table(['work', 'a second', 'p50 ms', 'p99 ms', '÷ peer'], rows),
  ].join('\n');
}

/** Markdown of a start run. */
export function startText(report: StartReport): string {
  const rows = report.rows.map((row) => [
    row.name,
    fixed(row.readyMs, 0),
    fixed(row.readyMiB, 0),
    row.idleMiB === null ? '–' : fixed(row.idleMiB, 0),
  ]);
  return [
    `${validity(report.voidReasons)} ${report.rounds} rounds, medians; ${machine()}.`,
    '',
    table(
      ['process', 'exec to ready ms', 'MiB at ready', `MiB with ${report.sessions} idle sessions`],
      rows,
    ),
  ].join('\n');
}

/** Markdown of a latency run. */
export function latencyText(report: LatencyReport): string {
  const { options } = report;
  const head = [
    'system',
    'p50 ms',
    'p99 ms',
    'p99.9 ms',
    'max ms',
    'added p50 ms',
    'added p99 ms',
    'added p50 ÷ nginx',
    'added p99 ÷ nginx',
    'CPU µs a statement',
    'helpers µs',
    'per core ÷ nginx',
    'failures',
  ];
  const rows = report.rows.map((row) => [
    row.name,
    fixed(row.p50Ms, 3),
    fixed(row.p99Ms, 2),
    fixed(row.p999Ms, 2),
    fixed(row.maxMs, 1),
    range(row.addedP50Ms, 3),
    range(row.addedP99Ms, 2),
    range(row.p50ToNginx, 2),
    range(row.p99ToNginx, 2),
    range(row.cpuUs, 0),
    fixed(row.helpersCpuUs, 0),
    range(row.perCoreToNginx, 2),
    `${row.failures} of ${row.sent}`,
  ]);
  return [
    validity(report.voidReasons),
    '',
    table(head, rows),
    '',
    `- ${options.rounds} rounds of ${options.seconds} s at ${options.rate} statements a second (Poisson), seed ${options.seed}; ${report.isPinned ? 'load and origin on core 0, the proxy alone on core 1' : 'not pinned'}; ${machine()}`,
    ...report.notes.map((note) => `- ${note}`),
    ...report.missing.map(
      ({ name, why }) => `- ${name} did not take part: ${why.replaceAll('\n', ' ').slice(0, 300)}`,
    ),
    ...failureLines(report.rows),
  ].join('\n');
}

/** Markdown of a throughput run. */
export function throughputText(report: ThroughputReport): string {
  const head = [
    'system',
    'statements a second',
    'cores the proxy kept busy',
    'CPU µs a statement',
    'helpers µs',
    'per core ÷ nginx',
    'generator share of its core',
    'failures',
  ];
  const rows = report.rows.map((row) => [
    row.name,
    fixed(row.perSecond, 0),
    fixed(row.coresBusy, 2),
    range(row.cpuUs, 0),
    fixed(row.helpersCpuUs, 0),
    range(row.perCoreToNginx, 2),
    fixed(row.generatorShare, 2),
    String(row.failures),
  ]);
  return [
    validity(report.voidReasons),
    '',
    table(head, rows),
    '',
    `- ${report.options.rounds} rounds of ${report.options.seconds} s, closed loop on 32 connections, seed ${report.options.seed}; ${machine()}`,
    ...report.missing.map(
      ({ name, why }) => `- ${name} did not take part: ${why.replaceAll('\n', ' ').slice(0, 300)}`,
    ),
    ...failureLines(report.rows),
  ].join('\n');
}

/** Markdown of a streaming run. */
export function streamText(report: StreamReport): string {
  const head = ['system', 'MB/s', '÷ nginx', 'CPU ms for 50 MB', 'MiB a slow reader', 'failures'];
  const rows = report.rows.map((row) => [
    row.name,
    fixed(row.megabytesPerSecond, 0),
    range(row.toNginx, 2),
    fixed(row.cpuMs, 0),
    fixed(row.slowReaderMiB, 2),
    String(row.failures),
  ]);
  return [
    validity(report.voidReasons),
    '',
    table(head, rows),
    '',
    `- ${report.options.rounds} rounds of one 50 MB reply, seed ${report.options.seed}; ${machine()}`,
    ...report.missing.map(
      ({ name, why }) => `- ${name} did not take part: ${why.replaceAll('\n', ' ').slice(0, 300)}`,
    ),
    ...failureLines(report.rows),
  ].join('\n');
}

/** Markdown of a run over readers of SQL. */
export function sqlText(report: SqlReport): string {
  const head = ['reader', 'p50 µs', 'p99 µs', 'max µs', 'CPU µs, mean', 'not understood'];
  const rows = report.rows.map((row) => [
    row.name,
    fixed(row.p50Us, 1),
    fixed(row.p99Us, 1),
    fixed(row.maxUs, 0),
    fixed(row.cpuUs, 0),
    `${row.refused} of ${row.statements}`,
  ]);
  const hostileHead = [
    'text made to be slow',
    'characters',
    'facts ms',
    'longest stall ms',
    'polyglot ms',
    'node-sql-parser ms',
  ];
  const hostile = report.hostile.map((row) => [
    row.name,
    String(row.length),
    fixed(row.factsMs, 1),
    fixed(row.stallMs, 1),
    fixed(row.polyglotMs, 1),
    fixed(row.nodeSqlParserMs, 1),
  ]);
  return [
    validity(report.voidReasons),
    '',
    table(head, rows),
    '',
    `- ${report.options.rounds} rounds of 200 generated statements of ${fixed(report.meanLength, 0)} characters in the mean, seed ${report.options.seed}; every reader sees each once, after 300 others; ${machine()}`,
    `- Longest stall of the event loop while unseen statements were analysed: ${fixed(report.stallMs, 1)} ms; of the same loop while it did nothing: ${fixed(report.idleStallMs, 1)} ms.`,
    `- Of the statements with a fingerprint seen before, ${fixed(report.sharedPercent, 0)} % were answered without the parser; the others cannot share facts and are parsed again.`,
    '',
    table(hostileHead, hostile),
    '',
    '- A dash: the parser cannot be stopped and may not come back, or takes the process with it, so it was not asked.',
  ].join('\n');
}

/** What section B3 of the attack catalogue allows. */
const LOOP_BAR_MS = 20;

/** Markdown of a run that watched event loops. */
export function loopText(report: LoopReport): string {
  const { options, rows } = report;
  const head = [
    'beside the load came',
    'system',
    'loop p50 ms',
    'loop p99 ms',
    'loop max ms',
    `p99 ≤ ${LOOP_BAR_MS} ms`,
    'honest p99 ms',
    'honest answered',
    'sent',
    'taken',
  ];
  return [
    validity(report.voidReasons),
    '',
    table(
      head,
      rows.map((row) => [
        row.group,
        row.system,
        fixed(row.p50Ms, 1),
        fixed(row.p99Ms, 1),
        fixed(row.maxMs, 1),
        row.p99Ms <= LOOP_BAR_MS ? 'yes' : '**no**',
        fixed(row.latencyMsP99, 1),
        `${row.answered} of ${row.honest}`,
        String(row.sent),
        String(row.taken),
      ]),
    ),
    '',
    `- ${options.rounds} rounds of ${options.seconds} s with ${options.rate} honest statements a second (Poisson), seed ${options.seed}; ${report.isPinned ? 'load, bad input and origin on core 0, the proxy alone on core 1' : 'not pinned'}; ${machine()}`,
    ...report.missing.map(
      ({ name, why }) => `- ${name} did not take part: ${why.replaceAll('\n', ' ').slice(0, 300)}`,
    ),
    ...failureLines(rows.map((row) => ({ ...row, name: `${row.system}, ${row.group}` }))),
  ].join('\n');
}

/** Puts `text` between the markers of `id` in the document, which it creates or appends to if needed. */
export function writeSection(path: string, id: string, title: string, text: string): void {
  const [begin, end] = [`<!-- ${id} begin -->`, `<!-- ${id} end -->`];
  const current = existsSync(path) ? readFileSync(path, 'utf8') : '# Benchmarks\n';
  const section = `${begin}\n\n${text}\n\n${end}`;
  const [from, to] = [current.indexOf(begin), current.indexOf(end)];
  const next =
    from === -1 || to === -1
      ? `${current.trimEnd()}\n\n## ${title}\n\n${section}\n`
      : current.slice(0, from) + section + current.slice(to + end.length);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, next);
}
