/** The files of the event log: JSON lines in `events-yyyy-mm.jsonl`, read in pieces so that no month is in memory as a whole. */
import { open } from 'node:fs/promises';
import { assert } from '#base/assert.js';
import { wellFormed } from '../well-formed.js';
import type { EventRecord } from './events.js';

const FILE_NAME = /^events-(\d{4}-\d{2})\.jsonl$/;
const PIECE_BYTES = 1 << 20;
const NEWLINE = 0x0a;
/** Type, time and, of statements, id: what JSON.stringify of a record begins with. */
const HEAD = /^\{"type":"(\w+)","at":(-?\d+)(?:,"id":"([^"\\]*)")?/;
const HEAD_BYTES = 160;
const RECORD_TYPES: ReadonlySet<string> = new Set(['warehouse', 'started', 'ended']);

/** The month that a file of the log is for; undefined for other files. */
export function monthOfFile(name: string): string | undefined {
  return FILE_NAME.exec(name)?.[1];
}

/** Name of the file for `month`. */
export function fileOfMonth(month: string): string {
  return `events-${month}.jsonl`;
}

/** What the beginning of a line tells without reading the rest. */
export interface LineHead {
  readonly type: string;
  readonly at: number;
  readonly id: string | undefined;
}

/** The head of a line; undefined when it does not begin as this program writes it. */
export function headOf(line: Buffer): LineHead | undefined {
  const match = HEAD.exec(line.toString('utf8', 0, HEAD_BYTES));
  if (match === null) return undefined;
  return { type: match[1] ?? '', at: Number(match[2]), id: match[3] };
}

/**
 * Lines of a file in pieces of about a megabyte.
 *
 * @param upTo bytes to read; the whole file when left out.
 * @returns the lines of each piece without their ends, and where the last whole line ends; a torn last line is not among them.
 */
export async function* readLines(
  path: string,
  upTo: number = Infinity,
): AsyncGenerator<{ readonly lines: readonly Buffer[]; readonly endsAt: number }> {
  const file = await open(path, 'r');
  try {
    let rest = Buffer.alloc(0);
    let at = 0;
    while (at < upTo) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, upTo - at));
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      const bytes = Buffer.concat([rest, piece.subarray(0, bytesRead)]);
      const lines: Buffer[] = [];
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
        if (end > from) lines.push(bytes.subarray(from, end));
        from = end + 1;
      }
      rest = bytes.subarray(from);
      yield { lines, endsAt: at - rest.length };
    }
  } finally {
    await file.close();
  }
}

/** The event on a line; an assertion fails for anything else. */
export function parseEvent(line: Buffer, path: string): EventRecord {
  const record = JSON.parse(line.toString('utf8')) as EventRecord;
  assert(
    RECORD_TYPES.has(record.type) && Number.isSafeInteger(record.at),
    `a line of ${path} is not an event`,
  );
  return withReadableTexts(record);
}

/** The record with every text that a client chose, or that quotes one, made well-formed: the views are made of them. */
export function withReadableTexts(record: EventRecord): EventRecord {
  switch (record.type) {
    case 'warehouse':
      return record;
    case 'started':
      return { ...record, text: wellFormed(record.text), tag: wellFormed(record.tag) };
    case 'ended':
      return record.errorMessage === null
        ? record
        : { ...record, errorMessage: wellFormed(record.errorMessage) };
  }
}
