/** Every instrument of every role, made without starting anything: what docs/metrics.md and the alerts are held against. */
import { exposeLimits as exposeAdminLimits } from '../../admin/occupancies.js';
import { exposePolicyReports } from '../../admin/console/policy-reports.js';
import { exposeAnswers } from '../../admin/server.js';
import { silentLog } from '../../base/log.js';
import { createMetrics, type LimitedResource, type MetricDescription } from '../../base/metrics.js';
import { exposeDatabase } from '../../base/postgres/pool.js';
import { exposeTracer } from '../../base/traces.js';
import { MOVES } from '../../billing/ledger-batches.js';
import { exposeLedgerGauges } from '../../cli/ledger-gauges.js';
import { exposeChain } from '../../cli/ledger-keeper.js';
import { exposeMonths } from '../../cli/month-keeper.js';
import { exposeNotifications } from '../../cli/notifier.js';
import { exposeWaits } from '../../proxy/admission/wait-log.js';
import { exposeClockSkew } from '../../proxy/clock-skew.js';
import { createEvents } from '../../proxy/events.js';
import { exposeBreaks } from '../../proxy/estimates/history.js';
import { exposeGauges } from '../../proxy/gauges.js';
import { createLedgerMetrics } from '../../proxy/ledger-metrics.js';
import { exposeOffline } from '../../proxy/offline/offline.js';
import { exposeLeases } from '../../proxy/leases.js';
import { exposeCertificate } from '../../proxy/listener/certificate-watch.js';
import { exposeConnections } from '../../proxy/listener/connections.js';
import { exposeHandshakes } from '../../proxy/listener/open-server.js';
import { exposeLimits } from '../../proxy/occupancies.js';

export interface MetricCatalogue {
  readonly metrics: readonly (MetricDescription & { readonly role: string })[];
  readonly limits: readonly LimitedResource[];
}

export function metricCatalogue(): MetricCatalogue {
  const unread = (): never => {
    throw new Error('nothing is read of a catalogue');
  };
  const every = createMetrics();
  exposeDatabase(every, unread);
  const admin = createMetrics();
  exposeAnswers(admin);
  exposePolicyReports(admin);
  exposeAdminLimits(admin, unread);
  const worker = createMetrics();
  exposeChain(worker);
  exposeMonths(worker);
  exposeNotifications(worker);
  exposeLedgerGauges(worker, { gauges: null, backlog: null, invariants: new Map() });
  const proxy = createMetrics();
  createEvents(proxy, silentLog);
  exposeBreaks(proxy);
  exposeGauges(proxy, unread);
  exposeOffline(proxy, unread);
  exposeWaits(proxy, unread);
  exposeLimits(proxy, unread);
  exposeLeases(proxy, unread);
  exposeClockSkew(proxy, unread);
  exposeConnections(proxy, unread);
  exposeCertificate(proxy, { expiresAtSeconds: unread, isRejected: unread });
  exposeHandshakes(proxy);
  exposeTracer(proxy, unread);
  createLedgerMetrics(proxy).exposeWaiting(() => ({ used: MOVES.length, max: MOVES.length }));
  const roles = { 'all but warehouse': every, admin, proxy, worker };
  const byName = new Map(
    Object.entries(roles).flatMap(([role, metrics]) =>
      metrics.describe().map((each) => [each.name, { ...each, role }] as const),
    ),
  );
  return {
    metrics: [...byName.values()].sort((one, other) => (one.name < other.name ? -1 : 1)),
    limits: [every, admin, proxy]
      .flatMap((metrics) => metrics.limits())
      .sort((one, other) => (one.resource < other.resource ? -1 : 1)),
  };
}
