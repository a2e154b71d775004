/** What the statements about users, roles and integrations share: who may, what they refuse with, what follows. */
import { STATEMENT_TYPES, WIRE_CODES } from '#base/wire/codes.js';
import type { EngineFailure } from '../engine/engine.js';
import { failure, statusRow } from '../statement/outcome.js';
import type { Outcome } from '../statement/outcome.js';
import type { OwnWorld } from '../statement/own-world.js';
import type { TokenReader } from '../statement/tokens.js';
import type { Session } from './sessions.js';
import { SYSTEM_ROLES } from './system-roles.js';

/** Whether a session acts with the rights of ACCOUNTADMIN: by its role, or by one that was granted it. */
export function isAdministrator(world: Pick<OwnWorld, 'users'>, session: Session): boolean {
  const inherited = world.users.inheritedRoles(session.role);
  if (!inherited.has(SYSTEM_ROLES.accountAdmin)) return false;
  // A token that limits roles limits what they inherit, too.
  return session.roleLimit === null || session.roleLimit.includes(session.role);
}

/**
 * After a change of users or roles: ends the sessions of users that are gone or disabled (the one that asked goes on
 * to its answer), and puts sessions whose role was taken away into PUBLIC.
 */
export async function settleSessions(world: OwnWorld, asking: Session): Promise<void> {
  const ended: Promise<void>[] = [];
  for (const session of world.sessions.all()) {
    const user = world.users.get(session.user.name);
    if (user === undefined || user.isDisabled) {
      // The asking session cannot be waited for: it is this statement that it would wait for.
      const closed = world.sessions.close(session, world.statements().closeSession(session));
      if (session !== asking) ended.push(closed);
      continue;
    }
    if (!session.user.roles.includes(session.role)) session.role = SYSTEM_ROLES.public;
  }
  await Promise.all(ended);
}

/** `003001`. */
export function notPrivileged(kind: string, name: string): EngineFailure {
  return failure(
    WIRE_CODES.insufficientPrivileges,
    '42501',
    `SQL access control error:\nInsufficient privileges to operate on ${kind} '${name}'.`,
  );
}

/** `002002`. */
export function alreadyExists(name: string): EngineFailure {
  return failure(
    WIRE_CODES.objectExists,
    '42710',
    `SQL compilation error:\nObject '${name}' already exists.`,
  );
}

/** What CREATE says of a name that is taken: with IF NOT EXISTS all is well, otherwise `002002`. */
export function nameTaken(name: string, isOptional: boolean): Outcome {
  return isOptional
    ? statusRow(`${name} already exists, statement succeeded.`, STATEMENT_TYPES.ddl)
    : alreadyExists(name);
}

/** The statements about objects of one kind. */
export interface ObjectStatements {
  create(isReplacing: boolean): Promise<Outcome>;
  alter(): Promise<Outcome>;
  drop(): Promise<Outcome>;
}

/** The answer to CREATE [OR REPLACE], ALTER or DROP of an object of `kind`; undefined, with words read, for all others. */
export function objectStatement(
  kind: string,
  reader: TokenReader,
  statements: ObjectStatements,
): Promise<Outcome> | undefined {
  const verb = reader.acceptOne('CREATE', 'ALTER', 'DROP');
  const isReplacing = verb === 'CREATE' && reader.accept('OR', 'REPLACE');
  if (verb === undefined || !reader.accept(kind)) return undefined;
  if (verb === 'CREATE') return statements.create(isReplacing);
  return verb === 'ALTER' ? statements.alter() : statements.drop();
}
