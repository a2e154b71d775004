/** Shape of the parts of the control document that guards read: run rates and break-glass. */
import { z } from 'zod';
import { tryParseMoney } from '#base/units.js';
import { RULE_MODES } from './choices.js';
import type { BreakGlassDocument, RunRateDocument } from './guard-documents.js';
import { id, list, money, objectName, positiveCredits, whole } from './schema-values.js';

export const runRate: z.ZodType<RunRateDocument> = z
  .strictObject({
    id: id.describe('Id of the run rate; refusals name it'),
    mode: z
      .enum(RULE_MODES)
      .exactOptional()
      .describe('shadow: counted only; warn: told only; enforce (the default): slows and stops'),
    teams: list(id).exactOptional().describe('Only shapes of these teams; absent: every team'),
    tiers: list(id).exactOptional().describe('Only statements of these tiers; absent: every tier'),
    limitCreditsPerMonth: positiveCredits
      .exactOptional()
      .describe('Credits that one shape of one team may take in 30 days; this or the money'),
    limitMoneyPerMonth: money
      .refine((text) => tryParseMoney(text) !== 0n, 'must be more than 0')
      .exactOptional()
      .describe('Money that one shape of one team may take in 30 days; this or the credits'),
    warnAtPercent: whole(1, 1_000)
      .exactOptional()
      .describe('Percent of the limit that a projected month is told from; 50'),
    slowAtPercent: whole(1, 1_000)
      .exactOptional()
      .describe('Percent from which each run waits a while before it is sent; 80'),
    stopAtPercent: whole(1, 1_000)
      .exactOptional()
      .describe('Percent from which runs are refused; 100'),
    slowSeconds: whole(1, 3_600)
      .exactOptional()
      .describe('How long a run of a shape that is slowed waits; 30'),
  })
  .refine(
    (entry) =>
      (entry.limitCreditsPerMonth === undefined) !== (entry.limitMoneyPerMonth === undefined),
    'must name limitCreditsPerMonth or limitMoneyPerMonth, and not both',
  );

export const breakGlass: z.ZodType<BreakGlassDocument> = z
  .strictObject({
    id: id.describe('Id of this way through; audit events name it'),
    principals: list(id).exactOptional().describe('Ids of principals that may use it'),
    roles: list(objectName)
      .exactOptional()
      .describe('Snowflake roles that may use it; case does not matter'),
    minutes: whole(1, 1_440).describe('How long one reason opens it'),
    ceilingCredits: positiveCredits.describe('The most one statement may cost by it'),
  })
  .refine(
    ({ principals = [], roles = [] }) => principals.length + roles.length > 0,
    'must name principals or roles',
  );
