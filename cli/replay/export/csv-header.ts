/**
 * The first record of a CSV: the names of its columns and what separates them. Read here and handed to DuckDB, so that
 * nothing of the file is guessed from statements' texts, which are full of commas, quotes and line breaks.
 */
import { toError } from '../../../base/errors.js';
import { VerbError } from '../../verb-error.js';
import { columnNamed } from './columns.js';
import { openCsv } from './csv-parts.js';
import type { ExportFile } from './files.js';

export interface CsvHeader {
  readonly delimiter: string;
  readonly names: readonly string[];
}

const DELIMITERS = [',', ';', '\t', '|'] as const;
/** QUERY_HISTORY has some ninety columns; a first record longer than this is none of names. */
const HEADER_BYTES_MAX = 256 * 1024;

/**
 * Reads the header of `file`.
 * @throws VerbError (usage) when the file cannot be read, its compression is broken, or its first record does not end.
 */
export async function readCsvHeader(file: ExportFile): Promise<CsvHeader> {
  return csvHeader(file.name, await headOf(file));
}

/** The header in `head`, the start of a file: by the delimiter that makes most columns of it known. */
function csvHeader(name: string, head: string): CsvHeader {
  const text = head.startsWith('\u{FEFF}') ? head.slice(1) : head;
  const read = DELIMITERS.map((delimiter) => ({ delimiter, names: firstRecord(text, delimiter) }));
  const known = ({ names }: { readonly names: readonly string[] | undefined }): number =>
    (names ?? []).filter((column) => columnNamed(column) !== undefined).length;
  if (/^[^\n]*\r(?!\n)/.test(text))
    throw new VerbError(`${name}: lines must end in LF or CRLF; a CR alone ends none.`, 2);
  const best = read.reduce((a, b) => (known(b) > known(a) ? b : a));
  if (best.names !== undefined) return { delimiter: best.delimiter, names: best.names };
  throw new VerbError(
    `${name}: the first record does not end within ${HEADER_BYTES_MAX / 1024} KiB; it must hold the names of the columns.`,
    2,
  );
}

/** Fields of the first record (RFC 4180); undefined when the text ends inside a quoted field or has no end of line. */
function firstRecord(text: string, delimiter: string): readonly string[] | undefined {
  const fields: string[] = [];
  let field = '';
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (isQuoted) {
      if (character !== '"') field += character;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else isQuoted = false;
    } else if (character === '"' && field === '') isQuoted = true;
    else if (character === delimiter) {
      fields.push(field);
      field = '';
    } else if (character === '\n' || character === '\r') return [...fields, field];
    else field += character;
  }
  return isQuoted || text.length >= HEADER_BYTES_MAX ? undefined : [...fields, field];
}

async function headOf(file: ExportFile): Promise<string> {
  const stream = openCsv(file);
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of stream) {
      const piece = Buffer.from(part as Uint8Array);
      parts.push(piece);
      bytes += piece.length;
      if (bytes >= HEADER_BYTES_MAX) break;
    }
  } catch (thrown) {
    throw new VerbError(`${file.name} cannot be read: ${toError(thrown).message}.`, 2);
  } finally {
    stream.destroy();
  }
  return Buffer.concat(parts).subarray(0, HEADER_BYTES_MAX).toString('utf8');
}
