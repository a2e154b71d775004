/**
 * Which fronted account a host name and a login mean. The first label of the host name decides; where the host can
 * name no account (an address, `localhost`, a name of one label, a host listed as shared) the login's `ACCOUNT_NAME`
 * does. Nothing is ever guessed: what names no account chooses none, and a name that two accounts share chooses
 * neither. Drivers write `my_acct` as host label `my-acct`, so names compare without case and with `_` as `-`.
 */
import { isIP } from 'node:net';

/** An account with the other names it goes by, such as Snowflake's own. */
export interface NamedAccount {
  readonly account: string;
  readonly otherNames: readonly string[];
}

export type AccountChoice =
  | { readonly kind: 'chosen'; readonly account: string }
  /** The login names no fronted account; `name` as it was written. */
  | { readonly kind: 'unknownName'; readonly name: string }
  /** The host name begins with no fronted account and is not shared; `host` without its port. */
  | { readonly kind: 'unknownHost'; readonly host: string }
  /** Host and login name two different accounts. */
  | { readonly kind: 'conflict'; readonly ofHost: string; readonly ofLogin: string };

/** A name as it is compared. */
export function foldAccountName(name: string): string {
  return name.toLowerCase().replace(/[_.]/g, '-');
}

export class AccountNames {
  readonly #accounts = new Map<string, string>();
  readonly #sharedHosts: ReadonlySet<string>;
  /** Ids that fold to the id of another account: no name chooses them. */
  readonly ambiguous: readonly string[];

  constructor(accounts: readonly NamedAccount[], sharedHosts: readonly string[]) {
    this.#sharedHosts = new Set(sharedHosts.map((host) => host.toLowerCase()));
    const ids = claims(accounts.map(({ account }) => [account, account]));
    const others = claims(
      accounts.flatMap(({ account, otherNames }) => otherNames.map((name) => [name, account])),
    );
    this.ambiguous = [...ids.values()]
      .filter((owners) => owners.size > 1)
      .flatMap((all) => [...all]);
    for (const [name, owners] of others) this.#claim(name, owners);
    // An account's own id wins over what another one goes by, and a doubtful id over nothing.
    for (const [name, owners] of ids) this.#claim(name, owners);
  }

  /** The account that the first label of a host header names; undefined when it names none, or can name none. */
  ofHost(host: string | undefined): string | undefined {
    const name = hostName(host);
    if (isNeutral(name) || this.#sharedHosts.has(name)) return undefined;
    return this.#accounts.get(foldAccountName(name.split('.')[0] ?? ''));
  }

  /**
   * The account of a login's `ACCOUNT_NAME`: its id or another name of it, with or without region and cloud
   * (`xy12345.eu-central-1.aws`), with the organisation before a hyphen or a dot (`myorg-acct`, `MYORG.ACCT`).
   */
  ofLogin(accountName: string | undefined): string | undefined {
    if (accountName === undefined) return undefined;
    const whole = this.#accounts.get(foldAccountName(accountName));
    const short = this.#accounts.get(foldAccountName(accountName.split('.')[0] ?? ''));
    return whole !== undefined && short !== undefined && whole !== short
      ? undefined
      : (whole ?? short);
  }

  /** The account that a login is for. */
  choose(host: string | undefined, accountName: string | undefined): AccountChoice {
    const ofHost = this.ofHost(host);
    const ofLogin = this.ofLogin(accountName);
    if (ofHost !== undefined && ofLogin !== undefined && ofHost !== ofLogin)
      return { kind: 'conflict', ofHost, ofLogin };
    if (ofHost !== undefined) return { kind: 'chosen', account: ofHost };
    const name = hostName(host);
    // A name of one label is how composed deployments call the proxy, so it may stand for no account.
    const mayStandForNone = isNeutral(name) || !name.includes('.') || this.#sharedHosts.has(name);
    if (!mayStandForNone) return { kind: 'unknownHost', host: name };
    if (ofLogin !== undefined) return { kind: 'chosen', account: ofLogin };
    return { kind: 'unknownName', name: accountName ?? '' };
  }

  #claim(name: string, owners: ReadonlySet<string>): void {
    const [owner] = owners;
    if (owners.size === 1 && owner !== undefined) this.#accounts.set(name, owner);
    else this.#accounts.delete(name);
  }
}

/** Who claims each folded name. */
function claims(
  pairs: readonly (readonly [string, string])[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const owners = new Map<string, Set<string>>();
  for (const [name, account] of pairs) {
    const folded = foldAccountName(name);
    owners.set(folded, (owners.get(folded) ?? new Set()).add(account));
  }
  return owners;
}

/** The name in a Host header, lower case, without port, brackets and the dot of a full name. */
function hostName(host: string | undefined): string {
  const text = (host ?? '').trim().toLowerCase();
  if (text.startsWith('[')) return text.slice(1, Math.max(1, text.indexOf(']')));
  return text.replace(/:\d*$/, '').replace(/\.$/, '');
}

/** Hosts whose first label is no name. */
function isNeutral(name: string): boolean {
  return name === '' || name === 'localhost' || isIP(name) !== 0;
}

/**
 * Snowflake's own name of the account at an origin: the first label of its host (`myorg-acct`, or the locator of
 * `xy12345.eu-central-1`). Undefined for other hosts, whose labels say nothing about an account.
 */
export function accountNameOfOrigin(origin: string): string | undefined {
  const { hostname } = new URL(origin);
  return /\.snowflakecomputing\.(com|cn)$/.test(hostname) ? hostname.split('.')[0] : undefined;
}
