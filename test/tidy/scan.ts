/**
 * Tells code, comments and texts of a TypeScript file apart, without a compiler: enough to search identifiers and
 * comments without being fooled by strings. Every piece keeps its line breaks, so that line numbers stay right.
 */
export interface Scanned {
  /** Everything but comments, with the inside of strings, templates and regular expressions blanked. */
  readonly code: string;
  /** Code with its strings kept and comments blanked: what imports are read from. */
  readonly withStrings: string;
  /** Only the comments. */
  readonly comments: string;
}

type Piece = 'code' | 'text' | 'comment';

const REGEX_MAY_FOLLOW =
  /(^|[=(,:;!&|?{}[+\-*%<>~^]|\b(return|typeof|case|in|of|do|else|void|throw|await))\s*$/;

export function scan(text: string): Scanned {
  const out: { kind: Piece; text: string }[] = [];
  // Depths of braces at which a template's substitution ends.
  const templates: number[] = [];
  let braces = 0;
  let at = 0;
  let code = '';
  const push = (kind: Piece, end: number): void => {
    const piece = text.slice(at, end);
    out.push({ kind, text: piece });
    code = kind === 'comment' ? code : (code + (kind === 'text' ? 'x' : piece)).slice(-200);
    at = end;
  };
  while (at < text.length) {
    const rest = text.slice(at, at + 2);
    const char = rest[0] ?? '';
    if (rest === '//') push('comment', endOf(text, at, '\n'));
    else if (rest === '/*') push('comment', endOf(text, at, '*/') + 2);
    else if (char === "'" || char === '"') push('text', quoteEnd(text, at + 1, char));
    else if (char === '/' && REGEX_MAY_FOLLOW.test(code)) push('text', regexEnd(text, at + 1));
    else if (char === '`' || (char === '}' && templates.at(-1) === braces)) {
      if (char === '}') templates.pop();
      const end = templateEnd(text, at + 1);
      if (text[end - 1] === '{') templates.push(braces);
      push('text', end);
    } else {
      if (char === '{') braces += 1;
      if (char === '}') braces -= 1;
      push('code', at + 1);
    }
  }
  const only = (...kinds: Piece[]): string =>
    out.map((piece) => (kinds.includes(piece.kind) ? piece.text : blank(piece.text))).join('');
  return { code: only('code'), withStrings: only('code', 'text'), comments: only('comment') };
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

function endOf(text: string, from: number, mark: string): number {
  const found = text.indexOf(mark, from);
  return found === -1 ? text.length : found;
}

function quoteEnd(text: string, from: number, quote: string): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === quote || text[at] === '\n') return at + 1;
  }
  return text.length;
}

function templateEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '`') return at + 1;
    else if (text[at] === '$' && text[at + 1] === '{') return at + 2;
  }
  return text.length;
}

function regexEnd(text: string, from: number): number {
  let isInClass = false;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (char === '\n') return at;
    else if (char === '[') isInClass = true;
    else if (char === ']') isInClass = false;
    else if (char === '/' && !isInClass) return at + 1;
  }
  return text.length;
}
