/** Where a notification leads: the page of the console on which somebody does something about it. */
import type { Notification, NotificationKind } from './notification.js';

const PAGES: Readonly<Record<NotificationKind, string>> = {
  'budget-threshold': '/',
  'budget-refusals': '/tickets',
  'request-waiting': '/requests',
  'break-glass': '/tickets',
  freeze: '/live',
  quarantine: '/checks',
  'run-rate-stop': '/tickets',
  'spend-anomaly': '/unusual',
  digest: '/costs',
};

/** A notification as it goes out. */
export interface Told extends Notification {
  /** Null: nobody has said where people reach the console. */
  readonly link: string | null;
}

/** Behind the hash, as refusals link: no server in between can lose it. */
export function linkOf(kind: NotificationKind, consoleUrl: string | null): string | null {
  return consoleUrl === null ? null : `${consoleUrl.replace(/\/+$/, '')}/#${PAGES[kind]}`;
}
