/** A notification as Slack's incoming webhooks take it. Source: Slack, "Formatting message text" and "Block Kit". */
import type { Told } from '../link.js';
import type { Severity } from '../notification.js';
import { plainLine } from '../notification.js';

const SIGNS: Readonly<Record<Severity, string>> = { info: '', warning: '⚠️ ', critical: '🚨 ' };
/** Slack refuses fields of more than 2,000 characters, and more than ten of them. */
const FIELD_CHARACTERS_MAX = 300;
const FIELDS_MAX = 10;

/** The body of the request. What people wrote is escaped, so that it names nobody and links nowhere. */
export function slackBody(notification: Told): object {
  const { title, facts, severity, link } = notification;
  const head = `${SIGNS[severity]}${slackText(title)}`;
  const fields = facts.slice(0, FIELDS_MAX).map(([name, value]) => ({
    type: 'mrkdwn',
    text: `*${slackText(name)}*\n${slackText(value)}`,
  }));
  return {
    text: head,
    blocks: [
      // Not a header: that is plain text, which has no way to escape.
      { type: 'section', text: { type: 'mrkdwn', text: `*${head}*` } },
      ...(fields.length === 0 ? [] : [{ type: 'section', fields }]),
      ...(link === null ? [] : [linkBlock(link)]),
    ],
  };
}

/** An address of the settings, which has none of what ends a link. */
function linkBlock(link: string): object {
  return { type: 'section', text: { type: 'mrkdwn', text: `<${link}|Open Tollgate>` } };
}

/** `&`, `<` and `>` are all that Slack reads in text; marks of emphasis are parted from their words. */
function slackText(text: string): string {
  return plainLine(text, FIELD_CHARACTERS_MAX)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[*_~`]/g, (mark) => `\u200B${mark}`);
}
