/**
 * Reads the few members of a reply that governance needs while the bytes stream past: `code`, `success`, `message`
 * and, inside `data`, the names below; in any order, split at any byte. Rowsets and everything else are skipped
 * without building strings, so memory does not grow with the result.
 */

/** Members of `data` that are taken. */
const DATA_KEYS: ReadonlySet<string> = new Set([
  'queryId',
  'getResultUrl',
  'finalDatabaseName',
  'finalSchemaName',
  'finalWarehouseName',
  'finalRoleName',
  'statementTypeId',
  'resultIds',
  'total',
  'sqlState',
]);
const TOP_KEYS: ReadonlySet<string> = new Set([
  'code',
  'success',
  'message',
  // The SQL API has no envelope.
  'statementHandle',
  'statementHandles',
  'statementStatusUrl',
  'sqlState',
  'resultSetMetaData',
]);

/** Longest value kept; a message or a list of result ids is far shorter. A longer one is dropped. */
const VALUE_BYTES_MAX = 256 * 1024;
/** Longest name looked at; the longest that is taken has 18 characters, each at most six bytes when escaped. */
const KEY_BYTES_MAX = 128;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;

/** Bytes that mean something outside of strings: everywhere, and only where names are looked for. */
const BRACKETS: Uint8Array = tableOf(QUOTE, OPEN_BRACE, OPEN_BRACKET, CLOSE_BRACE, CLOSE_BRACKET);
const STRUCTURE: Uint8Array = tableOf(
  QUOTE,
  OPEN_BRACE,
  OPEN_BRACKET,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
);

/** What was found so far. `isComplete`: the outermost object has ended. */
export interface ScannedReply {
  readonly isComplete: boolean;
  readonly top: Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, unknown>>;
}

export class ReplyScanner {
  readonly #top: Record<string, unknown> = {};
  readonly #data: Record<string, unknown> = {};
  #depth = 0;
  #isComplete = false;
  /** What came is no JSON object: the rest is not looked at. */
  #isBroken = false;
  #inString = false;
  #isEscaped = false;
  /** The string under way is a member name of the outer object or of `data`. */
  #isKey = false;
  #expectsKey = false;
  #insideData = false;
  /** What came of the name under way, a character a byte: a name that is taken has only ASCII ones. */
  #keyText = '';
  #keyBytes = 0;
  #key = '';
  #captureDepth = -1;
  /** Of the value under way, what earlier chunks held. */
  #capture: Buffer[] = [];
  #captureBytes = 0;
  #captureFrom = 0;

  /** Feeds the next bytes of the decoded reply. */
  push(chunk: Buffer): void {
    this.#captureFrom = 0;
    let at = 0;
    while (at < chunk.length && !this.#isComplete && !this.#isBroken) {
      if (this.#inString) {
        at = this.#readString(chunk, at);
        continue;
      }
      const floor = this.#insideData ? 2 : 1;
      if (this.#depth > floor) at = this.#skipNested(chunk, at, floor);
      else while (at < chunk.length && STRUCTURE[chunk[at] ?? 0] === 0) at += 1;
      if (this.#inString) continue;
      if (at < chunk.length) this.#structure(chunk, at);
      at += 1;
    }
    if (this.#captureDepth >= 0) this.#keep(chunk.subarray(this.#captureFrom));
  }

  /** The members found so far, with values parsed. */
  result(): ScannedReply {
    return { isComplete: this.#isComplete, top: this.#top, data: this.#data };
  }

  /**
   * Passes over what is nested deeper than names are looked for, rowsets above all: to the bracket that ends it, or
   * to the end of the chunk. One loop without calls, because nearly every byte of a large reply goes through it.
   */
  #skipNested(chunk: Buffer, from: number, floor: number): number {
    const { length } = chunk;
    let depth = this.#depth;
    let at = from;
    for (; at < length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (BRACKETS[byte] === 0) continue;
      if (byte === QUOTE) {
        at += 1;
        while (at < length && chunk[at] !== QUOTE) at += chunk[at] === BACKSLASH ? 2 : 1;
        if (at < length) continue;
        this.#inString = true;
        this.#isEscaped = at > length;
        break;
      }
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
      else if (depth === floor + 1) break;
      else depth -= 1;
    }
    this.#depth = depth;
    return Math.min(at, length);
  }

  #structure(chunk: Buffer, at: number): void {
    const byte = chunk[at] ?? 0;
    switch (byte) {
      case QUOTE:
        this.#inString = true;
        this.#isKey = this.#expectsKey;
        this.#keyText = '';
        this.#keyBytes = 0;
        return;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        this.#open(byte === OPEN_BRACE);
        return;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        this.#endCaptureAt(chunk, at);
        this.#close();
        return;
      case COLON:
        if (this.#startsValue()) this.#captureFrom = at + 1;
        return;
      default:
        // A comma.
        this.#endCaptureAt(chunk, at);
        this.#expectsKey = this.#depth === 1 || (this.#depth === 2 && this.#insideData);
    }
  }

  /** From inside a string to just after its end, or to the end of the chunk. */
  #readString(chunk: Buffer, from: number): number {
    const { length } = chunk;
    let at = from;
    if (this.#isEscaped) {
      this.#isEscaped = false;
      at += 1;
    }
    while (at < length && chunk[at] !== QUOTE) at += chunk[at] === BACKSLASH ? 2 : 1;
    // An escape that the chunk cuts in two.
    this.#isEscaped = at > length;
    const end = Math.min(at, length);
    if (this.#isKey) this.#keepKey(chunk, from, end);
    if (at >= length) return length;
    this.#inString = false;
    if (this.#isKey) {
      this.#key = unescaped(this.#keyText);
      this.#expectsKey = false;
      this.#isKey = false;
    }
    return at + 1;
  }

  #keepKey(chunk: Buffer, from: number, to: number): void {
    this.#keyBytes += to - from;
    if (this.#keyBytes > KEY_BYTES_MAX) this.#keyText = '';
    else this.#keyText += chunk.toString('latin1', from, to);
  }

  #open(isObject: boolean): void {
    this.#depth += 1;
    if (this.#depth === 1) {
      this.#isBroken = !isObject;
      this.#expectsKey = isObject;
    }
    if (this.#depth === 2) {
      this.#insideData = isObject && this.#key === 'data';
      this.#expectsKey = this.#insideData;
    }
    if (this.#depth > 2) this.#expectsKey = false;
  }

  #close(): void {
    this.#depth -= 1;
    this.#expectsKey = false;
    if (this.#depth === 1) this.#insideData = false;
    if (this.#depth === 0) this.#isComplete = true;
    if (this.#depth < 0) this.#isBroken = true;
  }

  /** After a colon: begins to keep the value when its name is wanted. */
  #startsValue(): boolean {
    if (this.#captureDepth >= 0) return false;
    const wanted =
      (this.#depth === 1 && TOP_KEYS.has(this.#key)) ||
      (this.#depth === 2 && this.#insideData && DATA_KEYS.has(this.#key));
    if (!wanted) return false;
    this.#captureDepth = this.#depth;
    this.#capture = [];
    this.#captureBytes = 0;
    return true;
  }

  /** The rest of a chunk in which a value does not end. */
  #keep(part: Buffer): void {
    this.#captureBytes += part.length;
    // Copied: the chunk belongs to the socket's buffer pool and lives on in the client's stream.
    if (this.#captureBytes <= VALUE_BYTES_MAX) this.#capture.push(Buffer.from(part));
    else this.#capture = [];
  }

  /** The value under way up to `at`; most begin and end in one chunk, and nothing is copied of those. */
  #captured(chunk: Buffer, at: number): string {
    if (this.#capture.length === 0) return chunk.toString('utf8', this.#captureFrom, at);
    this.#capture.push(chunk.subarray(this.#captureFrom, at));
    return Buffer.concat(this.#capture).toString('utf8');
  }

  #endCaptureAt(chunk: Buffer, at: number): void {
    if (this.#captureDepth < 0 || this.#captureDepth !== this.#depth) return;
    const target = this.#captureDepth === 1 ? this.#top : this.#data;
    this.#captureDepth = -1;
    if (this.#captureBytes + at - this.#captureFrom > VALUE_BYTES_MAX) return;
    try {
      target[this.#key] = JSON.parse(this.#captured(chunk, at));
    } catch {
      // A reply that is not JSON (a gateway's page, a cut body) is relayed as it is; it just tells us nothing.
      delete target[this.#key];
    }
  }
}

function tableOf(...bytes: readonly number[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of bytes) table[byte] = 1;
  return table;
}

/** A member name without its escapes; as it stands when they are not JSON's. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}
