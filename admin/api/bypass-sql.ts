/**
 * The SQL that closes the way past Tollgate: a network policy that lets in Tollgate's own addresses, set for each user
 * that came another way. It is printed for somebody to read and run; Tollgate never does. Source: Snowflake, "Controlling
 * network traffic with network policies".
 */

const USERS_MAX = 200;
const NO_ADDRESS = '<address of Tollgate>/32';

/**
 * The statements, one a text; none where nobody came another way.
 * @param addresses networks from which Tollgate reaches Snowflake; none: a place to fill in, with which it does not run.
 */
export function closingStatements(
  callers: readonly { readonly snowflakeUser: string | null }[],
  addresses: readonly string[],
): readonly string[] {
  const users = [...new Set(callers.flatMap(({ snowflakeUser }) => snowflakeUser ?? []))]
    // A name that would move the rest of a line is left to whoever looks at the list.
    .filter((user) => !/[\p{C}\p{Zl}\p{Zp}]/u.test(user))
    .sort();
  if (users.length === 0) return [];
  const allowed = (addresses.length === 0 ? [NO_ADDRESS] : addresses).map((each) => `'${each}'`);
  return [
    `CREATE NETWORK POLICY IF NOT EXISTS TOLLGATE_ONLY ALLOWED_IP_LIST = (${allowed.join(', ')});`,
    ...users
      .slice(0, USERS_MAX)
      .map(
        (user) => `ALTER USER "${user.replaceAll('"', '""')}" SET NETWORK_POLICY = TOLLGATE_ONLY;`,
      ),
  ];
}
