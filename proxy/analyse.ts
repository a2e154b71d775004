/** Step 3: the text becomes facts. Total: what cannot be understood comes back opaque, and is dear. */
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
  return { ...statement, facts };
}
