/**
 * Presets: rules that a name and a few parameters stand for. What they come to is one condition in CEL, which a plan
 * shows and which decides as any other rule does.
 */
import type { PresetDocument, RuleDocument } from './document.js';

export const PRESETS = [
  'full-scan',
  'cross-join',
  'select-star',
  'foreign-writes',
  'tier-escape',
] as const;

/** The parameters that each preset needs, and those that it may have. */
export const PRESET_PARAMETERS: Readonly<
  Record<
    PresetDocument['preset'],
    { readonly needs: readonly string[]; readonly mayHave: readonly string[] }
  >
> = {
  'full-scan': { needs: ['aboveGigabytes'], mayHave: [] },
  'cross-join': { needs: ['aboveGigabytes'], mayHave: [] },
  'select-star': { needs: ['aboveColumns'], mayHave: [] },
  'foreign-writes': { needs: ['schemas'], mayHave: [] },
  'tier-escape': { needs: [], mayHave: ['warehouses', 'parameters'] },
};

/** Session parameters that a tier escape sets, unless a preset names others. */
const ESCAPING_PARAMETERS = [
  'QUERY_TAG',
  'STATEMENT_TIMEOUT_IN_SECONDS',
  'STATEMENT_QUEUED_TIMEOUT_IN_SECONDS',
] as const;
const BYTES_PER_GIGABYTE = 1_000_000_000;

/** The rule that a preset stands for, under its id. */
export function presetRule(preset: PresetDocument): RuleDocument {
  const { id, mode, modes, teams } = preset;
  return {
    id,
    mode,
    ...(modes === undefined ? {} : { modes }),
    ...(teams === undefined ? {} : { teams }),
    effect: preset.effect ?? 'refuse',
    when: conditionOf(preset),
    message: preset.message ?? messageOf(preset),
  };
}

function conditionOf(preset: PresetDocument): string {
  const bytes = (preset.aboveGigabytes ?? 0) * BYTES_PER_GIGABYTE;
  switch (preset.preset) {
    case 'full-scan':
      return `statement.fullScans.exists(t, t in estimate.tableBytes && estimate.tableBytes[t] > ${bytes})`;
    case 'cross-join':
      return `statement.crossJoin && statement.tablesRead.exists(t, estimate.tableBytes[t] > ${bytes})`;
    case 'select-star':
      return `statement.selectStar && statement.tablesRead.exists(t, (t + ".*") in statement.columns && estimate.columnCounts[t] > ${preset.aboveColumns ?? 0})`;
    case 'foreign-writes':
      return foreignWrites(preset.schemas ?? []);
    case 'tier-escape':
      return tierEscape(preset.warehouses, preset.parameters ?? ESCAPING_PARAMETERS);
  }
}

/** What cannot be seen may write, and so may a definition that names no table (DROP SCHEMA). */
function foreignWrites(schemas: readonly string[]): string {
  const own = schemas.map((schema) => `glob(t, ${withTeam(`${schema}.*`)})`).join(' || ');
  return [
    `statement.tablesWritten.exists(t, !(${own}))`,
    'statement.opaque',
    '(statement.class != "query" && "tables" in statement.unknown)',
    '(statement.class == "ddl" && statement.tablesWritten.size() == 0)',
  ].join(' || ');
}

/** `"ANALYTICS." + identifier(caller.team) + ".*"` of `ANALYTICS.{team}.*`. */
function withTeam(pattern: string): string {
  return pattern
    .split('{team}')
    .map((part) => JSON.stringify(part))
    .join(' + identifier(caller.team) + ');
}

function tierEscape(
  warehouses: readonly string[] | undefined,
  parameters: readonly string[],
): string {
  const own = (text: string): string =>
    (warehouses ?? []).map((name) => `glob(${text}, ${JSON.stringify(name)})`).join(' || ');
  const used = (warehouses ?? [])
    .map((name) => `glob(s, ${JSON.stringify(`USE WAREHOUSE ${name}`)})`)
    .join(' || ');
  return [
    'statement.steers.exists(s, s == "?" || glob(s, "* WAREHOUSE ?") && s.endsWith(" ?"))',
    '(statement.steers.exists(s, glob(s, "ALTER WAREHOUSE *") || glob(s, "CREATE WAREHOUSE *") || glob(s, "DROP WAREHOUSE *") || glob(s, "ALTER ACCOUNT*") || glob(s, "* RESOURCE MONITOR *")))',
    ...[...parameters, '?'].map(
      (name) => `${JSON.stringify(`ALTER SESSION ${name.toUpperCase()}`)} in statement.steers`,
    ),
    ...(warehouses === undefined
      ? []
      : [
          `statement.steers.exists(s, glob(s, "USE WAREHOUSE *") && !(${used}))`,
          `(warehouse != "" && !(${own('warehouse')}))`,
        ]),
    '(statement.opaque && statement.class != "query")',
  ].join(' || ');
}

function messageOf(preset: PresetDocument): string {
  switch (preset.preset) {
    case 'full-scan':
      return `a table of more than ${preset.aboveGigabytes ?? 0} GB is read without a filter on the column it is clustered by`;
    case 'cross-join':
      return `a cross join with a table of more than ${preset.aboveGigabytes ?? 0} GB`;
    case 'select-star':
      return `SELECT * of a table of more than ${preset.aboveColumns ?? 0} columns: name those that are needed`;
    case 'foreign-writes':
      return `writes go to ${(preset.schemas ?? []).slice(0, 5).join(', ')} only`.slice(0, 300);
    case 'tier-escape':
      return 'warehouses, their sizes and the limits of sessions are not changed by statements';
  }
}
