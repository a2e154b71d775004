/**
 * Time against length for every reader of SQL on the event loop. Timed only by `npm run test:long`, some families
 * a chunk:
 * `npm test` runs on busy machines, and reads each family once.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { LONG_RUNS } from '../../long/runs.js';
import { ADVERSARIES, type Adversary } from '../../support/sql-adversaries.js';
import { longRun, type LongRun } from '../../support/long-run.js';
import { factsWithoutParser, readText, SQL_READERS } from '../../support/sql-readers.js';

/** What twice the text may take, of the time of the text. */
const RATIO_MAX = 2.2;
/** Lists grow by steps, so that one doubling may fall between two of them: the ratio is the mean of three. */
const DOUBLINGS = 3;
/** Below this the clock says little. */
const TIMED_MS_MIN = 80;
/** Of 80,000 characters: a reader that needs the square of the length would not come back from ten megabytes. */
const SMALL_LENGTH = 80_000;
const SMALL_MS_MAX = 2_000;
const ATTEMPTS_MAX = 5;
const FAMILIES_PER_CHUNK = 3;
/** Facts of a text are made up to the cap of the analyser. */
const FACTS_LENGTH_MAX = 1_048_576;

setFlagsFromString('--expose-gc');
const collectGarbage: unknown = runInNewContext('gc');

/** Processor time, which other processes do not lengthen as they do that of the wall. */
async function cpuMsOf(work: () => unknown): Promise<number> {
  // What was left by the reading before is not this one's to clear away.
  if (typeof collectGarbage === 'function') collectGarbage();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** Growth for twice the text, by the least times of a text and of its part; tried again while it is too high. */
async function ratioOf(
  part: () => unknown,
  whole: () => unknown,
): Promise<{ readonly ratio: number; readonly ms: number }> {
  let [partMs, ms] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let ratio = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS_MAX && ratio > RATIO_MAX; attempt += 1) {
    partMs = Math.min(partMs, await cpuMsOf(part));
    ms = Math.min(ms, await cpuMsOf(whole));
    if (ms < TIMED_MS_MIN) return { ratio: 0, ms };
    ratio = (ms / partMs) ** (1 / DOUBLINGS);
  }
  return { ratio, ms };
}

async function timeFamily(family: Adversary, run: LongRun): Promise<void> {
  const probe = readText(family.text(SMALL_LENGTH));
  for (const [name, reader] of Object.entries(SQL_READERS))
    expect(await cpuMsOf(() => reader(probe)), name).toBeLessThan(SMALL_MS_MAX);
  const part = 2 ** DOUBLINGS;
  const [small, whole] = [
    readText(family.text(run.count / part)),
    readText(family.text(run.count)),
  ];
  const timed: [string, () => unknown, () => unknown][] = Object.entries(SQL_READERS).map(
    ([name, reader]) => [name, () => void reader(small), () => void reader(whole)],
  );
  const length = Math.min(run.count, FACTS_LENGTH_MAX);
  const [smallText, text] = [family.text(length / part), family.text(length)];
  timed.push(['facts', () => factsWithoutParser(smallText), () => factsWithoutParser(text)]);
  const tooSlow: string[] = [];
  for (const [name, first, second] of timed) {
    const { ratio, ms } = await ratioOf(first, second);
    if (ratio > RATIO_MAX) tooSlow.push(`${name}: ${ratio.toFixed(2)} at ${ms.toFixed(0)} ms`);
    run.report({ readings: 1, ratioMax: ratio, [`${name}MsMax`]: ms });
  }
  expect(tooSlow, family.name).toEqual([]);
}

test('twice the text takes at most 2.2 times as long', async () => {
  const run = longRun('linear-time', 2_000);
  if (run.isLong) {
    const from = (run.seed - 1) * FAMILIES_PER_CHUNK;
    for (const family of ADVERSARIES.slice(from, from + FAMILIES_PER_CHUNK))
      await timeFamily(family, run);
    return;
  }
  for (const family of ADVERSARIES) {
    const read = readText(family.text(run.count));
    expect(read.tokens.starts.at(-1), family.name).toBe(read.text.length);
    for (const reader of Object.values(SQL_READERS)) reader(read);
    const facts = await factsWithoutParser(read.text);
    expect(facts, family.name).toHaveLength(read.ranges.length);
  }
});

test('the chunks of the long run hold every family', () => {
  const chunks = LONG_RUNS.find(({ name }) => name === 'linear-time')?.chunks ?? 0;
  expect(chunks).toBe(Math.ceil(ADVERSARIES.length / FAMILIES_PER_CHUNK));
});
