import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ATTEMPTS_MAX, pauseSeconds } from '../../../admin/notifications/deliver.js';
import { notificationMail } from '../../../admin/notifications/formats/email.js';
import { pagerDutyBody } from '../../../admin/notifications/formats/pagerduty.js';
import { slackBody } from '../../../admin/notifications/formats/slack.js';
import { teamsBody } from '../../../admin/notifications/formats/teams.js';
import { webhookSignature, webhookText } from '../../../admin/notifications/formats/webhook.js';
import { linkOf, type Told } from '../../../admin/notifications/link.js';
import { NOTIFICATION_KINDS } from '../../../admin/notifications/notification.js';
import { PLACES } from '../../../console/places.js';

const HOSTILE =
  '<!channel> [pay](https://evil.example) *now* & <https://evil.example|here>\n@here\u202Etxt';

function notification(changes: Partial<Told> = {}): Told {
  return {
    id: '17',
    key: 'budget-threshold/4',
    kind: 'budget-threshold',
    severity: 'warning',
    teamId: 'sales',
    title: 'sales-monthly has spent 80 % of its limit',
    facts: [
      ['Limit', '40 credits'],
      ['Spent', '32.1 credits'],
    ],
    occurredAt: Date.UTC(2026, 10, 25, 12),
    link: null,
    ...changes,
  };
}

test('Slack gets blocks, and what people wrote names nobody and links nowhere', () => {
  expect(slackBody(notification())).toEqual({
    text: '⚠️ sales-monthly has spent 80 % of its limit',
    blocks: [
      {
        type: 'section',
        text: { type: 'mrkdwn', text: '*⚠️ sales-monthly has spent 80 % of its limit*' },
      },
      {
        type: 'section',
        fields: [
          { type: 'mrkdwn', text: '*Limit*\n40 credits' },
          { type: 'mrkdwn', text: '*Spent*\n32.1 credits' },
        ],
      },
    ],
  });
  const { blocks } = slackBody(notification({ facts: [['Reason', HOSTILE]] })) as {
    readonly blocks: readonly { readonly fields?: readonly { readonly text: string }[] }[];
  };
  const text = blocks[1]?.fields?.[0]?.text ?? '';
  expect(text).toContain('&lt;!channel&gt;');
  expect(text).not.toMatch(/<|>|\u202E/);
  expect(text.split('\n')).toHaveLength(2);
});

test('Teams gets an adaptive card whose Markdown is that of nobody', () => {
  const { type, attachments } = teamsBody(
    notification({ title: HOSTILE, facts: [['1. a', '- b']] }),
  ) as { readonly type: string; readonly attachments: readonly Record<string, unknown>[] };
  expect(type).toBe('message');
  expect(attachments[0]).toMatchObject({
    contentType: 'application/vnd.microsoft.card.adaptive',
    content: {
      type: 'AdaptiveCard',
      version: '1.4',
      body: [
        {
          type: 'TextBlock',
          text: expect.stringContaining('\\[pay\\]\\(https://evil.example\\) \\*now\\*'),
          color: 'Warning',
        },
        { type: 'FactSet', facts: [{ title: '1\\. a', value: '\\- b' }] },
      ],
    },
  });
});

test('a webhook is signed over its time and its very text', () => {
  const text = webhookText(notification());
  expect(JSON.parse(text)).toMatchObject({ key: 'budget-threshold/4', team: 'sales' });
  const mac = createHmac('sha256', 'a secret').update(`1700000000.${text}`).digest('hex');
  expect(webhookSignature(text, 'a secret', 1_700_000_000)).toBe(`t=1700000000,v1=${mac}`);
  expect(webhookSignature(text, 'another', 1_700_000_000)).not.toContain(mac);
});

test('PagerDuty gets one dedup key for one thing, and it is no longer than PagerDuty takes', () => {
  expect(pagerDutyBody(notification({ severity: 'critical' }), 'R123')).toMatchObject({
    routing_key: 'R123',
    event_action: 'trigger',
    dedup_key: 'tollgate/budget-threshold/4',
    payload: {
      severity: 'critical',
      source: 'tollgate',
      component: 'sales',
      class: 'budget-threshold',
    },
  });
  const long = pagerDutyBody(notification({ key: 'k'.repeat(300) }), 'R123');
  expect((long as { readonly dedup_key: string }).dedup_key).toHaveLength(255);
});

test('an e-mail has its facts in columns and a key of its notification', () => {
  expect(notificationMail(notification(), 'lead@example.com')).toEqual({
    to: ['lead@example.com'],
    subject: 'Tollgate: [warning] sales-monthly has spent 80 % of its limit',
    text: 'sales-monthly has spent 80 % of its limit\n\nLimit  40 credits\nSpent  32.1 credits\n\n2026-11-25T12:00:00.000Z\n',
    key: 'notification-17',
  });
});

test('every kind leads to a page of the console, in each format as its receiver opens links', () => {
  const pages = new Set(PLACES.map(({ path }) => path));
  for (const kind of NOTIFICATION_KINDS) {
    const link = linkOf(kind, 'https://tollgate.example.com/') ?? '';
    expect(link).toMatch(/^https:\/\/tollgate\.example\.com\/#\//);
    expect(pages).toContain(link.split('#')[1]);
  }
  expect(linkOf('freeze', null)).toBeNull();
  const link = 'https://tollgate.example.com/#/requests';
  const linked = notification({ link });
  expect(slackBody(linked)).toMatchObject({
    blocks: [{}, {}, { text: { text: `<${link}|Open Tollgate>` } }],
  });
  expect(teamsBody(linked)).toMatchObject({
    attachments: [{ content: { actions: [{ type: 'Action.OpenUrl', url: link }] } }],
  });
  expect(pagerDutyBody(linked, 'R123')).toMatchObject({ links: [{ href: link }] });
  expect(notificationMail(linked, 'lead@example.com').text).toContain(`\n\n${link}\n\n`);
  expect(JSON.parse(webhookText(linked))).toMatchObject({ link });
});

test('whatever people write, every format stays whole and within its caps', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 2000 }),
      fc.string({ maxLength: 500 }),
      (value, title) => {
        const one = notification({ title: title || 'x', facts: [['Reason', value]] });
        const slack = JSON.stringify(slackBody(one));
        expect(slack).not.toMatch(/[<>]/);
        expect(JSON.stringify(teamsBody(one)).length).toBeLessThan(28 * 1024);
        expect(JSON.parse(webhookText(one))).toMatchObject({ facts: [{ name: 'Reason' }] });
      },
    ),
    { numRuns: 200 },
  );
});

test('pauses grow to an hour, and all attempts together are about a day', () => {
  expect([1, 2, 3].map((attempt) => pauseSeconds(attempt, () => 0))).toEqual([5, 10, 20]);
  expect(pauseSeconds(1000, () => 0.999)).toBeLessThan(5400);
  const total = Array.from({ length: ATTEMPTS_MAX }, (_, index) =>
    pauseSeconds(index + 1, () => 0),
  );
  expect(total.reduce((sum, seconds) => sum + seconds, 0) / 3600).toBeGreaterThan(18);
});
