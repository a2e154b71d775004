/** Names of objects as access lists write them: parts between dots, each with `*` and `?`, quoted where a name is. */
import { foldName, matchesGlob } from '../rules/glob.js';

/** The parts of a pattern, or of a full name; unquoted parts in capitals, as Snowflake keeps them. */
export type NameParts = readonly string[];

/** How surely a pattern covers what a statement touches. */
export type Coverage = 'no' | 'maybe' | 'yes';

const PART = /(?:"((?:[^"]|"")+)"|([\p{L}\p{N}_$*?-]+))(\.|$)/uy;
/** Facts quote a part only where it has a dot or a quote. */
const NAME_PART = /(?:"((?:[^"]|"")+)"|([^."]+))(\.|$)/uy;
/** No name of an object has more: database, schema, table, column. */
const PARTS_MAX = 4;

/** The parts of a pattern as people write it; undefined when it is none of one to four parts. */
export function tryParsePattern(text: string): NameParts | undefined {
  return partsOf(text, PART, foldName);
}

/** The parts of a full name as facts have it: already in the case that Snowflake keeps it in. */
export function tryParseName(text: string): NameParts | undefined {
  return partsOf(text, NAME_PART, (part) => part);
}

function partsOf(
  text: string,
  part: RegExp,
  fold: (text: string) => string,
): NameParts | undefined {
  const pattern = new RegExp(part);
  const parts: string[] = [];
  while (parts.length < PARTS_MAX) {
    const match = pattern.exec(text);
    if (match === null) return undefined;
    parts.push(match[1]?.replaceAll('""', '"') ?? fold(match[2] ?? ''));
    if (match[3] !== '.') return parts;
  }
  return undefined;
}

/**
 * Whether `pattern` covers `name`, part by part from the left; further parts of the name are inside what it covers.
 * Exact names are covered surely. One that differs in case only is another object, which is covered perhaps: a list
 * that closes counts it, one that opens does not.
 */
export function coverageOf(pattern: NameParts, name: NameParts): Coverage {
  let coverage: Coverage = 'yes';
  for (const [at, part] of pattern.entries()) {
    const given = name[at];
    if (given === undefined) return 'no';
    if (matchesGlob(given, part)) continue;
    if (!matchesGlob(foldName(given), foldName(part))) return 'no';
    coverage = 'maybe';
  }
  return coverage;
}
