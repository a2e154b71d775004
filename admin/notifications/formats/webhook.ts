/** A notification for a program of one's own: JSON, signed so that the receiver knows that it comes from here, and when. */
import { createHmac } from 'node:crypto';
import { formatInstant } from '#base/time.js';
import type { Told } from '../link.js';

/** The text that is sent and signed. */
export function webhookText(notification: Told): string {
  const { id, key, kind, severity, teamId, title, facts, occurredAt, link } = notification;
  return JSON.stringify({
    id,
    key,
    kind,
    severity,
    team: teamId,
    title,
    facts: facts.map(([name, value]) => ({ name, value })),
    occurredAt: formatInstant(occurredAt),
    link,
  });
}

/**
 * The header `Tollgate-Signature`: `t=<seconds>,v1=<hex>`, an HMAC-SHA-256 over `<seconds>.<text>`. A receiver compares
 * it in constant time and refuses what is older than some minutes.
 */
export function webhookSignature(text: string, secret: string, atSeconds: number): string {
  const mac = createHmac('sha256', secret).update(`${atSeconds}.${text}`).digest('hex');
  return `t=${atSeconds},v1=${mac}`;
}
