/**
 * Reads a JSON object in one pass that can be stopped at any byte: whether it is JSON at all (RFC 8259), how deep it
 * is, and where the members of the outermost object stand. JSON.parse would read a body at the cap for seconds, and
 * nobody else would be answered meanwhile.
 */
import { isUtf8 } from 'node:buffer';

/** Half-open byte range in a body. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface JsonMember {
  readonly key: string;
  readonly value: Span;
}

export type JsonObjectScan =
  | { readonly kind: 'object'; readonly members: readonly JsonMember[]; readonly span: Span }
  | { readonly kind: 'malformed'; readonly why: string };

/** Nesting allowed in a request; drivers use fewer than ten levels. */
export const JSON_DEPTH_MAX = 64;
/** Members of one object that is read or edited; drivers send some twenty, and a few dozen parameters. */
export const MEMBERS_MAX = 1000;

/** Longest member name and number; drivers stay below a hundred bytes. */
const TOKEN_BYTES_MAX = 4096;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;
const LOWER_U = 0x75;

/** What may stand next. */
const VALUE = 0;
const VALUE_OR_END = 1;
const NAME = 2;
const NAME_OR_END = 3;
const AFTER_NAME = 4;
const AFTER_VALUE = 5;
const NOTHING = 6;

/** Bytes of a string that need a look: its end, escapes, and control characters, which JSON does not allow. */
const ODD_IN_STRING: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
);
const IS_SPACE: Uint8Array = tableOf(' \n\r\t');
const ESCAPED: Uint8Array = tableOf('"\\/bfnrtu');
const HEX: Uint8Array = tableOf('0123456789abcdefABCDEF');
const IN_SCALAR: Uint8Array = tableOf('0123456789+-.eEtrufalsn');
const SCALAR = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;

export class ObjectWalk {
  readonly #body: Buffer;
  readonly #members: JsonMember[] = [];
  readonly #names = new Set<string>();
  /** By depth, the outermost object's being 1; an array, because most bodies are flat and a typed one is dear to make. */
  readonly #isObject: boolean[] = [false];
  #depth = 0;
  #at = 0;
  #next = VALUE;
  /** Where the string under way began; -1 outside of strings. */
  #stringAt = -1;
  #name = '';
  #valueAt = 0;
  #start = 0;
  #end = 0;
  #utf8To = 0;
  #problem: string | undefined;

  constructor(body: Buffer) {
    this.#body = body;
  }

  /** Reads on for about `bytes`; undefined while there is more to read. `malformed` says which rule is broken. */
  advance(bytes: number): JsonObjectScan | undefined {
    const body = this.#body;
    const until = characterStart(body, Math.min(this.#at + bytes, body.length));
    if (!isUtf8(body.subarray(this.#utf8To, until))) this.#stop('the body is not UTF-8');
    this.#utf8To = until;
    while (this.#at < until && this.#problem === undefined) {
      if (this.#stringAt >= 0) this.#readString(until);
      else if (IS_SPACE[body[this.#at] ?? 0] === 1) this.#at += 1;
      else this.#token(body[this.#at] ?? 0);
    }
    if (this.#problem !== undefined) return { kind: 'malformed', why: this.#problem };
    if (this.#at < body.length) return undefined;
    if (this.#next !== NOTHING) return { kind: 'malformed', why: notJson('it ends too early') };
    return {
      kind: 'object',
      members: this.#members,
      span: { start: this.#start, end: this.#end },
    };
  }

  #token(byte: number): void {
    switch (byte) {
      case QUOTE:
        if (this.#next > NAME_OR_END) return this.#unexpected();
        if (this.#next <= VALUE_OR_END) this.#beginValue();
        this.#stringAt = this.#at;
        this.#at += 1;
        return;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        return this.#open(byte === OPEN_BRACE);
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        return this.#close(byte === CLOSE_BRACE);
      case COLON:
        if (this.#next !== AFTER_NAME) return this.#unexpected();
        this.#next = VALUE;
        this.#at += 1;
        return;
      case COMMA:
        if (this.#next !== AFTER_VALUE) return this.#unexpected();
        this.#next = this.#isObject[this.#depth] === true ? NAME : VALUE;
        this.#at += 1;
        return;
      default:
        return this.#scalar();
    }
  }

  #open(isObject: boolean): void {
    if (this.#next > VALUE_OR_END) return this.#unexpected();
    if (this.#depth === 0) {
      if (!isObject) return this.#stop('a JSON object was expected');
      this.#start = this.#at;
    }
    if (this.#depth > JSON_DEPTH_MAX)
      return this.#stop(`it is nested deeper than ${JSON_DEPTH_MAX} levels`);
    this.#beginValue();
    this.#depth += 1;
    this.#isObject[this.#depth] = isObject;
    this.#next = isObject ? NAME_OR_END : VALUE_OR_END;
    this.#at += 1;
  }

  #close(isObject: boolean): void {
    const mayEnd =
      this.#next === AFTER_VALUE || this.#next === (isObject ? NAME_OR_END : VALUE_OR_END);
    if (!mayEnd || this.#isObject[this.#depth] !== isObject) return this.#unexpected();
    this.#depth -= 1;
    this.#at += 1;
    if (this.#depth > 0) return this.#endValue();
    this.#end = this.#at;
    this.#next = NOTHING;
  }

  /** From inside a string to just after its end, or to about `until`. */
  #readString(until: number): void {
    const body = this.#body;
    let at = this.#at;
    for (;;) {
      while (at < until && ODD_IN_STRING[body[at] ?? 0] === 0) at += 1;
      if (at >= until) break;
      const byte = body[at];
      if (byte === QUOTE) {
        this.#at = at + 1;
        return this.#endString();
      }
      if (byte !== BACKSLASH || !this.#isEscape(at + 1)) {
        this.#at = at;
        return this.#unexpected();
      }
      at += body[at + 1] === LOWER_U ? 6 : 2;
    }
    this.#at = at;
  }

  #isEscape(at: number): boolean {
    const byte = this.#body[at] ?? 0;
    if (ESCAPED[byte] === 0) return false;
    if (byte !== LOWER_U) return true;
    for (let digit = at + 1; digit <= at + 4; digit += 1)
      if (HEX[this.#body[digit] ?? 0] === 0) return false;
    return true;
  }

  #endString(): void {
    const from = this.#stringAt;
    this.#stringAt = -1;
    if (this.#next <= VALUE_OR_END) return this.#endValue();
    this.#next = AFTER_NAME;
    if (this.#depth !== 1) return;
    if (this.#at - from > TOKEN_BYTES_MAX)
      return this.#stop(`a member name is longer than ${TOKEN_BYTES_MAX} bytes`);
    this.#name = JSON.parse(this.#body.toString('utf8', from, this.#at)) as string;
    if (this.#names.has(this.#name))
      return this.#stop(`the member "${this.#name.slice(0, 40)}" stands twice`);
    this.#names.add(this.#name);
    if (this.#names.size > MEMBERS_MAX)
      return this.#stop(`an object has more than ${MEMBERS_MAX} members`);
  }

  /** A number, `true`, `false` or `null`. */
  #scalar(): void {
    if (this.#next > VALUE_OR_END || IN_SCALAR[this.#body[this.#at] ?? 0] === 0)
      return this.#unexpected();
    if (this.#depth === 0) return this.#stop('a JSON object was expected');
    const from = this.#at;
    let at = from;
    while (IN_SCALAR[this.#body[at] ?? 0] === 1 && at - from <= TOKEN_BYTES_MAX) at += 1;
    if (at - from > TOKEN_BYTES_MAX)
      return this.#stop(`a number is longer than ${TOKEN_BYTES_MAX} bytes`);
    if (!SCALAR.test(this.#body.toString('latin1', from, at))) return this.#unexpected();
    this.#beginValue();
    this.#at = at;
    this.#endValue();
  }

  #beginValue(): void {
    if (this.#depth === 1) this.#valueAt = this.#at;
  }

  #endValue(): void {
    this.#next = AFTER_VALUE;
    if (this.#depth === 0) return this.#stop('a JSON object was expected');
    if (this.#depth !== 1) return;
    this.#members.push({ key: this.#name, value: { start: this.#valueAt, end: this.#at } });
  }

  #unexpected(): void {
    this.#stop(notJson(`unexpected at byte ${this.#at}`));
  }

  #stop(why: string): void {
    this.#problem = why;
  }
}

/** The first byte of a character, at `at` or up to three bytes behind it. */
function characterStart(body: Buffer, at: number): number {
  for (let start = at; start < at + 4; start += 1)
    if (((body[start] ?? 0) & 0xc0) !== 0x80) return start;
  return at;
}

function notJson(how: string): string {
  return `the body is not JSON (${how})`;
}

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}
