/** Shape of presets. */
import { z } from 'zod';
import { type PresetDocument } from './document.js';
import { RULE_MODES } from './choices.js';
import { PRESETS } from './presets.js';
import { modesByTeam } from './schema-access.js';
import { id, list, textUpTo, whole } from './schema-values.js';

const SCHEMA_RULE = 'must be a schema with its database, such as "ANALYTICS.{team}_*"';
const NAME_RULE = 'must be a name without quotes, with * and ?';
const plainName = z.string(NAME_RULE).regex(/^[A-Za-z0-9_$*?]{1,255}$/, NAME_RULE);

export const preset: z.ZodType<PresetDocument> = z.strictObject({
  id: id.describe('Id of the rule that it stands for; no rule and no access list has the same'),
  preset: z
    .enum(PRESETS)
    .describe(
      'full-scan, cross-join: of tables above aboveGigabytes; select-star: of tables with more than aboveColumns; foreign-writes: outside schemas; tier-escape: changes of warehouses and session limits',
    ),
  mode: z
    .enum(RULE_MODES)
    .describe('shadow: counted only; warn: told to the author; enforce: it decides'),
  modes: modesByTeam.exactOptional(),
  teams: list(id).exactOptional().describe('Only statements of these teams; absent: every team'),
  effect: z.enum(['refuse', 'approve']).exactOptional().describe('refuse (the default) or approve'),
  message: textUpTo(300).exactOptional().describe('What a refusal says; absent: its own words'),
  aboveGigabytes: whole(0, 1_000_000_000)
    .exactOptional()
    .describe('Gigabytes (10⁹ bytes) of a table; of those whose size is known'),
  aboveColumns: whole(0, 10_000).exactOptional().describe('Columns of a table'),
  schemas: list(
    z
      .string(SCHEMA_RULE)
      .regex(/^[A-Za-z0-9_$*?{}-]{1,255}\.[A-Za-z0-9_$*?{}-]{1,255}$/, SCHEMA_RULE),
  )
    .min(1, 'must name at least one')
    .exactOptional()
    .describe('Schemas that may be written; {team} stands for the team, ANALYTICS.{team}_*'),
  warehouses: list(plainName)
    .min(1, 'must name at least one')
    .exactOptional()
    .describe('Warehouses that may be used; absent: all'),
  parameters: list(plainName)
    .exactOptional()
    .describe('Session parameters that may not be set; absent: QUERY_TAG and timeouts'),
});
