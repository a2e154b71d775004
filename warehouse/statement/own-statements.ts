/** Statements that the server answers itself, before the engine: session state, metadata, warehouses, SYSTEM$. */
import { explain, isExplain } from './explain.js';
import type { Outcome } from './outcome.js';
import { sessionStatement } from './session-statements.js';
import { describeObject } from '../metadata/describe.js';
import { show } from '../metadata/show.js';
import { isStageMetadata, stageMetadata } from '../stages/stage-metadata.js';
import type { Statement } from './statement.js';
import { systemFunction } from './system-functions.js';
import { TokenReader } from './tokens.js';
import type { Token } from './tokens.js';
import { integrationStatement } from '../identity/integration-statements.js';
import { roleStatement } from '../identity/role-statements.js';
import { userStatement } from '../identity/user-statements.js';
import { describeWarehouse } from '../fleet/show-warehouses.js';
import type { OwnAnswer, OwnWorld } from './own-world.js';
import { wholeResult } from './whole-result.js';
import { warehouseStatement } from '../fleet/warehouse-statements.js';

const ENGINE: OwnAnswer = { kind: 'engine' };

/** The answer, or `engine` for a statement that is not ours. A describe-only request changes nothing. */
export async function ownStatement(
  world: OwnWorld,
  statement: Statement,
  sql: string,
  tokens: readonly Token[],
): Promise<OwnAnswer> {
  const reader = new TokenReader(tokens);
  const first = reader.peek();
  if (first?.kind !== 'word') return ENGINE;
  if (isStageMetadata(tokens)) return answered(await stageMetadata(world, statement, sql, tokens));
  switch (first.value) {
    case 'USE':
    case 'SET':
    case 'UNSET':
      return answered(await sessionStatement(world, statement, sql, tokens));
    case 'ALTER':
    case 'CREATE':
    case 'DROP': {
      const outcome =
        (await sessionStatement(world, statement, sql, tokens)) ??
        (await identityStatement(world, statement, tokens)) ??
        (await warehouseStatement(world, statement, tokens));
      return answered(outcome);
    }
    case 'GRANT':
    case 'REVOKE':
      return answered(await identityStatement(world, statement, tokens));
    case 'SHOW':
      return answered(await show(world, statement, tokens));
    case 'DESC':
    case 'DESCRIBE':
      return answered(
        describeWarehouse(world.fleet, tokens) ??
          (await identityStatement(world, statement, tokens)) ??
          (await describeObject(world, statement.session, tokens)),
      );
    case 'EXPLAIN':
      return isExplain(tokens) ? answered(await explain(world, statement, sql, tokens)) : ENGINE;
    case 'SELECT': {
      const earlier = wholeResult(world, statement, tokens);
      return earlier === undefined ? systemFunction(world, statement, tokens) : answered(earlier);
    }
    case 'CALL':
      return systemFunction(world, statement, tokens);
    default:
      return ENGINE;
  }
}

/** Users, their tokens, roles, grants and security integrations. */
function identityStatement(
  world: OwnWorld,
  statement: Statement,
  tokens: readonly Token[],
): Promise<Outcome> | Outcome | undefined {
  return (
    userStatement(world, statement, tokens) ??
    roleStatement(world, statement, tokens) ??
    integrationStatement(world, statement, tokens)
  );
}

function answered(outcome: Outcome | undefined): OwnAnswer {
  return outcome === undefined ? ENGINE : { kind: 'answered', outcome };
}
