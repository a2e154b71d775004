/** What must not be read in the sources: banned words, markers, machine traces, unsafe numbers. */
import { posix } from 'node:path';
import type { Source, TextFile } from './tree.js';

/** One word, one meaning (docs/glossary.md): the word, and what to say. */
const BANNED_WORDS: readonly (readonly [RegExp, string])[] = [
  [/verdicts?/i, 'decision'],
  [/overages?/i, 'overrun'],
  [/quotas?/i, 'budget'],
  [/consumptions?/, 'usage'],
  [/nanocredits?/i, 'Credits, in pico-credits'],
];

const COMMENT_WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bpreviously\b|\bused to\b(?! \w+ing)|\bformerly\b/i, 'what is, not what was'],
];

/** Banned words inside identifiers (by their camel-case parts) and comments; strings are not ours to police. */
export function bannedWords(sources: readonly Source[]): readonly string[] {
  const whole = BANNED_WORDS.map(
    ([banned, instead]) => [new RegExp(`^(?:${banned.source})$`, banned.flags), instead] as const,
  );
  // The tree has millions of words and some ten thousand different ones.
  const judged = new Map<string, readonly string[]>();
  const insteadOf = (word: string): readonly string[] => {
    const known = judged.get(word);
    if (known !== undefined) return known;
    const found = whole.filter(([banned]) => banned.test(word)).map(([, instead]) => instead);
    judged.set(word, found);
    return found;
  };
  return sources.flatMap((file) => {
    const words = [
      ...identifierParts(file.code),
      ...[...file.comments.matchAll(/[A-Za-z]+/g)].map((match) => ({
        word: match[0],
        at: match.index,
      })),
    ];
    const found = words.flatMap(({ word, at }) =>
      insteadOf(word).map((instead) => `${place(file, at)}: ${word}; say ${instead}`),
    );
    const phrases = COMMENT_WORDS.flatMap(([banned, instead]) =>
      matches(file, file.comments, banned).map((hit) => `${hit}; say ${instead}`),
    );
    return [...found, ...phrases];
  });
}

function identifierParts(code: string): readonly { readonly word: string; readonly at: number }[] {
  return [...code.matchAll(/[A-Za-z_$][\w$]*/g)].flatMap((match) =>
    match[0].split(/_|(?<=[a-z0-9])(?=[A-Z])/).map((word) => ({ word, at: match.index })),
  );
}

function place(file: TextFile, at: number): string {
  return `${file.path}:${file.text.slice(0, at).split('\n').length}`;
}

export function matches(file: TextFile, text: string, expression: RegExp): readonly string[] {
  const all = new RegExp(expression.source, `${expression.flags.replace('g', '')}g`);
  return [...text.matchAll(all)].map((match) => `${place(file, match.index)}: ${match[0].trim()}`);
}

/** Notes to self that were left behind. */
export function leftoverMarkers(files: readonly TextFile[]): readonly string[] {
  const marker = new RegExp(
    `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`,
  );
  return files.flatMap((file) => matches(file, file.text, marker));
}

/** Paths of somebody's machine, and hosts of package registries. */
export function machineTraces(files: readonly TextFile[]): readonly string[] {
  const traces = new RegExp(
    [
      '(?<![\\w.@~-])/(?:work|root|mnt)/',
      '(?<![\\w.@~:-])/(?:home|Users)/[a-z]{3,}/',
      '/tmp/[\\w.]*(?:brief|job)',
      'registry\\.(?:npmjs|yarnpkg)',
      'files\\.pythonhosted',
      '"resolved":\\s*"http',
      'localhost:4873',
    ].join('|'),
  );
  return files
    .filter(({ path }) => !path.startsWith('test/tidy'))
    .flatMap((file) => matches(file, file.text, traces));
}

/** Files whose name says nothing, and folders imported as one. */
export function emptyNames(files: readonly TextFile[]): readonly string[] {
  return files
    .filter(({ path }) => /(?:^|\/)(?:utils?|helpers?|common|misc|index)\.(?:ts|js)$/.test(path))
    .filter(({ path }) => !path.startsWith('console/'))
    .map(({ path }) => path);
}

/** The environment is read in one place. */
export function environmentReads(sources: readonly Source[]): readonly string[] {
  return sources
    .filter(({ path, folder }) => path !== 'base/config.ts' && folder !== 'test')
    .flatMap((file) => matches(file, file.code, /process\s*\.\s*env\b|\bprocess\s*\[/));
}

const MONEY_AS_NUMBER =
  /\bNumber\(\s*[\w.?[\]'"]*(?:credits?|money|amounts?|prices?|charged?|spent|held)[\w]*['"\]]*\s*\)/i;

/** Amounts never pass through floating point: `parseFloat` nowhere, `Number(…)` of nothing that is named like one. */
export function floatingMoney(sources: readonly Source[]): readonly string[] {
  const folders = new Set(['policies', 'billing', 'proxy', 'admin']);
  return sources
    .filter(({ folder }) => folders.has(folder))
    .flatMap((file) => [
      ...matches(file, file.code, /\bparseFloat\b/),
      ...matches(file, file.withStrings, MONEY_AS_NUMBER),
    ]);
}

/** Every migration says, in its first lines, whether an older program may run on its schema. */
export function migrationsWithoutHeader(files: readonly TextFile[]): readonly string[] {
  return files
    .filter(({ path }) => /^migrations\/\d{4}_\w+\.sql$/.test(path))
    .filter(({ text }) => !/^-- older binaries: (?:may|must not) run$/m.test(text))
    .map(({ path }) => path);
}

/** A document has one title, on its first line. */
export function documentTitles(files: readonly TextFile[]): readonly string[] {
  return files
    .filter(({ path }) => path.endsWith('.md'))
    .filter(({ text }) => {
      const prose = text.replace(/^```[\s\S]*?^```/gm, '');
      return !prose.startsWith('# ') || [...prose.matchAll(/^# /gm)].length !== 1;
    })
    .map(({ path }) => path);
}

/** Relative links of documents that lead nowhere. `exists` is asked with paths from the root. */
export function brokenLinks(
  files: readonly TextFile[],
  exists: (path: string) => boolean,
): readonly string[] {
  return files
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap((file) =>
      [...file.text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)]
        .map((match) => posix.join(posix.dirname(file.path), match[1] ?? ''))
        .filter((target) => !exists(target))
        .map((target) => `${file.path} links to ${target}`),
    );
}

/** Sources and tests that documents name in backticks and that are not there. */
export function missingFiles(
  files: readonly TextFile[],
  exists: (path: string) => boolean,
): readonly string[] {
  const named =
    /`((?:base|policies|billing|proxy|admin|warehouse|cli|migrations|test|bin|docs)\/[\w./-]+\.(?:ts|js|sql|md))`/g;
  return files
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap((file) =>
      [...file.text.matchAll(named)]
        .map((match) => match[1] ?? '')
        .filter((target) => !exists(target))
        .map((target) => `${file.path} names ${target}`),
    );
}

/** Settings that documents and compositions name and that do not exist. */
export function unknownSettings(
  files: readonly TextFile[],
  known: readonly string[],
): readonly string[] {
  return files
    .filter(({ path }) => /\.(?:md|ya?ml)$|(?:^|\/)(?:Dockerfile|\.env\.example)$/.test(path))
    .flatMap((file) =>
      [...file.text.matchAll(/\bTOLLGATE_[A-Z_]*[A-Z]\b/g)]
        .filter((match) => !known.includes(match[0]))
        .map((match) => `${place(file, match.index)}: ${match[0]}`),
    );
}
