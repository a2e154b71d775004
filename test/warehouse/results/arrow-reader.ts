/**
 * Reads Arrow IPC streams back into cells, for the types that Snowflake's drivers know. Written from the format's
 * documents and not from the writer: it asks the schema for everything and shares no code with it.
 */

export interface ReadField {
  readonly name: string;
  /** `int8` … `int64`, `decimal38`, `double`, `utf8`, `bool`, `date`, `binary`, `struct`. */
  readonly type: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly children: readonly ReadField[];
}

export interface ReadStream {
  readonly fields: readonly ReadField[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** A table of a flat buffer. */
class Table {
  readonly #bytes: Buffer;
  readonly #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  static root(bytes: Buffer): Table {
    return new Table(bytes, bytes.readUInt32LE(0));
  }

  slot(index: number): number | undefined {
    const offsets = this.#at - this.#bytes.readInt32LE(this.#at);
    const at = 4 + index * 2;
    if (at >= this.#bytes.readUInt16LE(offsets)) return undefined;
    const offset = this.#bytes.readUInt16LE(offsets + at);
    return offset === 0 ? undefined : this.#at + offset;
  }

  int(index: number, size: 1 | 2 | 4 | 8, otherwise = 0): number {
    const at = this.slot(index);
    if (at === undefined) return otherwise;
    if (at % size !== 0) throw new Error(`a number of ${size} bytes at ${at}`);
    return size === 8 ? Number(this.#bytes.readBigInt64LE(at)) : this.#bytes.readIntLE(at, size);
  }

  table(index: number): Table {
    const at = this.slot(index);
    if (at === undefined) throw new Error(`no table in slot ${index}`);
    return new Table(this.#bytes, at + this.#bytes.readUInt32LE(at));
  }

  text(index: number): string {
    const slot = this.slot(index);
    if (slot === undefined) return '';
    const at = slot + this.#bytes.readUInt32LE(slot);
    return this.#bytes.toString('utf8', at + 4, at + 4 + this.#bytes.readUInt32LE(at));
  }

  /** Where the vector in a slot begins, and its length. */
  vector(index: number): { readonly at: number; readonly length: number } {
    const slot = this.slot(index);
    if (slot === undefined) return { at: 0, length: 0 };
    const at = slot + this.#bytes.readUInt32LE(slot);
    return { at: at + 4, length: this.#bytes.readUInt32LE(at) };
  }

  tables(index: number): Table[] {
    const { at, length } = this.vector(index);
    return Array.from({ length }, (_, n) => {
      const place = at + n * 4;
      return new Table(this.#bytes, place + this.#bytes.readUInt32LE(place));
    });
  }

  pairs(index: number): (readonly [number, number])[] {
    const { at, length } = this.vector(index);
    if (at % 8 !== 0) throw new Error('a vector of structs that is not aligned');
    return Array.from({ length }, (_, n) => [
      Number(this.#bytes.readBigInt64LE(at + n * 16)),
      Number(this.#bytes.readBigInt64LE(at + n * 16 + 8)),
    ]);
  }
}

function fieldOf(table: Table): ReadField {
  const tag = table.int(2, 1);
  const type = table.table(3);
  const names: Record<number, () => string> = {
    2: () => `${type.int(1, 1) === 1 ? 'int' : 'uint'}${type.int(0, 4)}`,
    3: () => (type.int(0, 2) === 2 ? 'double' : 'float'),
    4: () => 'binary',
    5: () => 'utf8',
    6: () => 'bool',
    7: () => `decimal${type.int(0, 4)}`,
    8: () => (type.int(0, 2, 1) === 0 ? 'date' : 'date in milliseconds'),
    13: () => 'struct',
  };
  const read = names[tag];
  if (read === undefined) throw new Error(`a field of type ${tag}`);
  return {
    name: table.text(0),
    type: read(),
    metadata: Object.fromEntries(table.tables(6).map((pair) => [pair.text(0), pair.text(1)])),
    children: table.tables(5).map(fieldOf),
  };
}

type Value = string | bigint | number | boolean | Buffer | Record<string, bigint | number> | null;

/** Reads a whole stream; throws when it is not well formed. */
export function readArrow(stream: Buffer): ReadStream {
  let fields: readonly ReadField[] | undefined;
  const rows: (string | null)[][] = [];
  let at = 0;
  for (;;) {
    if (at % 8 !== 0) throw new Error(`a message at ${at}`);
    if (stream.readUInt32LE(at) !== 0xffffffff) throw new Error('no continuation mark');
    const length = stream.readInt32LE(at + 4);
    if (length === 0) {
      if (at + 8 !== stream.length) throw new Error('bytes after the end');
      return { fields: fields ?? [], rows };
    }
    // A copy, so that offsets are from the beginning of the metadata.
    const message = Table.root(Buffer.from(stream.subarray(at + 8, at + 8 + length)));
    if (message.int(0, 2) !== 4) throw new Error('not metadata V5');
    const bodyLength = message.int(3, 8);
    const body = stream.subarray(at + 8 + length, at + 8 + length + bodyLength);
    const header = message.table(2);
    if (message.int(1, 1) === 1) fields = header.tables(1).map(fieldOf);
    else rows.push(...batchRows(header, body, fields ?? []));
    at += 8 + length + bodyLength;
  }
}

function batchRows(batch: Table, body: Buffer, fields: readonly ReadField[]): (string | null)[][] {
  const length = batch.int(0, 8);
  const nodes = batch.pairs(1);
  const buffers = batch.pairs(2).map(([offset, size]) => {
    if (offset % 8 !== 0 || offset + size > body.length) throw new Error('a buffer out of place');
    return Buffer.from(body.subarray(offset, offset + size));
  });
  const columns = fields.map((field) => {
    const values = columnValues(field, length, nodes, buffers);
    return values.map((value) => cellOf(field, value));
  });
  if (nodes.length > 0 || buffers.length > 0) throw new Error('more nodes or buffers than columns');
  return Array.from({ length }, (_, row) => columns.map((column) => column[row] ?? null));
}

function columnValues(
  field: ReadField,
  length: number,
  nodes: (readonly [number, number])[],
  buffers: Buffer[],
): Value[] {
  const [count, nulls] = nodes.shift() ?? [-1, -1];
  if (count !== length) throw new Error(`a node of ${count} values`);
  const next = (): Buffer => buffers.shift() ?? Buffer.alloc(0);
  const validity = next();
  const isNull = (row: number): boolean =>
    validity.length > 0 && (((validity[row >> 3] ?? 0) >> (row & 7)) & 1) === 0;
  const rows = Array.from({ length }, (_, row) => row);
  if (rows.filter(isNull).length !== nulls) throw new Error('another number of nulls');
  const masked = (value: (row: number) => Value): Value[] =>
    rows.map((row) => (isNull(row) ? null : value(row)));
  if (field.type === 'struct') {
    const parts = field.children.map((child) => columnValues(child, length, nodes, buffers));
    return masked((row) =>
      Object.fromEntries(
        field.children.map(({ name }, index) => [name, parts[index]?.[row] as bigint]),
      ),
    );
  }
  if (field.type === 'utf8' || field.type === 'binary') {
    const offsets = next();
    const data = next();
    return masked((row) => {
      const bytes = data.subarray(offsets.readInt32LE(row * 4), offsets.readInt32LE(row * 4 + 4));
      return field.type === 'utf8' ? bytes.toString('utf8') : bytes;
    });
  }
  const data = next();
  return masked((row) => {
    switch (field.type) {
      case 'int8':
        return BigInt(data.readInt8(row));
      case 'int16':
        return BigInt(data.readInt16LE(row * 2));
      case 'int32':
      case 'date':
        return BigInt(data.readInt32LE(row * 4));
      case 'int64':
        return data.readBigInt64LE(row * 8);
      case 'decimal38':
        return (data.readBigInt64LE(row * 16 + 8) << 64n) | data.readBigUInt64LE(row * 16);
      case 'double':
        return data.readDoubleLE(row * 8);
      case 'bool':
        return (((data[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;
    }
    throw new Error(`values of type ${field.type}`);
  });
}

/** The text of the JSON format for a value, by the logical type of its field. */
function cellOf({ metadata }: ReadField, value: Value): string | null {
  if (value === null) return null;
  const scale = Number(metadata['scale']);
  switch (metadata['logicalType'] ?? 'TEXT') {
    case 'FIXED':
      return scaled(value as bigint, scale);
    case 'TIME':
      return scaled(value as bigint, 9);
    case 'DATE':
      return String(value as bigint);
    case 'BOOLEAN':
      return value === true ? '1' : '0';
    case 'BINARY':
      return (value as Buffer).toString('hex').toUpperCase();
    case 'REAL':
      return String(value as number).replace('Infinity', 'inf');
    case 'TIMESTAMP_NTZ':
    case 'TIMESTAMP_LTZ':
    case 'TIMESTAMP_TZ': {
      const { epoch, fraction, timezone } = value as Record<string, bigint>;
      const instant = scaled((epoch ?? 0n) * 1_000_000_000n + (fraction ?? 0n), 9);
      return timezone === undefined ? instant : `${instant} ${timezone}`;
    }
  }
  return value as string;
}

function scaled(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const sign = value < 0n ? '-' : '';
  return scale === 0 ? sign + whole : `${sign}${whole}.${digits.slice(-scale)}`;
}
