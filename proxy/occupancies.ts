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
const ANALYSED = `${FORGOTTEN}, and analysed again when it comes`;

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
  {
    resource: 'sql-texts',
    unit: 'bytes',
    whenFull: ANALYSED,
    of: ({ analyser }) => analyser.occupancies.facts,
  },
  {
    resource: 'sql-statements',
    unit: 'bytes',
    whenFull: ANALYSED,
    of: ({ analyser }) => analyser.occupancies.outcomes,
  },
  {
    resource: 'sql-shapes',
    unit: 'bytes',
    whenFull: ANALYSED,
    of: ({ analyser }) => analyser.occupancies.shapes,
  },
  {
    resource: 'sql-shape-facts',
    unit: 'bytes',
    whenFull: ANALYSED,
    of: ({ analyser }) => analyser.occupancies.shapeFacts,
  },
  {
    resource: 'sql-parser',
    unit: 'statements',
    whenFull: 'the statement is opaque',
    of: ({ analyser }) => analyser.occupancies.parser,
  },
  {
    resource: 'proven-passwords',
    unit: 'passwords',
    whenFull: `${FORGOTTEN}, and hashed again when it comes`,
    of: ({ terminated }) => terminated.passwords.proven,
  },
  {
    resource: 'service-keys',
    unit: 'keys',
    whenFull: `${FORGOTTEN}, and opened again when it is used`,
    of: ({ terminated }) => terminated.serviceKeys.occupancy,
  },
  {
    resource: 'claim-signatures',
    unit: 'claims',
    whenFull: `${FORGOTTEN}, and verified again when it comes`,
    of: ({ claims }) => claims.signatures,
  },
  {
    resource: 'claim-secrets',
    unit: 'principals',
    whenFull: `${FORGOTTEN}, and read again when it signs`,
    of: ({ claims }) => claims.secrets,
  },
  {
    resource: 'budget-standings',
    unit: 'budgets',
    whenFull: `${FORGOTTEN}, and read again when a ladder asks`,
    of: ({ budgetUses }) => budgetUses.occupancy,
  },
  {
    resource: 'judged-facts',
    unit: 'texts',
    whenFull: `${FORGOTTEN}, and written again when it comes`,
    of: ({ judgements }) => judgements.factsWritten,
  },
  {
    resource: 'run-rate-notices',
    unit: 'notices',
    whenFull: `${FORGOTTEN}, and said again`,
    of: ({ runRates }) => runRates.said,
  },
];

/** Shows each of them; read when somebody asks for metrics. */
export function exposeLimits(metrics: Metrics, parts: () => Parts): void {
  for (const { of, ...entry } of ENTRIES) metrics.limited({ ...entry, read: () => of(parts()) });
}
