/** Versions of the FOCUS specification that a month is exported in. */

/** 1.4 is the newest; 1.2 the newest whose rules come with the official validator. Oldest first. */
export const FOCUS_VERSIONS = ['1.2', '1.3', '1.4'] as const;
export type FocusVersion = (typeof FOCUS_VERSIONS)[number];

export const NEWEST_FOCUS_VERSION: FocusVersion = '1.4';

/** Whether something that came with `since` and went after `until` is in `version`. */
export function isInVersion(
  version: FocusVersion,
  range: { readonly since: FocusVersion; readonly until?: FocusVersion },
): boolean {
  const at = FOCUS_VERSIONS.indexOf(version);
  return (
    at >= FOCUS_VERSIONS.indexOf(range.since) &&
    (range.until === undefined || at <= FOCUS_VERSIONS.indexOf(range.until))
  );
}
