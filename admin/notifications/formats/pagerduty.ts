/** A notification as an alert of PagerDuty. Source: PagerDuty, "Events API v2: send an alert event". */
import { formatInstant } from '#base/time.js';
import type { Told } from '../link.js';
import { plainLine } from '../notification.js';

const SUMMARY_CHARACTERS_MAX = 1024;
/** PagerDuty's own cap. */
const KEY_CHARACTERS_MAX = 255;

/** The body of the request. Repeats of one notification, and its repeats by another worker, are one alert by the dedup key. */
export function pagerDutyBody(notification: Told, routingKey: string): object {
  const { key, kind, severity, teamId, title, facts, occurredAt, link } = notification;
  return {
    routing_key: routingKey,
    event_action: 'trigger',
    dedup_key: `tollgate/${key}`.slice(0, KEY_CHARACTERS_MAX),
    ...(link === null ? {} : { links: [{ href: link, text: 'Tollgate' }] }),
    payload: {
      summary: plainLine(title, SUMMARY_CHARACTERS_MAX),
      source: 'tollgate',
      severity,
      timestamp: formatInstant(occurredAt),
      class: kind,
      ...(teamId === null ? {} : { component: teamId }),
      custom_details: Object.fromEntries(facts),
    },
  };
}
