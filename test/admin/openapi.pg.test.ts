import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiDocument, list, object, readDocument, readOperations } from './operations.js';
import type { Operation } from './operations.js';
import { type AdminWorld, createAdminWorld } from './world.js';

let world: AdminWorld;
let document: ApiDocument;
let operations: readonly Operation[];
beforeAll(async () => {
  world = await createAdminWorld();
  document = await readDocument(world.app);
  operations = await readOperations(world.app);
});
afterAll(() => world.close());

test('the document is OpenAPI 3.1, and says a plausible number of operations', () => {
  expect(document.openapi).toBe('3.1.0');
  expect(operations.length).toBeGreaterThanOrEqual(24);
});

test('every operation has a name of its own, words, a tag, roles and the bearer token', () => {
  const ids = operations.map(({ raw }) => raw['operationId']);
  expect(new Set(ids).size).toBe(operations.length);
  for (const { name, raw, roles } of operations) {
    expect(raw['operationId'], name).toMatch(/^[a-z]+[A-Z][A-Za-z]+$/);
    expect(String(raw['summary']).length, name).toBeGreaterThan(5);
    expect(raw['tags'], name).toEqual([expect.stringMatching(/^[a-z-]+$/)]);
    expect(raw['security'], name).toEqual([{ bearer: [] }]);
    expect(roles.length, name).toBeGreaterThan(0);
    expect(roles, name).toContain('platform');
    expect(list(raw['x-roles']), name).toHaveLength(roles.length);
  }
});

test('every parameter of a path is declared, and no other', () => {
  for (const { name, template, pathParameters } of operations) {
    const named = [...template.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
    expect(pathParameters.toSorted(), name).toEqual(named.toSorted());
  }
});

test('every operation says what it answers, and which problems', () => {
  for (const { name, raw } of operations) {
    const responses = object(raw['responses']);
    const good = Object.keys(responses).filter((status) => status.startsWith('2'));
    expect(good, name).not.toEqual([]);
    for (const status of good) {
      const content = object(object(responses[status])['content']);
      expect(Object.keys(content), name).not.toEqual([]);
      for (const each of Object.values(content))
        expect(object(each), name).toHaveProperty('schema');
    }
    for (const status of [400, 401, 403, 404, 409, 422, 429, 503])
      expect(responses[status], name).toEqual({ $ref: `#/components/responses/Problem${status}` });
  }
});

test('every reference in the document leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)];
  expect(references.length).toBeGreaterThan(100);
  for (const [, path] of references) {
    let at: unknown = document;
    for (const step of String(path).split('/')) at = object(at)[step];
    expect(at, String(path)).toBeDefined();
  }
});

test('every write shows a body that its route takes, and takes an idempotency key', () => {
  const writes = operations.filter(({ method }) => method !== 'GET');
  expect(writes.length).toBeGreaterThan(6);
  for (const { name, raw, example } of writes) {
    expect(example, name).toBeDefined();
    const body = object(object(object(raw['requestBody'])['content'])['application/json']);
    expect(body, name).toHaveProperty('schema');
    const parameters = JSON.stringify(raw['parameters']);
    expect(parameters, name).toMatch(/IdempotencyKey|idempotency-key/);
  }
});

/** One answer about two versions is no list. */
const WITHOUT_PAGES: ReadonlySet<string> = new Set([
  'GET /api/v1/control/diff',
  // A report: what is beyond its rows is one row, so that it still sums.
  'GET /api/v1/costs',
  'GET /api/v1/costs/services',
  'GET /api/v1/costs/hours/{warehouse}/{hour}',
  'GET /api/v1/bypass',
  // Fifteen rows an account.
  'GET /api/v1/usage/imports',
  // The head of a chain; what should not be there is named, at most a hundred.
  'GET /api/v1/audit/ledger/head',
  // One team's budgets that count everything of it.
  'GET /api/v1/budgets/{team}/bridge',
  // What is in force at one instant, and what waits for a word: as many as contracts have, capped.
  'GET /api/v1/prices',
  'GET /api/v1/prices/held',
  // A row a basis, of which there are five.
  'GET /api/v1/accuracy',
]);

test('every list comes in pages', () => {
  const lists = operations.filter(({ method, raw, pathParameters }) => {
    const reply = object(object(object(raw['responses'])['200'])['content']);
    const schema = object(object(reply['application/json'])['schema']);
    const rows = Object.values(object(schema['properties'])).map(object);
    const hasRows = rows.some((each) => each['type'] === 'array');
    return method === 'GET' && hasRows && pathParameters.length === 0;
  });
  expect(lists.length).toBeGreaterThanOrEqual(7);
  for (const { name, raw, queryParameters } of lists) {
    if (WITHOUT_PAGES.has(name)) continue;
    expect(queryParameters, name).toEqual(expect.arrayContaining(['limit', 'cursor']));
    expect(JSON.stringify(object(raw['responses'])['200']), name).toContain('"nextCursor"');
  }
});
