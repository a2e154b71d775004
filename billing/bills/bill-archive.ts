/** The files of a month as one ZIP archive, written piece by piece as they are made. */
import { Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import { toError } from '#base/errors.js';
import type { BillFile } from './bill-files.js';
import { archiveTime } from './zip-times.js';

/** What is compressed already. */
const PACKED = /\.(?:pdf|xlsx)$/;

/**
 * The archive of `files` in their order; the same files give the same bytes.
 * @param at instant of the figures, by whose day the entries are dated.
 */
export async function* archiveOf(
  files: AsyncIterable<BillFile>,
  at: string,
): AsyncGenerator<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let failure: Error | undefined;
  const zip = new Zip((error, piece) => {
    if (error !== null) failure = toError(error);
    else pieces.push(piece);
  });
  const mtime = archiveTime(at);
  for await (const { name, bytes } of files) {
    const entry = PACKED.test(name) ? new ZipPassThrough(name) : new ZipDeflate(name);
    entry.mtime = mtime;
    zip.add(entry);
    entry.push(bytes, true);
    if (failure !== undefined) throw failure;
    yield* pieces.splice(0);
  }
  zip.end();
  yield* pieces.splice(0);
}
