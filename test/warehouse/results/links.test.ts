import { describe, expect, test } from 'vitest';
import { resultFormat } from '../../../warehouse/results/format.js';
import { ResultLinks } from '../../../warehouse/results/links.js';
import type { PageName } from '../../../warehouse/results/links.js';

const NAME: PageName = {
  queryId: '01234567-89ab-4def-8123-456789abcdef',
  index: 3,
  format: 'json',
};

function reader(links: ResultLinks): (address: string) => PageName | undefined {
  return (address) => {
    const url = new URL(address);
    return links.read(url.pathname, url.searchParams);
  };
}

describe('addresses of result pages', () => {
  test('name their page until they expire', () => {
    let now = 1_000_000;
    const links = new ResultLinks(500, () => now, undefined);
    const url = links.url('http://127.0.0.1:1', NAME);
    expect(reader(links)(url)).toEqual(NAME);
    now += 499;
    expect(reader(links)(url)).toEqual(NAME);
    now += 1;
    expect(reader(links)(url)).toBeUndefined();
  });

  test('are refused when anything of them was changed, or another process made them', () => {
    const links = new ResultLinks(500, () => 0, undefined);
    const url = links.url('http://127.0.0.1:1', NAME);
    const changed = [
      url.replace('/3?', '/4?'),
      url.replace('format=json', 'format=arrow'),
      url.replace('expires=500', 'expires=900'),
      url.replace(/signature=./, 'signature='),
      url.replace('01234567', '11234567'),
      url.replace(/&signature.*/, ''),
    ];
    for (const each of changed) {
      expect(each).not.toBe(url);
      expect(reader(links)(each)).toBeUndefined();
    }
    expect(reader(new ResultLinks(500, () => 0, undefined))(url)).toBeUndefined();
  });

  test('lead to the host that the client named, or to the one that was set', () => {
    const links = new ResultLinks(500, () => 0, undefined);
    expect(links.base('localhost:8082')).toBe('http://localhost:8082');
    expect(links.base('[::1]:8082')).toBe('http://[::1]:8082');
    for (const host of [undefined, '', 'a b', 'x/../y', 'evil.example/?'])
      expect(links.base(host)).toBeUndefined();
    expect(new ResultLinks(1, () => 0, 'https://w.example/').base('other')).toBe(
      'https://w.example',
    );
  });
});

describe('the format of a result', () => {
  const SELECT = 0x1000;
  const of = (clientApp: string, clientVersion: string, asked?: [string, string]): string =>
    resultFormat(
      { clientApp, clientVersion, parameters: new Map(asked === undefined ? [] : [asked]) },
      SELECT,
    );

  test('is Arrow for the Python connector below 5, what is built over it and Go, and JSON for every other client', () => {
    expect(of('PythonConnector', '4.8.1')).toBe('arrow');
    expect(of('Go', '1.19.1')).toBe('arrow');
    expect(of('PythonSnowpark', '1.56.0')).toBe('arrow');
    expect(of('SnowflakeSQLAlchemy', '1.11.1')).toBe('arrow');
    expect(of('PythonConnector', '5.2.0')).toBe('json');
    expect(of('PythonConnector', '10.0.0')).toBe('json');
    for (const app of ['JavaScript', 'JDBC', '.NET', 'ODBC', 'C API', 'SnowSQL', ''])
      expect(of(app, '3.1.0')).toBe('json');
  });

  test('follows what the client asks for, except where it cannot read it', () => {
    const python = 'PYTHON_CONNECTOR_QUERY_RESULT_FORMAT';
    expect(of('PythonConnector', '4.8.1', [python, 'JSON'])).toBe('json');
    expect(of('PythonConnector', '5.2.0', [python, 'arrow_force'])).toBe('arrow');
    expect(of('Go', '1.19.1', ['GO_QUERY_RESULT_FORMAT', 'JSON'])).toBe('json');
    expect(of('JDBC', '4.0.2', ['JDBC_QUERY_RESULT_FORMAT', 'ARROW'])).toBe('arrow');
    expect(of('JavaScript', '3.3.0', [python, 'ARROW_FORCE'])).toBe('json');
  });

  test('is JSON for everything that is not a SELECT', () => {
    for (const type of [0x3100, 0x4400, 0x6000, 0xa000])
      expect(
        resultFormat(
          { clientApp: 'PythonConnector', clientVersion: '4.8.1', parameters: new Map() },
          type,
        ),
      ).toBe('json');
  });
});
