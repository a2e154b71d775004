/** EXPLAIN from the engine's plan: what would be read after pruning, in the shapes of EXPLAIN USING JSON and TABULAR. */
import { columnType } from '#base/wire/row-type.js';
import type { Cell } from '#base/wire/row-type.js';
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { contextOf } from './context.js';
import type { EngineFailure, EnginePlan, PlannedOperator, PlannedScan } from '../engine/engine.js';
import { rowsOf, textRow } from './outcome.js';
import type { Outcome } from './outcome.js';
import type { OwnWorld } from './own-world.js';
import type { Statement } from './statement.js';
import { TokenReader } from './tokens.js';
import type { Token } from './tokens.js';

interface Operation {
  readonly id: number;
  readonly parentOperators?: readonly number[];
  readonly operation: string;
  readonly objects?: readonly string[];
  readonly expressions?: readonly string[];
  readonly partitionsAssigned?: number;
  readonly partitionsTotal?: number;
  readonly bytesAssigned?: number;
}

interface ExplainDocument {
  readonly GlobalStats: {
    readonly partitionsTotal: number;
    readonly partitionsAssigned: number;
    readonly bytesAssigned: number;
  };
  readonly Operations: readonly (readonly Operation[])[];
}

/** Whether the statement is `EXPLAIN [USING …] …` with something to explain. */
export function isExplain(tokens: readonly Token[]): boolean {
  return tokens.length > 1;
}

/** `EXPLAIN [USING JSON|TABULAR|TEXT] <statement>`; without USING the answer is tabular. */
export async function explain(
  world: OwnWorld,
  statement: Statement,
  sql: string,
  tokens: readonly Token[],
): Promise<Outcome> {
  const reader = new TokenReader(tokens);
  reader.accept('EXPLAIN');
  const form = reader.accept('USING')
    ? (reader.acceptOne('JSON', 'TABULAR', 'TEXT') ?? 'TABULAR')
    : 'TABULAR';
  const plan = await planOf(world, statement, sql.slice(reader.peek()?.start ?? sql.length));
  if (plan.kind === 'failed') return plan;
  const document = explainDocument(plan);
  switch (form) {
    case 'JSON':
      return {
        ...textRow('content', JSON.stringify(document)),
        statementTypeId: STATEMENT_TYPES.describe,
      };
    case 'TEXT':
      return {
        ...textRow('content', explainText(document)),
        statementTypeId: STATEMENT_TYPES.describe,
      };
    default:
      return explainTable(document);
  }
}

/** The answer of SYSTEM$EXPLAIN_PLAN_JSON for `sql`. */
export async function explainJson(
  world: OwnWorld,
  statement: Statement,
  sql: string,
  column: string,
): Promise<Outcome> {
  const plan = await planOf(world, statement, sql);
  return plan.kind === 'failed' ? plan : textRow(column, JSON.stringify(explainDocument(plan)));
}

async function planOf(
  world: OwnWorld,
  statement: Statement,
  sql: string,
): Promise<EnginePlan | EngineFailure> {
  const { session } = statement;
  const engine = await world.sessions.engineSession(session);
  return engine.plan({
    sql,
    database: session.database,
    schema: session.schema,
    binds: statement.request.binds,
    context: contextOf(session, world.clock.now(), sql),
    result(queryId) {
      const outcome = world.statements().find(session, queryId)?.settled?.outcome;
      return outcome?.kind === 'rows' ? outcome : undefined;
    },
  });
}

/** One step: the result on top, the plan's operators under it, a filter above each scan that has one. */
function explainDocument(plan: EnginePlan): ExplainDocument {
  const operations: Operation[] = [
    { id: 0, operation: 'Result', expressions: plan.columns.map((column) => column.name) },
  ];
  const known: readonly PlannedOperator[] =
    plan.operators ??
    plan.scans.map((_, scan) => ({ operation: 'TableScan', parent: -1, expressions: [], scan }));
  const idOf: number[] = [];
  for (const { operation, parent, expressions, scan: at } of known) {
    const parentId = parent < 0 ? 0 : (idOf[parent] ?? 0);
    const scan = at === undefined ? undefined : plan.scans[at];
    if (scan === undefined)
      operations.push({
        id: operations.length,
        parentOperators: [parentId],
        operation,
        ...(expressions.length > 0 ? { expressions } : {}),
      });
    else pushScan(operations, parentId, scan);
    idOf.push(operations.length - 1);
  }
  return {
    GlobalStats: {
      partitionsTotal: sum(plan.scans, (scan) => scan.partitionsTotal),
      partitionsAssigned: sum(plan.scans, (scan) => scan.partitionsAssigned),
      bytesAssigned: sum(plan.scans, (scan) => scan.bytesAssigned),
    },
    Operations: [operations],
  };
}

function pushScan(operations: Operation[], parent: number, scan: PlannedScan): void {
  let above = parent;
  if (scan.filters.length > 0) {
    above = operations.length;
    operations.push({
      id: above,
      parentOperators: [parent],
      operation: 'Filter',
      expressions: scan.filters,
    });
  }
  operations.push(scanOperation(operations.length, above, scan));
}

function scanOperation(id: number, parent: number, scan: PlannedScan): Operation {
  return {
    id,
    parentOperators: [parent],
    operation: 'TableScan',
    objects: [scan.table],
    expressions: scan.columns,
    partitionsAssigned: scan.partitionsAssigned,
    partitionsTotal: scan.partitionsTotal,
    bytesAssigned: scan.bytesAssigned,
  };
}

function sum(scans: readonly PlannedScan[], value: (scan: PlannedScan) => number): number {
  return scans.reduce((total, scan) => total + value(scan), 0);
}

const number = (value: number | undefined): Cell => (value === undefined ? null : String(value));

function explainTable(document: ExplainDocument): Outcome {
  const stats = document.GlobalStats;
  const columns = [
    columnType('step', 'fixed'),
    columnType('id', 'fixed'),
    columnType('parentOperators', 'text'),
    columnType('operation', 'text'),
    columnType('objects', 'text'),
    columnType('alias', 'text'),
    columnType('expressions', 'text'),
    columnType('partitionsTotal', 'fixed'),
    columnType('partitionsAssigned', 'fixed'),
    columnType('bytesAssigned', 'fixed'),
  ];
  const rows: Cell[][] = [
    [
      null,
      null,
      null,
      'GlobalStats',
      null,
      null,
      null,
      number(stats.partitionsTotal),
      number(stats.partitionsAssigned),
      number(stats.bytesAssigned),
    ],
  ];
  for (const operation of document.Operations[0] ?? []) {
    rows.push([
      '1',
      String(operation.id),
      operation.parentOperators === undefined ? null : `[${operation.parentOperators.join(', ')}]`,
      operation.operation,
      operation.objects?.join(', ') ?? null,
      null,
      operation.expressions?.join(', ') ?? null,
      number(operation.partitionsTotal),
      number(operation.partitionsAssigned),
      number(operation.bytesAssigned),
    ]);
  }
  return rowsOf(columns, rows, STATEMENT_TYPES.describe);
}

function explainText(document: ExplainDocument): string {
  const stats = document.GlobalStats;
  const lines = (document.Operations[0] ?? []).map((operation) => {
    const objects = operation.objects === undefined ? '' : ` ${operation.objects.join(', ')}`;
    const expressions = (operation.expressions ?? []).join(', ');
    const scan =
      operation.partitionsTotal === undefined
        ? ''
        : ` {partitionsTotal=${operation.partitionsTotal}, partitionsAssigned=${operation.partitionsAssigned}, bytesAssigned=${operation.bytesAssigned}}`;
    return `1:${operation.id}     ->${operation.operation}${objects}  ${expressions}${scan}`;
  });
  return [
    'GlobalStats:',
    `    partitionsTotal=${stats.partitionsTotal}`,
    `    partitionsAssigned=${stats.partitionsAssigned}`,
    `    bytesAssigned=${stats.bytesAssigned}`,
    'Operations:',
    ...lines,
  ].join('\n');
}
