/**
 * A notification as Microsoft Teams takes it: an adaptive card for a workflow that begins "when a Teams webhook request
 * is received". Source: Microsoft, "Create incoming webhooks with Workflows", "Adaptive Cards: text features".
 */
import type { Told } from '../link.js';
import { plainLine, type Severity } from '../notification.js';

const COLOURS: Readonly<Record<Severity, string>> = {
  info: 'Default',
  warning: 'Warning',
  critical: 'Attention',
};
const TEXT_CHARACTERS_MAX = 300;
/** The whole message may have 28 KB. */
const FACTS_MAX = 20;

/** The body of the request. */
export function teamsBody({ title, facts, severity, link }: Told): object {
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          ...(link === null
            ? {}
            : { actions: [{ type: 'Action.OpenUrl', title: 'Open Tollgate', url: link }] }),
          body: [
            {
              type: 'TextBlock',
              text: cardText(title),
              weight: 'Bolder',
              size: 'Medium',
              wrap: true,
              color: COLOURS[severity],
            },
            {
              type: 'FactSet',
              facts: facts
                .slice(0, FACTS_MAX)
                .map(([name, value]) => ({ title: cardText(name), value: cardText(value) })),
            },
          ],
        },
      },
    ],
  };
}

/** Text of a card is Markdown: what would be a link, a list or emphasis is escaped. */
function cardText(text: string): string {
  return plainLine(text, TEXT_CHARACTERS_MAX)
    .replaceAll(/[\\`*_[\]()#!<>|~]/g, (mark) => `\\${mark}`)
    .replace(/^(\s*\d*)([-+.]\s)/, '$1\\$2');
}
