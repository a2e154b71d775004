import { describe, expect, test } from 'vitest';
import type { Session } from '../../../warehouse/identity/sessions.js';
import {
  isLoopback,
  transferFields,
  transferRefusal,
} from '../../../warehouse/stages/file-transfer.js';

function session(clientApp: string, clientVersion: string): Session {
  return {
    id: 1,
    user: { name: 'A', roles: [] },
    role: 'R',
    secondaryRoles: 'NONE',
    roleLimit: null,
    inherited: new Map(),
    warehouse: null,
    database: null,
    schema: null,
    parameters: new Map(),
    variables: new Map(),
    lastQueryIds: [],
    clientApp,
    clientVersion,
  };
}

const PUT = 'PUT file:///x @s';
const BINDS = "put 'file:///tmp/placeholder/1' '@SYSTEM$BIND/7' overwrite=true";

describe('who may put and get', () => {
  test.each([
    ['PythonConnector', '4.7.0', PUT, true],
    ['PythonConnector', '5.0.0', PUT, false],
    ['PythonSnowpark', '1.56.0', PUT, true],
    ['SnowflakeSQLAlchemy', '1.11.1', PUT, true],
    ['JavaScript', '3.3.0', PUT, true],
    ['JavaScript', '3.3.0', BINDS, false],
    ['Go', '1.19.1', PUT, true],
    ['Go', '1.19.1', BINDS, false],
    ['Go', '1.19.1', ' get @s file:///x', false],
    ['JDBC', '4.0.2', BINDS, true],
    ['ODBC', '3.4.0', PUT, false],
  ])('%s %s with %s: %s', (app, version, sql, isAllowed) => {
    expect(transferRefusal(session(app, version), true, sql) === undefined).toBe(isAllowed);
  });

  test('nobody from another machine', () => {
    expect(transferRefusal(session('JDBC', '4.0.2'), false, PUT)).toMatchObject({
      code: '000002',
      message: expect.stringContaining('another machine'),
    });
    expect(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'].every(isLoopback)).toBe(true);
    expect(
      ['10.0.0.1', '::ffff:10.0.0.1', '1270.0.0.1', 'fe80::1', undefined].some(isLoopback),
    ).toBe(false);
  });

  test('the reply has every field that drivers read, without credentials', () => {
    const fields = transferFields({
      command: 'UPLOAD',
      sources: ['/x'],
      location: '/stages/named/1',
      localLocation: null,
      parallel: 4,
      isCompressed: true,
      isOverwriting: false,
      sourceCompression: 'auto_detect',
    });
    expect(fields).toMatchObject({
      command: 'UPLOAD',
      src_locations: ['/x'],
      encryptionMaterial: null,
      stageInfo: { locationType: 'LOCAL_FS', location: '/stages/named/1', creds: {} },
    });
    expect(fields).not.toHaveProperty('localLocation');
  });
});
