/** Closing a month: how far it is and what it comes to, and the steps from open to closed. */
import { z } from 'zod';
import { type BilledMonth, MONTH_STATES } from '#billing/bills/billed-month.js';
import { readOpenMonth } from '#billing/bills/open-month.js';
import { type ClosingProblem, readClosingProblems } from '#billing/close/closing-problems.js';
import { freezeMonth, isWithoutData, nextVersion } from '#billing/close/freeze.js';
import { type FrozenTotals, readFrozenTotals } from '#billing/close/frozen-bills.js';
import type { CloseOutcome } from '#billing/close/outcome.js';
import { type CloseStep, type CloseVersion, readVersions } from '#billing/close/read-close.js';
import { readFrozen } from '#billing/close/read-frozen.js';
import { stepsOpenTo, takeStep } from '#billing/close/take-step.js';
import { type EpochMs, type Period, formatInstant } from '#base/time.js';
import { must } from '#base/assert.js';
import type { Transaction } from '#base/postgres/pool.js';
import { compareAmounts, formatAmount } from '#base/units.js';
import { closingTerms } from '#policies/control/closing.js';
import type { Actor } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { notFound } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { type ApiApp, type ApiContext, controlOf, reasonSchema } from './api.js';
import { monthAsked } from './asked-month.js';
import { type CloseJson, closeJson, closeSchema, stepsJson, stepsSchema } from './close-json.js';
import { convertedTotalsJson, convertedTotalsSchema } from './conversion-json.js';
import { closeRefusal } from './close-refusals.js';
import { monthTerms } from './month-terms.js';

const ACCESS = ['platform', 'finance'] as const;

interface StepRoute {
  readonly step: CloseStep;
  readonly path: string;
  readonly summary: string;
  /** Whether it says why. */
  readonly needsReason: boolean;
  /** Nothing takes it back without a trace in the books. */
  readonly takesConfirmed?: true;
}

const STEPS: readonly StepRoute[] = [
  {
    step: 'freeze',
    path: 'freeze',
    summary: 'Freezes a month that is over, or freezes a soft-closed one anew',
    needsReason: false,
  },
  {
    step: 'propose',
    path: 'propose',
    summary: 'Puts a frozen month into review',
    needsReason: false,
  },
  {
    step: 'signOff',
    path: 'sign-off',
    summary:
      'Says why a month is closed although something does not agree; another person than who froze or proposed it',
    needsReason: true,
    takesConfirmed: true,
  },
  {
    step: 'approve',
    path: 'approve',
    summary: 'Approves a month in review; another person than who froze or proposed it',
    needsReason: false,
    takesConfirmed: true,
  },
  {
    step: 'return',
    path: 'return',
    summary: 'Sends a month back from review: it is soft-closed again',
    needsReason: true,
  },
  {
    step: 'close',
    path: 'close',
    summary: 'Closes an approved month: nothing of it ever changes again',
    needsReason: false,
    takesConfirmed: true,
  },
  {
    step: 'reopen',
    path: 'reopen',
    summary:
      'Begins another version of the last closed month; the closed one stands until that is closed',
    needsReason: true,
    takesConfirmed: true,
  },
];

/** `GET /closes`, `GET /closes/{month}`, `POST /closes/{month}/{step}`. */
export function addCloseRoutes(app: ApiApp, context: ApiContext): void {
  addList(app, context);
  addOne(app, context);
  for (const step of STEPS) addStep(app, context, step);
}

const params = z.object({ month: z.string().max(10).describe('YYYY-MM') });

const listed = z.object({
  month: z.string(),
  version: z.int(),
  state: z.enum(MONTH_STATES),
  closedAt: z.string().nullable(),
  currency: z.string(),
  totalCredits: z.string(),
  totalAmount: z.string(),
  convertedTotals: convertedTotalsSchema,
  openCount: z.int().describe('Figures that do not agree'),
  isSignedOff: z.boolean(),
  steps: stepsSchema,
});

function addList(app: ApiApp, context: ApiContext): void {
  app.get(
    '/closes',
    {
      config: { access: ACCESS },
      schema: {
        summary: 'Every version of every month that was frozen, the newest first',
        querystring: z.strictObject(pageFields),
        response: { 200: z.object({ closes: z.array(listed), nextCursor: nextCursorSchema }) },
      },
    },
    async ({ query }) => {
      const key = keyOfCursor('closes', query.cursor, z.tuple([z.string(), z.int()]));
      const newestFirst = (await readVersions(context.db, null)).toReversed();
      const found = newestFirst.filter(
        ({ month, version }) =>
          key === undefined || month < key[0] || (month === key[0] && version < key[1]),
      );
      const { rows, nextCursor } = pageOf('closes', found, query.limit, ({ month, version }) => [
        month,
        version,
      ]);
      const totals = await readFrozenTotals(
        context.db,
        rows.map(({ freezeId }) => freezeId),
      );
      return { nextCursor, closes: rows.map((each) => listedJson(each, totals)) };
    },
  );
}

function listedJson(
  version: CloseVersion,
  totals: ReadonlyMap<string, FrozenTotals>,
): z.infer<typeof listed> {
  const of = must(totals.get(version.freezeId), 'a version has what it was frozen as');
  return {
    month: version.month,
    version: version.version,
    state: version.state,
    closedAt: version.closedAt === null ? null : formatInstant(version.closedAt),
    currency: of.currency,
    totalCredits: formatAmount(of.totalCredits),
    totalAmount: formatAmount(of.totalAmount),
    convertedTotals: convertedTotalsJson(of.convertedTotals),
    openCount: of.openCount,
    isSignedOff: version.signedOff !== null,
    steps: stepsJson(version),
  };
}

function addOne(app: ApiApp, context: ApiContext): void {
  app.get(
    '/closes/:month',
    {
      config: { access: ACCESS },
      schema: {
        summary:
          'How far a month is, what it comes to, how it agrees, and what keeps it from being closed',
        params,
        querystring: z.strictObject({
          version: z.coerce
            .number()
            .int()
            .min(1)
            .max(1000)
            .optional()
            .describe('Absent: the latest'),
        }),
        response: { 200: closeSchema },
      },
    },
    async (request) => {
      const { month } = request.params;
      const period = monthAsked(month);
      const versions = await readVersions(context.db, month);
      const { version: asked } = request.query;
      const version = versions.find((each) => each.version === (asked ?? versions.length));
      if (asked !== undefined && version === undefined)
        throw notFound(
          `${month} has no version ${asked}.`,
          'GET /api/v1/closes lists the versions',
          'version',
        );
      return version === undefined
        ? openJson(context, month, period)
        : frozenJson(context, version, request.actor.id);
    },
  );
}

const NO_DATA: ClosingProblem = {
  what: 'month',
  subject: 'the month',
  why: 'nothing was metered, charged or booked in it',
  wayOut: 'import its usage (tollgate import --from), or name another month',
};

function comesFirst(earlier: string): ClosingProblem {
  return {
    what: 'month',
    subject: 'the month',
    why: `months are closed in their order, and ${earlier} is not closed`,
    wayOut: `tollgate close ${earlier}`,
  };
}

async function openJson(context: ApiContext, month: string, period: Period): Promise<CloseJson> {
  const terms = await monthTerms(context, period);
  const open = await readOpenMonth(context.db, month, period, terms, {
    version: 0,
    unmetered: 'setApart',
    beside: 'comparison',
  });
  const approvalsNeeded = await neededApprovals(context, open.billed);
  const versions = await readVersions(context.db, null);
  const next = nextVersion(versions, { month, step: 'freeze' });
  const hasBegun = terms.now >= period.startsAt;
  const problems = [
    ...(await readClosingProblems(context.db, period, terms.now, open)),
    ...(hasBegun && isWithoutData(open.billed, versions) ? [NO_DATA] : []),
    ...(typeof next !== 'number' && next.kind === 'earlierOpen' ? [comesFirst(next.month)] : []),
  ];
  const isReady = problems.length === 0 && typeof next === 'number';
  const stepsOpen = isReady ? (['freeze'] as const) : [];
  return closeJson(open.billed, undefined, { problems, approvalsNeeded, stepsOpen });
}

async function frozenJson(
  context: ApiContext,
  version: CloseVersion,
  by: string,
): Promise<CloseJson> {
  const month = await readFrozen(context.db, version);
  const approvalsNeeded = await neededApprovals(context, month);
  const stepsOpen = [
    ...(await freezesOpen(context, version)),
    ...stepsOpenTo(version, by, month.reconciliation.open.length),
  ];
  return closeJson(month, version, { problems: [], approvalsNeeded, stepsOpen });
}

/** Whether its latest version is frozen anew, or another one begun. */
async function freezesOpen(
  { db }: ApiContext,
  { month, version }: CloseVersion,
): Promise<readonly ('freeze' | 'reopen')[]> {
  const versions = await readVersions(db, null);
  if (versions.findLast((each) => each.month === month)?.version !== version) return [];
  return (['freeze', 'reopen'] as const).filter(
    (step) => typeof nextVersion(versions, { month, step }) === 'number',
  );
}

async function neededApprovals(context: ApiContext, { totalAmount }: BilledMonth): Promise<number> {
  const { document } = await controlOf(context.db);
  const { twoApprovalsFrom } = closingTerms(document);
  return twoApprovalsFrom !== null && compareAmounts(totalAmount, twoApprovalsFrom) >= 0 ? 2 : 1;
}

const optionalReason = z.strictObject({ reason: reasonSchema.optional() });
const neededReason = z.strictObject({ reason: reasonSchema });

function addStep(app: ApiApp, context: ApiContext, route: StepRoute): void {
  app.post(
    `/closes/:month/${route.path}`,
    {
      config: {
        access: ACCESS,
        ...(route.takesConfirmed && { takesConfirmed: true }),
        example: route.needsReason ? { reason: 'agreed with the controller' } : {},
      },
      schema: {
        summary: route.summary,
        params,
        body: route.needsReason ? neededReason : optionalReason,
        response: { 200: closeSchema },
      },
    },
    async ({ params: { month }, body, actor }) => {
      const period = monthAsked(month);
      const asked = {
        month,
        by: actor.id,
        at: context.clock.now(),
        reason: body.reason ?? null,
      };
      const outcome = await taken(context, route.step, { ...asked, period, actor });
      if (outcome.kind !== 'taken') throw closeRefusal(month, route.step, outcome);
      return frozenJson(context, outcome.version, actor.id);
    },
  );
}

interface Asked {
  readonly month: string;
  readonly period: Period;
  readonly by: string;
  readonly at: EpochMs;
  readonly reason: string | null;
  readonly actor: Actor;
}

async function taken(
  context: ApiContext,
  step: CloseStep,
  { actor, period, ...asked }: Asked,
): Promise<CloseOutcome> {
  const audit = (tx: Transaction, outcome: CloseOutcome): Promise<void> =>
    audited(tx, actor, step, asked, outcome);
  if (step === 'freeze' || step === 'reopen') {
    const terms = await monthTerms(context, period);
    return freezeMonth(context.db, { ...asked, step, terms, audit });
  }
  const { twoApprovalsFrom } = closingTerms((await controlOf(context.db)).document);
  return takeStep(context.db, { ...asked, step, twoApprovalsFrom, audit });
}

async function audited(
  tx: Transaction,
  actor: Actor,
  step: CloseStep,
  { month, at, reason }: Omit<Asked, 'actor' | 'period'>,
  outcome: CloseOutcome,
): Promise<void> {
  if (outcome.kind !== 'taken') return;
  const { version, before } = outcome;
  await appendAudit(tx, {
    actor,
    action: `close.${STEPS.find((each) => each.step === step)?.path ?? step}`,
    subject: `month/${month}`,
    reason,
    before: { state: before },
    after: { state: version.state, version: version.version, freeze: version.freezeId },
    at,
  });
}
