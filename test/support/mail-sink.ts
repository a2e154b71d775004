/** A mail server on loopback that keeps what it takes. */
import { once } from 'node:events';
import { SMTPServer } from 'smtp-server';
import type { MailConfig, MailSecrets } from '#base/mail-settings.js';

export interface MailSink {
  readonly settings: MailConfig & MailSecrets;
  readonly mails: { readonly to: readonly string[]; readonly source: string }[];
  /** An address that it refuses for good. */
  refuse: string | null;
  close(): Promise<void>;
}

export async function startMailSink(): Promise<MailSink> {
  const mails: MailSink['mails'] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo({ address }, _session, done) {
      if (address !== sink.refuse) return done();
      return done(Object.assign(new Error('no such mailbox'), { responseCode: 550 }));
    },
    onData(stream, session, done) {
      let source = '';
      stream.setEncoding('utf8').on('data', (text: string) => (source += text));
      stream.on('end', () => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), source });
        done();
      });
    },
  });
  server.on('error', () => undefined);
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  const sink: MailSink = {
    settings: {
      mailHost: '127.0.0.1',
      mailPort: typeof address === 'object' && address !== null ? address.port : 0,
      mailSecurity: 'none',
      mailUser: null,
      mailPassword: null,
      mailFrom: 'tollgate@example.com',
    },
    mails,
    refuse: null,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
  return sink;
}
