/** Options about the Snowflake accounts behind a deployment: where they live, what they are called, who serves us. */
import {
  asIs,
  hostNames,
  origin,
  pattern,
  yesOrNo,
  type UpstreamSetting,
} from '../setting-parsers.js';
import type { Setting } from '../setting.js';
import { accountsFromText, NAME_EXPRESSION, type AccountSetting } from './account-settings.js';

/** Settings that may be printed. */
export interface SnowflakeConfig {
  /** With `accounts`, the first of them: whether it is the embedded warehouse is all that may be asked. */
  readonly upstream: UpstreamSetting;
  readonly account: string;
  /** Empty: `upstream` and `account` name the only one. */
  readonly accounts: readonly AccountSetting[];
  readonly sharedHosts: readonly string[];
  readonly allowLocalUpstreams: boolean;
  readonly serviceUser: string | null;
  readonly servicePrivateKeyFile: string | null;
}

/** Settings that are never printed and never read from a file. */
export interface SnowflakeSecrets {
  readonly servicePassword: string | null;
  readonly servicePrivateKeyPassphrase: string | null;
}

type Table<T> = { readonly [K in keyof T]: Setting<T[K]> };

/** Where accounts live and which hosts stand for them. */
export const ACCOUNT_SETTINGS: Table<
  Omit<SnowflakeConfig, 'serviceUser' | 'servicePrivateKeyFile'>
> = {
  upstream: {
    environment: 'TOLLGATE_UPSTREAM',
    yaml: 'upstream',
    parse: origin,
    fallback: { kind: 'embedded' },
    fallbackText: 'embedded',
    secret: false,
    help: 'Where statements go: `embedded`, or the origin of a Snowflake account.',
    wayOut: 'write `embedded` or, for example, https://myorg-myaccount.snowflakecomputing.com',
  },
  account: {
    environment: 'TOLLGATE_ACCOUNT',
    yaml: 'account',
    parse: pattern(NAME_EXPRESSION, 'an account name (letters, digits, _ and -)', asIs),
    fallback: 'demo',
    fallbackText: 'demo',
    secret: false,
    help: 'Name of the Snowflake account that is fronted, as logins give it.',
    wayOut: 'write the account name without host or region',
  },
  accounts: {
    environment: 'TOLLGATE_ACCOUNTS',
    yaml: 'accounts',
    parse: accountsFromText,
    fallback: [],
    fallbackText: 'none',
    secret: false,
    help: 'Several upstreams by name, in place of TOLLGATE_UPSTREAM and TOLLGATE_ACCOUNT: prod=https://…,dev=https://…; in the file a map with upstream, account, serviceUser and privateKeyFile of each.',
    wayOut: 'write for example prod=https://myorg-prod.snowflakecomputing.com',
  },
  sharedHosts: {
    environment: 'TOLLGATE_SHARED_HOSTS',
    yaml: 'proxy.sharedHosts',
    parse: hostNames,
    fallback: [],
    fallbackText: 'none',
    secret: false,
    help: "Host names of the proxy that stand for no account; there the account that the login names decides. Others begin with the account's name.",
    wayOut: 'write for example tollgate.example.com',
  },
  allowLocalUpstreams: {
    environment: 'TOLLGATE_ALLOW_LOCAL_UPSTREAMS',
    yaml: 'proxy.allowLocalUpstreams',
    parse: yesOrNo,
    fallback: false,
    fallbackText: 'false',
    secret: false,
    help: 'Whether the name of an upstream may resolve to a loopback, link-local or metadata address. Addresses and `localhost` in the setting itself always may.',
    wayOut: 'write true or false',
  },
};

/** Tollgate's own user of these accounts. */
export const SERVICE_SETTINGS: Table<
  Pick<SnowflakeConfig, 'serviceUser' | 'servicePrivateKeyFile'> & SnowflakeSecrets
> = {
  serviceUser: {
    environment: 'TOLLGATE_SERVICE_USER',
    yaml: 'service.user',
    parse: pattern(/^\S{1,255}$/, 'a Snowflake user name', asIs),
    fallback: null,
    fallbackText: 'none',
    secret: false,
    help: 'Snowflake user that imports metering and statistics and asks for evidence.',
    wayOut:
      'write the user name, and its key in TOLLGATE_SERVICE_PRIVATE_KEY_FILE or its password in TOLLGATE_SERVICE_PASSWORD',
  },
  servicePrivateKeyFile: {
    environment: 'TOLLGATE_SERVICE_PRIVATE_KEY_FILE',
    yaml: 'service.privateKeyFile',
    parse: pattern(/^[^\0]{1,4096}$/, 'the path of a file', asIs),
    fallback: null,
    fallbackText: 'none',
    secret: false,
    help: 'Private key of that user (PEM, PKCS#8); read at start and at each sign-in. Not with a password.',
    wayOut: 'name the PEM file of the key, readable by this user only',
  },
  servicePrivateKeyPassphrase: {
    environment: 'TOLLGATE_SERVICE_PRIVATE_KEY_PASSPHRASE',
    yaml: null,
    parse: pattern(/^.{1,1024}$/s, 'a passphrase of 1 to 1024 characters', asIs),
    fallback: null,
    fallbackText: 'none',
    secret: true,
    help: 'Opens encrypted private keys of service users.',
    wayOut: 'set it together with a private key file',
  },
  servicePassword: {
    environment: 'TOLLGATE_SERVICE_PASSWORD',
    yaml: null,
    parse: pattern(/^.{1,256}$/s, 'a password of 1 to 256 characters', asIs),
    fallback: null,
    fallbackText: 'none',
    secret: true,
    help: 'Password of that user, or a programmatic access token.',
    wayOut: 'set it together with TOLLGATE_SERVICE_USER',
  },
};
