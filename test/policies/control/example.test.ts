import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { demoControlDocument } from '#policies/control/demo.js';
import { controlJsonSchema } from '#policies/control/json-schema.js';
import { parseControlText } from '#policies/control/text.js';

const text = readFileSync('tollgate.example.yaml', 'utf8');
/** The examples in comments taken as lines. */
const whole = text.replaceAll(/^( *)#~ /gm, '$1');

test('the example is the world of the demo: its plan on a fresh start says that nothing would change', () => {
  expect(parseControlText(text)).toEqual({ ok: true, document: demoControlDocument() });
});

test('the example tells editors where its schema is', () => {
  expect(text.split('\n', 1)[0]).toBe('# yaml-language-server: $schema=docs/control.schema.json');
});

test('every example in its comments is valid too', () => {
  expect(text.match(/#~ /g)?.length).toBeGreaterThan(40);
  const parsed = parseControlText(whole);
  expect(parsed).toMatchObject({ ok: true });
});

test('together they show every field there is', () => {
  const parsed = parseControlText(whole);
  const used = parsed.ok ? keysIn(parsed.document) : new Set();
  const fields = [...propertiesOf(controlJsonSchema())];
  expect(fields.length).toBeGreaterThan(80);
  expect(fields.filter((field) => !used.has(field))).toEqual([]);
});

/** `budgets.period.kind`: names of fields without the places of list entries. */
function keysIn(value: unknown, path = ''): Set<string> {
  const found = new Set<string>();
  if (Array.isArray(value)) {
    for (const each of value) for (const key of keysIn(each, path)) found.add(key);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      const here = path === '' ? key : `${path}.${key}`;
      found.add(here);
      for (const deeper of keysIn(inner, here)) found.add(deeper);
    }
  }
  return found;
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
}

function propertiesOf(schema: Schema, path = ''): Set<string> {
  const found = new Set<string>();
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    const here = path === '' ? key : `${path}.${key}`;
    found.add(here);
    for (const deeper of propertiesOf(inner, here)) found.add(deeper);
  }
  for (const inner of [schema.items, ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])])
    for (const deeper of inner === undefined ? [] : propertiesOf(inner, path)) found.add(deeper);
  return found;
}
