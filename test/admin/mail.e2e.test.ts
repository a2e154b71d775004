import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { createMailer, type Mail } from '../../admin/mail.js';
import type { MailConfig, MailSecrets } from '../../base/mail-settings.js';
import { makeCertificate } from '../support/certificates.js';

const SETTINGS: MailConfig & MailSecrets = {
  mailHost: '127.0.0.1',
  mailPort: 0,
  mailSecurity: 'none',
  mailUser: null,
  mailPassword: null,
  mailFrom: 'tollgate@example.com',
};
const MAIL: Mail = {
  to: ['lead@example.com', 'finance@example.com'],
  subject: 'Budget of sales\r\nBcc: everybody@example.com',
  text: 'Ä line.\n.\nAnother.',
  key: 'notification 17',
  attachments: [
    {
      name: 'bill.pdf',
      mediaType: 'application/pdf',
      content: new Uint8Array([37, 80, 68, 70, 0]),
    },
  ],
};

interface Box {
  readonly settings: MailConfig & MailSecrets;
  readonly mails: { readonly to: readonly string[]; readonly source: string }[];
}

let server: SMTPServer | undefined;

afterEach(async () => {
  await new Promise<void>((resolve) => {
    if (server === undefined) resolve();
    else server.close(resolve);
  });
});

async function box(options: SMTPServerOptions = {}): Promise<Box> {
  const mails: { readonly to: readonly string[]; readonly source: string }[] = [];
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      let source = '';
      stream.setEncoding('utf8').on('data', (text: string) => (source += text));
      stream.on('end', () => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), source });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  const mailPort = typeof address === 'object' && address !== null ? address.port : 0;
  return { settings: { ...SETTINGS, mailPort }, mails };
}

test('an e-mail reaches every address with its attachment, and a subject is no way to add headers', async () => {
  const { settings, mails } = await box();
  expect(await createMailer(settings)?.send(MAIL)).toEqual({ kind: 'accepted' });
  expect(mails).toHaveLength(1);
  const [{ to, source } = { to: [], source: '' }] = mails;
  expect(to).toEqual(['lead@example.com', 'finance@example.com']);
  expect(source).toContain('Message-ID: <notification-17@example.com>');
  expect(source).toContain('Subject: Budget of sales Bcc: everybody@example.com');
  expect(source).not.toMatch(/^Bcc:/m);
  expect(source).toContain(Buffer.from([37, 80, 68, 70, 0]).toString('base64'));
  expect(source).toContain('filename=bill.pdf');
});

test('a server that refuses an address for good is final, one that is busy or away is not', async () => {
  const answer = (responseCode: number): SMTPServerOptions => ({
    onRcptTo: (_address, _session, done) => done(Object.assign(new Error('no'), { responseCode })),
  });
  const gone = await box(answer(550));
  expect(await createMailer(gone.settings)?.send(MAIL)).toMatchObject({
    kind: 'failed',
    isFinal: true,
  });
  server?.close();
  const busy = await box(answer(451));
  expect(await createMailer(busy.settings)?.send(MAIL)).toMatchObject({
    kind: 'failed',
    isFinal: false,
  });
  server?.close();
  expect(await createMailer({ ...SETTINGS, mailPort: 1 })?.send(MAIL)).toMatchObject({
    kind: 'failed',
    isFinal: false,
  });
});

test('with starttls nothing is sent to a server that offers no TLS, or one that nobody vouches for', async () => {
  const plain = await box();
  const strict = { ...plain.settings, mailSecurity: 'starttls' } as const;
  expect(await createMailer(strict)?.send(MAIL)).toMatchObject({ kind: 'failed' });
  expect(plain.mails).toEqual([]);
  server?.close();
  const { certPem, keyPem } = makeCertificate();
  const sealed = await box({
    disabledCommands: [],
    cert: certPem,
    key: keyPem,
    authOptional: false,
    onAuth: ({ username, password }, _session, done) =>
      username === 'tollgate' && password === 'open sesame'
        ? done(null, { user: 'tollgate' })
        : done(new Error('no')),
  });
  const signedIn = {
    ...sealed.settings,
    mailSecurity: 'starttls',
    mailUser: 'tollgate',
    mailPassword: 'open sesame',
  } as const;
  expect(await createMailer(signedIn)?.send(MAIL)).toMatchObject({ kind: 'failed' });
  expect(sealed.mails).toEqual([]);
  expect(await createMailer(signedIn, { ca: certPem })?.send(MAIL)).toEqual({ kind: 'accepted' });
  const wrong = { ...signedIn, mailPassword: 'close sesame' };
  const refused = await createMailer(wrong, { ca: certPem })?.send(MAIL);
  expect(refused).toMatchObject({ kind: 'failed', isFinal: false });
  expect(JSON.stringify(refused)).not.toContain('close sesame');
});

test('without a mail server there is no mailer', () => {
  expect(createMailer({ ...SETTINGS, mailHost: null })).toBeNull();
});
