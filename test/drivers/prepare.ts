/** Tool chains of other languages, made once in a folder of the cache for a recipe and found again there. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runProgram, tail, type Program } from './programs.js';

export type Prepared =
  | { readonly kind: 'ready'; readonly program: Program }
  | {
      readonly kind: 'skipped';
      /** For the table: no paths, no hosts. */
      readonly why: string;
      /** For the terminal. */
      readonly detail: string;
    };

const PREPARE_LIMIT_MS = 10 * 60_000;
export const PIP_FLAGS: readonly string[] = [
  '--quiet',
  '--no-input',
  '--disable-pip-version-check',
];

export type Skipped = Extract<Prepared, { kind: 'skipped' }>;

/** Fills a folder of the cache once for a recipe; a folder that was not finished, or has another recipe, is made anew. */
export async function prepared(
  cache: string,
  name: string,
  recipe: string,
  make: (folder: string) => Promise<Skipped | null>,
  program: (folder: string) => Program,
): Promise<Prepared> {
  const folder = path.join(cache, name);
  const stamp = path.join(folder, '.ready');
  const hash = createHash('sha256').update(recipe).digest('hex');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== hash) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const skipped = await make(folder);
    if (skipped !== null) return skipped;
    writeFileSync(stamp, hash);
  }
  return { kind: 'ready', program: program(folder) };
}

/** One command of a preparation; null when it went well. */
export async function step(
  tool: string,
  command: string,
  args: readonly string[],
  where: Pick<Program, 'cwd' | 'environment'> = {},
): Promise<Skipped | null> {
  const ending = await runProgram({ command, args, ...where }, PREPARE_LIMIT_MS);
  switch (ending.kind) {
    case 'absent':
      return { kind: 'skipped', why: `${tool} is not installed`, detail: `${tool} was not found` };
    case 'late':
      return {
        kind: 'skipped',
        why: `${tool} did not finish preparing it`,
        detail: tail(ending.stderr, 5),
      };
    case 'ended':
      if (ending.code === 0) return null;
      return {
        kind: 'skipped',
        why: `${tool} could not prepare it`,
        detail: tail(ending.stderr + ending.stdout, 5),
      };
  }
}
