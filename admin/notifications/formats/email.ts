/** A notification as an e-mail of plain text. */
import { formatInstant } from '#base/time.js';
import type { Mail } from '../../mail.js';
import type { Told } from '../link.js';

/** The e-mail to one address. Its key makes a repeat a repeat to mail programs too. */
export function notificationMail(notification: Told, address: string): Mail {
  const { id, title, facts, occurredAt, severity, link } = notification;
  const width = Math.max(0, ...facts.map(([name]) => name.length));
  const mark = severity === 'info' ? '' : `[${severity}] `;
  return {
    to: [address],
    subject: `Tollgate: ${mark}${title}`,
    text: [
      title,
      '',
      ...facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
      '',
      ...(link === null ? [] : [link, '']),
      formatInstant(occurredAt),
      '',
    ].join('\n'),
    key: `notification-${id}`,
  };
}
