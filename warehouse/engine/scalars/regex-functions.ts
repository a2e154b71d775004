/** The REGEXP_… functions ("String functions (regular expressions)"). Positions count characters from 1. */
import { failure, StatementFailed, unsupported } from '../failures.js';
import { regexOf, type Regex, type RegexMatch } from './regex.js';
import { integer, text, type Scalar } from './scalar.js';
import { toStored } from './variant.js';

interface Parameters {
  readonly regex: Regex;
  readonly points: readonly number[];
  /** Parameter `e`. */
  readonly extracts: boolean;
}

function read(subject: string, pattern: string, parameters: string): Parameters {
  let ignoresCase = false;
  for (const letter of parameters) {
    if (!'cimes'.includes(letter))
      throw new StatementFailed(
        failure(
          '100048',
          '2201B',
          `Invalid regular expression parameter: '${letter}' in '${parameters}'`,
        ),
      );
    // Of `c` and `i` the last one counts.
    if (letter === 'c') ignoresCase = false;
    if (letter === 'i') ignoresCase = true;
  }
  const regex = regexOf(pattern, {
    ignoresCase,
    isMultiLine: parameters.includes('m'),
    dotMatchesAll: parameters.includes('s'),
  });
  return { regex, points: pointsOf(subject), extracts: parameters.includes('e') };
}

function pointsOf(subject: string): readonly number[] {
  const points: number[] = [];
  for (const character of subject) points.push(character.codePointAt(0) ?? 0);
  return points;
}

function cut(points: readonly number[], from: number, to: number): string {
  let out = '';
  for (let at = from; at < to; at += 1) out += String.fromCodePoint(points[at] ?? 0);
  return out;
}

/** Matches from character `position` on; an empty one never stands at the end of the one before it. */
function* matches({ regex, points }: Parameters, position: number): Generator<RegexMatch> {
  if (position < 1)
    throw new StatementFailed(
      failure('100050', '22023', `Invalid position ${position} of a regular expression function`),
    );
  let at = position - 1;
  let lastEnd = -1;
  while (at <= points.length) {
    const match = regex.match(points, at, false);
    if (match === undefined) return;
    const [start = 0, end = 0] = match;
    if (end > start || start !== lastEnd) yield match;
    lastEnd = end;
    at = end > start ? end : end + 1;
  }
}

function nth(found: Generator<RegexMatch>, occurrence: number): RegexMatch | undefined {
  if (occurrence < 1)
    throw new StatementFailed(
      failure(
        '100050',
        '22023',
        `Invalid occurrence ${occurrence} of a regular expression function`,
      ),
    );
  let count = 0;
  for (const match of found) {
    count += 1;
    if (count === occurrence) return match;
  }
  return undefined;
}

/** Which group is meant: with `e` the first unless another is named, without groups the whole match. */
function groupOf({ regex, extracts }: Parameters, group: number): number {
  if (group < 0) return extracts && regex.groups > 0 ? 1 : 0;
  if (group > regex.groups)
    throw new StatementFailed(unsupported('a group that the regular expression does not have'));
  return group;
}

function groupText(points: readonly number[], match: RegexMatch, group: number): string | null {
  const from = match[group * 2] ?? -1;
  const to = match[group * 2 + 1] ?? -1;
  return from < 0 || to < 0 ? null : cut(points, from, to);
}

/** `\1` is a group, `\0` the whole match, `\\` a backslash. */
function replacementText(replacement: string, parameters: Parameters, match: RegexMatch): string {
  return replacement.replaceAll(/\\(.?)/gs, (whole, next: string) => {
    if (next === '\\') return '\\';
    if (!/^\d$/.test(next)) return whole;
    if (Number(next) > parameters.regex.groups)
      throw new StatementFailed(unsupported('a group that the regular expression does not have'));
    return groupText(parameters.points, match, Number(next)) ?? '';
  });
}

function replaced(
  parameters: Parameters,
  replacement: string,
  position: number,
  occurrence: number,
): string {
  const { points } = parameters;
  let out = '';
  let last = 0;
  let count = 0;
  for (const match of matches(parameters, position)) {
    count += 1;
    if (occurrence > 0 && count !== occurrence) continue;
    const [start = 0, end = 0] = match;
    out += cut(points, last, start) + replacementText(replacement, parameters, match);
    last = end;
    if (occurrence > 0) break;
  }
  return out + cut(points, last, points.length);
}

export const REGEX_FUNCTIONS: readonly Scalar[] = [
  {
    name: 'tg_regexp_like_of',
    parameters: ['text', 'text', 'text'],
    returns: 'boolean',
    evaluate: ([subject, pattern, parameters]) => {
      const { regex, points } = read(text(subject), text(pattern), text(parameters));
      return regex.match(points, 0, true)?.[1] === points.length;
    },
  },
  {
    name: 'tg_regexp_count_of',
    parameters: ['text', 'text', 'integer', 'text'],
    returns: 'integer',
    evaluate: ([subject, pattern, position, parameters]) => {
      if (text(pattern) === '') return 0n;
      const known = read(text(subject), text(pattern), text(parameters));
      return BigInt([...matches(known, integer(position))].length);
    },
  },
  {
    name: 'tg_regexp_substr_of',
    parameters: ['text', 'text', 'integer', 'integer', 'text', 'integer'],
    returns: 'text',
    evaluate: ([subject, pattern, position, occurrence, parameters, group]) => {
      const known = read(text(subject), text(pattern), text(parameters));
      const wanted = groupOf(known, integer(group));
      const match = nth(matches(known, integer(position)), integer(occurrence));
      return match === undefined ? null : groupText(known.points, match, wanted);
    },
  },
  {
    name: 'tg_regexp_substr_all_of',
    parameters: ['text', 'text', 'integer', 'integer', 'text', 'integer'],
    returns: 'array',
    evaluate: ([subject, pattern, position, occurrence, parameters, group]) => {
      const known = read(text(subject), text(pattern), text(parameters));
      const wanted = groupOf(known, integer(group));
      const found = [...matches(known, integer(position))].slice(integer(occurrence) - 1);
      return toStored(found.map((match) => groupText(known.points, match, wanted) ?? undefined));
    },
  },
  {
    name: 'tg_regexp_instr_of',
    parameters: ['text', 'text', 'integer', 'integer', 'integer', 'text', 'integer'],
    returns: 'integer',
    evaluate: ([subject, pattern, position, occurrence, option, parameters, group]) => {
      const known = read(text(subject), text(pattern), text(parameters));
      if (![0, 1].includes(integer(option)))
        throw new StatementFailed(
          failure('100050', '22023', `Invalid option ${integer(option)} of REGEXP_INSTR`),
        );
      const wanted = groupOf(known, integer(group));
      const match = nth(matches(known, integer(position)), integer(occurrence));
      const offset = match?.[wanted * 2 + integer(option)] ?? -1;
      return BigInt(offset + 1);
    },
  },
  {
    name: 'tg_regexp_replace_of',
    parameters: ['text', 'text', 'text', 'integer', 'integer', 'text'],
    returns: 'text',
    evaluate: ([subject, pattern, replacement, position, occurrence, parameters]) =>
      replaced(
        read(text(subject), text(pattern), text(parameters)),
        text(replacement),
        integer(position),
        integer(occurrence),
      ),
  },
];
