/**
 * Environment and tollgate.yaml → Config and Secrets. Everything wrong is reported at once; each problem names the
 * key, the rule and the way out, and never shows a secret. The only module that reads the process's environment.
 */
import { readFileSync } from 'node:fs';
import { isMap, isScalar, isSeq, parseDocument, LineCounter, type Node } from 'yaml';
import { must } from './assert.js';
import { checkBillDelivery } from './bill-delivery-settings.js';
import { toError } from './errors.js';
import { checkMail } from './mail-settings.js';
import { SETTINGS, type Config, type Secrets, type SettingKey, type Settings } from './settings.js';
import type { Setting } from './setting.js';
import {
  accountsFromFile,
  checkServiceUsers,
  type FileField,
} from './snowflake/account-settings.js';

export type { Config, Secrets } from './settings.js';

/** Where a value came from. */
export type Source = 'environment' | 'file' | 'default';

export interface ConfigSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Text of tollgate.yaml; absent when there is none. */
  readonly yamlText?: string;
}

export type ConfigOutcome =
  | {
      readonly config: Config;
      readonly secrets: Secrets;
      readonly sources: Readonly<Record<SettingKey, Source>>;
    }
  | { readonly problems: readonly string[] };

const PREFIX = 'TOLLGATE_';
const DEFAULT_FILE = 'tollgate.yaml';
const YAML_BYTES_MAX = 1024 ** 2;
const KEYS = Object.keys(SETTINGS) as SettingKey[];

/** A copy of the process's environment. */
export function readEnvironment(): Readonly<Record<string, string | undefined>> {
  return { ...process.env };
}

/**
 * The environment together with the settings file it names (TOLLGATE_CONFIG, else ./tollgate.yaml if it exists).
 * A named file that cannot be read is a problem; a missing default file is not.
 */
export function readSources(
  environment: Readonly<Record<string, string | undefined>>,
): ConfigSources | { readonly problems: readonly string[] } {
  const named = environment[SETTINGS.configFile.environment];
  const path = named === undefined || named === '' ? DEFAULT_FILE : named;
  try {
    return { environment, yamlText: readFileSync(path, 'utf8') };
  } catch (thrown) {
    const isMissing = (thrown as { code?: unknown }).code === 'ENOENT';
    if (isMissing && path === DEFAULT_FILE) return { environment };
    const why = toError(thrown).message;
    return {
      problems: [
        `TOLLGATE_CONFIG: ${path} cannot be read (${why}); ${SETTINGS.configFile.wayOut}.`,
      ],
    };
  }
}

/** Reads and checks every option. An empty variable counts as not set; the environment wins over the file. */
export function loadConfig(sources: ConfigSources): ConfigOutcome {
  const problems: string[] = [];
  const fromFile = readYaml(sources.yamlText ?? '', problems);
  const accountFields = takeBelow(fromFile, 'accounts.');
  rejectUnknown(sources.environment, fromFile, problems);
  const values: Partial<Record<SettingKey, unknown>> = {};
  const origins: Partial<Record<SettingKey, Source>> = {};
  for (const key of KEYS) {
    const setting: Setting<unknown> = SETTINGS[key];
    const own = sources.environment[setting.environment];
    const filed = setting.yaml === null ? undefined : fromFile.get(setting.yaml);
    const isOwn = own !== undefined && own !== '';
    const text = isOwn ? own : filed?.text;
    origins[key] = isOwn ? 'environment' : filed === undefined ? 'default' : 'file';
    if (key === 'accounts' && text === undefined && accountFields.size > 0) {
      values[key] = accountsFromFile(accountFields, problems);
      origins[key] = 'file';
      continue;
    }
    if (text === undefined) {
      values[key] = setting.fallback;
      continue;
    }
    const parsed = setting.parse(text);
    if ('value' in parsed) values[key] = parsed.value;
    else problems.push(badValue(setting, isOwn ? undefined : filed?.line, text, parsed.rule));
  }
  checkAccountsAlone(values, origins, problems);
  if (problems.length === 0) checkTogether(values as unknown as Settings, problems);
  if (problems.length > 0) return { problems };
  return { ...separate(values), sources: origins as Record<SettingKey, Source> };
}

/**
 * The map of accounts replaces the settings of a single one. These then stand for its first entry, so that whoever
 * asks whether the upstream is the embedded warehouse hears that it is not.
 */
function checkAccountsAlone(
  values: Partial<Record<SettingKey, unknown>>,
  origins: Partial<Record<SettingKey, Source>>,
  problems: string[],
): void {
  const [first] = (values.accounts ?? []) as Settings['accounts'];
  if (first === undefined) return;
  if (origins.upstream !== 'default' || origins.account !== 'default') {
    problems.push(
      'TOLLGATE_ACCOUNTS: is set beside TOLLGATE_UPSTREAM or TOLLGATE_ACCOUNT, which name a single account; unset these two.',
    );
  }
  values.upstream = { kind: 'origin', origin: first.origin };
  values.account = first.upstream;
}

/** Rules over more than one option. */
function checkTogether(settings: Settings, problems: string[]): void {
  if (settings.timeScale !== 1 && settings.upstream.kind !== 'embedded') {
    problems.push(
      `TOLLGATE_TIME_SCALE: ${settings.timeScale} is only possible with the embedded upstream, because a real account's clock cannot be sped up; unset it, or set TOLLGATE_UPSTREAM=embedded.`,
    );
  }
  checkServiceUsers(settings, problems);
  checkMail(settings, problems);
  checkBillDelivery(settings, problems);
  if ((settings.tlsCertFile === null) !== (settings.tlsKeyFile === null)) {
    const [set, missing] =
      settings.tlsKeyFile === null
        ? ['TOLLGATE_TLS_CERT_FILE', 'TOLLGATE_TLS_KEY_FILE']
        : ['TOLLGATE_TLS_KEY_FILE', 'TOLLGATE_TLS_CERT_FILE'];
    problems.push(
      `${missing}: is not set beside ${set}, and TLS takes a certificate and its key; set both, or unset both for plain HTTP.`,
    );
  }
  if (settings.inflatedBytesMax < settings.requestBytesMax) {
    problems.push(
      'TOLLGATE_INFLATED_BYTES_MAX: is below TOLLGATE_REQUEST_BYTES_MAX, so that a body could be accepted as sent and never as read; raise the first or lower the second.',
    );
  }
  const fixed = [settings.proxyPort, settings.adminPort, settings.warehousePort].filter(
    (port) => port !== 0,
  );
  if (new Set(fixed).size !== fixed.length) {
    problems.push(
      'TOLLGATE_PROXY_PORT, TOLLGATE_ADMIN_PORT and TOLLGATE_WAREHOUSE_PORT: two of them are the same; give each its own port, or 0 for any.',
    );
  }
}

function badValue(
  setting: Setting<unknown>,
  line: number | undefined,
  text: string,
  rule: string,
): string {
  const place =
    line === undefined ? setting.environment : `tollgate.yaml line ${line}, ${setting.yaml}`;
  const shown = setting.secret ? 'the value' : JSON.stringify(text.slice(0, 80));
  return `${place}: ${shown} is not ${rule}; ${setting.wayOut}.`;
}

/** Flattens the file to dotted keys; lists become comma lists, which is how the environment writes them. */
function readYaml(text: string, problems: string[]): Map<string, FileField> {
  const found = new Map<string, FileField>();
  if (Buffer.byteLength(text) > YAML_BYTES_MAX) {
    problems.push('tollgate.yaml: is larger than 1 MiB; it holds settings only.');
    return found;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  for (const error of document.errors) {
    const line = lines.linePos(error.pos[0]).line;
    problems.push(
      `tollgate.yaml line ${line}: ${error.message.split('\n')[0] ?? ''}; correct the YAML.`,
    );
  }
  if (document.errors.length > 0 || document.contents === null) return found;
  const walk = (node: Node | null, path: string): void => {
    const line = lines.linePos(node?.range?.[0] ?? 0).line;
    if (isMap(node)) {
      for (const pair of node.items) {
        const key = isScalar(pair.key) ? String(pair.key.value) : '?';
        walk(pair.value as Node | null, path === '' ? key : `${path}.${key}`);
      }
    } else if (isScalar(node) && isPlain(node.value)) {
      found.set(path, { text: node.source ?? String(node.value), line });
    } else if (isSeq(node) && node.items.every((item) => isScalar(item) && isPlain(item.value))) {
      const items = node.items.map((item) => (isScalar(item) ? String(item.value) : ''));
      found.set(path, { text: items.join(','), line });
    } else {
      problems.push(
        `tollgate.yaml line ${line}, ${path === '' ? 'the document' : path}: is not a text, number or list of them; write \`key: value\`.`,
      );
    }
  };
  walk(document.contents, '');
  return found;
}

/** Takes the values below a place out of the file's, by the rest of their path. */
function takeBelow(fromFile: Map<string, FileField>, prefix: string): Map<string, FileField> {
  const taken = new Map<string, FileField>();
  for (const [path, value] of fromFile) {
    if (!path.startsWith(prefix)) continue;
    taken.set(path.slice(prefix.length), value);
    fromFile.delete(path);
  }
  return taken;
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function rejectUnknown(
  environment: ConfigSources['environment'],
  fromFile: ReadonlyMap<string, FileField>,
  problems: string[],
): void {
  const names = KEYS.map((key) => SETTINGS[key].environment);
  for (const name of Object.keys(environment)) {
    if (!name.startsWith(PREFIX) || names.includes(name)) continue;
    problems.push(`${name}: there is no such setting; ${didYouMean(name, names)}.`);
  }
  const places = KEYS.flatMap((key) => SETTINGS[key].yaml ?? []);
  for (const [path, { line }] of fromFile) {
    if (places.includes(path)) continue;
    const secret = KEYS.find((key) => SETTINGS[key].yaml === null && path === key);
    const wayOut =
      secret === undefined
        ? didYouMean(path, places)
        : `it is read from ${SETTINGS[secret].environment} in the environment only`;
    problems.push(`tollgate.yaml line ${line}, ${path}: there is no such setting; ${wayOut}.`);
  }
}

function didYouMean(name: string, known: readonly string[]): string {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = must(ranked[0], 'there are settings');
  if (best.distance <= 4) return `did you mean ${best.candidate}`;
  return 'see `tollgate serve --help` for all of them';
}

/** Levenshtein distance; both texts are option names, so the square of their length is small. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= Math.min(a.length, 100); i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(swap, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

function separate(values: Partial<Record<SettingKey, unknown>>): {
  config: Config;
  secrets: Secrets;
} {
  const part = (isSecret: boolean): object =>
    Object.fromEntries(
      KEYS.filter((key) => SETTINGS[key].secret === isSecret).map((key) => [key, values[key]]),
    );
  return { config: part(false) as Config, secrets: part(true) as Secrets };
}

/** One line of a printed configuration. */
export interface PrintedSetting {
  readonly name: string;
  readonly value: string;
  readonly source: Source;
}

/** Every setting with its source, for people; secrets read `set` or `not set`. */
export function printConfig(
  loaded: Extract<ConfigOutcome, { readonly config: Config }>,
): readonly PrintedSetting[] {
  const values: Settings = { ...loaded.config, ...loaded.secrets };
  return KEYS.map((key) => ({
    name: SETTINGS[key].environment,
    value: printValue(key, values),
    source: loaded.sources[key],
  }));
}

function printValue(key: SettingKey, values: Settings): string {
  const value = values[key];
  if (SETTINGS[key].secret) return value === null ? 'not set' : 'set';
  if (value === null) return 'not set';
  if (key === 'accounts') {
    const shown = values.accounts.map(({ upstream, origin }) => `${upstream}=${origin}`);
    return shown.length === 0 ? 'not set' : shown.join(',');
  }
  const isFirstOfMany = values.accounts.length > 0 && (key === 'upstream' || key === 'account');
  if (isFirstOfMany) return 'see TOLLGATE_ACCOUNTS';
  if (key === 'upstream')
    return values.upstream.kind === 'embedded' ? 'embedded' : values.upstream.origin;
  if (Array.isArray(value) && value.length === 0) return 'not set';
  return Array.isArray(value) ? value.join(',') : JSON.stringify(value).replace(/^"|"$/g, '');
}

/** The table of options as text of at most 80 columns, for `tollgate serve --help`. */
export function helpText(): string {
  const entries = KEYS.map((key) => {
    const { environment, yaml, help, fallbackText, secret } = SETTINGS[key];
    const place = yaml === null ? 'environment only' : `tollgate.yaml: ${yaml}`;
    const lines = [
      environment,
      ...wrap(help, 76),
      ...wrap(`default ${fallbackText} · ${place}${secret ? ' · secret' : ''}`, 76),
    ];
    return lines.map((line, index) => (index === 0 ? `  ${line}` : `    ${line}`)).join('\n');
  });
  return `Settings (environment wins over tollgate.yaml; unknown names fail):\n\n${entries.join('\n')}\n`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}
