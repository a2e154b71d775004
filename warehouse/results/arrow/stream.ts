/**
 * Rows of cells as an Arrow IPC stream: a schema message, one record batch, the end mark. Written by hand, because a
 * dozen types are all it needs. Layout after the Arrow columnar format ("Encapsulated message format"); the field
 * metadata is what Snowflake's drivers require of every field.
 */
import type { Cell } from '#base/wire/row-type.js';
import { FlatBuilder, type Ref, type TableField } from './flat-builder.js';
import type { ArrowColumn, Physical } from './physical.js';
import { vectorsOf } from './vectors.js';

/** MetadataVersion V5. */
const VERSION = 4;
/** Tags of the union MessageHeader. */
const HEADER = { schema: 1, recordBatch: 3 } as const;
/** Tags of the union Type. */
const TYPE = {
  int: 2,
  floatingPoint: 3,
  binary: 4,
  utf8: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  struct: 13,
} as const;
const DOUBLE = 2;
const DAY = 0;
const DECIMAL_PRECISION = 38;
const ALIGNMENT = 8;
const CONTINUATION = 0xffffffff;

/**
 * One Arrow IPC stream of `rows`.
 *
 * @returns its bytes. Asserts that every cell is a text of its column's type.
 */
export function arrowStream(
  columns: readonly ArrowColumn[],
  rows: readonly (readonly Cell[])[],
): Buffer {
  const end = Buffer.alloc(8);
  end.writeUInt32LE(CONTINUATION);
  return Buffer.concat([...message(schema(columns), []), ...recordBatch(columns, rows), end]);
}

function recordBatch(
  columns: readonly ArrowColumn[],
  rows: readonly (readonly Cell[])[],
): readonly Uint8Array[] {
  const vectors = columns.flatMap((column, index) => vectorsOf(column, rows, index));
  const body: Uint8Array[] = [];
  const places: (readonly [number, number])[] = [];
  let at = 0;
  for (const bytes of vectors.flatMap(({ buffers }) => buffers)) {
    places.push([at, bytes.length]);
    const padding = paddingOf(bytes.length);
    body.push(bytes, new Uint8Array(padding));
    at += bytes.length + padding;
  }
  const flat = new FlatBuilder();
  const buffers = flat.pairs(places);
  const nodes = flat.pairs(vectors.map(({ nullCount }) => [rows.length, nullCount]));
  const batch = flat.table([long(rows.length), ref(nodes), ref(buffers)]);
  return message(finished(flat, HEADER.recordBatch, batch, at), body);
}

function schema(columns: readonly ArrowColumn[]): Buffer {
  const flat = new FlatBuilder();
  const fields = flat.references(columns.map((column) => columnField(flat, column)));
  // Endianness 0 is little.
  return finished(flat, HEADER.schema, flat.table([short(0), ref(fields)]), 0);
}

function finished(flat: FlatBuilder, header: number, content: Ref, bodyBytes: number): Buffer {
  return flat.finish(flat.table([short(VERSION), byte(header), ref(content), long(bodyBytes)]));
}

/** Continuation mark, length, metadata and body, each part ending on eight bytes. */
function message(metadata: Buffer, body: readonly Uint8Array[]): readonly Uint8Array[] {
  const padding = paddingOf(metadata.length);
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(CONTINUATION);
  prefix.writeInt32LE(metadata.length + padding, 4);
  return [prefix, metadata, new Uint8Array(padding), ...body];
}

function columnField(flat: FlatBuilder, { column, logicalType, physical }: ArrowColumn): Ref {
  const isStruct = physical.kind === 'instant';
  // A byteLength of 8 would announce a TIMESTAMP_TZ of two parts.
  const byteLength = isStruct ? 16 : (column.byteLength ?? 0);
  const metadata = Object.entries({
    logicalType,
    precision: column.precision ?? (physical.kind === 'int' ? DECIMAL_PRECISION : 0),
    scale: column.scale ?? 0,
    charLength: column.length ?? 0,
    byteLength,
    finalType: 'T',
  });
  const entries = metadata.map(([key, value]) => {
    const text = flat.string(String(value));
    return flat.table([ref(flat.string(key)), ref(text)]);
  });
  const keyValues = flat.references(entries);
  const children = isStruct ? flat.references(partsOf(flat, physical.isZoned)) : undefined;
  return field(flat, column.name, typeOf(flat, physical, column.scale ?? 0), children, keyValues);
}

function partsOf(flat: FlatBuilder, isZoned: boolean): readonly Ref[] {
  const part = (name: string, bits: number): Ref =>
    field(flat, name, [TYPE.int, intType(flat, bits)], undefined, undefined);
  const parts = [part('epoch', 64), part('fraction', 32)];
  return isZoned ? [...parts, part('timezone', 32)] : parts;
}

function field(
  flat: FlatBuilder,
  name: string,
  [tag, type]: readonly [number, Ref],
  children: Ref | undefined,
  metadata: Ref | undefined,
): Ref {
  // Readers want the vector of children of a field without any, too.
  const below = children ?? flat.references([]);
  const text = flat.string(name);
  return flat.table([
    ref(text),
    byte(1),
    byte(tag),
    ref(type),
    undefined,
    ref(below),
    metadata === undefined ? undefined : ref(metadata),
  ]);
}

function typeOf(flat: FlatBuilder, physical: Physical, scale: number): readonly [number, Ref] {
  switch (physical.kind) {
    case 'int':
      return [TYPE.int, intType(flat, physical.bits)];
    case 'decimal':
      return [TYPE.decimal, flat.table([int(DECIMAL_PRECISION), int(scale), int(128)])];
    case 'real':
      return [TYPE.floatingPoint, flat.table([short(DOUBLE)])];
    case 'bool':
      return [TYPE.bool, flat.table([])];
    case 'date':
      return [TYPE.date, flat.table([short(DAY)])];
    case 'time':
      return [TYPE.int, intType(flat, 64)];
    case 'text':
      return [TYPE.utf8, flat.table([])];
    case 'binary':
      return [TYPE.binary, flat.table([])];
    case 'instant':
      return [TYPE.struct, flat.table([])];
  }
}

function intType(flat: FlatBuilder, bits: number): Ref {
  const isSigned = byte(1);
  return flat.table([int(bits), isSigned]);
}

function paddingOf(length: number): number {
  return (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
}

const byte = (value: number): TableField => ({ size: 1, value });
const short = (value: number): TableField => ({ size: 2, value });
const int = (value: number): TableField => ({ size: 4, value });
const long = (value: number): TableField => ({ size: 8, value: BigInt(value) });
const ref = (value: Ref): TableField => ({ size: 'ref', value });
