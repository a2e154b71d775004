/** Shape of what a budget admits while the ledger does not answer. */
import { z } from 'zod';
import { tryParseMoney } from '#base/units.js';
import { FAIL_MODES, type FailModeDocument } from './fail-mode-documents.js';
import { money, positiveCredits } from './schema-values.js';

export const failMode: z.ZodType<FailModeDocument> = z
  .strictObject({
    kind: z
      .enum(FAIL_MODES)
      .describe(
        'leases (unless said): what a replica has leased and not used; refuse: nothing; allowance: of a soft budget, so much',
      ),
    credits: positiveCredits
      .exactOptional()
      .describe('Credits that one replica admits in one outage; this or the amount'),
    amount: money
      .refine((text) => tryParseMoney(text) !== 0n, 'must be more than 0')
      .exactOptional()
      .describe('Money that one replica admits in one outage; this or the credits'),
  })
  .refine(
    ({ kind, credits, amount }) =>
      kind === 'allowance'
        ? (credits === undefined) !== (amount === undefined)
        : credits === undefined && amount === undefined,
    'must name credits or amount, and not both, if kind is allowance, and neither if it is not',
  )
  .describe('What is admitted while the ledger does not answer');
