/** Epoch milliseconds of a UTC date or instant; undefined for other text and for days that do not exist. */
export function tryParseInstant(text: string): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z)?$/.exec(text);
  if (match === null) return undefined;
  const at = Date.parse(match[2] === undefined ? `${text}T00:00:00Z` : text);
  if (Number.isNaN(at)) return undefined;
  // Date.parse rolls 30 February over to March; only a date that comes back as written exists.
  return new Date(at).toISOString().startsWith(match[1] ?? '') ? at : undefined;
}
