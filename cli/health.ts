/** What the admin port tells of its process: whether it is ready, and where it listens. */
import type { ReadinessCheck } from '../admin/health-routes.js';
import type { Listener } from '../admin/landing-page.js';
import type { Config } from '../base/config.js';
import type { Outages } from '../base/postgres/outages.js';
import type { Database } from '../base/postgres/pool.js';
import type { Proxy } from '../proxy/start-proxy.js';
import { checkDatabase } from './ledger-database.js';
import { proxyProtocol } from './listener-certificate.js';

/** What this process needs to take work, and whether it has it. */
export async function readiness(
  db: Database | null,
  outages: Pick<Outages, 'diskProblem'>,
  proxy: Proxy | null,
): Promise<readonly ReadinessCheck[]> {
  const checks: ReadinessCheck[] = [];
  if (db !== null) checks.push(await checkDatabase(db, outages));
  for (const problem of proxy?.problems() ?? [])
    checks.push({ name: 'proxy', isReady: false, why: problem });
  return checks;
}

/** Where this process listens; null: that role is not here. */
export function listenersOf(
  config: Config,
  proxyPort: number | null,
  warehousePort: number | null,
): readonly Listener[] {
  return [
    ...(proxyPort === null
      ? []
      : [
          {
            name: 'proxy',
            url: `${proxyProtocol(config)}://${config.host}:${proxyPort}`,
            purpose: 'Snowflake clients connect here',
          },
        ]),
    ...(warehousePort === null
      ? []
      : [
          {
            name: 'warehouse',
            url: `http://${config.host}:${warehousePort}`,
            purpose: 'the embedded Snowflake-compatible warehouse',
          },
        ]),
  ];
}
