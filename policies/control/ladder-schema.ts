/** Shape of ladders, off-peak hours and SLOs. */
import { z } from 'zod';
import { WEEKDAYS } from '#base/time.js';
import { LADDER_STEPS, WAREHOUSE_SWITCHES } from './ladder-documents.js';
import type { OffPeakDocument, RungDocument, SloDocument } from './ladder-documents.js';
import { credits, id, whole } from './schema-values.js';

const RUNGS_MAX = 20;
const WINDOWS_MAX = 20;
const CLOCK_RULE = 'must be a time of the day such as "20:00"';
const SHARE_RULE = 'must be a percentage in quotes from "1" to "99.999", such as "95" or "99.5"';

const rung: z.ZodType<RungDocument> = z
  .strictObject({
    atPercent: whole(0, 1_000).describe(
      'Percent of the limit, spent or held, from which it applies',
    ),
    step: z
      .enum(LADDER_STEPS)
      .describe(
        'warn: told only; slower-tier: waits in the lane of tier; smaller-warehouse: runs on the warehouse of tier; off-peak: runs in the off-peak hours only; approve: by request; refuse',
      ),
    tier: id.exactOptional().describe('The tier of slower-tier and smaller-warehouse'),
    aboveCredits: credits
      .exactOptional()
      .describe('Only statements whose estimate ends above so many credits; absent: all'),
    waitSeconds: whole(0, 86_400)
      .exactOptional()
      .describe('Only for approve: how long one waits for it'),
  })
  .refine(
    ({ step, tier }) =>
      (step === 'slower-tier' || step === 'smaller-warehouse') === (tier !== undefined),
    'must name a tier for slower-tier and smaller-warehouse, and for no other step',
  )
  .refine(
    ({ step, waitSeconds }) => waitSeconds === undefined || step === 'approve',
    'may have waitSeconds for approve only',
  );

export const ladder: z.ZodType<readonly RungDocument[]> = z
  .array(rung)
  .max(RUNGS_MAX, `must have at most ${RUNGS_MAX} rungs`)
  .refine(
    (rungs) =>
      rungs.every(({ atPercent }, index) => atPercent >= (rungs[index - 1]?.atPercent ?? 0)),
    'must have rungs whose atPercent rises',
  );

const clock = z.string(CLOCK_RULE).regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, CLOCK_RULE);

const offPeak: z.ZodType<OffPeakDocument> = z
  .strictObject({
    timeZone: z.string().describe('IANA time zone of the clock, such as "Europe/Berlin"'),
    windows: z
      .array(
        z.strictObject({
          days: z
            .array(z.enum(WEEKDAYS))
            .min(1, 'must name a day')
            .exactOptional()
            .describe('Days on which it begins; absent: every day'),
          from: clock.describe('When it begins, such as "20:00"'),
          to: clock.describe('When it ends; not after from: on the next day'),
        }),
      )
      .min(1, 'must have a window')
      .max(WINDOWS_MAX, `must have at most ${WINDOWS_MAX} windows`)
      .describe('When it is off-peak'),
  })
  .describe('Hours in which statements run that chose to wait for them');

const slo: z.ZodType<SloDocument> = z
  .strictObject({
    waitSeconds: whole(1, 86_400).describe('Within so many seconds a statement has its permit'),
    percent: z
      .string(SHARE_RULE)
      .regex(/^[1-9]\d?(?:\.\d{1,3})?$/, SHARE_RULE)
      .describe('So many percent of the statements do'),
  })
  .describe('What the tier promises; attainment is counted against it');

const warehouseSwitch: z.ZodType<(typeof WAREHOUSE_SWITCHES)[number]> = z
  .enum(WAREHOUSE_SWITCHES)
  .describe(
    'How statements that are moved here come onto the warehouse: refuse (the default) names it, session sends USE WAREHOUSE in their session and sets it back',
  );

/** Fields of a tier. */
export const tierService: {
  readonly switch: z.ZodExactOptional<typeof warehouseSwitch>;
  readonly offPeak: z.ZodExactOptional<typeof offPeak>;
  readonly slo: z.ZodExactOptional<typeof slo>;
} = {
  switch: warehouseSwitch.exactOptional(),
  offPeak: offPeak.exactOptional(),
  slo: slo.exactOptional(),
};

/** Effect of a rule. */
export const offPeakEffect: z.ZodLiteral<'off-peak'> = z
  .literal('off-peak')
  .describe('off-peak: only in the off-peak hours of its tier');
