/** A plan as the API answers it: words, money, what the ledger says, and what would have no effect. */
import { z } from 'zod';
import { sqlStateOf } from '#base/postgres/pool.js';
import { parseCredits } from '#base/units.js';
import { diffControl } from '#policies/control/diff.js';
import type { ControlDocument } from '#policies/control/document.js';
import { findNotices, type PlanNotice } from '#policies/control/notices.js';
import {
  type PlanChange,
  planControl,
  type PlanCount,
  type PlanMoney,
} from '#policies/control/plan.js';
import {
  changesDecisions,
  hitSentences,
  type PastReport,
  pastSentences,
} from '#policies/control/plan-past.js';
import { changesWhoPays, moveSentences } from '#policies/control/plan-moves.js';
import {
  type PlanSides,
  RECORD_DAYS,
  recordQuestions,
  recordSentences,
} from '#policies/control/plan-record.js';
import { PAST_DAYS, readPastReport } from '../stores/past-report.js';
import { PREVIEW_DAYS, previewMapping } from '../stores/mapping-preview.js';
import { HIT_DAYS, sumHits } from '../stores/rule-hits.js';
import { readPlanRecord } from '../stores/plan-record.js';
import type { ApiContext } from './api.js';
import { documentSchema } from './control-body.js';

const RULE_PARTS: ReadonlySet<string> = new Set(['rules', 'presets', 'access']);
/** Rules whose hits one plan tells. */
const RULES_ASKED_MAX = 100;
const QUERY_CANCELED = '57014';
/** Most changes that one answer lists; the total is told beside it. */
const CHANGES_MAX = 20_000;

const changeSchema = z.object({
  part: z.string(),
  key: z.string(),
  change: z.enum(['added', 'removed', 'changed']),
  text: z.string().describe('The change in words'),
  deltaCredits: z.string().nullable().describe("Added to a budget's limit, a period"),
  deltaAmount: z.string().nullable().describe('The same in money, at the price in force'),
});
const differenceSchema = z.object({
  part: z.string(),
  key: z.string(),
  change: z.enum(['added', 'removed', 'changed']),
  fields: z.array(z.object({ field: z.string(), before: z.unknown(), after: z.unknown() })),
});

/** What changes, in words and money, and field by field. */
export interface DiffJson {
  isChanged: boolean;
  changes: PlanChange[];
  changesTotal: number;
  counts: PlanCount[];
  teamsMonthly: PlanMoney;
  differences: { part: string; key: string; change: PlanChange['change']; fields: FieldJson[] }[];
}

interface FieldJson {
  field: string;
  before: unknown;
  after: unknown;
}

export interface PlanJson extends DiffJson {
  controlVersion: number;
  inForce: VersionJson;
  lastDays: string[];
  past: PastReport | null;
  notices: PlanNotice[];
}

export interface VersionJson {
  version: number;
  author: string;
  reason: string;
  createdAt: string;
}

const diffFields = {
  isChanged: z.boolean(),
  changes: z.array(changeSchema),
  changesTotal: z.int(),
  counts: z.array(
    z.object({ part: z.string(), added: z.int(), changed: z.int(), removed: z.int() }),
  ),
  teamsMonthly: z
    .object({
      currency: z.string(),
      creditsBefore: z.string(),
      creditsAfter: z.string(),
      amountBefore: z.string().nullable(),
      amountAfter: z.string().nullable(),
    })
    .describe("Sum of the teams' monthly budgets"),
  differences: z.array(differenceSchema).describe('The same changes, field by field'),
};
const versionFields = {
  version: z.int(),
  author: z.string(),
  reason: z.string(),
  createdAt: z.string(),
};

export const diffSchema: z.ZodType<DiffJson> = z.object(diffFields);
export const versionSchema: z.ZodType<VersionJson> = z.object(versionFields);
export const storedVersionSchema: z.ZodType<VersionJson & { document: Record<string, unknown> }> =
  z.object({ ...versionFields, document: documentSchema });

const totals = {
  statements: z.int(),
  credits: z.string(),
  amounts: z.array(z.object({ currency: z.string(), amount: z.string() })),
};
const pastSchema = z.object({
  statements: z.int().describe('That ran'),
  refused: z.object(totals).describe('That the change refuses and the version in force does not'),
  causes: z.array(z.object({ by: z.string(), ...totals })).describe('By what, dearest first'),
  examples: z
    .array(
      z.object({
        ticketId: z.string(),
        team: z.string(),
        principal: z.string(),
        occurredAt: z.string(),
        by: z.string(),
        credits: z.string(),
        amount: z.string(),
        currency: z.string(),
      }),
    )
    .describe('Each of them, dearest first, at most 1,000'),
  freed: z.object(totals).describe('That the version in force refuses and the change does not'),
  unjudgedStatements: z.int().describe('Whose facts are not kept, so that no rule could be asked'),
  isCut: z.boolean().describe('Only the earliest statements were looked at'),
});

export const planSchema: z.ZodType<PlanJson> = z.object({
  ...diffFields,
  controlVersion: z.int(),
  inForce: versionSchema.describe('The version it was compared with'),
  lastDays: z.array(z.string()).describe(`What the ledger says of the last ${RECORD_DAYS} days`),
  past: pastSchema
    .nullable()
    .describe(
      `What the change would have made of the statements of the last ${PAST_DAYS} days; null: it decides nothing, or they could not be looked through in time`,
    ),
  notices: z
    .array(z.object({ about: z.string(), text: z.string() }))
    .describe('What the document says that has no effect, or not the one it seems to have'),
});

/** What changes from one document to another. */
export function toApiDiff({ before, after, at, imported }: PlanSides): DiffJson {
  const plan = planControl(before, after, at, imported);
  const differences = diffControl(before, after);
  return {
    isChanged: differences.length > 0,
    changes: plan.changes.slice(0, CHANGES_MAX).map((change) => ({ ...change })),
    changesTotal: plan.changes.length,
    counts: plan.counts.map((count) => ({ ...count })),
    teamsMonthly: { ...plan.teamsMonthly },
    differences: differences
      .slice(0, CHANGES_MAX)
      .map((each) => ({ ...each, fields: [...each.fields] })),
  };
}

/** What the ledger says of a change, in sentences, and statement by statement. */
export async function historyOf(
  context: ApiContext,
  sides: PlanSides,
): Promise<Pick<PlanJson, 'lastDays' | 'past'>> {
  const { before, after, at } = sides;
  const sentences = [
    ...(await lastDaysOf(context, sides)),
    ...(await hitsOf(context, before, after, at)),
  ];
  if (!changesDecisions(before, after)) return { lastDays: sentences, past: null };
  try {
    const past = await readPastReport(context.db, sides);
    return { lastDays: [...sentences, ...pastSentences(past, PAST_DAYS)], past };
  } catch (thrown) {
    if (!(thrown instanceof Error) || sqlStateOf(thrown) !== QUERY_CANCELED) throw thrown;
    const late = `the statements of the last ${PAST_DAYS} days could not be looked through in time`;
    return { lastDays: [...sentences, late], past: null };
  }
}

/** How often the rules that a change touches have fired. */
async function hitsOf(
  context: ApiContext,
  before: ControlDocument,
  after: ControlDocument,
  at: number,
): Promise<readonly string[]> {
  const touched = diffControl(before, after)
    .filter(({ part, change }) => RULE_PARTS.has(part) && change !== 'added')
    .map(({ key }) => key);
  if (touched.length === 0) return [];
  const sums = await sumHits(context.db, touched.slice(0, RULES_ASKED_MAX), at);
  return hitSentences(
    sums.map(({ rule_id: rule, team_id: team, mode, hits, expected_credits }) => ({
      rule,
      team,
      mode,
      hits: Number(hits),
      expectedCredits: parseCredits(expected_credits),
    })),
    HIT_DAYS,
  );
}

async function lastDaysOf(context: ApiContext, sides: PlanSides): Promise<string[]> {
  const { before, after, at } = sides;
  const questions = recordQuestions(before, after);
  const record = await readPlanRecord(context.db, context.ledger, questions, before, at);
  const spent =
    record === undefined
      ? [`the charges of the last ${RECORD_DAYS} days could not be looked through in time`]
      : recordSentences(questions, record, sides);
  return [...spent, ...(await movesOf(context, before, after, at))];
}

/** Statements that another team would have paid for, or nobody. */
async function movesOf(
  context: ApiContext,
  before: ControlDocument,
  after: ControlDocument,
  at: number,
): Promise<readonly string[]> {
  if (!changesWhoPays(before, after)) return [];
  const preview = await previewMapping(context.db, before, after, at);
  return moveSentences(preview, PREVIEW_DAYS);
}

export function noticesOf(document: ControlDocument, at: number): PlanNotice[] {
  return findNotices(document, at).map((notice) => ({ ...notice }));
}
