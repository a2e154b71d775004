/**
 * The literal-free shape of a statement and its hash. Two statements share a fingerprint when they differ only in
 * literals, list lengths, letter case of unquoted words, white space and comments. Literals that name objects stay in
 * the hashed shape, so a fingerprint never covers two sets of tables. People read another one that shows no text of a
 * string or comment: COPY and CREATE USER carry secrets in literals, and a ticket is open to a whole team.
 */
import { hash } from 'node:crypto';
import { lex, type Tokens } from '#base/sql/lexer.js';
import { atOnce, type Steps } from '#base/sql/steps.js';
import { splitStatements, type StatementRange } from '#base/sql/splitter.js';
import { SHAPE_LENGTH_MAX, ShapeWriter, type Shape } from './shape-writer.js';

export { SHAPE_LENGTH_MAX, type LiteralSlot, type Shape } from './shape-writer.js';

export interface Fingerprint {
  /** First 32 hex digits of the SHA-256 of the whole shape. */
  readonly hash: string;
  /** For people: at most `SHAPE_LENGTH_MAX` characters, `#` for every string and `$$` body, and no comments. */
  readonly shape: string;
}

/** Fingerprint of a whole text; its statements are joined by `;`. Total, linear. */
export function fingerprint(text: string): Fingerprint {
  const tokens = lex(text);
  const ranges = splitStatements(tokens);
  const shapes = ranges.map((range) => shapeOf(tokens, range));
  const whole = joined(shapes.map((shape) => shape.text));
  // A steady shape kept no literal; with no path and no `$$` either, it is already the one for people.
  const isShown =
    shapes.every((shape) => shape.isSteady) && !tokens.isUnterminated && !MAY_HIDE.test(text);
  return {
    hash: hashOf(whole),
    shape: isShown ? whole.slice(0, SHAPE_LENGTH_MAX) : readableShape(tokens, ranges),
  };
}

/** Without a match no token of the text is a stage, a local file or a word with `$$` in it. */
const MAY_HIDE = /@|\$\$|file:/i;

/** Hash of the statements whose shapes are given, in order; the shapes may hold literals and are not for people. */
export function fingerprintOfShapes(shapes: readonly string[]): Pick<Fingerprint, 'hash'> {
  return { hash: hashOf(joined(shapes)) };
}

function joined(shapes: readonly string[]): string {
  return shapes.length === 1 ? (shapes[0] ?? '') : shapes.join('; ');
}

function hashOf(whole: string): string {
  return hash('sha256', whole).slice(0, 32);
}

/** The start of the text's shape without the text of any literal; it is cut after they are gone, so no cut bares one. */
function readableShape(tokens: Tokens, ranges: readonly StatementRange[]): string {
  let shape = '';
  for (const range of ranges) {
    const { text, isEnd } = new ShapeWriter(tokens, range, true).writeReadable();
    shape += shape === '' ? text : `; ${text}`;
    if (isEnd || shape.length >= SHAPE_LENGTH_MAX) break;
  }
  return shape.slice(0, SHAPE_LENGTH_MAX);
}

/** Shape of one statement of `tokens`. */
export function shapeOf(tokens: Tokens, range: StatementRange): Shape {
  return atOnce(shapeSteps(tokens, range));
}

/** {@link shapeOf} in steps. */
export function* shapeSteps(tokens: Tokens, range: StatementRange): Steps<Shape> {
  const writer = new ShapeWriter(tokens, range, false);
  while (writer.advance()) yield;
  return writer.shape();
}
