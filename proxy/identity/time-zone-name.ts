/** Names of time zones, as sessions say them. */

/** Every name of the IANA database, with room; what else stands there is not kept. */
const NAME = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/;

/** A value that can be the name of a zone; null for any other. Whether there is such a zone, who asks its clock finds out. */
export function timeZoneName(value: unknown): string | null {
  return typeof value === 'string' && NAME.test(value) ? value : null;
}
