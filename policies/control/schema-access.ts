/** Shape of access lists. */
import { z } from 'zod';
import { STATEMENT_CLASSES } from '#base/sql/statement-class.js';
import { ACCESS_ACTIONS } from '../access/touches.js';
import { tryParsePattern } from '../access/pattern.js';
import { type AccessDocument } from './document.js';
import { RULE_MODES } from './choices.js';
import { id, list, name, objectName } from './schema-values.js';

/** A mode for single teams, beside the one for all others. */
export const modesByTeam: z.ZodType<Record<string, (typeof RULE_MODES)[number]>> = z
  .record(id, z.enum(RULE_MODES))
  .describe('Another mode for single teams, by their id');

const whoFields = {
  teams: list(id).exactOptional().describe('Ids of teams; absent: every team'),
  departments: list(id).exactOptional().describe('Ids of departments; absent: every department'),
  principals: list(id).exactOptional().describe('Ids of principals; absent: everybody'),
  roles: list(objectName)
    .exactOptional()
    .describe('Snowflake roles in force; case does not matter; absent: every role'),
};

function patterns(parts: number, example: string): z.ZodType<string[]> {
  const rule = `must be a pattern of ${parts === 1 ? 'one part' : `${parts} parts`}, such as ${example}`;
  return list(z.string(rule).refine((text) => tryParsePattern(text)?.length === parts, rule)).min(
    1,
    'must name at least one',
  );
}

export const access: z.ZodType<AccessDocument> = z.strictObject({
  id: id.describe('Id of the list; refusals name it; no rule has the same'),
  effect: z
    .enum(['allow', 'deny'])
    .describe(
      'deny: those it names are refused; allow: only those that it, or another allow list, names are let in',
    ),
  mode: z
    .enum(RULE_MODES)
    .exactOptional()
    .describe('shadow: counted only; warn: told to the author; enforce: it decides (the default)'),
  modes: modesByTeam.exactOptional(),
  ...whoFields,
  except: z
    .strictObject(whoFields)
    .exactOptional()
    .describe('Whom it does not speak of: any of these'),
  databases: patterns(1, '"ANALYTICS"').exactOptional().describe('Databases, with * and ?'),
  schemas: patterns(2, '"ANALYTICS.HR"').exactOptional().describe('Schemas, with * and ?'),
  tables: patterns(3, '"ANALYTICS.HR.*"')
    .exactOptional()
    .describe('Tables and views, with * and ?; views are not looked into'),
  columns: patterns(4, '"ANALYTICS.HR.PEOPLE.SALARY"')
    .exactOptional()
    .describe('Columns, with * and ?; SELECT * touches all of them'),
  classes: list(z.enum(STATEMENT_CLASSES)).exactOptional().describe('Classes of statements'),
  actions: list(z.enum(ACCESS_ACTIONS)).exactOptional().describe('read, write; absent: both'),
  owner: name.describe('Whom a refusal tells people to ask'),
});
