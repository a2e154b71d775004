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
  'parameters',
  'sqlState',
]);
const TOP_KEYS: ReadonlySet<string> = new Set(['code', 'success', 'message']);

/** Longest value kept; `parameters` of the real service is about 10 KB. A longer one is dropped and counted. */
const VALUE_BYTES_MAX = 256 * 1024;
const KEY_BYTES_MAX = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;

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
  #inString = false;
  #isEscaped = false;
  /** The string under way is a member name of the outer object or of `data`. */
  #isKey = false;
  #expectsKey = false;
  #insideData = false;
  #keyBytes: number[] = [];
  #key = '';
  #captureDepth = -1;
  #capture: Buffer[] = [];
  #captureBytes = 0;

  /** Feeds the next bytes of the decoded reply. */
  push(chunk: Buffer): void {
    let captureFrom = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#inString) {
        this.#stringByte(byte);
        continue;
      }
      switch (byte) {
        case QUOTE:
          this.#inString = true;
          this.#isKey = this.#expectsKey;
          if (this.#isKey) this.#keyBytes = [];
          break;
        case OPEN_BRACE:
        case OPEN_BRACKET:
          this.#open(byte === OPEN_BRACE);
          break;
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          if (this.#captureDepth === this.#depth) this.#endCapture(chunk.subarray(captureFrom, at));
          this.#close();
          break;
        case COLON:
          if (this.#startsValue()) captureFrom = at + 1;
          break;
        case COMMA:
          if (this.#captureDepth === this.#depth) this.#endCapture(chunk.subarray(captureFrom, at));
          this.#expectsKey = this.#depth === 1 || (this.#depth === 2 && this.#insideData);
          break;
        default:
          break;
      }
    }
    if (this.#captureDepth >= 0) this.#keep(chunk.subarray(captureFrom));
  }

  /** The members found so far, with values parsed. */
  result(): ScannedReply {
    return { isComplete: this.#isComplete, top: this.#top, data: this.#data };
  }

  #stringByte(byte: number): void {
    if (this.#isEscaped) {
      this.#isEscaped = false;
    } else if (byte === BACKSLASH) {
      this.#isEscaped = true;
    } else if (byte === QUOTE) {
      this.#inString = false;
      if (this.#isKey) {
        this.#key = Buffer.from(this.#keyBytes).toString('utf8');
        this.#expectsKey = false;
        this.#isKey = false;
      }
      return;
    }
    if (this.#isKey && this.#keyBytes.length < KEY_BYTES_MAX) this.#keyBytes.push(byte);
  }

  #open(isObject: boolean): void {
    this.#depth += 1;
    if (this.#depth === 1) this.#expectsKey = isObject;
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

  #keep(part: Buffer): void {
    this.#captureBytes += part.length;
    // Copied: the chunk belongs to the socket's buffer pool and lives on in the client's stream.
    if (this.#captureBytes <= VALUE_BYTES_MAX) this.#capture.push(Buffer.from(part));
  }

  #endCapture(part: Buffer): void {
    this.#keep(part);
    const target = this.#captureDepth === 1 ? this.#top : this.#data;
    this.#captureDepth = -1;
    if (this.#captureBytes > VALUE_BYTES_MAX) return;
    try {
      target[this.#key] = JSON.parse(Buffer.concat(this.#capture).toString('utf8'));
    } catch {
      // A reply that is not JSON (a gateway's page, a cut body) is relayed as it is; it just tells us nothing.
      delete target[this.#key];
    }
  }
}
