/** Where things are: the checkout, and the folder outside it that keeps tool chains between runs. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. This module runs as dist/test/drivers/places.js, and in tests from its source. */
export const ROOT: string = ['../../..', '../..']
  .map((up) => path.resolve(path.dirname(fileURLToPath(import.meta.url)), up))
  .reduce((outer, inner) => (existsSync(path.join(outer, 'package.json')) ? outer : inner));

/** Programs of other languages are not compiled to dist. */
export const PROGRAMS: string = path.join(ROOT, 'test', 'drivers');

/** Makes the folder of tool chains, reused between runs and safe to delete; throws if it is somebody else's. */
export function cacheFolder(): string {
  const { uid } = userInfo();
  const folder = path.join(tmpdir(), `tollgate-drivers-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // What lies there is executed, and names in a shared folder can be guessed.
  if (uid !== -1 && statSync(folder).uid !== uid) {
    throw new Error(`${folder} belongs to another user; delete it, or set TMPDIR`);
  }
  return folder;
}
