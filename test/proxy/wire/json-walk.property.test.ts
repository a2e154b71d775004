import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scanObject } from '../../../proxy/wire/json-edit.js';
import { ObjectWalk, type JsonObjectScan } from '../../../proxy/wire/json-walk.js';

/** Reads in steps of the size given. */
function walked(body: Buffer, step: number): JsonObjectScan {
  const walk = new ObjectWalk(body);
  for (let steps = 0; steps <= body.length + 1; steps += 1) {
    const scan = walk.advance(step);
    if (scan !== undefined) return scan;
  }
  throw new Error('the walk does not end');
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

const values = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' });
const texts = fc
  .tuple(fc.dictionary(fc.string({ unit: 'binary' }), values), fc.constantFrom(undefined, 1, '\t'))
  .map(([object, indent]) => JSON.stringify(object, null, indent));
/** Pieces that stand in JSON, or nearly do. */
const pieces = fc
  .array(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '"a"',
      '"b"',
      ' ',
      '\n',
      '\\',
      '\\u12',
      '\\u00e9',
      '\u0001',
      '0',
      '-',
      '1',
      '.',
      'e',
      '+',
      '00',
      '-0',
      '1.5e-3',
      'true',
      'false',
      'null',
      'nul',
      'é',
      '\u00a0',
      '/',
    ),
    { maxLength: 12 },
  )
  .map((each) => each.join(''));
const steps = fc.integer({ min: 1, max: 40 });

test('what JSON.parse takes as an object is taken, with the members that stand in it, however it is cut', () => {
  fc.assert(
    fc.property(texts, steps, (text, step) => {
      const body = Buffer.from(text);
      expect(walked(body, step)).toEqual(scanObject(body));
    }),
    { numRuns: 500 },
  );
});

test('what JSON.parse refuses is refused, and nothing else', () => {
  const agree = (text: string, step: number): void => {
    const scan = walked(Buffer.from(text), step);
    const isTwice = scan.kind === 'malformed' && scan.why.endsWith('stands twice');
    // Half a character has no form in UTF-8.
    if (!isTwice && !/\p{Surrogate}/u.test(text))
      expect(scan.kind === 'object', text).toBe(isJsonObject(text));
  };
  const inObject = pieces.map((piece) => `{"x":${piece}}`);
  const changed = fc.tuple(texts, fc.nat(), pieces).map(([text, at, piece]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + piece + text.slice(place + 1);
  });
  for (const source of [pieces, inObject, changed])
    fc.assert(fc.property(source, steps, agree), { numRuns: 2_000 });
});

test.each([
  ['', 'the body is not JSON (it ends too early)'],
  ['{"a":1', 'the body is not JSON (it ends too early)'],
  ['{"a":1}x', 'the body is not JSON (unexpected at byte 7)'],
  ['{"a":01}', 'the body is not JSON (unexpected at byte 5)'],
  ['[1]', 'a JSON object was expected'],
  ['7', 'a JSON object was expected'],
  ['"a"', 'a JSON object was expected'],
  [`{"a":${'['.repeat(66)}`, 'it is nested deeper than 64 levels'],
  [`{"${'n'.repeat(5000)}":1}`, 'a member name is longer than 4096 bytes'],
  [`{"a":${'1'.repeat(5000)}}`, 'a number is longer than 4096 bytes'],
])('%s is malformed, and why is said', (text, why) => {
  for (const step of [1, 7, 100_000])
    expect(walked(Buffer.from(text), step)).toEqual({ kind: 'malformed', why });
});

test('bytes that are no UTF-8 are found wherever the body is cut, and characters are not cut', () => {
  const whole = Buffer.from('{"a":"é€😀","😀":"é"}');
  const broken = Buffer.concat([
    Buffer.from('{"a":"é'),
    Buffer.from([0xf0, 0x9f]),
    Buffer.from('"}'),
  ]);
  for (let step = 1; step < 12; step += 1) {
    expect(walked(whole, step)).toEqual(scanObject(whole));
    expect(walked(broken, step)).toEqual({ kind: 'malformed', why: 'the body is not UTF-8' });
  }
});
