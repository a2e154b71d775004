/**
 * `npm run bench [-- <id> …] [--rounds n] [--seconds n] [--rate n] [--seed n] [--no-write]`: runs the benchmarks named
 * (default: all), prints their tables and writes them to docs/benchmarks.md.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runLatency } from './latency.js';
import { runLoop } from './loop.js';
import {
  latencyText,
  loopText,
  sqlText,
  streamText,
  throughputText,
  writeSection,
} from './report.js';
import { runSql } from './sql.js';
import { runStream } from './stream.js';
import { runThroughput } from './throughput.js';

const DOCUMENT = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));
const BENCHMARKS = ['latency', 'throughput', 'stream', 'sql', 'loop'] as const;
type Benchmark = (typeof BENCHMARKS)[number];

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly rate: number;
  readonly seed: number;
  readonly log: (line: string) => void;
}

const log = (line: string): void => console.error(line);

async function run(
  id: Benchmark,
  options: Options,
): Promise<{ readonly title: string; readonly text: string }> {
  switch (id) {
    case 'latency':
      return {
        title: 'Added latency and CPU of a statement',
        text: latencyText(await runLatency(options)),
      };
    case 'throughput':
      return { title: 'Throughput of a core', text: throughputText(await runThroughput(options)) };
    case 'stream':
      return { title: 'Streamed results', text: streamText(await runStream(options)) };
    case 'sql':
      return { title: 'Reading SQL', text: sqlText(await runSql(options)) };
    case 'loop':
      return {
        title: 'The event loop under bad input',
        text: loopText(await runLoop(options)),
      };
  }
}

function positive(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} takes a number above 0`);
  return value;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '15' },
      seconds: { type: 'string', default: '5' },
      rate: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      'no-write': { type: 'boolean', default: false },
    },
  });
  const unknown = positionals.find((id) => !BENCHMARKS.some((known) => known === id));
  if (unknown !== undefined) {
    console.error(`there is no benchmark "${unknown}"; there are ${BENCHMARKS.join(', ')}`);
    return 2;
  }
  const options: Options = {
    rounds: positive(values.rounds, 'rounds'),
    seconds: positive(values.seconds, 'seconds'),
    rate: positive(values.rate, 'rate'),
    seed: positive(values.seed, 'seed'),
    log,
  };
  for (const id of BENCHMARKS.filter(
    (each) => positionals.length === 0 || positionals.includes(each),
  )) {
    const { title, text } = await run(id, options);
    console.log(`\n${title}\n\n${text}`);
    if (!values['no-write']) writeSection(DOCUMENT, `bench:${id}`, title, text);
  }
  return 0;
}

process.exitCode = await main();
