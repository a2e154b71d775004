/** The report of `tollgate doctor` for people: grouped, aligned, within the width of the terminal. */
import { SECTIONS, type Finding } from './finding.js';

export interface ReportOptions {
  readonly columns: number;
  readonly hasColours: boolean;
}

const WIDTH_MAX = 80;
const WIDTH_MIN = 40;
const LABEL_MAX = 26;
const MARKS = { ok: '✓', note: '!', failed: '✗', skipped: '·' } as const;
const COLOURS = { ok: 32, note: 33, failed: 31, skipped: 90 } as const;
const BOLD = 1;
const DIM = 2;

/** Sections in their order, a line or more a finding, the fix under it, and the sum at the end. */
export function report(findings: readonly Finding[], options: ReportOptions): string {
  const paint = options.hasColours
    ? (code: number, text: string): string => `\u001b[${code}m${text}\u001b[0m`
    : (_code: number, text: string): string => text;
  const width = Math.max(WIDTH_MIN, Math.min(options.columns, WIDTH_MAX));
  const label = Math.min(LABEL_MAX, Math.max(...findings.map(({ check }) => check.length), 4));
  const lines: string[] = [];
  for (const section of SECTIONS) {
    const own = findings.filter((finding) => finding.section === section);
    if (own.length === 0) continue;
    lines.push(...(lines.length === 0 ? [] : ['']), paint(BOLD, section));
    for (const finding of own) lines.push(...linesOf(finding, { width, label, paint }));
  }
  return [...lines, '', summary(findings, paint)].join('\n');
}

interface Layout {
  readonly width: number;
  readonly label: number;
  readonly paint: (code: number, text: string) => string;
}

function linesOf(finding: Finding, { width, label, paint }: Layout): readonly string[] {
  const { status, check, says, fix, statements } = finding;
  const indent = ' '.repeat(label + 6);
  const room = width - indent.length;
  const isLong = check.length > label;
  const [first = '', ...rest] = wrap(says, room);
  const mark = paint(COLOURS[status], MARKS[status]);
  const name = status === 'failed' ? paint(COLOURS.failed, check) : check;
  const blank = ' '.repeat(Math.max(0, label - check.length));
  const head = isLong
    ? [`  ${mark} ${name}`, `${indent}${first}`]
    : [`  ${mark} ${name}${blank}  ${first}`];
  return [
    ...head,
    ...rest.map((line) => indent + line),
    ...wrap(fix ?? '', room - 2).map((line, index) =>
      paint(DIM, `${indent}${index === 0 ? '→ ' : '  '}${line}`),
    ),
    // A statement is copied, so it is never broken into lines.
    ...(statements ?? []).map((statement) => `      ${statement}`),
  ];
}

function summary(findings: readonly Finding[], paint: Layout['paint']): string {
  const count = (status: Finding['status']): number =>
    findings.filter((finding) => finding.status === status).length;
  const [notes, bad, skipped] = [count('note'), count('failed'), count('skipped')];
  const parts = [
    paint(COLOURS.ok, `${count('ok')} fine`),
    ...(notes === 0 ? [] : [paint(COLOURS.note, `${notes} to know`)]),
    ...(skipped === 0 ? [] : [paint(COLOURS.skipped, `${skipped} not looked at`)]),
    bad === 0 ? 'nothing failed' : paint(COLOURS.failed, `${bad} failed`),
  ];
  return parts.join(' · ');
}

/** Words in lines of at most `width`; a word that is longer has a line of its own. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((each) => each !== '')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}

const SECRET_LENGTH_MIN = 4;

/** Findings without any of the secrets, whatever a server or a driver may have repeated. */
export function withoutSecrets(
  findings: readonly Finding[],
  secrets: readonly string[],
): readonly Finding[] {
  const known = secrets.filter((secret) => secret.length >= SECRET_LENGTH_MIN);
  const clean = (text: string): string =>
    known.reduce((cleaned, secret) => cleaned.replaceAll(secret, '(secret)'), text);
  return findings.map((finding) => ({
    ...finding,
    says: clean(finding.says),
    ...(finding.fix === undefined ? {} : { fix: clean(finding.fix) }),
    ...(finding.statements === undefined ? {} : { statements: finding.statements.map(clean) }),
  }));
}
