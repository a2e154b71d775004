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

/** Where in a text the value at `segments` stands; the nearest one around it where there is none. */
export type Locate = (segments: Segments) => { readonly line: number; readonly column: number };

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
    .map((problem) => ({ ...problem, ...locate(problem.segments) }))
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** `budgets[3].limitCredits must be …; correct the value`. */
export function problemText(problem: Omit<ControlProblem, 'segments'>): string {
  return `${problem.path} ${problem.rule}; ${problem.wayOut}`;
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
  const malformed = [...yaml.errors, ...yaml.warnings].map((error) => ({
    ...problemAt(
      [],
      `is not well-formed YAML: ${firstSentence(error.message)}`,
      'correct it there',
    ),
    ...place(error.pos[0]),
  }));
  if (yaml.errors.some((error) => error.code === 'RESOURCE_EXHAUSTION'))
    return refused('nests too deep', 'nest less', []);
  if (malformed.length > 0) return { ok: false, problems: malformed.slice(0, MALFORMED_MAX) };
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
  return { ok: true, raw, locate: (segments) => place(offsetOf(yaml, values.anchors, segments)) };
}

/** The parser ends some of its messages with advice about its own options. */
function firstSentence(message: string): string {
  return message.split('\n', 1)[0]?.replace(/[;:.]?\s*$/, '') ?? message;
}

/** Offset of what stands at `segments`: of the value, or of the key when the path ends at an unknown key. */
function offsetOf(
  yaml: Document.Parsed,
  anchors: ReadonlyMap<string, Node>,
  segments: Segments,
): number {
  let node: unknown = yaml.contents;
  let offset = yaml.contents?.range?.[0] ?? 0;
  for (const segment of segments) {
    if (isAlias(node)) node = anchors.get(node.source);
    const next = childOf(node, segment);
    if (next === undefined) return offset;
    node = next.value;
    offset = next.offset;
  }
  return offset;
}

function childOf(
  node: unknown,
  segment: PropertyKey,
): { readonly value: unknown; readonly offset: number } | undefined {
  if (isSeq<Node>(node) && typeof segment === 'number') {
    const value = node.items[segment];
    return value === undefined ? undefined : { value, offset: value.range?.[0] ?? 0 };
  }
  if (!isMap<Node, Node | null>(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && key.value === segment);
  if (pair === undefined) return undefined;
  return { value: pair.value, offset: (pair.value?.range ?? pair.key.range)?.[0] ?? 0 };
}

/** A path as the API writes it, such as `budgets[3].limitCredits`, in parts again. */
export function parsePath(path: string): Segments {
  if (path === formatPath([])) return [];
  return [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map((match) =>
    match[1] === undefined ? match[0] : Number(match[1]),
  );
}
