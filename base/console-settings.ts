/** Options of the console and its sign-in; a part of the table in settings.ts. */
import { asIs, pattern, type Parsed, wholeNumber } from './setting-parsers.js';
import type { Setting } from './setting.js';

/** What members of a group of the identity provider may do. */
export interface GroupRole {
  readonly group: string;
  readonly role: 'platform' | 'finance' | 'team-lead' | 'analyst';
  /** null: the role sees all teams. */
  readonly team: string | null;
}

export interface ConsoleConfig {
  /** Null: refusals carry no link. */
  readonly consolePublicUrl: string | null;
  readonly eventFollowersMax: number;
  /** 0: no sign-in is asked to be confirmed. */
  readonly confirmAfterMinutes: number;
  /** Of one person at the same time. */
  readonly signInsMax: number;
  /** Null: nobody signs in by OpenID Connect. */
  readonly oidcIssuer: string | null;
  readonly oidcClientId: string | null;
  readonly oidcScopes: string;
  readonly oidcGroupsClaim: string;
  readonly oidcPrincipalClaim: string;
  /** In order: the first group that a person has decides. */
  readonly oidcRoles: readonly GroupRole[];
}

export interface ConsoleSecrets {
  /** Null: a public client, which proves itself by PKCE alone. */
  readonly oidcClientSecret: string | null;
}

type Options = ConsoleConfig & ConsoleSecrets;

const GROUP_ROLE =
  /^(?<group>[^=]{1,200})=(?:(?<all>platform|finance)|(?<one>team-lead|analyst):(?<team>[^:\s]{1,100}))$/;
const ROLES_MAX = 1_000;
const NOBODY = 'nobody';

/** `admins=platform,money=finance,sales-leads=team-lead:sales,sales=analyst:sales`. */
function groupRoles(text: string): Parsed<readonly GroupRole[]> {
  if (text === NOBODY) return { value: [] };
  const found: GroupRole[] = [];
  for (const each of text.split(',').map((part) => part.trim())) {
    const named = GROUP_ROLE.exec(each)?.groups;
    const role = named?.['all'] ?? named?.['one'];
    if (named === undefined || role === undefined)
      return {
        rule: 'must be groups with their roles: group=platform, group=finance, group=team-lead:team or group=analyst:team',
      };
    found.push({
      group: named['group'] ?? '',
      role: role as GroupRole['role'],
      team: named['team'] ?? null,
    });
  }
  return found.length <= ROLES_MAX ? { value: found } : { rule: `must be at most ${ROLES_MAX}` };
}

/** Https, or this machine itself. */
const ISSUER =
  /^(?:https:\/\/[\w.:[\]-]{1,200}|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?)(?:\/[\w./~%-]{0,300})?$/;
const CLAIM = pattern(/^[\w.:/-]{1,200}$/, 'the name of a claim', asIs);

export const CONSOLE_SETTINGS: { readonly [K in keyof Options]: Setting<Options[K]> } = {
  consolePublicUrl: {
    environment: 'TOLLGATE_CONSOLE_PUBLIC_URL',
    yaml: 'admin.publicUrl',
    parse: pattern(
      /^https?:\/\/[\w.:[\]-]{1,200}(\/[\w.~/-]{0,100})?$/,
      'an http or https address',
      asIs,
    ),
    fallback: null,
    fallbackText: 'no link',
    secret: false,
    help: 'Where people reach the console; refusals link to their statement there, notifications to their page.',
    wayOut: 'write https://tollgate.example.com, or unset it',
  },
  eventFollowersMax: {
    environment: 'TOLLGATE_EVENT_FOLLOWERS_MAX',
    yaml: 'admin.eventFollowersMax',
    parse: wholeNumber(0, 100_000),
    fallback: 500,
    fallbackText: '500',
    secret: false,
    help: 'Pages that follow events of one replica; more ask again every few seconds instead.',
    wayOut: 'write for example 500',
  },
  confirmAfterMinutes: {
    environment: 'TOLLGATE_CONFIRM_AFTER_MINUTES',
    yaml: 'admin.confirmAfterMinutes',
    parse: wholeNumber(0, 720),
    fallback: 15,
    fallbackText: '15',
    secret: false,
    help: 'Who signed in to the console longer ago confirms that it is they before a month is closed, control is changed or a secret is issued; 0: never.',
    wayOut: 'write for example 15, or 0 where the identity provider cannot ask anew',
  },
  signInsMax: {
    environment: 'TOLLGATE_SIGN_INS_MAX',
    yaml: 'admin.signInsMax',
    parse: wholeNumber(1, 1_000),
    fallback: 10,
    fallbackText: '10',
    secret: false,
    help: 'Sign-ins to the console that one person has at the same time; one more ends the oldest.',
    wayOut: 'write for example 10',
  },
  oidcIssuer: {
    environment: 'TOLLGATE_OIDC_ISSUER',
    yaml: 'admin.oidc.issuer',
    parse: pattern(ISSUER, 'an https address', asIs),
    fallback: null,
    fallbackText: 'sign-in by token alone',
    secret: false,
    help: 'Identity provider by which people sign in to the console; needs the client id, roles and admin.publicUrl.',
    wayOut: 'write the issuer as its discovery document has it, or unset it',
  },
  oidcClientId: {
    environment: 'TOLLGATE_OIDC_CLIENT_ID',
    yaml: 'admin.oidc.clientId',
    parse: pattern(/^\S{1,300}$/, 'the id of a client', asIs),
    fallback: null,
    fallbackText: 'none',
    secret: false,
    help: 'What the identity provider calls the console.',
    wayOut: 'write the client id that the identity provider gave',
  },
  oidcClientSecret: {
    environment: 'TOLLGATE_OIDC_CLIENT_SECRET',
    yaml: null,
    parse: pattern(/^\S{1,1000}$/, 'the secret of a client', asIs),
    fallback: null,
    fallbackText: 'a public client, by PKCE alone',
    secret: true,
    help: 'Secret of that client.',
    wayOut: 'write the client secret, or unset it',
  },
  oidcScopes: {
    environment: 'TOLLGATE_OIDC_SCOPES',
    yaml: 'admin.oidc.scopes',
    parse: pattern(
      /^openid(?: [\x21\x23-\x5b\x5d-\x7e]{1,100}){0,20}$/,
      'scopes that begin with openid',
      asIs,
    ),
    fallback: 'openid profile email',
    fallbackText: 'openid profile email',
    secret: false,
    help: 'What is asked of the identity provider; some tell groups only by a scope of their own.',
    wayOut: 'write for example openid profile groups',
  },
  oidcGroupsClaim: {
    environment: 'TOLLGATE_OIDC_GROUPS_CLAIM',
    yaml: 'admin.oidc.groupsClaim',
    parse: CLAIM,
    fallback: 'groups',
    fallbackText: 'groups',
    secret: false,
    help: 'Claim of the id token that lists the groups of a person.',
    wayOut: 'write for example groups or roles',
  },
  oidcPrincipalClaim: {
    environment: 'TOLLGATE_OIDC_PRINCIPAL_CLAIM',
    yaml: 'admin.oidc.principalClaim',
    parse: CLAIM,
    fallback: 'preferred_username',
    fallbackText: 'preferred_username',
    secret: false,
    help: 'Claim of the id token that is the id of a principal: whose statements an analyst sees.',
    wayOut: 'write for example preferred_username or email',
  },
  oidcRoles: {
    environment: 'TOLLGATE_OIDC_ROLES',
    yaml: 'admin.oidc.roles',
    parse: groupRoles,
    fallback: [],
    fallbackText: NOBODY,
    secret: false,
    help: 'Groups with what they may do; the first that a person has decides.',
    wayOut:
      'write for example admins=platform,money=finance,sales-leads=team-lead:sales,sales=analyst:sales',
  },
};
