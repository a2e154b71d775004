/** The embedded warehouse behind a running Tollgate, as its service user. Nothing of the demo reaches a real account. */
import { tryParseMonth } from '../../base/time.js';
import { toError } from '../../base/errors.js';
import type { ServiceConnection } from '../../base/snowflake/service-connection.js';
import { must } from '../../base/assert.js';
import type { LoadedConfig } from '../configuration.js';
import { configuredUpstreams, signIn } from '../accounts.js';
import { SERVICE_USER } from '../../warehouse/identity/users.js';
import { VerbError } from '../verb-error.js';

/**
 * Signs in at the embedded warehouse that the settings name: the one of `npm start`, or one of a process of its own.
 *
 * @throws VerbError where they name a real account, and when nothing lets us in.
 */
export async function connectEmbedded({
  config,
  secrets,
}: LoadedConfig): Promise<ServiceConnection> {
  const [upstream, ...others] = configuredUpstreams(config, null);
  const home = must(upstream, 'there is always an upstream');
  // Snowflake speaks https alone, the embedded warehouse plain HTTP.
  if (others.length > 0 || !home.origin.startsWith('http:'))
    throw new VerbError(
      `The demo runs on the embedded warehouse only, and TOLLGATE_UPSTREAM is ${home.origin}: nothing was sent there. Unset it, or start a second Tollgate with TOLLGATE_UPSTREAM=embedded and a data directory of its own.`,
    );
  if (home.origin.endsWith(':0'))
    throw new VerbError(
      'TOLLGATE_WAREHOUSE_PORT is 0 (any port); set it to the port that `tollgate serve` printed.',
      2,
    );
  const service = { ...home.service, user: home.service.user ?? SERVICE_USER };
  // Whoever runs the demo has named this machine's warehouse on purpose.
  const sources = {
    config: { ...config, allowLocalUpstreams: true },
    secrets,
    dataDir: config.dataDir,
  };
  try {
    return await signIn(sources, { ...home, service });
  } catch (thrown) {
    throw new VerbError(
      `The embedded warehouse at ${home.origin} does not let us in (${toError(thrown).message}). Start it with \`npm start\`; one of another process also needs TOLLGATE_SERVICE_PASSWORD.`,
    );
  }
}

/** The warehouse's clock as the demo needs it. */
export interface Months {
  /** `yyyy-mm`, both. */
  readonly previous: string;
  readonly present: string;
  readonly nowSeconds: number;
}

/** The months around now on the warehouse's clock, which may have run ahead of this machine's. */
export async function readMonths(warehouse: ServiceConnection): Promise<Months> {
  const [row] = await warehouse.query('SELECT DATE_PART(EPOCH_SECOND, CURRENT_TIMESTAMP()) AS NOW');
  const nowSeconds = Number(must(row?.['NOW'] ?? undefined, 'the warehouse tells the time'));
  const present = new Date(nowSeconds * 1000).toISOString().slice(0, 7);
  const { startsAt } = must(tryParseMonth(present), 'an instant has a month');
  return { previous: new Date(startsAt - 1).toISOString().slice(0, 7), present, nowSeconds };
}
