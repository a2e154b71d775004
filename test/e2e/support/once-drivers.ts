/** Real drivers whose every statement loses its first reply: what each statement came to, in the driver's own words. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder } from '../../drivers/places.js';
import { runProgram, tail } from '../../drivers/programs.js';
import { connectNode } from './node-driver.js';

/** The Python connectors are those that `npm run test:drivers` prepares. */
export const DRIVERS = [
  'snowflake-sdk',
  'snowflake-connector-python 4.8.1',
  'snowflake-connector-python 5.2.0',
] as const;
export type DriverName = (typeof DRIVERS)[number];

export type DriverOutcomes =
  /** By statement, in JSON: rows, or code and text of an error. */
  | { readonly kind: 'ran'; readonly outcomes: readonly string[] }
  | { readonly kind: 'absent'; readonly why: string };

const AT_ONCE = 5;
const LIMIT_MS = 15 * 60_000;

/** Runs the statements on five connections at once, of one user, at a port of this machine. */
export async function runByDriver(
  driver: DriverName,
  port: number,
  user: string,
  texts: readonly string[],
): Promise<DriverOutcomes> {
  const parts = Array.from({ length: AT_ONCE }, (_, part) =>
    texts.filter((_text, index) => index % AT_ONCE === part),
  );
  const python = driver === 'snowflake-sdk' ? undefined : pythonOf(driver);
  if (python !== undefined && !existsSync(python))
    return { kind: 'absent', why: `${driver} is not prepared here: npm run test:drivers does it` };
  const found = await Promise.all(
    parts.map((part) =>
      python === undefined ? byNode(port, user, part) : byPython(python, port, user, part),
    ),
  );
  const byText = new Map(found.flat());
  return { kind: 'ran', outcomes: texts.map((text) => byText.get(text) ?? 'nothing') };
}

type Found = readonly (readonly [text: string, outcome: string])[];

async function byNode(port: number, user: string, texts: readonly string[]): Promise<Found> {
  const client = await connectNode(`http://127.0.0.1:${port}`, { username: user });
  const found: (readonly [string, string])[] = [];
  for (const text of texts) {
    const result = await client.run(text);
    const seen = result.kind === 'rows' ? result.rows : [result.code, result.message];
    found.push([text, JSON.stringify(seen)]);
  }
  await client.close();
  return found;
}

function pythonOf(driver: DriverName): string {
  const folder = `python-${driver.replace(' ', '-')}`;
  return path.join(cacheFolder(), folder, 'venv', 'bin', 'python');
}

async function byPython(
  python: string,
  port: number,
  user: string,
  texts: readonly string[],
): Promise<Found> {
  const where = {
    host: '127.0.0.1',
    port: String(port),
    protocol: 'http',
    account: 'demo',
    user,
    password: 'demo',
    database: 'ANALYTICS',
    schema: 'TPCH',
  };
  const options = Object.entries(where).flatMap(([name, value]) => [`--${name}`, value]);
  const cases = texts.flatMap((text, index) => ['--answer', `${index}=${text}`]);
  const ending = await runProgram(
    { command: python, args: ['test/drivers/python/connector.py', ...options, ...cases] },
    LIMIT_MS,
  );
  if (ending.kind !== 'ended' || ending.code !== 0)
    throw new Error(
      `the program ${ending.kind}: ${'stderr' in ending ? tail(ending.stderr, 5) : ''}`,
    );
  return ending.stdout
    .trim()
    .split('\n')
    .map((line) => {
      const seen = JSON.parse(line) as { case: string; seen?: unknown; error?: string };
      return [texts[Number(seen.case)] ?? '', JSON.stringify(seen.seen ?? seen.error)];
    });
}
