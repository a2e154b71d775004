/** `UPDATE_SCHEMA=1 npx vitest run test/policies/control/json-schema` writes docs/control.schema.json anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { expect, test } from 'vitest';
import { controlJsonSchema } from '#policies/control/json-schema.js';

const FILE = 'docs/control.schema.json';

test('the JSON Schema in docs is the one that the program checks by', async () => {
  const wanted = await format(JSON.stringify(controlJsonSchema()), {
    parser: 'json',
    printWidth: 100,
  });
  if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(FILE, wanted);
  expect(readFileSync(FILE, 'utf8')).toBe(wanted);
});

test('every field of it is described, closed against unknown keys, and says what is required', () => {
  let described = 0;
  const undescribed: string[] = [];
  const visit = (schema: unknown, path: string): void => {
    if (typeof schema !== 'object' || schema === null) return;
    const { properties, items, oneOf, anyOf, additionalProperties } = schema as Record<
      string,
      unknown
    >;
    if (properties !== undefined) expect([path, additionalProperties]).toEqual([path, false]);
    for (const [key, inner] of Object.entries(properties ?? {})) {
      const text = (inner as { description?: string }).description ?? '';
      if (text.length < 5) undescribed.push(`${path}.${key}`);
      described += 1;
      visit(inner, `${path}.${key}`);
    }
    for (const inner of [items, ...asList(oneOf), ...asList(anyOf)]) visit(inner, path);
  };
  visit(controlJsonSchema(), '');
  expect(undescribed).toEqual([]);
  expect(described).toBeGreaterThan(90);
  expect(controlJsonSchema()['required']).toEqual([
    'organisation',
    'departments',
    'teams',
    'accounts',
    'principals',
    'mapping',
    'budgets',
    'tiers',
    'defaultTier',
    'warehouses',
    'rates',
    'prices',
    'rules',
  ]);
});

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
