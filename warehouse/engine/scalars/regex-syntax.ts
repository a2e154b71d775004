/**
 * Reader of regular expressions as Snowflake has them: POSIX extended syntax with the classes and boundaries of Perl
 * ("String functions (regular expressions)"). What is of Perl beyond those is an error, as there.
 */
import { failure, StatementFailed, unsupported } from '../failures.js';

/** A set of code points as sorted ranges, or the complement of one. */
export interface CharacterSet {
  readonly ranges: readonly (readonly [from: number, to: number])[];
  readonly isNegated: boolean;
}

export type RegexNode =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'any' }
  | { readonly kind: 'start' | 'end' | 'boundary' | 'inside' }
  | { readonly kind: 'group'; readonly index: number; readonly inner: RegexNode }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly RegexNode[] }
  | {
      readonly kind: 'repeat';
      readonly inner: RegexNode;
      readonly min: number;
      readonly max: number;
    };

export interface ParsedRegex {
  readonly root: RegexNode;
  /** How many groups the pattern has. */
  readonly groups: number;
}

const REPEAT_MAX = 1000;
const DEPTH_MAX = 200;

const DIGIT = [[48, 57]] as const;
const WORD = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
] as const;
const SPACE = [
  [9, 10],
  [12, 13],
  [32, 32],
] as const;

const POSIX: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  alnum: [
    [48, 57],
    [65, 90],
    [97, 122],
  ],
  alpha: [
    [65, 90],
    [97, 122],
  ],
  ascii: [[0, 127]],
  blank: [
    [9, 9],
    [32, 32],
  ],
  cntrl: [
    [0, 31],
    [127, 127],
  ],
  digit: DIGIT,
  graph: [[33, 126]],
  lower: [[97, 122]],
  print: [[32, 126]],
  punct: [
    [33, 47],
    [58, 64],
    [91, 96],
    [123, 126],
  ],
  space: [
    [9, 13],
    [32, 32],
  ],
  upper: [[65, 90]],
  word: WORD,
  xdigit: [
    [48, 57],
    [65, 70],
    [97, 102],
  ],
};

const CONTROLS: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, v: 11, a: 7 };

/** Reads `pattern`. Fails with 100048 for what is no regular expression and 000002 for lazy quantifiers. */
export function parseRegex(pattern: string): ParsedRegex {
  return new RegexReader(pattern).read();
}

class RegexReader {
  readonly #pattern: string;
  readonly #points: readonly string[];
  #at = 0;
  #groups = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#points = Array.from(pattern);
  }

  read(): ParsedRegex {
    const root = this.#choice();
    if (this.#at < this.#points.length) throw this.#fault('unexpected ): ' + this.#pattern);
    return { root, groups: this.#groups };
  }

  #fault(why: string): StatementFailed {
    return new StatementFailed(
      failure('100048', '2201B', `Invalid regular expression: '${this.#pattern}', ${why}`),
    );
  }

  #choice(): RegexNode {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw this.#fault('expression nests too deeply');
    const parts = [this.#sequence()];
    while (this.#points[this.#at] === '|') {
      this.#at += 1;
      parts.push(this.#sequence());
    }
    this.#depth -= 1;
    return parts.length === 1
      ? (parts[0] ?? { kind: 'sequence', parts })
      : { kind: 'choice', parts };
  }

  #sequence(): RegexNode {
    const parts: RegexNode[] = [];
    for (;;) {
      const next = this.#points[this.#at];
      if (next === undefined || next === '|' || next === ')') return { kind: 'sequence', parts };
      parts.push(this.#repeated(this.#atom(next)));
    }
  }

  /** An atom with the quantifier after it. */
  #repeated(inner: RegexNode): RegexNode {
    const bounds = this.#quantifier();
    if (bounds === undefined) return inner;
    const after = this.#points[this.#at];
    if (after === '?' || after === '*' || after === '+')
      throw new StatementFailed(
        unsupported('lazy and doubled quantifiers in a regular expression'),
      );
    return { kind: 'repeat', inner, min: bounds[0], max: bounds[1] };
  }

  #quantifier(): readonly [number, number] | undefined {
    const mark = this.#points[this.#at];
    if (mark === '*' || mark === '+' || mark === '?') {
      this.#at += 1;
      return mark === '*' ? [0, Infinity] : mark === '+' ? [1, Infinity] : [0, 1];
    }
    if (mark !== '{') return undefined;
    const found = /^\{(\d+)(?:(,)(\d*))?\}/.exec(
      this.#points.slice(this.#at, this.#at + 16).join(''),
    );
    if (found === null) return undefined;
    this.#at += found[0].length;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === '' ? Infinity : Number(found[3]);
    if (min > REPEAT_MAX || (max !== Infinity && max > REPEAT_MAX) || max < min)
      throw this.#fault(`invalid repetition size: ${found[0]}`);
    return [min, max];
  }

  #atom(first: string): RegexNode {
    this.#at += 1;
    switch (first) {
      case '(': {
        if (this.#points[this.#at] === '?')
          throw this.#fault('no argument for repetition operator: ?');
        this.#groups += 1;
        const index = this.#groups;
        const inner = this.#choice();
        if (this.#points[this.#at] !== ')') throw this.#fault(`missing ): ${this.#pattern}`);
        this.#at += 1;
        return { kind: 'group', index, inner };
      }
      case '[':
        return { kind: 'set', set: this.#class() };
      case '.':
        return { kind: 'any' };
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        throw this.#fault(`no argument for repetition operator: ${first}`);
      default:
        return literal(first);
    }
  }

  #escape(): RegexNode {
    const escaped = this.#points[this.#at];
    if (escaped === 'b' || escaped === 'B') {
      this.#at += 1;
      return { kind: escaped === 'b' ? 'boundary' : 'inside' };
    }
    const set = this.#escapedSet();
    return { kind: 'set', set };
  }

  /** The set of an escape; the backslash has been read. */
  #escapedSet(): CharacterSet {
    const escaped = this.#points[this.#at];
    if (escaped === undefined) throw this.#fault(`trailing \\`);
    this.#at += 1;
    const ranges = { d: DIGIT, w: WORD, s: SPACE }[escaped.toLowerCase()];
    if (ranges !== undefined) return { ranges, isNegated: escaped !== escaped.toLowerCase() };
    const control = Object.hasOwn(CONTROLS, escaped) ? CONTROLS[escaped] : undefined;
    if (control !== undefined) return { ranges: [[control, control]], isNegated: false };
    if (escaped === 'x') {
      const hex = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(
        this.#points.slice(this.#at, this.#at + 10).join(''),
      );
      const code = hex === null ? NaN : parseInt(hex[1] ?? hex[2] ?? '', 16);
      if (hex === null || code > 0x10ffff) throw this.#fault(`invalid escape sequence: \\x`);
      this.#at += hex[0].length;
      return { ranges: [[code, code]], isNegated: false };
    }
    if (/^[A-Za-z0-9]$/.test(escaped)) throw this.#fault(`invalid escape sequence: \\${escaped}`);
    const code = escaped.codePointAt(0) ?? 0;
    return { ranges: [[code, code]], isNegated: false };
  }

  /** What follows `[`. */
  #class(): CharacterSet {
    const isNegated = this.#points[this.#at] === '^';
    if (isNegated) this.#at += 1;
    const ranges: (readonly [number, number])[] = [];
    for (let isFirst = true; ; isFirst = false) {
      const next = this.#points[this.#at];
      if (next === undefined) throw this.#fault(`missing ]: ${this.#pattern}`);
      if (next === ']' && !isFirst) {
        this.#at += 1;
        return { ranges, isNegated };
      }
      const named = /^\[:(\^?)(\w+):\]/.exec(this.#points.slice(this.#at, this.#at + 16).join(''));
      if (named !== null) {
        const known = POSIX[named[2] ?? ''];
        if (known === undefined) throw this.#fault(`invalid character class range: ${named[0]}`);
        this.#at += named[0].length;
        ranges.push(...(named[1] === '^' ? complement(known) : known));
        continue;
      }
      ranges.push(...this.#classItem(next));
    }
  }

  #classItem(next: string): readonly (readonly [number, number])[] {
    const from = this.#classEnd(next);
    if (from.ranges.length !== 1 || from.isNegated)
      return from.isNegated ? complement(from.ranges) : from.ranges;
    const after = this.#points[this.#at + 1];
    const low = from.ranges[0]?.[0] ?? 0;
    if (this.#points[this.#at] !== '-' || after === undefined || after === ']') return from.ranges;
    this.#at += 1;
    const high = this.#classEnd(after).ranges[0]?.[0] ?? 0;
    if (high < low) throw this.#fault('invalid character class range');
    return [[low, high]];
  }

  #classEnd(next: string): CharacterSet {
    this.#at += 1;
    if (next === '\\') return this.#escapedSet();
    const code = next.codePointAt(0) ?? 0;
    return { ranges: [[code, code]], isNegated: false };
  }
}

function literal(character: string): RegexNode {
  const code = character.codePointAt(0) ?? 0;
  return { kind: 'set', set: { ranges: [[code, code]], isNegated: false } };
}

function complement(
  ranges: readonly (readonly [number, number])[],
): readonly (readonly [number, number])[] {
  const out: [number, number][] = [];
  let next = 0;
  for (const [from, to] of [...ranges].sort((left, right) => left[0] - right[0])) {
    if (from > next) out.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= 0x10ffff) out.push([next, 0x10ffff]);
  return out;
}
