/** Facts of one statement: what its class needs, from the lexer where that is enough, from the parser where not. */
import { isOperator, KIND, kindAt, nextSignificant, wordAt, type Tokens } from '#base/sql/lexer.js';
import {
  classifyStatement,
  type StatementClass,
  type StatementHead,
} from '#base/sql/statement-class.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { stringValueAt } from '#base/sql/token-values.js';
import type { Catalogue, NameContext, StatementFacts, TextFacts, UnknownFact } from './facts.js';
import { callsOnlyCheap } from './free.js';
import type { ParseOutcome, RawFacts } from './raw-facts.js';
import { qualify, resolveNames, type ResolvedNames } from './resolve.js';
import { scanTables } from './token-scan.js';

/** What facts of a statement are made with. */
export interface FactsInput {
  readonly tokens: Tokens;
  readonly range: StatementRange;
  readonly fingerprint: string;
  readonly context: NameContext;
  readonly catalogue: Catalogue;
  /** Parses one statement; the outcome is refused when the budget of the request text is used up. */
  readonly parse: (sql: string) => Promise<ParseOutcome>;
  /** Facts of a text inside the statement, for EXECUTE IMMEDIATE. */
  readonly analyseInner: (sql: string) => Promise<TextFacts>;
}

/** Facts that say nothing. */
export function bareFacts(statementClass: StatementClass, fingerprint: string): StatementFacts {
  return {
    class: statementClass,
    opaque: false,
    fingerprint,
    tablesRead: [],
    tablesWritten: [],
    columns: {},
    filters: [],
    hasSelectStar: false,
    hasCrossJoin: false,
    limit: null,
    isFree: false,
    unknown: [],
  };
}

/** Facts of the statement in `input`. Never rejects unless `parse` does. */
export async function statementFacts(input: FactsInput): Promise<StatementFacts> {
  const { tokens, range, fingerprint } = input;
  const head = classifyStatement(tokens, range);
  const bare = bareFacts(head.class, fingerprint);
  if (range.hasStray || (tokens.isUnterminated && range.to === tokens.count))
    return opaque(bare, input);
  switch (head.class) {
    case 'session':
      return { ...bare, isFree: head.verb !== 'SET' || callsOnlyCheap(tokens, range) };
    case 'transaction':
      return { ...bare, isFree: true };
    case 'metadata':
      return head.isExplain ? await explained(input, head) : { ...bare, isFree: true };
    case 'file':
    case 'administration':
      return bare;
    case 'procedure':
      return isSystemCall(tokens, head, range) ? bare : opaque(bare, input);
    case 'task':
      return definesTask(tokens, head, range) ? opaque(bare, input) : bare;
    case 'script':
      return await scriptFacts(input, head, bare);
    case 'opaque':
      return opaque(bare, input);
    case 'ddl':
      return await definitionFacts(input, head, bare);
    case 'query':
    case 'dml':
    case 'load':
    case 'unload':
      return await parsedFacts(input, bare);
  }
}

/** Tops of the parser's tree that fit each class: another one means it read something else than Snowflake would. */
const TOPS: Readonly<Partial<Record<StatementClass, ReadonlySet<string>>>> = {
  query: new Set([
    'select',
    'union',
    'intersect',
    'except',
    'subquery',
    'paren',
    'values',
    'set_statement',
  ]),
  dml: new Set(['insert', 'multitable_inserts', 'update', 'delete', 'merge', 'truncate']),
  load: new Set(['copy']),
  unload: new Set(['copy']),
};

async function parsedFacts(input: FactsInput, bare: StatementFacts): Promise<StatementFacts> {
  const { tokens, range } = input;
  const outcome = await input.parse(tokens.text.slice(range.start, range.end));
  if (outcome.kind !== 'parsed') return opaque(bare, input, isTooComplex(outcome));
  const { facts } = outcome;
  const isWriting = bare.class === 'dml' || bare.class === 'load';
  const hasTarget = facts.hasDynamicName || facts.tables.some(({ isWritten }) => isWritten);
  // What writes without a target was read wrongly.
  if (TOPS[bare.class]?.has(facts.top) === false || (isWriting && !hasTarget))
    return opaque(bare, input);
  return fromRaw(input, bare, facts);
}

function isTooComplex(outcome: ParseOutcome): boolean {
  return outcome.kind === 'refused' && outcome.isTooComplex;
}

function fromRaw(input: FactsInput, bare: StatementFacts, raw: RawFacts): StatementFacts {
  const names = resolveNames(raw, input.context, input.catalogue);
  const isTableless = raw.tables.length === 0 && !raw.hasDynamicName;
  return {
    ...bare,
    ...names,
    opaque: raw.hasDynamicName,
    hasSelectStar: raw.hasSelectStar,
    hasCrossJoin: raw.hasCrossJoin,
    limit: raw.limit,
    isFree: bare.class === 'query' && isTableless && callsOnlyCheap(input.tokens, input.range),
  };
}

/** Facts of a text that was not understood: its class stays, tables are those that words point to. */
function opaque(
  bare: StatementFacts,
  input: FactsInput,
  wasTooComplex: boolean = false,
): StatementFacts {
  const unknown: UnknownFact[] = ['tables', 'columns', 'filters'];
  if (wasTooComplex) unknown.push('too-complex');
  return { ...bare, ...scanned(input), opaque: true, unknown };
}

function scanned(input: FactsInput): Pick<ResolvedNames, 'tablesRead' | 'tablesWritten'> {
  const found = scanTables(input.tokens, input.range);
  const full = (names: readonly (readonly string[])[]): readonly string[] =>
    [...new Set(names.map((parts) => qualify(parts, input.context).name))].toSorted();
  return { tablesRead: full(found.read), tablesWritten: full(found.written) };
}

/** EXPLAIN runs nothing, but shows as much of the tables as its statement: it carries those facts. */
async function explained(input: FactsInput, head: StatementHead): Promise<StatementFacts> {
  const { tokens, range } = input;
  const start = tokens.starts[head.bodyAt] ?? range.end;
  if (head.bodyAt >= range.to || wordAt(tokens, head.bodyAt) === 'EXPLAIN') {
    return { ...opaque(bareFacts('metadata', input.fingerprint), input), isFree: true };
  }
  const body: StatementRange = { ...range, head: head.bodyAt, from: head.bodyAt, start };
  const facts = await statementFacts({ ...input, range: body });
  return { ...facts, class: 'metadata', isFree: true };
}

function isSystemCall(tokens: Tokens, head: StatementHead, range: StatementRange): boolean {
  if (head.verb !== 'CALL') return false;
  const at = nextSignificant(tokens, head.verbAt + 1, range.to);
  return wordAt(tokens, at).startsWith('SYSTEM$') && !hasAnyWord(tokens, range, QUERY_WORDS);
}

const QUERY_WORDS: ReadonlySet<string> = new Set(['SELECT', 'WITH']);

function hasAnyWord(tokens: Tokens, range: StatementRange, words: ReadonlySet<string>): boolean {
  for (let at = range.head; at < range.to; at += 1) if (words.has(wordAt(tokens, at))) return true;
  return false;
}

/** Tasks and alerts run statements later, out of sight; suspending, resuming and dropping them runs none. */
function definesTask(tokens: Tokens, head: StatementHead, range: StatementRange): boolean {
  if (head.verb === 'ALTER') return hasAnyWord(tokens, range, new Set(['AS', 'MODIFY']));
  return head.verb !== 'DROP' && head.verb !== 'UNDROP';
}

/** Objects whose definitions the parser reads well enough to name tables. */
const PARSED_OBJECTS: ReadonlySet<string> = new Set(['TABLE', 'VIEW']);

async function definitionFacts(
  input: FactsInput,
  head: StatementHead,
  bare: StatementFacts,
): Promise<StatementFacts> {
  const { tokens, range } = input;
  if (!PARSED_OBJECTS.has(head.object)) return bare;
  const outcome = await input.parse(tokens.text.slice(range.start, range.end));
  const isRead =
    outcome.kind === 'parsed' &&
    /^(?:create|drop|alter|undrop)_(?:table|view)$/.test(outcome.facts.top);
  if (isRead) return fromRaw(input, bare, outcome.facts);
  // Without a query inside, a definition that is not understood still runs none.
  if (hasAnyWord(tokens, range, QUERY_WORDS)) return opaque(bare, input, isTooComplex(outcome));
  return { ...bare, ...scanned(input), unknown: ['tables'] };
}

/** EXECUTE IMMEDIATE of a literal is what the literal says; every other script is opaque. */
async function scriptFacts(
  input: FactsInput,
  head: StatementHead,
  bare: StatementFacts,
): Promise<StatementFacts> {
  const { tokens, range } = input;
  if (head.verb !== 'EXECUTE' || range.hasFlow) return opaque(bare, input);
  const immediate = nextSignificant(tokens, head.verbAt + 1, range.to);
  const argument = nextSignificant(tokens, immediate + 1, range.to);
  const text = stringValueAt(tokens, argument);
  const next = nextSignificant(tokens, argument + 1, range.to);
  const isWhole = next >= range.to || wordAt(tokens, next) === 'USING';
  if (text === undefined || !isWhole) {
    const facts = opaque(bare, input);
    const isName = kindAt(tokens, argument) !== KIND.operator || isOperator(tokens, argument, '(');
    return isName ? { ...facts, unknown: [...facts.unknown, 'dynamic-name'] } : facts;
  }
  return merged(bare, await input.analyseInner(text));
}

/** All facts of several statements as one. */
function merged(bare: StatementFacts, text: TextFacts): StatementFacts {
  const { statements } = text;
  if (statements.length === 0)
    return { ...bare, opaque: true, unknown: ['tables', 'columns', 'filters'] };
  const all = (pick: (facts: StatementFacts) => readonly string[]): readonly string[] =>
    [...new Set(statements.flatMap(pick))].toSorted();
  const tables = all((facts) => Object.keys(facts.columns));
  return {
    ...bare,
    opaque: statements.some((facts) => facts.opaque),
    tablesRead: all((facts) => facts.tablesRead),
    tablesWritten: all((facts) => facts.tablesWritten),
    columns: Object.fromEntries(
      tables.map((table) => [table, all((facts) => facts.columns[table] ?? [])]),
    ),
    // A filter of one statement says nothing about the others.
    filters: statements.length === 1 ? (statements[0]?.filters ?? []) : [],
    hasSelectStar: statements.some((facts) => facts.hasSelectStar),
    hasCrossJoin: statements.some((facts) => facts.hasCrossJoin),
    limit: statements.length === 1 ? (statements[0]?.limit ?? null) : null,
    isFree: statements.every((facts) => facts.isFree),
    unknown: [...new Set(statements.flatMap((facts) => facts.unknown))],
  };
}
