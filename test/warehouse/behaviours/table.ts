/** The table of behaviours as docs/warehouse.md has it, between two marks. */
import type { Behaviour, Finding, Theme } from './behaviour.js';

const START = '<!-- behaviours: written by vitest run test/warehouse/behaviours -u -->';
const END = '<!-- end of behaviours -->';

/** `document` with the table in place of what is between the marks. */
export function withTable(
  document: string,
  themes: readonly Theme[],
  found: ReadonlyMap<string, readonly Finding[]>,
): string {
  const start = document.indexOf(START);
  const end = document.indexOf(END);
  if (start < 0 || end < start)
    throw new Error('docs/warehouse.md has lost the marks of the table');
  return `${document.slice(0, start + START.length)}\n\n${table(themes, found)}\n\n${document.slice(end)}`;
}

function table(themes: readonly Theme[], found: ReadonlyMap<string, readonly Finding[]>): string {
  const lines = [
    '| | cases | right | refused | silently wrong |',
    '| --- | --- | --- | --- | --- |',
  ];
  const all = themes.flatMap(({ title }) => found.get(title) ?? []);
  for (const { title } of themes) lines.push(summary(title, found.get(title) ?? []));
  lines.push(summary('**all**', all));
  for (const theme of themes) {
    lines.push('', `### ${theme.title}`, '', '| statement | gives | |', '| --- | --- | --- |');
    theme.behaviours.forEach((behaviour, index) =>
      lines.push(line(behaviour, found.get(theme.title)?.[index])),
    );
  }
  return lines.join('\n');
}

function summary(title: string, findings: readonly Finding[]): string {
  const count = (kind: Finding['kind']): number =>
    findings.filter((finding) => finding.kind === kind).length;
  return `| ${title} | ${findings.length} | ${count('right')} | ${count('refused')} | ${count('wrong')} |`;
}

function line(behaviour: Behaviour, finding: Finding | undefined): string {
  const text = [...behaviour.before, behaviour.sql].join('; ');
  return `| ${code(text)} | ${answer(behaviour)} | ${finding?.kind ?? 'not run'} |`;
}

function answer({ expected, types }: Behaviour): string {
  if ('code' in expected) return `error ${expected.code}`;
  const cells = expected.rows
    .map((row) => row.map((cell) => cell ?? 'NULL').join(', '))
    .join(' · ');
  return `${cells === '' ? 'no rows' : code(cells)}${types.length === 0 ? '' : ` ${types.join(', ')}`}`;
}

/** As code inside a cell of a table: bars and line ends would end the cell. */
function code(text: string): string {
  const plain = text.replaceAll(/\s+/g, ' ').trim().replaceAll('|', '\\|');
  return plain.includes('`') ? `\`\` ${plain} \`\`` : `\`${plain}\``;
}
