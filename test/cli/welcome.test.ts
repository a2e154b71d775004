import { expect, test } from 'vitest';
import { loadConfig } from '../../base/config.js';
import { howToConnect, type Listeners } from '../../cli/welcome.js';

function said(
  listeners: Omit<Listeners, 'adminPort'>,
  environment: Record<string, string> = {},
): string {
  const outcome = loadConfig({ environment });
  if ('problems' in outcome) throw new Error(outcome.problems.join('\n'));
  return howToConnect(outcome.config, { adminPort: 2, ...listeners }, 1500).join('\n');
}

test('the whole system points clients at the proxy, and shows what Tollgate answers', () => {
  const text = said({ proxyPort: 1, warehousePort: 3 });
  expect(text).toContain("host='127.0.0.1', port=1, protocol='http'");
  expect(text).toContain('EXPLAIN COST');
});

test('the warehouse alone points clients at itself, and offers nothing that only the proxy has', () => {
  const text = said({ proxyPort: null, warehousePort: 3 });
  expect(text).toContain("host='127.0.0.1', port=3, protocol='http'");
  expect(text).toContain('user=marketing_analyst&password=demo');
  expect(text).not.toContain('TOLLGATE.');
});

test('in front of a real account no user or password of the demo is named', () => {
  const text = said(
    { proxyPort: 1, warehousePort: null },
    { TOLLGATE_UPSTREAM: 'https://example.invalid' },
  );
  expect(text).not.toContain('marketing_analyst');
  expect(text).toContain("user='<user>'");
});

test('a process of other roles names its admin port only', () => {
  expect(said({ proxyPort: null, warehousePort: null })).not.toContain('snowflake');
});

test('several upstreams are named with what chooses between them', () => {
  const accounts = 'prod=https://a.invalid,dev=https://b.invalid';
  const text = said({ proxyPort: 1, warehousePort: null }, { TOLLGATE_ACCOUNTS: accounts });
  expect(text).toContain('Upstreams: prod, dev. The first label of the host name');
  expect(said({ proxyPort: 1, warehousePort: 3 })).not.toContain('Upstreams:');
});

test('over TLS clients are told so, and that the certificate decides by which name they come', () => {
  const text = said(
    { proxyPort: 1, warehousePort: 3 },
    { TOLLGATE_TLS_CERT_FILE: 'a.crt', TOLLGATE_TLS_KEY_FILE: 'a.key' },
  );
  expect(text).toContain('proxy      https://127.0.0.1:1');
  expect(text).toContain("port=1, protocol='https'");
  expect(text).not.toContain('ssl=off');
  expect(text).toContain('Use a host name of the certificate');
  expect(text).toContain('warehouse  http://127.0.0.1:3');
});
