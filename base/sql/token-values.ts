import { KIND, kindAt, startAt, textAt, type Tokens } from './lexer.js';

/** Name that a word (upper-cased) or a quoted identifier (exact, `""` undone) stands for; undefined for other kinds. */
export function nameAt(tokens: Tokens, index: number): string | undefined {
  const kind = kindAt(tokens, index);
  if (kind === KIND.word) {
    return tokens.upper === ''
      ? textAt(tokens, index).toUpperCase()
      : tokens.upper.slice(startAt(tokens, index), startAt(tokens, index + 1));
  }
  if (kind !== KIND.quotedIdentifier) return undefined;
  const raw = textAt(tokens, index);
  return raw.slice(1, raw.length > 1 && raw.endsWith('"') ? -1 : undefined).replaceAll('""', '"');
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  '0': '\0',
};

/** Value of a string or `$$` token, escapes undone; undefined for other kinds. */
export function stringValueAt(tokens: Tokens, index: number): string | undefined {
  const kind = kindAt(tokens, index);
  const raw = textAt(tokens, index);
  if (kind === KIND.dollarString)
    return raw.slice(2, raw.length > 3 && raw.endsWith('$$') ? -2 : undefined);
  if (kind !== KIND.string) return undefined;
  const body = raw.slice(1, raw.length > 1 && raw.endsWith("'") ? -1 : undefined);
  return body.replace(
    /''|\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^])/g,
    (whole, escape: string | undefined) => {
      if (escape === undefined) return "'";
      if (escape.length > 1) return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
      return ESCAPES[escape] ?? (whole === "\\'" ? "'" : escape);
    },
  );
}

/** A string literal that Snowflake's rules read back as `value`: backslashes are doubled. */
export function quoteText(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
