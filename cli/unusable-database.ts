/** Why a Postgres that is not ours to start cannot be used, and what to do about it: for `serve` and `doctor` alike. */
import { toError } from '../base/errors.js';
import type { Queryable } from '../base/postgres/pool.js';
import { NAME_THE_SERVER, UNKNOWN_SETTING } from '../base/postgres/session.js';

/** The oldest Postgres that migrations and tests are run on, as `server_version_num` has it. */
export const POSTGRES_FLOOR = 150_000;
export const POSTGRES_FLOOR_FIX = 'Use PostgreSQL 15 or newer.';

export interface Unusable {
  /** A sentence without its subject, which is the server. */
  readonly says: string;
  readonly fix: string;
}

const NAME_ITS_ISSUER =
  'Name the PEM file of its issuer in TOLLGATE_DATABASE_URL: …?sslmode=verify-full&sslrootcert=/path/ca.pem';
const FOREIGN_CERTIFICATE: Unusable = {
  says: 'shows a certificate of an issuer that is not trusted here',
  fix: NAME_ITS_ISSUER,
};

/** By the code of the error: SQLSTATE, of the system, or of Node ("X509 certificate error codes"). */
const UNUSABLE: Readonly<Record<string, Unusable>> = {
  '28P01': {
    says: 'refuses the user or its password',
    fix: 'Mend them in TOLLGATE_DATABASE_URL.',
  },
  '28000': {
    says: 'lets this user not in from here',
    fix: "Mend the user in TOLLGATE_DATABASE_URL, or the server's pg_hba.conf; where it wants TLS, add ?sslmode=verify-full to the address.",
  },
  '3D000': {
    says: 'has no such database',
    fix: 'Create it, or name another in TOLLGATE_DATABASE_URL.',
  },
  '42501': {
    says: 'does not let this user make or change our tables',
    fix: 'Give the user CREATE on the database, or name the owner of the schema tollgate in TOLLGATE_DATABASE_URL.',
  },
  '53300': {
    says: 'takes no more connections',
    fix: 'Raise its max_connections, or lower TOLLGATE_DATABASE_CONNECTIONS_MAX of the processes that share it.',
  },
  [UNKNOWN_SETTING]: {
    says: 'is a pooler that refuses what a connection says of itself',
    fix: NAME_THE_SERVER,
  },
  '57P03': {
    says: 'is starting, stopping or recovering',
    fix: 'Wait for it; its own log says how far it is.',
  },
  ENOTFOUND: {
    says: 'is a host that this machine cannot find',
    fix: 'Mend the host in TOLLGATE_DATABASE_URL, or name resolution.',
  },
  ECONNREFUSED: {
    says: 'does not answer: nobody listens at that port',
    fix: 'Start it, or mend host and port in TOLLGATE_DATABASE_URL.',
  },
  ENOENT: {
    says: 'was not asked: a file that its address names is not there',
    fix: 'Mend sslrootcert, sslcert and sslkey in TOLLGATE_DATABASE_URL.',
  },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: FOREIGN_CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT: FOREIGN_CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: FOREIGN_CERTIFICATE,
  SELF_SIGNED_CERT_IN_CHAIN: FOREIGN_CERTIFICATE,
  DEPTH_ZERO_SELF_SIGNED_CERT: FOREIGN_CERTIFICATE,
  CERT_HAS_EXPIRED: {
    says: 'shows a certificate that has expired',
    fix: 'Give the server a new one, or set the clock of this machine.',
  },
  CERT_NOT_YET_VALID: {
    says: 'shows a certificate that is not valid yet',
    fix: 'Set the clock of this machine, or give the server another certificate.',
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    says: 'shows a certificate of another host name',
    fix: 'Write the host in TOLLGATE_DATABASE_URL as the certificate has it, or give the server one with this name.',
  },
};

/** What the driver says of a server without TLS has no code. */
const WITHOUT_TLS: Unusable = {
  says: 'speaks no TLS, which the address asks for',
  fix: 'Turn on ssl at the server, or take sslmode out of TOLLGATE_DATABASE_URL where the network is your own.',
};

/** What an error of connecting, of a first question or of a migration says of the server; undefined: nothing that is known here. */
export function whyUnusable(thrown: unknown): Unusable | undefined {
  for (let error: unknown = thrown; error instanceof Error; error = error.cause) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== undefined && Object.hasOwn(UNUSABLE, code)) return UNUSABLE[code];
    if (/does not support SSL/.test(message)) return WITHOUT_TLS;
  }
  return undefined;
}

/**
 * The version of a Postgres that is too old, before a migration of it is begun; undefined: it is not.
 * Rejects as the driver does.
 */
export async function tooOldVersion(db: Queryable): Promise<string | undefined> {
  const { rows } = await db.query<{ number: number; name: string }>(
    `SELECT current_setting('server_version_num')::integer AS number, current_setting('server_version') AS name`,
  );
  const [asked] = rows;
  if (asked !== undefined && asked.number >= POSTGRES_FLOOR) return undefined;
  return asked?.name ?? 'of unknown version';
}

/** What an error says, for people; of a name with several addresses, none of which answers, it has a code and no text. */
export function textOf(thrown: unknown): string {
  const { code, message } = toError(thrown) as NodeJS.ErrnoException;
  return message === '' ? `It does not answer (${code})` : message;
}
