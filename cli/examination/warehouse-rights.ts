/**
 * Whether the service user sees the governed warehouses, sees what others run on them (`MONITOR`) and may end it
 * (`OPERATE`). Nothing is cancelled to find out: `SHOW GRANTS TO ROLE` lists what was granted to each role in force and to
 * those that it inherits (Snowflake, "SHOW GRANTS"; "SYSTEM$CANCEL_QUERY", usage notes; "Access control privileges").
 */
import { toError } from '../../base/errors.js';
import type { ServiceConnection, ServiceRow } from '../../base/snowflake/service-connection.js';
import type { Finder, Finding } from './finding.js';
import { ask, identifier, short } from './service-statements.js';

/** Roles that are looked through at most; an account administrator inherits all of its account's. */
const ROLES_MAX = 200;
/** Has every right there is. */
const ACCOUNT_ADMIN = 'ACCOUNTADMIN';

export interface WarehouseRightsOptions {
  readonly finder: Finder;
  readonly suffix: string;
  /** Primary role of the session, to which grants are suggested. */
  readonly role: string;
  readonly secondaryRoles: readonly string[];
  /** Warehouses of the control document; null: it is not known. */
  readonly warehouses: readonly string[] | null;
}

const RIGHTS = [
  {
    privilege: 'MONITOR',
    check: 'evidence',
    has: 'sees what others run on every governed warehouse',
    lacks: 'what others ran there looks as if it had never run, and is voided',
  },
  {
    privilege: 'OPERATE',
    check: 'cancelling',
    has: 'may end what others run on every governed warehouse',
    lacks: 'what a proxy that died left running there is stopped at no ceiling, nor by a kill',
  },
] as const;
type Right = (typeof RIGHTS)[number];

/** Findings `warehouses`, `evidence` and `cancelling`; the first alone where no warehouse is seen or known. */
export async function checkWarehouses(
  connection: ServiceConnection,
  options: WarehouseRightsOptions,
): Promise<readonly Finding[]> {
  const { finder, suffix, role, warehouses } = options;
  const check = `warehouses${suffix}`;
  let rows: readonly ServiceRow[];
  try {
    rows = await ask(connection, 'SHOW WAREHOUSES');
  } catch (thrown) {
    const says = `SHOW WAREHOUSES failed (${short(thrown)})`;
    return [finder.failed(check, says, 'Look at the default role of the service user.')];
  }
  const seen = new Set(rows.map((row) => comparable(row['NAME'])));
  const governed = warehouses ?? [];
  const isSeen = (name: string): boolean => seen.has(comparable(name));
  const known = governed.filter(isSeen);
  const unseen = governed.filter((name) => !isSeen(name));
  const visible =
    unseen.length === 0
      ? finder.ok(check, `all governed ones are seen, of ${seen.size}`)
      : finder.note(
          check,
          `${unseen.length} of ${governed.length} are not seen, so what they ran gives no evidence`,
          'If the account has them, grant:',
          unseen.map((name) => grantOf('MONITOR, OPERATE', name, role)),
        );
  if (known.length === 0) return [visible];
  return [visible, ...(await checkRights(connection, options, known))];
}

async function checkRights(
  connection: ServiceConnection,
  { finder, suffix, role, secondaryRoles }: WarehouseRightsOptions,
  warehouses: readonly string[],
): Promise<readonly Finding[]> {
  const granted = await grantsOf(connection, [role, ...secondaryRoles]);
  return RIGHTS.map((right) => {
    const check = `${right.check}${suffix}`;
    const lacking = warehouses.filter((name) => !granted.allows(right, name));
    if (lacking.length === 0) return finder.ok(check, right.has);
    if (granted.unread !== null)
      return finder.skipped(check, `its grants could not be read whole: ${granted.unread}`);
    const says = `no ${right.privilege} on ${lacking.length} of ${warehouses.length} governed warehouses: ${right.lacks}`;
    const grants = lacking.map((name) => grantOf(right.privilege, name, role));
    return finder.failed(check, says, 'Grant:', grants);
  });
}

interface Granted {
  /** Why some of it could not be read; null: this is all. */
  readonly unread: string | null;
  allows(right: Right, warehouse: string): boolean;
}

/** What roles may do with warehouses, by themselves and by what they inherit. */
async function grantsOf(
  connection: ServiceConnection,
  inForce: readonly string[],
): Promise<Granted> {
  const roles = new Set(inForce);
  const privileges = new Set<string>();
  let unread: string | null = null;
  // A set goes on to what is added meanwhile.
  for (const role of roles) {
    if (role === ACCOUNT_ADMIN) return { unread: null, allows: () => true };
    if (roles.size > ROLES_MAX) {
      unread = `the role inherits more than ${ROLES_MAX} others`;
      break;
    }
    try {
      const rows = await ask(connection, `SHOW GRANTS TO ROLE ${identifier(role)}`);
      for (const row of rows) {
        const [privilege, on] = [row['PRIVILEGE'] ?? '', row['GRANTED_ON'] ?? ''];
        if (on === 'ROLE' && privilege === 'USAGE') roles.add(nameOf(row['NAME']));
        else if (on === 'WAREHOUSE') privileges.add(`${privilege} ${comparable(row['NAME'])}`);
        else if (on === 'ACCOUNT') privileges.add(privilege);
      }
    } catch (thrown) {
      unread ??= short(toError(thrown));
    }
  }
  return {
    unread,
    allows: ({ privilege }, warehouse) =>
      // "Access control privileges": it includes MODIFY, MONITOR and OPERATE on every warehouse of the account.
      privileges.has('MANAGE WAREHOUSES') ||
      [privilege, 'OWNERSHIP'].some((one) => privileges.has(`${one} ${comparable(warehouse)}`)),
  };
}

function grantOf(privileges: string, warehouse: string, role: string): string {
  return `GRANT ${privileges} ON WAREHOUSE ${identifier(warehouse)} TO ROLE ${identifier(role)};`;
}

/** A name as a column of SHOW has it, which quotes some. */
function nameOf(shown: string | null | undefined): string {
  const text = shown ?? '';
  return /^".*"$/s.test(text) ? text.slice(1, -1).replaceAll('""', '"') : text;
}

function comparable(name: string | null | undefined): string {
  return nameOf(name).toUpperCase();
}
