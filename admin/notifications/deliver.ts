/**
 * Delivering what is due: each attempt is one request or one e-mail with a deadline. A delivery is told at least once; its key
 * goes with it, so that a receiver recognises a repeat. What fails is tried again ever later, and is dead in the end.
 */
import { toError } from '#base/errors.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { ChannelDocument } from '#policies/control/document.js';
import type { Mailer } from '../mail.js';
import { notificationMail } from './formats/email.js';
import { pagerDutyBody } from './formats/pagerduty.js';
import { slackBody } from './formats/slack.js';
import { teamsBody } from './formats/teams.js';
import { webhookSignature, webhookText } from './formats/webhook.js';
import { linkOf, type Told } from './link.js';
import { type DeliveryEnd, type Due, endDelivery, takeDue } from './outbox.js';
import type { Post, PostOutcome } from './post.js';

export interface Senders {
  readonly post: Post;
  /** Null: no mail server is configured. */
  readonly mailer: Mailer | null;
  /** The value of an environment variable, by its name. */
  readonly secretOf: (name: string) => string | undefined;
  /** Where people reach the console; null: notifications have no link. */
  readonly consoleUrl: string | null;
  /** Unix seconds of this machine, for signatures. */
  readonly nowSeconds: () => number;
  /** From 0 to 1, so that channels that failed together do not come back together. */
  readonly random: () => number;
  /** Where PagerDuty takes events; its own address unless given. */
  readonly pagerDutyUrl?: string;
}

/** Attempts of one delivery: with the pauses below about a day. */
export const ATTEMPTS_MAX = 30;
const PAUSE_SECONDS = 5;
const PAUSE_SECONDS_MAX = 3600;
const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue';

/** What came of one look: how many of each end. */
export type Delivered = Readonly<Record<DeliveryEnd['kind'], number>>;

/** Takes what is due and tries it, all at once. Never throws for a channel. */
export async function deliverDue(
  db: Queryable,
  channels: readonly ChannelDocument[],
  senders: Senders,
): Promise<Delivered> {
  const counts = { sent: 0, again: 0, dead: 0 };
  await Promise.all(
    (await takeDue(db)).map(async (due) => {
      const channel = channels.find(({ id }) => id === due.channelId);
      const end = await tryOnce(due, channel, senders);
      counts[end.kind] += 1;
      await endDelivery(db, due, end);
    }),
  );
  return counts;
}

async function tryOnce(
  due: Due,
  channel: ChannelDocument | undefined,
  senders: Senders,
): Promise<DeliveryEnd> {
  if (channel === undefined)
    return { kind: 'dead', problem: 'the control document has no such channel any more' };
  const told = { ...due, link: linkOf(due.kind, senders.consoleUrl) };
  const outcome = await send(told, channel, senders).catch((thrown: unknown): PostOutcome => ({
    kind: 'failed',
    why: toError(thrown).message,
    isFinal: false,
  }));
  if (outcome.kind === 'accepted') return { kind: 'sent' };
  if (outcome.isFinal || due.attempts >= ATTEMPTS_MAX)
    return { kind: 'dead', problem: outcome.why };
  return {
    kind: 'again',
    inSeconds: pauseSeconds(due.attempts, senders.random),
    problem: outcome.why,
  };
}

/** 5 s, 10 s, 20 s … one hour, each up to a half longer. */
export function pauseSeconds(attempts: number, random: () => number): number {
  const pause = Math.min(PAUSE_SECONDS * 2 ** Math.min(attempts - 1, 20), PAUSE_SECONDS_MAX);
  return pause * (1 + random() / 2);
}

async function send(
  due: Told,
  { kind, target }: ChannelDocument,
  senders: Senders,
): Promise<PostOutcome> {
  if (kind === 'email') {
    if (senders.mailer === null) return lacking('TOLLGATE_MAIL_HOST');
    return senders.mailer.send(notificationMail(due, target));
  }
  const secret = senders.secretOf(target);
  if (secret === undefined || secret === '') return lacking(target);
  const key = `tollgate/${due.key}`;
  switch (kind) {
    case 'slack':
      return senders.post(secret, JSON.stringify(slackBody(due)), key);
    case 'teams':
      return senders.post(secret, JSON.stringify(teamsBody(due)), key);
    case 'pagerduty': {
      const url = senders.pagerDutyUrl ?? PAGERDUTY_URL;
      return senders.post(url, JSON.stringify(pagerDutyBody(due, secret)), key);
    }
    case 'webhook': {
      const signingName = `${target}_SECRET`;
      const signing = senders.secretOf(signingName);
      if (signing === undefined || signing === '') return lacking(signingName);
      const text = webhookText(due);
      const signature = webhookSignature(text, signing, senders.nowSeconds());
      return senders.post(secret, text, key, { 'tollgate-signature': signature });
    }
  }
}

/** Not final: a restart with the variable set mends it. */
function lacking(name: string): PostOutcome {
  return {
    kind: 'failed',
    why: `${name} is not set in the environment of the worker`,
    isFinal: false,
  };
}
