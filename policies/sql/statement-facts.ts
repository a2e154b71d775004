/** Facts of one statement: what its class needs, from the lexer where that is enough, from the parser where not. */
import { isOperator, KIND, kindAt, nextSignificant, wordAt, type Tokens } from '#base/sql/lexer.js';
import {
  classifyStatement,
  type StatementClass,
  type StatementHead,
} from '#base/sql/statement-class.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { stringValueAt } from '#base/sql/token-values.js';
import {
  unknownInOrder,
  type Catalogue,
  type NameContext,
  type StatementFacts,
  type TextFacts,
  type UnknownFact,
} from './facts.js';
import { callsOnlyCheap } from './words/free.js';
import { merged } from './merged-facts.js';
import type { ParseOutcome, RawFacts } from './tree/raw-facts.js';
import { qualify, resolveNames, type ResolvedNames } from './resolve.js';
import { scriptParts } from './words/script-parts.js';
import { copyShell, flowParts, truncateShell } from './words/copy-shell.js';
import { definitionShell } from './words/definition-shell.js';
import { partOf, type StatementShell } from './words/statement-shell.js';
import { scanTables } from './words/token-scan.js';
import type { TokenName } from './words/token-cursor.js';
import { TokenList } from './words/token-list.js';
import { isSteering, NO_TRAITS, traitsOf } from './words/traits.js';

/** What facts of a statement are made with. */
export interface FactsInput {
  readonly tokens: Tokens;
  readonly range: StatementRange;
  /** The tokens of `range`. */
  readonly list: TokenList;
  readonly fingerprint: string;
  readonly context: NameContext;
  readonly catalogue: Catalogue;
  /** Parses the statement in `list`; the outcome is refused when the budget of the request text is used up. */
  readonly parse: (list: TokenList) => Promise<ParseOutcome>;
  /** Lets others have the event loop when this text has kept it for a while. */
  readonly rest: () => Promise<void>;
  /** Statements around this one. */
  readonly depth: number;
  /** Facts of a text inside the statement, for EXECUTE IMMEDIATE. */
  readonly analyseInner: (sql: string) => Promise<TextFacts>;
}

/** Facts that say nothing. */
export function bareFacts(statementClass: StatementClass, fingerprint: string): StatementFacts {
  return {
    class: statementClass,
    opaque: false,
    fingerprint,
    literalsHash: '',
    tablesRead: [],
    tablesWritten: [],
    columns: {},
    filters: [],
    readings: [],
    joins: [],
    hasSelectStar: false,
    hasCrossJoin: false,
    limit: null,
    ...NO_TRAITS,
    innerClasses: [],
    setsWarehouse: false,
    isFree: false,
    unknown: [],
  };
}

/** Facts of the statement in `input`. Never rejects unless `parse` does. */
export async function statementFacts(input: FactsInput): Promise<StatementFacts> {
  const head = classifyStatement(input.tokens, input.range);
  const { traits, runsHiddenText } = traitsOf(input.list, head);
  await input.rest();
  const isQuery = head.class === 'query' || head.class === 'procedure';
  const bare: StatementFacts = {
    ...bareFacts(
      isQuery && isSteering(traits.functions) ? 'administration' : head.class,
      input.fingerprint,
    ),
    ...traits,
  };
  const facts = await classFacts(input, head, bare);
  if (!runsHiddenText) return { ...facts, unknown: unknownInOrder(facts.unknown) };
  const unknown = unknownInOrder([...facts.unknown, 'tables', 'dynamic-name']);
  return { ...facts, opaque: true, isFree: false, unknown };
}

async function classFacts(
  input: FactsInput,
  head: StatementHead,
  bare: StatementFacts,
): Promise<StatementFacts> {
  const { tokens, range } = input;
  if (range.hasStray || (tokens.isUnterminated && range.to === tokens.count))
    return opaque(bare, input);
  switch (head.class) {
    case 'session':
      return {
        ...bare,
        setsWarehouse: head.use === 'warehouse',
        isFree: head.verb !== 'SET' || callsOnlyCheap(tokens, range),
      };
    case 'transaction':
      return { ...bare, isFree: true };
    case 'metadata':
      return head.isExplain ? await explained(input, head) : { ...bare, isFree: true };
    case 'file':
      return head.verb === 'COPY'
        ? await shellFacts(input, bare, copyShell(tokens, range, head, false))
        : bare;
    case 'administration':
      return bare;
    case 'procedure':
      return isSystemCall(tokens, head, range) ? bare : opaque(bare, input);
    case 'task':
      return await taskFacts(input, head, bare);
    case 'script':
      return await scriptFacts(input, head, bare);
    case 'opaque':
      return opaque(bare, input);
    case 'ddl':
      return await definitionFacts(input, head, bare);
    case 'load':
    case 'unload':
      return await shellFacts(input, bare, copyShell(tokens, range, head, head.class === 'load'));
    case 'query':
      return await parsedFacts(input, head, bare);
    case 'dml':
      return head.verb === 'TRUNCATE'
        ? await shellFacts(input, bare, truncateShell(tokens, range, head))
        : await parsedFacts(input, head, bare);
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
  dml: new Set(['insert', 'multitable_inserts', 'update', 'delete', 'merge']),
};

async function parsedFacts(
  input: FactsInput,
  head: StatementHead,
  bare: StatementFacts,
): Promise<StatementFacts> {
  const outcome = await input.parse(input.list);
  if (outcome.kind !== 'parsed') return opaque(bare, input, isTooComplex(outcome));
  const { facts } = outcome;
  const hasTarget = facts.hasDynamicName || facts.tables.some(({ isWritten }) => isWritten);
  // What writes without a target was read wrongly.
  if (TOPS[head.class]?.has(facts.top) === false || (head.class === 'dml' && !hasTarget))
    return opaque(bare, input);
  return fromRaw(input, bare, facts);
}

/** Facts of a statement that is keywords around names and queries: those of its parts and of its own words. */
async function shellFacts(
  input: FactsInput,
  bare: StatementFacts,
  shell: StatementShell,
  isListing: boolean = false,
): Promise<StatementFacts> {
  const inner = await partsFacts(input, shell.inner);
  const names = [...shell.written, ...shell.read];
  const isDynamic = names.some((name) => name.isDynamic);
  const full = ({ parts }: TokenName): ReturnType<typeof qualify> => qualify(parts, input.context);
  const known = (list: readonly TokenName[]): readonly string[] =>
    list.filter((name) => !name.isDynamic).map((name) => full(name).name);
  const unknown: UnknownFact[] = isDynamic ? ['tables', 'dynamic-name'] : [];
  if (names.some((name) => !name.isDynamic && !full(name).isComplete)) unknown.push('tables');
  if (shell.hasUnknownColumns) unknown.push('columns');
  const touched = [
    ...shell.columns,
    ...shell.whole.map((table) => ({ table, columns: ['*'] })),
  ].filter(({ table }) => !table.isDynamic);
  const own: StatementFacts = {
    ...bare,
    opaque: isDynamic,
    tablesRead: known(shell.read),
    tablesWritten: known(shell.written),
    columns: Object.fromEntries(touched.map(({ table, columns }) => [full(table).name, columns])),
    unknown,
  };
  if (inner.length === 0) return sorted(own);
  const facts = merged(own, inner);
  // The query of a definition or of COPY is part of it; what a task or pipe runs later is listed.
  return {
    ...facts,
    isFree: false,
    limit: null,
    innerClasses: isListing ? facts.innerClasses : [],
  };
}

/** A task that defines a task, and so on: nobody writes more, and each level reads the rest of the text again. */
const DEPTH_MAX = 4;
/** Statements that are looked at inside one: with more the text is as good as unread. */
const PARTS_MAX = 1_000;

/** Facts of the statements inside another, in order. */
async function partsFacts(
  input: FactsInput,
  parts: readonly StatementRange[],
): Promise<readonly StatementFacts[]> {
  const facts: StatementFacts[] = [];
  const depth = input.depth + 1;
  if (depth > DEPTH_MAX || parts.length > PARTS_MAX)
    return [opaque(bareFacts('opaque', input.fingerprint), input, true)];
  for (const range of parts)
    facts.push(
      await statementFacts({ ...input, range, list: new TokenList(input.tokens, range), depth }),
    );
  return facts;
}

function sorted(facts: StatementFacts): StatementFacts {
  return {
    ...facts,
    tablesRead: [...new Set(facts.tablesRead)].toSorted(),
    tablesWritten: [...new Set(facts.tablesWritten)].toSorted(),
  };
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
    isFree: bare.class !== 'dml' && isTableless && callsOnlyCheap(input.tokens, input.range),
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
  const body = partOf(tokens, range, head.bodyAt, range.to);
  if (body === undefined || wordAt(tokens, head.bodyAt) === 'EXPLAIN') {
    return { ...opaque(bareFacts('metadata', input.fingerprint), input), isFree: true };
  }
  const inner: StatementRange = { ...body, hasBlock: range.hasBlock };
  const list = new TokenList(tokens, inner);
  const facts = await statementFacts({ ...input, range: inner, list });
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

const CHANGES_OF_BODY: ReadonlySet<string> = new Set(['AS', 'ACTION', 'CONDITION']);

/** Tasks and alerts run statements later, out of sight; suspending, resuming and dropping them runs none. */
function definesTask(tokens: Tokens, head: StatementHead, range: StatementRange): boolean {
  if (head.verb === 'ALTER') return hasAnyWord(tokens, range, CHANGES_OF_BODY);
  return head.verb !== 'DROP' && head.verb !== 'UNDROP';
}

/** Definitions are read from their words; what they select from is parsed. */
async function definitionFacts(
  input: FactsInput,
  head: StatementHead,
  bare: StatementFacts,
): Promise<StatementFacts> {
  const shell = definitionShell(input.tokens, input.range, head);
  if (shell === undefined) return bare;
  const facts = await shellFacts(input, bare, shell);
  return head.object === 'VIEW' ? withoutSelf(facts) : facts;
}

/** A view that reads itself is recursive: its name stands for its own rows. */
function withoutSelf(facts: StatementFacts): StatementFacts {
  const isOther = (table: string): boolean => !facts.tablesWritten.includes(table);
  return {
    ...facts,
    tablesRead: facts.tablesRead.filter(isOther),
    columns: Object.fromEntries(Object.entries(facts.columns).filter(([table]) => isOther(table))),
    filters: facts.filters.filter(({ table }) => isOther(table)),
    readings: facts.readings.filter(({ table }) => isOther(table)),
    joins: facts.joins.filter(
      ({ leftTable, rightTable }) => isOther(leftTable) && isOther(rightTable),
    ),
  };
}

/** Tasks and alerts run what they hold later, out of sight, so that they stay opaque; what they hold is listed. */
async function taskFacts(
  input: FactsInput,
  head: StatementHead,
  bare: StatementFacts,
): Promise<StatementFacts> {
  const shell = definitionShell(input.tokens, input.range, head);
  const isLater = head.object === 'TASK' || head.object === 'ALERT';
  const isListing = isLater || head.object === 'PIPE';
  const facts = shell === undefined ? bare : await shellFacts(input, bare, shell, isListing);
  return isLater && definesTask(input.tokens, head, input.range)
    ? { ...facts, opaque: true, unknown: allUnknown(facts.unknown) }
    : facts;
}

function allUnknown(known: readonly UnknownFact[]): readonly UnknownFact[] {
  return [...new Set<UnknownFact>(['tables', 'columns', 'filters', ...known])];
}

/** A chain and a block are their parts; EXECUTE IMMEDIATE of a literal is what the literal says. */
async function scriptFacts(
  input: FactsInput,
  head: StatementHead,
  bare: StatementFacts,
): Promise<StatementFacts> {
  const { tokens, range } = input;
  if (range.hasFlow && !range.hasBlock) {
    const parts = await partsFacts(input, flowParts(tokens, range));
    return parts.length === 0 ? opaque(bare, input) : merged(bare, parts);
  }
  if (head.verb !== 'EXECUTE') {
    const parts = await partsFacts(input, scriptParts(tokens, range));
    const facts = merged({ ...bare, opaque: true }, parts);
    return {
      ...facts,
      filters: [],
      readings: [],
      isFree: false,
      unknown: allUnknown(facts.unknown),
    };
  }
  return await immediateFacts(input, head, bare);
}

async function immediateFacts(
  input: FactsInput,
  head: StatementHead,
  bare: StatementFacts,
): Promise<StatementFacts> {
  const { tokens, range } = input;
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
  const { statements } = await input.analyseInner(text);
  return statements.length === 0
    ? { ...bare, opaque: true, unknown: allUnknown([]) }
    : merged(bare, statements);
}
