/**
 * Facts that serve every statement of one shape. The few facts that literals decide, bounds of filters and the limit,
 * are tied to the slots of the shape they can have come from, and read from the literals of each statement anew. A value
 * that several slots held is taken from another statement only where all of them hold the same again.
 */
import {
  isOperator,
  KIND,
  kindAt,
  previousSignificant,
  textAt,
  wordAt,
  type Tokens,
} from '#base/sql/lexer.js';
import { stringValueAt } from '#base/sql/token-values.js';
import type { FilterOperator, StatementFacts } from './facts.js';
import type { LiteralSlot, Shape } from './fingerprint.js';
import { boundFilters, type NamedFacts } from './resolve.js';
import { isConversion, likeRange, rangeOf } from './tree/literals.js';
import { endOf, type FilterEnd } from './relative-bound.js';
import type { Bounds, DateTerm, RawFacts, RawFilter } from './tree/raw-facts.js';

/** Where a value comes from: one of some slots, or the same for every statement of the shape. */
type Origin = { readonly slots: readonly number[] } | { readonly value: string | null };

/** Where one end of a filter comes from: a literal, or date terms whose words are the same and whose literals are not. */
type EndOrigin = Origin | { readonly terms: readonly (readonly (string | Origin)[])[] };

/** Where the range of a filter comes from; of a LIKE it is read from its pattern. */
type FilterOrigin = { readonly operator: FilterOperator } & (
  { readonly low: EndOrigin; readonly high: EndOrigin } | { readonly pattern: Origin }
);

/** What literals of a statement decide, tied to the slots of its shape. */
export interface ShapeLiterals {
  readonly slotCount: number;
  /** Per filter of the raw facts. */
  readonly filters: readonly FilterOrigin[];
  readonly limit: Origin;
  /** Slots whose values decide how others are read, with those they must have. */
  readonly fixed: readonly { readonly slot: number; readonly value: string }[];
}

/** What the parser told of one statement, for every statement of its shape. */
export interface ShapeOutcome {
  readonly facts: RawFacts;
  readonly literals: ShapeLiterals;
}

/** Facts of one statement, for every statement of its shape in the same session and catalogue. */
export interface ShapeFacts {
  readonly facts: StatementFacts;
  readonly named: NamedFacts;
  readonly literals: ShapeLiterals;
}

/** Values of a slot of a statement, signed. */
function valuesOf(tokens: Tokens, slot: LiteralSlot): readonly string[] {
  const values: string[] = [];
  let isNegative = slot.isNegative;
  for (let at = slot.from; at < slot.to; at += 1) {
    const kind = kindAt(tokens, at);
    if (kind === KIND.operator) isNegative = textAt(tokens, at) === '-';
    else if (kind === KIND.number || kind === KIND.string || kind === KIND.dollarString) {
      const value = stringValueAt(tokens, at) ?? textAt(tokens, at);
      values.push(isNegative ? `-${value}` : value);
      isNegative = false;
    }
  }
  return values;
}

/** `facts` of the statement that has `shape`, tied to its slots; undefined when they cannot be shared. */
export function toShapeOutcome(
  facts: RawFacts,
  tokens: Tokens,
  shape: Shape,
): ShapeOutcome | undefined {
  const isByValues = facts.hasFilterByValues || facts.filters.some(({ isMerged }) => isMerged);
  if (!shape.isSteady || isByValues || UNTIED.test(shape.text)) return undefined;
  const slots = new SlotValues(tokens, shape);
  const filters: FilterOrigin[] = [];
  for (const filter of facts.filters) {
    const origin = filterOrigin(filter, slots);
    if (origin === undefined) return undefined;
    filters.push(origin);
  }
  const limit = slots.originOf(facts.limit === null ? null : String(facts.limit));
  if (limit === undefined) return undefined;
  if (slots.hasOddLimit()) return undefined;
  const { length: slotCount } = shape.slots;
  return { facts, literals: { slotCount, filters, limit, fixed: slots.formats() } };
}

/** A limit that no literal says, and a source that one names. */
const UNTIED = /\b(?:FETCH (?:(?:FIRST|NEXT) )?ROWS?\b|(?:FROM|JOIN|INTO|UPDATE|USING) #)/;
/** Words before the literal of a limit. */
const LIMIT_WORDS: ReadonlySet<string> = new Set(['LIMIT', 'TOP', 'FETCH', 'FIRST', 'NEXT']);

function filterOrigin(filter: RawFilter, slots: SlotValues): FilterOrigin | undefined {
  const { operator, low: from, high: to, pattern, terms } = filter;
  if (pattern !== null) {
    const origin = slots.originOf(pattern);
    return origin === undefined ? undefined : { operator, pattern: origin };
  }
  const isList = operator === 'in' && terms === null;
  const [low, high] = isList
    ? slots.listOriginsOf(from, to)
    : [slots.endOriginOf(from, terms?.low), slots.endOriginOf(to, terms?.high)];
  return low === undefined || high === undefined ? undefined : { operator, low, high };
}

/** The values of all slots of a statement. */
class SlotValues {
  readonly #tokens: Tokens;
  readonly #slots: readonly LiteralSlot[];
  readonly #values: readonly (readonly string[])[];

  constructor(tokens: Tokens, shape: Shape) {
    this.#tokens = tokens;
    this.#slots = shape.slots;
    this.#values = shape.slots.map((slot) => valuesOf(tokens, slot));
  }

  /** The single literals that `value` can have come from. */
  originOf(value: string | null): Origin | undefined {
    if (value === null) return { value };
    const slots = this.#find(false, (own) => own[0] === value);
    if (slots.length > 0) return { slots };
    return value === 'TRUE' || value === 'FALSE' ? { value } : undefined;
  }

  /** Where `text` comes from, or the literals of the terms it is read from. */
  endOriginOf(
    text: string | null,
    terms: readonly DateTerm[] | null | undefined,
  ): EndOrigin | undefined {
    if (terms === null || terms === undefined) return this.originOf(text);
    const origins: (string | Origin)[][] = [];
    for (const term of terms) {
      const pieces: (string | Origin)[] = [];
      for (const piece of term) {
        const origin = piece.isLiteral ? this.originOf(piece.text) : piece.text;
        if (origin === undefined) return undefined;
        pieces.push(origin);
      }
      origins.push(pieces);
    }
    return { terms: origins };
  }

  /** The lists whose smallest and largest values can be `low` and `high`. */
  listOriginsOf(
    low: string | null,
    high: string | null,
  ): readonly [low: Origin | undefined, high: Origin | undefined] {
    if (low === null || high === null) return [{ value: null }, { value: null }];
    const slots = this.#find(true, (own) => {
      const range = rangeOf(own);
      return range.low === low && range.high === high;
    });
    return slots.length === 0 ? [undefined, undefined] : [{ slots }, { slots }];
  }

  /** Whether a limit is written so that nobody takes it for one: the facts have none, others of the shape do. */
  hasOddLimit(): boolean {
    return this.#slots.some(({ from }, at) => {
      const before = previousSignificant(this.#tokens, from);
      return (
        LIMIT_WORDS.has(wordAt(this.#tokens, before)) && !/^\d+$/.test(this.#values[at]?.[0] ?? '')
      );
    });
  }

  /** The formats of conversions. */
  formats(): ShapeLiterals['fixed'] {
    return this.#slots.flatMap(({ from }, slot) => {
      const [value] = this.#values[slot] ?? [];
      return value !== undefined && isFormat(this.#tokens, from) ? [{ slot, value }] : [];
    });
  }

  #find(isList: boolean, holds: (own: readonly string[]) => boolean): readonly number[] {
    return this.#values.flatMap((own, at) =>
      this.#slots[at]?.isList === isList && holds(own) ? [at] : [],
    );
  }
}

/** Tokens that are looked back over for the call an argument belongs to. */
const LOOK_BACK_MAX = 64;

/** Whether the literal at `index` is an argument of a conversion, and not the first; also where that is far back. */
function isFormat(tokens: Tokens, index: number): boolean {
  let at = previousSignificant(tokens, index);
  if (!isOperator(tokens, at, ',')) return false;
  for (let depth = 0; at >= 0; at = previousSignificant(tokens, at)) {
    if (index - at > LOOK_BACK_MAX) return true;
    if (isOperator(tokens, at, ')')) depth += 1;
    else if (isOperator(tokens, at, '(')) depth -= 1;
    if (depth < 0) return isConversion(wordAt(tokens, previousSignificant(tokens, at)));
  }
  return false;
}

/** What comes of a read where slots that held one value hold two. */
const DIFFERING = Symbol('differing');

/** Reads the literals of a statement, each slot when it is first asked for. */
class SlotReader {
  readonly #tokens: Tokens;
  readonly #slots: readonly LiteralSlot[];
  readonly #ranges: ReturnType<typeof rangeOf>[] = [];

  constructor(tokens: Tokens, shape: Shape) {
    this.#tokens = tokens;
    this.#slots = shape.slots;
  }

  read(origin: Origin, end: 'low' | 'high'): string | null | typeof DIFFERING {
    if ('value' in origin) return origin.value;
    const [first = 0, ...others] = origin.slots;
    const value = this.#rangeAt(first)[end];
    return others.every((slot) => this.#rangeAt(slot)[end] === value) ? value : DIFFERING;
  }

  #rangeAt(at: number): ReturnType<typeof rangeOf> {
    const known = this.#ranges[at];
    if (known !== undefined) return known;
    const slot = this.#slots[at];
    const range = rangeOf(slot === undefined ? [] : valuesOf(this.#tokens, slot));
    this.#ranges[at] = range;
    return range;
  }
}

interface Literals {
  readonly bounds: readonly Bounds[];
  readonly limit: number | null;
}

/** What the literals of a statement of `shape` decide; undefined when they do not fit the slots. */
function readLiterals(known: ShapeLiterals, tokens: Tokens, shape: Shape): Literals | undefined {
  if (!shape.isSteady || shape.slots.length !== known.slotCount) return undefined;
  const slots = new SlotReader(tokens, shape);
  if (known.fixed.some(({ slot, value }) => slots.read({ slots: [slot] }, 'low') !== value))
    return undefined;
  const bounds: Bounds[] = [];
  for (const origin of known.filters) {
    const bound = readBounds(origin, slots);
    if (bound === undefined) return undefined;
    bounds.push(bound);
  }
  const limit = slots.read(known.limit, 'low');
  if (limit === DIFFERING) return undefined;
  const count = limit === null ? null : Number(limit);
  return count === null || Number.isSafeInteger(count) ? { bounds, limit: count } : undefined;
}

function readBounds(origin: FilterOrigin, slots: SlotReader): Bounds | undefined {
  const { operator } = origin;
  if ('pattern' in origin) {
    const pattern = slots.read(origin.pattern, 'low');
    if (pattern === DIFFERING || pattern === null) return undefined;
    const { low, high } = likeRange(pattern, '');
    return { operator, low, high, relativeLow: null, relativeHigh: null };
  }
  const low = readEnd(origin.low, 'low', slots);
  const high = readEnd(origin.high, 'high', slots);
  if (low === undefined || high === undefined) return undefined;
  const [relativeLow, relativeHigh] = [low.relative, high.relative];
  return { operator, low: low.text, high: high.text, relativeLow, relativeHigh };
}

function readEnd(
  origin: EndOrigin,
  which: 'low' | 'high',
  slots: SlotReader,
): FilterEnd | undefined {
  if (!('terms' in origin)) {
    const text = slots.read(origin, which);
    return text === DIFFERING ? undefined : { text, relative: null };
  }
  const terms: string[][] = [];
  for (const pieces of origin.terms) {
    const term: string[] = [];
    for (const piece of pieces) {
      const text = typeof piece === 'string' ? piece : slots.read(piece, which);
      if (text === DIFFERING || text === null) return undefined;
      term.push(text);
    }
    terms.push(term);
  }
  return endOf(terms, which);
}

/** What the parser would tell of another statement of the shape; undefined when its literals do not fit the slots. */
export function fromShapeOutcome(
  { facts, literals }: ShapeOutcome,
  tokens: Tokens,
  shape: Shape,
): RawFacts | undefined {
  const own = readLiterals(literals, tokens, shape);
  if (own === undefined) return undefined;
  const filters = facts.filters.map((filter, at) => ({ ...filter, ...own.bounds[at] }));
  return { ...facts, limit: own.limit, filters };
}

/** Facts of another statement of the shape; undefined when its literals do not fit the slots. */
export function fromShapeFacts(
  { facts, named, literals }: ShapeFacts,
  tokens: Tokens,
  shape: Shape,
): StatementFacts | undefined {
  const own = readLiterals(literals, tokens, shape);
  if (own === undefined) return undefined;
  return { ...facts, ...boundFilters(named, own.bounds), limit: own.limit };
}
