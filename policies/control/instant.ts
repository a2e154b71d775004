/** Epoch milliseconds of a UTC date or instant; undefined for other text, for days that do not exist, and of a year 0, which Postgres has not. */
export function tryParseInstant(text: string): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z)?$/.exec(text);
  if (match === null || text.startsWith('0000')) return undefined;
  const at = Date.parse(match[2] === undefined ? `${text}T00:00:00Z` : text);
  if (Number.isNaN(at)) return undefined;
  // Date.parse rolls 30 February over to March; only a date that comes back as written exists.
  return new Date(at).toISOString().startsWith(match[1] ?? '') ? at : undefined;
}
