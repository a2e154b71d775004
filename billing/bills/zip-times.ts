/**
 * Times in ZIP archives, which otherwise are those of writing them: the same files give the same bytes.
 * Source: PKWARE, "APPNOTE.TXT" 6.3.10, 4.3.7, 4.3.12, 4.3.16 and 4.4.6.
 */
import { assert } from '#base/assert.js';

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_BYTES = 22;

/** Noon of that UTC day, as local time: what writes archives takes local times, and no clock is ever set at noon. */
export function archiveTime(at: string): Date {
  const day = new Date(at);
  return new Date(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate(), 12);
}

/**
 * Dates every entry of a finished archive on the UTC day of `at`, in place.
 * @param bytes an archive without a comment, below 4 GB and 65,535 entries.
 */
export function dateEntries(bytes: Uint8Array, at: string): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - END_BYTES;
  assert(end >= 0 && view.getUint32(end, true) === END, 'an archive ends with its directory');
  const day = new Date(at);
  const date =
    ((day.getUTCFullYear() - 1980) << 9) | ((day.getUTCMonth() + 1) << 5) | day.getUTCDate();
  const time = 12 << 11;
  let entry = view.getUint32(end + 16, true);
  for (let count = view.getUint16(end + 10, true); count > 0; count -= 1) {
    assert(view.getUint32(entry, true) === CENTRAL, 'a directory consists of entries');
    const local = view.getUint32(entry + 42, true);
    assert(view.getUint32(local, true) === LOCAL, 'an entry has its head');
    view.setUint16(entry + 12, time, true);
    view.setUint16(entry + 14, date, true);
    view.setUint16(local + 10, time, true);
    view.setUint16(local + 12, date, true);
    const rest = [28, 30, 32].reduce((sum, at) => sum + view.getUint16(entry + at, true), 0);
    entry += 46 + rest;
  }
}
