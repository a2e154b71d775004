/**
 * What kind of statement a text is, by its leading words alone: works for every statement, also those that no parser
 * reads. Whatever the words do not settle is `opaque`.
 */
import {
  isOperator,
  KIND,
  kindAt,
  nextSignificant,
  operatorCodeAt,
  textAt,
  wordAt,
  type Tokens,
} from './lexer.js';
import { isTransactionStart, type StatementRange } from './splitter.js';
import { stringValueAt } from './token-values.js';

export const STATEMENT_CLASSES = [
  'query',
  'dml',
  'ddl',
  'session',
  'transaction',
  'metadata',
  'load',
  'unload',
  'file',
  'procedure',
  'script',
  'task',
  'administration',
  'opaque',
] as const;
export type StatementClass = (typeof STATEMENT_CLASSES)[number];

/** What USE changes. */
export type UseTarget = 'warehouse' | 'role' | 'secondary-roles' | 'database' | 'schema';

/** The leading words of one statement and what follows from them. */
export interface StatementHead {
  readonly class: StatementClass;
  /** First keyword, upper-cased, `DESC`, `LS`, `RM` written out; empty when the text starts with none. */
  readonly verb: string;
  /** Kind of object of CREATE, ALTER, DROP, SHOW, DESCRIBE, USE, EXECUTE (`SESSION`, `RESOURCE MONITOR`), else empty. */
  readonly object: string;
  /** Last token of the kind of object; `verbAt` when there is none. */
  readonly objectAt: number;
  /** Token of the first keyword, after leading brackets. */
  readonly verbAt: number;
  readonly isShowParameters: boolean;
  readonly isAlterSession: boolean;
  /** What USE changes; null for every other statement. */
  readonly use: UseTarget | null;
  /** EXPLAIN in any form; `bodyAt` is the first token of the statement explained. */
  readonly isExplain: boolean;
  /** `EXPLAIN COST …`, which Snowflake does not have. */
  readonly isExplainCost: boolean;
  readonly bodyAt: number;
}

const QUERY_VERBS: ReadonlySet<string> = new Set(['SELECT', 'VALUES']);
const DML_VERBS: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

const CLASS_OF_VERB: ReadonlyMap<string, StatementClass> = new Map([
  ['SELECT', 'query'],
  ['VALUES', 'query'],
  ['INSERT', 'dml'],
  ['UPDATE', 'dml'],
  ['DELETE', 'dml'],
  ['MERGE', 'dml'],
  ['TRUNCATE', 'dml'],
  ['CREATE', 'ddl'],
  ['ALTER', 'ddl'],
  ['DROP', 'ddl'],
  ['UNDROP', 'ddl'],
  ['COMMENT', 'ddl'],
  ['DEFINE', 'ddl'],
  ['USE', 'session'],
  ['SET', 'session'],
  ['UNSET', 'session'],
  ['START', 'transaction'],
  ['COMMIT', 'transaction'],
  ['ROLLBACK', 'transaction'],
  ['SHOW', 'metadata'],
  ['DESCRIBE', 'metadata'],
  ['EXPLAIN', 'metadata'],
  ['LIST', 'metadata'],
  ['PUT', 'file'],
  ['GET', 'file'],
  ['REMOVE', 'file'],
  ['CALL', 'procedure'],
  ['GRANT', 'administration'],
  ['REVOKE', 'administration'],
  ['DECLARE', 'script'],
]);

const WRITTEN_OUT: Readonly<Record<string, string>> = {
  DESC: 'DESCRIBE',
  LS: 'LIST',
  RM: 'REMOVE',
};

const OBJECT_VERBS: ReadonlySet<string> = new Set(
  'CREATE DEFINE ALTER DROP UNDROP COMMENT SHOW DESCRIBE USE EXECUTE'.split(' '),
);

/** Words between CREATE, ALTER, DROP, SHOW or COMMENT ON and the kind of object. */
const OBJECT_MODIFIERS: ReadonlySet<string> = new Set(
  (
    'OR REPLACE ALTER IF NOT EXISTS ON SCOPED TEMP TEMPORARY LOCAL GLOBAL VOLATILE TRANSIENT SECURE RECURSIVE EXTERNAL INTERACTIVE ' +
    'HYBRID ICEBERG DYNAMIC EVENT MATERIALIZED SEMANTIC AGGREGATE TERSE CASCADE DATA METRIC ADAPTIVE'
  ).split(' '),
);

/** Modifiers that are also kinds of object, or begin one, unless a kind follows. */
const OBJECT_OF_MODIFIER: Readonly<Record<string, readonly string[]>> = {
  EXTERNAL: ['VOLUME', 'ACCESS', 'FUNCTION'],
};

/** Kinds of object of two words, by the first. */
const TWO_WORD_OBJECTS: Readonly<Record<string, readonly string[]>> = {
  RESOURCE: ['MONITOR'],
  NETWORK: ['POLICY', 'RULE'],
  MASKING: ['POLICY'],
  ROW: ['ACCESS'],
  SESSION: ['POLICY'],
  PASSWORD: ['POLICY'],
  AUTHENTICATION: ['POLICY'],
  AGGREGATION: ['POLICY'],
  PROJECTION: ['POLICY'],
  JOIN: ['POLICY'],
  PRIVACY: ['POLICY'],
  PACKAGES: ['POLICY'],
  FEATURE: ['POLICY'],
  SNAPSHOT: ['POLICY', 'SET'],
  SECURITY: ['INTEGRATION'],
  API: ['INTEGRATION'],
  CATALOG: ['INTEGRATION'],
  NOTIFICATION: ['INTEGRATION'],
  ACCESS: ['INTEGRATION'],
  MANAGED: ['ACCOUNT'],
  DATABASE: ['ROLE'],
  APPLICATION: ['ROLE', 'PACKAGE'],
  FAILOVER: ['GROUP'],
  REPLICATION: ['GROUP'],
  COMPUTE: ['POOL'],
  FILE: ['FORMAT'],
  SECONDARY: ['ROLES'],
  BACKUP: ['POLICY', 'SET'],
  STORAGE: ['INTEGRATION', 'LIFECYCLE'],
  ORGANIZATION: ['ACCOUNT', 'PROFILE', 'LISTING', 'USER'],
  CORTEX: ['SEARCH', 'AGENT'],
};

const ADMINISTRATION_OBJECTS: ReadonlySet<string> = new Set(
  (
    'WAREHOUSE|USER|ROLE|DATABASE ROLE|APPLICATION ROLE|ACCOUNT|MANAGED ACCOUNT|ORGANIZATION|ORGANIZATION ACCOUNT|' +
    'ORGANIZATION PROFILE|ORGANIZATION LISTING|ORGANIZATION USER|RESOURCE MONITOR|JOIN POLICY|PRIVACY POLICY|' +
    'PACKAGES POLICY|FEATURE POLICY|SNAPSHOT POLICY|STORAGE LIFECYCLE|' +
    'NETWORK POLICY|NETWORK RULE|MASKING POLICY|ROW ACCESS|SESSION POLICY|PASSWORD POLICY|AUTHENTICATION POLICY|' +
    'AGGREGATION POLICY|PROJECTION POLICY|INTEGRATION|SECURITY INTEGRATION|API INTEGRATION|STORAGE INTEGRATION|' +
    'CATALOG INTEGRATION|NOTIFICATION INTEGRATION|ACCESS INTEGRATION|SHARE|LISTING|FAILOVER GROUP|' +
    'REPLICATION GROUP|CONNECTION|COMPUTE POOL|BACKUP POLICY|SERVICE'
  ).split('|'),
);

/** What runs by itself later, or spends credits that are on no warehouse. */
const TASK_OBJECTS: ReadonlySet<string> = new Set(['TASK', 'ALERT', 'PIPE', 'CORTEX SEARCH']);
const SERVERLESS_MODIFIERS: ReadonlySet<string> = new Set(['DYNAMIC', 'MATERIALIZED']);

/** Head of the statement in `range`. Total; looks at the leading words only, and past the CTEs of WITH. */
export function classifyStatement(tokens: Tokens, range: StatementRange): StatementHead {
  let at = range.head;
  while (at < range.to && isOperator(tokens, at, '('))
    at = nextSignificant(tokens, at + 1, range.to);
  const word = at < range.to ? wordAt(tokens, at) : '';
  const verb = WRITTEN_OUT[word] ?? word;
  const kind = OBJECT_VERBS.has(verb) ? objectAfter(tokens, at, range.to) : NO_OBJECT;
  const { object } = kind;
  const isBracketed = at !== range.head;
  const explained = verb === 'EXPLAIN' ? bodyOfExplain(tokens, at, range.to) : undefined;
  return {
    class: isChain(range, verb, object)
      ? 'script'
      : classOf(tokens, range, { ...kind, verb, at, isBracketed }),
    verb,
    object,
    objectAt: kind.objectAt,
    verbAt: at,
    isShowParameters: verb === 'SHOW' && object === 'PARAMETERS',
    isAlterSession: verb === 'ALTER' && object === 'SESSION',
    use: verb === 'USE' ? useTarget(object) : null,
    isExplain: explained !== undefined,
    isExplainCost: explained?.isCost ?? false,
    bodyAt: explained?.at ?? at,
  };
}

/** Whether the statement is a chain of `->>`, and not a definition with one in its body. */
function isChain(range: StatementRange, verb: string, object: string): boolean {
  if (!range.hasFlow) return false;
  const isDefinition = verb === 'CREATE' || verb === 'ALTER' || verb === 'DEFINE';
  return !(isDefinition && (range.hasBlock || TASK_OBJECTS.has(object)));
}

interface ObjectKind {
  readonly object: string;
  readonly objectAt: number;
  /** A modifier on the way says that it spends serverless credits. */
  readonly isServerless: boolean;
}

const NO_OBJECT: ObjectKind = { object: '', objectAt: -1, isServerless: false };

interface Lead extends ObjectKind {
  readonly verb: string;
  readonly at: number;
  readonly isBracketed: boolean;
}

function classOf(tokens: Tokens, range: StatementRange, lead: Lead): StatementClass {
  const { verb, object, at } = lead;
  if (lead.isBracketed && !QUERY_VERBS.has(verb) && verb !== 'WITH') return 'opaque';
  switch (verb) {
    case 'WITH':
      return classOfWith(tokens, at, range.to);
    case 'BEGIN':
      return isTransactionStart(tokens, at) ? 'transaction' : 'script';
    case 'COPY':
      return classOfCopy(tokens, at, range.to);
    case 'EXECUTE':
      if (object === 'IMMEDIATE') return 'script';
      return TASK_OBJECTS.has(object) ? 'task' : 'procedure';
    case 'CREATE':
    case 'DEFINE':
    case 'ALTER':
    case 'DROP':
    case 'UNDROP':
      if (object === 'SESSION') return 'session';
      if (TASK_OBJECTS.has(object) || lead.isServerless) return 'task';
      if (verb === 'ALTER' && addsSearchOptimization(tokens, at, range.to)) return 'task';
      return ADMINISTRATION_OBJECTS.has(object) ? 'administration' : 'ddl';
    case 'SET':
      return hasWord(tokens, at, range.to, 'SELECT') ? 'query' : 'session';
  }
  return CLASS_OF_VERB.get(verb) ?? 'opaque';
}

function objectAfter(tokens: Tokens, verbAt: number, to: number): ObjectKind {
  let at = nextSignificant(tokens, verbAt + 1, to);
  let word = at < to ? wordAt(tokens, at) : '';
  let isServerless = false;
  while (OBJECT_MODIFIERS.has(word)) {
    const next = nextSignificant(tokens, at + 1, to);
    const nextWord = next < to ? wordAt(tokens, next) : '';
    if (OBJECT_OF_MODIFIER[word]?.includes(nextWord) === true) {
      const isAccess = nextWord === 'ACCESS';
      return { object: isAccess ? 'ACCESS INTEGRATION' : nextWord, objectAt: next, isServerless };
    }
    isServerless ||= SERVERLESS_MODIFIERS.has(word);
    at = next;
    word = nextWord;
  }
  const seconds = TWO_WORD_OBJECTS[word];
  if (seconds === undefined) return { object: word, objectAt: at, isServerless };
  const next = nextSignificant(tokens, at + 1, to);
  const second = next < to ? wordAt(tokens, next) : '';
  return seconds.includes(second)
    ? { object: `${word} ${second}`, objectAt: next, isServerless }
    : { object: word, objectAt: at, isServerless };
}

/** `ALTER TABLE t ADD SEARCH OPTIMIZATION`: kept up by a service that spends credits of its own. */
function addsSearchOptimization(tokens: Tokens, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    if (wordAt(tokens, at) !== 'ADD') continue;
    const next = nextSignificant(tokens, at + 1, to);
    if (wordAt(tokens, next) === 'SEARCH') return true;
  }
  return false;
}

function useTarget(object: string): UseTarget {
  switch (object) {
    case 'WAREHOUSE':
      return 'warehouse';
    case 'ROLE':
      return 'role';
    case 'SECONDARY ROLES':
      return 'secondary-roles';
    case 'SCHEMA':
      return 'schema';
  }
  return 'database';
}

/** Skips `COST`, `USING TEXT|JSON|TABULAR`. */
function bodyOfExplain(tokens: Tokens, at: number, to: number): { at: number; isCost: boolean } {
  let body = nextSignificant(tokens, at + 1, to);
  const word = wordAt(tokens, body);
  if (word === 'COST') return { at: nextSignificant(tokens, body + 1, to), isCost: true };
  if (word === 'USING') {
    body = nextSignificant(tokens, nextSignificant(tokens, body + 1, to) + 1, to);
  }
  return { at: body, isCost: false };
}

/** The verb after the CTEs: the first of its kind outside brackets that follows a closing bracket. */
function classOfWith(tokens: Tokens, withAt: number, to: number): StatementClass {
  let depth = 0;
  let isAfterBracket = false;
  for (
    let at = nextSignificant(tokens, withAt + 1, to);
    at < to;
    at = nextSignificant(tokens, at + 1, to)
  ) {
    const code = operatorCodeAt(tokens, at);
    if (code === 40) {
      if (depth === 0 && isAfterBracket) return 'query';
      depth += 1;
      isAfterBracket = false;
    } else if (code === 41) {
      depth -= 1;
      isAfterBracket = depth === 0;
      if (depth < 0) return 'opaque';
    } else if (depth === 0) {
      const word = isAfterBracket ? wordAt(tokens, at) : '';
      if (QUERY_VERBS.has(word)) return 'query';
      if (DML_VERBS.has(word)) return 'dml';
      if (word === 'CALL') return 'procedure';
      isAfterBracket = false;
    }
    if (isProcedureBody(tokens, at)) isAfterBracket = true;
  }
  return 'opaque';
}

/** The body of `WITH p AS PROCEDURE … AS '…'` ends like a bracket. */
function isProcedureBody(tokens: Tokens, at: number): boolean {
  const kind = kindAt(tokens, at);
  return kind === KIND.string || kind === KIND.dollarString;
}

function classOfCopy(tokens: Tokens, copyAt: number, to: number): StatementClass {
  const second = nextSignificant(tokens, copyAt + 1, to);
  const word = second < to ? wordAt(tokens, second) : '';
  if (word === 'FILES') return 'file';
  if (word !== 'INTO') return 'opaque';
  const target = nextSignificant(tokens, second + 1, to);
  if (target >= to) return 'opaque';
  const kind = kindAt(tokens, target);
  return kind === KIND.stage || kind === KIND.string ? 'unload' : 'load';
}

function hasWord(tokens: Tokens, from: number, to: number, word: string): boolean {
  for (let at = from; at < to; at += 1) if (wordAt(tokens, at) === word) return true;
  return false;
}

/**
 * Stages and addresses that a statement names, in order: `@stage/path` tokens as written, and the values of strings
 * that start with `@` or `scheme://`. The rules on PUT, GET and COPY read them. COPY INTO a table without FROM reads the
 * table's own stage (Snowflake, "COPY INTO <table>"), which is then the one location: `@%`.
 */
export function locationsOf(tokens: Tokens, range: StatementRange): readonly string[] {
  const locations: string[] = [];
  for (let at = range.head; at < range.to; at += 1) {
    const kind = kindAt(tokens, at);
    if (kind === KIND.stage || kind === KIND.fileUrl) locations.push(textAt(tokens, at));
    else if (kind === KIND.string) {
      const value = stringValueAt(tokens, at) ?? '';
      if (/^(?:@|[a-z][a-z0-9+.-]*:\/\/)/i.test(value)) locations.push(value);
    }
  }
  return locations.length === 0 && isCopyWithoutFrom(tokens, range) ? ['@%'] : locations;
}

function isCopyWithoutFrom(tokens: Tokens, { head, to }: StatementRange): boolean {
  return (
    wordAt(tokens, head) === 'COPY' &&
    classOfCopy(tokens, head, to) === 'load' &&
    !hasWord(tokens, head, to, 'FROM')
  );
}
