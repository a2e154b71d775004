/**
 * The committed dashboards against the schema that Grafana publishes with the version of the composition (`@grafana/schema`):
 * the model of a dashboard, and for each panel the options and the fields of its kind. It is published as types, so that the
 * compiler is asked; a literal may have no property that the type has not.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TYPES = join(ROOT, 'node_modules/@grafana/schema/dist/types');
const FILES = readdirSync(join(ROOT, 'dashboards')).filter((name) => name.endsWith('.json'));
const COMPILE_MS = 60_000;

interface Board {
  title: string;
  schemaVersion?: unknown;
  panels: {
    title: string;
    type: string;
    gridPos: Record<string, unknown>;
    options?: Record<string, unknown>;
    fieldConfig: { defaults: { custom?: Record<string, unknown> } };
  }[];
  templating: { list: Record<string, unknown>[] };
}

/** As JSON has them: an enumeration is one of its texts or numbers. */
const HEAD = `
import type { Dashboard, Panel, VariableModel } from '${TYPES}/raw/dashboard/x/dashboard_types.gen.js';
type Json<T> = unknown extends T ? T : T extends string ? \`\${T}\` : T extends number | boolean | null | undefined ? T
  : T extends readonly (infer Item)[] ? Json<Item>[] : T extends object ? { [Key in keyof T]: Json<T[Key]> } : T;
type Board = Json<Omit<Dashboard, 'panels' | 'templating'>> & { panels: Json<Panel>[]; templating: { list: Json<VariableModel>[] } };
`;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tollgate-schema-'));
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        skipLibCheck: true,
        types: [],
        module: 'nodenext',
        target: 'es2022',
        paths: { '@grafana/schema': [`${TYPES}/index.d.ts`] },
      },
      include: ['*.ts'],
    }),
  );
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const boardOf = (file: string): Board =>
  JSON.parse(readFileSync(join(ROOT, 'dashboards', file), 'utf8')) as Board;

/** A dashboard as a module that compiles if the schema allows it. */
function moduleOf(board: Board): string {
  const kinds = [...new Set(board.panels.map(({ type }) => type))].sort();
  const lines = [HEAD];
  for (const kind of kinds)
    lines.push(
      `import type * as ${kind} from '${TYPES}/raw/composable/${kind}/panelcfg/x/${panelTypes(kind)}';`,
    );
  lines.push(`export const board: Board = ${JSON.stringify(board, undefined, 1)};`);
  board.panels.forEach(({ type, options, fieldConfig }, index) => {
    const { custom } = fieldConfig.defaults;
    if (options !== undefined)
      lines.push(
        `export const options${index}: Partial<Json<${type}.Options>> = ${JSON.stringify(options)};`,
      );
    if (custom !== undefined)
      lines.push(
        `export const fields${index}: Partial<Json<${fieldsOf(type)}>> = ${JSON.stringify(custom)};`,
      );
  });
  return lines.join('\n');
}

function panelTypes(kind: string): string {
  const [found] = readdirSync(join(TYPES, 'raw/composable', kind, 'panelcfg/x')).filter((name) =>
    name.endsWith('_types.gen.d.ts'),
  );
  if (found === undefined) throw new Error(`Grafana publishes no panel ${kind}`);
  return found.replace('.d.ts', '.js');
}

/** The schema names the fields of a table's cells in its common part. */
const fieldsOf = (kind: string): string =>
  kind === 'table' ? `import('${TYPES}/index.js').TableFieldOptions` : `${kind}.FieldConfig`;

/** What the compiler says of the modules, by their names. */
async function compile(modules: Readonly<Record<string, string>>): Promise<string> {
  for (const name of readdirSync(directory))
    if (name.endsWith('.ts')) rmSync(join(directory, name));
  for (const [name, text] of Object.entries(modules))
    writeFileSync(join(directory, `${name}.ts`), text);
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', directory, '--pretty', 'false'],
      { cwd: directory, timeout: COMPILE_MS },
      (_, stdout, stderr) => resolve(stdout + stderr),
    );
  });
}

test(
  'every committed dashboard is one by the schema of the Grafana that the composition runs',
  async () => {
    const { version } = JSON.parse(
      readFileSync(join(ROOT, 'node_modules/@grafana/schema/package.json'), 'utf8'),
    ) as { version: string };
    expect(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')).toContain(
      `image: grafana/grafana:${version}\n`,
    );
    expect(FILES).toHaveLength(5);
    const kinds = new Set(FILES.flatMap((file) => boardOf(file).panels.map(({ type }) => type)));
    expect([...kinds].sort()).toEqual(['bargauge', 'stat', 'table', 'timeseries']);
    const modules = FILES.map((file) => [file.replace('.json', ''), moduleOf(boardOf(file))]);
    expect(await compile(Object.fromEntries(modules) as Record<string, string>)).toBe('');
  },
  COMPILE_MS,
);

/** One thing wrong with a dashboard each, and what of it the compiler must name. */
const WRONG: readonly (readonly [string, (board: Board) => unknown, RegExp])[] = [
  ['version', (board) => (board.schemaVersion = 'new'), /schemaVersion|Type 'string'/],
  ['size', (board) => (panelOf(board, 'stat').gridPos = { x: 0, y: 0, w: 4 }), /'h' is missing/],
  ['property', (board) => Object.assign(panelOf(board, 'table'), { titel: 'x' }), /titel/],
  ['variable', (board) => (board.templating.list[0] = { name: 'a', type: 'team' }), /"team"/],
  [
    'option',
    (board) => (panelOf(board, 'bargauge').options = { orientation: 'sideways' }),
    /"sideways"/,
  ],
  [
    'field',
    (board) => (panelOf(board, 'timeseries').fieldConfig.defaults.custom = { drawStyle: 'pie' }),
    /"pie"/,
  ],
];

test(
  'a dashboard with anything wrong is refused, by name',
  async () => {
    const modules: Record<string, string> = {};
    for (const [name, spoil] of WRONG) {
      const board = boardOf('money-now.json');
      spoil(board);
      modules[name] = moduleOf(board);
    }
    const told = (await compile(modules)).split('\n');
    for (const [name, , message] of WRONG)
      expect(
        told.filter((line) => line.startsWith(`${name}.ts`) || !line.includes('.ts(')).join('\n'),
        name,
      ).toMatch(message);
    for (const [name] of WRONG)
      expect(
        told.some((line) => line.includes(`${name}.ts(`)),
        name,
      ).toBe(true);
  },
  COMPILE_MS,
);

function panelOf(board: Board, type: string): Board['panels'][number] {
  const found = board.panels.find((panel) => panel.type === type);
  if (found === undefined) throw new Error(`no panel ${type}`);
  return found;
}
