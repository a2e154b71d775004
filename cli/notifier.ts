/**
 * Tells teams and administrators what happened, beside the other work of a worker: a channel that does not answer keeps
 * nothing else waiting. Every worker does this; the outbox lets one of them tell each thing.
 */
import { readEnvironment, type Config, type Secrets } from '../base/config.js';
import { toError } from '../base/errors.js';
import type { Stoppable } from '../base/lifecycle.js';
import type { Log } from '../base/log.js';
import type { CounterMetric, Metrics } from '../base/metrics.js';
import type { Database } from '../base/postgres/pool.js';
import type { Clock, EpochMs } from '../base/time.js';
import { findAnomalies } from '../billing/anomalies.js';
import { createMailer } from '../admin/mail.js';
import { type Audience, readAudience } from '../admin/notifications/audience.js';
import { deliverDue, type Senders } from '../admin/notifications/deliver.js';
import { collect } from '../admin/notifications/outbox.js';
import { postJson } from '../admin/notifications/post.js';

export interface NotifierOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly administratorChannels: readonly string[];
  readonly senders: Senders;
}

const LOOK_EVERY_MS = 2000;
/** What a start looks back for: what happened while no worker ran. In business time, like the overlap. */
const LOOK_BACK_MS = 24 * 3_600_000;
/** Rows are written a little after what they tell of. */
const OVERLAP_MS = 10 * 60_000;

/** An hour is looked at a little after its end. In business time. */
const ANOMALIES_EVERY_MS = 5 * 60_000;

/** Makes the instruments. */
export function exposeNotifications(metrics: Metrics): {
  readonly found: CounterMetric;
  readonly deliveries: CounterMetric;
} {
  return {
    found: metrics.counter(
      'tollgate_notifications_total',
      'Things that teams or administrators are told',
    ),
    deliveries: metrics.counter(
      'tollgate_notification_deliveries_total',
      'Attempts to tell a channel: sent, tried again later, or given up',
      ['outcome'],
    ),
  };
}

/** Senders as the settings say; addresses and signing secrets come from the environment of this process alone. */
export function configuredSenders(settings: Config & Secrets): Senders {
  const environment = readEnvironment();
  return {
    post: postJson,
    mailer: createMailer(settings),
    secretOf: (name) => environment[name],
    consoleUrl: settings.consolePublicUrl,
    nowSeconds: () => Math.floor(Date.now() / 1000),
    random: Math.random,
  };
}

/** A setting that names a channel which is not in the control document would tell nobody, silently. Said once each. */
function unknownChannels({ log }: NotifierOptions): (audience: Audience) => void {
  let told = '';
  return ({ administrators, channels }) => {
    const known = new Set(channels.map(({ id }) => id));
    const unknown = administrators.filter((id) => !known.has(id));
    const said = unknown.join(', ');
    if (said !== told && said !== '')
      log.warn(
        { channels: unknown },
        'TOLLGATE_ADMINISTRATOR_CHANNELS names channels that the control document does not have: nobody is told there',
      );
    told = said;
  };
}

/** Looks now and every two seconds. `stop` waits for what is under way. */
export function startNotifier(options: NotifierOptions): Stoppable {
  const { log, metrics } = options;
  const counters = exposeNotifications(metrics);
  let since: EpochMs | null = null;
  let anomaliesAt: EpochMs = 0;
  const tellUnknown = unknownChannels(options);
  const look = async (): Promise<void> => {
    const audience = await readAudience(options.db, options.administratorChannels);
    if (audience === undefined) return;
    tellUnknown(audience);
    const at = options.clock.now();
    if (at >= anomaliesAt) {
      const unusual = await findAnomalies(options.db, at, audience.owners);
      if (unusual > 0) log.info({ unusual }, 'unusual spending was found');
      anomaliesAt = at + ANOMALIES_EVERY_MS;
    }
    const found = await collect(options.db, audience, { since: since ?? at - LOOK_BACK_MS, at });
    since = at - OVERLAP_MS;
    if (found > 0) counters.found.inc({}, found);
    const ends = await deliverDue(options.db, audience.channels, options.senders);
    for (const [outcome, count] of Object.entries(ends))
      if (count > 0) counters.deliveries.inc({ outcome }, count);
    if (ends.dead > 0) log.warn({ count: ends.dead }, 'notifications were given up');
  };
  let looking: Promise<void> | undefined;
  const run = (): void => {
    looking ??= look()
      .catch((thrown: unknown) =>
        log.warn({ err: toError(thrown) }, 'notifications could not be looked after'),
      )
      .finally(() => {
        looking = undefined;
      });
  };
  run();
  const timer = setInterval(run, LOOK_EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}
