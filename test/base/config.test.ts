import { describe, expect, test } from 'vitest';
import {
  helpText,
  loadConfig,
  printConfig,
  readSources,
  type ConfigOutcome,
} from '../../base/config.js';
import { SETTINGS } from '../../base/settings.js';

const KEY = Buffer.alloc(32, 7).toString('base64');

function loaded(outcome: ConfigOutcome): Extract<ConfigOutcome, { config: unknown }> {
  if ('problems' in outcome) throw new Error(outcome.problems.join('\n'));
  return outcome;
}

function problems(environment: Record<string, string>, yamlText?: string): readonly string[] {
  const outcome = loadConfig(yamlText === undefined ? { environment } : { environment, yamlText });
  return 'problems' in outcome ? outcome.problems : [];
}

describe('configuration', () => {
  test('an empty environment gives the documented defaults', () => {
    const { config, secrets, sources } = loaded(loadConfig({ environment: { PATH: '/bin' } }));
    expect(config).toMatchObject({
      upstream: { kind: 'embedded' },
      dataDir: '.tollgate/',
      host: '127.0.0.1',
      proxyPort: 8080,
      adminPort: 8081,
      warehousePort: 8082,
      account: 'demo',
      timeScale: 1,
      roles: ['proxy', 'admin', 'worker', 'warehouse'],
      requestBytesMax: 64 * 1024 ** 2,
      inflatedBytesMax: 100 * 1024 ** 2,
      statementBytesMax: 1024 ** 2,
      meterIntervalMs: 3000,
    });
    expect(secrets).toEqual({
      databaseUrl: null,
      adminToken: null,
      mailPassword: null,
      sealKeys: null,
      servicePassword: null,
      servicePrivateKeyPassphrase: null,
      tracesHeaders: null,
      oidcClientSecret: null,
    });
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
  });

  test('an empty variable counts as not set', () => {
    const { config } = loaded(loadConfig({ environment: { TOLLGATE_PROXY_PORT: '' } }));
    expect(config.proxyPort).toBe(8080);
  });

  test('the environment wins over the file, and the source of each value is kept', () => {
    const { config, sources } = loaded(
      loadConfig({
        environment: { TOLLGATE_PROXY_PORT: '0' },
        yamlText: 'proxy:\n  port: 9000\n  requestBytesMax: 8MiB\nroles: [admin, proxy]\n',
      }),
    );
    expect(config.proxyPort).toBe(0);
    expect(config.requestBytesMax).toBe(8 * 1024 ** 2);
    expect(config.roles).toEqual(['proxy', 'admin']);
    expect(sources).toMatchObject({
      proxyPort: 'environment',
      requestBytesMax: 'file',
      host: 'default',
    });
  });

  test('an upstream is an origin, reduced to scheme, host and port', () => {
    const { config } = loaded(
      loadConfig({ environment: { TOLLGATE_UPSTREAM: 'https://Org-Acc.snowflakecomputing.com/' } }),
    );
    expect(config.upstream).toEqual({
      kind: 'origin',
      origin: 'https://org-acc.snowflakecomputing.com',
    });
  });

  test('seal keys are read in order and decoded', () => {
    const { secrets } = loaded(
      loadConfig({ environment: { TOLLGATE_SEAL_KEYS: `new:${KEY},old:${KEY}` } }),
    );
    expect(secrets.sealKeys?.map(({ id, key }) => [id, key.length])).toEqual([
      ['new', 32],
      ['old', 32],
    ]);
  });

  test('groups of an identity provider are read in order, with their role and team', () => {
    const roles = 'admins=platform, money=finance,the leads=team-lead:sales,sales=analyst:sales';
    const environment = { TOLLGATE_OIDC_ROLES: roles, TOLLGATE_OIDC_ISSUER: 'http://127.0.0.1:1' };
    const { config } = loaded(loadConfig({ environment }));
    expect(config.oidcRoles).toEqual([
      { group: 'admins', role: 'platform', team: null },
      { group: 'money', role: 'finance', team: null },
      { group: 'the leads', role: 'team-lead', team: 'sales' },
      { group: 'sales', role: 'analyst', team: 'sales' },
    ]);
    for (const wrong of ['admins', 'a=platform:sales', 'a=analyst', 'a=owner', 'a=platform,'])
      expect(problems({ TOLLGATE_OIDC_ROLES: wrong }).join('\n'), wrong).toContain(
        'must be groups with their roles',
      );
    for (const wrong of ['http://idp.example.com', 'idp.example.com', 'https://a b'])
      expect(problems({ TOLLGATE_OIDC_ISSUER: wrong }), wrong).toHaveLength(1);
  });

  test('all problems come at once, each with key, rule and way out', () => {
    const found = problems(
      { TOLLGATE_PROXY_PORT: 'abc', TOLLGATE_PROXI_PORT: '1', TOLLGATE_LOG_LEVEL: 'loud' },
      'admin:\n  port: 70000\nprxy: 1\n',
    );
    expect(found).toHaveLength(5);
    expect(found.join('\n')).toContain(
      'TOLLGATE_PROXY_PORT: "abc" is not a whole number from 0 to 65535; name a free port, or 0 for any.',
    );
    expect(found.join('\n')).toContain(
      'TOLLGATE_PROXI_PORT: there is no such setting; did you mean TOLLGATE_PROXY_PORT.',
    );
    expect(found.join('\n')).toContain('tollgate.yaml line 2, admin.port: "70000" is not');
    expect(found.join('\n')).toContain('tollgate.yaml line 3, prxy: there is no such setting');
  });

  test('a secret in the file is refused with the variable to use, and its value is not repeated', () => {
    const found = problems({}, 'adminToken: hunter2hunter2\n');
    expect(found.join()).toContain('TOLLGATE_ADMIN_TOKEN');
    expect(found.join()).not.toContain('hunter2');
  });

  test('an object store needs a bucket, and a prefix stays inside it', () => {
    const endpoint = { TOLLGATE_BILLS_S3_ENDPOINT: 'https://minio.example.com:9000' };
    expect(problems(endpoint)).toEqual([
      expect.stringContaining('TOLLGATE_BILLS_S3_BUCKET: is not set beside TOLLGATE_BILLS_S3_ENDP'),
    ]);
    const bucket = { ...endpoint, TOLLGATE_BILLS_S3_BUCKET: 'acme-bills' };
    for (const prefix of ['/bills', 'bills/', 'a/../b', '..', 'a b'])
      expect(problems({ ...bucket, TOLLGATE_BILLS_S3_PREFIX: prefix })).toHaveLength(1);
    for (const bad of ['https://me:secret@minio.example.com', 'https://minio.example.com/x'])
      expect(problems({ ...bucket, TOLLGATE_BILLS_S3_ENDPOINT: bad })).toHaveLength(1);
    const prefixed = { ...bucket, TOLLGATE_BILLS_S3_PREFIX: 'finance/bills.v1' };
    const { config } = loaded(loadConfig({ environment: prefixed }));
    expect([config.billsS3Prefix, config.billsS3Region]).toEqual(['finance/bills.v1', null]);
  });

  test('e-mail needs a sender, both halves of a sign-in, and TLS under a password', () => {
    const host = { TOLLGATE_MAIL_HOST: 'smtp.example.com' };
    expect(problems(host)).toEqual([expect.stringContaining('TOLLGATE_MAIL_FROM: is not set')]);
    const from = { ...host, TOLLGATE_MAIL_FROM: 'tollgate@example.com' };
    expect(problems({ ...from, TOLLGATE_MAIL_USER: 'tollgate' })).toEqual([
      expect.stringContaining('TOLLGATE_MAIL_PASSWORD: is not set beside TOLLGATE_MAIL_USER'),
    ]);
    const signIn = { TOLLGATE_MAIL_USER: 'tollgate', TOLLGATE_MAIL_PASSWORD: 'hunter2' };
    expect(problems({ ...from, ...signIn, TOLLGATE_MAIL_SECURITY: 'none' })).toEqual([
      expect.stringContaining('would then go unencrypted'),
    ]);
    const { config, secrets } = loaded(loadConfig({ environment: { ...from, ...signIn } }));
    expect([config.mailPort, config.mailSecurity, secrets.mailPassword]).toEqual([
      587,
      'starttls',
      'hunter2',
    ]);
  });

  test('a bad secret is reported without its text', () => {
    const found = problems({
      TOLLGATE_DATABASE_URL: 'mysql://a:hunter2@h/d',
      TOLLGATE_SEAL_KEYS: 'k:hunter2',
    });
    expect(found).toHaveLength(2);
    expect(found.join()).not.toContain('hunter2');
  });

  test('a sped-up clock is refused with a real account', () => {
    expect(problems({ TOLLGATE_TIME_SCALE: '60' })).toEqual([]);
    expect(
      problems({ TOLLGATE_TIME_SCALE: '60', TOLLGATE_UPSTREAM: 'http://h:1' }).join(),
    ).toContain('TOLLGATE_TIME_SCALE');
    expect(problems({ TOLLGATE_TIME_SCALE: '61' })).toHaveLength(1);
    expect(problems({ TOLLGATE_TIME_SCALE: '0.5' })).toHaveLength(1);
  });

  test.each([
    ['a service user without a password', { TOLLGATE_SERVICE_USER: 'TOLLGATE' }],
    ['two listeners on one port', { TOLLGATE_PROXY_PORT: '9000', TOLLGATE_ADMIN_PORT: '9000' }],
    ['an inflated cap below the raw one', { TOLLGATE_INFLATED_BYTES_MAX: '1MiB' }],
    ['an origin with a path', { TOLLGATE_UPSTREAM: 'https://h/path' }],
    ['an origin with a password', { TOLLGATE_UPSTREAM: 'https://u:p@h' }],
    ['a role named twice', { TOLLGATE_ROLE: 'proxy,proxy' }],
    ['an unknown role', { TOLLGATE_ROLE: 'proxy,cook' }],
    ['a seal key id used twice', { TOLLGATE_SEAL_KEYS: `a:${KEY},a:${KEY}` }],
    ['a seal key of 16 bytes', { TOLLGATE_SEAL_KEYS: `a:${Buffer.alloc(16).toString('base64')}` }],
  ] as [string, Record<string, string>][])('%s is one problem', (_, environment) => {
    expect(problems(environment)).toHaveLength(1);
  });

  test.each([
    ['broken YAML', 'a: [1\n'],
    ['a key given twice', 'host: a\nhost: b\n'],
    ['an alias', 'host: &a b\naccount: *a\n'],
    ['a list as the document', '- 1\n- {a: b}\n'],
  ])('%s in the file is reported with its line', (_, yamlText) => {
    expect(problems({}, yamlText).join()).toMatch(/tollgate\.yaml line \d+/);
  });

  test('printing masks every secret', () => {
    const outcome = loaded(
      loadConfig({
        environment: {
          TOLLGATE_DATABASE_URL: 'postgres://u:hunter2@h/d',
          TOLLGATE_ADMIN_TOKEN: 'hunter2hunter2',
          TOLLGATE_SEAL_KEYS: `k:${KEY}`,
          TOLLGATE_SERVICE_USER: 'S',
          TOLLGATE_SERVICE_PASSWORD: 'hunter2',
        },
      }),
    );
    const text = JSON.stringify(printConfig(outcome));
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain(KEY);
    expect(text).toContain('"name":"TOLLGATE_SERVICE_USER","value":"S","source":"environment"');
  });

  test('the help names every variable and place, within 80 columns', () => {
    const help = helpText();
    for (const { environment, yaml } of Object.values(SETTINGS)) {
      expect(help).toContain(environment);
      if (yaml !== null) expect(help).toContain(yaml);
    }
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('every default is accepted by its own parser', () => {
    for (const { fallback, fallbackText, parse } of Object.values(SETTINGS)) {
      const hasText = fallback !== null;
      if (hasText)
        expect((parse as (text: string) => unknown)(fallbackText)).toEqual({ value: fallback });
    }
  });

  test('a settings file that is named and missing is a problem', () => {
    const outcome = readSources({ TOLLGATE_CONFIG: 'no-such-file.yaml' });
    expect('problems' in outcome && outcome.problems[0]).toContain(
      'no-such-file.yaml cannot be read',
    );
  });
});

test('a certificate without its key, or the reverse, is told with the missing one', () => {
  for (const [set, missing] of [
    ['TOLLGATE_TLS_CERT_FILE', 'TOLLGATE_TLS_KEY_FILE'],
    ['TOLLGATE_TLS_KEY_FILE', 'TOLLGATE_TLS_CERT_FILE'],
  ] as const) {
    const outcome = loadConfig({ environment: { [set]: '/a.pem' } });
    expect('problems' in outcome && outcome.problems).toEqual([
      `${missing}: is not set beside ${set}, and TLS takes a certificate and its key; set both, or unset both for plain HTTP.`,
    ]);
  }
});
