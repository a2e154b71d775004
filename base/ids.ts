import { randomFillSync } from 'node:crypto';

declare const ticketBrand: unique symbol;

/** Identity of one governed statement: a UUIDv7, made before anything else is written (RFC 9562 §5.7). */
export type TicketId = string & { readonly [ticketBrand]: true };

/** Source of randomness and ids; injected so that tests can repeat a run. */
export interface Ids {
  /** A new time-ordered ticket id for the instant `atMs` (milliseconds since the epoch). */
  ticket(atMs: number): TicketId;
  /** `size` fresh random bytes. */
  randomBytes(size: number): Buffer;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Accepts the lower-case textual form of any UUID version; undefined for other text. */
export function tryParseTicketId(text: string): TicketId | undefined {
  return UUID.test(text) ? (text as TicketId) : undefined;
}

/** UUIDv7: 48 bits of milliseconds, version, 12 random bits, variant, 62 random bits (RFC 9562 §5.7). */
export function uuidV7(atMs: number, random: Uint8Array): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(atMs, 0, 6);
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Ids from the operating system's random source, drawn in blocks because a draw costs about a microsecond. */
export function systemIds(): Ids {
  const block = Buffer.alloc(4000);
  let used = block.length;
  return {
    ticket(atMs) {
      if (used + 10 > block.length) {
        randomFillSync(block);
        used = 0;
      }
      const id = uuidV7(atMs, block.subarray(used, used + 10));
      used += 10;
      return id as TicketId;
    },
    randomBytes: (size) => randomFillSync(Buffer.alloc(size)),
  };
}
