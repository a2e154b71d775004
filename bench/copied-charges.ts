/**
 * The peers of settling: COPY of charges by as many connections as there are replicas, from files beside the server, so
 * that no client and no network takes part. Once into `charge` itself, of a second ledger on the same server, with its
 * months and with the trigger that keeps a query from being charged twice; once into a bare table of the same columns and
 * indexes, which keeps nothing but them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemIds } from '../base/ids.js';
import { silentLog } from '../base/log.js';
import type { Database } from '../base/postgres/pool.js';
import { migrate } from '../migrations/migrate.js';

/** Charges of a round. */
const COPIED = 100_000;
const LEDGER = 'copied_into';
const BARE = 'charge_bare';

export interface CopiedCharges {
  /** Charges a second of a round. */
  intoCharge(): Promise<number>;
  intoBareTable(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * @param owner of the ledger that settles: the bare table is made there.
 * @param ownerUrl its address; the second ledger is made beside it.
 * @param open opens a pool of `connections` for an address.
 * @param dataDir folder that the server can read, for the files.
 */
export async function prepareCopies(
  owner: Database,
  ownerUrl: string,
  open: (url: string, connections: number) => Database,
  dataDir: string,
  connections: number,
): Promise<CopiedCharges> {
  await owner.query(`CREATE TABLE ${BARE} (LIKE charge INCLUDING ALL)`);
  // The key of a charge's query stands beside the charges (0049); here it is an index of their copy.
  await owner.query(`CREATE UNIQUE INDEX ON ${BARE} (account, snowflake_query_id)`);
  await owner.query(`CREATE DATABASE ${LEDGER}`);
  const url = new URL(ownerUrl);
  url.pathname = `/${LEDGER}`;
  await migrate(url.href, { log: silentLog });
  const beside = open(url.href, connections);
  const ids = systemIds();
  let journals = 0;
  // As in settling, each charge has its own journal, query and instant; the ledger beside grows as the one that settles does.
  const written = (): readonly string[] => {
    const startsAt = Date.now();
    const lines = Array.from({ length: COPIED }, (_, index) => {
      const id = ids.ticket(startsAt + index);
      const at = new Date(startsAt + index).toISOString();
      journals += 1;
      return `${id},${journals},demo,hot,hot_analyst,standard,STANDARD_WH,query-${id},${at},${at},0.0007,0.0021,USD,3,2520,1000000,provisional\n`;
    });
    return Array.from({ length: connections }, (_, part) => {
      const file = join(dataDir, `charges-${part}.csv`);
      writeFileSync(file, lines.filter((__, index) => index % connections === part).join(''));
      return file;
    });
  };
  const copy = async (db: Database, table: string): Promise<number> => {
    const files = written();
    const startedAt = performance.now();
    await Promise.all(files.map((file) => db.query(`COPY ${table} FROM '${file}' (FORMAT csv)`)));
    return (COPIED * 1000) / (performance.now() - startedAt);
  };
  return {
    intoCharge: () => copy(beside, 'charge'),
    async intoBareTable() {
      const perSecond = await copy(owner, BARE);
      await owner.query(`TRUNCATE ${BARE}`);
      return perSecond;
    },
    stop: () => beside.stop(),
  };
}
