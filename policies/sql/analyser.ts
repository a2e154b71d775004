/**
 * Analysis of request texts: lexer first, then caches bounded in bytes, then the parser in its workers. Total: whatever
 * goes wrong comes back as an opaque statement.
 */
import type { Occupancy } from '#base/metrics.js';
import { lex, lexSteps, type Tokens } from '#base/sql/lexer.js';
import { splitStatements, statementSteps, type StatementRange } from '#base/sql/splitter.js';
import { withRests } from '#base/sql/steps.js';
import { classifyStatement, type StatementHead } from '#base/sql/statement-class.js';
import type { LRUCache } from 'lru-cache';
import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type {
  Analyser,
  Catalogue,
  NameContext,
  StatementClass,
  StatementFacts,
  TextFacts,
  UnknownFact,
} from './facts.js';
import { fingerprintOfShapes } from './fingerprint.js';
import { shapedRange, type ShapedRange } from './shaped-range.js';
import { literalsHash } from './literals-hash.js';
import { parserTextSteps } from './parser/parser-text.js';
import { ParserHost, type ParserHostCounts, type ParserHostOptions } from './parser/parser-host.js';
import type { ParseOutcome } from './tree/raw-facts.js';
import {
  fromShapeFacts,
  fromShapeOutcome,
  toShapeOutcome,
  type ShapeFacts,
  type ShapeOutcome,
} from './shape-outcome.js';
import { contextAfter } from './session-context.js';
import { bareFacts } from './bare-facts.js';
import { boundedCache, bytesOf, notedLength } from './bounded-cache.js';
import type { ShapedOutcome } from './parsed-facts.js';
import { statementFacts } from './statement-facts.js';
import type { TokenList } from './words/token-list.js';
import { namesPlace } from './words/traits.js';

export interface AnalyserOptions {
  readonly parser?: ParserHostOptions;
  /** Longest text analysed, in UTF-16 units. Default 1,048,576; longer ones are opaque, `too-large`. */
  readonly textLengthMax?: number;
  /** Bytes of finished facts kept. Default 32 MiB. */
  readonly factsBytesMax?: number;
  /** Bytes of parse outcomes kept. Default 32 MiB. */
  readonly outcomeBytesMax?: number;
  /** Bytes of facts kept per fingerprint, and again per fingerprint and session. Default 32 MiB. */
  readonly shapeBytesMax?: number;
}

/** Counts since the start, for metrics. */
export interface AnalyserCounts {
  readonly texts: number;
  readonly textHits: number;
  readonly statementHits: number;
  readonly fingerprintHits: number;
  /** Texts that a bug of ours left opaque. */
  readonly faults: number;
  readonly parser: ParserHostCounts;
}

/** An analyser whose caches and parser can be watched. */
export interface CountingAnalyser extends Analyser {
  counts(): AnalyserCounts;
  /** Bytes of each cache, and statements that wait for a parser. */
  readonly occupancies: Record<
    'facts' | 'outcomes' | 'shapes' | 'shapeFacts' | 'parser',
    Occupancy
  >;
}

const MIB = 1_048_576;
/** Nested EXECUTE IMMEDIATE followed before giving up. */
const DEPTH_MAX = 3;
/** Parsing time one request text may use, in milliseconds, and statements it may have parsed. */
const TEXT_BUDGET_MS = 2_000;
const TEXT_PARSES_MAX = 200;
/** Statements of a text whose facts are kept: to weigh those of more takes as long as the loop may be held. */
const STATEMENTS_KEPT_MAX = 1_000;
const UNDERSTOOD_PREFIX_LENGTH = 4_096;

/** An analyser with its own parser workers, which start loading at once in the background. */
export function createAnalyser(options: AnalyserOptions = {}): CountingAnalyser {
  return new CachingAnalyser(options);
}

/** Parses left to one request text. */
interface ParseBudget {
  /** Set when the first parse has come back: until then a text may wait for a parser that is still loading. */
  endsAtMs: number;
  left: number;
  wasUnavailable: boolean;
  readonly rest: () => Promise<void>;
}

/** One text on its way through the analyser. */
interface TextReading {
  readonly tokens: Tokens;
  readonly catalogue: Catalogue;
  readonly budget: ParseBudget;
  /** EXECUTE IMMEDIATE around it. */
  readonly depth: number;
}

class CachingAnalyser implements CountingAnalyser {
  readonly #host: ParserHost;
  readonly #textLengthMax: number;
  readonly #facts: LRUCache<string, TextFacts>;
  readonly #outcomes: LRUCache<string, ParseOutcome>;
  readonly #shapes: LRUCache<string, ShapeOutcome>;
  readonly #shapeFacts: LRUCache<string, ShapeFacts>;
  readonly #pending = new Map<string, Promise<TextFacts>>();
  readonly #counts = { texts: 0, textHits: 0, statementHits: 0, fingerprintHits: 0, faults: 0 };

  constructor(options: AnalyserOptions) {
    this.#textLengthMax = options.textLengthMax ?? MIB;
    this.#host = new ParserHost(options.parser);
    this.#facts = boundedCache(options.factsBytesMax ?? 32 * MIB);
    this.#outcomes = boundedCache(options.outcomeBytesMax ?? 32 * MIB);
    this.#shapes = boundedCache(options.shapeBytesMax ?? 32 * MIB);
    this.#shapeFacts = boundedCache(options.shapeBytesMax ?? 32 * MIB);
    this.#host.start();
  }

  counts(): AnalyserCounts {
    return { ...this.#counts, parser: this.#host.counts };
  }

  get occupancies(): CountingAnalyser['occupancies'] {
    const [facts, outcomes] = [bytesOf(this.#facts), bytesOf(this.#outcomes)];
    const [shapes, shapeFacts] = [bytesOf(this.#shapes), bytesOf(this.#shapeFacts)];
    return { facts, outcomes, shapes, shapeFacts, parser: this.#host.occupancy };
  }

  async analyse(sql: string, context: NameContext, catalogue: Catalogue): Promise<TextFacts> {
    this.#counts.texts += 1;
    if (sql.length > this.#textLengthMax) return tooLarge(sql);
    const key = JSON.stringify([context.database, context.schema, catalogue.version]) + sql;
    const known = this.#facts.get(key);
    if (known !== undefined) {
      this.#counts.textHits += 1;
      return known;
    }
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = this.#compute(key, sql, context, catalogue);
      this.#pending.set(key, pending);
    }
    return await pending;
  }

  async stop(): Promise<void> {
    await this.#host.stop();
  }

  async #compute(
    key: string,
    sql: string,
    context: NameContext,
    catalogue: Catalogue,
  ): Promise<TextFacts> {
    const budget: ParseBudget = {
      endsAtMs: Number.POSITIVE_INFINITY,
      left: TEXT_PARSES_MAX,
      wasUnavailable: false,
      rest: resting(),
    };
    let facts: TextFacts;
    try {
      facts = await this.#text(sql, context, catalogue, budget, 0);
    } catch {
      // A bug of ours must not stop the statement, and must not let it pass unseen.
      this.#counts.faults += 1;
      facts = opaqueText(sql);
    }
    this.#pending.delete(key);
    // What no parser looked at would otherwise stay opaque for good.
    if (!budget.wasUnavailable && facts.statements.length <= STATEMENTS_KEPT_MAX)
      this.#facts.set(key, facts, lifetime(isTooComplexText(facts)));
    return facts;
  }

  async #text(
    sql: string,
    context: NameContext,
    catalogue: Catalogue,
    budget: ParseBudget,
    depth: number,
  ): Promise<TextFacts> {
    const { rest } = budget;
    const reading: TextReading = {
      tokens: await withRests(lexSteps(sql), rest),
      catalogue,
      budget,
      depth,
    };
    const { tokens } = reading;
    await rest();
    const shapes: string[] = [];
    const statements: StatementFacts[] = [];
    let session = context;
    let last: StatementFacts | undefined;
    for (let from = 0; from < tokens.count;) {
      const { range, next } = await withRests(statementSteps(tokens, from), rest);
      from = next;
      if (range === undefined) continue;
      await rest();
      const shaped = await shapedRange(tokens, range, rest);
      shapes.push(shaped.shape.text);
      const facts = await this.#statement(reading, shaped, session);
      last = facts;
      statements.push({ ...facts, literalsHash: literalsHash(tokens, shaped.shape) });
      if (facts.class !== 'query' && facts.class !== 'dml')
        session = contextAfter(tokens, range, session);
    }
    // A comment that never ends may hide anything from one reader and nothing from another.
    if (statements.length === 0 && tokens.isUnterminated) return unseenText(sql);
    const only = statements.length === 1 ? statements[0]?.fingerprint : undefined;
    const found = { statements, fingerprint: only ?? fingerprintOfShapes(shapes).hash };
    return last === undefined || only === undefined ? found : notedLength(found, last, 256);
  }

  /** Facts of one statement of a text, whose names mean what they do in `context`. */
  #statement(
    { tokens, catalogue, budget, depth }: TextReading,
    outer: ShapedRange,
    context: NameContext,
  ): Promise<StatementFacts> {
    let last = outer;
    // Statements inside are asked for one after another, each first for its facts and then for its parse.
    const shapedOf = async (range: StatementRange): Promise<ShapedRange> => {
      if (last.range !== range) last = await shapedRange(tokens, range, budget.rest);
      return last;
    };
    const keyOf = (head: StatementHead, { fingerprint }: ShapedRange): string =>
      JSON.stringify([head.class, context.database, context.schema, catalogue.version]) +
      fingerprint;
    return statementFacts({
      tokens,
      range: outer.range,
      fingerprint: outer.fingerprint,
      rest: budget.rest,
      depth: 0,
      context,
      catalogue,
      parse: async (list) => await this.#parse(list, await shapedOf(list.range), budget),
      shapes: {
        recall: async (range, head) => {
          if (head.class !== 'query' && head.class !== 'dml') return undefined;
          const shaped = await shapedOf(range);
          if (!isShared(tokens, shaped)) return undefined;
          const known = this.#shapeFacts.get(keyOf(head, shaped));
          const facts = known && fromShapeFacts(known, tokens, shaped.shape);
          if (known === undefined || facts === undefined) return undefined;
          this.#counts.fingerprintHits += 1;
          return notedLength(facts, known, tokens.text.length);
        },
        keep: async (range, head, facts) => {
          const shaped = await shapedOf(range);
          if (isShared(tokens, shaped)) this.#shapeFacts.set(keyOf(head, shaped), facts);
        },
      },
      analyseInner: (text) =>
        depth >= DEPTH_MAX
          ? Promise.resolve(opaqueText(text))
          : this.#text(text, context, catalogue, budget, depth + 1),
    });
  }

  async #parse(
    list: TokenList,
    { shape, fingerprint }: ShapedRange,
    budget: ParseBudget,
  ): Promise<ShapedOutcome> {
    const { tokens } = list;
    const shaped = this.#shapes.get(fingerprint);
    const facts = shaped === undefined ? undefined : fromShapeOutcome(shaped, tokens, shape);
    if (shaped !== undefined && facts !== undefined) {
      this.#counts.fingerprintHits += 1;
      return { kind: 'parsed', facts, literals: shaped.literals };
    }
    await budget.rest();
    const sql = await withRests(parserTextSteps(list), budget.rest);
    if (sql === undefined) return { kind: 'refused', isTooComplex: false };
    const outcome = await this.#parseText(sql, budget);
    const shared =
      outcome.kind === 'parsed' ? toShapeOutcome(outcome.facts, tokens, shape) : undefined;
    if (shared === undefined) {
      this.#keepOutcome(sql, outcome);
      return outcome;
    }
    this.#shapes.set(fingerprint, shared);
    return { ...outcome, literals: shared.literals };
  }

  async #parseText(sql: string, budget: ParseBudget): Promise<ParseOutcome> {
    const known = this.#outcomes.get(sql);
    if (known !== undefined) {
      this.#counts.statementHits += 1;
      return known;
    }
    if (budget.left <= 0 || performance.now() > budget.endsAtMs) {
      return { kind: 'refused', isTooComplex: true };
    }
    budget.left -= 1;
    const outcome = await this.#host.parse(sql);
    if (budget.endsAtMs === Number.POSITIVE_INFINITY)
      budget.endsAtMs = performance.now() + TEXT_BUDGET_MS;
    if (outcome.kind === 'unavailable') budget.wasUnavailable = true;
    return outcome;
  }

  /** Keeps an outcome that serves no other statement of its shape. */
  #keepOutcome(sql: string, outcome: ParseOutcome): void {
    if (outcome.kind === 'unavailable' || this.#outcomes.has(sql)) return;
    const isTooComplex = outcome.kind === 'refused' && outcome.isTooComplex;
    this.#outcomes.set(sql, outcome, lifetime(isTooComplex));
  }
}

/**
 * Whether all that is told of the statement follows from its shape and its literals. Letters outside of ASCII may have
 * their upper case in it, strings in a list are not looked at one by one, and an end that is missing is in no shape.
 */
function isShared(tokens: Tokens, { range, shape }: ShapedRange): boolean {
  if (!shape.isSteady || range.hasStray || tokens.isUnterminated) return false;
  return !shape.hasForeignWord && !namesPlace(tokens, range);
}

/** Longest that the steps of one text keep the event loop together; a step itself is not cut. */
const KEPT_MS_MAX = 4;

/** Gives the event loop to others when the text that holds it has kept it for a while. */
function resting(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < KEPT_MS_MAX) return;
    await setImmediate();
    since = performance.now();
  };
}

/** A deadline missed on a busy machine is tried again after a while; a hostile text buys one parse a minute. */
const COMPLEX_LIFETIME_MS = 60_000;

function lifetime(isTooComplex: boolean): { readonly ttl: number } | undefined {
  return isTooComplex ? { ttl: COMPLEX_LIFETIME_MS } : undefined;
}

function isTooComplexText(facts: TextFacts): boolean {
  return facts.statements.some(({ unknown }) => unknown.includes('too-complex'));
}

/** A text without a statement that anybody can tell. */
function unseenText(sql: string): TextFacts {
  return unseen('opaque', hash('sha256', sql).slice(0, 32));
}

/** A text that was not looked into: one opaque statement. */
function opaqueText(sql: string): TextFacts {
  return unseen('opaque', hash('sha256', sql).slice(0, 32), 'too-complex');
}

/** A text above the cap: its class is read from its beginning, its fingerprint is that of the exact text. */
function tooLarge(sql: string): TextFacts {
  const tokens = lex(sql.slice(0, UNDERSTOOD_PREFIX_LENGTH));
  const ranges = splitStatements(tokens);
  const [first] = ranges;
  const isSure = first !== undefined && ranges.length === 1;
  const statementClass = isSure ? classifyStatement(tokens, first).class : 'opaque';
  return unseen(statementClass, hash('sha256', sql).slice(0, 32), 'too-large');
}

function unseen(
  statementClass: StatementClass,
  fingerprint: string,
  ...why: readonly UnknownFact[]
): TextFacts {
  const facts: StatementFacts = {
    ...bareFacts(statementClass, fingerprint),
    opaque: true,
    unknown: ['tables', 'columns', 'filters', ...why],
  };
  return { statements: [facts], fingerprint };
}
