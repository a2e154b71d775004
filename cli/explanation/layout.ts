/** Labelled lines and colours of an explanation. */
import { wrap } from '../plan-text.js';

export type Paint = (code: number, text: string) => string;

export const BOLD = 1;
const LABEL_WIDTH = 10;

/** Colours by their ANSI codes, or none. */
export function painter(hasColours: boolean): Paint {
  return hasColours ? (code, text) => `\u001b[${code}m${text}\u001b[0m` : (_code, text) => text;
}

/** `label     text`, wrapped under the text; a label that repeats is left out. */
export function lined(
  lines: readonly (readonly [label: string, text: string])[],
  width: number,
  paint: Paint,
  indent = '',
): readonly string[] {
  let last = '';
  return lines.flatMap(([label, text]) => {
    const shown = label === last ? '' : label;
    last = label;
    const blank = ' '.repeat(Math.max(1, LABEL_WIDTH - indent.length - shown.length));
    const first = `${indent}${shown}${blank}`;
    const [head = '', ...rest] = wrap(text, width, first, ' '.repeat(LABEL_WIDTH));
    return [indent + paint(BOLD, shown) + head.slice(indent.length + shown.length), ...rest];
  });
}
