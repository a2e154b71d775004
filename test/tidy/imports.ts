/** Who imports whom: edges between files, the allowed ones between folders, cycles and what nobody imports. */
import path from 'node:path';
import type { Source } from './tree.js';

export interface Edge {
  readonly from: string;
  readonly to: string;
  /** As written. */
  readonly specifier: string;
}

const EVERYTHING = [
  'base',
  'policies',
  'billing',
  'proxy',
  'admin',
  'warehouse',
  'migrations',
  'cli',
  'dashboards',
  'bench',
  'test',
];

/** Folder → folders it may import from. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: ['base'],
  policies: ['policies', 'base'],
  billing: ['billing', 'base'],
  proxy: ['proxy', 'policies', 'billing', 'base'],
  admin: ['admin', 'policies', 'billing', 'base'],
  warehouse: ['warehouse', 'base'],
  migrations: ['migrations', 'base'],
  dashboards: ['dashboards', 'base'],
  console: ['console'],
  cli: EVERYTHING.filter((folder) => folder !== 'test' && folder !== 'bench'),
  bench: EVERYTHING,
  test: [...EVERYTHING, 'console'],
};

/** Folders that reach the others by path, because no alias names what they need. */
const BY_PATH = new Set(['cli', 'bench', 'test']);

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"\n]+)\1/g;
// A child process or worker is named by a path in a string.
const SPAWNED = /(['"`])(\.{1,2}\/[\w./-]+\.js)\1/g;

/** Edges to files of ours; packages and Node's own modules are left out. */
export function edgesOf(sources: readonly Source[]): readonly Edge[] {
  const paths = new Set(sources.map(({ path: name }) => name));
  return sources.flatMap((file) =>
    [...file.withStrings.matchAll(IMPORT)].flatMap((match) => {
      // Inside a text, the keyword is blank in the code.
      if (file.code[match.index] !== match[0][0]) return [];
      const specifier = match[2] ?? '';
      const target = resolved(file.path, specifier);
      if (target === undefined) return [];
      // Pages are compiled from TSX.
      const to = paths.has(`${target}x`) ? `${target}x` : target;
      return [{ from: file.path, to, specifier }];
    }),
  );
}

function resolved(from: string, specifier: string): string | undefined {
  const alias = /^#(base|policies|billing)\/(.+)\.js$/.exec(specifier);
  if (alias !== null) return `${alias[1]}/${alias[2]}.ts`;
  if (!specifier.startsWith('.')) return undefined;
  return path.posix.join(path.posix.dirname(from), specifier).replace(/\.js$/, '.ts');
}

const folderOf = (file: string): string => file.split('/')[0] ?? '';

/** Edges that the house does not allow, and paths that leave their folder without an alias. */
export function forbiddenEdges(edges: readonly Edge[]): readonly string[] {
  return edges.flatMap(({ from, to, specifier }) => {
    const [source, target] = [folderOf(from), folderOf(to)];
    const found: string[] = [];
    if (!(ALLOWED[source] ?? []).includes(target)) found.push(`${from} imports ${to}`);
    const isAcross = source !== target && specifier.startsWith('.');
    if (isAcross && !BY_PATH.has(source)) found.push(`${from} reaches ${specifier} by path`);
    if (specifier.startsWith('.') && !/\.(js|json|css)$/.test(specifier)) {
      found.push(`${from} imports ${specifier}, which is not a file`);
    }
    return found;
  });
}

/** Cycles, as `a → b → a`, at least one where there are any; types count too: files that need each other are read together. */
export function cycles(edges: readonly Edge[]): readonly string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start !== -1) {
      found.push([...trail.slice(start), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    for (const to of next.get(file) ?? []) walk(to, [...trail, file]);
    done.add(file);
  };
  for (const file of next.keys()) walk(file, []);
  return found;
}

/** Sources that no other names: neither an import, nor a path to a child process, nor an entry point. */
export function unreached(
  sources: readonly Source[],
  edges: readonly Edge[],
  entries: readonly string[],
): readonly string[] {
  const reached = new Set([
    ...entries,
    ...edges.filter(({ from, to }) => from !== to).map(({ to }) => to),
  ]);
  for (const file of sources) {
    for (const match of file.withStrings.matchAll(SPAWNED)) {
      reached.add(resolved(file.path, match[2] ?? '') ?? '');
    }
  }
  return sources
    .filter(({ path: name }) => !name.endsWith('.test.ts') && !reached.has(name))
    .map(({ path: name }) => name);
}
