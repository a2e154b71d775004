/** Reads the segments that an earlier process left, and repairs what a crash or a bad disk did to them. */
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '#base/log.js';
import {
  decodeAcknowledgements,
  decodeHeader,
  OpenSequences,
  scanSegment,
} from './journal-segment.js';

/** One file of the journal, as the process that has it open knows it. */
export interface Segment {
  readonly name: string;
  readonly open: OpenSequences;
  readonly firstSequence: bigint;
  bytes: number;
  /** Acknowledged but not yet in the sidecar. */
  unsaved: bigint[];
}

/** Path of the file that names the acknowledged sequences of the segment at `path`. */
export function sidecarOf(path: string): string {
  return path.replace(/\.journal$/, '.acks');
}

/**
 * Every segment of `directory`, oldest first, and the next free sequence. A torn tail is cut; a damaged stretch is
 * logged as an error and copied to `<segment>.<offset>.damaged`, and the records around it are kept.
 */
export async function readSegments(
  directory: string,
  log: Log,
): Promise<{ readonly segments: readonly Segment[]; readonly nextSequence: bigint }> {
  const names = (await readdir(directory)).filter((name) => /^\d{20}\.journal$/.test(name)).sort();
  const segments: Segment[] = [];
  let nextSequence = 1n;
  for (const name of names) {
    const read = await readSegment(directory, log, name, name === names.at(-1));
    segments.push(read.segment);
    if (read.nextSequence > nextSequence) nextSequence = read.nextSequence;
  }
  return { segments, nextSequence };
}

async function readSegment(
  directory: string,
  log: Log,
  name: string,
  isLast: boolean,
): Promise<{ readonly segment: Segment; readonly nextSequence: bigint }> {
  const path = join(directory, name);
  const bytes = await readFile(path);
  // The name repeats the header's sequence, so that a damaged header hides no record.
  const firstSequence = decodeHeader(bytes) ?? BigInt(name.slice(0, 20));
  const scan = scanSegment(bytes, firstSequence);
  const open = new OpenSequences(firstSequence);
  for (const stored of scan.records) open.add(stored.sequence);
  const acknowledged = await readFile(sidecarOf(path)).catch(() => Buffer.alloc(0));
  for (const sequence of decodeAcknowledgements(acknowledged)) open.remove(sequence);
  const tail = { start: scan.end, end: bytes.length };
  // Only the file that was written last may end in the middle of a record by a crash alone.
  const damaged = isLast || scan.end === bytes.length ? scan.damaged : [...scan.damaged, tail];
  for (const range of damaged) {
    log.error({ segment: name, ...range }, 'the journal is damaged; the stretch is set aside');
    await writeFile(`${path}.${range.start}.damaged`, bytes.subarray(range.start, range.end));
  }
  if (scan.end < bytes.length) {
    log.warn({ segment: name, bytes: bytes.length - scan.end }, 'a torn tail was cut');
    await truncate(path, scan.end);
  }
  const last = scan.records.at(-1)?.sequence;
  return {
    segment: { name, firstSequence, open, bytes: scan.end, unsaved: [] },
    nextSequence: last === undefined ? firstSequence : last + 1n,
  };
}
