/** Options of outgoing e-mail; a part of the table in settings.ts. */
import { asIs, pattern, wholeNumber, type Parsed } from './setting-parsers.js';
import type { Setting } from './setting.js';

/** starttls: plain first, then TLS or nothing is sent; tls: from the first byte; none: never, for a relay on this machine. */
export const MAIL_SECURITIES = ['starttls', 'tls', 'none'] as const;
export type MailSecurity = (typeof MAIL_SECURITIES)[number];

export interface MailConfig {
  /** Null: no e-mail is sent. */
  readonly mailHost: string | null;
  readonly mailPort: number;
  readonly mailSecurity: MailSecurity;
  readonly mailUser: string | null;
  readonly mailFrom: string | null;
}

/** Settings that are never printed and never read from a file. */
export interface MailSecrets {
  readonly mailPassword: string | null;
}

type Table<T> = { readonly [K in keyof T]: Setting<T[K]> };

export const MAIL_SETTINGS: Table<MailConfig & MailSecrets> = {
  mailHost: {
    environment: 'TOLLGATE_MAIL_HOST',
    yaml: 'mail.host',
    parse: pattern(/^[A-Za-z0-9._:-]{1,255}$/, 'the name or address of a mail server', asIs),
    fallback: null,
    fallbackText: 'no e-mail is sent',
    secret: false,
    help: 'SMTP server that takes notifications and bills by e-mail.',
    wayOut: 'write for example smtp.example.com, or unset it',
  },
  mailPort: {
    environment: 'TOLLGATE_MAIL_PORT',
    yaml: 'mail.port',
    parse: wholeNumber(1, 65_535),
    fallback: 587,
    fallbackText: '587',
    secret: false,
    help: 'Its port.',
    wayOut: 'write for example 587, or 465 with TOLLGATE_MAIL_SECURITY=tls',
  },
  mailSecurity: {
    environment: 'TOLLGATE_MAIL_SECURITY',
    yaml: 'mail.security',
    parse: mailSecurity,
    fallback: 'starttls',
    fallbackText: 'starttls',
    secret: false,
    help: 'starttls: nothing is sent before TLS; tls: TLS from the first byte; none: for a relay that is on this machine.',
    wayOut: `write one of ${MAIL_SECURITIES.join(', ')}`,
  },
  mailUser: {
    environment: 'TOLLGATE_MAIL_USER',
    yaml: 'mail.user',
    parse: pattern(/^\S{1,256}$/, 'a user name of at most 256 characters', asIs),
    fallback: null,
    fallbackText: 'no sign-in',
    secret: false,
    help: 'As whom to sign in there.',
    wayOut: 'set it together with TOLLGATE_MAIL_PASSWORD',
  },
  mailPassword: {
    environment: 'TOLLGATE_MAIL_PASSWORD',
    yaml: null,
    parse: pattern(/^.{1,1024}$/s, 'a password of 1 to 1024 characters', asIs),
    fallback: null,
    fallbackText: 'none',
    secret: true,
    help: 'Password of that user.',
    wayOut: 'set it together with TOLLGATE_MAIL_USER',
  },
  mailFrom: {
    environment: 'TOLLGATE_MAIL_FROM',
    yaml: 'mail.from',
    parse: pattern(
      /^[^\s@<>,;"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/,
      'an e-mail address',
      asIs,
    ),
    fallback: null,
    fallbackText: 'none',
    secret: false,
    help: 'Sender of e-mails.',
    wayOut: 'write for example tollgate@example.com',
  },
};

/** Rules over more than one of them, added to `problems`. */
export function checkMail(settings: MailConfig & MailSecrets, problems: string[]): void {
  if (settings.mailHost !== null && settings.mailFrom === null)
    problems.push(
      'TOLLGATE_MAIL_FROM: is not set beside TOLLGATE_MAIL_HOST, and mail servers take no e-mail without a sender; set it to an address of yours.',
    );
  if ((settings.mailUser === null) !== (settings.mailPassword === null)) {
    const [set, missing] =
      settings.mailUser === null
        ? ['TOLLGATE_MAIL_PASSWORD', 'TOLLGATE_MAIL_USER']
        : ['TOLLGATE_MAIL_USER', 'TOLLGATE_MAIL_PASSWORD'];
    problems.push(
      `${missing}: is not set beside ${set}, and a sign-in takes both; set both, or unset both.`,
    );
  }
  if (settings.mailSecurity === 'none' && settings.mailPassword !== null)
    problems.push(
      'TOLLGATE_MAIL_SECURITY: is none beside TOLLGATE_MAIL_PASSWORD, which would then go unencrypted; write starttls or tls, or unset the sign-in.',
    );
}

function mailSecurity(text: string): Parsed<MailSecurity> {
  const value = MAIL_SECURITIES.find((each) => each === text);
  return value === undefined ? { rule: `one of ${MAIL_SECURITIES.join(', ')}` } : { value };
}
