// node .ci/failures.mjs <report of vitest, JSON> <what vitest printed>: each test and file that failed, switched off
// or was never run, in a line with the first line of its message; then what vitest said of its own workers.
import { readFileSync } from 'node:fs';

const MOST_LINES = 40;
const [reportPath, printedPath] = process.argv.slice(2);
const firstLine = (text) => (text ?? '').split('\n')[0].slice(0, 300);
const read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const lines = [];
const files = read(reportPath) === '' ? [] : JSON.parse(read(reportPath)).testResults;
if (files.length === 0) lines.push('vitest wrote no report');
for (const file of files) {
  const name = file.name.replace(`${process.cwd()}/`, '');
  const wrong = file.assertionResults.filter((each) => each.status !== 'passed');
  if (file.status === 'failed' && file.message !== '')
    lines.push(`${name}: ${firstLine(file.message)}`);
  for (const each of wrong)
    lines.push(`${name} > ${each.fullName}: ${each.status} ${firstLine(each.failureMessages[0])}`);
}
// Colours are escape sequences of the terminal; what a worker died of stands nowhere but in the text.
const COLOUR = new RegExp(`${String.fromCodePoint(27)}\\[[0-9;]*m`, 'g');
const printed = read(printedPath).replaceAll(COLOUR, '').split('\n');
const unhandled = printed.findIndex((line) => line.includes('Unhandled Errors'));
if (unhandled >= 0) lines.push(...printed.slice(unhandled, unhandled + 12));
lines.push(...printed.filter((line) => /^\s*(Test Files|Tests|Errors) {2}/.test(line)));

if (lines.length > MOST_LINES)
  lines.splice(MOST_LINES, lines.length, `and ${lines.length - MOST_LINES} lines more`);
process.stdout.write(`${lines.join('\n')}\n`);
