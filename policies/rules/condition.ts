/**
 * Conditions of rules, in CEL. Text is compiled once per control version, typed, and bounded before it ever runs:
 * nodes, depth, and the steps that nested `exists`, `all`, `filter` and `map` can take over lists.
 */
import { type ASTNode, Environment, type ParseResult } from '@marcbachmann/cel-js';
import { tryParseCredits } from '#base/units.js';
import { toError } from '#base/errors.js';
import { foldName, matchesGlob } from './glob.js';

/** Longest condition text, in characters. */
export const CONDITION_LENGTH_MAX = 4_000;
/** Longest list a condition is evaluated over; a statement with a longer one counts as not evaluable. */
export const LIST_LENGTH_MAX = 500;
/** Most steps one evaluation may take. */
export const CONDITION_COST_MAX = 2_000_000;

const ITERATING = new Set(['exists', 'exists_one', 'all', 'filter', 'map']);

/** What a condition can see. Names and types are the public contract of rule authors. */
export interface ConditionInput {
  readonly statement: {
    readonly class: string;
    readonly opaque: boolean;
    readonly tablesRead: readonly string[];
    readonly tablesWritten: readonly string[];
    /** `DB.SCHEMA.TABLE.COLUMN`; `….*` for all columns. */
    readonly columns: readonly string[];
    /** Columns compared with literals, as `DB.SCHEMA.TABLE.COLUMN`. */
    readonly filtered: readonly string[];
    readonly selectStar: boolean;
    readonly crossJoin: boolean;
    readonly hasLimit: boolean;
    readonly unknown: readonly string[];
    /** `none`, `internal`, `external` or `unknown`: the stage that a load, unload or file statement names. */
    readonly location: string;
    /** Functions called, upper-cased unless quoted, qualified as written: `SNOWFLAKE.CORTEX.COMPLETE`. */
    readonly functions: readonly string[];
    /** Stages and addresses, as written: `@~/f`, `@db.s.st/p`, `s3://b/p`. */
    readonly stages: readonly string[];
    /** Equalities and comparisons between columns, as `DB.S.T.A = DB.S.U.B`. */
    readonly joins: readonly string[];
    /** Classes of the statements inside a block, a task, a chain of `->>` or an EXECUTE IMMEDIATE of a literal. */
    readonly innerClasses: readonly string[];
    readonly aggregation: boolean;
    readonly window: boolean;
    readonly timeTravel: boolean;
    readonly sample: boolean;
    /** What it changes of session, warehouses or account: `USE WAREHOUSE X`, `ALTER SESSION P`; `?`: a name not seen. */
    readonly steers: readonly string[];
    /** Tables read that some reading does not filter by their clustering column. */
    readonly fullScans: readonly string[];
  };
  readonly estimate: {
    readonly basis: string;
    /** Pico-credits: compare with `credits("1.5")`. */
    readonly expectedCredits: bigint;
    readonly highCredits: bigint;
    readonly expectedSeconds: number;
    /** -1 when not known. */
    readonly bytes: bigint;
    /** Bytes, and number of columns, of each table of `statement.tablesRead`; -1 where not known. */
    readonly tableBytes: Readonly<Record<string, bigint>>;
    readonly columnCounts: Readonly<Record<string, bigint>>;
    /** Clustering columns that the statement does not filter, as `DB.SCHEMA.TABLE.COLUMN`. */
    readonly missingFilters: readonly string[];
  };
  readonly caller: {
    readonly account: string;
    readonly principal: string;
    readonly kind: string;
    readonly shared: boolean;
    /** Id of the shared principal that the statement came through by a claim; empty without one. */
    readonly via: string;
    readonly team: string;
    readonly department: string;
    readonly client: string;
    readonly workload: string;
    readonly role: string;
  };
  readonly tier: string;
  readonly warehouse: string;
  readonly now: Date;
}

/** A condition that was compiled; `matches` throws only for a bug or a list above {@link LIST_LENGTH_MAX}. */
export interface Condition {
  readonly text: string;
  /** Upper bound of evaluation steps. */
  readonly cost: number;
  /** It compares credits with a plain number, which counts pico-credits: hardly ever what its author means. */
  readonly comparesPlainNumber: boolean;
  matches(input: ConditionInput): boolean;
}

export type ConditionResult =
  | { readonly ok: true; readonly condition: Condition }
  | { readonly ok: false; readonly problem: string };

/** Compiles condition texts against the one vocabulary; make it once and keep it. */
export interface ConditionCompiler {
  compile(text: string): ConditionResult;
}

/** A compiler of conditions. Compiling is total: text that is not a bounded boolean condition comes back as a problem. */
export function createConditionCompiler(): ConditionCompiler {
  const environment = createEnvironment();
  return { compile: (text) => compile(environment, text) };
}

/** Types of {@link ConditionInput.statement}. */
const STATEMENT_SCHEMA = {
  class: 'string',
  opaque: 'bool',
  tablesRead: 'list<string>',
  tablesWritten: 'list<string>',
  columns: 'list<string>',
  filtered: 'list<string>',
  selectStar: 'bool',
  crossJoin: 'bool',
  hasLimit: 'bool',
  unknown: 'list<string>',
  location: 'string',
  functions: 'list<string>',
  stages: 'list<string>',
  joins: 'list<string>',
  innerClasses: 'list<string>',
  aggregation: 'bool',
  window: 'bool',
  timeTravel: 'bool',
  sample: 'bool',
  steers: 'list<string>',
  fullScans: 'list<string>',
};

function createEnvironment(): Environment {
  return new Environment({
    unlistedVariablesAreDyn: false,
    limits: {
      maxAstNodes: 500,
      maxDepth: 40,
      maxListElements: 200,
      maxMapEntries: 50,
      maxCallArguments: 8,
    },
  })
    .registerVariable({
      name: 'statement',
      schema: STATEMENT_SCHEMA,
    })
    .registerVariable({
      name: 'estimate',
      schema: {
        basis: 'string',
        expectedCredits: 'int',
        highCredits: 'int',
        expectedSeconds: 'double',
        bytes: 'int',
        tableBytes: 'map<string, int>',
        columnCounts: 'map<string, int>',
        missingFilters: 'list<string>',
      },
    })
    .registerVariable({
      name: 'caller',
      schema: {
        account: 'string',
        principal: 'string',
        kind: 'string',
        shared: 'bool',
        via: 'string',
        team: 'string',
        department: 'string',
        client: 'string',
        workload: 'string',
        role: 'string',
      },
    })
    .registerVariable('tier', 'string')
    .registerVariable('warehouse', 'string')
    .registerVariable('now', 'google.protobuf.Timestamp')
    .registerFunction('credits(string): int', (text: string) => {
      const amount = tryParseCredits(text);
      if (amount === undefined) throw new Error(`credits("${text}") is not a decimal amount`);
      return BigInt(amount);
    })
    .registerFunction('identifier(string): string', (id: string) =>
      foldName(id).replace(/[^A-Z0-9_$]/g, '_'),
    )
    .registerFunction('glob(string, string): bool', (text: string, pattern: string) =>
      matchesGlob(foldName(text), foldName(pattern)),
    );
}

function compile(environment: Environment, text: string): ConditionResult {
  if (text.length > CONDITION_LENGTH_MAX)
    return { ok: false, problem: `is longer than ${CONDITION_LENGTH_MAX} characters` };
  let parsed: ParseResult;
  try {
    parsed = environment.parse(text);
    const check = parsed.check();
    if (!check.valid)
      return { ok: false, problem: firstLine(check.error?.message ?? 'has a type error') };
    if (check.type !== undefined && String(check.type) !== 'bool')
      return { ok: false, problem: `gives ${String(check.type)}, not true or false` };
  } catch (thrown) {
    return { ok: false, problem: firstLine(toError(thrown).message) };
  }
  const refused = findRefused(parsed.ast);
  if (refused !== undefined) return { ok: false, problem: refused };
  const cost = costOf(parsed.ast);
  if (cost > CONDITION_COST_MAX)
    return {
      ok: false,
      problem: `may take ${cost} steps; at most ${CONDITION_COST_MAX} are allowed`,
    };
  const comparesPlainNumber = someNode(parsed.ast, isPlainComparison);
  const lists = LISTS.filter(({ onlyIn }) => onlyIn === undefined || text.includes(onlyIn));
  const matches = (input: ConditionInput): boolean => evaluate(parsed, lists, input);
  return { ok: true, condition: { text, cost, comparesPlainNumber, matches } };
}

function evaluate(parsed: ParseResult, lists: readonly List[], input: ConditionInput): boolean {
  const tooLong = lists.find(({ of }) => of(input).length > LIST_LENGTH_MAX);
  if (tooLong !== undefined)
    throw new Error(`the statement has more than ${LIST_LENGTH_MAX} ${tooLong.what}`);
  return parsed({ ...input }) === true;
}

/** A list whose length counts; a long script stops only the conditions that look into it. */
interface List {
  readonly what: string;
  /** The word of a condition that looks into it; absent: its length counts for all conditions. */
  readonly onlyIn?: string;
  readonly of: (input: ConditionInput) => readonly string[];
}

const LISTS: readonly List[] = [
  { what: 'tables', of: ({ statement }) => statement.tablesRead },
  { what: 'tables that it writes', of: ({ statement }) => statement.tablesWritten },
  { what: 'columns', of: ({ statement }) => statement.columns },
  { what: 'filtered columns', of: ({ statement }) => statement.filtered },
  { what: 'missing filters', of: ({ estimate }) => estimate.missingFilters },
  ...(['functions', 'stages', 'joins', 'innerClasses', 'steers', 'fullScans'] as const).map(
    (name): List => ({ what: name, onlyIn: name, of: ({ statement }) => statement[name] }),
  ),
];

function firstLine(message: string): string {
  return message.split('\n', 1)[0]?.trim() ?? message;
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  if (typeof node.args !== 'object' || node.args === null || node.args instanceof Uint8Array)
    return [];
  return [node.args].flat(3).filter(isNode);
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

/** What the engine would take and no rule may say: it would stop the proxy, or fail on every statement. */
function findRefused(node: ASTNode): string | undefined {
  // `matches` is a backtracking regular expression in this engine.
  if ((node.op === 'rcall' || node.op === 'call') && node.args[0] === 'matches')
    return 'uses matches(): use startsWith, endsWith, contains or glob(text, pattern) instead';
  if (isCreditsCall(node)) {
    const amount = valueOf(childrenOf(node)[0]);
    if (typeof amount === 'string' && tryParseCredits(amount) === undefined)
      return `credits("${amount}") is no decimal amount, such as credits("1.5")`;
  }
  for (const child of childrenOf(node)) {
    const refused = findRefused(child);
    if (refused !== undefined) return refused;
  }
  return undefined;
}

const COMPARING = new Set<string>(['<', '<=', '>', '>=', '==', '!=']);
const CREDIT_FIELDS = new Set<unknown>(['expectedCredits', 'highCredits']);

/** `estimate.highCredits > 1`, either way round; 0 is 0 in every unit. */
function isPlainComparison(node: ASTNode): boolean {
  if (!COMPARING.has(node.op)) return false;
  const [left, right] = childrenOf(node);
  return (isCredits(left) && isPlainNumber(right)) || (isPlainNumber(left) && isCredits(right));
}

function isCredits(node: ASTNode | undefined): boolean {
  if (node === undefined) return false;
  return isCreditsCall(node) || (node.op === '.' && CREDIT_FIELDS.has(node.args[1]));
}

function isCreditsCall(node: ASTNode): boolean {
  return node.op === 'call' && node.args[0] === 'credits';
}

function isPlainNumber(node: ASTNode | undefined): boolean {
  const value = valueOf(node);
  return (typeof value === 'bigint' && value !== 0n) || (typeof value === 'number' && value !== 0);
}

function valueOf(node: ASTNode | undefined): unknown {
  return node?.op === 'value' ? node.args : undefined;
}

function someNode(node: ASTNode, is: (node: ASTNode) => boolean): boolean {
  return is(node) || childrenOf(node).some((child) => someNode(child, is));
}

/** Steps in the worst case: the body of an iteration runs once per element. */
function costOf(node: ASTNode): number {
  const inner = childrenOf(node).reduce((sum, child) => sum + costOf(child), 1);
  return node.op === 'rcall' && ITERATING.has(node.args[0]) ? inner * LIST_LENGTH_MAX : inner;
}
