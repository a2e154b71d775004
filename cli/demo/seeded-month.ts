/** A past month of the demo's account: written into the warehouse's log once, imported once. */
import { z } from 'zod';
import { toError } from '../../base/errors.js';
import type { ServiceConnection } from '../../base/snowflake/service-connection.js';
import type { AdminClient } from '../admin-client.js';
import { readImport, untilImported } from '../usage-request.js';
import { VerbError } from '../verb-error.js';

/** Decides every byte of the month, together with its name. */
const SEED = 'demo';

/** Which month, and how much of it: a working day has about so many statements. */
export interface WantedMonth {
  readonly account: string;
  /** `yyyy-mm`. */
  readonly month: string;
  readonly statementsPerDay: number;
}

/** What became of a month. */
export interface SeededMonth {
  readonly month: string;
  /** Null: it was in the log before. */
  readonly statements: number | null;
  /** Null: it was imported before. */
  readonly importedRows: number | null;
}

const COST = z.object({
  reconciliation: z.object({ hours: z.number(), staleHours: z.number() }).nullable(),
});

/**
 * Writes the month unless the warehouse has it, and imports it unless that is done. A second call changes nothing.
 *
 * @throws VerbError when the warehouse is none of ours, or the import fails.
 */
export async function seedAndImport(
  warehouse: ServiceConnection,
  client: AdminClient,
  wanted: WantedMonth,
): Promise<SeededMonth> {
  const { account, month } = wanted;
  const statements = await seed(warehouse, wanted);
  const cost = COST.parse(JSON.parse(await client.call(`/api/v1/costs?month=${month}`)));
  const { hours, staleHours } = cost.reconciliation ?? { hours: 0, staleHours: 0 };
  if (statements === null && hours > 0 && staleHours === 0)
    return { month, statements, importedRows: null };
  const asked = await client.call('/api/v1/usage/imports', { account, from: `${month}-01` });
  const { problem, rowsWritten } = readImport(await untilImported(client, asked));
  if (problem !== null) throw new VerbError(`The month ${month} is not imported: ${problem}`);
  return { month, statements, importedRows: rowsWritten ?? 0 };
}

async function seed(
  warehouse: ServiceConnection,
  { month, statementsPerDay }: WantedMonth,
): Promise<number | null> {
  try {
    const [row] = await warehouse.query(
      `CALL SYSTEM$SEED_MONTH('${month}', '${SEED}', ${statementsPerDay})`,
    );
    return Number(row?.['STATEMENTS'] ?? 0);
  } catch (thrown) {
    const { message } = toError(thrown);
    if (message.includes('has events already')) return null;
    throw new VerbError(`The month ${month} is not seeded: ${message}`);
  }
}
