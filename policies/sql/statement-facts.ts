/** Facts of one statement: what its class needs, from the lexer where that is enough, from the parser where not. */
import { isOperator, KIND, kindAt, nextSignificant, wordAt, type Tokens } from '#base/sql/lexer.js';
import { classifyStatement, type StatementHead } from '#base/sql/statement-class.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { withRests } from '#base/sql/steps.js';
import { stringValueAt } from '#base/sql/token-values.js';
import { allUnknown, bareFacts, opaqueFacts, withoutSelf, withSortedTables } from './bare-facts.js';
import { unknownInOrder, type StatementFacts, type TextFacts, type UnknownFact } from './facts.js';
import { callsOnlyCheap, isPlainSelect } from './words/free.js';
import { merged } from './merged-facts.js';
import { parsedFacts, type ParseInput } from './parsed-facts.js';
import { qualify } from './resolve.js';
import { scriptPartSteps } from './words/script-parts.js';
import type { ShapeFacts } from './shape-outcome.js';
import { areasOf } from './areas.js';
import { copyShell, flowPartSteps, truncateShell } from './words/copy-shell.js';
import { grantShell } from './words/area-shell.js';
import { definitionShell } from './words/definition-shell.js';
import { partOf, type StatementShell } from './words/statement-shell.js';
import type { TokenName } from './words/token-cursor.js';
import { TokenList } from './words/token-list.js';
import { isSteering, traitSteps } from './words/traits.js';

/** Facts that are kept for all statements of one shape. */
export interface FactsOfShapes {
  /** Facts of the statement by those of another of its shape; undefined when none are known that serve it. */
  recall(range: StatementRange, head: StatementHead): Promise<StatementFacts | undefined>;
  keep(range: StatementRange, head: StatementHead, facts: ShapeFacts): Promise<void>;
}

/** What facts of a statement are made with. */
export interface FactsInput extends ParseInput {
  readonly fingerprint: string;
  readonly shapes: FactsOfShapes;
  /** Statements around this one. */
  readonly depth: number;
  /** Facts of a text inside the statement, for EXECUTE IMMEDIATE. */
  readonly analyseInner: (sql: string) => Promise<TextFacts>;
}

/** Facts of the statement in `input`. Never rejects unless `parse` does. */
export async function statementFacts(input: FactsInput): Promise<StatementFacts> {
  const { tokens, range } = input;
  const head = classifyStatement(tokens, range);
  const known = await input.shapes.recall(range, head);
  if (known !== undefined)
    return known.fingerprint === input.fingerprint
      ? known
      : { ...known, fingerprint: input.fingerprint };
  const isPlain = head.class === 'query' && !isDoubtful(input) && isPlainSelect(tokens, range);
  const list = new TokenList(tokens, range);
  const { traits, runsHiddenText } = await withRests(traitSteps(list, head), input.rest);
  await input.rest();
  const isQuery = head.class === 'query' || head.class === 'procedure';
  const bare: StatementFacts = {
    ...bareFacts(
      isQuery && isSteering(traits.functions) ? 'administration' : head.class,
      input.fingerprint,
    ),
    ...traits,
  };
  const finished = (facts: StatementFacts): StatementFacts =>
    runsHiddenText ? withHiddenText(facts) : inOrder(facts);
  if (isPlain && !runsHiddenText) return { ...bare, isFree: true };
  if (!isParsed(input, head)) return finished(await classFacts(input, head, bare));
  const parsed = await parsedFacts(input, list, head, bare);
  const facts = finished(parsed.facts);
  if (parsed.shared !== undefined)
    await input.shapes.keep(range, head, { facts, ...parsed.shared });
  return facts;
}

function inOrder(facts: StatementFacts): StatementFacts {
  return { ...facts, unknown: unknownInOrder(facts.unknown) };
}

/** Facts of a statement that runs or calls what its words do not show. */
function withHiddenText(facts: StatementFacts): StatementFacts {
  const unknown = unknownInOrder([...facts.unknown, 'tables', 'dynamic-name']);
  return { ...facts, opaque: true, isFree: false, unknown };
}

/** Whether the words are no words anybody can be sure of. */
function isDoubtful({ tokens, range }: FactsInput): boolean {
  return range.hasStray || (tokens.isUnterminated && range.to === tokens.count);
}

/** Whether the statement goes to the parser as it is. */
function isParsed(input: FactsInput, head: StatementHead): boolean {
  if (isDoubtful(input)) return false;
  return head.class === 'query' || (head.class === 'dml' && head.verb !== 'TRUNCATE');
}

/** Facts of a statement that does not go to the parser as it is. */
async function classFacts(
  input: FactsInput,
  head: StatementHead,
  bare: StatementFacts,
): Promise<StatementFacts> {
  const { tokens, range } = input;
  if (isDoubtful(input)) return await opaqueFacts(bare, input);
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
      return GRANTING.has(head.verb)
        ? await shellFacts(input, bare, grantShell(tokens, range, head))
        : bare;
    case 'procedure':
      return isSystemCall(tokens, head, range) ? bare : await opaqueFacts(bare, input);
    case 'task':
      return await taskFacts(input, head, bare);
    case 'script':
      return await scriptFacts(input, head, bare);
    case 'query':
    case 'opaque':
      return await opaqueFacts(bare, input);
    case 'ddl':
      return await definitionFacts(input, head, bare);
    case 'load':
    case 'unload':
      return await shellFacts(input, bare, copyShell(tokens, range, head, head.class === 'load'));
    case 'dml':
      return await shellFacts(input, bare, truncateShell(tokens, range, head));
  }
}

const GRANTING: ReadonlySet<string> = new Set(['GRANT', 'REVOKE']);

/** Facts of a statement that is keywords around names and queries: those of its parts and of its own words. */
async function shellFacts(
  input: FactsInput,
  bare: StatementFacts,
  shell: StatementShell,
  isListing: boolean = false,
): Promise<StatementFacts> {
  const inner = await partsFacts(input, shell.inner);
  const names = [...shell.written, ...shell.read];
  const areas = areasOf(shell.areas, input.context);
  const isDynamic = areas.isDynamic || names.some((name) => name.isDynamic);
  const full = ({ parts }: TokenName): ReturnType<typeof qualify> => qualify(parts, input.context);
  const known = (list: readonly TokenName[]): readonly string[] =>
    list.filter((name) => !name.isDynamic).map((name) => full(name).name);
  const unknown: UnknownFact[] = isDynamic ? ['tables', 'dynamic-name'] : [];
  if (names.some((name) => !name.isDynamic && !full(name).isComplete)) unknown.push('tables');
  if (shell.hasUnlistedTables || !areas.areComplete) unknown.push('tables');
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
    areas: areas.known,
    columns: Object.fromEntries(touched.map(({ table, columns }) => [full(table).name, columns])),
    unknown: [...new Set(unknown)],
  };
  if (inner.length === 0) return withSortedTables(own);
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
    return [await opaqueFacts(bareFacts('opaque', input.fingerprint), input, true)];
  for (const range of parts) facts.push(await statementFacts({ ...input, range, depth }));
  return facts;
}

/** EXPLAIN runs nothing, but shows as much of the tables as its statement: it carries those facts. */
async function explained(input: FactsInput, head: StatementHead): Promise<StatementFacts> {
  const { tokens, range } = input;
  const body = partOf(tokens, range, head.bodyAt, range.to);
  if (body === undefined || wordAt(tokens, head.bodyAt) === 'EXPLAIN') {
    return {
      ...(await opaqueFacts(bareFacts('metadata', input.fingerprint), input)),
      isFree: true,
    };
  }
  const inner: StatementRange = { ...body, hasBlock: range.hasBlock };
  const facts = await statementFacts({ ...input, range: inner });
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

/** A chain and a block are their parts; EXECUTE IMMEDIATE of a literal is what the literal says. */
async function scriptFacts(
  input: FactsInput,
  head: StatementHead,
  bare: StatementFacts,
): Promise<StatementFacts> {
  const { tokens, range } = input;
  if (range.hasFlow && !range.hasBlock) {
    const found = await withRests(flowPartSteps(tokens, range), input.rest);
    const parts = await partsFacts(input, found);
    return parts.length === 0 ? await opaqueFacts(bare, input) : merged(bare, parts);
  }
  if (head.verb !== 'EXECUTE') {
    const found = await withRests(scriptPartSteps(tokens, range), input.rest);
    const parts = await partsFacts(input, found);
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
    const facts = await opaqueFacts(bare, input);
    const isName = kindAt(tokens, argument) !== KIND.operator || isOperator(tokens, argument, '(');
    return isName ? { ...facts, unknown: [...facts.unknown, 'dynamic-name'] } : facts;
  }
  const { statements } = await input.analyseInner(text);
  return statements.length === 0
    ? { ...bare, opaque: true, unknown: allUnknown([]) }
    : merged(bare, statements);
}
