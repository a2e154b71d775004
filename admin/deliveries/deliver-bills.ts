/**
 * Delivers the bills of a month: to each team's addresses its own, to the object store the whole set. What has arrived is
 * not sent again, what fails leaves the others, and every attempt is a row that finance can read.
 */
import { toError } from '#base/errors.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import { type BillFile, type BillForm, MANIFEST_NAME } from '#billing/bills/bill-files.js';
import { type BilledMonth, type TeamBill, UNALLOCATED } from '#billing/bills/billed-month.js';
import { statusOf } from '#billing/bills/charge-words.js';
import type { BillRenderer } from '#billing/bills/render/render-host.js';
import { hashOfBytes } from '#base/hash-chain.js';
import type { Actor } from '../actor.js';
import type { Mailer } from '../mail.js';
import type { Audience } from '../notifications/audience.js';
import { appendAudit } from '../stores/audit-store.js';
import {
  type BillDelivery,
  claimBillDelivery,
  type DeliveryKind,
  endBillDelivery,
} from '../stores/bill-delivery-store.js';
import { billMail } from './bill-mail.js';
import type { ObjectStore } from './object-store.js';

/** Where bills can go; null: the settings name none. */
export interface DeliveryTargets {
  readonly mailer: Mailer | null;
  readonly objectStore: ObjectStore | null;
}

export interface DeliveryFailure {
  readonly kind: DeliveryKind;
  readonly target: string;
  readonly item: string;
  readonly why: string;
}

export interface DeliveryReport {
  readonly sent: number;
  /** Had arrived before: nothing was sent. */
  readonly alreadySent: number;
  /** Somebody else is sending it at this moment. */
  readonly underWay: number;
  readonly failed: readonly DeliveryFailure[];
  /** With a bill, and without a channel of kind `email`; sorted. */
  readonly teamsWithoutAddress: readonly string[];
}

export interface DeliveryRun extends DeliveryTargets {
  readonly db: Database;
  readonly clock: Clock;
  readonly renderer: BillRenderer;
  readonly month: BilledMonth;
  readonly actor: Actor;
  /** What each team's e-mail brings. */
  readonly forms: readonly BillForm[];
}

type Tally = { -readonly [K in keyof DeliveryReport]: DeliveryReport[K] } & {
  readonly failed: DeliveryFailure[];
  readonly teamsWithoutAddress: string[];
};

/**
 * To every target that `run` has. Bills without lines are of nobody's interest and go by no e-mail.
 * @returns what became of each; a target that fails is in `failed`. Throws where the database does not answer.
 */
export async function deliverBills(run: DeliveryRun, audience: Audience): Promise<DeliveryReport> {
  const tally: Tally = {
    sent: 0,
    alreadySent: 0,
    underWay: 0,
    failed: [],
    teamsWithoutAddress: [],
  };
  const { mailer, objectStore } = run;
  if (mailer !== null) {
    for (const bill of run.month.bills) {
      if (bill.teamId === UNALLOCATED || bill.lines.length === 0) continue;
      const addresses = addressesOf(audience, bill.teamId);
      if (addresses.length === 0) tally.teamsWithoutAddress.push(bill.teamId);
      await mailBill(run, tally, mailer, bill, addresses);
    }
  }
  if (objectStore !== null) await storeMonth(run, tally, objectStore);
  return tally;
}

/** Each once, whatever channels it is under. */
function addressesOf({ teams, channels }: Audience, teamId: string): readonly string[] {
  const named = teams.get(teamId) ?? [];
  const found = channels.filter(({ id, kind }) => kind === 'email' && named.includes(id));
  return [...new Set(found.map(({ target }) => target))];
}

async function mailBill(
  run: DeliveryRun,
  tally: Tally,
  mailer: Mailer,
  bill: TeamBill,
  addresses: readonly string[],
): Promise<void> {
  const { month, forms } = run;
  let drawn: Promise<readonly BillFile[]> | undefined;
  for (const address of addresses) {
    const delivery = {
      ...common(month),
      kind: 'email',
      target: address,
      item: bill.id,
      teamId: bill.teamId,
      forms,
      contentHash: bill.hash,
    } as const;
    await deliverOne(run, tally, delivery, async (id) => {
      drawn ??= draw(run, bill);
      const key = `bill-${bill.id}-${id}`;
      const outcome = await mailer.send(billMail(month, bill, await drawn, { to: address, key }));
      return outcome.kind === 'accepted' ? null : outcome.why;
    });
  }
}

async function draw(
  { renderer, month, forms }: DeliveryRun,
  bill: TeamBill,
): Promise<readonly BillFile[]> {
  const files: BillFile[] = [];
  for (const form of forms) {
    const file = await renderer.bill(month, bill, form);
    if (file === undefined) throw new Error('many bills are being made already; try again later');
    files.push(file);
  }
  return files;
}

/** One audit event for the set: its files have a row each. */
async function storeMonth(run: DeliveryRun, tally: Tally, store: ObjectStore): Promise<void> {
  const { month, renderer, db } = run;
  const folder = `${month.month}/v${month.version}`;
  const own: Tally = { sent: 0, alreadySent: 0, underWay: 0, failed: [], teamsWithoutAddress: [] };
  try {
    const files = await renderer.month(month);
    if (files === undefined) throw new Error('many bills are being made already; try again later');
    for await (const file of files) {
      const missing = own.failed.length + own.underWay;
      await deliverOne(run, own, fileDelivery(month, store, file), async () => {
        // Where the manifest is, everything is.
        if (file.name === MANIFEST_NAME && missing > 0)
          return `waits for ${missing} files before it that have not arrived`;
        const outcome = await store.put(`${folder}/${file.name}`, file.mediaType, file.bytes);
        return outcome.kind === 'kept' ? null : outcome.why;
      });
    }
  } catch (thrown) {
    const why = toError(thrown).message.slice(0, 300);
    own.failed.push({ kind: 'object-store', target: store.target, item: folder, why });
  }
  const { sent, alreadySent, underWay, failed } = own;
  if (sent > 0 || failed.length > 0)
    await db.transaction((tx) =>
      appendAudit(tx, {
        ...event(run),
        subject: `bills/${month.month}-v${month.version}`,
        after: { target: store.target, sent, alreadySent, failed: failed.length },
      }),
    );
  tally.sent += sent;
  tally.alreadySent += alreadySent;
  tally.underWay += underWay;
  tally.failed.push(...failed);
}

function fileDelivery(month: BilledMonth, store: ObjectStore, file: BillFile): BillDelivery {
  const bill = month.bills.find(({ id }) => id === file.bill);
  return {
    ...common(month),
    kind: 'object-store',
    target: store.target,
    item: file.name,
    teamId: bill?.teamId ?? null,
    forms: [],
    contentHash: hashOfBytes(file.bytes),
  };
}

function common(month: BilledMonth): Pick<BillDelivery, 'month' | 'version' | 'status'> {
  return { month: month.month, version: month.version, status: statusOf(month.state) };
}

/** @param send gives null when it has arrived, else why not. An e-mail's end and its audit event are one. */
async function deliverOne(
  run: DeliveryRun,
  tally: Tally,
  delivery: BillDelivery,
  send: (id: string) => Promise<string | null>,
): Promise<void> {
  const claim = await claimBillDelivery(run.db, delivery, run.actor.id);
  if (claim.kind === 'sent') tally.alreadySent += 1;
  if (claim.kind === 'underWay') tally.underWay += 1;
  if (claim.kind !== 'claimed') return;
  const { kind, target, item, forms, contentHash } = delivery;
  const problem = await send(claim.id).catch((thrown: unknown) => toError(thrown).message);
  await run.db.transaction(async (tx) => {
    await endBillDelivery(tx, claim.id, problem);
    if (kind !== 'email') return;
    const after = { target, forms, contentHash, problem };
    await appendAudit(tx, { ...event(run), subject: `bill/${item}`, after });
  });
  if (problem === null) tally.sent += 1;
  else tally.failed.push({ kind, target, item, why: problem.slice(0, 300) });
}

function event({
  actor,
  clock,
}: DeliveryRun): Omit<Parameters<typeof appendAudit>[1], 'subject' | 'after'> {
  return { actor, action: 'bill.deliver', reason: null, before: null, at: clock.now() };
}
