import { expect, test } from 'vitest';
import { demoControlDocument } from '../../../policies/control/demo.js';
import type { ControlDocument } from '../../../policies/control/document.js';
import { createSnapshot } from '../../../policies/control/snapshot.js';
import type { SessionState } from '../../../proxy/identity/sessions.js';
import type { SealedIdentity } from '../../../proxy/identity/tokens.js';
import { terminatedWho } from '../../../proxy/identity/who.js';

const identity: SealedIdentity = {
  kind: 'session',
  account: 'demo',
  sessionId: '1',
  snowflakeUser: 'TOLLGATE_MARKETING',
  upstreamToken: 'x',
  principalId: 'marketing_analyst',
};
const session: SessionState = {
  account: 'demo',
  sessionId: '1',
  principalId: 'marketing_analyst',
  snowflakeUser: 'TOLLGATE_MARKETING',
  signIn: 'terminated',
  credentialId: 'c',
  role: 'R',
  warehouse: null,
  database: null,
  schema: null,
  queryTag: null,
  statementTimeoutSeconds: null,
  timeZone: null,
  isEnded: false,
};

function kindOf(
  changes: { readonly identity?: object; readonly session?: object } = {},
  edit: (document: ControlDocument) => ControlDocument = (document) => document,
): string | undefined {
  const snapshot = createSnapshot(edit(demoControlDocument()), 1);
  const who = terminatedWho(
    snapshot,
    { ...identity, ...changes.identity },
    { ...session, ...changes.session },
  );
  return who?.kind === 'known' ? who.team.id : who?.kind;
}

test('a terminated session is the principal that signed in, and a passthrough session is not decided here', () => {
  expect(kindOf()).toBe('marketing');
  const { principalId: _principal, ...passthrough } = identity;
  const snapshot = createSnapshot(demoControlDocument(), 1);
  const { signIn: _signIn, credentialId: _credential, ...plain } = session;
  expect(terminatedWho(snapshot, passthrough, plain)).toBeUndefined();
});

test('token and session must agree on who it is and how it came in', () => {
  expect(kindOf({ identity: { principalId: 'sales_analyst' } })).toBe('unknown');
  expect(kindOf({ identity: { principalId: undefined } })).toBe('unknown');
  expect(kindOf({ session: { signIn: 'passthrough' } })).toBe('unknown');
});

test('a principal that is gone, suspended, or of a team with another service user, is refused', () => {
  const withPrincipal =
    (changes: object | null) =>
    (document: ControlDocument): ControlDocument => ({
      ...document,
      principals: document.principals.flatMap((each) =>
        each.id !== 'marketing_analyst'
          ? [each]
          : changes === null
            ? []
            : [{ ...each, ...changes }],
      ),
    });
  expect(kindOf({}, withPrincipal(null))).toBe('unknown');
  expect(kindOf({}, withPrincipal({ status: 'suspended' }))).toBe('suspended');
  expect(kindOf({}, withPrincipal({ team: 'sales' }))).toBe('unknown');
  expect(kindOf({ session: { snowflakeUser: 'TOLLGATE_SALES' } })).toBe('unknown');
  expect(kindOf({ identity: { account: 'second' } })).toBe('unknown');
});
