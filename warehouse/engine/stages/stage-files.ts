/**
 * The files of all stages, below one folder. A stage is a folder whose name the catalogue knows; nothing is read or
 * removed that a symbolic link leads to, because drivers on this machine write into these folders themselves.
 */
import { createHash } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { constants, lstat, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { failure, StatementFailed } from '../failures.js';
import { checkedPath } from './stage-reference.js';

export interface StageFile {
  /** Below the stage. */
  readonly path: string;
  readonly bytes: number;
  /** Of the file, by this machine's clock. */
  readonly modifiedAtMs: number;
}

export interface StageLimits {
  /** Most files of one stage. */
  readonly filesMax: number;
  /** Most bytes of one stage, as stored. */
  readonly bytesMax: number;
  /** Most bytes that one statement reads from or writes to stages, uncompressed. */
  readonly statementBytesMax: number;
}

export const DEFAULT_STAGE_LIMITS: StageLimits = {
  filesMax: 10_000,
  bytesMax: 4 * 1024 * 1024 * 1024,
  statementBytesMax: 256 * 1024 * 1024,
};

const TEMPORARY = 'temporary';
const PARTIAL = 'partial';

export class StageFiles {
  /** Absolute. */
  readonly root: string;
  readonly limits: StageLimits;
  #lastPartial = 0;

  constructor(root: string, limits: StageLimits) {
    this.root = path.resolve(root);
    this.limits = limits;
  }

  /** Makes the folder, and empties what belonged to sessions and to writes of an earlier run. */
  async open(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    for (const folder of [TEMPORARY, PARTIAL]) {
      await rm(path.join(this.root, folder), { recursive: true, force: true });
      await mkdir(path.join(this.root, folder), { mode: 0o700 });
    }
  }

  /** The folder for files of `directory`/`inside`, made if it is missing. Drivers write there. */
  async folder(directory: string, inside: string): Promise<string> {
    const folder = this.#within(directory, inside);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await this.#refuseLinks(directory, inside);
    return folder;
  }

  /** Absolute path of a file; refused when a symbolic link is on the way to it. */
  async place(directory: string, file: string): Promise<string> {
    await this.#refuseLinks(directory, file);
    return this.#within(directory, file);
  }

  /** Regular files of a stage whose path starts with `prefix`, by path; a failure beyond the most files of a stage. */
  async list(directory: string, prefix: string): Promise<readonly StageFile[]> {
    const found: StageFile[] = [];
    const walk = async (inside: string): Promise<void> => {
      const entries = await readdir(this.#within(directory, inside), { withFileTypes: true }).catch(
        (cause: NodeJS.ErrnoException) => {
          if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return [];
          throw cause;
        },
      );
      for (const entry of entries) {
        const file = inside === '' ? entry.name : `${inside}/${entry.name}`;
        if (entry.isDirectory()) {
          if (file.startsWith(prefix) || prefix.startsWith(`${file}/`)) await walk(file);
        } else if (entry.isFile() && file.startsWith(prefix)) {
          const { size, mtimeMs } = await lstat(this.#within(directory, file));
          found.push({ path: file, bytes: size, modifiedAtMs: mtimeMs });
          if (found.length > this.limits.filesMax) throw tooMuch('files in one stage');
        }
      }
    };
    await walk('');
    return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Refuses to let a stage grow that is full. */
  async refuseFull(directory: string): Promise<void> {
    const files = await this.list(directory, '');
    const bytes = files.reduce((total, file) => total + file.bytes, 0);
    if (files.length >= this.limits.filesMax) throw tooMuch('files in one stage');
    if (bytes >= this.limits.bytesMax) throw tooMuch('bytes in one stage');
  }

  /** The file's bytes and the first four of them; a failure when the file is gone or is no regular file. */
  async read(
    directory: string,
    file: string,
  ): Promise<{ readonly head: Buffer; readonly bytes: ReadStream }> {
    const place = await this.place(directory, file);
    const handle = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW);
    if (!(await handle.stat()).isFile()) {
      await handle.close();
      throw tooMuch('files that are no regular files');
    }
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return { head: buffer.subarray(0, bytesRead), bytes: handle.createReadStream({ start: 0 }) };
  }

  /** MD5 of the stored bytes, in hexadecimal, as LIST shows it. */
  async md5(directory: string, file: string): Promise<string> {
    const hash = createHash('md5');
    for await (const chunk of createReadStream(await this.place(directory, file)))
      hash.update(chunk as Buffer);
    return hash.digest('hex');
  }

  /** A place for a file that is being written; {@link StageFiles.publish} moves it into its stage. */
  partial(): string {
    this.#lastPartial += 1;
    return path.join(this.root, PARTIAL, String(this.#lastPartial));
  }

  /** Moves a finished file into its stage, replacing one of the same name; returns its bytes. */
  async publish(partial: string, directory: string, file: string): Promise<number> {
    await this.folder(directory, path.posix.dirname(file).replace(/^\.$/, ''));
    const place = await this.place(directory, file);
    await rename(partial, place);
    return (await lstat(place)).size;
  }

  /** Writes a whole file. */
  async write(directory: string, file: string, content: Uint8Array): Promise<void> {
    const partial = this.partial();
    await writeFile(partial, content, { mode: 0o600 });
    await this.publish(partial, directory, file);
  }

  async remove(directory: string, file: string): Promise<void> {
    await rm(await this.place(directory, file), { force: true });
  }

  /** Removes a stage with its files. */
  async removeStage(directory: string): Promise<void> {
    await rm(this.#within(directory, ''), { recursive: true, force: true });
  }

  #within(directory: string, inside: string): string {
    const place = path.resolve(this.root, directory, checkedPath(inside));
    if (place !== this.root && !place.startsWith(this.root + path.sep))
      throw tooMuch('paths outside a stage');
    return place;
  }

  async #refuseLinks(directory: string, inside: string): Promise<void> {
    let at = path.join(this.root, directory);
    for (const part of ['', ...inside.split('/')]) {
      at = path.join(at, part);
      const found = await lstat(at).catch(() => undefined);
      if (found === undefined) return;
      if (found.isSymbolicLink()) throw tooMuch('symbolic links in a stage');
    }
  }
}

/** Folder of a stage that ends with its session. */
export function temporaryDirectory(id: string): string {
  return `${TEMPORARY}/${id}`;
}

function tooMuch(what: string): StatementFailed {
  return new StatementFailed(
    failure(
      '000002',
      '0A000',
      `Unsupported feature in the embedded warehouse: so many or such ${what}`,
    ),
  );
}
