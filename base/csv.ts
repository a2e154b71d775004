/** Comma-separated values for people and their spreadsheets: RFC 4180, and nothing in it runs. */

/** What some spreadsheets need before a file to read it as UTF-8. */
export const BYTE_ORDER_MARK = '\uFEFF';

const NUMBER = /^-?\d+(\.\d+)?$/;
/** With the full-width forms, which some spreadsheets take for the plain ones, and blanks before any of them. */
const FORMULA = /^\s*[=+\-@|%＝＋－＠]|^[\t\r\n]/u;

/**
 * One field. What begins like a formula gets an apostrophe before it, so that a spreadsheet shows it instead of running it
 * (OWASP, "CSV Injection"); plain numbers keep their sign. Quotes, commas and line ends are quoted.
 */
export function csvField(text: string): string {
  const safe = !NUMBER.test(text) && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Fields behind each other: a part of a record, such as one that many records share. */
export function csvFields(fields: readonly string[]): string {
  return fields.map(csvField).join(',');
}

/** One record with its line end. */
export function csvRecord(fields: readonly string[]): string {
  return `${csvFields(fields)}\r\n`;
}
