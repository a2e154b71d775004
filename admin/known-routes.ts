/** The routes that a server really has, as they registered: for 405, and for tests that nothing is left out. */
import type { FastifyInstance } from 'fastify';

export interface KnownRoute {
  readonly method: string;
  /** `/api/v1/teams/:team`. */
  readonly url: string;
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly knownRoutes: readonly KnownRoute[];
  }
}

/** Keeps every route that registers after this call. */
export function keepRoutes(app: FastifyInstance): void {
  const routes: KnownRoute[] = [];
  app.decorate('knownRoutes', routes);
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) routes.push({ method: each, url });
  });
}

/** The methods that `path` takes, sorted; none: there is nothing at this path. */
export function methodsAt(routes: readonly KnownRoute[], path: string): readonly string[] {
  const methods = routes.filter(({ url }) => patternOf(url).test(path)).map(({ method }) => method);
  return [...new Set(methods)].toSorted();
}

/** `/bills/:team/:month.:format` → each name is one part of the path, up to the next literal. */
function patternOf(url: string): RegExp {
  const escaped = url.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replace(/:[A-Za-z]+/g, '[^/]+')}$`);
}
