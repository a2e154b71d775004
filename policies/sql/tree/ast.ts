/** Access to the parser's tree, which is JSON without a schema: every read is checked, nothing is assumed. */

export type Node = Readonly<Record<string, unknown>>;

/** True for a JSON object. */
export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object under `key`, or undefined. */
export function nodeAt(node: Node | undefined, key: string): Node | undefined {
  const value = node?.[key];
  return isNode(value) ? value : undefined;
}

/** The list under `key`; empty when there is none. */
export function listAt(node: Node | undefined, key: string): readonly unknown[] {
  const value = node?.[key];
  return Array.isArray(value) ? value : [];
}

/** The string under `key`, or undefined. */
export function stringAt(node: Node | undefined, key: string): string | undefined {
  const value = node?.[key];
  return typeof value === 'string' ? value : undefined;
}

/** An expression `{tag: {…}}` as its tag and body; undefined for anything else. */
export function tagged(value: unknown): { readonly tag: string; readonly body: Node } | undefined {
  if (!isNode(value)) return undefined;
  const keys = Object.keys(value);
  const tag = keys[0];
  if (keys.length !== 1 || tag === undefined) return undefined;
  const body = value[tag];
  return isNode(body) ? { tag, body } : undefined;
}

/** Body of `value` when it is the expression `tag`. */
export function bodyOf(value: unknown, tag: string): Node | undefined {
  return isNode(value) ? nodeAt(value, tag) : undefined;
}

/** Control characters in names that we write for the parser; a user's name that holds one is not shown to it. */
const PART_MARK = '\u0001';

/** Stands for `""` inside a quoted name, which the parser takes for the end of a string of its own. */
export const INNER_QUOTE = '\u0002';

/** A quoted name for a column that is none. */
export const NO_COLUMN: string = `"${PART_MARK}"`;

/** A quoted name for every column of the sources in sight. */
export const ALL_COLUMNS: string = `"${PART_MARK}*"`;

/** One quoted name that `tableParts` reads as `parts`; as a dynamic one without them. */
export function writtenParts(parts: readonly string[] | undefined): string {
  const inner = parts?.map((part) => part.replaceAll('"', INNER_QUOTE)).join(PART_MARK) ?? '';
  return `"${PART_MARK}${inner}"`;
}

/** Name of an identifier node, upper-cased unless quoted. */
export function nameOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  const name = stringAt(value, 'name');
  if (name === undefined) return undefined;
  return value['quoted'] === true ? name.replaceAll(INNER_QUOTE, '"') : name.toUpperCase();
}

/** Whether a name could be taken for one of ours. */
export function holdsMark(name: string): boolean {
  return name.includes(PART_MARK) || name.includes(INNER_QUOTE);
}

/** Whether `name` is the mark of {@link NO_COLUMN}. */
export function isNoColumn(name: string): boolean {
  return name === PART_MARK;
}

/** Whether `name` is the mark of {@link ALL_COLUMNS}. */
export function isAllColumns(name: string): boolean {
  return name === `${PART_MARK}*`;
}

/** Stands for a table that a variable or bind names. */
export const DYNAMIC_NAME: readonly string[] = [''];

/** Names in the literal argument of `IDENTIFIER('a.b')` or `TABLE('a.b')`; undefined when they are dynamic. */
export function literalParts(body: Node): readonly string[] | undefined {
  const text = stringAt(bodyOf(listAt(body, 'args')[0], 'literal'), 'value');
  return text === undefined ? undefined : partsOfText(text);
}

/**
 * The one to three names of a table reference, recognised by its shape (name, schema, catalog), because the parser
 * puts tables under many keys; undefined for any other node.
 */
export function tableParts(node: Node): readonly string[] | undefined {
  if (!('schema' in node) || !('catalog' in node)) return undefined;
  const call = bodyOf(node['identifier_func'], 'function');
  if (call !== undefined) return literalParts(call) ?? DYNAMIC_NAME;
  const name = nameOf(node['name']);
  if (name === undefined) return undefined;
  if (name.startsWith(PART_MARK))
    return name === PART_MARK ? DYNAMIC_NAME : name.slice(1).split(PART_MARK);
  const schema = nameOf(node['schema']);
  const catalog = nameOf(node['catalog']);
  if (catalog !== undefined) return [catalog, schema ?? '', name];
  return schema === undefined ? [name] : [schema, name];
}

/** The names of a column or dotted chain, outermost qualifier first; undefined when it is neither. */
export function columnPath(value: unknown): readonly string[] | undefined {
  const column = bodyOf(value, 'column');
  if (column !== undefined) {
    const name = nameOf(column['name']);
    if (name === undefined) return undefined;
    const table = nameOf(column['table']);
    return table === undefined ? [name] : [table, name];
  }
  const dot = bodyOf(value, 'dot');
  if (dot === undefined) return undefined;
  const inner = columnPath(dot['this']);
  const field = nameOf(dot['field']);
  return inner === undefined || field === undefined ? undefined : [...inner, field];
}

/** A name as it stands in a dotted name: quoted only where a dot or quote in it would mislead. */
export function quotedWhereNeeded(part: string): string {
  return /[."]/.test(part) ? `"${part.replaceAll('"', '""')}"` : part;
}

/** Names in a dotted text such as the argument of IDENTIFIER; undefined when it is no such text. */
export function partsOfText(text: string): readonly string[] | undefined {
  const pattern = /\s*(?:"((?:[^"]|"")*)"|([\p{L}_][\p{L}\p{N}_$]*)|(?=\.))\s*(\.|$)/uy;
  const parts: string[] = [];
  while (pattern.lastIndex < text.length && parts.length < 3) {
    const match = pattern.exec(text);
    if (match === null) return undefined;
    parts.push(match[1]?.replaceAll('""', '"') ?? match[2]?.toUpperCase() ?? '');
    if (match[3] !== '.') return pattern.lastIndex === text.length ? parts : undefined;
  }
  return undefined;
}
