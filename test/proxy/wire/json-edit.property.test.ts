import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  JSON_DEPTH_MAX,
  applyEdits,
  memberOf,
  scanObject,
  setMember,
  textOf,
  type JsonObjectScan,
} from '../../../proxy/wire/json-edit.js';

const names = fc.oneof(
  fc.constantFrom('sqlText', 'parameters', '', '"', '\\', 'a\\"b', 'é', '😀', '__proto__'),
  fc.string({ unit: 'binary' }),
);
const objects = fc.dictionary(names, fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }), {
  maxKeys: 8,
});
const indents = fc.constantFrom(undefined, 2, '\t', '\n');

function scanned(body: Buffer): Extract<JsonObjectScan, { kind: 'object' }> {
  const scan = scanObject(body);
  if (scan.kind !== 'object') throw new Error(scan.why);
  return scan;
}

test('the spans of an object hold its members, in order', () => {
  fc.assert(
    fc.property(objects, indents, (object, indent) => {
      const body = Buffer.from(JSON.stringify(object, null, indent));
      const parsed = JSON.parse(body.toString()) as Record<string, unknown>;
      const { members, span } = scanned(body);
      const read = members.map(({ key, value }) => [key, JSON.parse(textOf(body, value))]);
      // Names like "1" come first in an object's own order, not in its text.
      expect(new Map(read as [string, unknown][])).toEqual(new Map(Object.entries(parsed)));
      expect(JSON.parse(textOf(body, span))).toEqual(parsed);
    }),
    { numRuns: 1_000 },
  );
});

test('setting a member changes this member only, byte for byte', () => {
  fc.assert(
    fc.property(objects, names, fc.jsonValue(), indents, (object, key, value, indent) => {
      const body = Buffer.from(JSON.stringify(object, null, indent));
      const before = scanned(body);
      const text = JSON.stringify(value);
      const edited = applyEdits(body, [setMember(before.members, before.span, key, text)]);
      JSON.parse(edited.toString());
      const after = scanned(edited);
      expect(textOf(edited, memberOf(after.members, key)?.value ?? { start: 0, end: 0 })).toBe(
        text,
      );
      const others = (body: Buffer, scan: typeof before): string[][] =>
        scan.members
          .filter((member) => member.key !== key)
          .map((member) => [member.key, textOf(body, member.value)]);
      expect(others(edited, after)).toEqual(others(body, before));
    }),
    { numRuns: 1_000 },
  );
});

test('edits are applied by place, whatever their order', () => {
  const body = Buffer.from('{"a":1,"é":2,"c":3}');
  const { members } = scanned(body);
  const edits = members.map(({ key, value }) => ({ span: value, text: `"${key}"` }));
  const expected = '{"a":"a","é":"é","c":"c"}';
  expect(applyEdits(body, edits).toString()).toBe(expected);
  expect(applyEdits(body, edits.toReversed()).toString()).toBe(expected);
  expect(applyEdits(body, [])).toEqual(body);
});

test.each([
  ['{"a":1,"a":2}', 'the member "a" stands twice'],
  ['{"a":1,"\\u0061":2}', 'the member "a" stands twice'],
  ['{"é":1,"\\u00e9":2}', 'the member "é" stands twice'],
])('a name that stands twice is refused, however it is spelt: %s', (text, why) => {
  expect(scanObject(Buffer.from(text))).toEqual({ kind: 'malformed', why });
});

test('nesting is allowed up to the cap and refused above it', () => {
  const nested = (levels: number): Buffer =>
    Buffer.from(`{"a":${'['.repeat(levels)}"]"${']'.repeat(levels)}}`);
  expect(scanObject(nested(JSON_DEPTH_MAX)).kind).toBe('object');
  expect(scanObject(nested(JSON_DEPTH_MAX + 1))).toEqual({
    kind: 'malformed',
    why: 'it is nested deeper than 64 levels',
  });
  expect(scanObject(nested(200_000)).kind).toBe('malformed');
});

test('numbers keep their text: 64-bit integers, trailing zeros and exponents', () => {
  const body = Buffer.from('{ "a" : 9223372036854775807 ,"b":1.50,"c":-0,"d":1E+400 , "x":1}');
  const { members, span } = scanned(body);
  const edited = applyEdits(body, [setMember(members, span, 'x', '2')]).toString();
  expect(edited).toBe('{ "a" : 9223372036854775807 ,"b":1.50,"c":-0,"d":1E+400 , "x":2}');
  expect(members.map(({ value }) => textOf(body, value))).toEqual([
    '9223372036854775807',
    '1.50',
    '-0',
    '1E+400',
    '1',
  ]);
});

test('what is no object is named, from any place on', () => {
  expect(scanObject(Buffer.from(' [1]'))).toEqual({
    kind: 'malformed',
    why: 'a JSON object was expected',
  });
  expect(scanObject(Buffer.from(''))).toMatchObject({ kind: 'malformed' });
  expect(scanObject(Buffer.from('[{"a":1}]'), 1)).toMatchObject({ kind: 'object' });
});
