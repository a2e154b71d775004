/** The Snowflake accounts this deployment fronts, each with its engine; chosen by host label or login account. */
import type { UpstreamEngine } from './engine.js';

export interface Upstream {
  /** Account id of the control document. */
  readonly account: string;
  /** `host:port` for the Host header. */
  readonly host: string;
  readonly engine: UpstreamEngine;
}

export class Upstreams {
  readonly #byAccount: ReadonlyMap<string, Upstream>;

  constructor(upstreams: readonly Upstream[]) {
    this.#byAccount = new Map(
      upstreams.map((upstream) => [upstream.account.toLowerCase(), upstream]),
    );
  }

  /** The upstream of an account id, without regard to case. */
  get(account: string): Upstream | undefined {
    return this.#byAccount.get(account.toLowerCase());
  }

  /**
   * The account a login is for: the first label of the host name when it names one (drivers that are given only a
   * host derive the account from it), else the `ACCOUNT_NAME` of the login without its region. Undefined: unknown.
   */
  select(host: string | undefined, accountName: string | undefined): Upstream | undefined {
    const label = host?.split(':')[0]?.split('.')[0];
    const named = label === undefined ? undefined : this.get(label);
    return (
      named ?? (accountName === undefined ? undefined : this.get(accountName.split('.')[0] ?? ''))
    );
  }

  all(): readonly Upstream[] {
    return [...this.#byAccount.values()];
  }

  async stop(signal: AbortSignal): Promise<void> {
    await Promise.all(this.all().map((upstream) => upstream.engine.stop(signal)));
  }
}
