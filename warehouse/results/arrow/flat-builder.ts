/**
 * Writes the FlatBuffers of Arrow's messages. As FlatBuffers asks, a buffer grows from its end to its front: what is
 * referred to is written first, and a reference is the distance from the end of the buffer.
 */
import { assert } from '#base/assert.js';

/** Distance of something written from the end of the buffer. */
export type Ref = number;

/** A field of a table. Written even when it is the default, so that no default of the schema needs to be known. */
export type TableField =
  | { readonly size: 1 | 2 | 4; readonly value: number }
  | { readonly size: 8; readonly value: bigint }
  | { readonly size: 'ref'; readonly value: Ref };

const FIRST_CAPACITY = 1024;

export class FlatBuilder {
  #bytes = Buffer.alloc(FIRST_CAPACITY);
  /** Bytes written, all of them at the end of the buffer. */
  #size = 0;
  #alignment = 4;

  /** A string in UTF-8. */
  string(text: string): Ref {
    const bytes = Buffer.from(text, 'utf8');
    this.#align(4, bytes.length + 1);
    this.#put(1);
    this.#take(bytes.length).set(bytes);
    this.#uint32(bytes.length);
    return this.#size;
  }

  /** A vector of references. */
  references(refs: readonly Ref[]): Ref {
    this.#align(4, refs.length * 4);
    for (const ref of refs.toReversed()) this.#reference(ref);
    this.#uint32(refs.length);
    return this.#size;
  }

  /** A vector of structs that are pairs of 64-bit numbers: Arrow's FieldNode and Buffer. */
  pairs(pairs: readonly (readonly [number, number])[]): Ref {
    this.#align(4, pairs.length * 16);
    this.#align(8, pairs.length * 16);
    for (const [first, second] of pairs.toReversed()) {
      this.#int64(BigInt(second));
      this.#int64(BigInt(first));
    }
    this.#uint32(pairs.length);
    return this.#size;
  }

  /** A table; `fields` by slot, undefined for one that is left out. */
  table(fields: readonly (TableField | undefined)[]): Ref {
    const start = this.#size;
    const ends = fields.map((field) => {
      if (field === undefined) return 0;
      this.#field(field);
      return this.#size;
    });
    this.#align(4, 0);
    this.#uint32(0);
    const table = this.#size;
    for (const end of ends.toReversed()) this.#uint16(end === 0 ? 0 : table - end);
    this.#uint16(table - start);
    this.#uint16((fields.length + 2) * 2);
    // The table begins with the distance to its field offsets.
    this.#bytes.writeInt32LE(this.#size - table, this.#bytes.length - table);
    return table;
  }

  /** The buffer with `root` as its root table. */
  finish(root: Ref): Buffer {
    this.#align(this.#alignment, 4);
    this.#reference(root);
    return this.#bytes.subarray(this.#bytes.length - this.#size);
  }

  #field(field: TableField): void {
    switch (field.size) {
      case 1:
        this.#align(1, 0);
        this.#take(1).writeUInt8(field.value);
        return;
      case 2:
        this.#align(2, 0);
        this.#uint16(field.value);
        return;
      case 4:
        this.#align(4, 0);
        this.#uint32(field.value);
        return;
      case 8:
        this.#align(8, 0);
        this.#int64(field.value);
        return;
      case 'ref':
        this.#align(4, 0);
        this.#reference(field.value);
        return;
    }
  }

  #reference(ref: Ref): void {
    assert(ref > 0 && ref <= this.#size, 'a reference to what is not written yet');
    this.#uint32(this.#size - ref + 4);
  }

  /** Pads so that after `following` more bytes a value of `size` bytes is aligned. */
  #align(size: number, following: number): void {
    this.#alignment = Math.max(this.#alignment, size);
    this.#put((size - ((this.#size + following) % size)) % size);
  }

  #put(zeros: number): void {
    if (zeros > 0) this.#take(zeros).fill(0);
  }

  #uint16(value: number): void {
    this.#take(2).writeUInt16LE(value);
  }

  #uint32(value: number): void {
    this.#take(4).writeUInt32LE(value);
  }

  #int64(value: bigint): void {
    this.#take(8).writeBigInt64LE(value);
  }

  /** The next `count` bytes towards the front. */
  #take(count: number): Buffer {
    while (this.#size + count > this.#bytes.length) {
      const larger = Buffer.alloc(this.#bytes.length * 2);
      this.#bytes.copy(larger, this.#bytes.length);
      this.#bytes = larger;
    }
    this.#size += count;
    const from = this.#bytes.length - this.#size;
    return this.#bytes.subarray(from, from + count);
  }
}
