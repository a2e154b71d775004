/**
 * Outgoing e-mail, over SMTP by nodemailer, which is loaded with the first one. One e-mail is one connection: a handful
 * an hour need no pool. Nothing here tries again; whoever sends knows whether and when that is right.
 */
import { toError } from '#base/errors.js';
import type { MailConfig, MailSecrets } from '#base/mail-settings.js';

/** A file that comes with an e-mail. */
export interface MailAttachment {
  /** Without folders. */
  readonly name: string;
  /** Such as `application/pdf`. */
  readonly mediaType: string;
  readonly content: Uint8Array;
}

export interface Mail {
  /** Addresses; each is told, and sees the others. */
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly attachments?: readonly MailAttachment[];
  /**
   * Names what is told, so that a repeat is recognised by mail programs: the Message-ID is made of it. Letters, digits,
   * `.`, `_` and `-`.
   */
  readonly key: string;
}

/** What the mail server said. `isFinal`: it refused this e-mail or one of its addresses for good, and a repeat would be too. */
export type MailOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'failed'; readonly why: string; readonly isFinal: boolean };

export interface Mailer {
  /**
   * Hands one e-mail to the server. `accepted` means that the server has taken it for every address. Never throws; `why`
   * has the server's words and no password.
   */
  send(mail: Mail): Promise<MailOutcome>;
}

/** Nobody waits longer for a mail server that does not answer. */
const CONNECT_TIMEOUT_MS = 10_000;
const SILENCE_TIMEOUT_MS = 30_000;

/**
 * @returns null where the settings name no mail server.
 * @param trust certificates of issuers, in PEM, that the server's may come from beside those that Node knows.
 */
export function createMailer(
  settings: MailConfig & MailSecrets,
  trust: { readonly ca?: string } = {},
): Mailer | null {
  const { mailHost, mailFrom } = settings;
  if (mailHost === null || mailFrom === null) return null;
  return { send: (mail) => send({ ...settings, mailHost, mailFrom }, trust, mail) };
}

type Complete = MailConfig & MailSecrets & { readonly mailHost: string; readonly mailFrom: string };

async function send(
  settings: Complete,
  trust: { readonly ca?: string },
  mail: Mail,
): Promise<MailOutcome> {
  try {
    const { createTransport } = await import('nodemailer');
    const { mailHost, mailPort, mailSecurity, mailUser, mailPassword, mailFrom } = settings;
    const transport = createTransport({
      host: mailHost,
      port: mailPort,
      secure: mailSecurity === 'tls',
      requireTLS: mailSecurity === 'starttls',
      ignoreTLS: mailSecurity === 'none',
      ...(mailUser === null ? {} : { auth: { user: mailUser, pass: mailPassword ?? '' } }),
      tls: { minVersion: 'TLSv1.2', ...trust },
      connectionTimeout: CONNECT_TIMEOUT_MS,
      greetingTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_TIMEOUT_MS,
      // Contents are bytes that we made: a path or an address in them is never followed.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const sent = await transport.sendMail({
      from: mailFrom,
      to: [...mail.to],
      subject: oneLine(mail.subject),
      text: mail.text,
      messageId: `<${mail.key.replaceAll(/[^A-Za-z0-9._-]/g, '-')}@${domainOf(mailFrom)}>`,
      // Answers of holiday programs are of no use to anybody.
      headers: { 'Auto-Submitted': 'auto-generated' },
      attachments: (mail.attachments ?? []).map(({ name, mediaType, content }) => ({
        filename: name,
        contentType: mediaType,
        content: Buffer.from(content),
      })),
    });
    const [refused] = sent.rejected;
    if (refused === undefined) return { kind: 'accepted' };
    return { kind: 'failed', why: `not taken for ${addressText(refused)}`, isFinal: true };
  } catch (thrown) {
    const error = toError(thrown) as Error & { readonly responseCode?: number };
    return { kind: 'failed', why: oneLine(error.message), isFinal: isFinal(error) };
  }
}

/** 5yz is a permanent answer (RFC 5321, 4.2.1), but for sign-ins, which the operator mends. */
function isFinal({ responseCode }: { readonly responseCode?: number }): boolean {
  if (responseCode === undefined) return false;
  return responseCode >= 500 && responseCode < 600 && ![530, 534, 535, 538].includes(responseCode);
}

function addressText(address: string | { readonly address: string }): string {
  return typeof address === 'string' ? address : address.address;
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 300);
}
