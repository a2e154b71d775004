/** What no engine here can run is read instead: compositions, scrape targets, alerts and what they point at. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROLES } from '../../base/setting-parsers.js';
import { SETTINGS } from '../../base/settings.js';
import { metricCatalogue } from '../support/metric-catalogue.js';
import { metricsOf } from './promql.js';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly user?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
}

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');
const parsed = (path: string): unknown => parse(read(path), { merge: true });
const isThere = (path: string): boolean => existsSync(fileURLToPath(new URL(path, ROOT)));

const compose = parsed('docker-compose.yml') as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
};
const services = Object.entries(compose.services).map(([name, service]) => ({ name, service }));
const ours = services.filter(({ service }) => service.image.startsWith('tollgate:'));

describe('the composition', () => {
  test('has two proxies behind a balancer, API, worker, warehouse, database, metrics and dashboards', () => {
    expect(services.map(({ name }) => name)).toEqual([
      'proxy-a',
      'proxy-b',
      'balancer',
      'admin',
      'worker',
      'warehouse',
      'postgres',
      'prometheus',
      'grafana',
    ]);
    const roles = ours.map(({ service }) => service.command?.[2]);
    expect(new Set(roles)).toEqual(new Set(ROLES));
    expect(roles.filter((role) => role === 'proxy')).toHaveLength(2);
  });

  test.each(services)(
    '$name runs a pinned image and listens on this machine only',
    ({ service }) => {
      expect(service.image).toMatch(/^[\w/-]+:v?\d+\.\d+(\.\d+)?[\w.-]*$/);
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    },
  );

  test('publishes no port twice', () => {
    const published = services
      .flatMap(({ service }) => service.ports ?? [])
      .map((port) => port.split(':')[1]);
    expect(new Set(published).size).toBe(published.length);
  });

  test.each(services)('$name mounts what exists', ({ service }) => {
    for (const volume of service.volumes ?? []) {
      const [from = ''] = volume.split(':');
      if (from.startsWith('./')) expect(isThere(from), from).toBe(true);
      else expect(Object.keys(compose.volumes)).toContain(from);
    }
  });

  test.each(ours)(
    '$name is configured by settings that exist, on a read-only root',
    ({ service }) => {
      const known = Object.values(SETTINGS).map(({ environment }) => environment);
      const names = Object.keys(service.environment ?? {});
      expect(names.length).toBeGreaterThan(5);
      for (const name of names) expect(known).toContain(name);
      expect(service.read_only).toBe(true);
      const graceSeconds = Number.parseInt(service.stop_grace_period ?? '0', 10);
      expect(graceSeconds).toBeGreaterThan(SETTINGS.drainTimeoutSeconds.fallback);
    },
  );

  test('takes every secret from the environment, and the example names them all', () => {
    const wanted = [...read('docker-compose.yml').matchAll(/\$\{([A-Z_]+)/g)].map(
      (match) => match[1] ?? '',
    );
    const named = [...read('.env.example').matchAll(/^([A-Z_]+)=/gm)].map(
      (match) => match[1] ?? '',
    );
    expect(new Set(named)).toEqual(new Set(wanted));
    expect(read('.env.example')).toMatch(/^POSTGRES_PASSWORD=$/m);
  });
});

describe('what is not ours', () => {
  test('answers for its health, and all but Postgres have no rights that they do not use', () => {
    for (const name of ['postgres', 'prometheus', 'grafana', 'balancer'])
      expect(compose.services[name]?.healthcheck?.test.length, name).toBeGreaterThan(1);
    for (const name of ['prometheus', 'grafana', 'balancer'])
      expect(compose.services[name], name).toMatchObject({
        read_only: true,
        tmpfs: ['/tmp'],
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
  });

  test('the balancer knows the proxies, asks them whether they live, and repeats nothing that was sent', () => {
    const config = read('dashboards/provisioning/balancer/haproxy.cfg');
    const proxies = ours.filter(({ service }) => service.command?.[2] === 'proxy');
    for (const { name } of proxies) expect(config).toContain(`server ${name} ${name}:8080`);
    expect(config.match(/^ {2}server /gm)).toHaveLength(proxies.length);
    expect(config).toMatch(/^ {2}option httpchk GET \/livez$/m);
    expect(config).toMatch(/^ {2}retry-on conn-failure$/m);
    expect(config).toMatch(/^ {2}option forwardfor$/m);
    for (const { service } of proxies) {
      expect(service.ports).toBeUndefined();
      expect(service.environment?.['TOLLGATE_TRUSTED_PROXIES']).toContain('172.16.0.0/12');
    }
  });
});

describe('the image', () => {
  test('is built in two stages, runs without root and is asked for its health', () => {
    const text = read('Dockerfile');
    expect(text.match(/^FROM node:24-slim/gm)).toHaveLength(2);
    expect(text).toMatch(/^USER node$/m);
    expect(text).toMatch(/^HEALTHCHECK .*\n.*\/livez/m);
    expect(text.lastIndexOf('USER node')).toBeLessThan(text.indexOf('ENTRYPOINT'));
  });

  test('leaves secrets and local state out', () => {
    const ignored = read('.dockerignore').split('\n');
    for (const path of ['.git', '.env', '.tollgate', '**/node_modules', 'dist'])
      expect(ignored).toContain(path);
  });
});

describe('metrics and alerts', () => {
  test('every target is a service of the composition', () => {
    const config = parsed('dashboards/prometheus.yml') as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    const targets = config.scrape_configs.flatMap((job) =>
      job.static_configs.flatMap(({ targets: all }) => all),
    );
    expect(targets.map((target) => target.split(':')[0])).toEqual(ours.map(({ name }) => name));
    for (const target of targets) expect(target).toMatch(/:8081$/);
  });

  test('every alert asks for metrics that exist and points at a section that exists', () => {
    const known = new Map(metricCatalogue().metrics.map((each) => [each.name, each]));
    const sections = new Set(
      [...read('docs/operations.md').matchAll(/^#+ (.+)$/gm)].map((match) => slug(match[1] ?? '')),
    );
    const rules = alertRules();
    expect(rules.length).toBeGreaterThan(25);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { expr, labels, annotations } of rules) {
      const { metrics, unknown } = metricsOf(expr, known);
      expect(metrics.length, expr).toBeGreaterThan(0);
      expect(unknown, expr).toEqual([]);
      expect(labels.severity).toMatch(/^(page|ticket)$/);
      expect(annotations.summary).toMatch(/\.$/);
      const [file, section] = annotations.runbook.split('#');
      expect(file).toBe('docs/operations.md');
      expect(sections).toContain(section);
    }
  });

  test('the alert of limits and the panel of queues look at the same, and only at what there is', () => {
    const near = alertRules().find(({ alert }) => alert === 'TollgateLimitNear')?.expr ?? '';
    const [, names = ''] = /resource=~"([^"]+)"/.exec(near) ?? [];
    expect(names.split('|').length).toBeGreaterThan(10);
    expect(read('dashboards/platform.json')).toContain(JSON.stringify(`"${names}"`).slice(1, -1));
    const resources = metricCatalogue().limits.map(({ resource }) => resource);
    for (const name of names.split('|'))
      expect(
        resources.some((resource) => new RegExp(`^(?:${name})$`).test(resource)),
        name,
      ).toBe(true);
  });

  test('every alert has a scenario in which it is quiet, fires once, and is quiet again', () => {
    const { rule_files: files, tests } = parsed('test/dashboards/alerts.promtool.yml') as {
      rule_files: string[];
      tests: {
        input_series: unknown[];
        alert_rule_test: { alertname: string; exp_alerts: unknown[] }[];
      }[];
    };
    expect(files.map((file) => file.replace('../../dashboards/alerts/', '')).sort()).toEqual(
      readdirSync(fileURLToPath(new URL('dashboards/alerts/', ROOT))).sort(),
    );
    const scenarios = new Map(
      tests.map((scenario) => [
        scenario.alert_rule_test[0]?.alertname,
        scenario.alert_rule_test.map(({ exp_alerts: alerts }) => alerts.length),
      ]),
    );
    expect(new Set(scenarios.keys())).toEqual(new Set(alertRules().map(({ alert }) => alert)));
    for (const counts of scenarios.values()) expect(counts).toEqual([0, 1, 0]);
  });

  test('the dashboards folder of Grafana gets every dashboard', () => {
    const mounted = (compose.services['grafana']?.volumes ?? []).join('\n');
    const files = readdirSync(fileURLToPath(new URL('dashboards/', ROOT))).filter((name) =>
      name.endsWith('.json'),
    );
    expect(files.length).toBeGreaterThan(0);
    for (const file of files)
      expect(mounted).toContain(`./dashboards/${file}:/var/lib/grafana/dashboards/${file}:ro`);
    const provider = parsed('dashboards/provisioning/dashboards/tollgate.yml') as {
      providers: { options: { path: string } }[];
    };
    expect(provider.providers[0]?.options.path).toBe('/var/lib/grafana/dashboards');
  });

  test('the data sources are the services, and the password is not in the file', () => {
    const { datasources } = parsed('dashboards/provisioning/datasources/tollgate.yml') as {
      datasources: { url: string; type: string; secureJsonData?: { password: string } }[];
    };
    expect(datasources.map(({ url }) => url)).toEqual(['postgres:5432', 'http://prometheus:9090']);
    expect(datasources[0]?.secureJsonData?.password).toBe('$GRAFANA_DATABASE_PASSWORD');
  });
});

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

function alertRules(): readonly AlertRule[] {
  const folder = new URL('dashboards/alerts/', ROOT);
  return readdirSync(fileURLToPath(folder)).flatMap((file) => {
    const { groups } = parse(readFileSync(new URL(file, folder), 'utf8')) as {
      groups: { rules: AlertRule[] }[];
    };
    return groups.flatMap(({ rules }) => rules);
  });
}

/** The anchor that renderers make of a heading. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .trim()
    .replace(/ /g, '-');
}
