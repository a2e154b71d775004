/** Times and credits of an export: whatever form they are written in, the same instant and the same amount. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseCredits, tryParseCredits } from '../../../base/units.js';
import { creditsText } from '../../../base/credits-text.js';
import { createTestFolder, readAll, type TestFolder } from './exports.js';

let folder: TestFolder;
beforeAll(() => {
  folder = createTestFolder();
});
afterAll(() => folder.remove());

const FIRST = Date.UTC(2000, 0, 1);
const LAST = Date.UTC(2200, 0, 1) - 1;

/** `+05:30` as minutes and as its spellings. */
const offset = fc.record({
  minutes: fc.integer({ min: -14 * 60, max: 14 * 60 }),
  form: fc.constantFrom('-0700', '-07:00', ' -0700', ' -07:00'),
});

function offsetText(minutes: number, form: string): string {
  const of = (value: number): string => String(value).padStart(2, '0');
  const whole = Math.abs(minutes);
  const colon = form.endsWith(':00') ? ':' : '';
  return `${form.startsWith(' ') ? ' ' : ''}${minutes < 0 ? '-' : '+'}${of(Math.floor(whole / 60))}${colon}${of(whole % 60)}`;
}

/** An instant of a query history, and a way to write it. */
const written = fc
  .record({
    at: fc.integer({ min: FIRST + 86_400_000, max: LAST - 86_400_000 }),
    form: fc.oneof(
      fc.constantFrom('Z', ' Z', ' UTC', ''),
      fc.record({ kind: fc.constantFrom('seconds', 'millis', 'micros', 'nanos', 'long') }),
      offset,
    ),
    separator: fc.constantFrom(' ', 'T'),
    finer: fc.constantFrom('', '000', '999', '123456'),
  })
  .map(({ at, form, separator, finer }) => {
    const local = (shiftMs: number): string =>
      new Date(at + shiftMs).toISOString().slice(0, 23).replace('T', separator) + finer;
    if (typeof form === 'string') return { at, text: `${local(0)}${form}` };
    if ('minutes' in form)
      return {
        at,
        text: `${local(form.minutes * 60_000)}${offsetText(form.minutes, form.form)}`,
      };
    switch (form.kind) {
      case 'seconds':
        return { at, text: `${Math.floor(at / 1000)}.${String(at % 1000).padStart(3, '0')}` };
      case 'millis':
        return { at, text: String(at) };
      case 'micros':
        return { at, text: `${at}000` };
      case 'nanos':
        return { at, text: `${at}000000` };
      case 'long': {
        const whole = at - (at % 1000);
        const [, day, month, year, time] = new Date(whole).toUTCString().split(' ');
        const name = new Date(whole).toUTCString().slice(0, 3);
        return { at: whole, text: `"${name}, ${day} ${month} ${year} ${time} +0000"` };
      }
    }
  });

test('a time is the same instant in every form', async () => {
  const cases = fc.sample(written, { numRuns: 3_000, seed: 7 });
  const lines = cases.map(({ text }, index) => `${index},${text},1,x`);
  const file = folder.write(
    'times.csv',
    `QUERY_ID,START_TIME,TOTAL_ELAPSED_TIME,QUERY_TEXT\n${lines.join('\n')}\n`,
  );
  const { rows, complaints } = await readAll(file);
  expect(complaints).toEqual([]);
  const read = new Map(rows.map((row) => [row.queryId, row.submittedAt]));
  expect(cases.map(({ text }, index) => [text, read.get(String(index))])).toEqual(
    cases.map(({ at, text }) => [text, at]),
  );
});

test('a text that is no time of a query history is none', async () => {
  const texts = [
    '10/1/2026',
    '2026-13-01 00:00:00',
    '2026-02-29 00:00:00',
    '2026-10-01 25:00:00',
    '2026-10-01 12:00:00 +9900',
    '2026-10-01 12:00:00 PST',
    '1999-12-31 23:59:59',
    '2200-01-01 00:00:00',
    '0',
    '-1759320000',
    '315532800',
    'now',
    'infinity',
    'epoch',
    '12:00:00',
    'Oct 1 2026 12:00:00',
    '2026-10-01 12:00:00-7',
  ];
  const file = folder.write(
    'no-times.csv',
    `START_TIME,TOTAL_ELAPSED_TIME,QUERY_TEXT\n2026-10-01,1,good\n${texts.map((text) => `${text},1,${text}`).join('\n')}\n`,
  );
  const { rows, intake } = await readAll(file);
  expect(rows.map(({ queryText }) => queryText)).toEqual(['good']);
  expect(intake.leftOut.unreadable).toBe(texts.length);
});

const units = fc.bigInt({ min: 0n, max: 10n ** 36n });

/** Digits of `value` × 10^-`scale` as a plain decimal. */
function plain(value: bigint, scale: number): string {
  const digits = value.toString().padStart(scale + 1, '0');
  return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

test('credits with up to twelve decimals are what they are, however they are written', () => {
  fc.assert(
    fc.property(
      units,
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: -40, max: 40 }),
      (value, scale, shift) => {
        const expected = tryParseCredits(plain(value, 12));
        const read = creditsText(`${plain(value, 12 + scale)}e${scale}`);
        expect(read === undefined ? undefined : tryParseCredits(read)).toEqual(expected);
        const shifted = creditsText(`${value}E${shift > 0 ? '+' : ''}${shift}`);
        if (shift >= -12 && shifted !== undefined)
          expect(parseCredits(shifted)).toBe(value * 10n ** BigInt(shift + 12));
      },
    ),
  );
});

test('credits with more decimals are rounded half even', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 10n ** 30n }),
      fc.integer({ min: 1, max: 9 }),
      (value, digits) => {
        const step = 10n ** BigInt(digits);
        const read = parseCredits(creditsText(plain(value, 12 + digits)) ?? '');
        const twice = value * 2n - read * step * 2n;
        expect(twice <= step && twice >= -step).toBe(true);
        if (twice === step || twice === -step) expect(read % 2n).toBe(0n);
      },
    ),
  );
});

test('figures as floats print them are read exactly', () => {
  expect(creditsText('1.2e-05')).toBe('0.000012');
  expect(creditsText('5e-324')).toBe('0');
  expect(creditsText('.5')).toBe('0.5');
  expect(creditsText('5.')).toBe('5');
  expect(creditsText('0.0000000000005')).toBe('0');
  expect(creditsText('0.0000000000015')).toBe('0.000000000002');
  for (const text of ['', '.', 'e5', '-1', '1e', '1e9999', 'NaN', '0x10', '1,5', '1e30'])
    expect(creditsText(text)).toBeUndefined();
});
