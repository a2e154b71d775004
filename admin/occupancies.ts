/** What the admin API takes or remembers only so much of, and how much of each it has. */
import type { Metrics, Occupancy } from '#base/metrics.js';
import type { Attempts } from './attempts.js';
import type { EventHub } from './events/event-hub.js';
import type { SignInLog } from './stores/sign-in-log.js';
import type { TokenAuthenticator } from './token-authenticator.js';

export interface AdminParts {
  readonly tokens: Pick<TokenAuthenticator, 'occupancy'>;
  readonly attempts: Pick<Attempts, 'occupancy'>;
  readonly signInLog: Pick<SignInLog, 'occupancy'>;
  readonly hub: Pick<EventHub, 'occupancy' | 'keptOccupancy'>;
}

interface Entry {
  readonly resource: string;
  readonly unit: string;
  readonly whenFull: string;
  readonly of: (parts: AdminParts) => Occupancy;
}

const ENTRIES: readonly Entry[] = [
  {
    resource: 'api-tokens',
    unit: 'tokens',
    whenFull: 'the least recently used is forgotten, and read again when it comes',
    of: ({ tokens }) => tokens.occupancy,
  },
  {
    resource: 'failed-attempts',
    unit: 'addresses',
    whenFull: 'the least recently seen is forgotten, and may try anew',
    of: ({ attempts }) => attempts.occupancy,
  },
  {
    resource: 'sign-outs',
    unit: 'cookies',
    whenFull:
      'the oldest is forgotten; a copy of its cookie that somebody kept is let in until it expires',
    of: ({ signInLog }) => signInLog.occupancy,
  },
  {
    resource: 'event-followers',
    unit: 'connections',
    whenFull: 'a page asks again every few seconds instead',
    of: ({ hub }) => hub.occupancy,
  },
  {
    resource: 'event-looks',
    unit: 'looks',
    whenFull: 'the oldest is forgotten; a page that comes back from before it asks for everything',
    of: ({ hub }) => hub.keptOccupancy,
  },
];

/** Shows limit and use of each. @param read asked when metrics are. */
export function exposeLimits(metrics: Metrics, read: () => AdminParts): void {
  for (const { of, ...entry } of ENTRIES) metrics.limited({ ...entry, read: () => of(read()) });
}
