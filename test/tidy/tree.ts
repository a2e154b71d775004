/** The files of the checkout as the checks see them. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { scan, type Scanned } from './scan.js';

export interface TextFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** A TypeScript file of ours. */
export interface Source extends TextFile, Scanned {
  /** First folder of the path. */
  readonly folder: string;
}

export const ROOT: string = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git', '.tollgate', '.vitest']);
const TEXTS =
  /\.(ts|tsx|js|json|md|sql|ya?ml|sh|css|html)$|(^|\/)(Dockerfile|run|\.env\.example|\.npmrc|\.dockerignore|\.gitignore)$/;

/** Every text file of the checkout, by path. */
export function readTree(): readonly TextFile[] {
  const found: TextFile[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(path.join(ROOT, folder), { withFileTypes: true })) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (SKIPPED.has(entry.name)) continue;
      if (entry.isDirectory()) visit(name);
      else if (entry.isFile() && TEXTS.test(name)) found.push(textFile(name));
    }
  };
  visit('');
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function textFile(name: string): TextFile {
  return { path: name, text: readFileSync(path.join(ROOT, name), 'utf8') };
}

/** A source from its text; planted faults are made with it too. */
export function source(name: string, text: string): Source {
  return { path: name, text, folder: name.split('/')[0] ?? '', ...scan(text) };
}

/** The TypeScript of our folders, console and root settings of tools apart. */
export function sourcesOf(tree: readonly TextFile[]): readonly Source[] {
  return tree
    .filter((file) => file.path.endsWith('.ts') && file.path.includes('/'))
    .filter((file) => !file.path.startsWith('console/'))
    .map((file) => source(file.path, file.text));
}

/** What runs in the browser; it is bundled by another tool and imports nothing of the other folders. */
export function consoleSourcesOf(tree: readonly TextFile[]): readonly Source[] {
  return tree
    .filter((file) => file.path.startsWith('console/') && /\.tsx?$/.test(file.path))
    .map((file) => source(file.path, file.text));
}
