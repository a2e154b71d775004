/** What one replica takes only so much of, and how much of each it has: the inventory behind I9. */
import type { Metrics, Occupancy } from '#base/metrics.js';
import type { Parts } from './parts.js';
import { REMEMBERED_MAX } from './traces.js';

interface Entry {
  readonly resource: string;
  readonly unit: string;
  readonly whenFull: string;
  readonly of: (parts: Parts) => Occupancy;
}

const FORGOTTEN = 'the least recently used is forgotten';

const ENTRIES: readonly Entry[] = [
  {
    resource: 'sessions',
    unit: 'sessions',
    whenFull: `${FORGOTTEN}, and read again when it comes`,
    of: ({ sessions }) => sessions.occupancy,
  },
  {
    resource: 'traced-statements',
    unit: 'statements',
    whenFull: 'the span of the oldest ends early',
    of: ({ traces }) => traces?.occupancy ?? { used: 0, max: REMEMBERED_MAX },
  },
  {
    resource: 'opened-tokens',
    unit: 'tokens',
    whenFull: `${FORGOTTEN}, and opened again when it comes`,
    of: ({ sealer }) => sealer.occupancy,
  },
  {
    resource: 'requests',
    unit: 'requests',
    whenFull: `${FORGOTTEN}; its repeat is found by its ticket`,
    of: ({ requests }) => requests.occupancy,
  },
  {
    resource: 'kept-replies',
    unit: 'bytes',
    whenFull: `${FORGOTTEN}; its repeat is found by its ticket`,
    of: ({ requests }) => requests.keptBytes,
  },
  {
    resource: 'journal',
    unit: 'bytes',
    whenFull: 'outcomes are kept in memory, and the replica is not ready',
    of: ({ settler }) => settler.journal.occupancy,
  },
  {
    resource: 'settlements',
    unit: 'statements',
    whenFull: 'outcomes wait in the journal',
    of: ({ settler }) => settler.occupancy,
  },
  {
    resource: 'upstream-connections',
    unit: 'connections',
    whenFull: 'requests wait for one',
    of: ({ upstreams }) => upstreams.occupancy,
  },
  {
    resource: 'unheld-tickets',
    unit: 'tickets',
    whenFull: 'the oldest is dropped and counted; it carries no money',
    of: ({ ticketLog }) => ticketLog.occupancy,
  },
  {
    resource: 'judgements',
    unit: 'tickets',
    whenFull: 'the oldest is dropped and counted',
    of: ({ judgements }) => judgements.occupancy,
  },
  {
    resource: 'password-hashes',
    unit: 'attempts',
    whenFull: 'the attempt is refused as too many',
    of: ({ terminated }) => terminated.passwords.occupancy,
  },
  {
    resource: 'sign-in-failures',
    unit: 'names',
    whenFull: FORGOTTEN,
    of: ({ terminated }) => terminated.attempts.occupancy,
  },
  {
    resource: 'bearer-proofs',
    unit: 'tokens',
    whenFull: `${FORGOTTEN}, and proven again when it comes`,
    of: ({ bearerProofs }) => bearerProofs.occupancy,
  },
  {
    resource: 'bearer-proofs-pending',
    unit: 'tokens',
    whenFull: 'the request is told to come again',
    of: ({ bearerProofs }) => bearerProofs.proving,
  },
  {
    resource: 'breakers',
    unit: 'breakers',
    whenFull: FORGOTTEN,
    of: ({ storms }) => storms.occupancy,
  },
  {
    resource: 'run-rate-shapes',
    unit: 'shapes',
    whenFull: `${FORGOTTEN}, and read again when it runs`,
    of: ({ runRates }) => runRates.occupancy,
  },
  {
    resource: 'shape-histories',
    unit: 'histories',
    whenFull: FORGOTTEN,
    of: ({ history }) => history.occupancy,
  },
  {
    resource: 'table-statistics',
    unit: 'tables',
    whenFull: 'tables beyond it are estimated without statistics',
    of: ({ statistics }) => statistics.occupancy,
  },
  {
    resource: 'plans',
    unit: 'plans',
    whenFull: `${FORGOTTEN}, and asked for again`,
    of: ({ explainBounds }) => explainBounds.occupancy,
  },
];

/** Shows each of them; read when somebody asks for metrics. */
export function exposeLimits(metrics: Metrics, parts: () => Parts): void {
  for (const { of, ...entry } of ENTRIES) metrics.limited({ ...entry, read: () => of(parts()) });
}
