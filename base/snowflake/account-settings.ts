/** The map of several upstreams: its text form in the environment, its fields in tollgate.yaml, and its own rules. */
import { origin, type Parsed } from '../setting-parsers.js';

/** One configured upstream, which accounts of the control document name. */
export interface AccountSetting {
  readonly upstream: string;
  readonly origin: string;
  /** What Snowflake calls the account; null: as the origin's host says, else as the upstream. */
  readonly snowflakeAccount: string | null;
  /** null: TOLLGATE_SERVICE_USER. */
  readonly serviceUser: string | null;
  /** null: the secret of TOLLGATE_SERVICE_USER. */
  readonly privateKeyFile: string | null;
}

/** A value of the file, by its path below `accounts`. */
export interface FileField {
  readonly text: string;
  readonly line: number;
}

export const NAME_EXPRESSION: RegExp = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const ACCOUNTS_MAX = 100;
const FIELDS = ['upstream', 'account', 'serviceUser', 'privateKeyFile'] as const;
type Field = (typeof FIELDS)[number];

/** `prod=https://…,dev=https://…`. */
export function accountsFromText(text: string): Parsed<readonly AccountSetting[]> {
  const rule = `a list name=origin,… of at most ${ACCOUNTS_MAX}, names unique (letters, digits, _ and -), origins http(s) without path, query or password`;
  if (text === 'none') return { value: [] };
  const accounts: AccountSetting[] = [];
  for (const pair of text.split(',')) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, at)).trim();
    const parsed = origin(pair.slice(at + 1).trim());
    const isGood =
      NAME_EXPRESSION.test(name) && 'value' in parsed && parsed.value.kind === 'origin';
    if (!isGood || hasName(accounts, name)) return { rule };
    accounts.push(settingOf(name, parsed.value.origin, new Map()));
  }
  return accounts.length > ACCOUNTS_MAX ? { rule } : { value: accounts };
}

/**
 * The map of tollgate.yaml.
 *
 * @param fields by `<name>.<field>`.
 * @param problems takes every problem, with line, field, rule and way out.
 */
export function accountsFromFile(
  fields: ReadonlyMap<string, FileField>,
  problems: string[],
): readonly AccountSetting[] {
  const complain = (path: string, { line }: FileField, says: string): void =>
    void problems.push(`tollgate.yaml line ${line}, accounts.${path}: ${says}.`);
  const byName = new Map<string, Map<Field, FileField>>();
  for (const [path, value] of fields) {
    const [name = '', fieldName = '', ...rest] = path.split('.');
    const field = FIELDS.find((known) => known === fieldName);
    if (field === undefined || rest.length > 0)
      complain(path, value, `there is no such setting; an upstream has ${FIELDS.join(', ')}`);
    else byName.set(name, (byName.get(name) ?? new Map<Field, FileField>()).set(field, value));
  }
  const accounts: AccountSetting[] = [];
  for (const [name, own] of byName) {
    const [first] = own.values();
    if (first === undefined) continue;
    if (!NAME_EXPRESSION.test(name) || hasName(accounts, name)) {
      complain(name, first, 'is not a name of its own (letters, digits, _ and -); rename it');
      continue;
    }
    const upstream = own.get('upstream');
    const parsed = origin(upstream?.text ?? '');
    if (upstream === undefined) complain(name, first, 'has no upstream; add its https origin');
    else if (!('value' in parsed) || parsed.value.kind !== 'origin')
      complain(
        `${name}.upstream`,
        upstream,
        `"${upstream.text.slice(0, 80)}" is not an http(s) origin without path, query or password; write for example https://myorg-${name}.snowflakecomputing.com`,
      );
    else accounts.push(settingOf(name, parsed.value.origin, own));
  }
  if (accounts.length > ACCOUNTS_MAX)
    problems.push(`tollgate.yaml, accounts: are more than ${ACCOUNTS_MAX}; split the deployment.`);
  return accounts;
}

function settingOf(
  name: string,
  atOrigin: string,
  fields: ReadonlyMap<Field, FileField>,
): AccountSetting {
  return {
    upstream: name,
    origin: atOrigin,
    snowflakeAccount: fields.get('account')?.text ?? null,
    serviceUser: fields.get('serviceUser')?.text ?? null,
    privateKeyFile: fields.get('privateKeyFile')?.text ?? null,
  };
}

/** Names that a host label cannot tell apart are one name. */
function hasName(accounts: readonly AccountSetting[], name: string): boolean {
  const folded = (text: string): string => text.toLowerCase().replaceAll('_', '-');
  return accounts.some(({ upstream }) => folded(upstream) === folded(name));
}

/** What the rules over several options look at. */
export interface ServiceSettings {
  readonly accounts: readonly AccountSetting[];
  readonly serviceUser: string | null;
  readonly servicePassword: string | null;
  readonly servicePrivateKeyFile: string | null;
  readonly servicePrivateKeyPassphrase: string | null;
}

/** Rules over user, password, key and passphrase together: a user has exactly one secret, and no secret is idle. */
export function checkServiceUsers(settings: ServiceSettings, problems: string[]): void {
  const { accounts, serviceUser, servicePassword, servicePrivateKeyFile } = settings;
  const hasSecret = servicePassword !== null || servicePrivateKeyFile !== null;
  const hasOwnKeys = accounts.length > 0 && accounts.every((each) => each.privateKeyFile !== null);
  const hasOwnUsers = accounts.some((each) => each.serviceUser !== null);
  if (servicePassword !== null && servicePrivateKeyFile !== null) {
    problems.push(
      'TOLLGATE_SERVICE_PASSWORD and TOLLGATE_SERVICE_PRIVATE_KEY_FILE: both are set; keep the key and unset the password.',
    );
  }
  if (serviceUser !== null && !hasSecret && !hasOwnKeys) {
    problems.push(
      'TOLLGATE_SERVICE_USER: has no secret; set TOLLGATE_SERVICE_PRIVATE_KEY_FILE or TOLLGATE_SERVICE_PASSWORD, or unset the user.',
    );
  }
  if (serviceUser === null && hasSecret && !hasOwnUsers) {
    problems.push(
      'TOLLGATE_SERVICE_PASSWORD or TOLLGATE_SERVICE_PRIVATE_KEY_FILE: is set without a user; set TOLLGATE_SERVICE_USER, or unset the secret.',
    );
  }
  for (const { upstream, serviceUser: own, privateKeyFile } of accounts) {
    if (privateKeyFile !== null && (own ?? serviceUser) === null)
      problems.push(
        `accounts.${upstream}.privateKeyFile: is set without a user; add accounts.${upstream}.serviceUser.`,
      );
    if (own !== null && privateKeyFile === null && !hasSecret)
      problems.push(
        `accounts.${upstream}.serviceUser: has no secret; add accounts.${upstream}.privateKeyFile.`,
      );
  }
  const hasKeyFile =
    servicePrivateKeyFile !== null || accounts.some((each) => each.privateKeyFile !== null);
  if (settings.servicePrivateKeyPassphrase !== null && !hasKeyFile) {
    problems.push(
      'TOLLGATE_SERVICE_PRIVATE_KEY_PASSPHRASE: is set without a private key file; set TOLLGATE_SERVICE_PRIVATE_KEY_FILE, or unset it.',
    );
  }
}
