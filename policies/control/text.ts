/**
 * The control document as text: YAML, of which JSON is a part. Every problem is told with its line and column, those
 * of form and those of content alike.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import type { ControlDocument } from './document.js';
import { parseControlDocument } from './parse.js';
import { type ControlProblem, formatPath, problemAt, type Segments } from './problem.js';
import { sentence } from './plan-words.js';
import { createValueReader } from './yaml-values.js';

/** Longest text of a control document, in bytes of UTF-8: 10,000 teams take about 4 MiB. */
export const CONTROL_TEXT_BYTES_MAX: number = 16 * 1024 * 1024;

/** What follows a mistake of form is mostly its echo. */
const MALFORMED_MAX = 10;

/** A problem with the place in the text where it stands; both count from 1. */
export interface PlacedProblem extends ControlProblem {
  readonly line: number;
  readonly column: number;
}

export type ParsedControlText =
  | { readonly ok: true; readonly document: ControlDocument }
  | { readonly ok: false; readonly problems: readonly PlacedProblem[] };

/** Where in a text the value at `segments` stands, or its key; the nearest value around it where there is none. */
export type Locate = (
  segments: Segments,
  isKey: boolean,
) => { readonly line: number; readonly column: number };

/**
 * Reads a control document from its text. Total: the document, or every problem in the order of the text. A text that
 * is not well-formed YAML gets the problems of its form alone, because its content is not known.
 */
export function parseControlText(text: string): ParsedControlText {
  const read = readYaml(text);
  if (!read.ok) return read;
  const parsed = parseControlDocument(read.raw);
  if (parsed.ok) return parsed;
  return { ok: false, problems: placed(parsed.problems, read.locate) };
}

/** The problems with their places, in the order of the text. */
export function placed(
  problems: readonly ControlProblem[],
  locate: Locate,
): readonly PlacedProblem[] {
  return problems
    .map((problem) => ({ ...problem, ...locate(problem.segments, problem.isAboutKey === true) }))
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** `budgets[3].limitCredits must be …; correct the value`. */
export function problemText(problem: Omit<ControlProblem, 'segments'>): string {
  return sentence(`${problem.path} ${problem.rule}; ${problem.wayOut}`);
}

export type ReadYaml =
  | { readonly ok: true; readonly raw: unknown; readonly locate: Locate }
  | { readonly ok: false; readonly problems: readonly PlacedProblem[] };

/** The value of a YAML text and the places of its parts, or what is wrong with its form. */
export function readYaml(text: string): ReadYaml {
  const lines = new LineCounter();
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const refused = (rule: string, wayOut: string, segments: Segments, at = 0): ReadYaml => ({
    ok: false,
    problems: [{ ...problemAt(segments, rule, wayOut), ...place(at) }],
  });
  if (Buffer.byteLength(text) > CONTROL_TEXT_BYTES_MAX)
    return refused('is longer than 16 MiB', 'split the organisation', []);
  let yaml: Document.Parsed;
  try {
    yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  } catch (thrown) {
    // Lists within lists are read by recursion; nothing else is thrown.
    if (thrown instanceof RangeError) return refused('nests too deep', 'nest less', []);
    throw thrown;
  }
  if (yaml.errors.some((error) => error.code === 'RESOURCE_EXHAUSTION'))
    return refused('nests too deep', 'nest less', []);
  const malformed = formProblems(yaml).map(({ problem, at }) => ({ ...problem, ...place(at) }));
  if (malformed.length > 0) return { ok: false, problems: malformed };
  const values = createValueReader();
  const raw = values.read(yaml.contents, []);
  if (values.problems.length > 0)
    return {
      ok: false,
      problems: values.problems.map(({ node, ...problem }) => ({
        ...problem,
        ...place(node?.range?.[0] ?? 0),
      })),
    };
  const locate: Locate = (segments, isKey) =>
    place(offsetOf(yaml, values.anchors, segments, isKey));
  return { ok: true, raw, locate };
}

/** Mistakes that leave the rest of the text readable; after any other the parser mostly reports echoes. */
const CONTAINED: ReadonlySet<string> = new Set(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED']);

function formProblems(
  yaml: Document.Parsed,
): readonly { readonly problem: ControlProblem; readonly at: number }[] {
  const found = [...yaml.errors, ...yaml.warnings].toSorted((a, b) => a.pos[0] - b.pos[0]);
  const echo = found.findIndex(({ code }) => !CONTAINED.has(code));
  const first = echo < 0 ? found : found.slice(0, echo + 1);
  return first
    .slice(0, MALFORMED_MAX)
    .map(({ code, message, pos }) => ({ problem: formProblem(code, message), at: pos[0] }));
}

function formProblem(code: string, message: string): ControlProblem {
  switch (code) {
    case 'DUPLICATE_KEY':
      return problemAt([], 'has this key twice in one object', 'remove one of the two');
    case 'MULTIPLE_DOCS':
      return problemAt([], 'begins a second document here', 'keep one document in a file');
    default:
      return problemAt(
        [],
        `is not well-formed YAML: ${message.split('\n', 1)[0]?.replace(/[;:.]?\s*$/, '') ?? ''}`,
        'correct it there',
      );
  }
}

function offsetOf(
  yaml: Document.Parsed,
  anchors: ReadonlyMap<string, Node>,
  segments: Segments,
  isKey: boolean,
): number {
  let node: unknown = yaml.contents;
  let offset = yaml.contents?.range?.[0] ?? 0;
  for (const [index, segment] of segments.entries()) {
    if (isAlias(node)) node = anchors.get(node.source);
    const next = childOf(node, segment, isKey && index === segments.length - 1);
    if (next === undefined) return offset;
    node = next.value;
    offset = next.offset;
  }
  return offset;
}

function childOf(
  node: unknown,
  segment: PropertyKey,
  isKey: boolean,
): { readonly value: unknown; readonly offset: number } | undefined {
  if (isSeq<Node>(node) && typeof segment === 'number') {
    const value = node.items[segment];
    return value === undefined ? undefined : { value, offset: value.range?.[0] ?? 0 };
  }
  if (!isMap<Node, Node | null>(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && key.value === segment);
  if (pair === undefined) return undefined;
  const range = isKey ? pair.key.range : (pair.value?.range ?? pair.key.range);
  return { value: pair.value, offset: range?.[0] ?? 0 };
}

/** A path as the API writes it, such as `budgets[3].limitCredits`, in parts again. */
export function parsePath(path: string): Segments {
  if (path === formatPath([])) return [];
  return [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map((match) =>
    match[1] === undefined ? match[0] : Number(match[1]),
  );
}
