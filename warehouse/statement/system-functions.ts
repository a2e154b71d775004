/** `SELECT SYSTEM$…(…)` and `CALL SYSTEM$…(…)`. */
import { WIRE_CODES } from '#base/wire/codes.js';
import { isAdministrator, notPrivileged } from '../identity/administration.js';
import { ACCOUNT } from './context.js';
import { explainJson } from './explain.js';
import { operatorFunction } from './operator-functions.js';
import { failure, textRow } from './outcome.js';
import type { Outcome } from './outcome.js';
import type { OwnAnswer, OwnWorld } from './own-world.js';
import type { Session } from '../identity/sessions.js';
import type { Statement } from './statement.js';
import { TokenReader } from './tokens.js';
import type { Token } from './tokens.js';

const WAIT_UNITS: Readonly<Record<string, number>> = {
  MILLISECONDS: 1,
  SECONDS: 1000,
  MINUTES: 60_000,
  HOURS: 3_600_000,
  DAYS: 86_400_000,
};
const ENGINE: OwnAnswer = { kind: 'engine' };

/** The answer, or `engine` when the statement is no lone call of a function of ours. */
export async function systemFunction(
  world: OwnWorld,
  statement: Statement,
  tokens: readonly Token[],
): Promise<OwnAnswer> {
  const call = readCall(tokens);
  if (call === undefined) return ENGINE;
  const [first = '', second] = call.arguments;
  switch (call.name) {
    case 'SYSTEM$CANCEL_QUERY':
      return answered(cancelQuery(world, statement.session, call.column, first));
    case 'SYSTEM$CANCEL_ALL_QUERIES':
      return answered(cancelAll(world, statement.session, call.column, first));
    case 'SYSTEM$WAIT': {
      const unitMs = WAIT_UNITS[(second ?? 'SECONDS').toUpperCase()];
      const amount = Number(first);
      if (unitMs === undefined || !Number.isFinite(amount) || amount < 0)
        return answered(
          failure('100132', '22023', `Invalid argument of SYSTEM$WAIT: ${first} ${second ?? ''}`),
        );
      return { kind: 'wait', waitMs: Math.round(amount * unitMs) };
    }
    case 'SYSTEM$GET_LOGIN_FAILURE_DETAILS': {
      if (!isAdministrator(world, statement.session))
        return answered(notPrivileged('account', ACCOUNT));
      const details = world.failures.get(first);
      return answered(textRow(call.column, details === undefined ? null : JSON.stringify(details)));
    }
    case 'SYSTEM$EXPLAIN_PLAN_JSON': {
      const earlier = world.statements().find(statement.session, first)?.request.sql;
      return answered(await explainJson(world, statement, earlier ?? first, call.column));
    }
    default: {
      const isCall = tokens[0]?.value === 'CALL';
      const outcome = isCall
        ? await operatorFunction(
            world.operations,
            statement.session.role,
            call.name,
            call.arguments,
          )
        : undefined;
      return outcome === undefined ? ENGINE : answered(outcome);
    }
  }
}

/** `[SELECT|CALL] NAME ( literal, … ) [AS alias]` and nothing after it. */
function readCall(
  tokens: readonly Token[],
):
  | { readonly name: string; readonly arguments: readonly string[]; readonly column: string }
  | undefined {
  const reader = new TokenReader(tokens);
  reader.next();
  const name = reader.next();
  if (name?.kind !== 'word' || !name.value.startsWith('SYSTEM$') || !reader.accept('('))
    return undefined;
  const values: string[] = [];
  while (!reader.accept(')')) {
    const sign = reader.accept('-') ? '-' : '';
    const token = reader.next();
    if (token === undefined || (token.kind !== 'string' && token.kind !== 'number'))
      return undefined;
    values.push(sign + token.value);
    reader.accept(',');
  }
  reader.accept('AS');
  const alias = reader.acceptName()?.[0];
  if (!reader.atEnd) return undefined;
  return { name: name.value, arguments: values, column: alias ?? `${name.value}(...)` };
}

function cancelQuery(world: OwnWorld, session: Session, column: string, id: string): Outcome {
  const statements = world.statements();
  const isAdmin = isAdministrator(world, session);
  const statement = statements.find(session, id) ?? (isAdmin ? statements.findAny(id) : undefined);
  if (statement === undefined)
    return failure(WIRE_CODES.queryUnknown, '02000', `Statement ${id} not found`);
  return textRow(
    column,
    statements.abort(statement)
      ? `query [${id}] terminated.`
      : `Identified SQL statement is not currently executing.`,
  );
}

function cancelAll(world: OwnWorld, session: Session, column: string, sessionId: string): Outcome {
  const target = world.sessions.get(Number(sessionId));
  const isAllowed =
    target !== undefined &&
    (target.user.name === session.user.name || isAdministrator(world, session));
  if (!isAllowed)
    return failure('002003', '02000', `Session '${sessionId}' does not exist or not authorized.`);
  const statements = world.statements();
  const count = statements
    .running(target.id)
    .filter((statement) => statements.abort(statement)).length;
  return textRow(column, `${count} cancelled`);
}

function answered(outcome: Outcome): OwnAnswer {
  return { kind: 'answered', outcome };
}
