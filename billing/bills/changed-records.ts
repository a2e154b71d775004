/**
 * Of a changed file of a month, the first record that differs, as far as other files of the month tell it. The CSV of bills
 * is made of what their JSON says, so it is written anew from there and held against the file: only where what was written
 * anew is, by its hash, the file that was made. Files that are made of more than the bills' JSON have no such proof.
 */
import { hashOfBytes } from '#base/hash-chain.js';
import { linesToCsv, summaryToCsv } from './bill-csv.js';
import { hashOfBillJson, readBillJson } from './read-bill-json.js';

/** The bytes of a file by its name; undefined: it is not there. */
export type ReadFile = (name: string) => Promise<Uint8Array | undefined>;

/** A file as a manifest lists it; `bill` null: it is of the whole month. */
interface ListedFile {
  readonly name: string;
  readonly bill: string | null;
  readonly sha256: string;
}

/** What a manifest says that records are told by. */
interface Listed {
  readonly bills: readonly { readonly bill: string; readonly hash: string }[];
  readonly files: readonly ListedFile[];
}

/** What was read, or in words why nothing can be told. */
type Told<Value> =
  { readonly kind: 'read'; readonly value: Value } | { readonly kind: 'not'; readonly why: string };

/**
 * @param changed what is there in the place of `file`
 * @returns a clause for behind "is not the file that was made": the first record that differs and how, or why none can be
 * named; `''` of files without records.
 */
export async function changedRecord(
  manifest: Listed,
  file: ListedFile,
  changed: Uint8Array,
  read: ReadFile,
): Promise<string> {
  const told = await clauseOf(manifest, file, Buffer.from(changed).toString(), read);
  if (told === undefined) return '';
  return told.kind === 'read'
    ? `: ${told.value}`
    : `; which record differs cannot be told: ${told.why}`;
}

async function clauseOf(
  manifest: Listed,
  file: ListedFile,
  changed: string,
  read: ReadFile,
): Promise<Told<string> | undefined> {
  const { name, bill } = file;
  if (bill !== null && name.endsWith('.json')) return ofJson(manifest, bill, changed, read);
  if (!name.endsWith('.csv')) return undefined;
  const isSummary = bill === null && name.endsWith('-summary.csv');
  if (bill === null && !isSummary && !name.endsWith('-lines.csv'))
    return no('it is made of more than the JSON of the bills; write the files of the month anew');
  const bills = bill === null ? manifest.bills.map((each) => each.bill) : [bill];
  const made = await madeAnew(manifest, bills, isSummary ? summaryToCsv : linesToCsv, read);
  if (made.kind === 'not') return made;
  if (hashOfBytes(Buffer.from(made.value)) !== file.sha256)
    return no('this version of Tollgate writes that file otherwise');
  const difference = firstDifference(made.value, changed);
  const source = bill === null ? 'the JSON of the bills has' : `${jsonOf(manifest, bill)} has`;
  return yes(difference === undefined ? 'only its encoding differs' : inWords(difference, source));
}

/** The CSV that the bills' JSON makes, each held against its hash in the manifest. */
async function madeAnew(
  manifest: Listed,
  bills: readonly string[],
  write: typeof linesToCsv,
  read: ReadFile,
): Promise<Told<string>> {
  const found = [];
  for (const id of bills) {
    const name = jsonOf(manifest, id);
    const text = name === undefined ? undefined : await textOf(name, read);
    const said = manifest.bills.find(({ bill }) => bill === id)?.hash;
    const one = text === undefined ? undefined : readBillJson(text);
    if (text === undefined || one === undefined || hashOfBillJson(text) !== said)
      return no(`${name ?? id} is changed too, or is not there`);
    found.push(one);
  }
  const [first] = found;
  if (first === undefined) return no('the month has no bills');
  return yes(
    write(
      first.month,
      found.map(({ bill }) => bill),
    ),
  );
}

/** Of a changed JSON: what its CSV, which is as it was made, has otherwise. */
async function ofJson(
  { files }: Listed,
  bill: string,
  changed: string,
  read: ReadFile,
): Promise<Told<string>> {
  const csv = files.find((each) => each.bill === bill && each.name.endsWith('.csv'));
  const made = csv === undefined ? undefined : await textOf(csv.name, read);
  if (csv === undefined || made === undefined || hashOfBytes(Buffer.from(made)) !== csv.sha256)
    return no('the CSV of the bill is changed too, or is not there');
  const now = readBillJson(changed);
  if (now === undefined) return no('it is not the JSON of a bill any more');
  const difference = firstDifference(made, linesToCsv(now.month, [now.bill]));
  return yes(
    difference === undefined
      ? `nothing that ${csv.name} has differs, so that lines and amounts are as they were; what differs is beside them`
      : inWords(difference, `${csv.name} has`),
  );
}

interface Difference {
  /** Of the file that was made: 1 for the first behind the names. */
  readonly record: number;
  readonly columns: readonly string[];
  readonly fields: readonly string[];
  /** Index of the first field that differs; that of the last where the changed file ends within the record. */
  readonly field: number;
  /** What the changed file has there; undefined: it ends before. */
  readonly said: string | undefined;
}

/** Where two texts part for the first time, by the records of the first one. */
function firstDifference(made: string, changed: string): Difference | undefined {
  if (made === changed) return undefined;
  let at = 0;
  while (at < made.length && made[at] === changed[at]) at += 1;
  const records = recordsOf(made);
  const index = records.findIndex(({ end }) => at < end);
  // Behind the last record stands something more.
  const record = index === -1 ? records.length : index;
  const fields = records[index]?.fields ?? [];
  const field = Math.max(
    fields.findLastIndex(({ start }) => start <= at),
    0,
  );
  const start = fields[field]?.start ?? made.length;
  return {
    record,
    columns: (records[0]?.fields ?? []).map(({ text }) => text),
    fields: fields.map(({ text }) => text),
    field,
    said: at < changed.length ? (FIELD.exec(changed.slice(start))?.[0] ?? '') : undefined,
  };
}

const FIELD = /^("(?:[^"]|"")*"|[^,\r\n]*)/;

interface Placed {
  /** Its end of line included. */
  readonly end: number;
  readonly fields: readonly { readonly start: number; readonly text: string }[];
}

/** Records of what we wrote ourselves, with the places of their fields. */
function recordsOf(text: string): readonly Placed[] {
  const records: Placed[] = [];
  let fields: { start: number; text: string }[] = [];
  for (const { 0: whole, 1: field = '', index } of text.matchAll(FIELDS)) {
    fields.push({ start: index, text: field });
    if (!whole.endsWith('\r\n')) continue;
    records.push({ end: index + whole.length, fields });
    fields = [];
  }
  return records;
}

const FIELDS = /("(?:[^"]|"")*"|[^,\r\n]*)(?:,|\r\n)/g;

function inWords({ record, columns, fields, field, said }: Difference, has: string): string {
  if (record === 0) return 'the names of its columns differ';
  if (fields.length === 0) return 'more stands behind its last record';
  const of = (name: string): string => fields[columns.indexOf(name)] ?? '';
  const place = columns.includes('line')
    ? `line ${of('line')}`
    : `team ${of('team')}, charge ${of('charge')}`;
  const where = `record ${record} (${place})`;
  if (said === undefined) return `it ends in ${where}`;
  return `${where} has ${columns[field] ?? 'more'} ${shown(said)}, and ${has} ${shown(fields[field] ?? '')}`;
}

const SHOWN_CHARACTERS_MAX = 80;

function shown(field: string): string {
  if (field === '') return 'empty';
  return field.length > SHOWN_CHARACTERS_MAX ? `${field.slice(0, SHOWN_CHARACTERS_MAX)}…` : field;
}

function jsonOf({ files }: Listed, bill: string): string | undefined {
  return files.find((each) => each.bill === bill && each.name.endsWith('.json'))?.name;
}

async function textOf(name: string, read: ReadFile): Promise<string | undefined> {
  const bytes = await read(name);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

function yes<Value>(value: Value): Told<Value> {
  return { kind: 'read', value };
}

function no(why: string): { readonly kind: 'not'; readonly why: string } {
  return { kind: 'not', why };
}
