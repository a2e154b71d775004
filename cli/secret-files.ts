/** Secrets that the first start generates and keeps in the data directory, readable by its owner only. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Fault, toError } from '../base/errors.js';
import type { SealKey } from '../base/sealing.js';
import { sealKeys } from '../base/setting-parsers.js';
import { must } from '../base/assert.js';

/** Makes the data directory. Fault with a sentence for people when that is not possible. */
export function prepareDataDir(dataDir: string): string {
  const folder = path.resolve(dataDir);
  try {
    makeFolders(folder);
    const probe = path.join(folder, '.writable');
    writeFileSync(probe, '');
  } catch (cause) {
    throw new Fault(
      'internal',
      `The data directory ${folder} cannot be written (${toError(cause).message}). Set TOLLGATE_DATA_DIR to a folder this user may write.`,
      { cause },
    );
  }
  return folder;
}

/**
 * One folder at a time, outermost first: `mkdirSync` with `recursive` never returns for a path below a folder that
 * takes no entries, such as /proc.
 */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(path.dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

/** The admin token of the data directory, generated once. */
export function keptAdminToken(dataDir: string): string {
  return kept(path.join(dataDir, 'admin-token'), () => randomBytes(32).toString('base64url'));
}

/** The seal keys of the data directory, generated once; replicas share keys by TOLLGATE_SEAL_KEYS. */
export function keptSealKeys(dataDir: string): readonly SealKey[] {
  const text = kept(
    path.join(dataDir, 'seal-keys'),
    () => `first:${randomBytes(32).toString('base64')}`,
  );
  const parsed = sealKeys(text);
  return must(
    'value' in parsed ? parsed.value : undefined,
    'the kept seal keys were written by this program',
  );
}

function kept(file: string, generate: () => string): string {
  try {
    // `wx`: of two processes that start at once one writes, the other reads what it wrote.
    writeFileSync(file, `${generate()}\n`, { mode: 0o600, flag: 'wx' });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  }
  return readFileSync(file, 'utf8').trim();
}
