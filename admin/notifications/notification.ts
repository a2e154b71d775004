/** What a notification is, and how its parts are made safe to show. Each is told once, whoever finds it. */
import type { EpochMs } from '#base/time.js';

export const NOTIFICATION_KINDS = [
  'budget-threshold',
  'budget-refusals',
  'request-waiting',
  'break-glass',
  'freeze',
  'quarantine',
  'run-rate-stop',
  'spend-anomaly',
  'digest',
] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

/** info: to know; warning: somebody looks today; critical: somebody looks now. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A line of it: a name and a value, both plain text. */
export type Fact = readonly [name: string, value: string];

export interface Notification {
  readonly id: string;
  /** Names what is told; the same for every channel and every repeat. */
  readonly key: string;
  readonly kind: NotificationKind;
  readonly severity: Severity;
  /** Null: of no single team. */
  readonly teamId: string | null;
  /** Plain text of one line. */
  readonly title: string;
  readonly facts: readonly Fact[];
  readonly occurredAt: EpochMs;
}

/** One that nobody has told yet. */
export type NewNotification = Omit<Notification, 'id'>;

export const TITLE_CHARACTERS_MAX = 300;

/** One line of at most `most` characters: controls, line ends and marks that turn text around become spaces. */
export function plainLine(text: string, most: number): string {
  const line = text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u200E\u200F\u202A-\u202E\u2066-\u2069]+/gu, ' ')
    .trim();
  const characters = Array.from(line);
  return characters.length <= most ? line : `${characters.slice(0, most - 1).join('')}…`;
}
