/**
 * Invariants of the whole analyser. `npm test` has a parser that is stopped and answers at once that it is not there;
 * the long runs put the real one behind.
 */
import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { createAnalyser, type CountingAnalyser } from '../../../policies/sql/analyser.js';
import { STATEMENT_CLASSES, type TextFacts } from '../../../policies/sql/facts.js';
import { longRun } from '../../support/long-run.js';
import { fuzzedText } from '../../support/sql-fuzz.js';
import { randomOf, statementOf, writtenAnew, writtenPlainly } from '../../support/sql-grammar.js';
import { NO_CATALOGUE, SESSION } from '../../support/sql-readers.js';

/** Processor time that one step may keep the event loop. */
const STALL_MS_MAX = 20;
const BATCH = 20;
/** A pause of the machine or of the collector does not come back at the same texts every time. */
const REPEATS = 4;

async function withAnalyser(
  isReal: boolean,
  use: (analyser: CountingAnalyser) => Promise<void>,
): Promise<void> {
  const analyser = createAnalyser({ parser: { waitMsMax: 60_000 } });
  if (isReal) await analyser.analyse('select a from t', SESSION, NO_CATALOGUE);
  else await analyser.stop();
  try {
    await use(analyser);
  } finally {
    await analyser.stop();
  }
}

test('the facts of two statements in one text are the facts of each, in order', async () => {
  const run = longRun('facts-of-two', 200);
  await withAnalyser(run.isLong, async (analyser) => {
    for (let at = 0; at < run.count; at += 1) {
      const random = randomOf(run.seed * 1_000_003 + at);
      const [a, b] = [statementOf(random), statementOf(random)].map((parts) =>
        random() < 0.5 ? writtenPlainly(parts) : writtenAnew(parts, random),
      );
      const [first, second, both] = await Promise.all(
        [a, b, `${a};${b}`].map((sql) => analyser.analyse(sql ?? '', SESSION, NO_CATALOGUE)),
      );
      expect(first?.statements, a).toHaveLength(1);
      expect(both?.statements, `${a};${b}`).toEqual([
        ...(first?.statements ?? []),
        ...(second?.statements ?? []),
      ]);
    }
    const { parsed, refused } = analyser.counts().parser;
    run.report({ pairs: run.count, parsed, refused });
  });
});

/** A throw inside comes back as one opaque statement whose fingerprint is that of the exact text. */
function check(text: string, facts: TextFacts): void {
  const [first] = facts.statements;
  const isUnseen = first?.class === 'opaque' && first.unknown.includes('too-complex');
  if (isUnseen && facts.fingerprint === hash('sha256', text).slice(0, 32))
    throw new Error(`thrown at ${JSON.stringify(text)}`);
  for (const statement of facts.statements) {
    if (
      !STATEMENT_CLASSES.includes(statement.class) ||
      !/^[0-9a-f]{32}$/.test(statement.fingerprint)
    )
      throw new Error(`no class or fingerprint of ${JSON.stringify(text)}`);
  }
}

/** Longest time between two turns of the loop while `texts` are analysed by an analyser that has seen none of them. */
async function stallMs(
  texts: readonly string[],
  isReal: boolean,
  shared: CountingAnalyser,
): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let cpuMsMax = 0;
  delay.enable();
  for (const text of texts) {
    const before = process.cpuUsage();
    const facts = await shared.analyse(text, SESSION, NO_CATALOGUE);
    const { user, system } = process.cpuUsage(before);
    // With workers the time of the process is not that of the loop.
    if (!isReal) cpuMsMax = Math.max(cpuMsMax, (user + system) / 1_000);
    check(text, facts);
    await setImmediate();
  }
  delay.disable();
  const delayMs = delay.max / 1e6;
  return isReal ? delayMs : Math.min(delayMs, cpuMsMax);
}

async function fuzz(name: string, shortCount: number, isReal: boolean): Promise<void> {
  const run = longRun(name, shortCount);
  let stallMsMax = 0;
  let lengthMax = 0;
  await withAnalyser(isReal, async (analyser) => {
    for (let at = 0; at < run.count; at += BATCH) {
      const random = randomOf(run.seed * 7_919_001 + at);
      const texts = Array.from({ length: BATCH }, () => fuzzedText(random));
      let stall = await stallMs(texts, isReal, analyser);
      for (let again = 1; stall > STALL_MS_MAX && again <= REPEATS; again += 1) {
        const anew = texts.map((text) => text + ' '.repeat(again));
        stall = Math.min(stall, await stallMs(anew, isReal, analyser));
      }
      if (run.isLong) expect(stall, JSON.stringify(texts)).toBeLessThanOrEqual(STALL_MS_MAX);
      stallMsMax = Math.max(stallMsMax, stall);
      lengthMax = Math.max(lengthMax, ...texts.map((text) => text.length));
    }
    const { parsed, refused, broken, deadlines } = analyser.counts().parser;
    run.report({ texts: run.count, parsed, refused, broken, deadlines, stallMsMax, lengthMax });
  });
}

test('fuzzed texts are analysed without a throw or a stall', async () => {
  await fuzz('fuzz', 1_000, false);
});

test('with the parser fuzzed texts are analysed without a throw or a stall', async () => {
  await fuzz('fuzz-parsed', 40, true);
});
