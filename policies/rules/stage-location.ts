/** Where the data of load, unload and file statements comes from or goes to. */
export const STAGE_LOCATIONS = ['none', 'internal', 'external', 'unknown'] as const;
export type StageLocation = (typeof STAGE_LOCATIONS)[number];

/** Kind of a named stage (`DB.SCHEMA.STAGE` or as written), when the catalogue knows it. */
export type StageCatalogue = (name: string) => 'internal' | 'external' | undefined;

/**
 * Judges the stages and addresses a statement names (`locationsOf` of `base/sql`), the most open one deciding. User
 * stages `@~`, table stages `@%t` and the drivers' bind stage are always inside the account, `file://` is the
 * client's own disk; any other address is outside. A named stage may be either, so without a catalogue it is unknown.
 */
export function stageLocation(
  locations: readonly string[],
  catalogue: StageCatalogue = () => undefined,
): StageLocation {
  const kinds = locations.map((location) => kindOf(location, catalogue));
  return (
    (['external', 'unknown', 'internal'] as const).find((kind) => kinds.includes(kind)) ?? 'none'
  );
}

function kindOf(location: string, catalogue: StageCatalogue): Exclude<StageLocation, 'none'> {
  if (/^file:\/\//i.test(location)) return 'internal';
  if (!location.startsWith('@')) return 'external';
  const path = location.slice(1);
  if (path.startsWith('~')) return 'internal';
  const name = path.split('/', 1)[0] ?? '';
  // `@%T`, `@SCHEMA.%T` and `@DB.SCHEMA.%"T"`: the stage of a table.
  if (/(?:^|\.)%/.test(name)) return 'internal';
  if (/^SYSTEM\$BIND$/i.test(name.split('.').at(-1) ?? '')) return 'internal';
  return catalogue(name) ?? 'unknown';
}
