/**
 * Facts that serve every statement of one shape. The few facts that literals decide, bounds of filters and the limit,
 * are tied to the slot of the shape they came from, and read from the literals of each statement anew. Where a value
 * could have come from two slots nothing is tied, and the shape is not shared.
 */
import { KIND, kindAt, textAt, type Tokens } from '#base/sql/lexer.js';
import { stringValueAt } from '#base/sql/token-values.js';
import type { LiteralSlot, Shape } from './fingerprint.js';
import { rangeOf } from './tree/literals.js';
import type { RawFacts, RawFilter } from './tree/raw-facts.js';

/** Where a value comes from: a slot, or the same for every statement of the shape. */
type Origin = { readonly slot: number } | { readonly value: string | null };

export interface ShapeOutcome {
  readonly facts: RawFacts;
  /** Per filter of `facts`. */
  readonly bounds: readonly { readonly low: Origin; readonly high: Origin }[];
  readonly limit: Origin;
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
  // It depends on the pattern of LIKE whether there is a bound at all, and under OR whether there is a filter.
  const isByPattern = /\bLIKE\b/.test(shape.text) && /\bOR\b/.test(shape.text);
  const isByValue = facts.filters.some(({ isMerged, operator }) => isMerged || operator === 'like');
  if (!shape.isSteady || isByPattern || isByValue) return undefined;
  const values = shape.slots.map((slot) => valuesOf(tokens, slot));
  const bounds: { low: Origin; high: Origin }[] = [];
  for (const filter of facts.filters) {
    const [low, high] =
      filter.operator === 'in'
        ? listOrigins(filter, shape, values)
        : [originOf(filter.low, shape, values), originOf(filter.high, shape, values)];
    if (low === undefined || high === undefined) return undefined;
    bounds.push({ low, high });
  }
  const limit = originOf(facts.limit === null ? null : String(facts.limit), shape, values);
  return limit === undefined ? undefined : { facts, bounds, limit };
}

function originOf(
  value: string | null,
  shape: Shape,
  values: readonly (readonly string[])[],
): Origin | undefined {
  if (value === null) return { value };
  const slots = values.flatMap((own, slot) =>
    shape.slots[slot]?.isList === false && own[0] === value ? [slot] : [],
  );
  const [slot] = slots;
  if (slots.length === 1 && slot !== undefined) return { slot };
  return slots.length === 0 && (value === 'TRUE' || value === 'FALSE') ? { value } : undefined;
}

function listOrigins(
  filter: RawFilter,
  shape: Shape,
  values: readonly (readonly string[])[],
): readonly [Origin | undefined, Origin | undefined] {
  if (filter.low === null || filter.high === null) return [{ value: null }, { value: null }];
  const slots = values.flatMap((own, slot) => {
    const range = rangeOf(own);
    return shape.slots[slot]?.isList === true &&
      range.low === filter.low &&
      range.high === filter.high
      ? [slot]
      : [];
  });
  const [slot] = slots;
  return slots.length === 1 && slot !== undefined ? [{ slot }, { slot }] : [undefined, undefined];
}

/** Facts of another statement of the shape; undefined when its literals do not fit the slots. */
export function fromShapeOutcome(
  outcome: ShapeOutcome,
  tokens: Tokens,
  shape: Shape,
): RawFacts | undefined {
  if (!shape.isSteady) return undefined;
  const ranges = shape.slots.map((slot) => rangeOf(valuesOf(tokens, slot)));
  const read = (origin: Origin, end: 'low' | 'high'): string | null =>
    'slot' in origin ? (ranges[origin.slot]?.[end] ?? null) : origin.value;
  const limit = read(outcome.limit, 'low');
  const count = limit === null ? null : Number(limit);
  if (count !== null && !Number.isSafeInteger(count)) return undefined;
  return {
    ...outcome.facts,
    limit: count,
    filters: outcome.facts.filters.map((filter, index) => {
      const bounds = outcome.bounds[index];
      if (bounds === undefined) return filter;
      return { ...filter, low: read(bounds.low, 'low'), high: read(bounds.high, 'high') };
    }),
  };
}
