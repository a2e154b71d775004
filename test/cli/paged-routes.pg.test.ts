/** No verb reads one page of a list and takes it for the list: by the sources of the verbs and the API's own document. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { object, type Operation, readOperations } from '../admin/operations.js';
import { type AdminWorld, createAdminWorld } from '../admin/world.js';

const CLI = path.resolve(import.meta.dirname, '../../cli');

let world: AdminWorld;
let paged: ReadonlyMap<string, Operation>;
beforeAll(async () => {
  world = await createAdminWorld();
  const operations = await readOperations(world.app);
  paged = new Map(
    operations
      .filter(
        ({ method, queryParameters }) => method === 'GET' && queryParameters.includes('cursor'),
      )
      .map((operation) => [operation.template.replaceAll(/\{\w+\}/g, '{}'), operation]),
  );
});
afterAll(() => world.close());

const sources = readdirSync(CLI, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(path.join(CLI, file), 'utf8') }));

/** A path as a text or a template, or the name of one; what stands in braces has no braces of its own. */
const ARGUMENT = String.raw`('[^']*'|\x60[^\x60]*\x60|\w+)`;
/** A call without a body is a GET, also one that waits for longer than others. */
const GETS = new RegExp(
  String.raw`\.call\(\s*${ARGUMENT}(?:,\s*undefined,\s*undefined,\s*\w+)?,?\s*\)`,
  'g',
);
const LISTS = new RegExp(String.raw`\.list\(\s*${ARGUMENT},\s*('\w+'|\w+),`, 'g');

/**
 * Routes that the first argument of a call can mean. A name means what it was last given before the call; one that was
 * given nothing may mean any path of its file that is not read as a list.
 */
function routesOf({ text, found }: Found): readonly string[] {
  const argument = found[1] ?? '';
  if (/^['`]/.test(argument)) return [routeOf(argument)];
  const named = new RegExp(String.raw`const ${argument} =\s*('[^']*'|\x60[^\x60]*\x60)`, 'g');
  const before = [...text.slice(0, found.index).matchAll(named)].at(-1);
  const elsewhere = sources.flatMap((each) => [...each.text.matchAll(named)])[0];
  const value = before ?? (/^[A-Z]+$/.test(argument) ? elsewhere : undefined);
  if (value?.[1] !== undefined) return [routeOf(value[1])];
  const read = [...text.matchAll(LISTS)].map((each) => each[1]);
  return [...text.matchAll(/(['`])\/api\/v1\/[^'`]*\1/g)]
    .map(([quoted]) => quoted)
    .filter((quoted) => !read.includes(quoted))
    .map(routeOf);
}

/** `/api/v1/bills/{}/{}.{}` of a template; its query is left out, as is what else follows a whole word. */
function routeOf(quoted: string): string {
  const named = quoted.slice(1, -1).replaceAll(/\$\{([A-Z]+)\}/g, (whole, name: string) => {
    const constant = sources
      .map(({ text }) => new RegExp(String.raw`const ${name} = '([^']*)'`).exec(text)?.[1])
      .find((value) => value !== undefined);
    return constant ?? whole;
  });
  return named.replaceAll(/(?<=[/.])\$\{[^}]*\}/g, '{}').replace(/(?:\?|\$\{).*$/s, '');
}

interface Found {
  readonly file: string;
  readonly text: string;
  readonly found: RegExpMatchArray;
}

function matches(pattern: RegExp): readonly Found[] {
  return sources.flatMap(({ file, text }) =>
    [...text.matchAll(pattern)].map((found) => ({ file, text, found })),
  );
}

test('no list is asked for by a GET of one page', () => {
  const gets = matches(GETS);
  expect(gets.length).toBeGreaterThan(14);
  const onePage = gets.flatMap((each) =>
    routesOf(each)
      .filter((route) => paged.has(route))
      .map((route) => `${each.file}: ${route}`),
  );
  expect(onePage).toEqual([]);
});

test('what is read as a list is one of the API, by the name that the API gives its rows', () => {
  const lists = matches(LISTS).filter(({ found }) => found[2]?.startsWith("'"));
  expect(lists.length).toBeGreaterThan(18);
  for (const each of lists) {
    const routes = routesOf(each);
    const operation = paged.get(routes[0] ?? '');
    expect({ file: each.file, routes, isPaged: operation !== undefined }).toMatchObject({
      routes: [expect.any(String)],
      isPaged: true,
    });
    const answers = JSON.stringify(object(object(operation?.raw['responses'])['200']));
    expect(answers, `${each.file}: ${routes.join()}`).toContain(
      `"${each.found[2]?.slice(1, -1)}":`,
    );
  }
});

test.each([
  "await client.call('/api/v1/tokens')",
  'await client.call(`/api/v1/tokens?limit=500${of}`)',
  'const p = `/api/v1/tokens`; await client.call(p)',
  "await client.call('/api/v1/tokens', undefined, undefined, STEP_TIMEOUT_MS)",
  "read('/api/v1/tokens'); const read = (apiPath) => client.call(apiPath)",
])('the guard sees a page that is read alone, however its path is written: %s', (text) => {
  const [found] = [...text.matchAll(GETS)];
  if (found === undefined) throw new Error('The pattern finds no call.');
  expect(routesOf({ file: 'here', text, found })).toContain('/api/v1/tokens');
  expect(paged.has('/api/v1/tokens')).toBe(true);
});
