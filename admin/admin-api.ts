/** What the admin listener needs to serve API and console: made by the composition root, and read by routes. */
import type { Ledger } from '#billing/ledger.js';
import type { Ids } from '#base/ids.js';
import type { Database } from '#base/postgres/pool.js';
import type { SealKey } from '#base/sealing.js';
import type { Clock } from '#base/time.js';
import type { BillsApi } from './api/bills-api.js';
import type { UsageFilesApi } from './api/usage-files.js';
import type { ConsoleFiles } from './console/console-files.js';
import type { OidcSignIn } from './console/oidc-routes.js';
import type { SignInApi } from './sign-in.js';
import type { PriceStatement } from './statement-pricing.js';

export const EVENT_FOLLOWERS_MAX = 500;
export const SIGN_INS_MAX = 10;

/** What the API needs; absent on replicas without the role `admin`. */
export interface AdminApi {
  readonly db: Database;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Bearer token of the settings; an empty one lets nobody in. */
  readonly token: string;
  /** Source of secrets. */
  readonly ids: Ids;
  /** Seal what is secret at rest and must be read back; the proxies have the same. */
  readonly sealKeys: readonly SealKey[];
  /** Absent: this process issues no credentials. */
  readonly signIn?: SignInApi;
  /** Absent: this process has nothing to price statements by. */
  readonly price?: PriceStatement;
  /** Absent: this process draws no bills. */
  readonly bills?: BillsApi;
  /** Absent: this process takes no files. */
  readonly usageFiles?: UsageFilesApi;
  /** Absent: this process serves no console. */
  readonly console?: ConsoleOptions;
  /** Readers of events at the same time; absent: {@link EVENT_FOLLOWERS_MAX}. */
  readonly eventFollowersMax?: number;
  /** Milliseconds that never run backwards, for caches and caps; absent: the process's own. */
  readonly realNow?: () => number;
}

export interface ConsoleOptions {
  readonly files: ConsoleFiles;
  /** Browsers reach it by https alone. */
  readonly isSecure: boolean;
  /** When sign-ins end; absent: the wall clock. */
  readonly clock?: Clock;
  /** How long a sign-in counts as confirmed; absent: as long as it lasts. */
  readonly confirmAfterMs?: number;
  /** Sign-ins of one person at the same time; absent: {@link SIGN_INS_MAX}. */
  readonly signInsMax?: number;
  /** Absent: people sign in by token alone. */
  readonly oidc?: OidcSignIn;
}
