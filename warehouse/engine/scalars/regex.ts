/**
 * Matching of regular expressions: leftmost, then longest, as POSIX has it, in time linear in the text. Threads of one
 * automaton are stepped together over the code points of the text, so no pattern can hold the engine up.
 */
import { LRUCache } from 'lru-cache';
import { unsupported, StatementFailed } from '../failures.js';
import { parseRegex, type CharacterSet, type RegexNode } from './regex-syntax.js';

type Step =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'any' }
  | { readonly kind: 'start' | 'end' | 'boundary' | 'inside' }
  | { readonly kind: 'save'; readonly slot: number }
  | { kind: 'split'; readonly targets: number[] }
  | { readonly kind: 'jump'; target: number }
  | { readonly kind: 'match' };

export interface RegexOptions {
  readonly ignoresCase: boolean;
  /** `^` and `$` match at line ends, too. */
  readonly isMultiLine: boolean;
  /** `.` matches a line end, too. */
  readonly dotMatchesAll: boolean;
}

/** Offsets in code points: the whole match, then each group; -1 for a group that took no part. */
export type RegexMatch = readonly number[];

const STEPS_MAX = 20_000;

export class Regex {
  readonly groups: number;
  readonly #steps: Step[] = [];
  readonly #options: RegexOptions;

  /** Fails with 100048 for what is no regular expression. */
  constructor(pattern: string, options: RegexOptions) {
    const { root, groups } = parseRegex(pattern);
    this.groups = groups;
    this.#options = options;
    this.#add({ kind: 'save', slot: 0 });
    this.#compile(root);
    this.#add({ kind: 'save', slot: 1 });
    this.#add({ kind: 'match' });
  }

  /** The leftmost longest match at or after `from`; only one that starts there if `isAnchored`. */
  match(points: readonly number[], from: number, isAnchored: boolean): RegexMatch | undefined {
    let current: Thread[] = [];
    let best: number[] | undefined;
    const marks = new Int32Array(this.#steps.length).fill(-1);
    for (let at = from; at <= points.length; at += 1) {
      const next: Thread[] = [];
      // Threads are in the order of their starts: the first at a step stays, as one that started no later.
      if (best === undefined && (at === from || !isAnchored))
        this.#follow(0, at, [], points, current, marks);
      for (const thread of current) {
        const step = this.#steps[thread.at];
        if (step === undefined) continue;
        const start = thread.saved[0] ?? 0;
        if (best !== undefined && start > (best[0] ?? 0)) continue;
        if (step.kind === 'match') {
          if (best === undefined || start < (best[0] ?? 0) || at > (best[1] ?? 0))
            best = [...thread.saved];
        } else if (at < points.length && this.#takes(step, points[at] ?? 0)) {
          this.#follow(thread.at + 1, at + 1, thread.saved, points, next, marks);
        }
      }
      current = next;
      if (current.length === 0 && (best !== undefined || isAnchored)) break;
    }
    return best;
  }

  /** Adds the threads that are reached from `at` without taking a character. `marks` holds the offset they were added for. */
  #follow(
    first: number,
    offset: number,
    firstSaved: readonly number[],
    points: readonly number[],
    into: Thread[],
    marks: Int32Array,
  ): void {
    const open: Thread[] = [{ at: first, saved: firstSaved }];
    for (let thread = open.pop(); thread !== undefined; thread = open.pop()) {
      const { at, saved } = thread;
      if (marks[at] === offset) continue;
      marks[at] = offset;
      const step = this.#steps[at];
      if (step === undefined) continue;
      switch (step.kind) {
        case 'jump':
          open.push({ at: step.target, saved });
          break;
        case 'split':
          for (const target of step.targets.toReversed()) open.push({ at: target, saved });
          break;
        case 'save': {
          const changed = [...saved];
          while (changed.length <= step.slot) changed.push(-1);
          changed[step.slot] = offset;
          open.push({ at: at + 1, saved: changed });
          break;
        }
        case 'start':
        case 'end':
        case 'boundary':
        case 'inside':
          if (this.#holds(step.kind, offset, points)) open.push({ at: at + 1, saved });
          break;
        case 'any':
        case 'set':
        case 'match':
          into.push(thread);
      }
    }
  }

  #holds(
    kind: 'start' | 'end' | 'boundary' | 'inside',
    offset: number,
    points: readonly number[],
  ): boolean {
    const { isMultiLine } = this.#options;
    if (kind === 'start') return offset === 0 || (isMultiLine && points[offset - 1] === 10);
    if (kind === 'end') return offset === points.length || (isMultiLine && points[offset] === 10);
    const isBoundary = isWordPoint(points[offset - 1]) !== isWordPoint(points[offset]);
    return isBoundary === (kind === 'boundary');
  }

  #takes(step: Step, point: number): boolean {
    if (step.kind === 'any') return this.#options.dotMatchesAll || point !== 10;
    if (step.kind !== 'set') return false;
    if (!this.#options.ignoresCase) return isIn(step.set, point) !== step.set.isNegated;
    return foldings(point).some((other) => isIn(step.set, other)) !== step.set.isNegated;
  }

  #add(step: Step): number {
    if (this.#steps.length >= STEPS_MAX)
      throw new StatementFailed(unsupported('a regular expression of this size'));
    return this.#steps.push(step) - 1;
  }

  #compile(node: RegexNode): void {
    switch (node.kind) {
      case 'group':
        this.#add({ kind: 'save', slot: node.index * 2 });
        this.#compile(node.inner);
        this.#add({ kind: 'save', slot: node.index * 2 + 1 });
        return;
      case 'sequence':
        for (const part of node.parts) this.#compile(part);
        return;
      case 'choice':
        this.#choice(node.parts);
        return;
      case 'repeat':
        this.#repeat(node.inner, node.min, node.max);
        return;
      case 'any':
      case 'set':
      case 'start':
      case 'end':
      case 'boundary':
      case 'inside':
        this.#add(node);
    }
  }

  #choice(parts: readonly RegexNode[]): void {
    const targets: number[] = [];
    this.#add({ kind: 'split', targets });
    const jumps: { kind: 'jump'; target: number }[] = [];
    for (const part of parts) {
      targets.push(this.#steps.length);
      this.#compile(part);
      const jump = { kind: 'jump' as const, target: 0 };
      this.#add(jump);
      jumps.push(jump);
    }
    for (const jump of jumps) jump.target = this.#steps.length;
  }

  #repeat(inner: RegexNode, min: number, max: number): void {
    for (let count = 0; count < min; count += 1) this.#compile(inner);
    if (max === Infinity) {
      const targets: number[] = [];
      const split = this.#add({ kind: 'split', targets });
      targets.push(this.#steps.length);
      this.#compile(inner);
      this.#add({ kind: 'jump', target: split });
      targets.push(this.#steps.length);
      return;
    }
    const open: number[][] = [];
    for (let count = min; count < max; count += 1) {
      const targets: number[] = [];
      this.#add({ kind: 'split', targets });
      targets.push(this.#steps.length);
      open.push(targets);
      this.#compile(inner);
    }
    for (const targets of open) targets.push(this.#steps.length);
  }
}

interface Thread {
  readonly at: number;
  readonly saved: readonly number[];
}

function isIn(set: CharacterSet, point: number): boolean {
  return set.ranges.some(([from, to]) => point >= from && point <= to);
}

function foldings(point: number): readonly number[] {
  const character = String.fromCodePoint(point);
  return [
    point,
    ...[character.toLowerCase(), character.toUpperCase()]
      .filter((other) => Array.from(other).length === 1)
      .map((other) => other.codePointAt(0) ?? point),
  ];
}

function isWordPoint(point: number | undefined): boolean {
  return point !== undefined && /\w/.test(String.fromCodePoint(point));
}

const COMPILED = new LRUCache<string, Regex>({ max: 500 });

/** The compiled `pattern`; compiled once for as long as it is in use. */
export function regexOf(pattern: string, options: RegexOptions): Regex {
  const key = `${Number(options.ignoresCase)}${Number(options.isMultiLine)}${Number(options.dotMatchesAll)}${pattern}`;
  const known = COMPILED.get(key);
  if (known !== undefined) return known;
  const made = new Regex(pattern, options);
  COMPILED.set(key, made);
  return made;
}
