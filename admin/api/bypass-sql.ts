/**
 * The SQL that closes the way past Tollgate: a network policy that lets in Tollgate's own addresses, set for each user
 * that came another way. It is printed for somebody to read and run; Tollgate never does. Sources: Snowflake, "CREATE
 * NETWORK POLICY" (its variant CREATE OR ALTER, lists of IPv4 alone) and "Controlling network traffic with network policies".
 */
import { tryParseCidr } from '#base/cidr.js';

const USERS_MAX = 200;
const NO_ADDRESS = '<address of Tollgate>/32';
/** Whom Snowflake names for what a task runs by itself; there is no such user to alter. */
const TASKS_USER = 'SYSTEM';

/**
 * Why a network cannot stand in the policy; undefined where it can. A list with an IPv6 network is refused by Snowflake
 * as a whole, and one with `/0` would leave the way open to everybody.
 */
export function problemOfAddress(text: string): string | undefined {
  const cidr = tryParseCidr(text);
  if (cidr === undefined)
    return 'must be networks such as 203.0.113.10/32, with commas between them';
  if (cidr.family === 'ipv6')
    return "must be IPv4 networks: lists of Snowflake's network policies know no others";
  return cidr.prefixBits === 0 ? 'must not let in every address, as /0 does' : undefined;
}

/**
 * The statements, one a text; none where nobody came another way. Whom no statement closes the way for is told in comments
 * behind them.
 * @param addresses networks from which Tollgate reaches Snowflake, without a {@link problemOfAddress}; none: a place to
 *   fill in, with which it does not run.
 */
export function closingStatements(
  callers: readonly { readonly snowflakeUser: string | null }[],
  addresses: readonly string[],
): readonly string[] {
  const users = [...new Set(callers.flatMap(({ snowflakeUser }) => snowflakeUser ?? []))].sort();
  const people = users.filter((user) => user !== TASKS_USER);
  // A name that would move the rest of a line is left to whoever looks at the list.
  const spelled = people.filter((user) => !/[\p{C}\p{Zl}\p{Zp}]/u.test(user));
  const shown = spelled.slice(0, USERS_MAX);
  const allowed = [...new Set(addresses.length === 0 ? [NO_ADDRESS] : addresses)];
  return [
    ...(shown.length === 0 ? [] : [policyOf(allowed)]),
    ...shown.map(
      (user) => `ALTER USER "${user.replaceAll('"', '""')}" SET NETWORK_POLICY = TOLLGATE_ONLY;`,
    ),
    ...notesOf({
      leftOut: spelled.length - shown.length,
      unspelled: people.length - spelled.length,
      hasTasks: users.includes(TASKS_USER),
    }),
  ];
}

// IF NOT EXISTS would keep the addresses of an earlier run without a word, and shut Tollgate out with everybody else.
function policyOf(allowed: readonly string[]): string {
  const list = allowed.map((each) => `'${each}'`).join(', ');
  return `CREATE OR ALTER NETWORK POLICY TOLLGATE_ONLY ALLOWED_IP_LIST = (${list});`;
}

function notesOf(of: {
  readonly leftOut: number;
  readonly unspelled: number;
  readonly hasTasks: boolean;
}): readonly string[] {
  return [
    ...(of.leftOut === 0
      ? []
      : [`-- ${of.leftOut} more users came another way: ask again when these are closed.`]),
    ...(of.unspelled === 0
      ? []
      : [`-- ${of.unspelled} users have control characters in their names: alter them by hand.`]),
    ...(of.hasTasks
      ? [
          `-- ${TASKS_USER} is no user: tasks run inside Snowflake, where no network policy holds. Give them a warehouse of their own.`,
        ]
      : []),
  ];
}
