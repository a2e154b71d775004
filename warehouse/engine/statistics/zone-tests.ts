/**
 * What a filter of a plan says about the extremes of a run of rows: a test that is true for every run that may hold a
 * row to keep. What is not understood is true, so that nothing is pruned wrongly.
 */

/** `filter` split at the outermost `word` (AND, OR); the AND of a BETWEEN parts nothing. */
export function splitOutside(filter: string, word: 'AND' | 'OR'): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let isText = false;
  let start = 0;
  let betweens = 0;
  for (let at = 0; at < filter.length; at += 1) {
    const character = filter[at];
    if (character === "'") isText = !isText;
    if (isText) continue;
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (depth !== 0) continue;
    if (filter.startsWith(' BETWEEN ', at)) betweens += 1;
    if (filter.startsWith(' AND ', at) && betweens > 0) betweens -= 1;
    else if (filter.startsWith(` ${word} `, at)) {
      parts.push(filter.slice(start, at));
      start = at + word.length + 2;
    }
  }
  parts.push(filter.slice(start));
  // DuckDB marks a filter that it repeats above the scan.
  return parts.map((part) => part.trim().replace(/^optional: /, '')).filter((part) => part !== '');
}

/** `filter` without brackets that enclose the whole of it. */
export function withoutBrackets(filter: string): string {
  if (!filter.startsWith('(') || !filter.endsWith(')')) return filter;
  let depth = 0;
  let isText = false;
  for (let at = 0; at < filter.length; at += 1) {
    if (filter[at] === "'") isText = !isText;
    if (isText) continue;
    if (filter[at] === '(') depth += 1;
    if (filter[at] === ')') depth -= 1;
    if (depth === 0 && at < filter.length - 1) return filter;
  }
  return withoutBrackets(filter.slice(1, -1).trim());
}

const COLUMN = `("(?:[^"]|"")+"|\\w+)`;
const CONSTANT = `((?:'(?:[^']|'')*'|-?\\d+(?:\\.\\d+)?)(?:::[A-Z][A-Z0-9_]*(?: WITH TIME ZONE)?(?:\\([\\d, ]*\\))?)?)`;
const COMPARED = new RegExp(`^${COLUMN}\\s*(=|<=|>=|<|>)\\s*${CONSTANT}$`);
const BETWEEN = new RegExp(`^${COLUMN} BETWEEN ${CONSTANT} AND ${CONSTANT}$`);
const LISTED = new RegExp(`^${COLUMN} IN \\((${CONSTANT}(?:, ${CONSTANT})*)\\)$`);
const PREFIXED = new RegExp(`^(?:prefix|starts_with)\\(${COLUMN}, ('(?:[^']|'')*')\\)$`);
const NULLED = new RegExp(`^${COLUMN} IS (NOT )?NULL$`);

/** Least value, greatest value and number of NULLs of a column in the table of extremes. */
export interface Extremes {
  readonly least: string;
  readonly greatest: string;
  /** A condition: some value is NULL; some is not. */
  readonly someNull: string;
  readonly someValue: string;
}

/**
 * The test that `filter` implies.
 *
 * @param extremes SQL of a column's extremes; undefined for a column that has none.
 */
export function zoneTest(
  filter: string,
  extremes: (column: string) => Extremes | undefined,
): string {
  const bare = withoutBrackets(filter.trim());
  const either = splitOutside(bare, 'OR');
  if (either.length > 1) return `(${either.map((part) => zoneTest(part, extremes)).join(' OR ')})`;
  const every = splitOutside(bare, 'AND');
  if (every.length > 1) return `(${every.map((part) => zoneTest(part, extremes)).join(' AND ')})`;
  return atom(every[0] ?? '', extremes) ?? 'true';
}

function atom(
  filter: string,
  extremes: (column: string) => Extremes | undefined,
): string | undefined {
  const bare = withoutBrackets(filter);
  const nulled = NULLED.exec(bare);
  if (nulled !== null) {
    const of = extremes(unquoted(nulled[1] ?? ''));
    return nulled[2] === undefined ? of?.someNull : of?.someValue;
  }
  const compared = COMPARED.exec(bare);
  if (compared !== null) {
    const of = extremes(unquoted(compared[1] ?? ''));
    return of === undefined ? undefined : comparison(of, compared[2] ?? '', compared[3] ?? '');
  }
  const between = BETWEEN.exec(bare);
  if (between !== null) {
    const of = extremes(unquoted(between[1] ?? ''));
    return of === undefined
      ? undefined
      : `(${comparison(of, '>=', between[2] ?? '')} AND ${comparison(of, '<=', between[3] ?? '')})`;
  }
  const listed = LISTED.exec(bare);
  if (listed !== null) {
    const of = extremes(unquoted(listed[1] ?? ''));
    const constants = [...(listed[2] ?? '').matchAll(new RegExp(CONSTANT, 'g'))].map(
      ([one]) => one,
    );
    return of === undefined
      ? undefined
      : `(${constants.map((one) => comparison(of, '=', one)).join(' OR ')})`;
  }
  const prefixed = PREFIXED.exec(bare);
  if (prefixed === null) return undefined;
  const of = extremes(unquoted(prefixed[1] ?? ''));
  const text = prefixed[2] ?? '';
  return of === undefined
    ? undefined
    : `(${of.greatest} >= ${text} AND left(${of.least}, length(${text})) <= ${text})`;
}

function comparison(of: Extremes, operator: string, constant: string): string {
  if (operator === '=') return `(${of.least} <= ${constant} AND ${of.greatest} >= ${constant})`;
  const side = operator === '<' || operator === '<=' ? of.least : of.greatest;
  return `(${side} ${operator} ${constant})`;
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
