/** Rules, presets and access lists in force, with how often they fired. */
import { z } from 'zod';
import type { ControlDocument } from '#policies/control/document.js';
import type { RuleMode } from '#policies/control/choices.js';
import { presetRule } from '#policies/control/presets.js';
import { keyOfCursor, nextCursorSchema, pageById, pageFields, pageOf } from '../pagination.js';
import { type DayHit, HIT_DAYS, type HitSum, listHits, sumHits } from '../stores/rule-hits.js';
import { type ApiApp, type ApiContext, controlOf } from './api.js';

const HITS = 'rule-hits';
const modes = z.enum(['shadow', 'warn', 'enforce']);
const hitFields = {
  team: z.string(),
  mode: modes.describe('In which it fired; enforce: what was refused, else what would have been'),
  hits: z.string().describe('Statements'),
  expectedCredits: z.string().describe('What those statements were expected to take'),
};
const ruleReply = z.object({
  id: z.string(),
  kind: z.enum(['rule', 'preset', 'access']),
  mode: modes,
  modes: z.record(z.string(), modes).describe('Other modes, by team'),
  effect: z.string(),
  when: z.string().nullable().describe('Its condition; null: an access list'),
  lastDays: z.array(z.object(hitFields)).describe(`Hits of the last ${HIT_DAYS} days`),
});

/** `GET /rules`, `GET /rules/hits`. */
export function addRuleRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/rules',
    {
      config: { access: ['platform'] },
      schema: {
        summary:
          'Rules, presets and access lists in force, with their hits of the last 30 days, by id',
        querystring: z.strictObject(pageFields),
        response: { 200: z.object({ rules: z.array(ruleReply), nextCursor: nextCursorSchema }) },
      },
    },
    async (request) => {
      const { document } = await controlOf(context.db);
      const { rows, nextCursor } = pageById('rules', listed(document), request.query);
      const ids = rows.map(({ id }) => id);
      const sums = await sumHits(context.db, ids, context.clock.now());
      return {
        rules: rows.map((rule) => ({
          ...rule,
          lastDays: sums.filter((sum) => sum.rule_id === rule.id).map(toHit),
        })),
        nextCursor,
      };
    },
  );
  addHits(app, context);
}

function addHits(app: ApiApp, context: ApiContext): void {
  app.get(
    '/rules/hits',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'Hits of rules and access lists by day, newest first; of those that are gone too',
        querystring: z.strictObject({
          ...pageFields,
          rule: z.string().max(100).optional().describe('Of this rule or list alone'),
          team: z.string().max(100).optional().describe('Of this team alone'),
        }),
        response: {
          200: z.object({
            hits: z.array(z.object({ day: z.string(), rule: z.string(), ...hitFields })),
            nextCursor: nextCursorSchema,
          }),
        },
      },
    },
    async (request) => {
      const { limit, cursor, rule = null, team = null } = request.query;
      const keySchema = z.tuple([z.iso.date(), z.string(), z.string(), z.string()]);
      const after = keyOfCursor(HITS, cursor, keySchema);
      const found = await listHits(context.db, { rule, team, after, limit: limit + 1 });
      const page = pageOf(HITS, found, limit, keyOf);
      return {
        hits: page.rows.map((row) => ({ day: row.day, rule: row.rule_id, ...toHit(row) })),
        nextCursor: page.nextCursor,
      };
    },
  );
}

function keyOf({ day, rule_id, team_id, mode }: DayHit): unknown {
  return [day, rule_id, team_id, mode];
}

interface Listed {
  readonly id: string;
  readonly kind: 'rule' | 'preset' | 'access';
  readonly mode: RuleMode;
  readonly modes: Record<string, RuleMode>;
  readonly effect: string;
  readonly when: string | null;
}

function listed({ access = [], presets = [], rules }: ControlDocument): readonly Listed[] {
  const byRule =
    (kind: 'rule' | 'preset') =>
    (rule: ControlDocument['rules'][number]): Listed => ({
      id: rule.id,
      kind,
      mode: rule.mode,
      modes: { ...rule.modes },
      effect: rule.effect,
      when: rule.when,
    });
  return [
    ...access.map(({ id, mode = 'enforce', modes: byTeam, effect }): Listed => ({
      id,
      kind: 'access',
      mode,
      modes: { ...byTeam },
      effect,
      when: null,
    })),
    ...presets.map(presetRule).map(byRule('preset')),
    ...rules.map(byRule('rule')),
  ];
}

function toHit(sum: HitSum): {
  team: string;
  mode: RuleMode;
  hits: string;
  expectedCredits: string;
} {
  return {
    team: sum.team_id,
    mode: sum.mode,
    hits: sum.hits,
    expectedCredits: sum.expected_credits,
  };
}
