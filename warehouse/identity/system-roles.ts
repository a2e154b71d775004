/** The roles that every account has and nobody can drop (Snowflake, "Overview of Access Control"). */
import type { RoleRecord } from './user-records.js';

export const SYSTEM_ROLES = {
  accountAdmin: 'ACCOUNTADMIN',
  securityAdmin: 'SECURITYADMIN',
  userAdmin: 'USERADMIN',
  sysAdmin: 'SYSADMIN',
  public: 'PUBLIC',
} as const;

const INHERITED: Readonly<Record<string, readonly string[]>> = {
  ACCOUNTADMIN: ['SYSADMIN', 'SECURITYADMIN'],
  SECURITYADMIN: ['USERADMIN'],
  USERADMIN: [],
  SYSADMIN: [],
  PUBLIC: [],
};

/** Those roles as records, created at `now` in milliseconds. */
export function systemRoles(now: number): readonly RoleRecord[] {
  return Object.entries(INHERITED).map(([name, roles]) => ({
    name,
    comment: '',
    owner: '',
    createdAtMs: now,
    roles: [...roles],
  }));
}

/** Whether a role is one of those. */
export function isSystemRole(name: string): boolean {
  return Object.hasOwn(INHERITED, name);
}
