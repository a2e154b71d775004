/**
 * The Snowflake accounts this deployment fronts. Engines are made once, for the upstreams that the settings configure;
 * which accounts there are, and which upstream each of them lives at, is read from the control document in force at
 * every look-up, so accounts come and go without a restart.
 */
import type { Log } from '#base/log.js';
import type { Occupancy } from '#base/metrics.js';
import type { AccountDocument } from '#policies/control/document.js';
import { inForce } from '../control/in-force.js';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';
import { AccountNames, accountNameOfOrigin, foldAccountName } from './account-names.js';
import type { AccountChoice } from './account-names.js';
import type { UpstreamEngine } from './engine.js';

export interface Upstream {
  /** Account id of the control document. */
  readonly account: string;
  /** What Snowflake calls the account: tokens that are signed for it must say so. */
  readonly snowflakeName: string;
  /** `host:port` for the Host header. */
  readonly host: string;
  /** Scheme, host and port, as a browser is sent there. */
  readonly origin: string;
  readonly engine: UpstreamEngine;
}

/** Whom a configured upstream serves: the one account of that id, or every account that names the upstream. */
export type Serves = { readonly account: string } | { readonly upstream: string };

export type ConfiguredUpstream = Serves & {
  readonly origin: string;
  /** What Snowflake calls the account, where the origin's host does not tell. */
  readonly snowflakeAccount?: string;
};

export type Selection =
  | { readonly kind: 'chosen'; readonly upstream: Upstream }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** How the settings and the control document in force fit together. */
export interface AccountsFit {
  readonly served: readonly string[];
  /** Accounts whose upstream is not configured here. */
  readonly unserved: readonly AccountDocument[];
  /** Configured upstreams that no account names. */
  readonly unused: readonly string[];
  /** Accounts whose ids differ only in what a host label cannot show. */
  readonly ambiguous: readonly string[];
}

export interface UpstreamsOptions {
  readonly configured: readonly ConfiguredUpstream[];
  readonly openEngine: (origin: string) => UpstreamEngine;
  /** Accounts of the control document in force; undefined while there is none. The same array while it stays. */
  readonly accounts: () => readonly AccountDocument[] | undefined;
  /** Host names that stand for no account. */
  readonly sharedHosts: readonly string[];
  readonly log: Log;
}

interface Opened {
  readonly configured: ConfiguredUpstream;
  readonly host: string;
  readonly engine: UpstreamEngine;
}

interface Index {
  readonly document: readonly AccountDocument[];
  readonly names: AccountNames;
  readonly byAccount: ReadonlyMap<string, Upstream>;
  readonly fit: AccountsFit;
}

export class Upstreams {
  readonly #options: UpstreamsOptions;
  readonly #opened: readonly Opened[];
  #index: Index | undefined;

  constructor(options: UpstreamsOptions) {
    this.#options = options;
    this.#opened = options.configured.map((configured) => ({
      configured,
      host: new URL(configured.origin).host,
      engine: options.openEngine(configured.origin),
    }));
  }

  /** Requests under way to all of them, of the connections that there may be; for the metric. */
  get occupancy(): Occupancy {
    const each = this.#opened.map(({ engine }) => engine.occupancy());
    const sum = (of: keyof Occupancy): number => each.reduce((so, { [of]: more }) => so + more, 0);
    return { used: sum('used'), max: sum('max') };
  }

  /** The upstream of an account id. Undefined: not in the document, or its upstream is not configured. */
  get(account: string): Upstream | undefined {
    return this.#current().byAccount.get(foldId(account));
  }

  /** Whether a request at this host may speak for that account: false when the host's first label names another. */
  agrees(host: string | undefined, account: string): boolean {
    const named = this.#current().names.ofHost(host);
    return named === undefined || foldId(named) === foldId(account);
  }

  /** Whether a name that a login gives (its id, or one of Snowflake's for it) is that of the account. */
  isNameOf(name: string, account: string): boolean {
    const found = this.#current().names.ofLogin(name);
    return found !== undefined && foldId(found) === foldId(account);
  }

  /**
   * The account that a login is for; see {@link AccountNames}. Refused: host and login name different accounts, or
   * none that is fronted. Fault `controlStale` before the first control document.
   */
  select(host: string | undefined, accountName: string | undefined): Selection {
    const { names, byAccount } = this.#current();
    const choice = names.choose(host, accountName);
    if (choice.kind !== 'chosen') return { kind: 'refused', refusal: refusalOf(choice) };
    const upstream = byAccount.get(foldId(choice.account));
    if (upstream !== undefined) return { kind: 'chosen', upstream };
    const refusal = callerRefusal(
      'accountUnknown',
      `Not connected: no upstream is configured here for account "${choice.account}". Ask the platform admins; \`tollgate doctor\` says more.`,
    );
    return { kind: 'refused', refusal };
  }

  /** How settings and document fit; undefined before the first document. */
  fit(): AccountsFit | undefined {
    return this.#options.accounts() === undefined ? undefined : this.#current().fit;
  }

  async stop(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#opened.map(({ engine }) => engine.stop(signal)));
  }

  #current(): Index {
    const document = inForce(this.#options.accounts());
    if (this.#index?.document !== document) {
      this.#index = this.#indexed(document);
      logFit(this.#options.log, this.#index.fit);
    }
    return this.#index;
  }

  #indexed(document: readonly AccountDocument[]): Index {
    const served = document.flatMap((account) => {
      const configured = upstreamOf(this.#options.configured, account);
      const opened = this.#opened.find((each) => each.configured === configured);
      return opened === undefined ? [] : [{ account, opened }];
    });
    const names = new AccountNames(
      document.map((account) => ({
        account: account.id,
        otherNames: otherNamesOf(served.find((each) => each.account === account)?.opened),
      })),
      this.#options.sharedHosts,
    );
    return {
      document,
      names,
      byAccount: new Map(
        served.map(({ account, opened: { configured, host, engine } }) => [
          foldId(account.id),
          {
            account: account.id,
            snowflakeName: snowflakeNameOf(configured),
            host,
            origin: new URL(configured.origin).origin,
            engine,
          },
        ]),
      ),
      fit: {
        served: served.map(({ account }) => account.id),
        unserved: document.filter((account) => !served.some((each) => each.account === account)),
        unused: this.#opened
          .filter((opened) => !served.some((each) => each.opened === opened))
          .map(({ configured }) => nameOf(configured)),
        ambiguous: names.ambiguous,
      },
    };
  }
}

/** The upstream that an account names; else the one that the settings give to this account alone. */
export function upstreamOf<T extends Serves>(
  configured: readonly T[],
  account: Pick<AccountDocument, 'id' | 'upstream'>,
): T | undefined {
  const named = configured.find(
    (each) =>
      'upstream' in each && foldAccountName(each.upstream) === foldAccountName(account.upstream),
  );
  return (
    named ??
    configured.find((each) => 'account' in each && foldId(each.account) === foldId(account.id))
  );
}

function otherNamesOf(opened: Opened | undefined): readonly string[] {
  if (opened === undefined) return [];
  const { snowflakeAccount, origin } = opened.configured;
  return [snowflakeAccount, accountNameOfOrigin(origin)].flatMap((name) => name ?? []);
}

/** What Snowflake calls the account at an upstream. */
export function snowflakeNameOf(configured: ConfiguredUpstream): string {
  const { snowflakeAccount, origin } = configured;
  return snowflakeAccount ?? accountNameOfOrigin(origin) ?? nameOf(configured);
}

function nameOf(configured: Serves): string {
  return 'upstream' in configured ? configured.upstream : configured.account;
}

/** Ids of the document compare without case: settings may write them in Snowflake's capitals. */
function foldId(id: string): string {
  return id.toLowerCase();
}

function logFit(log: Log, fit: AccountsFit): void {
  for (const { id, upstream } of fit.unserved) {
    log.warn(
      { account: id, upstream },
      'this account is not served: its upstream is not configured here',
    );
  }
  for (const upstream of fit.unused)
    log.info({ upstream }, 'no account of the control document names this upstream');
  if (fit.ambiguous.length > 0)
    log.warn({ accounts: fit.ambiguous }, 'no host name tells these accounts apart');
}

function refusalOf(choice: Exclude<AccountChoice, { kind: 'chosen' }>): Refusal {
  switch (choice.kind) {
    case 'unknownName':
      return callerRefusal(
        'accountUnknown',
        `Not connected: this Tollgate does not front a Snowflake account called "${choice.name.slice(0, 60)}". Check the driver's account setting.`,
      );
    case 'unknownHost':
      return callerRefusal(
        'accountUnknown',
        `Not connected: the host name "${choice.host.slice(0, 100)}" begins with no account that this Tollgate fronts. Connect to <account>.…, or have the platform admins list the host in TOLLGATE_SHARED_HOSTS.`,
      );
    case 'conflict':
      return callerRefusal(
        'accountUnknown',
        `Not connected: the host name is that of account "${choice.ofHost}", and the login names account "${choice.ofLogin}". Make the driver's host and account agree.`,
      );
  }
}
