/**
 * From YAML nodes to plain values. The package's own conversion gives up after a hundred uses of one anchor and keeps
 * keys such as `__proto__`; here the whole, with every alias written out, has one cap, and keys are texts.
 */
import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import { type ControlProblem, problemAt, type Segments } from './problem.js';

/** Most values a document may have with its aliases written out; 10,000 teams take about 500,000. */
export const VALUES_MAX = 4_000_000;

/** Keys that mean something to the language underneath and nothing to a control document. */
const RESERVED_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

export interface NodeProblem extends ControlProblem {
  readonly node: Node | null;
}

export interface ValueReader {
  /** The value of a node; problems are gathered, and a part that has one is left out. */
  read(node: unknown, segments: Segments): unknown;
  readonly problems: readonly NodeProblem[];
  /** Nodes by anchor, the latest of a name; what an alias means is settled when it is read. */
  readonly anchors: ReadonlyMap<string, Node>;
}

export function createValueReader(): ValueReader {
  const problems: NodeProblem[] = [];
  const anchors = new Map<string, Node>();
  const known = new Map<string, { readonly value: unknown; readonly size: number }>();
  let size = 0;

  const refuse = (node: Node | null, segments: Segments, rule: string, wayOut: string): void => {
    problems.push({ ...problemAt(segments, rule, wayOut), node });
  };
  const read = (node: unknown, segments: Segments): unknown => {
    const before = size;
    size += 1;
    if (isAlias(node)) return readAlias(node, segments);
    const value = readPlain(node, segments);
    if (isNamed(node)) {
      anchors.set(node.anchor, node);
      known.set(node.anchor, { value, size: size - before });
    }
    return value;
  };
  const readAlias = (node: Node & { readonly source: string }, segments: Segments): unknown => {
    const target = known.get(node.source);
    if (target === undefined) {
      refuse(
        node,
        segments,
        `stands for *${node.source}, but no complete value before it is named &${node.source}`,
        'write the value',
      );
      return undefined;
    }
    const isOver = size <= VALUES_MAX && size + target.size > VALUES_MAX;
    size += target.size;
    if (isOver)
      refuse(
        node,
        segments,
        `makes the document more than ${VALUES_MAX} values with its aliases written out`,
        'use fewer aliases',
      );
    return target.value;
  };
  const readPlain = (node: unknown, segments: Segments): unknown => {
    if (isScalar(node)) return node.value;
    if (isSeq<Node>(node)) return node.items.map((item, index) => read(item, [...segments, index]));
    if (!isMap<Node, Node | null>(node)) return null;
    const entries: [string, unknown][] = [];
    for (const { key, value } of node.items) {
      const text = isScalar(key) && typeof key.value === 'string' ? key.value : undefined;
      if (text === undefined)
        refuse(
          key,
          segments,
          'has a key that is not a text',
          'put the key in quotes, or remove it',
        );
      else if (RESERVED_KEYS.has(text))
        refuse(
          key,
          [...segments, text],
          'is not a key of the control document',
          'remove it, or correct its spelling',
        );
      else entries.push([text, read(value, [...segments, text])]);
    }
    return Object.fromEntries(entries);
  };
  return { read, problems, anchors };
}

function isNamed(node: unknown): node is Node & { readonly anchor: string } {
  return (isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined;
}
