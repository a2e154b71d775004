/** The files of an export: what was named, what a folder has, and what kind each is by its first bytes. */
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { toError } from '../../../base/errors.js';
import { VerbError } from '../../verb-error.js';

export type FileKind = 'csv' | 'gzip' | 'parquet';

export interface ExportFile {
  /** Absolute. */
  readonly path: string;
  /** As it is named in what is said of it. */
  readonly name: string;
  readonly kind: FileKind;
}

/** Parts of one unload; a million rows are some hundred. */
const FILES_MAX = 10_000;
const PART = /\.(?:csv|tsv|txt)(?:\.gz)?$|\.parquet$/i;

/**
 * Files of the export, parts of a folder in the order of their names.
 * @param paths files, and folders of which every .csv, .csv.gz, .tsv, .txt and .parquet is read.
 * @throws VerbError (usage) naming the path and what is wrong with it.
 */
export async function exportFiles(paths: readonly string[]): Promise<readonly ExportFile[]> {
  const named: string[] = [];
  for (const given of paths) named.push(...(await partsOf(given)));
  const names = [...new Set(named)];
  if (names.length > FILES_MAX)
    throw new VerbError(
      `The export has ${names.length} files; at most ${FILES_MAX} are read. Unload larger parts.`,
      2,
    );
  const files: ExportFile[] = [];
  for (const name of names)
    files.push({ path: path.resolve(name), name, kind: await kindOf(name) });
  return files;
}

async function partsOf(given: string): Promise<readonly string[]> {
  if (given === '-')
    throw new VerbError(
      'An export is read more than once, so it cannot come from standard input; name a file.',
      2,
    );
  const found = await orRefuse(given, stat(given));
  if (found.isFile()) return [given];
  if (!found.isDirectory())
    throw new VerbError(`${given} is neither a file nor a folder; name an export.`, 2);
  const entries = await orRefuse(given, readdir(given, { withFileTypes: true }));
  const parts = entries
    .filter((entry) => entry.isFile() && PART.test(entry.name))
    .map((entry) => path.join(given, entry.name))
    .sort();
  if (parts.length > 0) return parts;
  throw new VerbError(
    `${given} has no part of an export; its files must end in .csv, .csv.gz or .parquet.`,
    2,
  );
}

/** By the first bytes: names of parts say little, and a renamed file is still what it is. */
async function kindOf(name: string): Promise<FileKind> {
  const head = await firstBytes(name, 4);
  if (head.length === 0)
    throw new VerbError(`${name} is empty; an export begins with the names of its columns.`, 2);
  if (head.toString('latin1') === 'PAR1') return 'parquet';
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  const other = OTHER_KINDS.find(([bytes]) => head.toString('latin1').startsWith(bytes));
  if (other !== undefined)
    throw new VerbError(`${name} is ${other[1]}; write CSV in UTF-8, CSV in gzip, or Parquet.`, 2);
  return 'csv';
}

const OTHER_KINDS: readonly (readonly [string, string])[] = [
  ['\u00ff\u00fe', 'text in UTF-16'],
  ['\u00fe\u00ff', 'text in UTF-16'],
  ['PK\u0003\u0004', 'a ZIP archive or a spreadsheet'],
  ['\u0028\u00b5\u002f\u00fd', 'compressed by Zstandard'],
  ['BZh', 'compressed by bzip2'],
  ['%PDF', 'a PDF'],
];

async function firstBytes(name: string, count: number): Promise<Buffer> {
  const handle = await orRefuse(name, open(name));
  try {
    const { bytesRead, buffer } = await orRefuse(
      name,
      handle.read(Buffer.alloc(count), 0, count, 0),
    );
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function orRefuse<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    const { code } = thrown as { code?: unknown };
    const reason =
      code === 'ENOENT'
        ? 'there is no such file or folder'
        : code === 'EACCES'
          ? 'this user may not read it'
          : toError(thrown).message;
    throw new VerbError(`${name} cannot be read: ${reason}.`, 2);
  }
}
