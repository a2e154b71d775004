import { expect, test } from 'vitest';
import { handlerFor } from '../../proxy/routes.js';

const ID = '01234567-89ab-cdef-0123-456789abcdef';
const ALLOWED = [
  'POST /session/v1/login-request',
  'POST /session/token-request',
  'POST /session/authenticator-request',
  'GET /console/login',
  'GET /oauth/authorize',
  'POST /oauth/token-request',
  'POST /session/heartbeat',
  'POST /session',
  'POST /queries/v1/query-request',
  'POST /queries/v1/abort-request',
  'POST /telemetry/send',
  'POST /telemetry/send/sessionless',
  `GET /queries/${ID}/result`,
  `POST /queries/${ID}/abort-request`,
  `GET /monitoring/queries/${ID}`,
  // As snowflake-connector-python 5 asks.
  `GET /monitoring/queries//${ID}`,
];

function isAllowed(line: string): boolean {
  const at = line.indexOf(' ');
  return handlerFor(line.slice(0, at), line.slice(at + 1)) !== undefined;
}

test.each(ALLOWED)('%s crosses the proxy', (line) => {
  expect(isAllowed(line)).toBe(true);
});

test('nothing that only resembles an allowed request does', () => {
  for (const line of ALLOWED) {
    const [method = '', path = ''] = line.split(' ');
    const variants = [
      `${method} /${path}`,
      `${method} ${path}/`,
      `${method} ${path}//`,
      `${method} ${path}/.`,
      `${method} /.${path}`,
      `${method} /x/..${path}`,
      `${method} ${path.replace('/', '/./')}`,
      `${method} ${path.replace(/\/(?=[^/]*$)/, '//')}`,
      `${method} ${path.replace(/\/(?=[^/]*$)/, '%2F')}`,
      `${method} ${path.replace('s', '%73')}`,
      `${method} ${path.replace('s', 'S')}`,
      `${method} ${path.replace('s', 'ſ')}`,
      `${method} ${path.slice(1)}`,
      `${method} ${path}\n`,
      `${method} ${path};x=1`,
      `${method} ${path}%00`,
      `${method} http://elsewhere${path}`,
      `${method.toLowerCase()} ${path}`,
      `${method === 'GET' ? 'POST' : 'GET'} ${path}`,
      `HEAD ${path}`,
      `OPTIONS ${path}`,
      ` ${path}`,
    ];
    for (const variant of variants) {
      if (!ALLOWED.includes(variant)) expect(isAllowed(variant), variant).toBe(false);
    }
  }
});

test('ids are UUIDs: nothing else stands in their place', () => {
  for (const id of [
    '',
    '..',
    'x',
    `${ID}x`,
    ID.replace('-', ''),
    ID.replace('a', 'g'),
    `${ID}/..`,
    `..%2f${ID}`,
  ]) {
    expect(isAllowed(`GET /queries/${id}/result`), id).toBe(false);
  }
  expect(isAllowed(`GET /queries/${ID.toUpperCase()}/result`)).toBe(true);
});

test.each([
  'POST /api/v2/statements',
  'GET /',
  'GET /metrics',
  'POST /console/login',
  'GET /console/login/x',
  'CONNECT host:443',
])('%s is not passed on', (line) => {
  expect(isAllowed(line)).toBe(false);
});
