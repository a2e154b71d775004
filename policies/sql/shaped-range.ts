/** A statement of a text with what it is without its literals. */
import type { Tokens } from '#base/sql/lexer.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { withRests } from '#base/sql/steps.js';
import { fingerprintOfShapes, shapeSteps, type Shape } from './fingerprint.js';

/** A statement, or a part of one, with its shape. */
export interface ShapedRange {
  readonly range: StatementRange;
  readonly shape: Shape;
  readonly fingerprint: string;
}

/** The shape of a statement of `tokens`; `rest` is awaited between its steps. */
export async function shapedRange(
  tokens: Tokens,
  range: StatementRange,
  rest: () => Promise<void>,
): Promise<ShapedRange> {
  const shape = await withRests(shapeSteps(tokens, range), rest);
  return { range, shape, fingerprint: fingerprintOfShapes([shape.text]).hash };
}
