/**
 * Step 3: the text becomes facts, and what surrounds it tells the workload. Total: what cannot be understood comes back
 * opaque, and is dear.
 */
import { recogniseWork, workloadText } from '#policies/workload.js';
import type { Parts } from './parts.js';
import type { Analysed, Identified } from './stages.js';

/** Adds facts, resolved by the session's database and schema against the catalogue of its account. */
export async function analyse(parts: Parts, statement: Identified): Promise<Analysed> {
  const { session, identity, query } = statement;
  const facts = await parts.analyser.analyse(
    query.sqlText,
    { database: session.database, schema: session.schema },
    parts.statistics.catalogueOf(identity.account),
  );
  return { ...statement, facts, ...workOf(statement) };
}

function workOf({
  query,
  session,
  identity,
  call,
}: Identified): Pick<Analysed, 'workload' | 'origin'> {
  const product = productOf(call.request.headers['user-agent'] ?? '');
  const { workload, origin } = recogniseWork({
    queryTag: query.clientTag ?? session.queryTag,
    sqlText: query.sqlText,
    application: identity.application ?? product,
  });
  return { workload: workload === null ? null : workloadText(workload), origin };
}

/** The driver or tool without its version, as workloads name it: `JDBC` of `JDBC/3.13.30`. null: it does not say. */
export function productOf(client: string): string | null {
  return /^[^\s/]{1,100}/.exec(client)?.[0] ?? null;
}
